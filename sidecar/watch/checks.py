"""The continuous monitor: every window that has ended is compared with the baseline, once, and the report is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from sidecar.drift import Period
from sidecar.recording import BaselineRow, DriftCheckRow, DriftChecks, StoreError
from sidecar.watch.comparison import NothingSeen, Test, compare_sides
from sidecar.watch.history import History
from sidecar.watch.normal import LATENESS_S, Normal
from sidecar.watch.scope import Fault, Scope
from sidecar.watch.sides import PeriodSide, Side

log = structlog.get_logger()

ALPHA = 0.001
PERMUTATIONS = 9_999
CATCH_UP_MAX = 4
"""Windows that ended while nobody looked and are still compared; older ones are skipped."""
SLICES_MAX = 200
DAYS_ONLY_S = 6 * 86_400.0
"""A window this long is compared by the day or not at all."""
LATEST_MAX = 5_000
"""Scopes of which the latest check is remembered; of more, those that were checked last."""


@dataclass(slots=True)
class CheckFigures:
    """``checks`` made and ``failed`` since the start."""

    checks: int = 0
    failed: int = 0


class Checks:
    """Finds the windows that are due and compares them. ``independent(model)`` as in ``Normal``."""

    def __init__(
        self,
        history: History,
        normal: Normal,
        checks: DriftChecks,
        independent: Callable[[str], bool],
        clock: Callable[[], float],
    ) -> None:
        self._history = history
        self._normal = normal
        self._checks = checks
        self._independent = independent
        self._clock = clock
        self._done: dict[Scope, float] = {}
        self.figures = CheckFigures()
        self.latest: dict[Scope, DriftCheckRow] = {}

    async def restore(self) -> None:
        """Take up what a former life found."""
        for model, version in await self._history.known():
            for row in await self._checks.latest(model, version, None):
                scope = Scope(row.model, row.version, row.slice)
                self._remember(scope, row)
                self._done[scope] = row.until

    async def run_due(self, window_s: float, by_slice: bool) -> int:
        """Compare the windows that have ended since the last time; returns how many. Windows are aligned to the epoch,
        so that they are the same after a restart and on every replica. What fails is tried again the next time."""
        made = 0
        for model, version in await self._history.known():
            whole = Scope(model, version)
            baseline = await self._normal.of(whole)
            for period in [] if baseline is None else self._windows(baseline, window_s):
                slices = await self._history.slices(whole, period) if by_slice else []
                for scope in (whole, *(whole._replace(slice=name) for name in slices[:SLICES_MAX])):
                    if baseline is not None and not self._is_done(scope, period):
                        made += await self._check(scope, baseline, period)
        return made

    def _windows(self, baseline: BaselineRow, window_s: float) -> list[Period]:
        """The windows after the baseline that are over, the latest CATCH_UP_MAX of them."""
        last_end = (self._clock() - LATENESS_S) // window_s * window_s
        start = -(-max(baseline.until, last_end - CATCH_UP_MAX * window_s) // window_s) * window_s
        periods = []
        while start + window_s <= last_end:
            periods.append(Period(start, start + window_s))
            start += window_s
        return periods

    def _is_done(self, scope: Scope, period: Period) -> bool:
        """A clock that was ahead has left checks of what is still to come: they do not count."""
        done = self._done.get(scope, 0.0)
        return period.until <= done <= self._clock()

    async def _check(self, scope: Scope, baseline: BaselineRow, period: Period) -> int:
        """Compare one window. One without images is no finding: alerts on rates tell of that."""
        test = Test(
            ALPHA,
            PERMUTATIONS,
            self._independent(scope.model),
            days_only=period.length_s >= DAYS_ONLY_S,
        )
        try:
            current = PeriodSide(self._history, scope, period)
            reference = await self._reference(scope, baseline)
            report = await compare_sides(reference, current, test)
        except NothingSeen:
            self._done[scope] = period.until
            return 0
        except Fault as fault:
            self._done[scope] = period.until
            self.figures.failed += 1
            log.error("drift_not_checked", scope=scope.model_id, slice=scope.slice, error=str(fault))
            return 0
        except StoreError as error:
            self.figures.failed += 1
            log.error("drift_not_checked", scope=scope.model_id, slice=scope.slice, error=error.reason)
            return 0
        found = report.to_dict() | {"reference": dict(reference.what)}
        row = DriftCheckRow(
            model=scope.model,
            version=scope.version,
            slice=scope.slice,
            since=period.since,
            until=period.until,
            baseline_id=baseline.baseline_id,
            checked_at=self._clock(),
            report=found,
        )
        await self._checks.put(row)
        self._done[scope] = period.until
        self._remember(scope, row)
        self.figures.checks += 1
        log.info("drift_checked", scope=scope.model_id, slice=scope.slice, verdict=found["verdict"])
        return 1

    def _remember(self, scope: Scope, row: DriftCheckRow) -> None:
        self.latest.pop(scope, None)
        self.latest[scope] = row
        while len(self.latest) > LATEST_MAX:
            del self.latest[next(iter(self.latest))]

    def forget(self) -> None:
        """The store was begun anew: nothing is known."""
        self.latest.clear()
        self._done.clear()

    async def _reference(self, scope: Scope, baseline: BaselineRow) -> Side:
        """The baseline; for a slice its own past in that period, since a baseline keeps no slices apart."""
        if scope.slice:
            past = scope._replace(version=baseline.version)
            return PeriodSide(self._history, past, Period(baseline.since, baseline.until))
        return await self._normal.side(baseline)

    def found(self) -> Mapping[tuple[str, str, str], bool]:
        """(model, version, slice) -> whether the latest check called any score significant."""
        return {
            (scope.model, scope.version, scope.slice): bool(row.report.get("significant_drift"))
            for scope, row in self.latest.items()
        }

    def scores(self) -> Mapping[tuple[str, str, str, str], float]:
        """(model, version, slice, score) -> the corrected distance of the latest check."""
        return {
            (*scope, name): score["corrected"]
            for scope, row in self.latest.items()
            for name, score in row.report.get("scores", {}).items()
            if score.get("corrected") is not None
        }
