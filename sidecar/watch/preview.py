"""Previews of alerts: what a condition would have done over the recorded past."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from sidecar.alerts import (
    METRICS,
    Condition,
    ConditionError,
    Facts,
    Figures,
    Look,
    Replayed,
    RunningSums,
    measured,
    parse_condition,
    replay,
)
from sidecar.alerts.preview_words import past_words, preview_sentence, replayed_limits
from sidecar.drift import Period, PeriodError, Seasonal, parse_period
from sidecar.durations import duration_text
from sidecar.recording import UNJUDGED_ROLES, BaselineRow, Reader, SummaryRow
from sidecar.summaries import Summary, SummaryError
from sidecar.watch.blend import baseline_of, normal_of
from sidecar.watch.book import Faults, check_model
from sidecar.watch.history import History
from sidecar.watch.loading import Load, pages_of
from sidecar.watch.normal import Normal
from sidecar.watch.preview_grid import HOUR_S, WIDTHS_S, Grid, grid_of, lead_for, width_for
from sidecar.watch.preview_limits import limits_in_words
from sidecar.watch.scope import Fault, Scope
from sidecar.watch.seasons import LEARNT_S, Seasons

PERIOD_S_MAX = 30 * 86_400.0
PERIOD_DEFAULT = "7d"
ROWS_MAX = 40_000
"""Summaries that one preview may read; where there are more, wider ones are read instead."""
KEPT_MAX = 4
"""Pasts that are kept for the next preview, which mostly differs in its condition alone; some MB each."""
KEPT_S = 60.0
"""A past that was read longer ago is read anew."""
NOW_S = 1.0
"""A period that ends so close to now ends now: times of periods are rounded."""
DAY_S = 86_400


class Source(Protocol):
    """Where a preview reads: pages of summaries of a model (of one version or all), and how many there are."""

    def pages(self, version: str | None) -> Load:
        """``loading.pages_of``."""

    async def count(self, model: str, version: str | None, since: float, until: float, width_s: int, most: int) -> int:
        """Rows of judged traffic, counted up to ``most``."""


class StoredSummaries:
    """``Source`` over a store's reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def pages(self, version: str | None) -> Load:
        return pages_of(self._reader, version)

    async def count(self, model: str, version: str | None, since: float, until: float, width_s: int, most: int) -> int:
        return await self._reader.summaries_count(
            model, version, since, until, width_s, most, roles_without=UNJUDGED_ROLES
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What a condition would have done in ``period``, which begins with the record; ``sentence`` and ``limitations``
    say it in words."""

    scope: Scope
    condition: Condition
    period: Period
    step_s: int
    replayed: Replayed
    sentence: str
    limitations: Sequence[str]


Seasonals = Sequence[tuple[float, Seasonal | None]]
"""(from when on, what was usual), oldest first."""


@dataclass(frozen=True, slots=True)
class _Past:
    """What was read of a scope, whatever the condition: the bins of a grid. ``seasons`` are kept as they are asked."""

    period: Period
    width_s: int
    fine_since: float
    sums: RunningSums
    read_at: float
    unreadable: int
    widened: bool
    seasons: dict[tuple[Any, ...], Seasonals] = field(default_factory=dict)


class Previews:
    """One at a time; what grows with the period is made in threads. ``interval_s`` is how often the monitor looks."""

    def __init__(
        self,
        history: History,
        normal: Normal,
        source: Source,
        clock: Callable[[], float],
        interval_s: Callable[[], float] = lambda: 10.0,
    ) -> None:
        self._history = history
        self._normal = normal
        self._source = source
        self._clock = clock
        self._interval_s = interval_s
        self._turn = asyncio.Lock()
        self._kept: dict[tuple[Any, ...], _Past] = {}

    async def preview(self, scope: Scope, document: Mapping[str, Any], period_text: str) -> Preview:
        """What the condition in ``document`` would have done over the period. Raises Faults, or Fault."""
        condition = _previewable(scope, document)
        now = self._clock()
        asked = _period(period_text, now)
        begun = await self._begun(scope)
        if begun is None or begun >= asked.until:
            return _nothing(scope, condition, asked)
        is_now = asked.until > now - NOW_S
        own = (await self._normal.by_model()).get(scope.model, []) if _needs_normal(condition) else []
        async with self._turn:
            period = Period(max(asked.since, begun), asked.until)
            past = await self._past(scope, condition, period, own, (period_text, is_now))
            grid, looks = await asyncio.to_thread(_looks, past, scope, condition, own)
            seasons = await self._seasons(scope, condition, past, looks[0].baseline)
            replayed = await asyncio.to_thread(_replayed, condition, looks, seasons, _name_of(scope))
        during = past_words(past.period.length_s) if is_now else str(past.period)
        limits = limits_in_words(
            condition,
            grid,
            interval_s=self._interval_s(),
            begun=past.period.since if begun > asked.since else None,
            unreadable=past.unreadable,
            widened=past.widened,
        )
        sentence = preview_sentence(replayed, during, until_now=is_now)
        said = (*replayed_limits(replayed, condition.no_data), *limits)
        return Preview(scope, condition, past.period, grid.step_s, replayed, sentence, said)

    async def _begun(self, scope: Scope) -> int | None:
        """When the record of a scope begins."""
        known = [one for one in await self._history.known() if one[0] == scope.model and scope.version in ("", one[1])]
        begun = [await self._history.first_bucket(*one) for one in known]
        return min((at for at in begun if at is not None), default=None)

    async def _past(
        self,
        scope: Scope,
        condition: Condition,
        period: Period,
        own: Sequence[BaselineRow],
        asked: tuple[str, bool],
    ) -> _Past:
        """Read, or as it was read a moment ago for another condition."""
        wanted = width_for(period.length_s, condition.window_s)
        weighed = tuple(row.version for row in own) if not scope.version and len(own) > 1 else ()
        lead_s = lead_for(wanted, condition.window_s)
        key = (scope, condition.class_name, weighed, wanted, lead_s, *asked)
        now = self._clock()
        kept = {name: past for name, past in self._kept.items() if 0 <= now - past.read_at < KEPT_S}
        if key not in kept:
            kept[key] = await self._read(scope, condition, period, wanted, weighed)
        self._kept = dict(list(kept.items())[-KEPT_MAX:])
        return kept[key]

    async def _read(
        self, scope: Scope, condition: Condition, period: Period, wanted: int, weighed: tuple[str, ...]
    ) -> _Past:
        fine_since = self._history.fine_since()
        grid = await self._grid(scope, condition, period, wanted, fine_since)
        # tens of MB, which may have to be zeroed first
        sums = await asyncio.to_thread(RunningSums, grid.starts.size, condition.class_name, weighed)
        load, unreadable = self._source.pages(scope.version or None), 0
        for offset, (width_s, since, until) in grid.offsets():
            async for page in load(width_s, since, until, [scope.model]):
                unreadable += await asyncio.to_thread(_add_page, sums, page, scope, offset, width_s, since)
        await asyncio.to_thread(sums.close)
        widened = grid.step_s > wanted
        return _Past(period, grid.step_s, fine_since, sums, self._clock(), unreadable, widened)

    async def _grid(self, scope: Scope, condition: Condition, period: Period, wanted: int, fine_since: float) -> Grid:
        """The finest grid that ROWS_MAX summaries fill. Raises Fault where there is none."""
        for width_s in (width for width in WIDTHS_S if width >= wanted):
            times = (period.since, period.until, condition.window_s)
            grid = await asyncio.to_thread(grid_of, *times, width_s, fine_since)
            rows = 0
            for width, since, until in grid.parts:
                rows += await self._rows(scope, since, until, width)
            if rows <= ROWS_MAX:
                return grid
        raise Fault("period", f"more than {ROWS_MAX:,} summaries to read: ask for a shorter period")

    async def _rows(self, scope: Scope, since: float, until: float, width_s: int) -> int:
        return await self._source.count(scope.model, scope.version or None, since, until, width_s, ROWS_MAX + 1)

    async def _seasons(
        self, scope: Scope, condition: Condition, past: _Past, baseline: Mapping[str, Any] | None
    ) -> Seasonals:
        """What was known to be usual, learnt anew for each day from the hours before it."""
        if condition.operator != "anomaly":
            return ()
        key = (condition.metric, condition.min_samples)
        if key in past.seasons:
            return past.seasons[key]
        at, until = past.period.since, past.period.until
        if await self._rows(scope, at - LEARNT_S, until, HOUR_S) > ROWS_MAX:
            raise Fault("condition.operator", f"more than {ROWS_MAX:,} hours to learn from: no preview of an anomaly")
        seasons = Seasons(self._source.pages(scope.version or None))
        found: list[tuple[float, Seasonal | None]] = []
        while at < until:
            await seasons.learn([(scope, condition, baseline)], at)
            found.append((at, seasons.of(scope, condition)))
            at = (at // DAY_S + 1) * DAY_S
        past.seasons[key] = found
        return found


def _previewable(scope: Scope, document: Mapping[str, Any]) -> Condition:
    try:
        condition = parse_condition(document)
    except ConditionError as error:
        raise Faults(error.faults) from error
    metric = METRICS[condition.metric]
    if metric.source != "summaries":
        can = ", ".join(other.name for other in METRICS.values() if other.source == "summaries")
        whose = {"drift": "drift checks", "sidecar": "the sidecar itself", "trials": "A/B tests"}[metric.source]
        message = f"{metric.name} is of {whose}, whose past can't be looked at again; there is a preview of {can}"
        raise Faults([("condition.metric", message)])
    check_model(scope, condition)
    return condition


def _period(text: str, now: float) -> Period:
    try:
        period = parse_period(text, now, "period")
    except PeriodError as error:
        raise Fault(error.field, error.message) from error
    if period.length_s > PERIOD_S_MAX:
        raise Fault("period", f"{text!r} is too long, expected at most {duration_text(PERIOD_S_MAX)}")
    return Period(period.since, min(period.until, now))


def _needs_normal(condition: Condition) -> bool:
    return condition.compare != "value" or condition.metric == "slow_rate"


def _add_page(
    sums: RunningSums, page: Sequence[SummaryRow], scope: Scope, offset: int, width_s: int, since: int
) -> int:
    """Add a page's rows of the scope; how many can't be read."""
    unreadable = 0
    for row in page:
        if scope.version not in ("", row.version) or scope.slice not in ("", row.slice):
            continue
        try:
            figures = Figures.of(Summary.decode(row.payload, histograms=False))
        except SummaryError:
            unreadable += 1
            continue
        sums.add(offset + (row.bucket - since) // width_s, row.version, figures)
    return unreadable


def _looks(past: _Past, scope: Scope, condition: Condition, normals: Sequence[BaselineRow]) -> tuple[Grid, list[Look]]:
    """A grid of the condition, and the metric as it was at each time of it."""
    sums = past.sums
    grid = grid_of(past.period.since, past.period.until, condition.window_s, past.width_s, past.fine_since)
    # of a blend only what is asked for is made
    name = METRICS[condition.metric].baseline or "p95_latency_ms"
    own = [(row.version, {name: row.figures.get(name)}) for row in normals]
    whose = baseline_of(scope, [row.version for row in normals])
    looks = []
    spans = zip(grid.times.tolist(), grid.low.tolist(), grid.high.tolist(), grid.covered_s.tolist(), strict=True)
    for at, low, high, covered_s in spans:
        baseline = normal_of(scope, own, partial(sums.weights, low=low, high=high))
        facts = Facts(sums.between(low, high), covered_s, baseline, baseline_of=whose)
        looks.append(Look(at, covered_s, measured(condition, facts), baseline))
    return grid, looks


def _replayed(condition: Condition, looks: list[Look], seasons: Seasonals, of: str) -> Replayed:
    """What came of the looks, which are gone then: they are thousands, and to let go of them takes a while, too."""

    def season_at(at: float) -> Seasonal | None:
        return next((usual for since, usual in reversed(seasons) if since <= at), None)

    try:
        return replay(condition, looks, of, season_at)
    finally:
        looks.clear()


def _nothing(scope: Scope, condition: Condition, period: Period) -> Preview:
    sentence = f"Nothing is recorded of {_name_of(scope)} in {period}: there is nothing to look at."
    step_s = width_for(period.length_s, condition.window_s)
    return Preview(scope, condition, period, step_s, replay(condition, ()), sentence, ())


def _name_of(scope: Scope) -> str:
    return f"{scope.model_id}, {scope.slice}" if scope.slice else scope.model_id
