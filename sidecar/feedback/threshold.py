"""The score threshold that would reach a wanted precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, nan

import numpy as np

from sidecar.feedback.audited import Judged
from sidecar.feedback.precision import precision_of
from sidecar.feedback.proportion import Proportion

TARGET_DEFAULT = 0.9
STEP = 0.01
"""Thresholds are whole hundredths: finer ones would fit the chance of the sample."""
IMAGES_MIN = 30
"""Images with detections at or above a threshold, below which nothing is said of it."""
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Threshold:
    """The lowest ``threshold`` from which on the precision is at least ``target``; None where none is found.

    ``precision`` is that of the detections at or above it, which are ``kept_share`` of those at or above the operating
    point. ``images`` have such detections. NaN where nothing is found.
    """

    target: float
    threshold: float | None
    precision: Proportion
    kept_share: float
    images: int
    sentence: str


def threshold_for(judged: Sequence[Judged], target: float = TARGET_DEFAULT) -> Threshold:
    """What is estimated is the share of right detections among those with a score of at least the threshold, in all
    images that came, not in the reviewed ones only; of several thresholds that reach ``target`` it is the lowest.

    From the (highest) operating point on, since lower scores are recorded of some versions only, and in steps of STEP.
    The point estimate decides; its lower bound says what is sure of this one threshold. It was chosen by the same
    images, so that it does a little better here than on others. Which detection is right was settled at the operating
    point: a second box of an object stays wrong at a threshold that drops the first. Raises ValueError for a target
    that is not over 0 and at most 1.
    """
    if not 0 < target <= 1:
        raise ValueError(f"target_precision: {target} is not over 0 and at most 1")
    low = max((image.score_threshold for image in judged), default=0.0)
    scores, right, weights = _columns(judged)
    images = sum(any(found.score >= low - _ROUNDING for found in image.outcomes) for image in judged)
    if images < IMAGES_MIN:
        return _nothing(target, images, f"Too little data: {_images(images)} with detections, {IMAGES_MIN} are needed.")
    base = float(weights[scores >= low - _ROUNDING].sum())
    for step in range(ceil((1.0 - low) / STEP - _ROUNDING) + 1):
        threshold = low if step == 0 else min(1.0, round((ceil(low / STEP - _ROUNDING) + step - 1) * STEP, 6))
        kept = scores >= threshold - _ROUNDING
        total = float(weights[kept].sum())
        if not total:
            break
        if float(weights[kept & right].sum()) / total < target:
            continue
        precision = precision_of(judged, threshold)
        if precision.clusters < IMAGES_MIN:
            break
        kept_share = total / base
        sentence = _sentence(target, threshold, precision, kept_share, step == 0)
        return Threshold(target, threshold, precision, kept_share, precision.clusters, sentence)
    return _nothing(
        target,
        images,
        f"No threshold reaches a precision of {_percent(target)} with detections in {IMAGES_MIN} images or more.",
    )


def _columns(judged: Sequence[Judged]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(scores, whether right, weights) of all detections [N]."""
    rows = [(found.score, found.outcome == "true", image.weight) for image in judged for found in image.outcomes]
    scores, right, weights = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(scores, np.float64), np.array(right, np.bool_), np.array(weights, np.float64)


def _nothing(target: float, images: int, sentence: str) -> Threshold:
    return Threshold(target, None, Proportion(), nan, images, sentence)


def _sentence(target: float, threshold: float, precision: Proportion, kept_share: float, at_once: bool) -> str:
    said = (
        f"The operating point of {threshold:.3g} reaches a precision of {_percent(target)} already: "
        if at_once
        else f"From a score of {threshold:.3g} on the precision reaches {_percent(target)}: "
    )
    said += (
        f"{_percent(precision.value)} of detections are right (at least {_percent(precision.lower)}, of "
        f"{_images(precision.clusters)})"
    )
    said += "." if at_once else f", and {_percent(kept_share)} of the detections are kept."
    if precision.lower < target:
        said += f" It is not sure that it reaches {_percent(target)}: review more images."
    return said


def _images(n: int) -> str:
    return f"{n:,} image" if n == 1 else f"{n:,} images"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
