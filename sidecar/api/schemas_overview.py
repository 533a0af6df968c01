"""What the API takes and gives about the overview."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidecar.api.schemas import Out, Query, Text, Time
from sidecar.api.schemas_events import EventOut

Metric = Literal[
    "traffic",
    "request_rate",
    "error_rate",
    "p90_latency_ms",
    "avg_confidence",
    "detections_per_image",
    "no_detection_rate",
    "class_share",
]


class OverviewQuery(Query):
    """The range [since, until), the last hour where it is left out, in buckets of ``width_s``; the default is the
    finest width that makes no more than 500 buckets (of 300 s, which are made of minutes, where these are all kept and
    few enough). ``compare``: what the sentence compares with, a version's
    baseline, the range before, or (``auto``) the baseline of those versions that have one."""

    since: Time | None = None
    until: Time | None = None
    width_s: Literal["10", "60", "300", "3600", "86400"] | None = Field(
        None, description="width of a bucket in seconds"
    )
    model: Text | None = Field(None, description="a model, or one version: name@version")
    version: Text | None = None
    compare: Literal["auto", "previous", "baseline"] = "auto"


class OverviewSpan(Out):
    """A time, and the part of it that there is a record of, in seconds."""

    since: float
    until: float
    recorded_s: float


class OverviewFigures(Out):
    """All of a time together; null where there is nothing to make it of."""

    requests: int
    request_rate: float | None
    images: int
    detections: int
    error_rate: float | None
    p50_latency_ms: float | None
    p90_latency_ms: float | None
    p99_latency_ms: float | None
    avg_confidence: float | None
    detections_per_image: float | None
    no_detection_rate: float | None


class OverviewTotals(Out):
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


class OverviewSeries(Out):
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


class OverviewClass(Out):
    """Detections of a class for each of ``at``, of all that answered clients; ``is_rest``: of all classes that have no
    line of their own."""

    label: str
    is_rest: bool
    detections: list[int]


class OverviewChange(Out):
    """A figure that surely differs, and by enough to matter. ``label`` is the class it is of, ``model`` is empty for
    all traffic. ``traffic`` is the share of all requests of a version that came or went."""

    model: str
    version: str
    metric: Metric
    label: str
    before: float
    after: float
    against: Literal["previous", "baseline"]


class OverviewOut(Out):
    """A range of time. ``at`` are the starts of its buckets. ``totals`` are of all that answered clients, without
    shadows; ``versions`` and ``series`` go in the same order, and ``left_out`` is how many more there are. ``sentence``
    says what changed, which ``changes`` list. ``markers`` are the events within, newest first. ``unreadable`` counts
    rows another release wrote in a form this one can't read."""

    since: float
    until: float
    width_s: int
    range: OverviewSpan
    previous: OverviewSpan
    sentence: str
    changes: list[OverviewChange]
    totals: OverviewTotals
    versions: list[OverviewVersion]
    at: list[int]
    series: list[OverviewSeries]
    classes: list[OverviewClass]
    markers: list[EventOut]
    markers_left_out: int
    left_out: int
    unreadable: int
