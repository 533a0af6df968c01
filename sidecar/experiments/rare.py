"""Rare events in two arms: a conditional-binomial e-process, exact at any number of events and any split.

Where a unit goes to the treatment with probability w, an event falls there with probability w r / (w r + 1 - w), r
being the ratio of the rates. Given the events, that does not depend on how often they come, by day or by night; so a
likelihood ratio against any other r is a martingale, over epochs of unlike w as well, and a mixture of such ratios
(Robbins, Annals of Mathematical Statistics 41, 1970) too. By Ville's inequality it exceeds 1/alpha ever with
probability at most alpha. Conditioning on the events: Przyborowski and Wilenski, Biometrika 31, 1940.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, isinf, log
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Sides = Literal["both", "over", "under"]

POINTS = 240
"""Of the mixture on each side."""
_DISTANCES = np.geomspace(0.005, 3.0, POINTS)
"""Of the log ratio from the null's: as much weight on small distances as on large ones, by octaves. From 0.5 % up to a
ratio of 20; what is further is found by the points nearest to it."""
_GRID = {
    "both": np.concatenate([-_DISTANCES[::-1], _DISTANCES]),
    "over": _DISTANCES,
    "under": -_DISTANCES,
}
_RATE_SHARES = np.linspace(0.0, 0.95, 20)
"""Rates of the mixture against a ceiling, as shares of it."""
_LOG_RATIO_MAX = 50.0


def log_e_value(
    control_events: ArrayLike,
    treatment_events: ArrayLike,
    shares: ArrayLike,
    ratio: float = 1.0,
    sides: Sides = "both",
) -> Floats:
    """The logarithm of the e-process against a ratio of ``ratio``; [...] for events [..., epochs], shares [epochs].

    ``sides`` "over" is against a ratio of at most ``ratio``, "under" against at least ``ratio``.
    """
    grid = log(ratio) + _GRID[sides]
    null = _log_likelihood(control_events, treatment_events, shares, np.array([log(ratio)]))
    return _log_mean_exp(_log_likelihood(control_events, treatment_events, shares, grid) - null)


def p_value(
    control_events: ArrayLike,
    treatment_events: ArrayLike,
    shares: ArrayLike,
    ratio: float = 1.0,
    sides: Sides = "both",
) -> Floats:
    """Always valid: 1 / (the e-process), at most 1. Its running minimum is valid too.

    >>> float(p_value([0], [0], [0.5]))
    1.0
    """
    return np.exp(-np.maximum(0.0, log_e_value(control_events, treatment_events, shares, ratio, sides)))


def confidence_sequence(
    control_events: ArrayLike, treatment_events: ArrayLike, shares: ArrayLike, alpha: float = 0.05
) -> tuple[float, float]:
    """(low, high) of the ratio of rates, treatment over control, at every time at once with probability 1 - alpha.

    Those ratios against which the e-process (mixed around 1) is under 1/alpha; (0, inf) without events.

    >>> confidence_sequence([0], [0], [0.5])
    (0.0, inf)
    """
    control, treatment = np.asarray(control_events, np.float64), np.asarray(treatment_events, np.float64)
    mixed = float(_log_mean_exp(_log_likelihood(control, treatment, shares, _GRID["both"])))
    least = mixed - log(1 / alpha)

    def margin(log_ratio: float) -> float:
        return float(_log_likelihood(control, treatment, shares, np.array([log_ratio]))[0]) - least

    # the log likelihood is concave in the log ratio, so that the set is an interval around its top
    top = _top(control, treatment, shares)
    low = -inf if margin(-_LOG_RATIO_MAX) >= 0 else _root(margin, top, -_LOG_RATIO_MAX)
    high = inf if margin(_LOG_RATIO_MAX) >= 0 else _root(margin, top, _LOG_RATIO_MAX)
    return exp(low), inf if isinf(high) else exp(high)


def ratio_estimate(control_events: ArrayLike, treatment_events: ArrayLike, shares: ArrayLike) -> float:
    """The ratio that makes the events most likely, over epochs; NaN without events."""
    control, treatment = np.asarray(control_events, np.float64), np.asarray(treatment_events, np.float64)
    if not control.sum() + treatment.sum():
        return float("nan")
    top = _top(control, treatment, shares)
    return inf if top >= _LOG_RATIO_MAX else 0.0 if top <= -_LOG_RATIO_MAX else exp(top)


def ceiling_p_value(events: ArrayLike, trials: ArrayLike, ceiling: float) -> Floats:
    """Always valid, against a rate of at least ``ceiling``: small where the rate is surely lower.

    A mixture of binomial likelihood ratios over rates under the ceiling (the same papers); [...] like its arguments.
    """
    happened = np.asarray(events, np.float64)[..., None]
    rest = np.asarray(trials, np.float64)[..., None] - happened
    with np.errstate(divide="ignore"):
        gain = np.log(_RATE_SHARES)
    gain = np.where(happened > 0, happened * np.maximum(gain, -1e300), 0.0)
    ratios = gain + rest * (np.log1p(-ceiling * _RATE_SHARES) - np.log1p(-ceiling))
    return np.exp(-np.maximum(0.0, _log_mean_exp(ratios)))


def _log_likelihood(control: ArrayLike, treatment: ArrayLike, shares: ArrayLike, log_ratios: Floats) -> Floats:
    """[..., ratios], up to what does not depend on the ratio."""
    share = np.asarray(shares, np.float64)
    logit = np.log(share / (1 - share))[:, None] + log_ratios
    in_treatment, in_control = -np.logaddexp(0.0, -logit), -np.logaddexp(0.0, logit)
    return np.asarray(np.asarray(treatment, np.float64) @ in_treatment + np.asarray(control, np.float64) @ in_control)


def _log_mean_exp(values: Floats) -> Floats:
    top = values.max(axis=-1, keepdims=True)
    return np.asarray(top[..., 0] + np.log(np.exp(values - top).mean(axis=-1)))


def _top(control: Floats, treatment: Floats, shares: ArrayLike) -> float:
    """The log ratio of the highest likelihood: where the expected events of the treatment are those it has."""
    share = np.asarray(shares, np.float64)
    logit = np.log(share / (1 - share))

    def surplus(log_ratio: float) -> float:
        expected = (control + treatment) @ (1 / (1 + np.exp(-(logit + log_ratio))))
        return float(treatment.sum() - expected)

    if not treatment.sum() or not control.sum():
        return 0.0 if treatment.sum() == control.sum() else _LOG_RATIO_MAX * (1 if treatment.sum() else -1)
    return _root(surplus, -_LOG_RATIO_MAX, _LOG_RATIO_MAX)


def _root(function: Callable[[float], float], positive: float, negative: float) -> float:
    """Where a function that is positive at one point and negative at the other turns, by halving."""
    for _ in range(100):
        middle = (positive + negative) / 2
        if function(middle) >= 0:
            positive = middle
        else:
            negative = middle
    return (positive + negative) / 2
