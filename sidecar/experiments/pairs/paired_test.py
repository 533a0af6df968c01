"""Whether a mean difference of pairs is more than chance: at any look, and at one look planned beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan, nan, sqrt
from typing import Any

from sidecar.experiments.fixed import student_p
from sidecar.experiments.sequential import ALPHA, UNITS_MIN, half_width, p_value, rho_of
from sidecar.summaries import Moments


@dataclass(frozen=True, slots=True)
class PairedTest:
    """``difference`` is B less A, over ``n`` requests that both answered; NaN where nothing is known.

    ``low`` and ``high`` bound it by the always-valid confidence sequence, ``p_value`` is its p-value: both hold however
    often one looks. ``fixed_low``, ``fixed_high`` and ``fixed_p_value`` are of the paired t-test, which holds at a
    single look planned beforehand. Bounds are at ``alpha``. The p-values are of this look; the least of several looks'
    always-valid ones holds as well.
    """

    n: int
    difference: float
    standard_error: float
    low: float
    high: float
    p_value: float
    fixed_low: float
    fixed_high: float
    fixed_p_value: float
    alpha: float

    @property
    def significant(self) -> bool:
        """Whether the always-valid p-value is at most alpha, with at least UNITS_MIN requests."""
        return self.n >= UNITS_MIN and self.p_value <= self.alpha

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: null where nothing is known."""
        return {
            "n": self.n,
            "difference": known(self.difference),
            "standard_error": known(self.standard_error),
            "always_valid": {"low": known(self.low), "high": known(self.high), "p_value": self.p_value},
            "fixed_horizon": {
                "low": known(self.fixed_low),
                "high": known(self.fixed_high),
                "p_value": self.fixed_p_value,
            },
            "alpha": self.alpha,
            "significant": self.significant,
        }


def known(value: float) -> float | None:
    """The value, or None for NaN."""
    return None if isnan(value) else value


def mean_test(moments: Moments, name: str, alpha: float = ALPHA) -> PairedTest:
    """The test that the mean of a component is 0."""
    variance = moments.covariance(name, name)
    return paired_test(moments.n, moments.mean(name), sqrt(variance / moments.n) if moments.n > 1 else nan, alpha)


def ratio_test(moments: Moments, numerator: str, denominator: str, alpha: float = ALPHA) -> PairedTest:
    """The test that the mean per image is 0, with requests as units; with one image a request it is mean_test."""
    error = moments.ratio_standard_error(numerator, denominator)
    return paired_test(moments.n, moments.ratio(numerator, denominator), error, alpha)


def paired_test(n: int, difference: float, standard_error: float, alpha: float = ALPHA) -> PairedTest:
    """Both tests of a mean ``difference`` of ``n`` units being 0. Raises ValueError for an ``alpha`` out of 0..1.

    >>> test = paired_test(400, 0.02, 0.004)
    >>> round(test.p_value, 4), round(test.fixed_p_value, 6), test.significant
    (0.01, 1e-06, True)
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha: {alpha} is not between 0 and 1")
    if n < 2 or isnan(standard_error):
        return PairedTest(n, difference, nan, nan, nan, 1.0, nan, nan, 1.0, alpha)
    rho = rho_of()
    half = float(half_width(standard_error, n, rho, alpha))
    fixed_half = standard_error * _t_quantile(alpha, n - 1)
    t = abs(difference) / standard_error if standard_error else (inf if difference else 0.0)
    return PairedTest(
        n,
        difference,
        standard_error,
        difference - half,
        difference + half,
        float(p_value(difference, standard_error, n, rho)),
        difference - fixed_half,
        difference + fixed_half,
        student_p(t, n - 1),
        alpha,
    )


def _t_quantile(p_value: float, df: float) -> float:
    """The t over 0 whose two-sided p-value is ``p_value`` in 0..1, by bisection to the last digit."""
    low, high = 0.0, 1.0
    while student_p(high, df) > p_value:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if student_p(middle, df) > p_value else (low, middle)
    return high
