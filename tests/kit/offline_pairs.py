"""How far two detectors disagree, worked out anew from the definition: nothing of the product is imported.

``report`` is what a shadow test's results are checked against. Boxes of one class that overlap by ``iou_min`` at least
are paired so that the total overlap is the greatest (the Hungarian algorithm), then what is left over without regard to
class: those are flips. The rest of A is missed, the rest of B extra.

As a script it runs two versions of FastestDet on photos and prints the report as JSON:
``python -m tests.kit.offline_pairs WEIGHTS_A WEIGHTS_B NAMES PHOTO...``
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from scipy.optimize import linear_sum_assignment

from tests.kit.fastestdet import FastestDet
from tests.kit.offline_arms import ALPHA, always_valid

IOU_MIN = 0.5
CLASS_FIELDS = ("matched", "missed", "extra", "flipped_from", "flipped_to")


class Box(NamedTuple):
    x1: float
    y1: float
    x2: float
    y2: float
    score: float
    name: str


Image = Sequence[Box]


@dataclass
class Compared:
    """The boxes of one image: pairs (A's, B's) of one class and of two, and those of one side alone."""

    matched: list[tuple[Box, Box]] = field(default_factory=list)
    flipped: list[tuple[Box, Box]] = field(default_factory=list)
    missed: list[Box] = field(default_factory=list)
    extra: list[Box] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return not (self.flipped or self.missed or self.extra)

    @property
    def disagreement(self) -> float:
        """The part of all scores that is in dispute, of 1 at least."""
        lone = sum(box.score for box in [*self.missed, *self.extra])
        lone += sum(a.score + b.score for a, b in self.flipped)
        whole = lone + sum(a.score + b.score for a, b in self.matched)
        return min(1.0, (lone + sum(abs(a.score - b.score) for a, b in self.matched)) / max(1.0, whole))


def compare(a: Image, b: Image, iou_min: float = IOU_MIN) -> Compared:
    """Every box of both sides in one place."""
    matched = _paired(a, b, iou_min, lambda one, other: one.name == other.name)
    rest_a = [box for place, box in enumerate(a) if place not in {pair[0] for pair in matched}]
    rest_b = [box for place, box in enumerate(b) if place not in {pair[1] for pair in matched}]
    flipped = _paired(rest_a, rest_b, iou_min, lambda one, other: True)
    return Compared(
        [(a[one], b[other]) for one, other in matched],
        [(rest_a[one], rest_b[other]) for one, other in flipped],
        [box for place, box in enumerate(rest_a) if place not in {pair[0] for pair in flipped}],
        [box for place, box in enumerate(rest_b) if place not in {pair[1] for pair in flipped}],
    )


def _paired(a: Image, b: Image, iou_min: float, fits: Callable[[Box, Box], bool]) -> list[tuple[int, int]]:
    """The places of pairs with the greatest total overlap."""
    gain = np.array([[_gain(one, other, iou_min, fits) for other in b] for one in a]).reshape(len(a), len(b))
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if gain[row, column] > 0]


def _gain(a: Box, b: Box, iou_min: float, fits: Callable[[Box, Box], bool]) -> float:
    overlap = iou(a, b)
    return overlap if overlap >= iou_min and fits(a, b) else 0.0


def iou(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    if width <= 0 or height <= 0:
        return 0.0
    both = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1)
    return width * height / (both - width * height)


def report(images: Iterable[tuple[Image, Image]], iou_min: float = IOU_MIN) -> dict[str, Any]:
    """What a shadow test says of ``images`` (A's boxes, B's boxes), each sent in a request of its own."""
    found = [compare(a, b, iou_min) for a, b in images]
    matched = [pair for image in found for pair in image.matched]
    flips = Counter((a.name, b.name) for image in found for a, b in image.flipped)
    counts = {
        "images": len(found),
        "agreeing": sum(image.agrees for image in found),
        "matched": len(matched),
        "flipped": flips.total(),
        "missed": sum(len(image.missed) for image in found),
        "extra": sum(len(image.extra) for image in found),
    }
    boxes_a = counts["matched"] + counts["flipped"] + counts["missed"]
    boxes_b = counts["matched"] + counts["flipped"] + counts["extra"]
    classes = _classes(found)
    shifts = [fmean(b.score - a.score for a, b in image.matched) for image in found if image.matched]
    return {
        "counts": {**counts, "boxes_a": boxes_a, "boxes_b": boxes_b},
        "agreement": {
            "image_rate": counts["agreeing"] / len(found),
            "box_rate": 2 * counts["matched"] / (boxes_a + boxes_b),
            "mean_disagreement": fmean(image.disagreement for image in found),
            "mean_iou": fmean(iou(a, b) for a, b in matched),
        },
        "boxes": {
            "a": boxes_a,
            "b": boxes_b,
            "change": boxes_b / boxes_a - 1,
            "missed_rate": counts["missed"] / boxes_a,
            "extra_rate": counts["extra"] / boxes_b,
            "flip_rate": counts["flipped"] / (counts["matched"] + counts["flipped"]),
        },
        "flips": {
            (came, went): {"count": n, "boxes": classes[came]["boxes_a"]} for (came, went), n in sorted(flips.items())
        },
        "classes": classes,
        "confidence_shift": paired_difference(shifts),
        "count_difference": paired_difference([len(image.extra) - len(image.missed) for image in found]),
        "disagreements": [image.disagreement for image in found],
    }


def _classes(found: Sequence[Compared]) -> dict[str, dict[str, int]]:
    """Boxes of each class by what became of them."""
    counters: dict[str, Counter[str]] = {name: Counter() for name in CLASS_FIELDS}
    for image in found:
        counters["matched"].update(a.name for a, _ in image.matched)
        counters["missed"].update(box.name for box in image.missed)
        counters["extra"].update(box.name for box in image.extra)
        counters["flipped_from"].update(a.name for a, _ in image.flipped)
        counters["flipped_to"].update(b.name for _, b in image.flipped)
    classes = {}
    for name in sorted(set().union(*counters.values())):
        of = {what: counters[what][name] for what in CLASS_FIELDS}
        of["boxes_a"] = of["matched"] + of["missed"] + of["flipped_from"]
        of["boxes_b"] = of["matched"] + of["extra"] + of["flipped_to"]
        classes[name] = of
    return classes


def paired_difference(values: Sequence[float]) -> dict[str, Any]:
    """The mean of differences, tested against 0 by Student's t, and always validly."""
    n, mean, error = len(values), fmean(values), float(stats.sem(values))
    low, high, p_value = always_valid(mean, error, n)
    fixed_low, fixed_high = stats.t.interval(1 - ALPHA, n - 1, mean, error)
    return {
        "n": n,
        "difference": mean,
        "standard_error": error,
        "fixed_horizon": {
            "low": float(fixed_low),
            "high": float(fixed_high),
            "p_value": float(stats.ttest_1samp(values, 0).pvalue),
        },
        "always_valid": {"low": low, "high": high, "p_value": p_value},
    }


def boxes_of(detector: FastestDet, picture: bytes) -> list[Box]:
    """What a detector finds in a JPEG or PNG."""
    found = detector.detect(picture)
    return [
        Box(x1, y1, x2, y2, score, detector.names[index])
        for (x1, y1, x2, y2), score, index in zip(
            found.boxes.astype(float).tolist(), found.scores.astype(float).tolist(), found.classes, strict=True
        )
    ]


def main(weights_a: str, weights_b: str, names: str, *photos: str) -> None:
    detectors = [FastestDet(Path(weights), Path(names)) for weights in (weights_a, weights_b)]
    pictures = [Path(photo).read_bytes() for photo in photos]
    found = report([(boxes_of(detectors[0], picture), boxes_of(detectors[1], picture)) for picture in pictures])
    found["flips"] = [{"from": came, "to": went, **of} for (came, went), of in found["flips"].items()]
    json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
