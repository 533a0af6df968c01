"""Changes at run time: checked whole, saved durably, handed to the workers, and only then answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import structlog

from sidecar.alerts.channels import parse_address
from sidecar.app.compile import compile_settings
from sidecar.app.config import Config
from sidecar.app.registered import add_registered, with_registered, without_registered
from sidecar.app.state import Declared, Engine, Registered, State, save_state
from sidecar.experiments.lifecycle import Trial
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
    """The effective settings of this sidecar, and the only way to change them while it runs.

    ``config`` is the file's with the upstreams of registered versions."""

    def __init__(self, config: Config, state: State, apply: Callable[[ProxySettings], None]) -> None:
        # a new life has a new version: workers take its settings, whatever changed while there was no monitor
        self.state = under_default(config, state.model_copy(update={"version": state.version + 1}))
        self._file = config
        self.config = with_registered(config, self.state)
        try:
            save_state(config.data_dir, self.state)
        except OSError as error:
            log.error("settings_not_saved", error=str(error))
        self._apply = apply
        self.on_change: Callable[[Config], None] = lambda _: None

    def compiled(self) -> ProxySettings:
        return compile_settings(self.config, self.state)

    def settings_version(self) -> int:
        return self.state.version

    def settings(self) -> dict[str, Any]:
        """The effective configuration; values that may be secret are hidden. ``came_from`` has the origin (file,
        environment, flag) of each setting that was given, by its dotted path, such as upstreams[0].url."""
        shown = self.config.model_dump(mode="json")
        for stream in shown["stream"]:
            stream["headers"] = dict.fromkeys(stream["headers"], "***")
            stream["url"] = _without_secrets(stream["url"])
        shown["notify"] = _without_notify_secrets(shown["notify"])
        # of a webhook's address only the host: its path may be a secret
        for part in (shown["alerts"], *shown["experiments"]):
            name = "notify" if "notify" in part else "default_notify"
            part[name] = [parse_address(channel).shown for channel in _listed(part[name])]
        for trainer in shown["trainers"]:
            trainer["environment"] = dict.fromkeys(trainer["environment"], "***")
            trainer["webhook"] = trainer["webhook"] and urlsplit(trainer["webhook"]).hostname
        shown["production"] = dict(self.state.production)
        shown["version"] = self.state.version
        shown["came_from"] = dict(self._file.came_from)
        return shown

    def serving(self, model: str) -> str:
        """The variant that serves a model (``*``: all that have none of their own) where no test claims it."""
        own = next((route.upstream for route in self.config.routes if route.upstream and route.model == model), "")
        production = self._production()
        return production.get(model) or own or production.get("*") or self.config.default

    def elsewhere(self, model: str, variant: str) -> str:
        """What serves ``model`` now where that isn't ``variant``; of ``*`` also a single model's promotion. Else ""."""
        serving = [self.serving(model)]
        if model == "*":
            serving += self._production().values()
        return next((name for name in serving if name != variant), "")

    def _production(self) -> dict[str, str]:
        """What was promoted and is still there."""
        names = {upstream.name for upstream in self.config.upstreams}
        return {model: variant for model, variant in self.state.production.items() if variant in names}

    def follow(self, trials: Sequence[Trial], serve: tuple[str, str] | None = None, promoted_at: float = 0.0) -> None:
        """These are the tests under way; ``serve`` says which variant serves a model from now on, by a promotion where
        ``promoted_at`` says when. Raises OSError."""
        production = dict(self.state.production)
        if serve is not None and self.elsewhere(*serve):
            # what is promoted for all models is so for those that had one of their own
            production = {serve[0]: serve[1]} if serve[0] == "*" else {**production, serve[0]: serve[1]}
        self._change(
            trials=tuple(trial.to_dict() for trial in trials),
            production=production,
            promoted_at=max(promoted_at, self.state.promoted_at),
        )

    def declare(self, declared: Mapping[str, Declared]) -> None:
        """Remember what of the configuration was taken up. Raises OSError."""
        if declared != self.state.declared:
            self._change(declared=dict(declared))

    def register(self, item: Registered) -> None:
        """A version can be served from now on, in the place of the one of its model and version, under a name that it
        gets here. Raises RegistryFull and OSError."""
        taken = [upstream.name for upstream in self._file.upstreams]
        self._change(registered=add_registered(self.state, item, taken))

    def unregister(self, model: str, version: str) -> None:
        """That version has no upstream any more, where it had one of its own. Raises OSError."""
        left = without_registered(self.state, model, version)
        if left != self.state.registered:
            self._change(registered=left)

    def set_engine(self, model: str, engine: Engine) -> None:
        """How images of a model are chosen from now on. Raises OSError."""
        self._change(engines={**self.state.engines, model: engine})

    def reload(self, config: Config) -> None:
        """A new configuration came from the supervisor, already checked."""
        state = self.state.model_copy(update={"version": self.state.version + 1})
        self._commit(config, under_default(config, state))

    def _change(self, **fields: Any) -> None:
        state = self.state.model_copy(update={"version": self.state.version + 1, **fields})
        self._commit(self._file, state)

    def _commit(self, config: Config, state: State) -> None:
        """Durable first: a worker must never follow what a restart would forget."""
        save_state(config.data_dir, state)
        self._file, self.config, self.state = config, with_registered(config, state), state
        self.on_change(self.config)
        self._apply(self.compiled())


def _listed(channels: Any) -> list[str]:
    """One channel may stand alone."""
    return [channels] if isinstance(channels, str) else list(channels or ())


def under_default(config: Config, state: State) -> State:
    """The state under the configuration's default upstream. Where that is another than before, a person has said anew
    what serves, and what was promoted yields."""
    if state.default_seen == config.default:
        return state
    production = state.production if not state.default_seen else {}
    return state.model_copy(update={"default_seen": config.default, "production": production})
