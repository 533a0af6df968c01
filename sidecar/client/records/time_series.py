"""Records of time series.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.results import Figure, Record, Time


class TimeSeriesPoint(Record):
    """The figure of one bucket of one model version in one role; null where there is nothing to make it of."""

    at: Time
    model: str
    version: str
    role: str
    value: Figure


class TimeSeries(Record):
    """Points in order of time. ``unit`` is that of the values; ``unreadable`` counts rows another release wrote in a
    form this one can't read."""

    metric: Literal[
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
    label: str
    unit: str
    since: Time
    until: Time
    width_s: int
    # and by its key alone: ["items"], Records[TimeSeriesPoint]
    unreadable: int
