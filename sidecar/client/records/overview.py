"""Records of overview.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.records.events import Event
from sidecar.client.results import Figure, Record, Records, Time


class OverviewSpan(Record):
    """A time, and the part of it that there is a record of, in seconds."""

    since: Time
    until: Time
    recorded_s: float


class OverviewFigures(Record):
    """All of a time together; null where there is nothing to make it of."""

    requests: int
    request_rate: Figure
    images: int
    detections: int
    error_rate: Figure
    p50_latency_ms: Figure
    p90_latency_ms: Figure
    p99_latency_ms: Figure
    avg_confidence: Figure
    detections_per_image: Figure
    no_detection_rate: Figure


class OverviewTotals(Record):
    """The range, the one before, and what is normal; null where there is no baseline. Of several versions that have
    each its own it is what is normal for their mix of now, without an id and without quantiles. ``baseline_model_id``
    is the version whose baseline it is: a version without one is compared with another's."""

    now: OverviewFigures
    previous: OverviewFigures
    baseline: OverviewFigures | None
    baseline_id: str | None
    baseline_model_id: str | None


class OverviewVersion(OverviewTotals):
    """A model version. ``role`` is serving for all that answered clients, in a test of versions or not, override where
    a tester chose the version, shadow for copies. ``baseline`` is its own, else the latest of its model."""

    model: str
    version: str
    role: str


class OverviewSeries(Record):
    """A model version over time: a value for each of ``at``, null where there is nothing to make it of. The last
    ``request_rate`` is null where its bucket has hardly begun."""

    model: str
    version: str
    role: str
    requests: list[int]
    request_rate: list[float | None]
    error_rate: list[float | None]
    p50_latency_ms: list[float | None]
    p90_latency_ms: list[float | None]
    p99_latency_ms: list[float | None]
    avg_confidence: list[float | None]
    detections_per_image: list[float | None]
    no_detection_rate: list[float | None]


class OverviewClass(Record):
    """Detections of a class for each of ``at``, of all that answered clients; ``is_rest``: of all classes that have no
    line of their own."""

    label: str
    is_rest: bool
    detections: list[int]


class OverviewChange(Record):
    """A figure that surely differs, and by enough to matter. ``label`` is the class it is of, ``model`` is empty for
    all traffic. ``traffic`` is the share of all requests of a version that came or went."""

    model: str
    version: str
    metric: Literal[
        "traffic",
        "request_rate",
        "error_rate",
        "p90_latency_ms",
        "avg_confidence",
        "detections_per_image",
        "no_detection_rate",
        "class_share",
    ]
    label: str
    before: float
    after: float
    against: Literal["previous", "baseline"]


class Overview(Record):
    """A range of time. ``at`` are the starts of its buckets. ``totals`` are of all that answered clients, without
    shadows; ``versions`` and ``series`` go in the same order, and ``left_out`` is how many more there are. ``sentence``
    says what changed, which ``changes`` list. ``markers`` are the events within, newest first. ``unreadable`` counts
    rows another release wrote in a form this one can't read."""

    since: Time
    until: Time
    width_s: int
    range: OverviewSpan
    previous: OverviewSpan
    sentence: str
    changes: Records[OverviewChange]
    totals: OverviewTotals
    versions: Records[OverviewVersion]
    at: list[Time]
    series: Records[OverviewSeries]
    classes: Records[OverviewClass]
    markers: Records[Event]
    markers_left_out: int
    left_out: int
    unreadable: int
