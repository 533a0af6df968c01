"""One relayed request: from its head to the last byte of its response, and the record of it."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic, time
from typing import TYPE_CHECKING

from sidecar.proxy.assignment import Assignment
from sidecar.proxy.body import frame_chunk
from sidecar.proxy.capture import Capture, exchange_of
from sidecar.proxy.compose import compose_request
from sidecar.proxy.head import CHUNKED, UNTIL_CLOSE, RequestHead, ResponseHead, status_line
from sidecar.proxy.ring import Body
from sidecar.proxy.routing import Match, served_version
from sidecar.proxy.upstream import Overloaded, Upstream, UpstreamConnection
from sidecar.types import Shadow, Variant

if TYPE_CHECKING:
    from sidecar.proxy.downstream import Downstream
    from sidecar.proxy.relay import Proxy

REQUEST_HEAD_BYTES = 2_048
_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
_ERRORS = {
    "connect": "upstream_unreachable",
    "reset": "upstream_reset",
    "protocol": "upstream_protocol_error",
    "timeout": "upstream_timeout",
    "overloaded": "overloaded",
    "truncated": "upstream_truncated",
}


class Stream:
    """Relays one request. ``phase`` names the wait that the client connection's deadline bounds."""

    def __init__(self, proxy: Proxy, downstream: Downstream, head: RequestHead) -> None:
        self.method = head.method
        self.phase = "pending"
        self.prediction_id = ""
        self._proxy = proxy
        self._downstream = downstream
        self.head = head
        self.settings = proxy.settings
        self._limits = proxy.settings.limits
        self._started = monotonic()
        self.started_at = time()
        self._sent_at = self._first_byte_at = self._ended_at = 0.0
        self._connection: UpstreamConnection | None = None
        self._pending: list[bytes] = []
        self._request_ended = False
        self.request_bytes = 0
        self.request_head = b""
        self._chunked_upload = False
        self._replayed = self._tunnel = self._done = self._recorded = False
        self._begun = self._chunked_download = self._close = False
        self.status = 0
        self.response: ResponseHead | None = None
        self.kept: Body | None = None
        self._shadow: Shadow | None = None
        self.pinned: tuple[str, ...] = ()
        self.match: Match | None = proxy.router.match(head.method, head.path)
        self.assignment = self._assign()
        self.capture = Capture(proxy, self.match is not None)
        self._upstream: Upstream = proxy.upstreams[self.assignment.variant]
        self.keep_alive = head.keep_alive

    def _assign(self) -> Assignment:
        proxy, match = self._proxy, self.match
        if match is None:
            return proxy.router.assign(None, "", "", self.head.text)
        self.prediction_id = proxy.mint_id(self.started_at)
        self.pinned = proxy.router.pinned(match.model, self.prediction_id)
        client = self._downstream.client_address(self.head)
        assignment = proxy.router.assign(match, client, self.prediction_id, self.head.text)
        if proxy.router.shadows and assignment.role == "serving" and not self.head.websocket:
            self._shadow = proxy.router.shadow_for(match, self.prediction_id)
        self.kept = proxy.ring.open(self.prediction_id, bool(self.pinned) or self._shadow is not None)
        return assignment

    @property
    def variant(self) -> Variant:
        return self._upstream.variant

    @property
    def upstream_ms(self) -> float:
        return (self._ended_at - self._sent_at) * 1000 if self._sent_at else 0.0

    @property
    def first_byte_ms(self) -> float:
        return (self._first_byte_at - self._started) * 1000 if self._first_byte_at else 0.0

    def start(self, chunk: bytes, ended: bool) -> None:
        """Sends the request on, or queues for a connection. ``chunk`` is what came of the body with the head."""
        self._proxy.in_flight += 1
        self._chunked_upload = self.head.length == CHUNKED and not ended
        self._request_ended = ended
        self._note_request(chunk)
        self._pending = [chunk] if chunk else []
        self._acquire(False)

    def _acquire(self, fresh: bool) -> None:
        self.phase = "pending"
        self._downstream.deadline = monotonic() + self._limits.upstream_pending_s + self._limits.connect_timeout_s
        try:
            connection = self._upstream.acquire(self, fresh)
        except Overloaded:
            self.on_failure("overloaded", "as many requests wait for this upstream as may", 503)
            return
        if connection is None:
            self._downstream.hold_reading("upstream", True)
        else:
            self.on_connected(connection)

    def on_connected(self, connection: UpstreamConnection) -> None:
        self._connection = connection
        self._sent_at = monotonic()
        body = b"".join(self._pending) if len(self._pending) > 1 else (self._pending[0] if self._pending else b"")
        if not (self.method in _IDEMPOTENT and self._request_ended):
            self._pending = []
        parts = [self._compose_request()]
        if self._chunked_upload:
            parts += frame_chunk(body, self._request_ended)
        elif body:
            parts.append(body)
        connection.request_done = self._request_ended
        self._wait_for_request_or_response()
        connection.send(parts)
        if self._connection is connection:
            self._downstream.hold_reading("upstream", False)
            if self._shadow is not None and self._request_ended:
                self._launch(self._shadow)

    def _compose_request(self) -> bytes:
        head, size = self.head, None
        if not self._chunked_upload:
            size = self.request_bytes if head.length == CHUNKED else head.length
        via = self._proxy.via(head.own.get(b"via"), head.minor)
        forwarded = self._downstream.forwarded_fields(head)
        return compose_request(head, head.lines, self._upstream, self.match is not None, size, via + forwarded)

    def body(self, chunk: bytes, ended: bool) -> None:
        """More of the request's body."""
        self._note_request(chunk)
        self._request_ended = ended
        connection = self._connection
        if connection is None:
            if chunk:
                self._pending.append(chunk)
            return
        connection.request_done = ended
        if not self._begun:
            self._wait_for_request_or_response()
        parts = frame_chunk(chunk, ended) if self._chunked_upload else [chunk]
        if parts and (chunk or ended):
            connection.send(parts)
        if self._shadow is not None and ended and not self._begun and self._connection is connection:
            self._launch(self._shadow)

    def _launch(self, shadow: Shadow) -> None:
        """The whole request is passed on: its copy may go, which marks this exchange as one of a pair."""
        if self._proxy.shadows.launch(self, shadow, self._downstream.forwarded_fields(self.head)):
            self._shadow = None
            self.assignment = replace(self.assignment, experiment=shadow.name, epoch=shadow.epoch)

    def _note_request(self, chunk: bytes) -> None:
        self.request_bytes += len(chunk)
        if self.kept is not None and chunk:
            if len(self.request_head) < REQUEST_HEAD_BYTES:
                self.request_head += chunk[: REQUEST_HEAD_BYTES - len(self.request_head)]
            self._proxy.ring.append(self.kept, chunk)

    def _wait_for_request_or_response(self) -> None:
        now = monotonic()
        if self._request_ended:
            self.phase = "first_byte"
            self._downstream.deadline = now + self._limits.first_byte_timeout_s
        else:
            self.phase = "request_body"
            self._downstream.deadline = now + self._limits.idle_timeout_s

    def on_upstream_paused(self, paused: bool) -> None:
        if not self._begun and not self._request_ended:
            self.phase = "upstream_write" if paused else "request_body"
            self._downstream.deadline = monotonic() + self._limits.idle_timeout_s
        self._downstream.hold_reading("upstream", paused)

    def on_interim(self, head: ResponseHead) -> None:
        if self.head.minor == 1:
            self._downstream.write([status_line(head.status), *head.lines, b"\r\n"])

    def on_response(self, head: ResponseHead, chunk: bytes, ended: bool) -> None:
        now = monotonic()
        if head.status == 101 and not (self.head.websocket and head.websocket):
            self._abort_upstream()
            self.on_failure("protocol", "the upstream switched protocols unasked", 502)
            return
        self._first_byte_at = now
        self.response = head
        self.status = head.status
        if head.status == 101:
            self._begin_tunnel(head)
            return
        self._begun = True
        self.phase = "response"
        self._downstream.deadline = now + self._limits.idle_timeout_s
        self._close = not self.head.keep_alive or self._proxy.draining or not self._request_ended
        parts = [self._compose_response(head, len(chunk) if ended else -1)]
        self.capture.add(chunk)
        if self._chunked_download:
            parts += frame_chunk(chunk, ended)
        elif chunk:
            parts.append(chunk)
        self._downstream.write(parts)
        if ended:
            self._finish()

    def _compose_response(self, head: ResponseHead, whole_bytes: int) -> bytes:
        lines = [status_line(head.status), *head.lines]
        if head.length in (CHUNKED, UNTIL_CLOSE):
            if whole_bytes >= 0:
                lines.append(b"Content-Length: %d\r\n" % whole_bytes)
            elif self.head.minor == 1:
                self._chunked_download = True
                lines.append(b"Transfer-Encoding: chunked\r\n")
            else:
                self._close = True
        elif head.declared is not None:
            lines.append(b"Content-Length: %d\r\n" % head.declared)
        lines.append(self._proxy.via(head.own.get(b"via"), head.minor))
        if self.prediction_id:
            lines.append(b"X-Prediction-Id: %b\r\n" % self.prediction_id.encode())
        if self._close:
            lines.append(b"Connection: close\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)

    def on_chunk(self, chunk: bytes, ended: bool) -> None:
        if self._tunnel:
            self._on_tunnel_chunk(chunk, ended)
            return
        self._downstream.deadline = monotonic() + self._limits.idle_timeout_s
        self.capture.add(chunk)
        parts = frame_chunk(chunk, ended) if self._chunked_download else [chunk]
        if chunk or parts != [b""]:
            self._downstream.write(parts)
        if ended:
            self._finish()

    def _finish(self) -> None:
        if self._done:
            return
        self._done = True
        self._ended_at = monotonic()
        self._connection = None
        self._record("")
        self._downstream.stream_done(self._close or not self._request_ended)

    def on_failure(self, kind: str, detail: str, status: int) -> None:
        """The upstream failed: once more where that is safe, else an answer, or an abort of what has begun."""
        connection, self._connection = self._connection, None
        if self._done:
            return
        if kind == "reset" and self._may_replay(connection):
            self._replayed = True
            self._acquire(True)
            return
        self._done = True
        self._ended_at = monotonic()
        if self._begun:
            self._record(kind)
            self._downstream.abort()
            return
        self.status = status
        self._record(kind)
        self._downstream.answer(
            status, _ERRORS[kind], detail, prediction_id=self.prediction_id, close=not self._request_ended
        )

    def _may_replay(self, connection: UpstreamConnection | None) -> bool:
        return (
            connection is not None
            and connection.reused
            and not connection.responded
            and not self._replayed
            and self.method in _IDEMPOTENT
            and self._request_ended
            and sum(map(len, self._pending)) == self.request_bytes
        )

    def _begin_tunnel(self, head: ResponseHead) -> None:
        self._begun = self._tunnel = True
        self.phase = "tunnel"
        self._downstream.deadline = float("inf")
        lines = [status_line(101), *head.lines, b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"\r\n"]
        connection = self._connection
        assert connection is not None
        early = connection.tunnel()
        self._downstream.begin_tunnel()
        self._downstream.write([b"".join(lines), early] if early else [b"".join(lines)])

    def tunnel(self, chunk: bytes) -> None:
        """Bytes of an upgraded connection, client to upstream."""
        self.request_bytes += len(chunk)
        if self._connection is not None:
            self._connection.send([chunk])

    def _on_tunnel_chunk(self, chunk: bytes, ended: bool) -> None:
        self.capture.add(chunk)
        if chunk:
            self._downstream.write([chunk])
        if ended:
            self._close = True
            self._finish()

    def pause(self, paused: bool) -> None:
        """The client can't take more for now."""
        self.phase = "client_write" if paused else "response"
        if self._tunnel:
            self.phase = "tunnel"
        else:
            self._downstream.deadline = monotonic() + self._limits.idle_timeout_s
        if self._connection is not None:
            self._connection.pause_reading(paused)

    def client_lost(self) -> None:
        """The client left, or its connection was aborted."""
        self._end_early("" if self._tunnel else "client_gone")

    def refuse_body(self, status: int, reason: str) -> None:
        """The request's body broke its framing or came too slowly: the upstream must not take it for whole."""
        begun = self._begun
        if not begun:
            self.status = status
        self._end_early("body")
        if begun:
            self._downstream.abort()
        else:
            self._downstream.answer(status, "bad_request_body", reason, prediction_id=self.prediction_id, close=True)

    def timed_out(self) -> None:
        """The deadline of ``phase`` has passed."""
        phase = self.phase
        if phase == "request_body":
            self._proxy.hit("idle_timeout_s")
            self.refuse_body(408, "the request body did not arrive in time")
        elif phase == "client_write":
            self._proxy.hit("idle_timeout_s")
            self._end_early("client_gone")
            self._downstream.abort()
        else:
            self._proxy.hit("first_byte_timeout_s" if phase == "first_byte" else "idle_timeout_s")
            self._abort_upstream()
            self.on_failure("timeout", f"the upstream did not answer in time ({phase})", 504)

    def _end_early(self, error: str) -> None:
        self._abort_upstream()
        if not self._done:
            self._done = True
            self._ended_at = monotonic()
            self._record(error)

    def _abort_upstream(self) -> None:
        self._upstream.forget(self)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def _record(self, error: str) -> None:
        if self._recorded:
            return
        self._recorded = True
        proxy = self._proxy
        proxy.in_flight -= 1
        match, assignment = self.match, self.assignment
        latency_ms = (self._ended_at - self._started) * 1000
        if match is None:
            proxy.count("", "", assignment, "", self.status, error, latency_ms, self.upstream_ms)
            return
        version = served_version(self.variant, match)
        slice_name = proxy.slice_of(self.head, match)
        proxy.count(match.model, version, assignment, slice_name, self.status, error, latency_ms, self.upstream_ms)
        self._end_body()
        proxy.tap.exchange(exchange_of(self, proxy, match, error, slice_name, latency_ms))

    def _end_body(self) -> None:
        if self.kept is None:
            return
        if self._shadow is not None and not self.pinned:
            self._proxy.ring.release(self.prediction_id, self._ended_at)  # kept for a copy that did not go
        if self._request_ended:
            self._proxy.ring.end(self.kept, self._ended_at)
        else:
            self._proxy.ring.discard(self.kept)
