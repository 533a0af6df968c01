"""What a model has seen so far of each class: in how many images, how many boxes, of what sizes. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidecar.data_engine.columns import OCTAVES, Columns, Flags, Ints

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
BINS_AN_OCTAVE = 4
BINS = OCTAVES * BINS_AN_OCTAVE
"""Shares are known from 2^-20 to 1 by the quarter of an octave."""
FENCED_AGAIN = 1.1
"""A class's fences are drawn anew whenever its boxes have grown by so much."""
_ROWS_FIRST = 16
_FENCES_FIRST = (float(np.log2(AREA_MIN)), float(np.log2(AREA_MAX)))


class ClassHistory:
    """The history of one model, in columns with a row a class. Only detections at or above the operating point count.

    ``images`` and ``boxes`` are totals. It takes some 700 bytes a class, so less than a megabyte.

    >>> history = ClassHistory()
    >>> history.images, history.images_with(["cat"]), history.rows_of(["cat"]).tolist()
    (0, {'cat': 0}, [-1])
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

    @property
    def is_full(self) -> bool:
        """Whether a class that is not known may have been seen all the same."""
        return len(self._rows) >= CLASSES_MAX

    def images_with(self, names: Sequence[str]) -> dict[str, int]:
        """Images with each of these classes."""
        return dict(zip(names, self.counts_of(names).tolist(), strict=True))

    def counts_of(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Of each class the images with it; 0 where it is not known."""
        rows = self.rows_of(names)
        return np.where(rows >= 0, self._images_with[rows], 0)

    def rows_of(self, names: Sequence[str]) -> Ints:
        """Of each class its row, -1 where it is not known."""
        return np.array([self._rows.get(name, -1) for name in names], np.intp)

    def shares_of(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Of each class its share of all boxes; 0 where it is not known, or where there are none."""
        rows = self.rows_of(names)
        found: NDArray[np.float64] = np.where(rows >= 0, self._boxes_of[rows], 0) / max(1, self.boxes)
        return found

    def have_unusual_size(self, seen: Columns) -> Flags:
        """Of each image [G] whether a box is of a size unusual for its class, by the fences above; never where the size
        of the image is not known and boxes are in pixels."""
        rows = self.rows_of(seen.names)
        fences = np.where(rows[:, None] >= 0, self._fences[rows], _FENCES_FIRST)
        which, shares = seen.sized
        of_boxes = fences[seen.name_at[which]]
        return seen.images_of(which[(shares < of_boxes[:, 0]) | (shares > of_boxes[:, 1])])

    def add(self, seen: Columns) -> None:
        """Count these images, all at once: fences are drawn anew after the last of them."""
        self.images += len(seen.images)
        self.boxes += len(seen.at)
        if not len(seen.at):
            return
        rows = self._admit_all(seen)
        known = np.flatnonzero(rows >= 0)
        self._boxes_of[rows[known]] += np.bincount(seen.name_at, minlength=len(rows))[known]
        self._images_with[rows[known]] += np.bincount(seen.present.name, minlength=len(rows))[known]
        which, shares = seen.sized
        of_boxes = rows[seen.name_at[which]]
        self._add_sizes(of_boxes, shares)
        grown = np.unique(of_boxes[of_boxes >= 0])
        for row in grown[self._boxes_of[grown] >= self._fenced_at[grown]].tolist():
            self._fence(row)

    def _add_sizes(self, rows: Ints, shares: NDArray[np.float64]) -> None:
        """The sizes of boxes as the log2 of their shares, each with the row of its class, -1 for none."""
        bins = np.fmin((shares + OCTAVES) * BINS_AN_OCTAVE, BINS - 1).astype(np.int64)
        cells = (rows * BINS + bins)[rows >= 0]
        np.add.at(self._sizes.reshape(-1), cells, 1)

    def _admit_all(self, seen: Columns) -> Ints:
        """Of each class its row, -1 where there is none for it; those that are new come in the order of images."""
        rows = self.rows_of(seen.names)
        new = seen.present.name[rows[seen.present.name] < 0]
        for index in dict.fromkeys(new.tolist()):
            if self.is_full:
                break
            rows[index] = self._rows[seen.names[index]] = row = len(self._rows)
            if row >= len(self._images_with):
                self._grow()
        return rows

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
