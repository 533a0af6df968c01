"""A weighted share with its interval: of single images, or of detections that come several to an image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf, nan, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from sidecar.experiments.fixed import student_p

LEVEL = 0.95
"""Of every interval."""
_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True, slots=True)
class Proportion:
    """``value`` within ``lower`` and ``upper`` (95 %), of ``n`` cases in ``clusters`` images; NaN where there are none.

    ``effective_n``: so many independent cases of equal weight would tell as much.
    """

    value: float = nan
    lower: float = nan
    upper: float = nan
    n: int = 0
    clusters: int = 0
    effective_n: float = 0.0


def proportion(weights: ArrayLike, hits: ArrayLike, cases: ArrayLike) -> Proportion:
    """The share of hits among cases in all images, from those that were drawn.

    Of each image drawn: ``weights`` is 1 / (the chance it was drawn with), ``hits`` of ``cases`` are right; images
    without cases tell nothing. The share is Hajek's ratio sum(w hits) / sum(w cases) (Sarndal, Swensson and Wretman,
    Model Assisted Survey Sampling, 1992, 5.7), its variance that of a ratio by linearisation with the image as the
    unit (there, 5.5; Cochran, Sampling Techniques, 1977, 6.3), so detections of one image may depend on each other as
    they like. The interval is Wilson's (JASA 22, 1927) with the effective number of cases p (1 - p) / variance, reduced
    by (z / t)^2 with t of the effective number of images less one (Korn and Graubard, Survey Methodology 24, 1998;
    Wilson's form as in Franco, Little, Louis and Slud, JSSAM 7, 2019). Single cases of equal weight are plain Wilson.
    Of unequal weight they are never taken for more than Kish's number of them, (sum w x)^2 / sum(w^2 x) (Survey
    Sampling, 1965, 11.7): where the few images that weigh much happen to be all right, nothing is seen to vary.

    >>> found = proportion([1.0] * 10, [1] * 8 + [0] * 2, [1] * 10)
    >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3), found.effective_n
    (0.8, 0.49, 0.943, 10.0)
    """
    w, y, x = (np.asarray(values, np.float64) for values in (weights, hits, cases))
    w, y, x = w[x > 0], y[x > 0], x[x > 0]
    if not len(w):
        return Proportion()
    whole = w * x
    total = float(whole.sum())
    value = float((w * y).sum()) / total
    images = total**2 / float((whole**2).sum())
    n = round(float(x.sum()))
    if w.min() == w.max() and x.max() == 1:
        effective, shrunk = float(n), 1.0
    else:
        squares = float((w**2 * (y - value * x) ** 2).sum()) / total**2
        variance = squares * images / (images - 1) if images > 1 else 0.0
        kish = total**2 / float((w**2 * x).sum())
        # none or all are hits: nothing is seen to vary, and the images count as one case each
        effective = min(kish, value * (1 - value) / variance) if variance > 0 else images
        shrunk = (_Z / _student_quantile(max(1.0, round(images - 1, 3)))) ** 2
    lower, upper = wilson(value, effective * shrunk)
    return Proportion(value, lower, upper, n, len(w), effective)


def wilson(value: float, n: float) -> tuple[float, float]:
    """Wilson's score interval (95 %) of a share ``value`` of ``n`` cases, which need not be a whole number.

    >>> [round(bound, 4) for bound in wilson(0.0, 10)]
    [0.0, 0.2775]
    """
    if not n > 0:
        return 0.0, 1.0
    scale = 1 + _Z**2 / n
    middle = (value + _Z**2 / (2 * n)) / scale
    half = _Z / scale * sqrt(value * (1 - value) / n + _Z**2 / (4 * n * n))
    # rounding must not put a bound on the wrong side of the value
    return max(0.0, min(value, middle - half)), min(1.0, max(value, middle + half))


@lru_cache(maxsize=1_024)
def _student_quantile(df: float) -> float:
    """The two-sided 95 % point of Student's t, by halving; 2 at most 10^3 times."""
    low, high = _Z, 13.0
    if df == inf or student_p(low, df) <= 1 - LEVEL:
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student_p(middle, df) > 1 - LEVEL else (low, middle)
    return high
