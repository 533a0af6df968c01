"""How much boxes overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidecar.types import Detections

Boxes = NDArray[np.float32] | NDArray[np.float64]


class IncomparableError(ValueError):
    """One side's boxes are in pixels, the other's in 0..1, and nobody knows the size of the image."""


def iou_matrix(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Intersection over union [N, M] of the boxes ``a`` [N, 4] and ``b`` [M, 4], x1, y1, x2, y2 of one unit.

    A box without an area, with its corners swapped or with a coordinate that is no finite number overlaps nothing,
    itself included. Raises ValueError for other shapes.

    >>> iou_matrix(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 5, 5]])).round(4).tolist()
    [[0.3333, 0.0]]
    """
    one, other = _proper(a, "a"), _proper(b, "b")
    # float64 before any product: areas of large float32 boxes would lose their last pixels
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    sides = np.maximum(high - low, 0.0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        common = sides[..., 0] * sides[..., 1]
        union = _areas(one)[:, None] + _areas(other)[None, :] - common
        found = common / union
    return np.where((common > 0) & np.isfinite(found), np.minimum(found, 1.0), 0.0)


def in_one_unit(
    a: Detections, b: Detections, width: float = 0, height: float = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The boxes of both sides, float64 [N, 4] and [M, 4], in pixels if either side has pixels.

    Two sides in 0..1 stay so: stretching both along an axis changes no overlap. Raises IncomparableError where one side
    needs a size in pixels and ``width`` or ``height`` is 0: unknown.

    >>> half = Detections(np.array([[0, 0, 0.5, 0.5]], np.float32), np.ones(1), np.zeros(1, int), ("a",), True)
    >>> pixels = Detections(np.array([[0, 0, 320, 240]], np.float32), np.ones(1), np.zeros(1, int), ("a",))
    >>> [boxes.tolist() for boxes in in_one_unit(half, pixels, 640, 480)]
    [[[0.0, 0.0, 320.0, 240.0]], [[0.0, 0.0, 320.0, 240.0]]]
    """
    boxes_a, boxes_b = (side.boxes.reshape(-1, 4).astype(np.float64) for side in (a, b))
    if a.normalised == b.normalised or not len(boxes_a) or not len(boxes_b):
        return boxes_a, boxes_b
    if not (width > 0 and height > 0):
        raise IncomparableError("boxes: one side's are in pixels, the other's in 0..1, and the image size is not known")
    scale = np.array([width, height, width, height], np.float64)
    return (boxes_a * scale, boxes_b) if a.normalised else (boxes_a, boxes_b * scale)


def _proper(boxes: Boxes, name: str) -> NDArray[np.float64]:
    """Boxes with those that enclose nothing put to zero size."""
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name}: boxes are [N, 4], not {list(boxes.shape)}")
    found = boxes.astype(np.float64)
    bad = ~(np.isfinite(found).all(axis=1) & (found[:, 2] > found[:, 0]) & (found[:, 3] > found[:, 1]))
    if bad.any():
        found[bad] = 0.0
    return found


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
