"""The detector: digits are found by segmentation and read by a classifier trained at start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.linear_model import LogisticRegression

from sidecar.demo.digits import Pixels, Pool
from sidecar.demo.scenes import Kind, Scene, compose

INK_MIN = 0.30
"""Darkness against the paper around, from 0 to 1, from which a pixel is ink."""
HEIGHT_PX = (16, 60)
WIDTH_PX = (5, 60)
ASPECT_MAX = 1.5
STROKE_PX = 25
"""No stroke is as wide as this: a dark area that holds such a square is background."""
PIXELS_MAX = 4096 * 4096
IOU_MATCH = 0.5
NO_DIGIT = -1
"""The classifier's class of what segmentation finds besides digits: bar codes, noise."""


@dataclass(frozen=True, slots=True)
class Found:
    """``boxes``: [N, 4] x1 y1 x2 y2 in pixels. ``scores``: [N] the class's probability. ``classes``: [N] digits."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]


def segment(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Pixels]:
    """RGB [H, W, 3] or grey [H, W] -> (boxes [N, 4], each one's ink as the classifier sees it [N, 64])."""
    grey = pixels[..., :3].mean(axis=2, dtype=np.float32) if pixels.ndim == 3 else pixels.astype(np.float32)
    smooth = ndimage.gaussian_filter(grey, 1.0)
    small = ndimage.grey_closing(smooth[::4, ::4], size=(STROKE_PX // 4 + 1,) * 2)
    paper = np.kron(small, np.ones((4, 4), np.float32))[: grey.shape[0], : grey.shape[1]]
    ink = np.asarray(np.clip(1 - smooth / np.maximum(paper, 8), 0, 1), np.float32)
    labelled, _ = ndimage.label(ink >= INK_MIN, np.ones((3, 3), int))
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
        np.array(features, np.float32).reshape(-1, 64),
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
    classifier: Any

    def detect(self, pixels: NDArray[np.uint8], score_min: float = 0.25) -> Found:
        """The digits in an image, RGB [H, W, 3] or grey [H, W]; best first. Raises ValueError for another shape."""
        if pixels.ndim not in (2, 3) or pixels.size == 0 or pixels.shape[0] * pixels.shape[1] > PIXELS_MAX:
            raise ValueError(f"image: shape {pixels.shape} is not [H, W] or [H, W, 3] of at most {PIXELS_MAX} pixels")
        boxes, features = segment(pixels)
        if not len(boxes):
            return Found(boxes, np.zeros(0, np.float32), np.zeros(0, np.int64))
        probabilities = self.classifier.predict_proba(features)
        scores = probabilities.max(axis=1).astype(np.float32)
        classes = self.classifier.classes_[probabilities.argmax(axis=1)].astype(np.int64)
        order = np.argsort(-scores, kind="stable")
        order = order[(scores[order] >= score_min) & (classes[order] != NO_DIGIT)]
        return Found(boxes[order], scores[order], classes[order])


def train(version: str, pool: Pool, seed: int = 1, nights: bool = False) -> Detector:
    """A version trained on scenes of ``pool`` as its own segmentation sees them; ``nights``: dark scenes as well."""
    rng = np.random.default_rng(seed)
    features, labels = [], []
    seen = 0
    while seen < 1.2 * len(pool.labels):
        kind: Kind = "crowded" if rng.random() < 0.5 else "ordinary"
        scene = compose(rng, pool, light=float(rng.uniform(0, 1) if nights else rng.uniform(0.6, 1)), kind=kind)
        seen += len(scene.labels)
        boxes, ink = segment(scene.pixels)
        found, true = match(boxes, scene)
        own = np.full(len(boxes), NO_DIGIT, np.int64)
        own[found] = scene.labels[true]
        features.append(ink)
        labels.append(own)
    classifier = LogisticRegression(C=1.0, max_iter=200)
    classifier.fit(np.concatenate(features), np.concatenate(labels))
    return Detector(version, classifier)


def train_versions(pools: dict[str, Pool]) -> dict[str, Detector]:
    """Version 1 on the training pool by day; version 2 on the collected digits too, by day and night."""
    first, collected = pools["training"], pools["collection"]
    return {"1": train("1", first), "2": train("2", first.joined(collected), nights=True)}


def match(boxes: NDArray[np.float32], scene: Scene) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows of ``boxes``, rows of the scene's truth) that belong together: best overlaps of at least IOU_MATCH."""
    truth = scene.boxes
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
