"""Values that pass between the rooms of the house: slotted, free of behaviour, and frozen or treated as such.

A proxy worker imports this module, so it imports nothing heavy itself: arrays appear only in annotations.
Times are wall-clock seconds since the epoch where a name ends in ``_at``; durations end in ``_ms``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil, log2
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Role = Literal["serving", "control", "treatment", "excluded", "override", "failover", "shadow"]
"""What a request was to an experiment. ``serving``: none was running. ``excluded``: not analysed. ``failover``: control
answered it because the treatment that it would have got was down, so it isn't analysed either."""

FeedbackType = Literal["correct", "wrong_label", "wrong_box", "false_positive", "missed_object"]
"""What people say of a prediction or of one of its detections."""

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""

LATENCY_SCALE = 3
"""Base-2 exponential histogram scale of every latency: 8 buckets a doubling, an error of at most 4.5 %."""


def latency_index(latency_ms: float) -> int:
    """The bucket of a latency: ``base**i < latency_ms <= base**(i + 1)`` with ``base = 2**(2**-LATENCY_SCALE)``.

    The form is OTLP's exponential histogram (opentelemetry-proto, metrics.proto, ExponentialHistogramDataPoint).
    What is under a microsecond counts as a microsecond.

    >>> latency_index(1.0), latency_index(2.0), latency_index(2.1)
    (-1, 7, 8)
    """
    return ceil(log2(max(latency_ms, 0.001)) * (1 << LATENCY_SCALE)) - 1


@dataclass(frozen=True, slots=True)
class ListenTls:
    """Files of the data port's certificate and key, read by each worker; empty: it speaks plain HTTP."""

    cert_file: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """How TLS is spoken to an ``https`` upstream: the authority its certificate must be of (empty: one that the machine
    knows), the certificate it is shown, the name in its own (empty: the URL's)."""

    ca_file: str = ""
    verify: bool = True
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """One model version at an address. ``path``, where set, replaces the path of prediction requests.

    ``urls`` are all its servers, ``url`` the first of them; empty: there is that one.
    """

    name: str
    url: str
    version: str = ""
    path: str = ""
    host: Literal["preserve", "upstream"] = "preserve"
    urls: tuple[str, ...] = ()
    tls: UpstreamTls = field(default_factory=UpstreamTls)


@dataclass(frozen=True, slots=True)
class RoutePattern:
    """A prediction route as plain text: segments of ``path`` in braces match one segment (``{model}``, ``{version}``).

    A brace may have literal text after it in its segment (``/v1/models/{model}:predict``). ``{version:int}``
    matches digits only. ``model`` names the model where the path doesn't; ``variant`` overrides the default variant
    for this route.
    """

    methods: tuple[str, ...]
    path: str
    dialect: str
    model: str = ""
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A split of one model's prediction traffic. ``model`` may be ``*``; ``name`` is the A/B test's id.

    ``unit`` is ``request``, ``client`` or ``header:NAME``. ``shares`` of the units go to each of ``treatments``, the
    rest to ``control``. A request with the header ``exclude`` (``NAME``, or ``NAME=value`` for that value alone) goes
    to control and is not analysed; the value of the header ``override`` names the variant that serves a tester.
    With ``failover`` control answers for a treatment whose upstream is down, and nothing is analysed meanwhile.
    """

    name: str
    control: str
    treatments: tuple[str, ...]
    shares: tuple[float, ...]
    unit: str = "request"
    model: str = "*"
    salt: str = ""
    epoch: int = 0
    exclude: str = ""
    override: str = ""
    failover: bool = True


@dataclass(frozen=True, slots=True)
class Shadow:
    """A ``share`` of one model's prediction requests is copied to ``variant``, whose answers are recorded and dropped.

    ``model`` may be ``*``; ``name`` is the shadow test's id.
    """

    name: str
    variant: str
    share: float
    model: str = "*"
    salt: str = ""
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Pin:
    """A sampling rule that needs no response: the worker draws for it and keeps the body for the monitor."""

    rule: str
    rate: float
    model: str = "*"


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound of a proxy worker, by name."""

    head_bytes_max: int = 32_768
    head_fields_max: int = 100
    target_bytes_max: int = 16_384
    body_bytes_max: int = 1 << 30
    chunk_extension_bytes_max: int = 4_096
    trailer_bytes_max: int = 16_384
    interim_responses_max: int = 16
    connections_max: int = 10_000
    upstream_connections_max: int = 256
    upstream_pending_max: int = 1_024
    upstream_pending_s: float = 5.0
    upstream_addresses_max: int = 16
    ejection_failures: int = 5
    ejection_s: float = 10.0
    ejection_max_s: float = 300.0
    connect_timeout_s: float = 3.0
    first_byte_timeout_s: float = 60.0
    total_timeout_s: float = 0.0
    idle_timeout_s: float = 60.0
    tunnel_idle_s: float = 3_600.0
    head_timeout_s: float = 15.0
    body_grace_s: float = 20.0
    body_bytes_per_s_min: int = 500
    upload_early_bytes: int = 65_536
    upload_held_bytes_max: int = 64 << 20
    tls_handshake_timeout_s: float = 10.0
    keep_alive_s: float = 75.0
    upstream_idle_s: float = 1.5
    health_interval_s: float = 2.0
    drain_delay_s: float = 0.0
    drain_idle_s: float = 1.0
    drain_grace_s: float = 20.0
    ring_bytes_max: int = 64 << 20
    ring_age_s: float = 5.0
    pin_age_s: float = 30.0
    tap_response_bytes_max: int = 32 << 20
    tap_bytes_max: int = 64 << 20
    shadow_in_flight_max: int = 32
    shadow_bytes_max: int = 64 << 20
    shadow_timeout_s: float = 30.0
    feedback_bytes_max: int = 64 << 10
    feedback_buffer_bytes_max: int = 8 << 20
    feedback_addresses_max: int = 4_096
    feedback_timeout_s: float = 5.0
    asks_max: int = 64


@dataclass(frozen=True, slots=True)
class FeedbackPath:
    """Where applications may send feedback on the data port: POST on exactly ``path``; empty: nowhere.

    Pages of ``origins`` (``*``: all) may read the answers; a client address may send ``per_minute`` (0: any number).
    """

    path: str = ""
    origins: tuple[str, ...] = ()
    per_minute: int = 60


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """All that a worker needs to know. ``default`` names the variant that serves whatever no experiment claims.

    ``production`` has (model, variant) where another than the default was promoted; a model ``*`` is all others.
    ``slice_by`` is ``header:NAME`` (its value), ``route`` (the route's path as its pattern has it) or empty: none.
    """

    version: int
    variants: tuple[Variant, ...]
    default: str
    routes: tuple[RoutePattern, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    shadows: tuple[Shadow, ...] = ()
    production: tuple[tuple[str, str], ...] = ()
    pins: tuple[Pin, ...] = ()
    limits: Limits = field(default_factory=Limits)
    trusted_proxies: tuple[str, ...] = ()
    slice_by: str = ""
    health_path: str = ""
    pseudonym: str = "sidecar"
    feedback: FeedbackPath = field(default_factory=FeedbackPath)
    tls: ListenTls = field(default_factory=ListenTls)


@dataclass(slots=True)
class Exchange:
    """One request to a prediction route, its response and their timings, as the worker saw them. Nobody changes it: it
    is not frozen because a frozen one takes three times as long to make, and one is made for every request.

    ``status`` is what the client was sent (0: it left before that). ``error`` is empty for an exchange that
    went well, else one of connect, timeout, reset, protocol, client_gone, overloaded, body, truncated.
    ``response_body`` is empty where it was over the bound (``response_too_large``); headers are the allow-listed ones,
    names in lower case. ``query`` is redacted.
    """

    prediction_id: str
    started_at: float
    worker: int
    settings_version: int
    model: str
    dialect: str
    variant: str
    version: str
    role: Role
    experiment: str
    epoch: int
    unit: str
    slice: str
    method: str
    path: str
    query: str
    status: int
    error: str
    latency_ms: float
    upstream_ms: float
    first_byte_ms: float
    request_bytes: int
    response_bytes: int
    response_too_large: bool
    pinned: tuple[str, ...]
    request_headers: tuple[tuple[str, str], ...]
    response_headers: tuple[tuple[str, str], ...]
    request_head: bytes
    response_body: bytes


@dataclass(slots=True)
class RequestCounts:
    """What a worker counted of one key in one ten-second bucket since it last told. Deltas: they add up.

    ``statuses`` counts by status sent (0: the client left first), ``errors`` by kind; ``latency`` and ``upstream``
    are sparse base-2 exponential histograms of milliseconds (``latency_index``), their sums in microseconds.
    """

    bucket: int
    model: str
    version: str
    role: Role
    experiment: str
    epoch: int
    slice: str
    requests: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    latency: dict[int, int] = field(default_factory=dict)
    latency_sum_us: int = 0
    upstream: dict[int, int] = field(default_factory=dict)
    upstream_sum_us: int = 0


@dataclass(slots=True)
class Detections:
    """The boxes of one image as columns. N detections, highest score first.

    ``boxes`` float32 [N, 4] as x1, y1, x2, y2: pixels, or 0..1 where ``normalised``; ``scores`` float32 [N] in 0..1;
    ``classes`` int32 [N], indices into ``labels``, the distinct class names of this image.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int32]
    labels: tuple[str, ...]
    normalised: bool = False


@dataclass(slots=True)
class Prediction:
    """One image's result; not frozen, as an Exchange is not.

    ``prediction_id`` is ``ID`` for a request with one image, ``ID.0``, ``ID.1`` ... for several. ``detections`` is None
    where the response could not be read (``undecodable`` says why) or was an error (``status`` outside 200..299, or
    ``error`` set). Image sizes are 0 where unknown.
    """

    prediction_id: str
    request_id: str
    image_index: int
    at: float
    model: str
    version: str
    variant: str
    role: Role
    experiment: str
    epoch: int
    unit: str
    slice: str
    dialect: str
    status: int
    error: str
    undecodable: str
    latency_ms: float
    upstream_ms: float
    first_byte_ms: float
    request_bytes: int
    response_bytes: int
    image_width: int
    image_height: int
    score_threshold: float
    client_request_id: str
    trace_id: str
    detections: Detections | None


def alone(prediction: Prediction) -> Prediction:
    """The prediction with arrays of its own, for whoever keeps it beyond its batch: of many predictions that were read
    together each has views of the same arrays, and one of them would keep all that was read with it. The same object
    where its arrays are its own."""
    found = prediction.detections
    if found is None or all(column.base is None for column in (found.boxes, found.scores, found.classes)):
        return prediction
    own = replace(found, boxes=found.boxes.copy(), scores=found.scores.copy(), classes=found.classes.copy())
    return replace(prediction, detections=own)


@dataclass(frozen=True, slots=True)
class Label:
    """An object in an image, as a person says it is. ``box`` is in pixels of the image."""

    label: str
    box: Box
