"""Changes at run time: checked whole, saved durably, handed to the workers, and only then answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import structlog
from pydantic import ValidationError

from sidecar.alerts.channels import parse_address
from sidecar.api.schemas import ExperimentIn
from sidecar.api.services import ControlError
from sidecar.app.compile import compile_settings, experiments_in_force, with_epochs
from sidecar.app.config import Config, ExperimentConfig
from sidecar.app.state import State, save_state
from sidecar.types import ProxySettings

log = structlog.get_logger()


def _without_secrets(url: str) -> str:
    """A URL without its user, password and query, where tokens like to travel.

    >>> _without_secrets("https://me:pw@hub:8443/in?token=t")
    'https://hub:8443/in'
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _without_notify_secrets(notify: dict[str, Any]) -> dict[str, Any]:
    """The channels without what gives access to them: of addresses that are secrets in themselves only the host."""
    hidden: dict[str, Any] = {name: dict.fromkeys(notify[name], "***") for name in ("slack", "apprise")}
    for kind in ("webhooks", "alertmanagers"):
        hidden[kind] = [item | {"url": urlsplit(item["url"]).hostname} for item in notify[kind]]
    return notify | hidden | {"link": _without_secrets(notify["link"])}


class Control:
    """The effective settings of this sidecar, and the only way to change them while it runs."""

    def __init__(self, config: Config, state: State, apply: Callable[[ProxySettings], None]) -> None:
        self.config = config
        # a new life has a new version: workers take its settings, whatever changed while there was no monitor
        self.state = with_epochs(config, state.model_copy(update={"version": state.version + 1}))
        try:
            save_state(config.data_dir, self.state)
        except OSError as error:
            log.error("settings_not_saved", error=str(error))
        self._apply = apply
        self.on_change: Callable[[Config], None] = lambda _: None

    def compiled(self) -> ProxySettings:
        return compile_settings(self.config, self.state)

    def settings(self) -> dict[str, Any]:
        """The effective configuration; values that may be secret are hidden."""
        shown = self.config.model_dump(mode="json")
        for stream in shown["stream"]:
            stream["headers"] = dict.fromkeys(stream["headers"], "***")
            stream["url"] = _without_secrets(stream["url"])
        shown["notify"] = _without_notify_secrets(shown["notify"])
        # of a webhook's address only the host: its path may be a secret
        channels = shown["alerts"]["default_notify"]
        shown["alerts"]["default_notify"] = [parse_address(channel).shown for channel in channels]
        shown["experiments"] = self.experiments()
        shown["version"] = self.state.version
        return shown

    def experiments(self) -> list[dict[str, Any]]:
        """Experiments in force, each with its epoch."""
        return [
            {**item.model_dump(mode="json"), "epoch": self.state.epochs[item.name][1]}
            for item in experiments_in_force(self.config, self.state)
        ]

    async def set_experiment(self, wanted: ExperimentIn) -> dict[str, Any]:
        """Start an experiment or change the one of that name. Raises ControlError naming the field."""
        try:
            item = ExperimentConfig.model_validate(wanted.model_dump(exclude_none=True))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"])) or "experiment"
            raise ControlError(field, first["msg"].removeprefix("Value error, ")) from error
        others = [other for other in experiments_in_force(self.config, self.state) if other.name != item.name]
        self._check(item, others)
        self._change((*others, item))
        return next(shown for shown in self.experiments() if shown["name"] == item.name)

    async def stop_experiment(self, name: str) -> dict[str, Any]:
        """End an experiment: its traffic goes to the default upstream. Raises ControlError where there is none."""
        stopped = [shown for shown in self.experiments() if shown["name"] == name]
        if not stopped:
            raise ControlError("name", f"no experiment is called {name!r}")
        kept = [item for item in experiments_in_force(self.config, self.state) if item.name != name]
        self._change(tuple(kept))
        return stopped[0]

    def reload(self, config: Config) -> None:
        """A new configuration came from the supervisor, already checked."""
        state = self.state.model_copy(update={"version": self.state.version + 1})
        self._commit(config, with_epochs(config, state))

    def _check(self, item: ExperimentConfig, others: list[ExperimentConfig]) -> None:
        names = [upstream.name for upstream in self.config.upstreams]
        for field in ("control", "treatment"):
            if getattr(item, field) not in names:
                raise ControlError(
                    field, f"no upstream is called {getattr(item, field)!r}, expected {' or '.join(names)}"
                )
        if item.control == item.treatment:
            raise ControlError("treatment", f"must differ from control ({item.control!r})")
        for other in others:
            if "*" in {item.model, other.model} or item.model == other.model:
                raise ControlError("model", f"experiment {other.name!r} already splits the traffic of {other.model!r}")

    def _change(self, experiments: tuple[ExperimentConfig, ...]) -> None:
        state = self.state.model_copy(update={"version": self.state.version + 1, "experiments": experiments})
        self._commit(self.config, with_epochs(self.config, state))

    def _commit(self, config: Config, state: State) -> None:
        """Durable first: a worker must never follow what a restart would forget."""
        save_state(config.data_dir, state)
        self.config, self.state = config, state
        self.on_change(config)
        self._apply(self.compiled())
