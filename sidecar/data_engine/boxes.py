"""Areas and overlaps of boxes, x1, y1, x2, y2 of one unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each of ``boxes`` [N, 4], in its unit squared; 0 for one that encloses nothing."""
    with np.errstate(over="ignore", invalid="ignore"):  # servers answer with any number
        sides = np.fmax(boxes[:, 2:] - boxes[:, :2], 0.0)  # fmax: 0 for NaN too
        found: NDArray[np.float64] = sides[:, 0] * sides[:, 1]
    return found


def iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union [N, M] of boxes [N, 4] and [M, 4]; 0 where neither has an area, NaN where one is without
    end.

    >>> iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 5, 5]])).round(4).tolist()
    [[0.3333, 0.0]]
    """
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    with np.errstate(over="ignore", invalid="ignore"):
        sides = np.fmax(high - low, 0.0)
        shared = sides[..., 0] * sides[..., 1]
        of_a = areas(a)
        of_b = of_a if b is a else areas(b)
        union = of_a[:, None] + of_b[None, :] - shared
        found: NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return found
