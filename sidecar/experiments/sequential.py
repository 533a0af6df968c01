"""Confidence sequences and p-values that stay true however often they are looked at, for means and ratios.

Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, Time-uniform central limit theory and asymptotic confidence
sequences, arXiv 2103.06476: the Gaussian mixture, and its one-sided form in the appendix. All functions take
numbers or arrays that broadcast.
"""

from __future__ import annotations

from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

ALPHA = 0.05
PLAN_UNITS = 5_000
"""The sequence is tightest about here; it holds at every other number of units as well."""
UNITS_MIN = 150
"""Units an arm needs before the asymptotics are used at all."""

Floats = NDArray[np.float64]


def rho_of(units: float = PLAN_UNITS, alpha: float = ALPHA) -> float:
    """The tuning that makes the sequence tightest at ``units``.

    >>> round(rho_of(), 6)
    0.03984
    """
    return sqrt((-2 * log(alpha) + log(-2 * log(alpha) + 1)) / units)


def half_width(standard_error: ArrayLike, n: ArrayLike, rho: float, alpha: float = ALPHA) -> Floats:
    """Of the two-sided sequence around an estimate with ``standard_error``; ``n`` counts units of both arms."""
    root = np.sqrt(_time(n, rho) + 1)
    return np.asarray(_scaled(standard_error, n, rho) * np.sqrt(2 * np.log(root / alpha)))


def p_value(difference: ArrayLike, standard_error: ArrayLike, n: ArrayLike, rho: float) -> Floats:
    """The smallest alpha at which the two-sided sequence excludes 0; its running minimum is valid too."""
    with np.errstate(over="ignore"):
        p = np.sqrt(_time(n, rho) + 1) * np.exp(-_exponent(difference, standard_error, n, rho))
    return np.asarray(np.minimum(1.0, p))


def one_sided_half_width(standard_error: ArrayLike, n: ArrayLike, rho: float, alpha: float = ALPHA) -> Floats:
    """How far a bound on one side is from the estimate."""
    root = np.sqrt(_time(n, rho) + 1)
    return np.asarray(_scaled(standard_error, n, rho) * np.sqrt(2 * np.log1p(root / (2 * alpha))))


def one_sided_p_value(excess: ArrayLike, standard_error: ArrayLike, n: ArrayLike, rho: float) -> Floats:
    """Against an excess of 0 or less: the smallest alpha at which the lower bound is over 0; 1 where it never is."""
    exponent = _exponent(excess, standard_error, n, rho)
    with np.errstate(over="ignore", divide="ignore"):
        p = np.sqrt(_time(n, rho) + 1) / (2 * np.expm1(exponent))
    return np.where(np.asarray(excess) > 0, np.minimum(1.0, p), 1.0)


def _time(n: ArrayLike, rho: float) -> Floats:
    return np.asarray(np.asarray(n, np.float64) * rho**2)


def _scaled(standard_error: ArrayLike, n: ArrayLike, rho: float) -> Floats:
    time = _time(n, rho)
    return np.asarray(np.asarray(standard_error, np.float64) * np.sqrt((time + 1) / time))


def _exponent(difference: ArrayLike, standard_error: ArrayLike, n: ArrayLike, rho: float) -> Floats:
    time = _time(n, rho)
    square, variance = np.square(np.asarray(difference, np.float64)), np.square(np.asarray(standard_error, np.float64))
    # no variance at all: a difference of 0 says nothing, any other says everything
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(square == 0, 0.0, square / variance)
    return np.asarray(ratio * time / (2 * (time + 1)))
