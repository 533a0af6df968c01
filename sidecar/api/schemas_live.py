"""What the API takes and gives about live figures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidecar.api.schemas import Latency, Out, Query, Text


class SnapshotQuery(Query):
    """Of which model; all where it is left out."""

    model: Text | None = Field(None, description="a model, or one version: name@version")


class LiveQuery(SnapshotQuery):
    """How often, in seconds."""

    interval_s: float = Field(1, ge=1, le=60, description="seconds between figures")


class LiveModel(Out):
    """One model version in one role: ``requests`` since the start, ``requests_per_s`` of the last ten seconds or so,
    all others of the last ``window_s``; null where there was nothing to make it of. ``classes`` are detections by
    class, the most frequent."""

    model: str
    version: str
    role: str
    requests: int
    requests_per_s: float
    error_rate: float | None
    latency: Latency
    avg_confidence: float | None
    detections_per_image: float | None
    no_detection_rate: float | None
    classes: dict[str, int]


class LiveTest(Out):
    """A test of versions that is under way; ``shares`` by version."""

    id: str
    kind: Literal["ab_test", "shadow_test"]
    status: str
    model: str
    shares: dict[str, float]


class Live(Out):
    """How the sidecar is at this moment. ``window_s`` is a minute or so, less just after the start; ``left_out`` counts
    versions beyond those with the most requests, ``alerts`` are counts by state, ``dropped`` is what was left out since
    the start, ``faults`` is what is wrong. ``interval_s`` is null where they were asked for once."""

    at: float
    interval_s: float | None
    window_s: float
    models: list[LiveModel]
    left_out: int
    tests: list[LiveTest]
    alerts: dict[str, int]
    faults: list[str]
    dropped: int
