"""Records of traffic.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from sidecar.client.results import ByName, Document, Record, Records, Time


class Detection(Record):
    """One box: x1, y1, x2, y2 in pixels, or in 0..1 where ``normalised``."""

    label: str
    confidence: float | None
    box: list[float | None]
    normalised: bool


class RecordedPrediction(Record):
    """One image's result. ``detections`` is null where the response could not be read or was an error."""

    prediction_id: str
    request_id: str
    image_index: int
    at: Time
    model: str
    version: str
    variant: str
    role: str
    experiment: str
    epoch: int
    unit: str
    slice: str
    dialect: str
    status: int
    error: str
    undecodable: str
    latency_ms: float | None
    upstream_ms: float | None
    first_byte_ms: float | None
    request_bytes: int
    response_bytes: int
    image_width: int
    image_height: int
    score_threshold: float
    client_request_id: str
    trace_id: str
    detections: Records[Detection] | None


class Prediction(RecordedPrediction):
    """One image's result. ``detections`` is null where the response could not be read or was an error; ``sample_id``
    where no image of it was kept, and while one that the random sample drew waits for its audit."""

    sample_id: str | None


class RelatedPrediction(Record):
    """A prediction of the same request: of another image, or the other version's answer to a request that was copied
    to a shadow (role ``shadow``: that of the copy)."""

    prediction_id: str
    image_index: int
    at: Time
    model: str
    version: str
    role: str
    sample_id: str | None


class Sample(Record):
    """An image kept for review; its bytes are at ``/api/v1/samples/{sample_id}/image``. While one that the random
    sample drew waits for its audit, ``prediction_id``, ``model`` and ``version`` are empty, and so are ``reasons``."""

    sample_id: str
    prediction_id: str
    dataset_id: str
    model: str
    version: str
    at: Time
    reasons: list[str]
    probability: float
    status: str
    media_type: str
    bytes: int
    width: int
    height: int


class Latency(Record):
    """Quantiles in milliseconds; null without requests."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class ModelFigures(Record):
    """One model version in one role since the monitor started. ``errors`` are answers of 5xx."""

    model: str
    version: str
    role: str
    requests: int
    errors: int
    error_rate: float | None
    images: int
    detections: int
    images_without_detections: int
    undecodable: int
    avg_confidence: float | None
    latency: Latency
    classes: ByName[int]


class RecordedVersion(Record):
    """A model version there are recorded predictions of."""

    model: str
    version: str


class SummaryPoint(Record):
    """One bucket of one model version in one role; ``summary`` holds its counts, moments and histograms."""

    at: Time
    width_s: int
    model: str
    version: str
    role: str
    summary: Document


class Summaries(Record):
    """Points in order of time. ``unreadable`` counts rows another release wrote in a form this one can't read."""

    since: Time
    until: Time
    width_s: int
    points: Records[SummaryPoint]
    unreadable: int
