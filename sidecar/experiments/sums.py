"""Exact sums of a metric over units, and what follows from them: the value, its standard error, the pooled one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

from sidecar.summaries import Moments

Form = Sequence[tuple[str, int]]
"""A whole-numbered combination of components, such as (("images", 1), ("images_with_detections", -1))."""


@dataclass(frozen=True, slots=True)
class Sums:
    """n units, of each a numerator x and a denominator m (1 of each unit where the metric is a mean).

    All are whole numbers, x and m in units of 1/scale_x and 1/scale_m; ``xx`` is the sum of squares of x, ``xm`` of the
    products. So they add up exactly, in whatever order.

    >>> Sums.of_counts(10, 3).merge(Sums.of_counts(10, 1)).value
    0.2
    """

    n: int = 0
    x: int = 0
    m: int = 0
    xx: int = 0
    xm: int = 0
    mm: int = 0
    scale_x: int = 1
    scale_m: int = 1

    @classmethod
    def of(cls, moments: Moments, numerator: Form, denominator: Form = ()) -> Sums:
        """From sums and products of components; a mean over units where there is no denominator.

        The components of one form must have one scale. No units at all are the empty sums.
        """
        if not moments.n:
            return cls()
        x, xx = _sum(moments, numerator), _product(moments, numerator, numerator)
        scale_x = moments.scales[moments.names.index(numerator[0][0])]
        if not denominator:
            return cls(moments.n, x, moments.n, xx, x, moments.n, scale_x)
        return cls(
            moments.n,
            x,
            _sum(moments, denominator),
            xx,
            _product(moments, numerator, denominator),
            _product(moments, denominator, denominator),
            scale_x,
            moments.scales[moments.names.index(denominator[0][0])],
        )

    @classmethod
    def of_counts(cls, n: int, events: int) -> Sums:
        """``events`` of ``n`` units, each of which has one or none."""
        return cls(n, events, n, events, events, n)

    def merge(self, other: Sums) -> Sums:
        """Both sides' units. Raises ValueError for unlike scales; what has no units at all fits any."""
        if not self.n or not other.n:
            return self if self.n else other
        if (self.scale_x, self.scale_m) != (other.scale_x, other.scale_m):
            raise ValueError(f"sums: scales {self.scale_x}/{self.scale_m} and {other.scale_x}/{other.scale_m} differ")
        return Sums(
            self.n + other.n,
            self.x + other.x,
            self.m + other.m,
            self.xx + other.xx,
            self.xm + other.xm,
            self.mm + other.mm,
            self.scale_x,
            self.scale_m,
        )

    @property
    def value(self) -> float:
        """Sum over sum; NaN without a denominator."""
        return self.x / self.m * (self.scale_m / self.scale_x) if self.m else nan

    @property
    def standard_error(self) -> float:
        """Of ``value`` by the delta method, over units (Deng, Knoblich, Lu, KDD 2018, arXiv 1803.06336, section 3.1).

        For a mean it is the usual one, s / sqrt(n). NaN under two units or without a denominator.
        """
        if self.n < 2 or not self.m:
            return nan
        squares = residual_squares(self, self.x, self.m)
        return sqrt(squares / (self.n - 1) / self.n) / (self.m / self.n) * (self.scale_m / self.scale_x)

    @property
    def single(self) -> bool:
        """Whether every unit has one outcome or none, so that events are as independent as units are."""
        return self.scale_x == 1 == self.scale_m and self.xx == self.x and self.mm == self.m

    @property
    def units_with_events(self) -> float:
        """At least so many units have events: (sum of x)^2 / (sum of x^2), by Cauchy and Schwarz."""
        return self.x * self.x / self.xx if self.xx else 0.0


def at_weight_of(sums: Sums, other: Sums) -> Sums:
    """``sums`` as if its units had the mean weight of the ``other``'s: the value is the same.

    Where x and m are weights that say how likely a unit was drawn, those of two arms that were drawn at unlike rates
    are not of one scale, and a variance of both together would be of nothing.

    >>> at_weight_of(Sums(2, 10, 20, 100, 100, 200), Sums(4, 4, 4, 4, 4, 4)).m
    2
    """
    if not sums.m or not other.m or sums.m * other.n == other.m * sums.n:
        return sums
    by, of = other.m * sums.n, sums.m * other.n
    return Sums(
        sums.n,
        _times(sums.x, by, of),
        _times(sums.m, by, of),
        _times(sums.xx, by**2, of**2),
        _times(sums.xm, by**2, of**2),
        _times(sums.mm, by**2, of**2),
        sums.scale_x,
        sums.scale_m,
    )


def _times(number: int, by: int, of: int) -> int:
    # in whole numbers: products of sums of squares are far over what a float tells apart
    return (2 * number * by + of) // (2 * of)


def residual_squares(sums: Sums, x: int, m: int) -> float:
    """The sum of squares of what units differ from the ratio ``x / m``, in units of 1/scale_x^2."""
    # in whole numbers up to here: with floats, close large numbers would cancel
    return max(0, m * m * sums.xx - 2 * x * m * sums.xm + x * x * sums.mm) / (m * m)


def pooled_standard_error(control: Sums, treatment: Sums, ratio: float = 1.0) -> float:
    """Of ``treatment.value / ratio - control.value`` where the treatment's rate is ``ratio`` times the control's.

    The variance of a unit is that of both arms together around their common rate: an arm in which a rare event has
    not come yet has no variance of its own, and would look surer than it is. NaN under two units an arm or without a
    denominator.
    """
    n = control.n + treatment.n
    m = control.m + treatment.m
    if min(control.n, treatment.n) < 2 or not control.m or not treatment.m:
        return nan
    common = (control.x + treatment.x / ratio) / m
    squares = _around(control, common, 1.0) + _around(treatment, common, ratio)
    scale = (control.scale_m or 1) / (control.scale_x or 1)
    return sqrt(squares / (n - 1) * (1 / control.n + 1 / treatment.n)) / (m / n) * scale


def _around(sums: Sums, rate: float, ratio: float) -> float:
    return max(0.0, sums.xx / ratio**2 - 2 * rate * sums.xm / ratio + rate * rate * sums.mm)


def _sum(moments: Moments, form: Form) -> int:
    return sum(factor * int(moments.sums[moments.names.index(name)]) for name, factor in form)


def _product(moments: Moments, left: Form, right: Form) -> int:
    size = len(moments.names)
    total = 0
    for left_name, left_factor in left:
        for right_name, right_factor in right:
            i, j = sorted((moments.names.index(left_name), moments.names.index(right_name)))
            # products stand row by row, each row from its diagonal on
            place = i * size - i * (i - 1) // 2 + (j - i)
            total += left_factor * right_factor * int(moments.products[place])
    return total
