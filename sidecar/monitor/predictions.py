"""From an exchange to its predictions: pure, and never an exception for what a server answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol
from zlib import crc32

from sidecar.types import Detections, Exchange, Prediction

LABEL_MAX = 200
CLIENT_ID_MAX = 200


class Image(Protocol):
    """What a dialect read for one image."""

    @property
    def detections(self) -> Detections: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


class Undecodable(Protocol):
    """Why an exchange's response could not be read."""

    @property
    def reason(self) -> str: ...


def is_answer(exchange: Exchange) -> bool:
    """Whether it has a response to be read: it went well, with a status of 200..299."""
    return not exchange.error and 200 <= exchange.status <= 299


def predictions_of(
    exchange: Exchange, outcome: Sequence[Image] | Undecodable | None, score_threshold: float
) -> list[Prediction]:
    """One prediction per image, at least one per exchange; ``outcome`` is what reading it came to.

    A failed exchange (None: there was nothing to read) and one that can't be read have a single prediction without
    detections; ``undecodable`` is set for the latter alone.
    """
    if outcome is None:
        return [_prediction(exchange, score_threshold)]
    if not isinstance(outcome, Sequence):
        return [_prediction(exchange, score_threshold, undecodable=outcome.reason)]
    if len(outcome) == 1:
        return [_prediction(exchange, score_threshold, image=outcome[0])]
    if not outcome:
        return [_prediction(exchange, score_threshold, undecodable="empty")]
    return [_prediction(exchange, score_threshold, image=image, index=index) for index, image in enumerate(outcome)]


def _prediction(
    exchange: Exchange,
    score_threshold: float,
    *,
    image: Image | None = None,
    index: int | None = None,
    undecodable: str = "",
) -> Prediction:
    client_request_id, traceparent = "", ""
    for name, value in exchange.request_headers:
        if name == "x-request-id":
            client_request_id = value[:CLIENT_ID_MAX]
        elif name == "traceparent":
            traceparent = value
    return Prediction(  # in the order of its fields: by name it takes a third longer, and there are thousands a second
        exchange.prediction_id if index is None else f"{exchange.prediction_id}.{index}",
        exchange.prediction_id,
        index or 0,
        exchange.started_at,
        exchange.model,
        exchange.version,
        exchange.variant,
        exchange.role,
        exchange.experiment,
        exchange.epoch,
        exchange.unit,
        exchange.slice,
        exchange.dialect,
        exchange.status,
        exchange.error,
        undecodable,
        exchange.latency_ms,
        exchange.upstream_ms,
        exchange.first_byte_ms,
        exchange.request_bytes,
        exchange.response_bytes,
        image.width if image else 0,
        image.height if image else 0,
        score_threshold,
        client_request_id,
        _trace_id(traceparent) if traceparent else "",
        _with_short_names(image.detections) if image else None,
    )


def _with_short_names(detections: Detections) -> Detections:
    """Names of classes over LABEL_MAX characters, which no model has, cut: each is kept in every summary."""
    if max(map(len, detections.labels), default=0) <= LABEL_MAX:
        return detections
    labels = tuple(
        label if len(label) <= LABEL_MAX else f"{label[:LABEL_MAX]}~{crc32(label.encode('utf-8', 'replace')):08x}"
        for label in detections.labels
    )
    return replace(detections, labels=labels)


def _trace_id(traceparent: str) -> str:
    """The trace-id field of a W3C Trace Context header (version-traceid-parentid-flags), else empty."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else ""
