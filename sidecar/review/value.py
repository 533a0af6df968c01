"""How much is to be learnt from a review of an image: what a queue by value gives out first."""

from __future__ import annotations

from collections.abc import Mapping
from math import log10

import numpy as np

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
    scores = np.asarray(detections.scores, np.float64)
    counts = detections.scores >= score_threshold  # as it is compared everywhere: in the scores' own precision
    classes = set(detections.classes[counts].tolist())
    return value_by(
        score_threshold,
        float(scores[counts].min()) if counts.any() else None,
        float(np.fmax.reduce(scores[~counts])) if not counts.all() else None,
        min((images_with_class.get(detections.labels[index], 0) for index in classes), default=None),
        disagreement,
    )


def value_by(
    score_threshold: float,
    lowest: float | None,
    highest_below: float | None,
    fewest_images: int | None,
    disagreement: float = 0.0,
) -> float:
    """``value_of`` by what it comes down to: the lowest score at or above the operating point, the highest below it,
    and the images with the rarest class at or above it; None where there is no such detection.

    >>> value_by(0.25, 0.625, None, 999), value_by(0.5, None, 0.25, None), value_by(0.5, None, None, None)
    (0.5, 0.5, 0.5)
    """
    if lowest is None and highest_below is None:
        uncertainty = UNKNOWN
    else:
        above = 0.0 if lowest is None or score_threshold >= 1 else (1 - _within(lowest)) / (1 - score_threshold)
        below = 0.0 if highest_below is None or score_threshold <= 0 else _within(highest_below) / score_threshold
        uncertainty = min(1.0, max(above, below))
    rarity = 0.0 if fewest_images is None else max(0.0, 1 - log10(1 + fewest_images) / COMMON_LOG10)
    return max(uncertainty, _within(disagreement), rarity)


def _within(share: float) -> float:
    """0 for NaN."""
    return min(1.0, max(0.0, share)) if share == share else 0.0
