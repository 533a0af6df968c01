"""What was detected in many images, in columns: what every rule looks at once a batch. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count

import numpy as np
from numpy.typing import NDArray

from sidecar.data_engine.boxes import areas
from sidecar.types import Detections, Prediction

Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]
OCTAVES = 20
"""Shares of an image are told from 2^-20 on; a smaller one is taken for that."""


@dataclass(frozen=True, slots=True)
class Present:
    """Of each class that counts in an image, by image: ``image``, ``name`` and its lowest score there."""

    image: Ints
    name: Ints
    lowest: NDArray[np.floating]


class Columns:
    """The detections of G images, one image after the other; images whose answer could not be read are left out.

    Of each image: ``sizes`` [G], how many it has; ``thresholds`` [G], its operating point. Of all N detections:
    ``image`` [N] and ``name`` [N], an index into the K ``names``, which are distinct whatever the labels of each image
    are; ``scores`` [N] in their own precision. ``at`` are the indices of those C at or above the operating point, which
    alone count: ``image_at`` [C], ``name_at`` [C], and of each image their ``numbers`` [G].

    >>> seen = Columns([])
    >>> len(seen.images), seen.numbers.tolist(), seen.names, seen.boxes_at.shape
    (0, [], (), (0, 4))
    """

    def __init__(self, predictions: Iterable[Prediction]) -> None:
        self.images: list[Prediction] = [prediction for prediction in predictions if prediction.detections is not None]
        found = [image.detections for image in self.images if image.detections is not None]
        self.sizes: Ints = np.array([len(detections.scores) for detections in found], np.intp)
        self.thresholds = np.array([image.score_threshold for image in self.images], np.float64)
        self.image: Ints = np.repeat(np.arange(len(found)), self.sizes)
        # np.zeros: there is something to join where there is no image
        self.scores: NDArray[np.floating] = np.concatenate([np.zeros(0, np.float32), *(of.scores for of in found)])
        self.names, begins, numbers = _names(found)
        classes = np.concatenate([np.zeros(0, np.int32), *(of.classes for of in found)])
        self.name: Ints = numbers[begins[self.image] + classes]
        # in the scores' own precision: as it is compared everywhere
        self.at: Ints = np.flatnonzero(self.scores >= self.thresholds.astype(self.scores.dtype)[self.image])
        self.image_at: Ints = self.image[self.at]
        self.name_at: Ints = self.name[self.at]
        self.numbers: Ints = np.bincount(self.image_at, minlength=len(found))
        self._found = found

    def images_of(self, detections: Ints | Flags) -> Flags:
        """Of each image [G] whether one of these detections, of those that count, is in it."""
        return self.flags(self.image_at[detections])

    def flags(self, images: Ints) -> Flags:
        """Of each image [G] whether it is among these."""
        found = np.zeros(len(self.images), np.bool_)
        found[images] = True
        return found

    @cached_property
    def request_ids(self) -> list[bytes]:
        """As they are hashed."""
        return [image.request_id.encode("utf-8", "surrogateescape") for image in self.images]

    @cached_property
    def scores_at(self) -> NDArray[np.floating]:
        """The scores [C] that count."""
        return self.scores[self.at]

    @cached_property
    def boxes_at(self) -> NDArray[np.float64]:
        """The boxes [C, 4] that count, in the unit of each image."""
        found = [detections.boxes for detections in self._found if len(detections.scores)]
        boxes = np.concatenate(found, dtype=np.float64) if found else np.zeros((0, 4))
        return boxes if len(self.at) == len(boxes) else boxes[self.at]

    @cached_property
    def sized(self) -> tuple[Ints, NDArray[np.float64]]:
        """Which [S] of the detections that count are in an image of which the size is known, and the log2 of the share
        of it that each has, -OCTAVES at least. Boxes in 0..1 are always in such an image."""
        wholes = np.array([_whole(*each) for each in zip(self.images, self._found, strict=True)], np.float64)
        which = np.flatnonzero(wholes[self.image_at] > 0)
        shares = areas(self.boxes_at[which]) / wholes[self.image_at[which]]
        return which, np.log2(np.fmax(shares, 2.0**-OCTAVES))  # fmax: for NaN too

    @cached_property
    def lowest(self) -> NDArray[np.float64]:
        """Of each image [G] the lowest score that counts, infinite where none does."""
        found = np.full(len(self.images), np.inf)
        some = np.flatnonzero(self.numbers)
        if len(some):
            found[some] = np.minimum.reduceat(self.scores_at, (np.cumsum(self.numbers) - self.numbers)[some])
        return found

    @cached_property
    def highest_below(self) -> NDArray[np.float64]:
        """Of each image [G] the highest score that does not count; -inf where all do, or where those are no numbers."""
        found = np.full(len(self.images), -np.inf)
        below = np.ones(len(self.scores), np.bool_)
        below[self.at] = False
        np.fmax.at(found, self.image[below], self.scores[below].astype(np.float64))
        return found

    @cached_property
    def present(self) -> Present:
        """The classes that count in each image."""
        if not len(self.at):
            return Present(self.image_at, self.name_at, self.scores_at)
        keys = self.image_at * len(self.names) + self.name_at
        order = np.argsort(keys)
        keys = keys[order]
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        image, name = np.divmod(keys[starts], len(self.names))
        return Present(image, name, np.minimum.reduceat(self.scores_at[order], starts))


def _names(found: Sequence[Detections]) -> tuple[tuple[str, ...], Ints, Ints]:
    """All names of classes once; of each image where its labels begin in the list that follows: of each label its
    index into the names. Images whose labels are equal share them."""
    numbering: defaultdict[str, int] = defaultdict(count().__next__)
    begins: dict[tuple[str, ...], int] = {}
    numbers: list[int] = []
    first: list[int] = []
    for detections in found:
        begin = begins.get(detections.labels)
        if begin is None:
            begin = begins[detections.labels] = len(numbers)
            numbers += map(numbering.__getitem__, detections.labels)
        first.append(begin)
    return tuple(numbering), np.array(first, np.intp), np.array(numbers, np.intp)


def _whole(image: Prediction, detections: Detections) -> float:
    """The area of the image in the unit of its boxes, 0 where it is not known."""
    return 1.0 if detections.normalised else float(image.image_width) * image.image_height
