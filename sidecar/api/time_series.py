"""Summaries over time, page by page: themselves, or one figure of them, which is what alerts watch, measured as they
measure it. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

import orjson

from sidecar.alerts import METRICS, Facts, Figures
from sidecar.api.problems import dumps
from sidecar.recording import SummaryRow
from sidecar.summaries import Summary, SummaryError

Metric = Literal[
    "requests",
    "images",
    "detections",
    "class_count",
    "request_rate",
    "error_rate",
    "p50_latency_ms",
    "p90_latency_ms",
    "p95_latency_ms",
    "p99_latency_ms",
    "avg_confidence",
    "detections_per_image",
    "no_detection_rate",
    "undecodable_rate",
    "class_share",
    "feedback_score",
]
COUNTS: Mapping[str, str] = {
    "requests": "requests",
    "images": "images",
    "detections": "detections",
    "class_count": "detections",
}
"""The metrics that count, with what they count; all others are metrics of alerts under the same name."""
NAMES: tuple[Metric, ...] = get_args(Metric)
OF_A_CLASS = ("class_count", "class_share")
"""Metrics that are of one class, which must be named."""


class PointKey(NamedTuple):
    """What a point is of: the start of a bucket, epoch seconds, and a model version in a role."""

    at: int
    model: str
    version: str
    role: str


Point = tuple[Any, int]
"""What is given of a key, and what it weighs."""


class Series:
    """Points, made of rows in the order of their keys: rows of one bucket, model, version and role are merged over
    experiments and slices, and ``point`` makes of them what is given. What it holds on to is one such row, and the
    points; ``weight`` is what these weigh together.

    ``unreadable`` counts rows another release wrote in a form this one can't read.
    """

    def __init__(self, point: Callable[[PointKey, Summary], Point]) -> None:
        self._point = point
        self._open: tuple[PointKey, Summary] | None = None
        self.points: list[Any] = []
        self.weight = 0
        self.unreadable = 0

    def add(self, rows: Iterable[SummaryRow]) -> None:
        """Take the next rows."""
        for row in rows:
            key = PointKey(row.bucket, row.model, row.version, row.role)
            try:
                summary = Summary.decode(row.payload)
            except SummaryError:
                self.unreadable += 1
                continue
            if self._open is not None and self._open[0] == key:
                summary = self._open[1].merge(summary)
            else:
                self.end()
            self._open = (key, summary)

    def end(self) -> None:
        """Those were the last of a key."""
        if self._open is not None:
            point, weight = self._point(*self._open)
            self.points.append(point)
            self.weight += weight
            self._open = None


def figure_point(metric: Metric, width_s: int, label: str, key: PointKey, summary: Summary) -> Point:
    """A TimeSeriesPoint, which weighs 1."""
    return {**key._asdict(), "value": value_of(metric, summary, width_s, label)}, 1


def summary_point(width_s: int, key: PointKey, summary: Summary) -> Point:
    """A SummaryPoint as JSON, which weighs its bytes: as Python has it it would take several times as many."""
    at, *rest = key
    names = ("at", "width_s", "model", "version", "role")
    document = dict(zip(names, (at, width_s, *rest), strict=True))
    made = dumps({**document, "summary": summary.to_dict()})
    return orjson.Fragment(made), len(made)


def value_of(metric: Metric, summary: Summary, width_s: int, label: str = "") -> float | None:
    """A figure of a bucket of ``width_s`` seconds; None where there is nothing to make it of.

    >>> [value_of(metric, Summary(), 60) for metric in ("requests", "request_rate", "error_rate")]
    [0, 0.0, None]
    """
    if metric == "class_count":
        return summary.class_counts.get(label, 0)
    if metric in COUNTS:
        count: int = getattr(summary, metric)
        return count
    value = METRICS[metric].measure(Facts(Figures.of(summary), width_s), label).value
    return value if math.isfinite(value) else None


def unit_of(metric: Metric) -> str:
    """What the values of a metric are in.

    >>> unit_of("p95_latency_ms"), unit_of("images"), unit_of("class_share")
    ('ms', 'images', 'share')
    """
    return COUNTS[metric] if metric in COUNTS else METRICS[metric].unit
