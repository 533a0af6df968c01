"""high_density: whether the boxes of an image crowd each other, of many images at once. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidecar.data_engine.boxes import areas

DENSE_IOU = 0.3
DENSE_SHARE = 0.5
DENSE_BOXES_MIN = 4
"""high_density: of at least this many boxes, at least DENSE_SHARE overlap another one with an IoU over DENSE_IOU ..."""
DENSE_COUNT = 100
"""... or there are this many boxes, however they lie."""
PAIRS_AT_ONCE = 15_000
"""Pairs of boxes that are compared in one go, 120 kB a column: within a processor's cache, and under what an allocator
asks the system for each time (128 kB), which would double the time it takes."""


def are_dense(
    boxes: NDArray[np.float64], numbers: NDArray[np.intp], places: NDArray[np.intp] | None = None
) -> NDArray[np.bool_]:
    """Whether the boxes [N, 4] (x1, y1, x2, y2) of images that have ``numbers`` [G] of them, one image after the other,
    crowd each other: of each of the images ``places``, of all without them.

    The measure is overlap: half of four boxes or more lie on another one with an IoU over 0.3, as where objects hide
    each other and a suppression of doubles may take a true one away. From a hundred boxes on it is their number.

    >>> boxes = np.tile([0.0, 0.0, 9.0, 9.0], (7, 1))
    >>> are_dense(boxes, np.array([4, 0, 3])).tolist(), are_dense(boxes, np.array([4, 0, 3]), np.array([2])).tolist()
    ([True, False, False], [False])
    """
    places = np.arange(len(numbers)) if places is None else places
    begins, numbers = (np.cumsum(numbers) - numbers)[places], numbers[places]
    found: NDArray[np.bool_] = numbers >= DENSE_COUNT
    left = np.flatnonzero((numbers >= DENSE_BOXES_MIN) & ~found)
    left = left[np.argsort(-numbers[left])]
    while len(left):
        most = int(numbers[left[0]])
        now, left = np.split(left, [max(1, PAIRS_AT_ONCE // most**2)])
        within = np.arange(most) < numbers[now, None]
        padded = np.zeros((len(now), most, 4))  # a box of no size overlaps nothing
        padded[within] = boxes[(begins[now, None] + np.arange(most))[within]]
        found[now] = _overlapping(padded).sum(axis=1) >= DENSE_SHARE * numbers[now]
    return found


def _overlapping(boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Of the boxes [G, n, 4] of each image whether they overlap another one of it, [G, n]."""
    n = boxes.shape[1]
    x1, y1, x2, y2 = np.ascontiguousarray(boxes.transpose(2, 0, 1))
    sizes = areas(boxes.reshape(-1, 4)).reshape(-1, n)
    with np.errstate(all="ignore"):  # servers answer with any number; NaN is over nothing
        shared = _common(x1, x2)
        shared *= _common(y1, y2)
        union = sizes[:, :, None] + sizes[:, None, :]
        union -= shared
        shared[:, range(n), range(n)] = 0.0  # each with itself
        shared /= union
    found: NDArray[np.bool_] = np.any(shared > DENSE_IOU, axis=2)
    return found


def _common(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """The length that each two of the intervals [G, n] have in common, [G, n, n]; 0 for NaN too."""
    found: NDArray[np.float64] = np.minimum(high[:, :, None], high[:, None, :])
    found -= np.maximum(low[:, :, None], low[:, None, :])
    return np.fmax(found, 0.0, out=found)
