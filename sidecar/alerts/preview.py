"""When an alert would have fired: the looks of the past, judged and stepped as the monitor does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any

from sidecar.alerts.alert_state import AlertState, Outcome, State
from sidecar.alerts.catalogue import METRICS
from sidecar.alerts.condition import Condition
from sidecar.alerts.facts import Reading
from sidecar.alerts.metrics import judged, limits_of
from sidecar.alerts.sentences import sentence_of
from sidecar.alerts.states import advance
from sidecar.drift.seasonal import Seasonal

FIRINGS_MAX = 200
"""Firings that are told one by one, the latest; all are counted."""
POINTS_MAX = 700
"""Points that are given to draw."""


@dataclass(frozen=True, slots=True)
class Look:
    """What there was to see at one moment. ``reading`` is of the ``window_s`` before ``at`` (epoch seconds), not judged
    yet; ``baseline`` the figures that are normal for it, as of ``Facts``."""

    at: float
    window_s: float
    reading: Reading
    baseline: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """One time it would have fired. ``until`` None: it still does. ``peak_value`` is the worst value meanwhile, None
    where there never was one; ``sentence`` is what would have been told when it began."""

    since: float
    until: float | None
    peak_value: float | None
    peak_at: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Point:
    """A value to draw, None where there was nothing to judge; it is a breach below ``low`` or above ``high``."""

    at: float
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it. ``fired`` counts all firings, ``firing_s`` is their length together, ``state`` the one at the
    end. ``unjudged`` counts looks without a judgement by what was missing, out of ``looks``; ``flapped``: it fired so
    often that it would have been told as flapping."""

    firings: Sequence[Firing]
    fired: int
    firing_s: float
    state: State
    points: Sequence[Point]
    looks: int
    unjudged: Mapping[str, int]
    flapped: bool


def replay(
    condition: Condition,
    looks: Sequence[Look],
    of: str = "",
    season_at: Callable[[float], Seasonal | None] = lambda at: None,
) -> Replayed:
    """Take a new alert through ``looks``, oldest first; ``of`` names in sentences what it watches, ``season_at`` gives
    what was known to be usual at a time (of an anomaly).

    >>> condition = Condition("error_rate", "gt", 0.05, 900.0, for_s=60.0)
    >>> looks = [Look(60.0 * n, 900.0, Reading(0.2 if 2 <= n < 6 else 0.0, 50)) for n in range(10)]
    >>> [(firing.since, firing.until, firing.peak_value) for firing in replay(condition, looks).firings]
    [(180.0, 360.0, 0.2)]
    """
    run = _Run(condition, of, max(1, -(-len(looks) // POINTS_MAX)))
    for look in looks:
        run.take(look, season_at(look.at))
    return run.replayed()


class _Run:
    """An alert on its way through the past. ``span`` looks make one point."""

    def __init__(self, condition: Condition, of: str, span: int) -> None:
        self._condition, self._of, self._span = condition, of, span
        self._needed = condition.min_samples if METRICS[condition.metric].samples else 0
        self._state = AlertState()
        self._at = self._began_at = 0.0
        self._firings: list[Firing] = []
        self._points: list[Point] = []
        self._point: tuple[float, Point] | None = None
        self._looks = self._fired = 0
        self._firing_s = 0.0
        self._unjudged: Counter[str] = Counter()
        self._flapped = False
        self._worst = -inf

    def take(self, look: Look, seasonal: Seasonal | None) -> None:
        """One look."""
        given = (look.reading, look.baseline, look.window_s, seasonal, look.at)
        outcome, reading = judged(self._condition, *given)
        low, high = limits_of(self._condition, *given)
        if outcome is Outcome.NO_DATA:
            self._unjudged[reading.reason.partition(":")[0]] += 1
        known = isfinite(reading.value) and reading.samples >= self._needed
        point = Point(look.at, reading.value if known else None, low, high)
        badness = _badness(point) if known else -inf
        self._draw(point, badness)
        self._step(look, outcome, reading, badness)
        self._looks += 1

    def _step(self, look: Look, outcome: Outcome, reading: Reading, badness: float) -> None:
        before = self._state.state
        elapsed_s = look.at - self._at if self._looks else 0.0
        self._at = look.at
        if before is State.INACTIVE and outcome is Outcome.OK and not self._state.fired_ages_s:
            return  # as TABLE has it: most looks of most alerts, at no cost
        self._state = advance(self._state, self._condition, outcome, now=look.at, elapsed_s=elapsed_s)
        self._flapped = self._flapped or self._state.flapping
        after = self._state.state
        if after is State.FIRING and before is not State.FIRING:
            self._began_at, self._worst = look.at, -inf
            self._fired += 1
            sentence = sentence_of(self._of, self._condition, reading, before, after)
            self._firings = [*self._firings[1 - FIRINGS_MAX :], Firing(look.at, None, None, look.at, sentence)]
        if after is State.FIRING and badness > self._worst:
            self._worst = badness
            self._firings[-1] = replace(self._firings[-1], peak_value=reading.value, peak_at=look.at)
        if before is State.FIRING and after is not State.FIRING:
            self._firings[-1] = replace(self._firings[-1], until=look.at)
            self._firing_s += look.at - self._began_at

    def _draw(self, point: Point, badness: float) -> None:
        """Of each span the worst look is drawn, so that none that fired is lost; a gap only where all of it is one."""
        if self._looks % self._span == 0:
            self._end_point()
        if self._point is None or badness > self._point[0]:
            self._point = badness, point

    def _end_point(self) -> None:
        if self._point is not None:
            self._points.append(self._point[1])
            self._point = None

    def replayed(self) -> Replayed:
        """All looks were taken."""
        self._end_point()
        if self._state.state is State.FIRING:
            self._firing_s += self._at - self._began_at
        return Replayed(
            tuple(self._firings),
            self._fired,
            self._firing_s,
            self._state.state,
            tuple(self._points),
            self._looks,
            dict(self._unjudged),
            self._flapped,
        )


def _badness(point: Point) -> float:
    """How near a known value is to a breach, or how far beyond it, in the metric's unit: by what is worst."""
    value = point.value if point.value is not None else -inf
    sides = [point.low - value] if point.low is not None else []
    sides += [value - point.high] if point.high is not None else []
    return max(sides, default=0.0)
