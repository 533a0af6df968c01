"""Fixed-horizon tests: true only where the number of units was settled beforehand and one looks once."""

from __future__ import annotations

from math import erfc, exp, inf, isnan, lgamma, log, nan, sqrt

from sidecar.experiments.sums import Sums

_STEPS_MAX = 10_000
_PRECISE = 1e-15
_TINY = 1e-300
NORMAL_FROM_DF = 1e7
"""With more degrees of freedom, Student's t is taken as normal."""


def welch_t(control: Sums, treatment: Sums) -> tuple[float, float, float]:
    """(t, degrees of freedom, two-sided p) of a difference of means (Welch, Biometrika 34, 1947).

    NaN where an arm has fewer than two units; t is infinite where neither arm varies and they differ.
    """
    error_a, error_b = control.standard_error, treatment.standard_error
    if isnan(error_a) or isnan(error_b):
        return nan, nan, nan
    difference = treatment.value - control.value
    variance_a, variance_b = error_a**2, error_b**2
    variance = variance_a + variance_b
    if not variance:
        return (inf if difference else 0.0), nan, (0.0 if difference else 1.0)
    df = variance**2 / (variance_a**2 / (control.n - 1) + variance_b**2 / (treatment.n - 1))
    t = difference / sqrt(variance)
    return t, df, student_p(t, df)


def two_proportion_z(control: Sums, treatment: Sums) -> tuple[float, float]:
    """(z, two-sided p) of a difference of shares, with the pooled share in the error. NaN where an arm is empty."""
    if not control.m or not treatment.m:
        return nan, nan
    pooled = (control.x + treatment.x) / (control.m + treatment.m)
    error = sqrt(pooled * (1 - pooled) * (1 / control.m + 1 / treatment.m))
    if not error:
        return 0.0, 1.0
    z = (treatment.value - control.value) / error
    return z, normal_p(z)


def normal_p(z: float) -> float:
    """Two-sided.

    >>> round(normal_p(1.959963984540054), 10)
    0.05
    """
    return erfc(abs(z) / sqrt(2))


def student_p(t: float, df: float) -> float:
    """Two-sided p of Student's t: the regularised incomplete beta function I_x(df/2, 1/2) at x = df/(df + t^2)."""
    if df >= NORMAL_FROM_DF:
        return normal_p(t)
    if not t:
        return 1.0
    x, y = df / (df + t * t), t * t / (df + t * t)
    return _beta_share(x, y, df / 2, 0.5)


def _beta_share(x: float, y: float, a: float, b: float) -> float:
    """The regularised incomplete beta function; ``y`` is 1 - x, given apart to keep its digits."""
    if x <= 0 or y <= 0:
        return 0.0 if x <= 0 else 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y))
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(x, a, b) / a
    return 1 - front * _continued_fraction(y, b, a) / b


def _continued_fraction(x: float, a: float, b: float) -> float:
    """DLMF 8.17.22, by Lentz's method as modified by Thompson and Barnett."""
    c, d = 1.0, 1 / _away_from_0(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS_MAX):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for coefficient in (even, odd):
            d = 1 / _away_from_0(1 + coefficient * d)
            c = _away_from_0(1 + coefficient / c)
            value *= c * d
        if abs(c * d - 1) < _PRECISE:
            break
    return value


def _away_from_0(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
