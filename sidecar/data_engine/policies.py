"""The rules: what makes an image worth keeping, and the draw that decides. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.data_engine.config import SamplingConfig
from sidecar.hashing import unit_interval
from sidecar.types import Detections, Prediction

DENSE_IOU = 0.3
DENSE_SHARE = 0.5
DENSE_BOXES_MIN = 4
"""high_density: of at least this many boxes, at least DENSE_SHARE overlap another one with an IoU over DENSE_IOU ..."""
DENSE_COUNT = 100
"""... or there are this many boxes, however they lie."""
BOXES_COMPARED_MAX = 300
"""Overlap is measured among this many boxes, those of highest score: the work grows with its square."""
AREA_MIN = 0.001
AREA_MAX = 0.8
"""unusual_size: a box under or over this share of the image."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Keep this image. ``reasons`` are the rules whose draw kept it: ``low_confidence``, ``random_sample`` or an edge
    case's name. ``probability`` is that of being kept at all, over every rule that matched, drawn or not: the
    weight of the image is its inverse.
    """

    reasons: tuple[str, ...]
    probability: float


def decide(prediction: Prediction, config: SamplingConfig) -> Decision | None:
    """Whether to keep the image of ``prediction``; None where no rule draws it, or where it has no readable result.

    Rule r keeps a matching image where ``unit_interval(request_id, r) < p_r``, so the images of one request share their
    draws and a worker, who can't see the result, draws alike. Rules are independent: with P = 1 - prod(1 - p_r).
    """
    if prediction.detections is None:
        return None
    reasons: list[str] = []
    left_out = 1.0
    for rule, rate in _matching(prediction, prediction.detections, config):
        left_out *= 1 - rate
        if unit_interval(prediction.request_id, rule) < rate:
            reasons.append(rule)
    return Decision(tuple(reasons), 1 - left_out) if reasons else None


def _matching(prediction: Prediction, detections: Detections, config: SamplingConfig) -> Iterator[tuple[str, float]]:
    counted = detections.scores >= prediction.score_threshold
    low, edge, drawn = config.low_confidence, config.edge_cases, config.random_sample
    if low.enabled and bool((counted & (detections.scores < low.threshold)).any()):
        yield "low_confidence", low.sample_rate
    if edge.enabled:
        boxes = np.asarray(detections.boxes, np.float64)[counted]
        for condition in edge.conditions:
            if _meets(condition, boxes, prediction, detections.normalised):
                yield condition, edge.rate
    if drawn.enabled:
        yield "random_sample", drawn.rate


def _meets(condition: str, boxes: NDArray[np.float64], prediction: Prediction, normalised: bool) -> bool:
    if condition == "no_detections":
        return len(boxes) == 0
    if condition == "high_density":
        return is_dense(boxes)
    if normalised:
        return has_unusual_size(boxes, 1.0)
    # without the image's size the share of a box in pixels is unknown, and nothing is called unusual
    return has_unusual_size(boxes, float(prediction.image_width) * prediction.image_height)


def is_dense(boxes: NDArray[np.float64]) -> bool:
    """Whether boxes [N, 4] (x1, y1, x2, y2; highest score first) crowd each other, by the bounds above.

    >>> is_dense(np.tile([0.0, 0.0, 9.0, 9.0], (4, 1))), is_dense(np.zeros((0, 4)))
    (True, False)
    """
    if len(boxes) >= DENSE_COUNT:
        return True
    if len(boxes) < DENSE_BOXES_MIN:
        return False
    overlaps = _iou(boxes[:BOXES_COMPARED_MAX])
    np.fill_diagonal(overlaps, 0.0)
    return bool((overlaps > DENSE_IOU).any(axis=1).mean() >= DENSE_SHARE)


def has_unusual_size(boxes: NDArray[np.float64], image_area: float) -> bool:
    """Whether a box of ``boxes`` [N, 4] takes less than AREA_MIN or more than AREA_MAX of ``image_area`` (in the
    boxes' own unit squared; 0 for unknown: never).

    >>> has_unusual_size(np.array([[0.0, 0.0, 95.0, 95.0]]), 100.0 * 100.0)
    True
    """
    if image_area <= 0 or not len(boxes):
        return False
    shares = _areas(boxes) / image_area
    return bool(((shares < AREA_MIN) | (shares > AREA_MAX)).any())


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    sides: NDArray[np.float64] = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    areas: NDArray[np.float64] = sides[:, 0] * sides[:, 1]
    return areas


def _iou(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union [N, N] of each with each; 0 where neither has an area."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = _areas(boxes)
    union = areas[:, None] + areas[None, :] - shared
    overlaps: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlaps
