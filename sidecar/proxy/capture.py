"""What of a prediction exchange is kept for the monitor: allow-listed fields and the response body within bounds."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sidecar.proxy.head import RequestHead, ResponseHead
from sidecar.proxy.routing import Match, redact, served_version
from sidecar.types import Exchange

if TYPE_CHECKING:
    from sidecar.proxy.relay import Proxy
    from sidecar.proxy.shadow import ShadowStream
    from sidecar.proxy.stream import Stream

ALLOWED_MAX = 64
"""Lots of fields of which it is known what is kept: heads are mostly alike."""
RESPONSE_FIELDS = frozenset((b"content-type", b"content-encoding", b"inference-header-content-length"))


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


def record(stream: Stream, proxy: Proxy, error: str, latency_ms: float) -> None:
    """Counts a request that has ended, and tells the monitor of it where it was for a prediction."""
    match, assignment, status, upstream_ms = stream.match, stream.assignment, stream.status, stream.upstream_ms
    if match is None:
        proxy.count("", "", assignment, "", status, error, latency_ms, upstream_ms)
        return
    version, slice_name = served_version(stream.variant, match), proxy.slice_of(stream.head, match)
    proxy.count(match.model, version, assignment, slice_name, status, error, latency_ms, upstream_ms)
    proxy.tap.exchange(exchange_of(stream, proxy, match, version, error, slice_name, latency_ms, upstream_ms))


def exchange_of(
    stream: Stream | ShadowStream,
    proxy: Proxy,
    match: Match,
    version: str,
    error: str,
    slice_name: str,
    latency_ms: float,
    upstream_ms: float,
) -> Exchange:
    """The record of a relayed prediction request, or of its copy, that has ended."""
    head, response, assignment = stream.head, stream.response, stream.assignment
    return Exchange(  # in the order of its fields: by name it takes a third longer
        stream.prediction_id,
        stream.started_at,
        proxy.worker,
        stream.settings.version,
        match.model,
        match.dialect,
        stream.variant.name,
        version,
        assignment.role,
        assignment.experiment,
        assignment.epoch,
        assignment.unit,
        slice_name,
        stream.method,
        head.path,
        redact(head.query) if head.query else "",
        stream.status,
        error,
        latency_ms,
        upstream_ms,
        stream.first_byte_ms,
        stream.request_bytes,
        stream.capture.bytes,
        stream.capture.too_large,
        stream.pinned,
        _recorded(head, proxy.router.recorded_fields),
        _recorded(response, RESPONSE_FIELDS) if response is not None else (),
        stream.request_head,
        stream.capture.take(),
    )


def _recorded(head: RequestHead | ResponseHead, names: frozenset[bytes]) -> tuple[tuple[str, str], ...]:
    """Only of a head that is kept anyway it is remembered: others may be long, and have secrets in them."""
    return (_known if head.known else _allowed)(head.fields, names)


def _allowed(fields: tuple[tuple[bytes, bytes], ...], names: frozenset[bytes]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields if name in names)


_known = lru_cache(ALLOWED_MAX)(_allowed)
