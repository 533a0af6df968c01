"""The two sides of a comparison: a period of the recorded past, or a baseline, as blocks of a level."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from sidecar.drift import Block, Level, Period
from sidecar.summaries import Summary, merge_all
from sidecar.watch.history import History
from sidecar.watch.scope import Scope


class Side(Protocol):
    """One side. ``blocks`` is None for a level it can't give, which is not the same as nothing having been seen."""

    @property
    def scope(self) -> Scope:
        """Whose predictions these are."""
        ...

    @property
    def period(self) -> Period: ...

    @property
    def what(self) -> Mapping[str, Any]:
        """How a report names this side: ``model_id``, ``since``, ``until``, and ``period`` or ``baseline``."""
        ...

    async def blocks(self, level: Level, hours: Collection[int] | None = None) -> Sequence[Block] | None: ...

    async def probes(self, level: Level) -> Sequence[Block] | None:
        """Blocks with what the input probe saw; the images themselves do not tell."""
        ...


class PeriodSide:
    """A period of a scope, from summaries or, with ``from_predictions``, from the predictions themselves."""

    def __init__(self, history: History, scope: Scope, period: Period, *, from_predictions: bool = False) -> None:
        self._history = history
        self.scope = scope
        self._from_predictions = from_predictions
        self._kept: dict[Level, Sequence[Block]] = {}
        self.period = history.fitted(period)

    @property
    def what(self) -> Mapping[str, Any]:
        return {
            "period": str(self.period),
            "model_id": self.scope.model_id,
            "since": self.period.since,
            "until": self.period.until,
        }

    async def blocks(self, level: Level, hours: Collection[int] | None = None) -> Sequence[Block] | None:
        if self._from_predictions:
            return await self._history.blocks_from_predictions(self.scope, self.period, level)
        if not self._history.has(level, self.period):
            return None
        found = await self._history.blocks(self.scope, self.period, level, hours)
        if level is not Level.IMAGE:
            self._kept[level] = found
        return found

    async def probes(self, level: Level) -> Sequence[Block] | None:
        if level in self._kept:  # read a moment ago: the same summaries
            return self._kept[level]
        if not self._history.has(level, self.period):
            return None
        return await self._history.blocks(self.scope, self.period, level)


class Together:
    """Several baselines of one name, of the versions of a model: what the model did in all of them."""

    def __init__(self, sides: Sequence[BaselineSide]) -> None:
        self._sides = sides
        self.scope = sides[0].scope._replace(version="")
        self.period = Period(min(side.period.since for side in sides), max(side.period.until for side in sides))

    @property
    def what(self) -> Mapping[str, Any]:
        return {
            **self._sides[0].what,
            "model_id": self.scope.model_id,
            "since": self.period.since,
            "until": self.period.until,
        }

    async def blocks(self, level: Level, hours: Collection[int] | None = None) -> Sequence[Block] | None:
        found = [await side.blocks(level) for side in self._sides]
        if any(blocks is None for blocks in found):
            return None
        every = [block for blocks in found if blocks is not None for block in blocks]
        if level is Level.IMAGE:
            return sorted(every, key=lambda block: block.start)
        by_start: dict[float, list[Summary]] = {}
        for block in every:
            by_start.setdefault(block.start, []).append(block.summary)
        return [Block(start, merge_all(by_start[start])) for start in sorted(by_start)]

    async def probes(self, level: Level) -> Sequence[Block] | None:
        return await self.blocks(level)


class BaselineSide:
    """A frozen period: it has the levels that were kept with it, whatever has become of the store since."""

    def __init__(self, name: str, scope: Scope, period: Period, kept: Mapping[Level, Sequence[Block]]) -> None:
        self._name = name
        self.scope = scope
        self._kept = kept
        self.count = sum(map(len, kept.values()))
        self.period = period

    @property
    def what(self) -> Mapping[str, Any]:
        return {
            "baseline": self._name,
            "model_id": self.scope.model_id,
            "since": self.period.since,
            "until": self.period.until,
        }

    async def blocks(self, level: Level, hours: Collection[int] | None = None) -> Sequence[Block] | None:
        return self._kept.get(level)

    async def probes(self, level: Level) -> Sequence[Block] | None:
        return self._kept.get(level)
