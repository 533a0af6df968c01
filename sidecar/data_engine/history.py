"""What a model has seen so far of each class: in how many images, how many boxes, of what sizes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.data_engine.boxes import areas
from sidecar.types import Prediction

CLASSES_MAX = 1_000
"""Classes of a model that are known, the first that came; those after them are neither new nor rare nor counted."""
SIZE_BOXES_MIN = 200
"""Boxes of a class from which on its own sizes say what is usual of it."""
AREA_MIN = 0.001
AREA_MAX = 0.8
"""Before that, a box under or over this share of the image is unusual."""
FENCE_IQR = 1.5
"""After that, one further than this many interquartile ranges outside the quartiles of the logarithm of the share
(Tukey, Exploratory Data Analysis, 1977, the inner fences)."""
IQR_MIN = 0.5
"""In octaves, for a class whose boxes are all of one size."""
OCTAVES = 20
BINS_AN_OCTAVE = 4
BINS = OCTAVES * BINS_AN_OCTAVE
"""Shares are known from 2^-20 to 1 by the quarter of an octave."""
FENCED_AGAIN = 1.1
"""A class's fences are drawn anew whenever its boxes have grown by so much."""
_ROWS_FIRST = 16
_FENCES_FIRST = (float(np.log2(AREA_MIN)), float(np.log2(AREA_MAX)))


@dataclass(frozen=True, slots=True)
class Counted:
    """The detections at or above the operating point: of each box its class as an index into ``labels`` and the log2
    of its ``shares`` of the image (None where its size is not known), of each label its ``numbers`` of boxes."""

    labels: tuple[str, ...]
    classes: NDArray[np.int32]
    numbers: NDArray[np.int64]
    shares: NDArray[np.float64] | None


def counted_of(prediction: Prediction) -> Counted | None:
    """None where the answer could not be read."""
    detections = prediction.detections
    if detections is None:
        return None
    counts = detections.scores >= prediction.score_threshold
    classes = detections.classes[counts]
    numbers = np.bincount(classes, minlength=len(detections.labels))
    whole = 1.0 if detections.normalised else float(prediction.image_width) * prediction.image_height
    if whole <= 0:
        return Counted(detections.labels, classes, numbers, None)
    boxes = np.asarray(detections.boxes, np.float64).reshape(-1, 4)[counts]
    return Counted(detections.labels, classes, numbers, np.log2(np.fmax(areas(boxes) / whole, 2.0**-OCTAVES)))


class ClassHistory:
    """The history of one model, in columns with a row a class. Only detections at or above the operating point count.

    ``images`` and ``boxes`` are totals. It takes some 700 bytes a class, so less than a megabyte.

    >>> history = ClassHistory()
    >>> history.images, history.images_with(["cat"]), history.knows("cat")
    (0, {'cat': 0}, False)
    """

    def __init__(self) -> None:
        self.images = 0
        self.boxes = 0
        self._rows: dict[str, int] = {}
        self._images_with = np.zeros(_ROWS_FIRST, np.int64)
        self._boxes_of = np.zeros(_ROWS_FIRST, np.int64)
        self._sizes = np.zeros((_ROWS_FIRST, BINS), np.int64)
        self._fences = np.tile(_FENCES_FIRST, (_ROWS_FIRST, 1))
        self._fenced_at = np.full(_ROWS_FIRST, SIZE_BOXES_MIN, np.int64)
        self._latest: tuple[Prediction, Counted | None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether a class that is not known may have been seen all the same."""
        return len(self._rows) >= CLASSES_MAX

    def knows(self, label: str) -> bool:
        """Whether the class was in an image."""
        return label in self._rows

    def images_with(self, labels: Iterable[str]) -> dict[str, int]:
        """Images with each of these classes."""
        rows = {label: self._rows.get(label) for label in labels}
        return {label: 0 if row is None else int(self._images_with[row]) for label, row in rows.items()}

    def share_of(self, label: str) -> float:
        """The class's share of all boxes, 0 where there are none."""
        row = self._rows.get(label)
        return 0.0 if row is None or not self.boxes else float(self._boxes_of[row]) / self.boxes

    def has_unusual_size(self, prediction: Prediction) -> bool:
        """Whether a box is of a size unusual for its class, by the fences above; never where the size of the image is
        not known and boxes are in pixels."""
        counted = self._counted(prediction)
        if counted is None or counted.shares is None or not len(counted.classes):
            return False
        fences = np.array([_FENCES_FIRST if row is None else self._fences[row] for row in self._rows_of(counted)])
        of_boxes = fences[counted.classes]
        return bool(((counted.shares < of_boxes[:, 0]) | (counted.shares > of_boxes[:, 1])).any())

    def add(self, prediction: Prediction) -> None:
        """Count an image; one whose answer could not be read is none."""
        counted = self._counted(prediction)
        if counted is None:
            return
        self.images += 1
        self.boxes += len(counted.classes)
        rows = np.full(len(counted.labels), -1)
        seen: set[int] = set()
        for index, n in enumerate(counted.numbers.tolist()):
            if n and (row := self._admit(counted.labels[index])) is not None:
                rows[index] = row
                self._boxes_of[row] += n
                self._images_with[row] += row not in seen  # two indices may have one name
                seen.add(row)
        if counted.shares is not None and seen:
            self._add_sizes(rows[counted.classes], counted.shares)
            for row in seen:
                if self._boxes_of[row] >= self._fenced_at[row]:
                    self._fence(row)

    def restore(self, predictions: Iterable[Prediction]) -> None:
        """Add what a former life has recorded."""
        for prediction in predictions:
            self.add(prediction)

    def _counted(self, prediction: Prediction) -> Counted | None:
        """``counted_of`` the prediction; a rule asks for it just before it is added."""
        if self._latest is None or self._latest[0] is not prediction:
            self._latest = prediction, counted_of(prediction)
        return self._latest[1]

    def _rows_of(self, counted: Counted) -> list[int | None]:
        """Of each label its row; None where the class is not known."""
        return [self._rows.get(label) for label in counted.labels]

    def _add_sizes(self, rows: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
        """The sizes of boxes, each with the row of its class, -1 for none."""
        bins = np.fmin((shares + OCTAVES) * BINS_AN_OCTAVE, BINS - 1).astype(np.int64)
        cells = (rows * BINS + bins)[rows >= 0]
        np.add.at(self._sizes.reshape(-1), cells, 1)

    def _admit(self, label: str) -> int | None:
        """The class's row, a new one where it has none; None where there are CLASSES_MAX."""
        row = self._rows.get(label)
        if row is not None:
            return row
        row = len(self._rows)
        if row >= CLASSES_MAX:
            return None
        if row >= len(self._images_with):
            self._grow()
        self._rows[label] = row
        return row

    def _grow(self) -> None:
        n = len(self._images_with)
        self._images_with = np.concatenate([self._images_with, np.zeros(n, np.int64)])
        self._boxes_of = np.concatenate([self._boxes_of, np.zeros(n, np.int64)])
        self._sizes = np.concatenate([self._sizes, np.zeros((n, BINS), np.int64)])
        self._fences = np.concatenate([self._fences, np.tile(_FENCES_FIRST, (n, 1))])
        self._fenced_at = np.concatenate([self._fenced_at, np.full(n, SIZE_BOXES_MIN, np.int64)])

    def _fence(self, row: int) -> None:
        """Draw the fences of a class, and say when to do so again."""
        sizes = self._sizes[row]
        total = int(sizes.sum())
        if total >= SIZE_BOXES_MIN:
            low, high = _quantile(sizes, total, 0.25), _quantile(sizes, total, 0.75)
            reach = FENCE_IQR * max(high - low, IQR_MIN)
            self._fences[row] = low - reach, high + reach
        self._fenced_at[row] = int(self._boxes_of[row] * FENCED_AGAIN) + 1


def _quantile(sizes: NDArray[np.int64], total: int, share: float) -> float:
    """The quantile of the log2 share, the boxes of a bin taken as spread evenly over it."""
    below = np.cumsum(sizes)
    wanted = share * total
    bin_ = int(np.searchsorted(below, wanted))
    inside = float(wanted - (below[bin_] - sizes[bin_])) / float(sizes[bin_])
    return (bin_ + inside) / BINS_AN_OCTAVE - OCTAVES
