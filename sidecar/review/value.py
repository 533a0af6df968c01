"""How much is to be learnt from a review of an image: what a queue by value gives out first."""

from __future__ import annotations

from collections.abc import Mapping
from math import log10

import numpy as np
from numpy.typing import NDArray

from sidecar.types import Detections

UNKNOWN = 0.5
"""The uncertainty of an image without any detection: nothing speaks for or against it."""
COMMON_LOG10 = 4
"""A class is worth nothing by its rarity from 10^4 images on."""


def value_of(
    detections: Detections | None, score_threshold: float, disagreement: float, images_with_class: Mapping[str, int]
) -> float:
    """The expected value of a review, 0..1: the greatest of uncertainty, disagreement and rarity.

    Uncertainty is that of the detection least sure: with the operating point t = ``score_threshold`` it is
    (1 - score) / (1 - t) at or above t, score / t below it, so 1 at t itself and 0 where the model has no doubt;
    UNKNOWN without any detection. ``disagreement`` is what a shadow test measured, 0 without one. Rarity is that of the
    rarest class at or above t: 1 - log10(1 + n) / 4, at least 0, where ``images_with_class`` gives n, 0 for a class it
    has not. Scores that are no number have no say.

    >>> cat = Detections(np.zeros((1, 4)), np.array([0.625]), np.zeros(1, int), ("cat",))
    >>> value_of(cat, 0.25, 0.0, {"cat": 999}), value_of(cat, 0.25, 0.9, {"cat": 9}), value_of(cat, 0.25, 0.0, {})
    (0.5, 0.9, 1.0)
    """
    if detections is None:
        return max(UNKNOWN, _within(disagreement))
    scores = np.fmin(np.fmax(np.asarray(detections.scores, np.float64), 0.0), 1.0)  # fmax: 0 for NaN too
    counts = detections.scores >= score_threshold  # as it is compared everywhere: in the scores' own precision
    return max(
        _uncertainty(scores, counts, score_threshold),
        _within(disagreement),
        _rarity(detections, counts, images_with_class),
    )


def _uncertainty(scores: NDArray[np.float64], counts: NDArray[np.bool_], threshold: float) -> float:
    if not len(scores):
        return UNKNOWN
    counted, below = scores[counts], scores[~counts]
    above = float((1 - counted.min()) / (1 - threshold)) if len(counted) and threshold < 1 else 0.0
    under = float(below.max() / threshold) if len(below) and threshold > 0 else 0.0
    return min(1.0, max(above, under))


def _rarity(detections: Detections, counted: NDArray[np.bool_], images_with_class: Mapping[str, int]) -> float:
    classes = set(detections.classes[counted].tolist())
    fewest = min((images_with_class.get(detections.labels[index], 0) for index in classes), default=None)
    return 0.0 if fewest is None else max(0.0, 1 - log10(1 + fewest) / COMMON_LOG10)


def _within(share: float) -> float:
    """0 for NaN."""
    return min(1.0, max(0.0, share)) if share == share else 0.0
