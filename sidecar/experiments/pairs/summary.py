"""PairSummary and its encoding."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from sidecar.experiments.pairs.classes import (
    ClassCounts,
    Flip,
    admit_class,
    admit_flip,
    checked,
    classes_of_state,
    classes_state,
    flips_of_state,
    flips_state,
    merge_classes,
)
from sidecar.experiments.pairs.matching import IOU_MIN, Matching, check_iou_min
from sidecar.experiments.pairs.pairing import RequestPair
from sidecar.summaries import CLASSES_MAX, ExponentialHistogram, Histogram, Moments, SummaryError
from sidecar.types import latency_index

ENCODING_VERSION = 1
MICRO = 1_000_000
_BINS = 40
EDGES: dict[str, tuple[float, ...]] = {
    # both in millionths of 0..1
    "iou": tuple(float(edge * MICRO // _BINS) for edge in range(_BINS + 1)),
    "disagreement": tuple(float(edge * MICRO // _BINS) for edge in range(_BINS + 1)),
    "count_difference": (*(float(n) for n in range(-20, 22)),),
}
"""Bin edges of each histogram. Count differences: bin i is a difference of i - 21 from -20 to 20."""
MOMENTS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "confidence_units": (("shift", "images"), (MICRO, 1)),
    "count_units": (("difference", "images"), (1, 1)),
    "latency_units": (("difference_ms",), (1000,)),
}
"""Components and scales of what is summed over requests, B less A."""
LATENCY_US_MAX = 1 << 40
"""Longer latencies (12 days) are taken as this."""
_PARAMETERS = zlib.crc32(repr((EDGES, MOMENTS, ClassCounts._fields)).encode())
"""Stands for all edges and components: a summary made with others is refused."""


class PairCounts(NamedTuple):
    """Plain counts; of each pair of answers and of each image.

    ``requests`` were answered by both sides, well or not: ``failed_a`` by A alone with an error, ``failed_b`` by B
    alone, ``failed_both`` by both. Of the images of the rest ``images`` were compared, ``agreeing`` of them in full;
    those unread on a side, ``incomparable`` (no common unit of their boxes) and ``unpaired`` ones were not.
    ``boxes_over_max`` were beyond BOXES_MAX of an image.
    """

    requests: int = 0
    failed_a: int = 0
    failed_b: int = 0
    failed_both: int = 0
    images: int = 0
    agreeing: int = 0
    unread_a: int = 0
    unread_b: int = 0
    unread_both: int = 0
    incomparable: int = 0
    unpaired: int = 0
    matched: int = 0
    missed: int = 0
    extra: int = 0
    flipped: int = 0
    boxes_over_max: int = 0
    iou_micro: int = 0
    disagreement_micro: int = 0

    def plus(self, other: PairCounts) -> PairCounts:
        """Both together."""
        return PairCounts(*(one + more for one, more in zip(self, other, strict=True)))

    @property
    def boxes_a(self) -> int:
        return self.matched + self.flipped + self.missed

    @property
    def boxes_b(self) -> int:
        return self.matched + self.flipped + self.extra


@dataclass(slots=True)
class PairSummary:
    """The aggregate of shadow pairs. ``add`` changes it in place, ``merge`` makes a new one; ``revision`` adds up.

    ``flips`` counts pairs at one place by (A's class, B's class), ``classes`` boxes by name. ``iou`` is of pairs of one
    class. Units are requests, since the images of one depend on each other: ``confidence_units`` have the sum of the
    mean score differences of their images with a pair of one class, and the number of those; ``count_units`` the sum
    of B's boxes less A's, and the images; ``latency_units`` B's upstream time less A's. ``latency_a`` and ``latency_b``
    are of a side's successful answers. Pairs made with another ``iou_min`` are refused.

    >>> PairSummary() == PairSummary().merge(PairSummary()), PairSummary().counts.images
    (True, 0)
    """

    iou_min: float = IOU_MIN
    revision: int = 0
    counts: PairCounts = field(default_factory=PairCounts)
    classes: dict[str, ClassCounts] = field(default_factory=dict)
    flips: dict[Flip, int] = field(default_factory=dict)
    iou: Histogram = field(default_factory=lambda: Histogram(EDGES["iou"]))
    disagreement: Histogram = field(default_factory=lambda: Histogram(EDGES["disagreement"]))
    count_difference: Histogram = field(default_factory=lambda: Histogram(EDGES["count_difference"]))
    confidence_units: Moments = field(default_factory=lambda: Moments(*MOMENTS["confidence_units"]))
    count_units: Moments = field(default_factory=lambda: Moments(*MOMENTS["count_units"]))
    latency_units: Moments = field(default_factory=lambda: Moments(*MOMENTS["latency_units"]))
    latency_a: ExponentialHistogram = field(default_factory=ExponentialHistogram)
    latency_b: ExponentialHistogram = field(default_factory=ExponentialHistogram)

    def __post_init__(self) -> None:
        check_iou_min(self.iou_min)

    def add(self, pair: RequestPair) -> None:
        """Count one request's pair. Raises SummaryError where it was matched with another ``iou_min``."""
        if pair.iou_min != self.iou_min:
            raise SummaryError(f"pair summary: a pair of iou_min {pair.iou_min}, expected {self.iou_min}")
        added = {
            "requests": 1,
            "unpaired": pair.unpaired,
            "incomparable": sum(image.matching is None and not image.unread for image in pair.images),
        }
        for side in ("a", "b", "both"):
            added[f"failed_{side}"] = int(pair.failed == side)
            added[f"unread_{side}"] = sum(image.unread == side for image in pair.images)
        self.counts = self.counts.plus(PairCounts(**added))
        matchings = [image.matching for image in pair.images if image.matching is not None]
        for matching in matchings:
            self._add_boxes(matching)
        self._add_units(matchings)
        self._add_latency(pair)
        self.revision += 1

    def merge(self, other: PairSummary) -> PairSummary:
        """Both sides' pairs, as a new PairSummary. Raises SummaryError for unlike ``iou_min``."""
        if self.iou_min != other.iou_min:
            raise SummaryError(f"pair summary: iou_min {self.iou_min} and {other.iou_min} differ")
        flips = dict(self.flips)
        for flip, n in other.flips.items():
            flips[flip] = flips.get(flip, 0) + n
        return PairSummary(
            self.iou_min,
            self.revision + other.revision,
            self.counts.plus(other.counts),
            merge_classes(self.classes, other.classes),
            flips,
            **{name: getattr(self, name).merge(getattr(other, name)) for name in _PARTS},
        )

    def encode(self) -> bytes:
        """A version byte and JSON; equal summaries have equal bytes."""
        state = [
            _PARAMETERS,
            self.iou_min,
            self.revision,
            list(self.counts),
            classes_state(self.classes),
            flips_state(self.flips),
            *(getattr(self, name).to_state() for name in _PARTS),
        ]
        return bytes((ENCODING_VERSION,)) + json.dumps(state, separators=(",", ":")).encode("ascii")

    @classmethod
    def decode(cls, encoded: bytes) -> PairSummary:
        """What encode wrote. Raises SummaryError for another version, other parameters or other bytes."""
        if not encoded or encoded[0] != ENCODING_VERSION:
            raise SummaryError(f"pair summary: version {encoded[:1].hex() or 'none'}, expected {ENCODING_VERSION:02x}")
        try:
            return cls._from_state(json.loads(encoded[1:]))
        except SummaryError:
            raise
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise SummaryError(f"pair summary: {error}") from error

    def __hash__(self) -> int:
        return hash(self.encode())

    @classmethod
    def _from_state(cls, state: list[Any]) -> PairSummary:
        parameters, iou_min, revision, counts, classes, flips, *parts = state
        if parameters != _PARAMETERS:
            raise SummaryError("pair summary: it was made with other edges or components")
        checked([revision], "revision", 1)
        checked(counts, "the whole", len(PairCounts._fields))
        made: dict[str, Any] = {}
        for name, part in zip(_PARTS, parts, strict=True):
            if name in EDGES:
                made[name] = Histogram.from_state(EDGES[name], part)
            elif name in MOMENTS:
                made[name] = Moments.from_state(*MOMENTS[name], part)
            else:
                made[name] = ExponentialHistogram.from_state(part)
        return cls(iou_min, revision, PairCounts(*counts), classes_of_state(classes), flips_of_state(flips), **made)

    def _add_boxes(self, matching: Matching) -> None:
        ious = [round(pair.iou * MICRO) for pair in matching.matched]
        disagreement = round(matching.disagreement * MICRO)
        self.counts = self.counts.plus(
            PairCounts(
                images=1,
                agreeing=int(matching.agrees),
                matched=len(matching.matched),
                missed=len(matching.missed),
                extra=len(matching.extra),
                flipped=len(matching.flips),
                boxes_over_max=matching.over_max,
                iou_micro=sum(ious),
                disagreement_micro=disagreement,
            )
        )
        for micro, histogram in (*((micro, self.iou) for micro in ious), (disagreement, self.disagreement)):
            histogram.add_one(min(micro, MICRO - 1))
        self.count_difference.add_one(matching.boxes_b - matching.boxes_a)
        for name, counts in _by_class(matching).items():
            admit_class(self.classes, name, counts, CLASSES_MAX)
        for pair in matching.flips:
            admit_flip(self.flips, (pair.class_a, pair.class_b), 1)

    def _add_units(self, matchings: list[Matching]) -> None:
        """A request is one unit: its images depend on each other."""
        shifts = [round(matching.confidence_shift * MICRO) for matching in matchings if matching.matched]
        if shifts:
            self.confidence_units.add(np.array([[sum(shifts), len(shifts)]], np.int64))
        if matchings:
            difference = sum(matching.boxes_b - matching.boxes_a for matching in matchings)
            self.count_units.add(np.array([[difference, len(matchings)]], np.int64))

    def _add_latency(self, pair: RequestPair) -> None:
        micros = [_micros(ms) for ms in (pair.upstream_a_ms, pair.upstream_b_ms)]
        for name, us in zip(("latency_a", "latency_b"), micros, strict=True):
            if us is not None:
                setattr(self, name, getattr(self, name).merge(ExponentialHistogram({latency_index(us / 1000): 1}, us)))
        if micros[0] is not None and micros[1] is not None:
            self.latency_units.add(np.array([[micros[1] - micros[0]]], np.int64))


_PARTS = tuple(part.name for part in fields(PairSummary))[5:]
"""Histograms and moments, in the order they are encoded in."""


def merge_pairs(summaries: Iterable[PairSummary], iou_min: float = IOU_MIN) -> PairSummary:
    """All of them together; the empty PairSummary where there are none."""
    merged = PairSummary(iou_min)
    for summary in summaries:
        merged = merged.merge(summary)
    return merged


def _by_class(matching: Matching) -> dict[str, ClassCounts]:
    """What became of the boxes of an image, by class."""
    found: dict[str, list[int]] = {}
    for column, names in enumerate(
        (
            [pair.class_a for pair in matching.matched],
            [box.name for box in matching.missed],
            [box.name for box in matching.extra],
            [pair.class_a for pair in matching.flips],
            [pair.class_b for pair in matching.flips],
        )
    ):
        for name in names:
            found.setdefault(name, [0] * len(ClassCounts._fields))[column] += 1
    return {name: ClassCounts(*counts) for name, counts in found.items()}


def _micros(ms: float) -> int | None:
    """Whole microseconds, within bounds; None where there is no latency."""
    return min(max(round(ms * 1000), 0), LATENCY_US_MAX) if isfinite(ms) else None
