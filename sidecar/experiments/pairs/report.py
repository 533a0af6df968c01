"""What pairs come to, as numbers to read."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any, NamedTuple

from sidecar.experiments.pairs.classes import FLIPS_MAX, ClassCounts
from sidecar.experiments.pairs.matching import BOXES_MAX
from sidecar.experiments.pairs.paired_test import PairedTest, known, mean_test, ratio_test
from sidecar.experiments.pairs.sentence import plural, sentence_of
from sidecar.experiments.pairs.summary import MICRO, PairCounts, PairSummary
from sidecar.experiments.sequential import ALPHA, UNITS_MIN
from sidecar.summaries import ExponentialHistogram
from sidecar.summaries.counts import OTHER

LISTED_MAX = 100
"""Flips and classes that a report lists, those in most dispute."""


class FlipCount(NamedTuple):
    """``n`` of A's ``boxes`` of class ``came`` are called ``went`` by B."""

    came: str
    went: str
    n: int
    boxes: int


@dataclass(frozen=True, slots=True)
class PairReport:
    """What B says against what A says of the same images. Rates are 0..1 and NaN where there is nothing to divide by.

    ``agreement_rate`` is the share of images on which both have the same boxes with the same classes;
    ``box_agreement`` twice the pairs of one class over the boxes of both (the Dice coefficient, or F1 with A taken as
    true). ``missed_rate`` is of A's boxes, ``extra_rate`` of B's, ``flip_rate`` of the pairs at one place.
    ``box_change`` is B's boxes over A's, less 1. ``mean_iou`` is of pairs of one class. ``flips`` and ``classes`` have
    the most disputed first. ``confidence_shift`` and ``count_difference`` are per image, ``latency_difference_ms`` per
    request, B less A.
    """

    name_a: str
    name_b: str
    iou_min: float
    counts: PairCounts
    agreement_rate: float
    box_agreement: float
    missed_rate: float
    extra_rate: float
    flip_rate: float
    box_change: float
    mean_iou: float
    mean_disagreement: float
    flips: tuple[FlipCount, ...]
    classes: tuple[tuple[str, ClassCounts], ...]
    confidence_shift: PairedTest
    count_difference: PairedTest
    latency_difference_ms: PairedTest
    latency_a: ExponentialHistogram
    latency_b: ExponentialHistogram
    histograms: dict[str, dict[str, Any]]
    limitations: tuple[str, ...]
    sentence: str = ""

    def to_dict(self, histograms: bool = False) -> dict[str, Any]:
        """JSON-able; null where there is nothing to tell.

        ``a`` and ``b`` (names), ``iou_min``, ``sentence``, ``limitations``; ``counts`` (PairCounts by field);
        ``agreement`` (``image_rate``, ``box_rate``, ``mean_disagreement``, ``mean_iou``); ``boxes`` (``a``, ``b``,
        ``change``, ``missed_rate``, ``extra_rate``, ``flip_rate``); ``flips`` (``from``, ``to``, ``count``, ``boxes``:
        A's boxes of ``from``); ``classes`` (``class``, ``boxes_a``, ``boxes_b`` and ClassCounts by field);
        ``confidence_shift``, ``count_difference`` and ``latency.difference_ms`` (PairedTest.to_dict); ``latency.a`` and
        ``.b`` (``count``, ``mean_ms``, ``p50_ms``, ``p90_ms``, ``p95_ms``, ``p99_ms``). With ``histograms``, also those
        of ``iou``, ``disagreement`` (edges in 0..1) and ``count_difference``: ``edges``, and ``counts``, one more.
        """
        document = {
            "a": self.name_a,
            "b": self.name_b,
            "iou_min": self.iou_min,
            "counts": self.counts._asdict() | {"boxes_a": self.counts.boxes_a, "boxes_b": self.counts.boxes_b},
            "agreement": {
                "image_rate": known(self.agreement_rate),
                "box_rate": known(self.box_agreement),
                "mean_disagreement": known(self.mean_disagreement),
                "mean_iou": known(self.mean_iou),
            },
            "boxes": {
                "a": self.counts.boxes_a,
                "b": self.counts.boxes_b,
                "change": known(self.box_change),
                "missed_rate": known(self.missed_rate),
                "extra_rate": known(self.extra_rate),
                "flip_rate": known(self.flip_rate),
            },
            "flips": [
                {"from": flip.came, "to": flip.went, "count": flip.n, "boxes": flip.boxes} for flip in self.flips
            ],
            "classes": [
                {"class": name, "boxes_a": counts.boxes_a, "boxes_b": counts.boxes_b, **counts._asdict()}
                for name, counts in self.classes
            ],
            "confidence_shift": self.confidence_shift.to_dict(),
            "count_difference": self.count_difference.to_dict(),
            "latency": {
                "a": _latency_document(self.latency_a),
                "b": _latency_document(self.latency_b),
                "difference_ms": self.latency_difference_ms.to_dict(),
            },
            "limitations": list(self.limitations),
            "sentence": self.sentence,
        }
        if histograms:
            document["histograms"] = self.histograms
        return document


def report_of(summary: PairSummary, name_a: str = "A", name_b: str = "B", alpha: float = ALPHA) -> PairReport:
    """Read ``summary`` out. Raises ValueError for an ``alpha`` out of 0..1.

    >>> report_of(PairSummary()).sentence
    'Nothing to compare yet: no request was answered by both A and B.'
    """
    counts = summary.counts
    parts: dict[str, Any] = {
        "name_a": name_a,
        "name_b": name_b,
        "iou_min": summary.iou_min,
        "counts": counts,
        "agreement_rate": _share(counts.agreeing, counts.images),
        "box_agreement": _share(2 * counts.matched, counts.boxes_a + counts.boxes_b),
        "missed_rate": _share(counts.missed, counts.boxes_a),
        "extra_rate": _share(counts.extra, counts.boxes_b),
        "flip_rate": _share(counts.flipped, counts.matched + counts.flipped),
        "box_change": _share(counts.boxes_b - counts.boxes_a, counts.boxes_a),
        "mean_iou": _share(counts.iou_micro, counts.matched * MICRO),
        "mean_disagreement": _share(counts.disagreement_micro, counts.images * MICRO),
        "flips": tuple(_flips(summary)[:LISTED_MAX]),
        "classes": tuple(_classes(summary)[:LISTED_MAX]),
        "confidence_shift": ratio_test(summary.confidence_units, "shift", "images", alpha),
        "count_difference": ratio_test(summary.count_units, "difference", "images", alpha),
        "latency_difference_ms": mean_test(summary.latency_units, "difference_ms", alpha),
        "latency_a": summary.latency_a,
        "latency_b": summary.latency_b,
        "histograms": _histograms(summary),
        "limitations": tuple(_limitations(summary)),
    }
    return PairReport(**parts, sentence=sentence_of(PairReport(**parts)))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else nan


def _flips(summary: PairSummary) -> list[FlipCount]:
    """The most frequent first; of equally many, by name."""
    found = [
        FlipCount(came, went, n, summary.classes.get(came, ClassCounts()).boxes_a)
        for (came, went), n in summary.flips.items()
    ]
    return sorted(found, key=lambda flip: (-flip.n, flip.came, flip.went))


def _classes(summary: PairSummary) -> list[tuple[str, ClassCounts]]:
    """Those with most boxes in dispute first; of equal ones, those with most boxes."""
    return sorted(
        summary.classes.items(),
        key=lambda item: (-sum(item[1][1:]), -item[1].matched, item[0]),
    )


def _histograms(summary: PairSummary) -> dict[str, dict[str, Any]]:
    found = {name: getattr(summary, name).to_dict() for name in ("iou", "disagreement", "count_difference")}
    for name in ("iou", "disagreement"):
        found[name]["edges"] = [edge / MICRO for edge in found[name]["edges"]]
    return found


def _limitations(summary: PairSummary) -> list[str]:
    counts = summary.counts
    unread = counts.unread_a + counts.unread_b + counts.unread_both
    said = [
        (
            counts.requests,
            "Requests are taken as independent of each other: of film, whose pictures are not, p-values and bounds are "
            "too sure.",
        ),
        (
            0 < summary.count_units.n < UNITS_MIN,
            f"Fewer than {UNITS_MIN} requests were compared: nothing is concluded from differences of means.",
        ),
        (unread, f"Left out: {plural(unread, 'image')}, a side's detections of which could not be read."),
        (
            counts.incomparable,
            f"Left out: {plural(counts.incomparable, 'image')} of unknown size, where one side's boxes are in pixels, "
            "the other's are not.",
        ),
        (counts.unpaired, f"Left out: {plural(counts.unpaired, 'image')} that one side alone answered."),
        (
            counts.boxes_over_max,
            f"Left out: {plural(counts.boxes_over_max, 'box', 'boxes')} beyond the {BOXES_MAX} best of an image.",
        ),
        (
            (OTHER, OTHER) in summary.flips,
            f"Some flips are counted as {OTHER} to {OTHER}: there are over {FLIPS_MAX:,} kinds of them.",
        ),
    ]
    return [text for so, text in said if so]


def _latency_document(latency: ExponentialHistogram) -> dict[str, Any]:
    return {
        name: value
        for name, value in latency.to_dict().items()
        if name == "count" or name == "mean_ms" or name[0] == "p"
    }
