"""From an exchange to its predictions: pure, and never an exception for what a server answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol
from zlib import crc32

from sidecar.types import Detections, Exchange, Prediction

LABEL_MAX = 200


class Image(Protocol):
    """What a dialect read for one image."""

    @property
    def detections(self) -> Detections: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


Decode = Callable[[Exchange], Sequence[Image]]
"""Reads an exchange's response; raises ``undecodable`` (an exception type with ``reason``) and nothing else."""


def predictions_of(
    exchange: Exchange, decode: Decode, undecodable: type[Exception], score_threshold: float
) -> list[Prediction]:
    """One prediction per image, at least one per exchange.

    A failed exchange (an error, or a status outside 200..299) and one that can't be read have a single prediction
    without detections; ``undecodable`` is set for the latter alone.
    """
    if exchange.error or not 200 <= exchange.status <= 299:
        return [_prediction(exchange, score_threshold)]
    try:
        images = decode(exchange)
    except undecodable as error:
        return [_prediction(exchange, score_threshold, undecodable=str(getattr(error, "reason", "unknown")))]
    if len(images) == 1:
        return [_prediction(exchange, score_threshold, image=images[0])]
    if not images:
        return [_prediction(exchange, score_threshold, undecodable="empty")]
    return [_prediction(exchange, score_threshold, image=image, index=index) for index, image in enumerate(images)]


def _prediction(
    exchange: Exchange,
    score_threshold: float,
    *,
    image: Image | None = None,
    index: int | None = None,
    undecodable: str = "",
) -> Prediction:
    fields = dict(exchange.request_headers)
    return Prediction(
        prediction_id=exchange.prediction_id if index is None else f"{exchange.prediction_id}.{index}",
        request_id=exchange.prediction_id,
        image_index=index or 0,
        at=exchange.started_at,
        model=exchange.model,
        version=exchange.version,
        variant=exchange.variant,
        role=exchange.role,
        experiment=exchange.experiment,
        epoch=exchange.epoch,
        unit=exchange.unit,
        slice=exchange.slice,
        dialect=exchange.dialect,
        status=exchange.status,
        error=exchange.error,
        undecodable=undecodable,
        latency_ms=exchange.latency_ms,
        upstream_ms=exchange.upstream_ms,
        first_byte_ms=exchange.first_byte_ms,
        request_bytes=exchange.request_bytes,
        response_bytes=exchange.response_bytes,
        image_width=image.width if image else 0,
        image_height=image.height if image else 0,
        score_threshold=score_threshold,
        client_request_id=fields.get("x-request-id", "")[:200],
        trace_id=_trace_id(fields.get("traceparent", "")),
        detections=_with_short_names(image.detections) if image else None,
    )


def _with_short_names(detections: Detections) -> Detections:
    """Names of classes over LABEL_MAX characters, which no model has, cut: each is kept in every summary."""
    if all(len(label) <= LABEL_MAX for label in detections.labels):
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
