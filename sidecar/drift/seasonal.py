"""What an hour usually looks like: medians by season, and one robust spread around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

HOUR_OF_THE_DAY = "hour of the day"
HOUR_OF_THE_WEEK = "hour of the week"
DAYS_MIN = 3
"""Data must span so many days for an hour of the day to be known ..."""
WEEKS_MIN = 4
"""... and so many weeks for an hour of the week."""
SPREAD_SHARE_MIN = 0.01
SPREAD_MIN = 0.001
"""The spread is at least this share of the usual value, and at least this, in the unit of the metric: where nothing
ever varied, the first tiny change would be an anomaly."""
SCORE_MAX = 1_000.0
MAD_TO_SD = 1.4826
"""Of a normal distribution (Rousseeuw and Croux, JASA 88, 1993)."""

_HOUR_S = 3_600
_SLOTS = {HOUR_OF_THE_DAY: 24, HOUR_OF_THE_WEEK: 168}


@dataclass(frozen=True, slots=True)
class Seasonal:
    """``medians`` by slot of the season (UTC hours, from Thursday 00:00 where it is a week), in the unit of the values,
    as is ``spread``, one for all slots; ``hours`` is how many values are behind it.
    """

    season: str
    medians: Mapping[int, float]
    spread: float
    hours: int

    def expected(self, at: float) -> float:
        """The usual value at ``at`` (epoch seconds); NaN for an hour that was never seen."""
        return self.medians.get(_slot(at, self.season), nan)

    def score(self, at: float, value: float) -> float:
        """How many spreads ``value`` is over (or, negative, under) the usual one; NaN where that is not known."""
        score = (value - self.expected(at)) / self.spread
        return max(-SCORE_MAX, min(SCORE_MAX, score)) if score == score else nan


def fit_seasonal(hours: Sequence[tuple[float, float]]) -> Seasonal | None:
    """From (start of the hour in epoch seconds, value); NaN values are left out. None before DAYS_MIN days of data.

    The spread is 1.4826 times the median absolute deviation, pooled over all slots, of each value from the median of
    the other values of its slot. (Few values lie close to a median that they are part of: with three of each, every
    third deviation would be zero. A spread for each slot, from two weeks, calls 24 % of normal hours false.)

    >>> fit_seasonal([(0.0, 1.0)]) is None
    True
    """
    known = [(start, value) for start, value in hours if value == value]
    if not known:
        return None
    starts = [start for start, _ in known]
    days = (max(starts) - min(starts) + _HOUR_S) / 86_400
    if days < DAYS_MIN:
        return None
    season = HOUR_OF_THE_WEEK if days >= 7 * WEEKS_MIN else HOUR_OF_THE_DAY
    slots: dict[int, list[float]] = {}
    for start, value in known:
        slots.setdefault(_slot(start, season), []).append(value)
    medians = {slot: float(np.median(values)) for slot, values in sorted(slots.items())}
    return Seasonal(season, medians, _spread(list(slots.values())), len(known))


def _spread(slots: Sequence[Sequence[float]]) -> float:
    deviations = np.concatenate([_deviations(np.sort(values)) for values in slots if len(values) > 1] or [np.zeros(1)])
    usual = float(np.median(np.abs(np.concatenate([np.asarray(values, np.float64) for values in slots]))))
    return max(MAD_TO_SD * float(np.median(deviations)), SPREAD_SHARE_MIN * usual, SPREAD_MIN)


def _deviations(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each of N ordered values is from the median of the others [N]."""
    places = np.arange(ordered.size)
    low, high = (ordered.size - 2) // 2, (ordered.size - 1) // 2
    others = (ordered[low + (low >= places)] + ordered[high + (high >= places)]) / 2
    return np.asarray(np.abs(ordered - others))


def _slot(at: float, season: str) -> int:
    return int(at // _HOUR_S) % _SLOTS[season]
