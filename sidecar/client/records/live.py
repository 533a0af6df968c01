"""Records of live.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.records.traffic import Latency
from sidecar.client.results import ByName, Record, Records, Time


class LiveModel(Record):
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
    classes: ByName[int]


class LiveTest(Record):
    """A test of versions that is under way; ``shares`` by version."""

    id: str
    kind: Literal["ab_test", "shadow_test"]
    status: str
    model: str
    shares: ByName[float]


class Live(Record):
    """How the sidecar is at this moment. ``window_s`` is a minute or so, less just after the start; ``left_out`` counts
    versions beyond those with the most requests, ``alerts`` are counts by state, ``dropped`` is what was left out since
    the start, ``faults`` is what is wrong. ``interval_s`` is null where they were asked for once."""

    at: Time
    interval_s: float | None
    window_s: float
    models: Records[LiveModel]
    left_out: int
    tests: Records[LiveTest]
    alerts: ByName[int]
    faults: list[str]
    dropped: int
