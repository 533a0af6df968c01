"""What an experiment can be about: a literal table, and how each metric is read from what was counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sidecar.experiments.sums import Form
from sidecar.summaries.images import UNIT_NAMES, UNIT_SCALES

Kind = Literal["ratio", "mean", "binary"]
Side = Literal["higher", "lower", ""]
Source = Literal["images", "latency", "requests", "slow", "feedback"]

PER_UNIT_NAMES = (*UNIT_NAMES, "requests", "failed", "successful", "upstream_ms", "slow", "timed")
PER_UNIT_SCALES = (*UNIT_SCALES, 1, 1, 1, 1_000, 1, 1)
"""Components of the sums per unit, where the unit is not the request. ``slow`` of ``timed`` requests took longer than
the frozen edge; ``upstream_ms`` is the sum over the ``successful`` ones."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the catalogue.

    ``better`` is the side that is better by itself; empty: a difference is only called higher or lower. ``harm`` is
    the side that a guardrail looks at. ``numerator`` over ``denominator`` are components of the sums per unit; of a
    Summary, ``source`` names what is read.
    """

    name: str
    kind: Kind
    better: Side
    harm: Side
    unit: str
    source: Source
    numerator: Form
    denominator: Form
    description: str

    @property
    def direction(self) -> str:
        """As a person reads it.

        >>> METRICS["latency"].direction, METRICS["confidence"].direction
        ('lower is better', 'higher')
        """
        return f"{self.better} is better" if self.better else "higher"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, for documentation and forms."""
        return {
            "metric": self.name,
            "kind": self.kind,
            "direction": self.direction,
            "unit": self.unit,
            "description": self.description,
        }


# name, kind, better, harm, unit, source, numerator, denominator, description
_TABLE = (
    Metric(
        "confidence", "ratio", "", "lower", "confidence", "images",
        (("confidence", 1),), (("images_with_detections", 1),),
        "The mean confidence of an image's detections, over images with at least one.",
    ),
    Metric(
        "latency", "mean", "lower", "higher", "ms", "latency", (("upstream_ms", 1),), (("successful", 1),),
        "The model server's time for a successful response, on average.",
    ),
    Metric(
        "feedback_score", "ratio", "higher", "lower", "share", "feedback", (("correct", 1),), (("weight", 1),),
        "The share of reviewed images that people called correct.",
    ),
    Metric(
        "error_rate", "binary", "lower", "higher", "share", "requests", (("failed", 1),), (("requests", 1),),
        "The share of requests the serving side failed (5xx).",
    ),
    Metric(
        "detections_per_image", "ratio", "", "", "detections", "images", (("detections", 1),), (("images", 1),),
        "Detections of an image, on average over all images.",
    ),
    Metric(
        "no_detection_rate", "binary", "", "higher", "share", "images",
        (("images", 1), ("images_with_detections", -1)), (("images", 1),),
        "The share of images in which nothing was detected.",
    ),
    Metric(
        "undecodable_rate", "binary", "lower", "higher", "share", "images",
        (("undecodable", 1),), (("images", 1), ("undecodable", 1)),
        "The share of images of successful requests whose detections could not be read.",
    ),
    Metric(
        "slow_rate", "binary", "lower", "higher", "share", "slow", (("slow", 1),), (("timed", 1),),
        "The share of requests slower than the control's 95th percentile before the experiment.",
    ),
)  # fmt: skip

METRICS: dict[str, Metric] = {metric.name: metric for metric in _TABLE}
"""Every metric by name, in the order of the documentation."""
COUNT_METRICS = ("detections_per_image", "no_detection_rate")
"""Where these differ, confidences are of other detections and can't be compared."""


def metric_named(name: str, field: str = "metrics") -> Metric:
    """Raises ValueError, naming ``field``, for a metric that does not exist."""
    if name not in METRICS:
        raise ValueError(f"{field}: {name!r} is not one of {', '.join(METRICS)}")
    return METRICS[name]
