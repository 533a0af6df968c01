"""How much a figure varies by itself, and whether two of them differ by more than that. Pure.

Images of one camera resemble their neighbours, so they don't count one by one: a range is cut into blocks, and what
blocks differ among themselves is the measure (batch means: Schmeiser, Operations Research 30, 1982). A ratio's error
is by linearisation over the blocks (Cochran, Sampling Techniques, 1977, 6.3), two sides are held together by Welch's t
(Biometrika 34, 1947). Failures and requests are counted one by one: bursts of them are news, not noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, sqrt

from sidecar.experiments.fixed import normal_p, student_p, two_proportion_z
from sidecar.experiments.sums import Sums

BLOCKS_MIN = 6
"""Blocks with traffic a side needs: of fewer nobody can tell how much it varies."""
UNITS_MIN = 50
"""Requests or images a side needs, or nothing is said of it."""
FAILURES_MIN = 5
"""Failed requests that both sides must have together."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure with its standard error, of ``df`` degrees of freedom, made of ``units`` requests, images ..."""

    value: float
    error: float
    df: int
    units: float


def ratio(parts: Sequence[tuple[float, float]], units: float) -> Measured | None:
    """The sum of the first over the sum of the second, of blocks; None where they are too few to tell.

    >>> found = ratio([(1, 10), (2, 10), (3, 10), (2, 10), (1, 10), (3, 10)], 60)
    >>> round(found.value, 3), round(found.error, 4), found.df
    (0.2, 0.0365, 5)
    >>> ratio([(1, 10), (0, 0)], 60) is None
    True
    """
    whole = sum(below for _, below in parts)
    blocks = sum(1 for _, below in parts if below)
    if blocks < BLOCKS_MIN or units < UNITS_MIN:
        return None
    value = sum(above for above, _ in parts) / whole
    squares = sum((above - value * below) ** 2 for above, below in parts if below)
    return Measured(value, sqrt(blocks / (blocks - 1) * squares) / whole, blocks - 1, units)


def of_values(value: float, values: Sequence[float], units: float) -> Measured | None:
    """``value`` of the whole, of which blocks have ``values``; None where they are too few to tell.

    >>> round(of_values(5.0, [4, 5, 6, 4, 5, 6], 60).error, 4)
    0.3651
    """
    known = [one for one in values if not isnan(one)]
    if len(known) < BLOCKS_MIN or units < UNITS_MIN or isnan(value):
        return None
    mean = sum(known) / len(known)
    squares = sum((one - mean) ** 2 for one in known)
    return Measured(value, sqrt(squares / (len(known) - 1) / len(known)), len(known) - 1, units)


def normal_of(value: float, now: Measured, units: float) -> Measured | None:
    """A figure of which only the value is known, made of so many units: it varies as ``now`` does, and less the more
    it is made of. None where they are too few."""
    if units < UNITS_MIN:
        return None
    return Measured(value, now.error * sqrt(now.units / units), now.df, units)


def p_of_difference(now: Measured, before: Measured) -> float:
    """Two-sided.

    >>> one, other = Measured(0.8, 0.01, 11, 500), Measured(0.7, 0.01, 11, 500)
    >>> p_of_difference(one, other) < 0.001, p_of_difference(one, one)
    (True, 1.0)
    """
    difference = now.value - before.value
    squares = now.error**2 + before.error**2
    if not difference:
        return 1.0
    if not squares:
        return 0.0
    df = squares**2 / (now.error**4 / now.df + before.error**4 / before.df)
    return student_p(difference / sqrt(squares), df)


def p_of_shares(events: int, n: int, events_before: int, n_before: int) -> float | None:
    """Two-sided, of two counts of failures, by the score test of the pooled share (as Newcombe, Statistics in Medicine
    17, 1998, has it); None where there are too few to tell.

    >>> p_of_shares(40, 1000, 4, 1000) < 0.001, p_of_shares(2, 1000, 0, 1000)
    (True, None)
    """
    if min(n, n_before) < UNITS_MIN or events + events_before < FAILURES_MIN:
        return None
    return two_proportion_z(Sums.of_counts(n_before, events_before), Sums.of_counts(n, events))[1]


def p_of_rates(n: int, seconds: float, n_before: int, seconds_before: float) -> float | None:
    """Two-sided, of two counts over two times: of all of them those of one side are a draw with its share of the time
    (Przyborowski and Wilenski, Biometrika 31, 1940), taken as normal; None where there are too few to tell.

    >>> p_of_rates(100, 60.0, 300, 60.0) < 0.001, p_of_rates(100, 60.0, 300, 180.0), p_of_rates(2, 60.0, 9, 60.0)
    (True, 1.0, None)
    """
    whole = seconds + seconds_before
    if max(n, n_before) < UNITS_MIN or not min(seconds, seconds_before) > 0:
        return None
    share = seconds / whole
    total = n + n_before
    return normal_p((n - total * share) / sqrt(total * share * (1 - share)))
