"""What is usual for a metric at each hour, learnt from the hours that are recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from sidecar.alerts import METRICS, Condition, Facts, Figures
from sidecar.drift import Seasonal, fit_seasonal
from sidecar.recording import StoreError, SummaryRow
from sidecar.summaries import Summary, SummaryError
from sidecar.watch.loading import Load
from sidecar.watch.scope import Scope

log = structlog.get_logger()

HOUR_S = 3_600
LEARNT_S = 8 * 7 * 86_400
"""The past that is learnt from: eight weeks."""
SCOPES_MAX = 100
"""Scopes whose hours are remembered, at a few MB each; an anomaly alert on one more has no season, and says so."""

Asked = tuple[Scope, Condition, Mapping[str, Any] | None]
_Key = tuple[Scope, str, str, int]


@dataclass(slots=True)
class _Hours:
    """The figures of each hour of a scope, complete up to ``until``."""

    figures: dict[int, Figures] = field(default_factory=dict)
    until: int = 0


class Seasons:
    """Seasonal baselines of what anomaly alerts watch, learnt anew once an hour. ``learn`` reads, ``of`` only looks."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._hours: dict[Scope, _Hours] = {}
        self._kept: dict[_Key, tuple[int, Seasonal | None]] = {}
        self.failed = 0

    async def learn(self, asked: Iterable[Asked], now: float) -> None:
        """Bring every season that is asked for up to the hour. What can't be read is tried again the next time."""
        hour = int(now) // HOUR_S * HOUR_S
        wanted = {_key(scope, condition): (scope, condition, baseline) for scope, condition, baseline in asked}
        scopes = list(dict.fromkeys(scope for scope, _, _ in wanted.values()))[:SCOPES_MAX]
        self._hours = {scope: self._hours.get(scope, _Hours()) for scope in scopes}
        self._kept = {key: known for key, known in self._kept.items() if key in wanted}
        for key, (scope, condition, baseline) in wanted.items():
            known = self._kept.get(key)
            if scope not in self._hours or (known is not None and known[0] == hour):
                continue
            try:
                await self._read(scope, hour)
            except StoreError as error:
                self.failed += 1
                log.error("season_not_learnt", scope=scope.model_id, slice=scope.slice, reason=error.reason)
                continue
            figures = self._hours[scope].figures
            self._kept[key] = hour, await asyncio.to_thread(_fit, figures, condition, baseline)

    def of(self, scope: Scope, condition: Condition) -> Seasonal | None:
        """None before three days are recorded."""
        known = self._kept.get(_key(scope, condition))
        return None if known is None else known[1]

    async def _read(self, scope: Scope, hour: int) -> None:
        """Add the hours that have ended since the last time, forget those that are too old."""
        hours = self._hours[scope]
        since = max(hours.until, hour - LEARNT_S)
        if hours.until > hour:  # the clock was set back
            hours.figures.clear()
            since = hour - LEARNT_S
        if since >= hour:
            return
        found: dict[int, Figures] = {}
        async for page in self._load(HOUR_S, since, hour, [scope.model]):
            for start, figures in await asyncio.to_thread(_of_page, page, scope):
                found[start] = Figures.total([found[start], figures]) if start in found else figures
        hours.figures = {start: kept for start, kept in hours.figures.items() if start >= hour - LEARNT_S} | found
        hours.until = hour


def _key(scope: Scope, condition: Condition) -> _Key:
    return scope, condition.metric, condition.class_name, condition.min_samples


def _of_page(page: Sequence[SummaryRow], scope: Scope) -> list[tuple[int, Figures]]:
    found = []
    for row in page:
        if scope.version not in ("", row.version) or scope.slice not in ("", row.slice):
            continue
        try:
            found.append((row.bucket, Figures.of(Summary.decode(row.payload))))
        except SummaryError as error:
            log.error("summary_unreadable", bucket=row.bucket, error=str(error))
    return found


def _fit(hours: Mapping[int, Figures], condition: Condition, baseline: Mapping[str, Any] | None) -> Seasonal | None:
    """Hours with too few samples say nothing of what is usual."""
    metric = METRICS[condition.metric]
    values = []
    for start in sorted(hours):
        reading = metric.measure(Facts(hours[start], HOUR_S, baseline), condition.class_name)
        if not reading.reason and (not metric.samples or reading.samples >= condition.min_samples):
            values.append((float(start), reading.value))
    return fit_seasonal([(start, value) for start, value in values if value == value])
