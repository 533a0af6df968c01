"""What a batch of predictions says about images, detections and the metrics made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.summaries.batch import MICRO, Columns
from sidecar.summaries.counts import admit, merge_counts
from sidecar.summaries.histogram import Histogram
from sidecar.summaries.moments import Moments
from sidecar.types import Prediction


def _powers_of_two(low: float, high: float, per_octave: int) -> tuple[float, ...]:
    steps = round((high - low) * per_octave)
    return tuple(2.0 ** (low + step / per_octave) for step in range(steps + 1))


EDGES: dict[str, tuple[float, ...]] = {
    # in millionths, as scores are counted
    "confidence_histogram": tuple(float(edge * MICRO // 50) for edge in range(51)),
    "detections_per_image": (*(float(n) for n in range(1, 21)), 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000),
    "area": _powers_of_two(-16, 0, 2),
    "aspect": _powers_of_two(-4, 4, 2),
    "width": _powers_of_two(5, 14, 2),
    "height": _powers_of_two(5, 14, 2),
    # mean luma, 0..1
    "brightness": tuple(edge / 32 for edge in range(33)),
}
"""Bin edges of each histogram. Detections per image: bin i is i detections up to 20."""

UNIT_NAMES = ("images", "detections", "confidence", "images_with_detections", "undecodable")
UNIT_SCALES = (1, 1, MICRO, 1, 1)
LATENCY_NAMES = ("upstream_ms",)
LATENCY_SCALES = (1000,)
FEEDBACK_KINDS = ("correct", "wrong_label", "wrong_box", "false_positive", "missed_object")
LATENCY_US_MAX = 1 << 40
"""Longer latencies (12 days) are taken as this."""


@dataclass(slots=True)
class ImageTotals:
    """Images whose detections were read, those that were not (by reason), and what was found.

    ``class_counts`` are detections by class, ``class_images`` images with at least one of them; ``feedback`` counts
    what people said, by kind. ``units`` are requests: images that share a request depend on each other, so standard
    errors count requests. ``confidence`` of a unit is the sum of the mean confidences of its images with detections.
    ``latency_units`` are successful requests. A request that two batches cut in two counts as two units.

    >>> ImageTotals().merge(ImageTotals(undecodable={"shape": 1})).undecodable
    {'shape': 1}
    """

    undecodable: dict[str, int] = field(default_factory=dict)
    class_counts: dict[str, int] = field(default_factory=dict)
    class_images: dict[str, int] = field(default_factory=dict)
    feedback: dict[str, int] = field(default_factory=dict)
    units: Moments = field(default_factory=lambda: Moments(UNIT_NAMES, UNIT_SCALES))
    latency_units: Moments = field(default_factory=lambda: Moments(LATENCY_NAMES, LATENCY_SCALES))
    confidence_histogram: Histogram = field(default_factory=lambda: Histogram(EDGES["confidence_histogram"]))
    detections_per_image: Histogram = field(default_factory=lambda: Histogram(EDGES["detections_per_image"]))
    area: Histogram = field(default_factory=lambda: Histogram(EDGES["area"]))
    aspect: Histogram = field(default_factory=lambda: Histogram(EDGES["aspect"]))
    width: Histogram = field(default_factory=lambda: Histogram(EDGES["width"]))
    height: Histogram = field(default_factory=lambda: Histogram(EDGES["height"]))
    brightness: Histogram = field(default_factory=lambda: Histogram(EDGES["brightness"]))

    def add(self, predictions: Sequence[Prediction]) -> None:
        """Count ``predictions``; those of failed requests count as neither read nor undecodable."""
        good = [p for p in predictions if 200 <= p.status < 300 and not p.error]
        if not good:
            return
        read = [p for p in good if p.detections is not None]
        detections = [p.detections for p in read if p.detections is not None]
        for prediction in good:
            if prediction.detections is None:
                admit(self.undecodable, prediction.undecodable or "unknown", 1)
        columns = Columns.of(read, detections)
        counts = columns.counts()
        self._add_units(good, counts, columns.mean_confidence_micro())
        if not read:
            return
        self.detections_per_image.add(counts)
        if not columns.image.size:
            return
        self.confidence_histogram.add_bins(np.minimum(columns.scores_micro // (MICRO // 50), 49) + 1)
        for name, n in columns.class_counts().items():
            admit(self.class_counts, name, n)
        for name, n in columns.class_images().items():
            admit(self.class_images, name, n)
        self.area.add(columns.relative_areas())
        self.aspect.add(columns.aspects())

    def add_probe(self, width: int, height: int, brightness: float) -> None:
        """Count an image of the input probe: pixels, and mean luma 0..1."""
        self.width.add_one(width)
        self.height.add_one(height)
        self.brightness.add_one(brightness)

    def add_feedback(self, kind: str, n: int) -> None:
        """Count what people said of these images; fewer where ``n`` is below 0, for one who thought better of it.

        Raises ValueError for a kind that is none of FEEDBACK_KINDS."""
        if kind not in FEEDBACK_KINDS:
            raise ValueError(f"kind: {kind!r} is not one of {', '.join(FEEDBACK_KINDS)}")
        self.feedback[kind] = self.feedback.get(kind, 0) + n

    def merge(self, other: ImageTotals) -> ImageTotals:
        """Both sides' images."""
        merged: dict[str, Any] = {}
        for part in fields(self):
            left, right = getattr(self, part.name), getattr(other, part.name)
            merged[part.name] = merge_counts(left, right) if isinstance(left, dict) else left.merge(right)
        return ImageTotals(**merged)

    def to_state(self) -> list[Any]:
        """JSON-able and canonical."""
        return [
            dict(sorted(self.undecodable.items())),
            dict(sorted(self.class_counts.items())),
            self.units.to_state(),
            self.latency_units.to_state(),
            {name: state for name in EDGES if (state := getattr(self, name).to_state())},
            dict(sorted(self.class_images.items())),
            dict(sorted(self.feedback.items())),
        ]

    @classmethod
    def from_state(cls, state: list[Any]) -> ImageTotals:
        """What to_state wrote."""
        undecodable, class_counts, units, latency_units, histograms, class_images, feedback = state
        return cls(
            undecodable,
            class_counts,
            class_images,
            feedback,
            Moments.from_state(UNIT_NAMES, UNIT_SCALES, units),
            Moments.from_state(LATENCY_NAMES, LATENCY_SCALES, latency_units),
            **{name: Histogram.from_state(edges, histograms.get(name, {})) for name, edges in EDGES.items()},
        )

    def _add_units(
        self, good: Sequence[Prediction], counts: NDArray[np.int64], confidence_micro: NDArray[np.int64]
    ) -> None:
        """Sum images up to requests, which stand together in a batch."""
        first = [True, *(a.request_id != b.request_id for a, b in pairwise(good))]
        request = np.cumsum(first) - 1
        was_read = np.array([p.detections is not None for p in good])
        images = np.zeros((len(good), len(UNIT_NAMES)), np.int64)
        images[was_read, 0] = 1
        images[was_read, 1] = counts
        images[was_read, 2] = confidence_micro
        images[was_read, 3] = counts > 0
        images[~was_read, 4] = 1
        units = np.zeros((int(request[-1]) + 1, len(UNIT_NAMES)), np.int64)
        np.add.at(units, request, images)
        self.units.add(units)
        upstream_ms = np.array([p.upstream_ms for p in good])[np.array(first)]
        upstream_us = np.rint(np.nan_to_num(upstream_ms) * 1000)
        self.latency_units.add(np.clip(upstream_us, 0, LATENCY_US_MAX).astype(np.int64)[:, None])
