"""What the API asks about models and their versions: all that makes one known, told as one document."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sidecar.api.errors import Conflict, ControlError, NotThere
from sidecar.api.models import MODELS_LISTED_MAX
from sidecar.app.control import Control
from sidecar.app.known_models import Known, KnownModels, Pair, configured_models, known_pairs, version_of
from sidecar.app.registered import RegistryFull, model_of, used_names
from sidecar.app.state import Registered
from sidecar.app.upstream_config import UpstreamConfig
from sidecar.recording import Full, ModelVersionRow, ModelVersions
from sidecar.summaries import Summary
from sidecar.training import Training, path_fault, url_fault
from sidecar.watch import Fault, scope_of

Document = dict[str, Any]
Images = Callable[[], Mapping[Pair, int]]
"""Images seen since the start, by (model, version)."""
NAMED_MAX = 20


class ModelsApi:
    """``api.models.Models`` over what is recorded, configured and registered."""

    def __init__(
        self,
        known: KnownModels,
        models: ModelVersions,
        control: Control,
        training: Training,
        images: Images,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._known = known
        self._models = models
        self._control = control
        self._training = training
        self._images = images
        self._clock = clock
        self._lock = asyncio.Lock()

    async def register(
        self, name: str, version: str, url: str, path: str, description: str, metrics: Mapping[str, float]
    ) -> Document:
        faults = _faults(version, url, path)
        if faults:
            raise ControlError.of(faults)
        url = url.rstrip("/")
        async with self._lock:
            former = await self._models.get(name, version)
            row = _row(name, version, former, self._clock(), description, metrics)
            if url:
                row = replace(row, document={**row.document, "upstream": {"url": url, "path": path}})
            added = bool(url) and self._serve(Registered(model=name, version=version, url=url, path=path), row)
            try:
                await self._models.put(row)
            except Full as full:
                if added:
                    self._control.unregister(name, version)
                raise Conflict(full.field, full.message) from full
        return await self.get(row.document["id"])

    async def list(self) -> tuple[Sequence[Document], int]:
        told = _Telling(await self._known.all(), self._images(), self._known.serving)
        ids = sorted(told.listed())
        return [told.document(pair) for pair in ids[:MODELS_LISTED_MAX]], max(len(ids) - MODELS_LISTED_MAX, 0)

    async def get(self, model_id: str) -> Document:
        told, pair = await self._find(model_id)
        return told.document(pair)

    async def check(self, model_id: str, field: str) -> None:
        try:
            scope_of(model_id, await self._known.pairs())
        except Fault as fault:
            raise ControlError(field, fault.message) from fault

    async def delete(self, model_id: str) -> Document:
        async with self._lock:
            told, (model, version) = await self._find(model_id)
            rows = [row for row in told.known.rows if row.model == model and version in ("", row.version)]
            if not rows:
                raise Conflict(
                    "model_id",
                    f"{model_id!r} is known by its traffic or the configuration alone: nothing was registered",
                )
            document = told.document((model, version))
            for row in rows:
                self._check_unneeded(row)
            try:
                for row in rows:  # with nothing awaited since the check: none of them can be needed by now
                    self._control.unregister(row.model, row.version)
            except OSError as error:
                raise Conflict("model_id", f"can't be saved: {error.strerror or error}") from error
            for row in rows:
                await self._training.forget(row)
        return document

    def _serve(self, item: Registered, row: ModelVersionRow) -> bool:
        """Give a version its upstream; whether it had none before. Raises Conflict."""
        for upstream in self._control.config.upstreams:
            if not model_of(upstream) and version_of(upstream) == item.version:
                if (upstream.url, upstream.path) == (item.url, item.path):
                    return False  # it is that upstream
                raise Conflict(
                    "url",
                    f"version {item.version!r} is that of the configuration's upstream {upstream.name} at"
                    f" {upstream.url}{upstream.path}: leave `url` out, or name another version",
                )
        before = {(known.model, known.version) for known in self._control.state.registered}
        made = item.model_copy(update={"job_id": row.job_id, "output": str(row.document.get("output") or "")})
        try:
            self._control.register(made)
        except RegistryFull as full:
            raise Conflict("url", str(full)) from full
        except OSError as error:
            raise Conflict("url", f"can't be saved, nothing has changed: {error.strerror or error}") from error
        return (item.model, item.version) not in before

    def _check_unneeded(self, row: ModelVersionRow) -> None:
        """Raises Conflict where it serves, is in a test or is an open job's base."""
        model_id = row.document["id"]
        names = {item.name for item in self._control.state.registered if (item.model, item.version) == _of(row)}
        if names & used_names(self._control.state):
            raise Conflict("model_id", f"{model_id} serves or is in a test: promote another version, or end the test")
        if _of(row) in self._training.open_bases():
            raise Conflict("model_id", f"a training job that goes on from {model_id} has not ended")

    async def _find(self, model_id: str) -> tuple[_Telling, Pair]:
        told = _Telling(await self._known.all(), self._images(), self._known.serving)
        if (model_id, "") in told.pairs:
            return told, (model_id, "")
        model, _, version = model_id.rpartition("@")
        if version and (model, version) in told.pairs:
            return told, (model, version)
        ids = ", ".join(id_of(pair) for pair in sorted(told.listed())[:NAMED_MAX])
        there = f"there are {ids}" if ids else "none is known yet: register it, or send a request to it"
        raise NotThere("model_id", f"no model or version is called {model_id[:100]!r}; {there}")


class _Telling:
    """Documents of what is known at one moment."""

    def __init__(self, known: Known, images: Mapping[Pair, int], serving: Callable[[str], str]) -> None:
        self.known = known
        self._rows = {_of(row): row for row in known.rows}
        self._recorded = {pair for pair in known.recorded if pair[0]}
        self.pairs = known_pairs(known.config, {*self._recorded, *self._rows})
        self._images = images
        self._serving = serving

    def listed(self) -> set[Pair]:
        """All but what the name of an upstream alone would make a version, where the model's versions are told by its
        traffic."""
        seen = {model for model, version in self._recorded if version}
        named = {item.name for item in self.known.config.upstreams if not item.version}
        return {
            (model, version)
            for model, version in self.pairs
            if not (model in seen and version in named and (model, version) not in {*self._recorded, *self._rows})
        }

    def document(self, pair: Pair) -> Document:
        """The ModelOut of a pair."""
        model, version = pair
        row = self._rows.get(pair)
        stored = {} if row is None else row.document
        own = sorted(id_of(of) for of in self.listed() if of[0] == model and of[1])
        return {
            "id": id_of(pair),
            "model": model,
            "version": version,
            "description": str(stored.get("description") or ""),
            "origin": self._origin(pair),
            "created_at": None if row is None else row.created_at,
            "serving": self._serving(model),
            "versions": [] if version else own,
            "upstream": self._upstream(model, version) if version else None,
            "metrics": dict(stored.get("metrics") or {}),
            "images": self._seen(pair),
        }

    def _origin(self, pair: Pair) -> str:
        row = self._rows.get(pair)
        if row is not None:
            return "training" if row.job_id else "api"
        model, version = pair
        if not version:
            if model in configured_models(self.known.config):
                return "config"
            if not any(of == model for of, _ in self._recorded):  # its versions alone make it known
                by_hand = any(row.model == model and not row.job_id for row in self.known.rows)
                return "api" if by_hand else "training"
        elif any(not model_of(item) and version_of(item) == version for item in self.known.config.upstreams):
            return "config"
        return "traffic"

    def _upstream(self, model: str, version: str) -> Document | None:
        """Where a version is served: by an upstream of its own, else one of the configuration."""
        mine: list[UpstreamConfig] = [
            item for item in self.known.config.upstreams if model_of(item) == model and item.version == version
        ]
        mine += [item for item in self.known.config.upstreams if not model_of(item) and version_of(item) == version]
        if not mine:
            return None
        one = mine[0]
        return {"name": one.name, "url": one.url, "urls": [*one.urls] or [one.url], "path": one.path}

    def _seen(self, pair: Pair) -> int | None:
        model, version = pair
        found = {of: n for of, n in self._images.items() if of[0] == model and version in ("", of[1])}
        if not found and not any(of == model and version in ("", its) for of, its in self._recorded):
            return None
        return sum(found.values())


def id_of(pair: Pair) -> str:
    """
    >>> id_of(("det", "2")), id_of(("det", ""))
    ('det@2', 'det')
    """
    model, version = pair
    return f"{model}@{version}" if version else model


def images_of(totals: Mapping[tuple[str, str, str], Summary]) -> dict[Pair, int]:
    """Images by (model, version), of lifetime totals by (model, version, role)."""
    found: dict[Pair, int] = {}
    for (model, version, _), summary in totals.items():
        found[model, version] = found.get((model, version), 0) + summary.images
    return found


def _of(row: ModelVersionRow) -> Pair:
    return row.model, row.version


def _faults(version: str, url: str, path: str) -> list[tuple[str, str]]:
    faults = []
    if url and not version:
        faults.append(("version", "is needed where url is given: an upstream serves one version"))
    if url and (fault := url_fault(url)):
        faults.append(("url", fault))
    if path and not url:
        faults.append(("url", "is needed where path is given"))
    if path and (fault := path_fault(path)):
        faults.append(("path", fault))
    return faults


def _row(
    model: str,
    version: str,
    former: ModelVersionRow | None,
    now: float,
    description: str,
    metrics: Mapping[str, float],
) -> ModelVersionRow:
    """What is stored: as it was, but for what is given."""
    if former is None:
        empty = {"base_model_id": None, "dataset_version_id": None, "trainer": "", "output": None, "upstream": None}
        document = {"id": id_of((model, version)), "model": model, "version": version, "created_at": now, **empty}
        former = ModelVersionRow(model, version, now, "", {**document, "job_id": None, "metrics": {}})
    changed = dict(former.document)
    if description:
        changed["description"] = description
    if metrics:
        changed["metrics"] = dict(metrics)
    return replace(former, document=changed)
