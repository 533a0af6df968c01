"""From raw columns to ``Detections``, many images at once: checked, converted, sorted, named.

An array operation costs as much for one image's twenty boxes as for some hundred images', so what a turn of the monitor
brings is finished together. An image that cannot be read has no influence on the others: ``finish`` gives each what it
would give it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.dialects.columns import Array, RawImage
from sidecar.dialects.terms import DecodedImage, Undecodable
from sidecar.types import Detections

COORDINATE_MAX = 1e7
"""A coordinate beyond this is no coordinate."""
UNIT_MAX = 2.0
"""Boxes whose coordinates all stay under this are 0..1 (they may stick out of the image), others are pixels."""
SCORE_SLACK = 1e-3
"""Half-precision softmax passes 1 by a little."""
INDEX_MAX = 1 << 31
_SMALL = 512
"""Detections up to which a list is quicker than an array."""
# Corners are sums of positions and sizes: one product by a matrix does them all.
_FROM_LEFT_TOP = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]], np.float64)
_FROM_CENTRE = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [-0.5, 0, 0.5, 0], [0, -0.5, 0, 0.5]], np.float64)
_NO_SIGN = np.float32(0.0)
"""Makes 0 of -0: which of two zeros is the smaller one is no question to depend on."""

T = TypeVar("T")
Faults = dict[int, Undecodable]
"""By image, the first thing that is wrong with it."""


def finish(raws: Sequence[RawImage]) -> list[DecodedImage | Undecodable]:
    """Each image's detections, highest score first (equal scores keep their order), as read-only views of arrays that
    all of them share; or Undecodable("values") for what no detector means: NaN, infinity, impossible scores, corners
    or classes.
    """
    batch = _Batch(raws)
    if batch.total:
        batch.check_boxes()
        batch.check_scores()
        batch.sort()
        batch.scale()
    return batch.images()


class _Batch:
    """The columns of all images behind each other, image ``i`` at ``starts[i]:starts[i + 1]``, and the steps of
    ``finish`` in their order."""

    def __init__(self, raws: Sequence[RawImage]) -> None:
        self._raws = raws
        lengths = np.array([len(raw.scores) for raw in raws], np.intp)
        self._lengths = lengths
        self._starts = np.concatenate((np.zeros(1, np.intp), np.cumsum(lengths)))
        self._places = self._starts.tolist()
        self.total = self._places[-1]
        self._image = np.repeat(np.arange(len(raws)), lengths)
        self._boxes: NDArray[np.float32] = np.empty((0, 4), np.float32)
        self._scores: NDArray[np.float64] = np.empty(0)
        self._order: list[int] | None = None
        self._unsorted: set[int] = set()
        self._normalised = [False] * len(raws)
        self._faults: Faults = {}

    def check_boxes(self) -> None:
        """Boxes as x1, y1, x2, y2 in float32, finite and the right way round.

        A few boxes turned inside out are a model's noise and are turned back. Most of an image's turned: it is another
        format than the one assumed, and silence would be a lie.
        """
        boxes = np.concatenate([raw.boxes for raw in self._raws]).astype(np.float64, copy=False)
        wild = ~(np.abs(boxes).max(axis=1) <= COORDINATE_MAX)  # of NaN too
        if wild.any():
            boxes = np.where(wild[:, None], 0.0, boxes)
            for image in np.unique(self._image[wild]).tolist():
                self._fault(image, "a box has a coordinate that is not finite or not plausible")
        corners = self._as_xyxy(boxes).astype(np.float32) + _NO_SIGN
        turned = (corners[:, 2] < corners[:, 0]) | (corners[:, 3] < corners[:, 1])
        if turned.any():
            counts = np.bincount(self._image[turned], minlength=len(self._raws))
            for image in np.flatnonzero(counts * 2 > self._lengths).tolist():
                box_format, count = self._raws[image].box_format, self._lengths[image]
                self._fault(image, f"{counts[image]} of {count} boxes are no {box_format}: set box_format")
            one, other = corners[:, :2], corners[:, 2:]
            corners = np.concatenate((np.minimum(one, other), np.maximum(one, other)), axis=1)
        self._boxes = corners

    def _as_xyxy(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        formats = [raw.box_format for raw in self._raws]
        others = set(formats) - {"xyxy"}
        if len(others) == 1 and len(set(formats)) == 1:
            return _to_xyxy(boxes, others.pop())
        if others:
            boxes = boxes.copy()
        for box_format in others:
            rows = np.array([name == box_format for name in formats])[self._image]
            boxes[rows] = _to_xyxy(boxes[rows], box_format)
        return boxes

    def check_scores(self) -> None:
        """Scores within 0..1."""
        scores = np.concatenate([raw.scores for raw in self._raws]).astype(np.float64, copy=False)
        sound = (scores >= -SCORE_SLACK) & (scores <= 1 + SCORE_SLACK)
        if not sound.all():
            for image in np.unique(self._image[~sound]).tolist():
                own = self._of(scores, image).tolist()
                self._fault(image, f"scores from {min(own)} to {max(own)}, expected 0 to 1")
            scores = np.where(sound, scores, 0.0)
        self._scores = np.clip(scores, 0.0, 1.0) + _NO_SIGN

    def sort(self) -> None:
        """Highest score first, in each image by itself."""
        rises = (self._scores[1:] > self._scores[:-1]) & (self._image[1:] == self._image[:-1])
        if rises.any():
            order = np.lexsort((-self._scores, self._image))
            self._scores, self._boxes = self._scores[order], self._boxes[order]
            self._order = (order - self._starts[self._image]).tolist()
            self._unsorted = set(self._image[1:][rises].tolist())

    def scale(self) -> None:
        """Boxes in 0..1 become pixels where the size of their image is known."""
        full = np.flatnonzero(self._lengths)
        highest = np.zeros(len(self._raws), np.float32)
        highest[full] = np.maximum.reduceat(self._boxes.reshape(-1), self._starts[:-1][full] * 4)
        sizes = []
        for image, (raw, high) in enumerate(zip(self._raws, highest.tolist(), strict=True)):
            normalised = high <= UNIT_MAX if raw.normalised is None else raw.normalised
            width, height = raw.frame.width, raw.frame.height
            if normalised and self._lengths[image]:
                self._normalised[image] = not (width and height)
                if width and height:
                    sizes.append((image, (width, height, width, height)))
        if sizes:
            factors = np.ones((len(self._raws), 4), np.float32)
            factors[[image for image, _ in sizes]] = [size for _, size in sizes]
            self._boxes = self._boxes * factors[self._image]

    def images(self) -> list[DecodedImage | Undecodable]:
        """What came of each."""
        codes, labels = self._codes()
        boxes, scores = self._boxes, self._scores.astype(np.float32)
        for shared in (boxes, scores, codes):
            shared.flags.writeable = False
        found: list[DecodedImage | Undecodable] = []
        for image, raw in enumerate(self._raws):
            fault = self._faults.get(image)
            if fault is not None:
                found.append(fault)
                continue
            own = slice(self._places[image], self._places[image + 1])
            normalised = self._normalised[image]
            detections = Detections(boxes[own], scores[own], codes[own], labels[image], normalised)
            frame = raw.frame
            found.append(DecodedImage(detections, frame.width, frame.height, frame.model_version))
        return found

    def _codes(self) -> tuple[NDArray[np.int32], list[tuple[str, ...]]]:
        """Of all detections the indices into the labels of their image, and these labels."""
        labels: list[tuple[str, ...]] = []
        parts: list[NDArray[np.int32]] = []
        listed: list[int] = []
        for image in range(len(self._raws)):
            indices, names = self._codes_of(image)
            labels.append(names)
            if isinstance(indices, list):
                listed += indices
            else:
                parts += [np.array(listed, np.int32), indices]
                listed = []
        last = np.array(listed, np.int32)
        return np.concatenate((*parts, last)) if parts else last, labels

    def _codes_of(self, image: int) -> tuple[list[int] | NDArray[np.int32], tuple[str, ...]]:
        raw, order = self._raws[image], None
        if image in self._unsorted and self._order is not None:
            order = self._order[self._places[image] : self._places[image + 1]]
        if not isinstance(raw.classes, np.ndarray):
            indices, names = _index(raw.classes)
            return indices if order is None else [indices[place] for place in order], names
        try:
            return _named(raw.classes if order is None else raw.classes[order], raw.class_names)
        except Undecodable as error:
            self._faults.setdefault(image, error)
            return [0] * len(raw.classes), ()

    def _of(self, column: Array, image: int) -> Array:
        return column[self._places[image] : self._places[image + 1]]

    def _fault(self, image: int, detail: str) -> None:
        self._faults.setdefault(image, Undecodable("values", detail))


def _to_xyxy(boxes: NDArray[np.float64], box_format: str) -> NDArray[np.float64]:
    if box_format == "yxyx":
        return boxes.take((1, 0, 3, 2), 1)
    if box_format == "xxyy":
        return boxes.take((0, 2, 1, 3), 1)
    return boxes @ (_FROM_CENTRE if box_format == "cxcywh" else _FROM_LEFT_TOP)


def _index(names: Sequence[T]) -> tuple[list[int], tuple[T, ...]]:
    """Indices of ``names`` into their distinct values, in order of first appearance."""
    seen = {name: index for index, name in enumerate(dict.fromkeys(names))}
    return list(map(seen.__getitem__, names)), tuple(seen)


def _named(classes: Array, class_names: tuple[str, ...]) -> tuple[list[int] | NDArray[np.int32], tuple[str, ...]]:
    """Class indices as indices into the labels of this image. Raises Undecodable where one is no integer."""
    indices: list[int] | NDArray[np.int32]
    distinct: Sequence[float]
    if len(classes) <= _SMALL:
        indices, distinct = _index(classes.tolist())
    else:
        values, inverse = np.unique(classes, return_inverse=True)
        indices, distinct = inverse.reshape(-1).astype(np.int32), values.tolist()
    labels = []
    for value in distinct:
        if not abs(value) < INDEX_MAX or value != int(value):
            raise Undecodable("values", f"class {value!r} is no index")
        index = int(value)
        labels.append(class_names[index] if 0 <= index < len(class_names) else str(index))
    if len(set(labels)) < len(labels):  # two indices of one name, such as an index that another class has for its name
        return _index([labels[place] for place in indices])
    return indices, tuple(labels)
