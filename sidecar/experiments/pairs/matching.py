"""What two versions say of one image, box by box."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecar.experiments.pairs.assignment import match_allowed
from sidecar.experiments.pairs.iou import in_one_unit, iou_matrix
from sidecar.summaries.counts import OTHER
from sidecar.types import Detections

IOU_MIN = 0.5
"""Boxes that overlap by less are not of one object, unless told otherwise."""
BOXES_MAX = 300
"""Boxes of one side of an image that are compared, those with the highest scores; the rest are counted."""
_TIE = 1e-9
"""What decides between matchings of equal overlap: more pairs, then scores that are closer."""
_WEIGHT_MIN = 1.0


class BoxPair(NamedTuple):
    """A box of A and one of B at the same place; ``a`` and ``b`` are their places in the Detections given."""

    a: int
    b: int
    class_a: str
    class_b: str
    score_a: float
    score_b: float
    iou: float


class LoneBox(NamedTuple):
    """A box that the other side has not; ``place`` is its place in the Detections given."""

    place: int
    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Matching:
    """Every counting box of both sides, in exactly one of four places.

    ``matched`` are pairs of one class, ``flips`` pairs of which A and B say different classes; ``missed`` has A alone,
    ``extra`` B alone. ``over_max`` boxes of both sides were left out.

    >>> Matching().agrees, Matching().disagreement
    (True, 0.0)
    """

    matched: tuple[BoxPair, ...] = ()
    flips: tuple[BoxPair, ...] = ()
    missed: tuple[LoneBox, ...] = ()
    extra: tuple[LoneBox, ...] = ()
    over_max: int = 0

    @property
    def boxes_a(self) -> int:
        return len(self.matched) + len(self.flips) + len(self.missed)

    @property
    def boxes_b(self) -> int:
        return len(self.matched) + len(self.flips) + len(self.extra)

    @property
    def agrees(self) -> bool:
        """Whether both have the same boxes with the same classes, or none. Scores may differ."""
        return not (self.flips or self.missed or self.extra)

    @property
    def confidence_shift(self) -> float:
        """The mean of B's score less A's over pairs of one class; NaN without any."""
        if not self.matched:
            return nan
        return sum(pair.score_b - pair.score_a for pair in self.matched) / len(self.matched)

    @property
    def disagreement(self) -> float:
        """How far the two are apart, 0..1: 0 where they say the same with the same scores.

        The share of all scores that is in dispute: a lone box disputes its score, a flip both of its scores, a pair of
        one class the difference of its scores. The whole is taken as at least 1, so that one faint box that only just
        passed is not called utter disagreement: a lone box of 0.3 on an empty image gives 0.3, one of 0.9 gives 0.9,
        and two of 0.9 give 1.
        """
        disputed = sum(box.score for box in self.missed) + sum(box.score for box in self.extra)
        disputed += sum(pair.score_a + pair.score_b for pair in self.flips)
        whole = disputed + sum(pair.score_a + pair.score_b for pair in self.matched)
        disputed += sum(abs(pair.score_a - pair.score_b) for pair in self.matched)
        return min(1.0, disputed / max(whole, _WEIGHT_MIN))


def match(
    a: Detections,
    b: Detections,
    *,
    threshold_a: float = 0.0,
    threshold_b: float = 0.0,
    iou_min: float = IOU_MIN,
    width: float = 0,
    height: float = 0,
) -> Matching:
    """Match the boxes of ``a`` and ``b`` at or above their thresholds: first within each class, then the rest.

    Each time the total IoU over pairs with at least ``iou_min`` is the greatest possible; of equal totals, that with
    more pairs and closer scores. Classes go first, so that two objects of different classes at one place, which both
    versions see, are never called flips (FastestDet in fp32 and int8 on 51 photos: 34 flips, where one matching without
    regard to class has 67); a pair without regard to class is one of ``matched`` or of ``flips``. Classes are compared
    by name. ``width`` and ``height`` of the image in pixels (0: unknown) are needed only where one side
    is normalised. Raises IncomparableError where they are missing, ValueError for an ``iou_min`` not within 0 to 1.

    >>> car = Detections(np.array([[0, 0, 9, 9]], np.float32), np.array([0.5], np.float32), np.array([0]), ("car",))
    >>> truck = Detections(car.boxes, car.scores, car.classes, ("truck",))
    >>> [(pair.class_a, pair.class_b) for pair in match(car, truck).flips]
    [('car', 'truck')]
    """
    check_iou_min(iou_min)
    boxes_a, boxes_b = in_one_unit(a, b, width, height)
    one, other = _Side.of(a, boxes_a, threshold_a), _Side.of(b, boxes_b, threshold_b)
    iou = iou_matrix(one.boxes, other.boxes)
    near = iou >= iou_min
    matched: list[tuple[int, int]] = []
    flips: list[tuple[int, int]] = []
    if near.any():
        gain = iou + _TIE * (2.0 - np.abs(one.scores[:, None] - other.scores[None, :]))
        codes = {name: code for code, name in enumerate({*one.names, *other.names})}
        code_a, code_b = (np.array([codes[name] for name in side.names], np.intp) for side in (one, other))
        matched = match_allowed(gain, near & (code_a[:, None] == code_b[None, :]))
        near[[row for row, _ in matched]] = False
        near[:, [column for _, column in matched]] = False
        flips = match_allowed(gain, near)
    paired = matched + flips
    return Matching(
        tuple(_pair(one, other, place, iou) for place in matched),
        tuple(_pair(one, other, place, iou) for place in flips),
        one.without({row for row, _ in paired}),
        other.without({column for _, column in paired}),
        one.over_max + other.over_max,
    )


def check_iou_min(iou_min: float) -> None:
    """Raises ValueError, naming it, where it is not over 0 and at most 1."""
    if not 0 < iou_min <= 1:
        raise ValueError(f"iou_min: {iou_min} is not over 0 and at most 1")


@dataclass(frozen=True, slots=True)
class _Side:
    """The N boxes of one side that count, highest score first: places in the Detections, boxes, scores, names."""

    places: list[int]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    values: list[float]
    names: list[str]
    over_max: int

    @classmethod
    def of(cls, detections: Detections, boxes: NDArray[np.float64], threshold: float) -> _Side:
        # both in float32: a score that was 0.7 in JSON must pass a threshold of 0.7
        counting = np.flatnonzero(detections.scores >= np.float32(threshold))
        order = counting[np.argsort(-detections.scores[counting], kind="stable")]
        kept = order[:BOXES_MAX]
        labels = detections.labels
        scores = detections.scores[kept].astype(np.float64)
        names = [labels[code] if 0 <= code < len(labels) else OTHER for code in detections.classes[kept].tolist()]
        return cls(kept.tolist(), boxes[kept], scores, scores.tolist(), names, len(order) - len(kept))

    def without(self, paired: set[int]) -> tuple[LoneBox, ...]:
        """The boxes that are in no pair."""
        return tuple(
            LoneBox(self.places[row], self.names[row], self.values[row])
            for row in range(len(self.places))
            if row not in paired
        )


def _pair(one: _Side, other: _Side, place: tuple[int, int], iou: NDArray[np.float64]) -> BoxPair:
    row, column = place
    return BoxPair(
        one.places[row],
        other.places[column],
        one.names[row],
        other.names[column],
        one.values[row],
        other.values[column],
        float(iou[row, column]),
    )
