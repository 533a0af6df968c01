"""A batch of predictions as columns: one set of arrays for all its detections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.summaries.counts import OTHER
from sidecar.types import Detections, Prediction

MICRO = 1_000_000

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Columns:
    """I images and the D detections at or above their thresholds, by image.

    ``image`` int [D] says which image a detection is of, ``scores_micro`` int64 [D] its score in millionths, ``boxes``
    float64 [D, 4]. ``normalised`` bool, ``width`` and ``height`` float64 are [I], 0 where unknown. ``codes`` int [D]
    index ``names``; detections of one name have one code.

    >>> Columns.of([], []).image.size
    0
    """

    image: NDArray[np.intp]
    scores_micro: NDArray[np.int64]
    boxes: NDArray[np.float64]
    codes: NDArray[np.intp]
    names: list[str]
    images: int
    normalised: NDArray[np.bool_]
    width: NDArray[np.float64]
    height: NDArray[np.float64]

    @classmethod
    def of(cls, predictions: Sequence[Prediction], detections: Sequence[Detections]) -> Columns:
        """The columns of ``predictions``, of which each has the detections of the same place."""
        if not predictions:
            predictions, detections = [], []
        lengths = np.array([len(item.scores) for item in detections], np.intp)
        thresholds = np.array([prediction.score_threshold for prediction in predictions], np.float32)
        image = np.repeat(np.arange(len(detections)), lengths)
        scores = _joined([item.scores for item in detections], np.zeros(0, np.float32))
        # both in float32: a score that was 0.7 in JSON must pass a threshold of 0.7
        counting = scores >= thresholds[image]
        image = image[counting]
        codes, names = _codes(
            detections, image, _joined([item.classes for item in detections], np.zeros(0, np.int32))[counting]
        )
        boxes = _joined([item.boxes for item in detections], np.zeros((0, 4), np.float32)).reshape(-1, 4)
        return cls(
            image,
            np.rint(scores[counting].astype(np.float64) * MICRO).astype(np.int64),
            boxes[counting].astype(np.float64),
            codes,
            names,
            len(detections),
            np.array([item.normalised for item in detections], np.bool_),
            np.array([prediction.image_width for prediction in predictions], np.float64),
            np.array([prediction.image_height for prediction in predictions], np.float64),
        )

    def counts(self) -> NDArray[np.int64]:
        """Detections of each image, [I]."""
        return np.bincount(self.image, minlength=self.images).astype(np.int64)

    def mean_confidence_micro(self) -> NDArray[np.int64]:
        """The mean score of each image in millionths, [I]; 0 without detections."""
        # integers under 2**53 add up exactly as floats, so the mean of an image depends on that image alone
        sums = np.bincount(self.image, self.scores_micro, minlength=self.images)
        return np.rint(sums / np.maximum(self.counts(), 1)).astype(np.int64)

    def class_counts(self) -> dict[str, int]:
        """Detections by class name."""
        return self._by_name(self.codes)

    def class_images(self) -> dict[str, int]:
        """Images with at least one detection of a class, by its name."""
        pairs = np.unique(self.image * len(self.names) + self.codes)
        return self._by_name(pairs % len(self.names))

    def _by_name(self, codes: NDArray[np.intp]) -> dict[str, int]:
        found = np.bincount(codes, minlength=len(self.names))
        return {self.names[code]: int(found[code]) for code in np.flatnonzero(found).tolist()}

    def relative_areas(self) -> NDArray[np.float64]:
        """Box area over image area, of the boxes for which it is known."""
        box_width, box_height = self._box_sizes()
        image_area = np.where(self.normalised, 1.0, self.width * self.height)[self.image]
        known = (box_width > 0) & (box_height > 0) & (image_area > 0)
        return box_width[known] * box_height[known] / image_area[known]

    def aspects(self) -> NDArray[np.float64]:
        """Width over height in pixels, of the boxes for which it is known."""
        box_width, box_height = self._box_sizes()
        with np.errstate(divide="ignore", invalid="ignore"):
            stretch = np.where(self.normalised, self.width / self.height, 1.0)[self.image]
        known = (box_width > 0) & (box_height > 0) & np.isfinite(stretch) & (stretch > 0)
        return box_width[known] / box_height[known] * stretch[known]

    def _box_sizes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.boxes[:, 2] - self.boxes[:, 0], self.boxes[:, 3] - self.boxes[:, 1]


def _joined(arrays: Sequence[NDArray[T]], empty: NDArray[T]) -> NDArray[T]:
    return np.concatenate(arrays) if arrays else empty


def _codes(
    detections: Sequence[Detections], image: NDArray[np.intp], classes: NDArray[np.int32]
) -> tuple[NDArray[np.intp], list[str]]:
    """Codes into one list of names for the whole batch; a class without a label is ``other``."""
    starts: dict[tuple[str, ...], int] = {}
    names = [OTHER]
    for item in detections:
        if item.labels not in starts:
            starts[item.labels] = len(names)
            names += item.labels
    start = np.array([starts[item.labels] for item in detections], np.intp)
    size = np.array([len(item.labels) for item in detections], np.intp)
    indices = classes.astype(np.intp)
    labelled = (indices >= 0) & (indices < size[image])
    first: dict[str, int] = {}
    one_code = np.array([first.setdefault(name, code) for code, name in enumerate(names)], np.intp)
    return one_code[np.where(labelled, start[image] + indices, 0)], names
