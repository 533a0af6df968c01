"""What the API asks about data engines: how images of each model are chosen, and what that kept."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from sidecar.api.data_engines import DataEngineFigures
from sidecar.api.errors import Conflict, ControlError, NotThere
from sidecar.app.config import Config
from sidecar.app.control import Control
from sidecar.app.state import Engine as StoredEngine
from sidecar.app.state import State
from sidecar.data_engine import ConfigError, DataEngine, Engine, sampling_config
from sidecar.recording import Datasets
from sidecar.watch import Fault, scope_of

ANY_MODEL = "*"
ENGINES_MAX = 1_000
Document = dict[str, Any]


def engines_of(config: Config, state: State) -> dict[str, Engine]:
    """By model, how its images are chosen: as a person set it at run time, else (``*``) as the configuration says."""
    found = {ANY_MODEL: Engine(config.sampling.rules)}
    for model, stored in state.engines.items():
        found[model] = Engine(sampling_config(stored.config, "config"), stored.dataset_id)
    return found


class DataEnginesApi:
    """``api.data_engines.DataEngines`` over the engine that chooses and the settings that last. ``known`` gives every
    (model, version) there is; a version's images are chosen as its model's are."""

    def __init__(
        self,
        engine: DataEngine,
        control: Control,
        datasets: Datasets,
        known: Callable[[], Awaitable[Collection[tuple[str, str]]]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._control = control
        self._datasets = datasets
        self._known = known
        self._clock = clock

    async def configure(self, model_id: str, config: Mapping[str, Any], target_dataset_id: str | None) -> Document:
        model, faults = model_id, []
        try:
            model = await self._model(model_id)
        except Fault as fault:
            faults = [(fault.field, fault.message)]
        try:
            rules = sampling_config(config, "config").to_dict()
        except ConfigError as error:
            faults += [_parted(fault) for fault in error.faults]
        if target_dataset_id is not None and await self._datasets.get(target_dataset_id) is None:
            there = ", ".join(row.dataset_id for row in (await self._datasets.all())[:20]) or "none yet"
            faults.append(("target_dataset_id", f"no dataset has the id {target_dataset_id!r}; there are: {there}"))
        if faults:
            raise ControlError.of(faults)
        known = self._control.state.engines
        if model not in known and len(known) >= ENGINES_MAX:
            raise Conflict("model_id", f"{ENGINES_MAX} models have rules of their own, as many as are kept")
        dataset_id = target_dataset_id or (known[model].dataset_id if model in known else "")
        try:
            self._control.set_engine(model, StoredEngine(config=rules, dataset_id=dataset_id, updated_at=self._clock()))
        except OSError as error:
            raise Conflict("config", f"can't be saved, nothing has changed: {error}") from error
        return self._document(model)

    async def get(self, model_id: str) -> Document:
        try:
            model = await self._model(model_id)
        except Fault as fault:
            raise NotThere(fault.field, fault.message) from fault
        if model not in self._control.state.engines and model not in await self._models():
            raise NotThere("model_id", f"no model is called {model!r}, none is known yet")
        return self._document(model)

    async def list(self) -> Sequence[Document]:
        return [self._document(model) for model in sorted({*self._control.state.engines, *await self._models()})]

    def figures(self) -> DataEngineFigures:
        hit: dict[tuple[str, str], int] = {}
        for (_, rule, limit), count in self._engine.held_back.items():
            hit[rule, limit] = hit.get((rule, limit), 0) + count
        return {"limits_hit": hit}

    async def _models(self) -> set[str]:
        return {model for model, _ in await self._known() if model}

    async def _model(self, model_id: str) -> str:
        """Raises Fault."""
        engines = self._control.state.engines
        if model_id in engines:
            return model_id
        known = await self._known()
        # without anything else known a model with rules says nothing of what others may be called
        return scope_of(model_id, [*known, *((model, "") for model in engines)] if known else ()).model

    def _document(self, model: str) -> Document:
        stored = self._control.state.engines.get(model)
        return {
            "model": model,
            "dataset_id": self._engine.dataset_of(model),
            "config": self._engine.config_of(model).to_dict(),
            "origin": "config" if stored is None else "api",
            "updated_at": None if stored is None else stored.updated_at,
            "kept_last_day": self._engine.kept_last_day(model, self._clock()),
            "limits_hit": self._engine.limits_hit(model),
        }


def _parted(fault: str) -> tuple[str, str]:
    field, _, message = fault.partition(": ")
    return field, message
