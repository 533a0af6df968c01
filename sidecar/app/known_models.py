"""Which models and versions there are: those with traffic, those of the configuration, those that were registered."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sidecar.app.config import Config
from sidecar.app.control import Control
from sidecar.app.registered import model_of
from sidecar.app.upstream_config import UpstreamConfig
from sidecar.recording import ModelVersionRow, ModelVersions, Reader

ANY_MODEL = "*"
Pair = tuple[str, str]
"""A model and one of its versions; the version is empty for the model itself."""


class Known(NamedTuple):
    """All that is known at one moment. ``recorded`` are those with traffic, ``rows`` what was registered or trained."""

    config: Config
    recorded: Collection[Pair]
    rows: Collection[ModelVersionRow]


class KnownModels:
    """Asks all who know of models. ``control`` has the configuration with the upstreams of registered versions."""

    def __init__(self, reader: Reader, models: ModelVersions, control: Control) -> None:
        self._reader = reader
        self._models = models
        self._control = control

    async def pairs(self) -> list[Pair]:
        """Every model, and every version that may be asked for. Raises StoreError."""
        found = {*await self._reader.models(), *await self._models.names()}
        return sorted(known_pairs(self._control.config, found))

    async def all(self) -> Known:
        """Raises StoreError."""
        return Known(self._control.config, await self._reader.models(), await self._models.all())

    async def base(self, model_id: str) -> tuple[str, str]:
        """The version that ``model_id`` means, as name@version: of a model alone the one that serves it; and why it
        means none, else "". Raises StoreError."""
        pairs = await self.pairs()
        models = {model for model, _ in pairs}
        model, at, version = model_id.rpartition("@")
        if model_id in models or (not models and not at):
            return f"{model_id}@{self.serving(model_id)}", ""
        if not models or (at and (model, version) in pairs and version):
            return model_id, ""
        ids = [f"{of}@{known}" if known else of for of, known in pairs]
        return model_id, f"no model or version is called {model_id[:100]!r}; there are {', '.join(ids[:20])}"

    def serving(self, model: str) -> str:
        """The version under which the answers of what serves ``model`` are recorded, where no test claims them."""
        name = self._control.serving(model)
        return next((version_of(item) for item in self._control.config.upstreams if item.name == name), name)


def version_of(upstream: UpstreamConfig) -> str:
    """What its answers are recorded under, unless the request's path names a version."""
    return upstream.version or upstream.name


def configured_models(config: Config) -> set[str]:
    """The models that the configuration names."""
    named = {item.name for item in config.models} | {route.model for route in config.routes}
    named |= {test.model for test in config.experiments} | {test.model for test in config.shadows}
    named |= {model for trainer in config.trainers for model in trainer.models}
    return {name for name in named if name not in ("", ANY_MODEL)}


def known_pairs(config: Config, found: Iterable[Pair]) -> set[Pair]:
    """Those of ``found`` and of the configuration, each model itself, and each with the versions of the upstreams that
    may answer for it. ``config`` has the upstreams of registered versions."""
    pairs = {(model, version) for model, version in found if model}
    pairs |= {(model_of(item), item.version) for item in config.upstreams if model_of(item)}
    for model in {model for model, _ in pairs} | configured_models(config):
        pairs.add((model, ""))
        pairs |= {(model, version_of(item)) for item in config.upstreams if model_of(item) in ("", model)}
    return pairs
