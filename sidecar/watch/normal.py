"""Baselines: a period of a model version frozen as its normal, by a person or by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import structlog

from sidecar.drift import (
    BLOCKS_MAX,
    BaselineError,
    Block,
    Level,
    Period,
    PeriodError,
    decode_blocks,
    encode_blocks,
    figures_of,
    parse_period,
)
from sidecar.recording import BaselineRow, Baselines, Refused, StoreError, Taken
from sidecar.watch.history import History
from sidecar.watch.scope import Clash, Fault, Missing, Scope, filter_of, scope_of
from sidecar.watch.sides import BaselineSide

log = structlog.get_logger()

AUTO = "auto"
"""The name of the baselines that are frozen by themselves."""
LATENESS_S = 15.0
"""How long after the end of a period what belongs to it may still arrive."""
SHORT_ID = 8
"""As much of an id as lists show serves for the whole."""
PERIODS_A_LOOK = 100
"""Periods that are looked at for images enough before others get their turn."""
IMAGES_MIN = 100
"""A period with fewer images is no baseline by itself."""
DECODED_MAX = 5_000
"""Blocks of baselines that are kept decoded, at some 16 KB each."""


class Normal:
    """The baselines of all models. ``independent(model)`` says whether its images are declared independent."""

    def __init__(
        self,
        history: History,
        baselines: Baselines,
        independent: Callable[[str], bool],
        clock: Callable[[], float],
    ) -> None:
        self._history = history
        self._baselines = baselines
        self._independent = independent
        self._clock = clock
        self._decoded: dict[str, BaselineSide] = {}
        self._looked: dict[Scope, float] = {}

    async def freeze(self, model_id: str, period_text: str, name: str, replace_it: bool) -> BaselineRow:
        """What a person asks for. Raises Fault, or Clash where the name is taken and is not to be replaced."""
        scope = scope_of(model_id, await self._history.named())
        try:
            period = self._history.fitted(parse_period(period_text, self._clock(), "period"))
        except PeriodError as error:
            raise Fault(error.field, error.message) from error
        if not scope.version:
            scope = await self._only_version(scope, period)
        try:
            return await self._freeze(scope, period, name, "user", replace_it)
        except Taken as error:
            raise Clash(
                "name", f"{scope.model_id} has a baseline {name!r}: ask to replace it, or name another"
            ) from error

    async def freeze_due(self, length_s: float) -> list[BaselineRow]:
        """Freeze the first ``length_s`` of every version that has no baseline and was there before normal was defined.

        The first with IMAGES_MIN images, that is. A version that came later is compared with its predecessor's
        baseline until a person says otherwise.
        """
        rows = await self._baselines.all()
        unwanted = await self._baselines.auto_deleted()
        frozen: list[BaselineRow] = []
        for begun, model, version in await self._beginnings():
            own = [row for row in (*rows, *frozen) if row.model == model]
            is_new = all(row.version != version and begun < row.until for row in own)
            if is_new and (model, version) not in unwanted:
                row = await self._freeze_first(Scope(model, version), begun, length_s)
                frozen += [] if row is None else [row]
        return frozen

    async def _freeze_first(self, scope: Scope, begun: float, length_s: float) -> BaselineRow | None:
        """None where there is no such period yet, or it can't be frozen: one model's fault stops no other."""
        try:
            period = await self._first_busy(scope, begun, length_s)
            return None if period is None else await self._freeze(scope, period, AUTO, "auto", False)
        except (Fault, Refused, StoreError) as error:
            log.error("baseline_not_frozen", scope=scope.model_id, error=str(error))
            return None

    async def _beginnings(self) -> list[tuple[int, str, str]]:
        """(when its traffic began, model, version) of all versions, the oldest first."""
        known = [(await self._history.first_bucket(*one), *one) for one in await self._history.known()]
        return sorted((begun, model, version) for begun, model, version in known if begun is not None)

    async def _first_busy(self, scope: Scope, begun: float, length_s: float) -> Period | None:
        """The first period with images enough, of those that are over and were not looked at before."""
        looked = min(self._looked.get(scope, 0.0), self._clock())  # the clock may have been ahead
        period = first_period(max(begun, looked), length_s)
        for _ in range(PERIODS_A_LOOK):
            if period.until + LATENESS_S > self._clock():
                return None
            if (await self._history.total(scope, period)).images >= IMAGES_MIN:
                return period
            self._looked[scope] = period.until
            period = Period(period.until, period.until + length_s)
        return None

    async def _freeze(self, scope: Scope, period: Period, name: str, origin: Any, replace_it: bool) -> BaselineRow:
        total = await self._history.total(scope, period)
        if not total.images:
            raise Fault("period", await self.nothing_between(scope, period))
        kept = await self._levels(scope, period)
        payload = await asyncio.to_thread(encode_blocks, kept)
        row = BaselineRow(
            baseline_id=uuid4().hex,
            model=scope.model,
            version=scope.version,
            name=name,
            since=period.since,
            until=period.until,
            created_at=self._clock(),
            origin=origin,
            figures=figures_of(total),
            payload=payload,
        )
        await self._baselines.put(row, replace=replace_it)
        log.info("baseline_frozen", model=scope.model, version=scope.version, name=name, images=total.images)
        return replace(row, payload=b"")

    async def _levels(self, scope: Scope, period: Period) -> Mapping[Level, Sequence[Block]]:
        """Blocks of every level of which the period has few enough to keep."""
        kept: dict[Level, Sequence[Block]] = {}
        for level in Level:
            if level is Level.IMAGE:
                if self._independent(scope.model):
                    kept[level] = (await self._history.images(scope, period))[:BLOCKS_MAX]
            elif period.length_s / level.width_s <= BLOCKS_MAX and self._history.has(level, period):
                try:
                    kept[level] = await self._history.blocks(scope, period, level)
                except Fault as fault:  # too many slices to read so finely: the wider blocks must do
                    log.info("baseline_level_left_out", scope=scope.model_id, level=str(level), reason=str(fault))
        return kept

    async def _only_version(self, scope: Scope, period: Period) -> Scope:
        """The one version that has traffic in the period. A baseline is of a version, or it would mix two normals."""
        rows = await self._history.rows(scope, period.since, period.until)
        versions = sorted({key.version for key, summary in rows if summary.images})
        if len(versions) > 1:
            ids = " or ".join(f"{scope.model}@{version}" for version in versions)
            raise Fault("model_id", f"{scope.model!r} has several versions in that period: name one, {ids}")
        return Scope(scope.model, versions[0] if versions else "")

    async def nothing_between(self, scope: Scope, period: Period) -> str:
        """Says that a period has no predictions, and which have."""
        span = await self._history.span(scope)
        whole = "of all its traffic " if scope.slice else ""
        there = f"{whole}there are some from {span} (UTC)" if span else "there are none at all"
        whose = f"{scope.model_id}, slice {scope.slice!r}," if scope.slice else scope.model_id
        return f"no predictions of {whose} in {period}; {there}"

    async def rows(self, model_id: str | None = None) -> list[BaselineRow]:
        """All baselines, or those of a model or version."""
        if model_id is None:
            return await self._baselines.all()
        every = await self._baselines.all()
        known = {*await self._history.named(), *((row.model, row.version) for row in every)}
        scope = filter_of(model_id, known)
        return [row for row in every if row.model == scope.model and scope.version in ("", row.version)]

    async def row(self, baseline_id: str) -> BaselineRow:
        """One with its payload. Raises Missing."""
        row = await self._baselines.get(baseline_id)
        if row is None:
            raise Missing("baseline_id", f"no baseline has the id {baseline_id!r}")
        return row

    async def delete(self, baseline_id: str) -> BaselineRow:
        """Raises Missing."""
        row = await self.row(baseline_id)
        await self._baselines.delete(baseline_id)
        self._decoded.pop(baseline_id, None)
        return row

    def forget(self) -> None:
        """The store was begun anew: nothing is known."""
        self._decoded.clear()
        self._looked.clear()

    async def of(self, scope: Scope) -> BaselineRow | None:
        """The baseline a scope is judged by: its version's latest, else the model's latest of any version."""
        rows = sorted(await self._baselines.all(scope.model), key=lambda row: row.created_at)
        own = [row for row in rows if row.version == scope.version]
        found = own or rows
        return found[-1] if found else None

    async def by_model(self) -> dict[str, list[BaselineRow]]:
        """The latest baseline of each version, by model, the newest first."""
        found: dict[str, dict[str, BaselineRow]] = {}
        for row in sorted(await self._baselines.all(), key=lambda row: -row.created_at):
            found.setdefault(row.model, {}).setdefault(row.version, row)
        return {model: list(rows.values()) for model, rows in found.items()}

    async def named(self, scope: Scope, name: str) -> list[BaselineRow]:
        """The baselines of that id or name: of a version its own, else the latest; of a whole model all versions'."""
        every = await self._baselines.all(scope.model)
        rows = [row for row in every if name in (row.name, row.baseline_id)]
        if not rows and len(name) >= SHORT_ID:
            rows = [row for row in every if row.baseline_id.startswith(name)]
        if not scope.version:
            return rows
        own = [row for row in rows if row.version == scope.version]
        return sorted(own or rows, key=lambda row: row.created_at)[-1:]

    async def side(self, row: BaselineRow) -> BaselineSide:
        """The baseline as a side of a comparison."""
        if row.baseline_id not in self._decoded:
            payload = (await self.row(row.baseline_id)).payload
            try:
                blocks = await asyncio.to_thread(decode_blocks, payload)
            except BaselineError as error:
                raise Fault("reference_period", f"baseline {row.name!r} can't be read: {error}; set it anew") from error
            count = sum(map(len, blocks.values()))
            while self._decoded and sum(side.count for side in self._decoded.values()) + count > DECODED_MAX:
                del self._decoded[next(iter(self._decoded))]
            period = Period(row.since, row.until)
            self._decoded[row.baseline_id] = BaselineSide(row.name, Scope(row.model, row.version), period, blocks)
        return self._decoded[row.baseline_id]


def first_period(begun: float, length_s: float) -> Period:
    """The first period of ``length_s`` after ``begun``, from the start of a day, an hour or ten seconds on.

    >>> first_period(1_700_000_000, 7 * 86_400).since % 86_400
    0.0
    """
    step = 86_400 if length_s >= 86_400 else 3_600 if length_s >= 3_600 else 10
    since = -(-begun // step) * step
    return Period(float(since), float(since + length_s))
