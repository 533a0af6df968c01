"""The configuration: one YAML file, ``SIDECAR_`` environment variables, command-line flags; the later wins.

A nested setting's variable joins its path by two underscores: ``SIDECAR_LISTEN__PORT=9000``.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from sidecar.app.admin_config import AdminConfig, admin_faults
from sidecar.app.feedback_config import FeedbackConfig, feedback_faults
from sidecar.app.origins import Origin, origins_of
from sidecar.app.parts import Duration, Name, Part, Port, Share, like
from sidecar.app.sampling_config import SamplingConfig
from sidecar.app.tls_config import listen_tls_faults, upstream_file_faults, upstream_tls_faults
from sidecar.app.training_config import TrainerConfig, trainer_faults
from sidecar.app.trials_config import ExperimentConfig, ShadowConfig, test_faults
from sidecar.app.upstream_config import UpstreamConfig, own_port_faults
from sidecar.app.watch_config import AlertsConfig, DriftConfig, NotifyConfig, notify_faults
from sidecar.proxy.routing import compile_path


def _network(text: str) -> str:
    try:
        ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(f"{error}; expected an address or network such as 10.0.0.0/8") from error
    return text


def _route_path(path: str) -> str:
    try:
        compile_path(path)
    except re.error as error:
        raise ValueError(f"{path!r} is no route ({error}); expected e.g. /models/{{model}}/detect") from error
    return path


PATH = "a path that begins with / and has no spaces"
Network = Annotated[str, AfterValidator(_network)]


class ListenConfig(Part):
    """The data port, where clients point, and the port of the probes. With ``tls_cert_file`` and ``tls_key_file`` the
    data port speaks HTTPS, and nothing else."""

    host: str = "127.0.0.1"
    port: Port = 8080
    health_port: Port = 8082
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None

    @property
    def scheme(self) -> str:
        """What clients put before the address."""
        return "http" if self.tls_cert_file is None else "https"


class RouteConfig(Part):
    """A prediction route beside those the dialects know by themselves."""

    path: Annotated[str, like(r"/\S*", PATH), AfterValidator(_route_path)]
    methods: tuple[str, ...] = ("POST",)
    dialect: Literal["auto", "kserve_v2", "tensorflow_serving", "torchserve", "roboflow", "ultralytics"] = "auto"
    model: str = ""
    upstream: str = ""


class ModelConfig(Part):
    """How the answers of one model (``*``: all others) are read. ``score_threshold`` is its operating point.

    ``independent_images`` declares that no two images are of one scene or one camera's day (a photo collection): then
    single images are compared for drift. It is false for anything that films.
    """

    name: str = "*"
    score_threshold: Share = 0.25
    class_names: tuple[str, ...] = ()
    class_names_file: Path | None = None
    outputs: dict[Literal["boxes", "scores", "classes", "count"], str] = Field(default_factory=dict)
    box_format: Literal["", "xyxy", "yxyx", "xywh", "cxcywh"] = ""
    normalised: bool | None = None
    independent_images: bool = False


class RetentionConfig(Part):
    age_days: Annotated[float, Field(gt=0)] = 30.0
    bytes_max: Annotated[int, Field(ge=16 << 20)] = 10 << 30


class StreamConfig(Part):
    """A monitoring backend that gets the closed summaries."""

    name: Name = "backend"
    url: Annotated[str, like(r"https?://[^\s/]+\S*", "an address such as https://hub.example.com/in", is_url=True)]
    headers: dict[str, str] = Field(default_factory=dict)
    outbox_bytes_max: Annotated[int, Field(ge=1 << 20)] = 512 << 20


class LimitsConfig(Part):
    """Bounds a person may want to move; all others stand in ``sidecar.types.Limits``."""

    body_bytes_max: Annotated[int, Field(gt=0)] = 1 << 30
    connections_max: Annotated[int, Field(gt=0)] = 10_000
    upstream_connections_max: Annotated[int, Field(gt=0)] = 256
    upstream_pending_max: Annotated[int, Field(ge=0)] = 1_024
    connect_timeout_s: Annotated[Duration, Field(gt=0)] = 3.0
    first_byte_timeout_s: Annotated[Duration, Field(gt=0)] = 60.0
    idle_timeout_s: Annotated[Duration, Field(gt=0)] = 60.0
    body_bytes_per_s_min: Annotated[int, Field(ge=0)] = 500
    total_timeout_s: Annotated[Duration, Field(ge=0)] = 0.0
    ejection_failures: Annotated[int, Field(ge=0)] = 5
    ejection_s: Annotated[Duration, Field(gt=0)] = 10.0
    ejection_max_s: Annotated[Duration, Field(gt=0)] = 300.0
    drain_delay_s: Annotated[Duration, Field(ge=0)] = 0.0
    drain_idle_s: Annotated[Duration, Field(ge=0)] = 1.0
    drain_grace_s: Annotated[Duration, Field(gt=0)] = 20.0
    ring_bytes_max: Annotated[int, Field(ge=0)] = 64 << 20
    tap_bytes_max: Annotated[int, Field(ge=1 << 20)] = 64 << 20


TOKEN_FILE_VARIABLE = "SIDECAR_ADMIN_TOKEN_FILE"
"""Stands for ``SIDECAR_ADMIN__TOKEN_FILE``."""


class Config(BaseSettings):
    """Everything that can be set. ``came_from`` has, by their dotted paths, the origins of what is not a default."""

    model_config = SettingsConfigDict(
        env_prefix="SIDECAR_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
        hide_input_in_errors=True,
    )

    listen: ListenConfig = ListenConfig()
    admin: AdminConfig = AdminConfig()
    data_dir: Path = Path("sidecar-data")
    upstreams: Annotated[tuple[UpstreamConfig, ...], Field(min_length=1)]
    default_upstream: str = ""
    routes: tuple[RouteConfig, ...] = ()
    models: tuple[ModelConfig, ...] = ()
    experiments: tuple[ExperimentConfig, ...] = ()
    shadows: tuple[ShadowConfig, ...] = ()
    sampling: SamplingConfig = SamplingConfig()
    feedback: FeedbackConfig = FeedbackConfig()
    trainers: tuple[TrainerConfig, ...] = ()
    retention: RetentionConfig = RetentionConfig()
    drift: DriftConfig = DriftConfig()
    alerts: AlertsConfig = AlertsConfig()
    notify: NotifyConfig = NotifyConfig()
    stream: tuple[StreamConfig, ...] = ()
    limits: LimitsConfig = LimitsConfig()
    trusted_proxies: tuple[Network, ...] = ()
    slice_by: Annotated[str, like(r"(route|header:[A-Za-z0-9_-]+)?", "route, header:NAME, or empty")] = ""
    health_path: Annotated[str, like(r"(/\S*)?", f"{PATH}, such as /v2/health/ready, or empty")] = ""
    log_format: Literal["console", "json"] = "console"
    _came_from: Mapping[str, Origin] = PrivateAttr(default_factory=dict)

    @property
    def came_from(self) -> Mapping[str, Origin]:
        return self._came_from

    def __eq__(self, other: object) -> bool:
        """Where a value came from makes no difference: a file of the same values changes nothing."""
        return self.__dict__ == other.__dict__ if isinstance(other, Config) else NotImplemented

    def told_from(self, came_from: Mapping[str, Origin]) -> Config:
        """The same with these origins."""
        told = self.model_copy()
        told._came_from = dict(came_from)
        return told

    @property
    def default(self) -> str:
        """The upstream that serves what no experiment claims: the named one, else the first."""
        return self.default_upstream or self.upstreams[0].name

    @model_validator(mode="after")
    def _names_exist(self) -> Config:
        faults = list(_reference_faults(self))
        if faults:
            raise ValueError("\n".join(faults))
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then environment, then the file; the file arrives as the argument ``file_``."""
        arguments = dict(init_settings())
        from_file = arguments.pop("file_", {})
        if TOKEN_FILE_VARIABLE in os.environ:  # as containers know it; the name by the rule wins over it
            admin = from_file.get("admin")
            of_admin = dict(admin) if isinstance(admin, dict) else {}
            from_file = {**from_file, "admin": {**of_admin, "token_file": os.environ[TOKEN_FILE_VARIABLE]}}
        return (
            InitSettingsSource(settings_cls, arguments),
            env_settings,
            InitSettingsSource(settings_cls, from_file),
        )


def _reference_faults(config: Config) -> list[str]:
    """Faults that are not of one field: names that stand for nothing, or for two things. Each begins with its place."""
    faults = []
    names = [upstream.name for upstream in config.upstreams]
    known = " or ".join(names)
    for index, name in enumerate(names):
        if name in names[:index]:
            faults.append(f"upstreams.{index}.name: {name!r} is taken by an earlier upstream, names must differ")
    if config.default_upstream and config.default_upstream not in names:
        faults.append(f"default_upstream: no upstream is called {config.default_upstream!r}, expected {known}")
    for index, route in enumerate(config.routes):
        if route.upstream and route.upstream not in names:
            faults.append(f"routes.{index}.upstream: no upstream is called {route.upstream!r}, expected {known}")
    for index, model in enumerate(config.models):
        if model.class_names_file is not None and not model.class_names_file.is_file():
            faults.append(f"models.{index}.class_names_file: {str(model.class_names_file)!r} is no file")
    in_use = _in_use.get()
    if _starting.get():
        faults += admin_faults(config.admin, config.data_dir)
        faults += listen_tls_faults(config.listen)
        faults += upstream_file_faults(config.upstreams)
        faults += own_port_faults(config.upstreams, config.listen)
    elif in_use is not None:
        faults += upstream_file_faults(config.upstreams, in_use.upstreams)
        faults += own_port_faults(config.upstreams, in_use.listen)
    faults += upstream_tls_faults(config.upstreams)
    faults += feedback_faults(config.feedback, [route.path for route in config.routes])
    faults += notify_faults(config.notify)
    faults += trainer_faults(config.trainers)
    faults += test_faults(config.experiments, config.shadows, names)
    ports = {"listen.port": config.listen.port, "listen.health_port": config.listen.health_port}
    for place, port in ports.items():
        if port and port == config.admin.port:
            faults.append(f"admin.port: {port} is {place} too, ports must differ")
    if config.listen.port and config.listen.port == config.listen.health_port:
        faults.append(f"listen.health_port: {config.listen.port} is listen.port too, ports must differ")
    return faults


_starting = ContextVar("starting", default=True)
_in_use: ContextVar[Config | None] = ContextVar("in_use", default=None)


@contextlib.contextmanager
def while_running(in_use: Config | None = None) -> Iterator[None]:
    """Within it what must hold only for a start is not asked: no monitor stays away, and no reload is refused, because
    the last token has expired meanwhile. ``in_use`` is what a reload would replace: upstreams that are new against it
    must be good."""
    starting, replaced = _starting.set(False), _in_use.set(in_use)
    try:
        yield
    finally:
        _starting.reset(starting)
        _in_use.reset(replaced)


def config_of_running(document: dict[str, Any], came_from: Mapping[str, Origin] = MappingProxyType({})) -> Config:
    """The configuration of a sidecar that runs, as ``model_dump`` has it, and where that came from."""
    with while_running():
        return Config(**document).told_from(came_from)


def config_from(arguments: dict[str, Any], from_file: dict[str, Any]) -> Config:
    """A Config of flags over environment over file. Raises pydantic.ValidationError."""
    environment = EnvSettingsSource(Config)()
    if TOKEN_FILE_VARIABLE in os.environ:
        admin = environment.get("admin")
        of_admin = dict(admin) if isinstance(admin, dict) else {}
        environment = {**environment, "admin": {"token_file": os.environ[TOKEN_FILE_VARIABLE], **of_admin}}
    given = Config(**{**arguments, "file_": from_file})
    return given.told_from(origins_of(from_file, environment, arguments))
