"""One relayed request: from its head to the last byte of its response, and the record of it."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic, time
from typing import TYPE_CHECKING

from sidecar.proxy.assignment import Assignment
from sidecar.proxy.body import frame_chunk
from sidecar.proxy.capture import Capture, record
from sidecar.proxy.compose import Composed, compose_request, compose_response
from sidecar.proxy.connection import FAILURES
from sidecar.proxy.head import CHUNKED, RequestHead, ResponseHead, status_line
from sidecar.proxy.ring import Body
from sidecar.proxy.routing import Match
from sidecar.proxy.timed import Timed
from sidecar.proxy.trailers import without_nominated
from sidecar.proxy.tunnel import Tunnel
from sidecar.proxy.uploads import Upload
from sidecar.proxy.upstream import Overloaded, Upstream, UpstreamConnection
from sidecar.types import Shadow, Variant

if TYPE_CHECKING:
    from sidecar.proxy.downstream import Downstream
    from sidecar.proxy.relay import Proxy

REQUEST_HEAD_BYTES = COMPOSED_BYTES_MAX = 2_048
_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))


class Stream(Timed):
    """Relays one request. ``phase`` names the wait that the client connection's deadline bounds."""

    # What most requests leave as it is costs them nothing.
    prediction_id = ""
    request_bytes = status = 0
    request_head = _request_trailers = _response_trailers = b""
    _request_ended = _chunked_upload = _replayed = _done = _recorded = False
    _begun = _chunked_download = _close = False
    response: ResponseHead | None = None
    kept: Body | None = None
    pinned: tuple[str, ...] = ()
    _connection: UpstreamConnection | None = None
    _tunnel: Tunnel | None = None
    _shadow: Shadow | None = None
    _upload: Upload | None = None

    def __init__(self, proxy: Proxy, downstream: Downstream, head: RequestHead) -> None:
        self.method = head.method
        self.phase = "pending"
        self._proxy, self._downstream = proxy, downstream
        self.head, self.settings = head, proxy.settings
        self._limits = proxy.settings.limits
        self._started = monotonic()
        self.started_at = time()
        self._pending: list[bytes] = []
        self.match: Match | None = proxy.router.match(head.method, head.path)
        self.assignment = self._assign()
        self.capture = Capture(proxy, self.match is not None)
        self._upstream: Upstream = proxy.upstreams[self.assignment.variant]
        self.variant: Variant = self._upstream.variant
        self.keep_alive = head.keep_alive

    def _assign(self) -> Assignment:
        proxy, match = self._proxy, self.match
        if match is None:
            return proxy.router.assign(None, "", "", self.head.text)
        self.prediction_id = proxy.mint_id(self.started_at)
        self.pinned = proxy.router.pinned(match.model, self.prediction_id)
        client = self._downstream.client_address(self.head)
        assignment = proxy.router.assign(match, client, self.prediction_id, self.head.text, proxy.down)
        if proxy.router.shadows and assignment.role == "serving" and not self.head.websocket:
            self._shadow = proxy.router.shadow_for(match, self.prediction_id)
        self.kept = proxy.ring.open(self.prediction_id, bool(self.pinned) or self._shadow is not None)
        return assignment

    @property
    def first_byte_ms(self) -> float:
        return (self.first_byte_at - self._started) * 1000 if self.first_byte_at else 0.0

    def start(self, chunk: bytes, ended: bool) -> None:
        """Sends the request on, or queues for a connection. ``chunk`` is what came of the body with the head."""
        self._proxy.in_flight += 1
        self._chunked_upload = self.head.length == CHUNKED and (not ended or self._request_trailers != b"")
        self._request_ended = ended
        self._note_request(chunk)
        self._pending = [chunk] if chunk else []
        if not ended:
            self._upload = Upload(self, self._proxy, self._upstream.clients, self._limits)
        if not self._is_held():
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
            if self._upload is not None:
                self._upload.pause(True)
            self._downstream.hold_reading("upstream", True)
        else:
            self.on_connected(connection)

    def on_connected(self, connection: UpstreamConnection) -> None:
        self._connection = connection
        self.variant = self._upstream.variant  # which may have changed while it waited, but does not after this
        self.sent_at = monotonic()
        body = b"".join(self._pending) if len(self._pending) > 1 else (self._pending[0] if self._pending else b"")
        if not (self.method in _IDEMPOTENT and self._request_ended):
            self._pending = []
        parts = [self._compose_request(connection.authority)]
        if self._chunked_upload:
            parts += frame_chunk(body, self._request_ended, self._request_trailers)
        elif body:
            parts.append(body)
        connection.request_done = self._request_ended
        if self._upload is not None:
            self._upload.pause(False)
        self._wait_for_request_or_response()
        self._downstream.hold_reading("upstream", False)
        connection.send(parts)  # which may hold it again
        if self._connection is connection and self._downstream.write_paused:
            self.pause(True)
        if self._connection is connection and self._shadow is not None and self._request_ended:
            self._launch(self._shadow)

    def _compose_request(self, authority: bytes) -> bytes:
        head = self.head
        size = None if self._chunked_upload else (self.request_bytes if head.length == CHUNKED else head.length)
        variant, known = self.variant, self._downstream.composed
        if known is not None and known.head is head and known.variant is variant and known[2:4] == (authority, size):
            return known.sent
        own = self._proxy.via(head.own.get(b"via"), head.minor) + self._downstream.forwarded_fields(head)
        sent = compose_request(head, head.lines, self._upstream, self.match is not None, size, own, authority)
        if len(sent) <= COMPOSED_BYTES_MAX:
            self._downstream.composed = Composed(head, variant, authority, size, sent)
        return sent

    def take_trailers(self, lines: bytes) -> None:
        """The trailers of the request's body, before its end is told."""
        self._request_trailers = without_nominated(lines, self.head.own.get(b"connection"))

    def body(self, chunk: bytes, ended: bool) -> None:
        """More of the request's body."""
        self._note_request(chunk)
        self._request_ended = ended
        upload, connection = self._upload, self._connection
        goes_on = upload is not None and upload.receive(len(chunk), self.request_bytes, ended)
        if connection is None:
            if chunk:
                self._pending.append(chunk)
            if not self._is_held() and goes_on:
                self._acquire(False)
            return
        connection.request_done = ended
        if not self._begun:
            self.sent_at = monotonic()
            self._wait_for_request_or_response()
        parts = frame_chunk(chunk, ended, self._request_trailers) if self._chunked_upload else [chunk]
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
            self.request_head += chunk[: REQUEST_HEAD_BYTES - len(self.request_head)]
            self._proxy.ring.append(self.kept, chunk)

    def _wait_for_request_or_response(self) -> None:
        now = monotonic()
        if self._request_ended:
            self.phase = "first_byte"
            self._downstream.deadline = now + self._limits.first_byte_timeout_s
        elif self._upload is not None:
            self.phase = "request_body"
            self._downstream.deadline = self._upload.deadline(now, self.request_bytes)

    def _is_held(self) -> bool:
        """Whether the request is kept back until more of it has come; it may have failed for want of room for that."""
        if self._upload is None or not self._upload.held:
            return False
        self._wait_for_request_or_response()
        self._proxy.held.make_room(monotonic(), self._limits.upload_held_bytes_max, self._proxy.hit)
        return True

    def on_upstream_paused(self, paused: bool) -> None:
        if not self._begun and not self._request_ended and self._upload is not None:
            self._upload.pause(paused)
            self._wait_for_request_or_response()
            self.phase = "upstream_write" if paused else self.phase
        self._downstream.hold_reading("upstream", paused)

    def on_interim(self, head: ResponseHead) -> None:
        if self.head.minor == 1:
            self._downstream.write([status_line(head.status), *head.lines, b"\r\n"])

    def on_response(self, head: ResponseHead, chunk: bytes, ended: bool) -> None:
        now = monotonic()
        if head.status == 101 and not (self.head.websocket and head.websocket):
            self.give_up("protocol", "the upstream switched protocols unasked", 502)
            return
        self.first_byte_at = now
        self.response = head
        self.status = head.status
        if head.status == 101:
            self._begin_tunnel(head)
            return
        self._begun, self.phase = True, "response"
        self._downstream.deadline = now + self._limits.idle_timeout_s
        self._close = not self.head.keep_alive or self._proxy.draining or not self._request_ended
        parts = [self._compose_response(head, len(chunk) if ended and not self._response_trailers else None)]
        self.capture.add(chunk)
        if self._chunked_download:
            parts += frame_chunk(chunk, ended, self._response_trailers)
        elif chunk:
            parts.append(chunk)
        self._downstream.write(parts)
        if ended:
            self._finish()

    def _compose_response(self, head: ResponseHead, size: int | None) -> bytes:
        prediction_id = b"X-Prediction-Id: %b\r\n" % self.prediction_id.encode() if self.prediction_id else b""
        own = self._proxy.via(head.own.get(b"via"), head.minor) + prediction_id
        composed, self._chunked_download, self._close = compose_response(head, self.head, size, own, self._close)
        return composed

    def on_trailers(self, lines: bytes) -> None:
        if self.head.trailers:  # the client asked for them: others need not expect any (RFC 9110, 6.5.1)
            self._response_trailers = lines

    def on_chunk(self, chunk: bytes, ended: bool) -> None:
        if self._tunnel is not None:
            self._tunnel.receive(chunk)
            if ended:
                self._close = True
                self._finish()
            return
        self._downstream.deadline = monotonic() + self._limits.idle_timeout_s
        self.capture.add(chunk)
        parts = frame_chunk(chunk, ended, self._response_trailers) if self._chunked_download else [chunk]
        if chunk or parts != [b""]:
            self._downstream.write(parts)
        if ended:
            self._finish()

    def _finish(self) -> None:
        if self._done:
            return
        self._done, self.ended_at = True, monotonic()
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
        self._done, self.ended_at = True, monotonic()
        if self._begun:
            self._record(kind)
            self._downstream.abort()
            return
        self.status = status
        self._record(kind)
        close = not self._request_ended
        self._downstream.answer(status, FAILURES[kind], detail, prediction_id=self.prediction_id, close=close)

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
        assert self._connection is not None
        self._begun, self.phase = True, "tunnel"
        self._tunnel = Tunnel(head, self._connection, self._downstream, self._limits)
        self._downstream.begin_tunnel()

    def tunnel(self, chunk: bytes) -> None:
        """Bytes of an upgraded connection, client to upstream."""
        self.request_bytes += len(chunk)
        if self._tunnel is not None and self._connection is not None:
            self._tunnel.send(chunk)

    def end_tunnel(self) -> bool:
        """The client will send no more. False: its connection is to be closed."""
        return self._tunnel is not None and self._connection is not None and self._tunnel.end_sending()

    def pause(self, paused: bool) -> None:
        """The client can't take more for now."""
        if self._connection is None:  # it hears of it once it has one
            return
        now = monotonic()
        if self._tunnel is None:
            self.note_paused(paused, now)
            self.phase = "client_write" if paused else "response"
            self._downstream.deadline = now + self._limits.idle_timeout_s
            if not (paused or self._begun):
                self._wait_for_request_or_response()
        self._connection.pause_reading(self, paused)
        self._upstream.clients.pause(self, self._downstream if paused and self._tunnel is None else None)

    def client_lost(self) -> None:
        """The client left, or its connection was aborted."""
        self._end_early("client_gone" if self._tunnel is None else "")

    def cut_off(self) -> None:
        """The client does not take its answer."""
        self.client_lost()
        self._downstream.abort()

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
        phase, hit = self.phase, self._proxy.hit
        if phase == "request_body" and self._upload is not None:
            self._upload.timed_out()
            self.refuse_body(408, "the request body did not arrive in time")
        elif phase == "client_write":
            hit("idle_timeout_s")
            self.cut_off()
        else:
            if phase == "tunnel":
                hit("tunnel_idle_s")
            else:
                hit("first_byte_timeout_s" if phase == "first_byte" else "idle_timeout_s")
            self.give_up("timeout", f"the upstream did not answer in time ({phase})", 504, failed=True)

    def check_total(self, now: float) -> None:
        """Ends an exchange that takes longer than any may, unless it is a tunnel by now."""
        if now - self._started > self._limits.total_timeout_s > 0 and self._tunnel is None and not self._done:
            self._proxy.hit("total_timeout_s")
            self.give_up("timeout", "the exchange took longer than any may", 504, failed=self._request_ended)

    def give_up(self, kind: str, detail: str, status: int, failed: bool = False) -> None:
        """Ends the exchange and its connection; ``failed``: that is the server's fault."""
        self._abort_upstream(failed)
        self.on_failure(kind, detail, status)

    def _end_early(self, error: str) -> None:
        self._abort_upstream()
        if not self._done:
            self._done, self.ended_at = True, monotonic()
            self._record(error)

    def _abort_upstream(self, failed: bool = False) -> None:
        self._upstream.forget(self)
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort(failed)

    def _record(self, error: str) -> None:
        if self._recorded:
            return
        self._recorded = True
        proxy = self._proxy
        proxy.in_flight -= 1
        self._upstream.clients.leave(self, self._upload)
        if self.kept is not None:
            if self._shadow is not None and not self.pinned:
                proxy.ring.release(self.prediction_id, self.ended_at)  # kept for a copy that did not go
            if self._request_ended:
                proxy.ring.end(self.kept, self.ended_at)
            else:
                proxy.ring.discard(self.kept)
        record(self, proxy, error, (self.ended_at - self._started) * 1000)
