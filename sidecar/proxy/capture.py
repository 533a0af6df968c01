"""What of a prediction exchange is kept for the monitor: allow-listed fields and the response body within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.proxy.routing import Match, redact, served_version
from sidecar.types import Exchange

if TYPE_CHECKING:
    from sidecar.proxy.relay import Proxy
    from sidecar.proxy.shadow import ShadowStream
    from sidecar.proxy.stream import Stream

_REQUEST_FIELDS = frozenset(
    (b"content-type", b"content-encoding", b"inference-header-content-length", b"x-request-id", b"traceparent")
)
_RESPONSE_FIELDS = frozenset((b"content-type", b"content-encoding", b"inference-header-content-length"))


class Capture:
    """The response body of one exchange, by reference, within a bound of its own and a budget of the worker's.

    A capture with a ``divisor`` adds to the budget only while less than that part of it is in use.
    """

    __slots__ = ("_chunks", "_divisor", "_kept_bytes", "_proxy", "_wanted", "bytes", "too_large")

    def __init__(self, proxy: Proxy, wanted: bool, divisor: int = 1) -> None:
        self._proxy = proxy
        self._wanted = wanted
        self._divisor = divisor
        self._chunks: list[bytes] = []
        self._kept_bytes = 0
        self.bytes = 0
        self.too_large = False

    def add(self, chunk: bytes) -> None:
        """Counts ``chunk`` and keeps it, or lets go of all where a bound is passed."""
        self.bytes += len(chunk)
        if not self._wanted or self.too_large or not chunk:
            return
        limits = self._proxy.settings.limits
        if self.bytes > limits.tap_response_bytes_max:
            self._drop("tap_response_bytes_max")
        elif self._proxy.captured_bytes + len(chunk) > limits.tap_bytes_max // self._divisor:
            self._drop("capture_budget")
        else:
            self._chunks.append(chunk)
            self._kept_bytes += len(chunk)
            self._proxy.captured_bytes += len(chunk)

    def _drop(self, limit: str) -> None:
        self._proxy.hit(limit)
        self.too_large = True
        self.take()

    def take(self) -> bytes:
        """The body, empty where it was too large; its share of the budget is free again."""
        chunks, self._chunks = self._chunks, []
        self._proxy.captured_bytes -= self._kept_bytes
        self._kept_bytes = 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def exchange_of(
    stream: Stream | ShadowStream, proxy: Proxy, match: Match, error: str, slice_name: str, latency_ms: float
) -> Exchange:
    """The record of a relayed prediction request, or of its copy, that has ended."""
    head, response, assignment, variant = stream.head, stream.response, stream.assignment, stream.variant
    names = _REQUEST_FIELDS | proxy.router.unit_headers
    return Exchange(
        prediction_id=stream.prediction_id,
        started_at=stream.started_at,
        worker=proxy.worker,
        settings_version=stream.settings.version,
        model=match.model,
        dialect=match.dialect,
        variant=variant.name,
        version=served_version(variant, match),
        role=assignment.role,
        experiment=assignment.experiment,
        epoch=assignment.epoch,
        unit=assignment.unit,
        slice=slice_name,
        method=stream.method,
        path=head.path,
        query=redact(head.query),
        status=stream.status,
        error=error,
        latency_ms=latency_ms,
        upstream_ms=stream.upstream_ms,
        first_byte_ms=stream.first_byte_ms,
        request_bytes=stream.request_bytes,
        response_bytes=stream.capture.bytes,
        response_too_large=stream.capture.too_large,
        pinned=stream.pinned,
        request_headers=_allowed(head.fields, names),
        response_headers=_allowed(response.fields, _RESPONSE_FIELDS) if response is not None else (),
        request_head=stream.request_head,
        response_body=stream.capture.take(),
    )


def _allowed(fields: list[tuple[bytes, bytes]], names: frozenset[bytes]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields if name in names)
