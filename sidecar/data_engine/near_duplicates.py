"""Whether an image is nearly one that was kept: the same scene, with the same objects at the same places. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.data_engine.boxes import iou
from sidecar.data_engine.config import NearDuplicates
from sidecar.types import Detections

UNITS_MAX = 500
"""Units whose kept images are remembered; the one that was kept from longest ago is forgotten for another."""
IMAGES_MAX = 32
"""Kept images of a unit that a new one is compared with, the latest."""
BOXES_MAX = 100
"""An image with more boxes is no near-duplicate of any."""
HASH_MASK = (1 << 64) - 1


def hash_distance(one: int, other: int) -> int:
    """Bits in which two 64-bit hashes differ, 0..64; each may be signed, as the store has it, or not.

    >>> hash_distance(-1, (1 << 64) - 2), hash_distance(-1, 0)
    (1, 64)
    """
    return ((one ^ other) & HASH_MASK).bit_count()


@dataclass(frozen=True, slots=True)
class Scene:
    """What an image is compared by. ``classes`` are the counted detections' in alphabetical order, ``boxes`` [N, 4] in
    the same order, in pixels or 0..1."""

    prediction_id: str
    at: float
    image_hash: int
    classes: tuple[str, ...]
    boxes: NDArray[np.float32]


def scene_of(
    prediction_id: str, at: float, image_hash: int, detections: Detections, score_threshold: float
) -> Scene | None:
    """The scene of an image with the detections at or above its operating point; None where they are over
    BOXES_MAX."""
    counted = np.flatnonzero(detections.scores >= score_threshold)
    if len(counted) > BOXES_MAX:
        return None
    names = [detections.labels[index] for index in detections.classes[counted].tolist()]
    order = sorted(range(len(names)), key=names.__getitem__)
    boxes = np.array(detections.boxes, np.float32).reshape(-1, 4)[counted[order]]
    return Scene(prediction_id, at, image_hash, tuple(names[place] for place in order), boxes)


def is_near_duplicate(scene: Scene, kept: Scene, rule: NearDuplicates) -> bool:
    """Whether both were taken within the window, have hashes within the distance, and have the same classes in boxes
    that overlap one by one over the IoU.

    A hash of the whole image alone would call a fixed camera's new small object a duplicate: so boxes decide too.
    """
    if abs(scene.at - kept.at) > rule.window_s or hash_distance(scene.image_hash, kept.image_hash) > rule.distance:
        return False
    if scene.classes != kept.classes:
        return False
    if not scene.classes:
        return True
    overlaps = iou(scene.boxes.astype(np.float64), kept.boxes.astype(np.float64))
    names = np.array(scene.classes)
    overlaps[names[:, None] != names[None, :]] = 0.0
    for row in overlaps:  # each box takes the one it lies on; over 0.5 there is hardly ever a choice
        best = int(row.argmax())
        if not row[best] > rule.iou:  # NaN too
            return False
        overlaps[:, best] = 0.0
    return True


class KeptScenes:
    """The latest kept images of each unit of one model.

    >>> nothing = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), ())
    >>> scenes = KeptScenes()
    >>> scenes.add("cam", scene_of("a", 0.0, 0b1011, nothing, 0.25))
    >>> scenes.has_like("cam", scene_of("b", 60.0, 0b1000, nothing, 0.25), NearDuplicates(distance=2))
    True
    """

    def __init__(self, units_max: int = UNITS_MAX) -> None:
        self._units_max = units_max
        self._kept: OrderedDict[str, deque[Scene]] = OrderedDict()

    def __len__(self) -> int:
        """Units."""
        return len(self._kept)

    def has_like(self, unit: str, scene: Scene | None, rule: NearDuplicates) -> bool:
        """Whether an image kept of ``unit`` is nearly this one. One of the same id is this one, no duplicate."""
        if not rule.enabled or scene is None:
            return False
        kept = self._kept.get(unit, ())
        if any(other.prediction_id == scene.prediction_id for other in kept):
            return False
        return any(is_near_duplicate(scene, other, rule) for other in kept)

    def add(self, unit: str, scene: Scene | None) -> None:
        """An image was kept, perhaps once more for a further reason."""
        if scene is None:
            return
        kept = self._kept.setdefault(unit, deque(maxlen=IMAGES_MAX))
        if all(other.prediction_id != scene.prediction_id for other in kept):
            kept.append(scene)
        self._kept.move_to_end(unit)
        if len(self._kept) > self._units_max:
            self._kept.popitem(last=False)
