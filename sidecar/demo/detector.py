"""The detector: digits are found by segmentation and read by a classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sidecar.demo.classifier import FEATURES, NO_DIGIT, Classifier
from sidecar.demo.digits import Pixels

INK_MIN = 0.30
"""Darkness against the paper around, from 0 to 1, from which a pixel is ink."""
NOISES_MIN = 1.8
"""... and from how many times the camera's noise (its median) on: at night, noise alone is as dark as that."""
THIRDS = np.full(3, 1 / 3, np.float32)
HEIGHT_PX = (16, 60)
WIDTH_PX = (5, 60)
ASPECT_MAX = 1.5
STROKE_PX = 25
"""No stroke is as wide as this: a dark area that holds such a square is background."""
PIXELS_MAX = 4096 * 4096
IOU_MATCH = 0.5
SCORE_MIN = 0.25


@dataclass(frozen=True, slots=True)
class Found:
    """``boxes``: [N, 4] x1 y1 x2 y2 in pixels. ``scores``: [N] the class's probability. ``classes``: [N] digits."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]


def segment(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Pixels]:
    """RGB [H, W, 3] or grey [H, W] -> (boxes [N, 4], each one's ink as the classifier sees it [N, 64])."""
    grey = pixels.astype(np.float32)
    if grey.ndim == 3:
        grey = grey[..., :3] @ THIRDS
    smooth = ndimage.gaussian_filter(grey, 1.0)
    noise = np.median(np.abs(grey[::4, ::4] - smooth[::4, ::4]))
    small = ndimage.grey_closing(smooth[::4, ::4], size=(STROKE_PX // 4 + 1,) * 2)
    paper = small.repeat(4, axis=0).repeat(4, axis=1)[: grey.shape[0], : grey.shape[1]]
    ink = np.asarray(np.clip(1 - smooth / np.maximum(paper, 8), 0, 1), np.float32)
    dark = (ink >= INK_MIN) & (paper - smooth >= NOISES_MIN * noise)
    labelled, _ = ndimage.label(dark, np.ones((3, 3), int))
    boxes, features = [], []
    for rows, columns in ndimage.find_objects(labelled):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if not (HEIGHT_PX[0] <= height <= HEIGHT_PX[1] and WIDTH_PX[0] <= width <= WIDTH_PX[1]):
            continue
        if width > ASPECT_MAX * height:
            continue
        boxes.append((columns.start, rows.start, columns.stop, rows.stop))
        features.append(_features(ink, rows, columns))
    return (
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(features, np.float32).reshape(-1, FEATURES),
    )


def _features(ink: Pixels, rows: slice, columns: slice) -> Pixels:
    """[64]: the box's ink, centred in a square and averaged down to 8 x 8, its darkest part 1."""
    crop = ink[rows, columns]
    side = max(crop.shape)
    square = np.zeros((side, side), np.float32)
    top, left = (side - crop.shape[0]) // 2, (side - crop.shape[1]) // 2
    square[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
    edges = np.linspace(0, side, 9).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(square, edges, axis=0), edges, axis=1)
    sizes = np.diff(np.append(edges, side)).astype(np.float32)
    small = sums / (sizes[:, None] * sizes[None, :])
    return np.asarray(small / max(float(small.max()), 1e-3), np.float32).ravel()


@dataclass(frozen=True, slots=True)
class Detector:
    """One trained version."""

    version: str
    classifier: Classifier

    def detect(self, pixels: NDArray[np.uint8], score_min: float = SCORE_MIN) -> Found:
        """The digits in an image, RGB [H, W, 3] or grey [H, W]; best first. Raises ValueError for another shape."""
        if pixels.ndim not in (2, 3) or pixels.size == 0 or pixels.shape[0] * pixels.shape[1] > PIXELS_MAX:
            raise ValueError(f"image: shape {pixels.shape} is not [H, W] or [H, W, 3] of at most {PIXELS_MAX} pixels")
        boxes, features = segment(pixels)
        return self.read(boxes, features, score_min)

    def read(self, boxes: NDArray[np.float32], features: Pixels, score_min: float = SCORE_MIN) -> Found:
        """What ``segment`` found, with its digits; best first."""
        if not len(boxes):
            return Found(boxes, np.zeros(0, np.float32), np.zeros(0, np.int64))
        probabilities = self.classifier.probabilities(features)
        scores = probabilities.max(axis=1).astype(np.float32)
        classes = self.classifier.classes[probabilities.argmax(axis=1)]
        order = np.argsort(-scores, kind="stable")
        order = order[(scores[order] >= score_min) & (classes[order] != NO_DIGIT)]
        return Found(boxes[order], scores[order], classes[order])


def match(boxes: NDArray[np.float32], truth: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows of ``boxes``, rows of ``truth``) that belong together: best overlaps of at least IOU_MATCH."""
    none = np.zeros(0, np.int64)
    if not len(boxes) or not len(truth):
        return none, none
    low = np.maximum(boxes[:, None, :2], truth[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], truth[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(each[:, 2:] - each[:, :2], axis=1) for each in (boxes, truth)]
    overlap = shared / (areas[0][:, None] + areas[1][None, :] - shared)
    best = overlap.argmax(axis=1)
    rows = np.arange(len(boxes))
    # One detection for each truth: it must be the best of the truth's column as well.
    mutual = (overlap[rows, best] >= IOU_MATCH) & (overlap.argmax(axis=0)[best] == rows)
    return rows[mutual].astype(np.int64), best[mutual].astype(np.int64)
