"""The metrics an alert can be about: a literal table, from which documentation is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, Literal

from sidecar.alerts import measures
from sidecar.alerts.facts import Facts, Reading

Unit = Literal[
    "share", "confidence", "ms", "requests/s", "detections", "distance", "yes or no", "classes", "items", "stops"
]  # fmt: skip
Source = Literal["summaries", "drift", "sidecar", "trials"]
OPERATORS = ("lt", "lte", "gt", "gte")
ANOMALY = "anomaly"
MOST: dict[Unit, float] = {"share": 1.0, "confidence": 1.0, "distance": 1.0, "yes or no": 1.0}
"""The highest value a unit can have; those that are not here have none. The lowest is 0 of all."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the catalogue.

    ``samples`` says what a condition's ``min_samples`` counts, empty where no minimum applies. ``worse`` is the side on
    which an anomaly is one; empty: both, because neither is better. ``baseline`` names the figure of a baseline it can
    be compared with, empty where there is none.
    """

    name: str
    unit: Unit
    source: Source
    samples: str
    worse: Literal["higher", "lower", ""]
    baseline: str
    description: str
    measure: Callable[[Facts, str], Reading]

    @property
    def most(self) -> float:
        """The highest value it can have; infinity where there is no bound."""
        return MOST.get(self.unit, inf)

    @property
    def operators(self) -> tuple[str, ...]:
        """What is measured hour by hour can be an anomaly."""
        return (*OPERATORS, ANOMALY) if self.source == "summaries" else OPERATORS

    @property
    def compare(self) -> tuple[str, ...]:
        """What a threshold can be held against."""
        return ("value", "baseline_ratio", "baseline_difference") if self.baseline else ("value",)

    @property
    def needs_class(self) -> bool:
        """Whether a condition must name a class."""
        return self.name == "class_share"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, for documentation and forms."""
        return {
            "metric": self.name,
            "unit": self.unit,
            "source": self.source,
            "samples": self.samples,
            "description": self.description,
            "operators": list(self.operators),
            "compare": list(self.compare),
            "needs_class": self.needs_class,
        }


def _latency(percent: int) -> Metric:
    name = f"p{percent}_latency_ms"
    description = f"The time within which {percent} % of requests were answered, from first byte to last."
    measure = partial(measures.latency_ms, q=percent / 100)
    return Metric(name, "ms", "summaries", "requests", "higher", name, description, measure)


def _drift(score: str, of: str) -> Metric:
    description = f"How far {of} moved from the baseline in the latest drift check; 0 where it is not significant."
    measure = partial(measures.drift_score, score=score)
    return Metric(f"{score}_drift", "distance", "drift", "", "higher", "", description, measure)


# name, unit, source, samples, worse, figure of the baseline, description, measure
_TABLE = (
    Metric(
        "avg_confidence", "confidence", "summaries", "images with detections", "", "avg_confidence",
        "The mean confidence of an image's detections, over images with at least one.", measures.avg_confidence,
    ),
    _latency(50),
    _latency(90),
    _latency(95),
    _latency(99),
    Metric(
        "error_rate", "share", "summaries", "requests", "higher", "error_rate",
        "The share of requests the serving side failed (5xx).", measures.error_rate,
    ),
    Metric(
        "request_rate", "requests/s", "summaries", "", "", "",
        "Requests per second; without traffic it is 0.", measures.request_rate,
    ),
    Metric(
        "detections_per_image", "detections", "summaries", "images", "", "detections_per_image",
        "Detections of an image, on average over all images.", measures.detections_per_image,
    ),
    Metric(
        "no_detection_rate", "share", "summaries", "images", "", "no_detection_rate",
        "The share of images in which nothing was detected.", measures.no_detection_rate,
    ),
    Metric(
        "class_share", "share", "summaries", "detections", "", "class_shares",
        "The share of detections that are of the class the condition names.", measures.class_share,
    ),
    Metric(
        "undecodable_rate", "share", "summaries", "images", "higher", "undecodable_rate",
        "The share of images of successful requests whose detections could not be read.", measures.undecodable_rate,
    ),
    Metric(
        "slow_rate", "share", "summaries", "requests", "higher", "",
        "The share of requests slower than the baseline's 95th percentile.", measures.slow_rate,
    ),
    Metric(
        "feedback_score", "share", "summaries", "verdicts", "lower", "",
        "The share of users' verdicts that say correct, by when each first came.", measures.feedback_score,
    ),
    _drift("class", "the mix of classes"),
    _drift("confidence", "the spread of confidences"),
    _drift("count", "the number of detections in an image"),
    _drift("box", "the size and shape of boxes"),
    _drift("input", "the size and brightness of images"),
    Metric(
        "significant_drift", "yes or no", "drift", "", "higher", "",
        "1 where the latest drift check called any score significant, else 0.", measures.significant_drift,
    ),
    Metric(
        "new_class", "classes", "drift", "", "higher", "",
        "Classes in the latest drift check that the baseline does not have.", measures.new_class,
    ),
    Metric(
        "dropped", "items", "sidecar", "", "higher", "",
        "What monitoring lost over the window: exchanges, predictions.",
        partial(measures.sidecar_number, name="dropped"),
    ),
    Metric(
        "backlog", "items", "sidecar", "", "higher", "",
        "What waits to be recorded or sent, now.", partial(measures.sidecar_number, name="backlog"),
    ),
    Metric(
        "guardrail_stops", "stops", "trials", "", "higher", "",
        "How often a guardrail stopped a variant of an A/B test within the window; without a model, of all models.",
        measures.guardrail_stops,
    ),
)  # fmt: skip

METRICS: dict[str, Metric] = {metric.name: metric for metric in _TABLE}
"""Every metric by name, in the order of the documentation."""
