"""One client connection: heads in, requests relayed one after the other, answers out in order."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from time import monotonic
from typing import TYPE_CHECKING, cast

from sidecar.proxy.body import BodyError, Framing, framing_for
from sidecar.proxy.feedback import FeedbackStream
from sidecar.proxy.fields import HeadError
from sidecar.proxy.head import RequestHead, check_partial_request, parse_request, status_line
from sidecar.proxy.stream import Stream

if TYPE_CHECKING:
    from sidecar.proxy.relay import Proxy

HEAD, BODY, WAIT, TUNNEL, LINGER, CLOSED = range(6)
LINGER_S = 2.0
LINGER_BYTES_MAX = 8 << 20
_RESET = struct.pack("ii", 1, 0)
_EMPTY_LINES_MAX = 4


class Downstream(asyncio.Protocol):
    """A client. ``deadline`` (monotonic seconds) is looked at by the proxy's sweep."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._state = HEAD
        self._buffer = b""
        self._position = 0
        self._empty_lines = 0
        self._checked = 0
        self._stream: Stream | FeedbackStream | None = None
        self._framing: Framing | None = None
        self._holds: set[str] = set()
        self._advancing = False
        self._half_closed = False
        self._write_paused = False
        self._lingered = 0
        self._served = 0
        self._peer = ""
        self.deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        limits = self._proxy.settings.limits
        self.deadline = monotonic() + limits.head_timeout_s
        self._proxy.downstreams.add(self)
        if len(self._proxy.downstreams) > limits.connections_max:
            self._proxy.hit("connections_max")
            self.answer(503, "overloaded", "as many clients are connected as may be", close=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.downstreams.discard(self)
        self._state = CLOSED
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.client_lost()

    @property
    def idle(self) -> bool:
        """Whether the connection waits for a request of which nothing has come."""
        return self._state == HEAD and self._position >= len(self._buffer)

    # -- reading ---------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        state = self._state
        if state == HEAD:
            self._keep(data)
            self._advance()
        elif state == BODY:
            self._receive_body(data)
        elif state == WAIT:
            self._keep(data)
            self.hold_reading("pipeline", True)
        elif state == TUNNEL and isinstance(self._stream, Stream):
            self._stream.tunnel(data)
        elif state == LINGER:
            self._lingered += len(data)
            if self._lingered > LINGER_BYTES_MAX:
                self._transport.abort()

    def _keep(self, data: bytes) -> None:
        if self._position < len(self._buffer):
            self._buffer = self._buffer[self._position :] + data
        else:
            if self._state == HEAD and self._served:
                self.deadline = monotonic() + self._proxy.settings.limits.head_timeout_s
            self._buffer = data
        self._position = 0

    def _advance(self) -> None:
        """Starts the requests that the buffer holds, one after the other as each is answered."""
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._state == HEAD and self._position < len(self._buffer) and not self._write_paused:
                if not self._next_request():
                    break
        except HeadError as error:
            self._refuse(error)
        finally:
            self._advancing = False
        if self._state == HEAD and self._half_closed:
            self._close()

    def _next_request(self) -> bool:
        while self._buffer.startswith(b"\r\n", self._position):
            self._position += 2
            self._empty_lines += 1
            if self._empty_lines > _EMPTY_LINES_MAX:
                raise HeadError(400, "empty lines before a request")
        limits = self._proxy.settings.limits
        end = self._buffer.find(b"\r\n\r\n", self._position + max(0, self._checked - 3))
        if end < 0:
            rest = self._buffer[self._position :]
            if rest and rest != b"\r":
                check_partial_request(rest, limits, self._checked)
                self._checked = len(rest)
            return False
        self._checked = 0
        if end + 4 - self._position > limits.head_bytes_max:
            check_partial_request(self._buffer[self._position : self._position + limits.head_bytes_max + 1], limits)
        head = parse_request(self._buffer[self._position : end + 4], limits, self._proxy.pseudonym)
        self._position = end + 4
        self._empty_lines = 0
        self._served += 1
        if head.max_forwards == 0 and head.method == "OPTIONS":
            self._write_answer(200, b"Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n", b"", head.length != 0)
            return self._state == HEAD
        self._begin(head)
        return True

    def _begin(self, head: RequestHead) -> None:
        proxy = self._proxy
        limits, desk = proxy.settings.limits, proxy.feedback
        feedback = FeedbackStream(desk, self, head) if desk is not None and head.path == desk.path else None
        chunk, ended = b"", head.length == 0
        if not ended:
            bytes_max = limits.body_bytes_max if feedback is None else limits.feedback_bytes_max
            framing = framing_for(head.length, limits, bytes_max)
            received, self._buffer, self._position = self._buffer[self._position :], b"", 0
            if received:
                try:
                    chunk = framing.feed(received)
                except BodyError as error:
                    if feedback is None:
                        raise HeadError(error.status, error.reason) from error
                    self._stream = feedback
                    feedback.refuse_body(error.status, error.reason)
                    return
            ended = framing.ended
            self._framing = framing
            if ended:
                self._buffer, framing.rest = framing.rest, b""
            elif head.expects_continue and not received and (feedback is None or feedback.wants_body):
                self.write([b"HTTP/1.1 100 Continue\r\n\r\n"])
        self._state = WAIT if ended else BODY
        self._stream = stream = feedback or Stream(proxy, self, head)
        if ended and self._position < len(self._buffer):
            self.hold_reading("pipeline", True)
        stream.start(chunk, ended)
        if self._half_closed and self._state == BODY:
            proxy.hit("request_incomplete")
            stream.refuse_body(400, "the request body is incomplete")

    def _receive_body(self, data: bytes) -> None:
        framing, stream = self._framing, self._stream
        if framing is None or stream is None:
            return
        try:
            chunk = framing.feed(data)
        except BodyError as error:
            self._framing = None
            stream.refuse_body(error.status, error.reason)
            return
        if framing.ended:
            self._state = WAIT
            self._buffer, self._position, framing.rest = framing.rest, 0, b""
            if self._buffer:
                self.hold_reading("pipeline", True)
        if chunk or framing.ended:
            stream.body(chunk, framing.ended)

    def eof_received(self) -> bool:
        """A client may half-close after a whole request and still read its answer."""
        self._half_closed = True
        if self._state in (HEAD, LINGER, TUNNEL, CLOSED):
            return False
        if self._state == BODY and self._stream is not None:
            self._stream.refuse_body(400, "the request body is incomplete")
            return self._state != CLOSED
        return True

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(self, parts: list[bytes]) -> None:
        if not self._transport.is_closing():
            self._transport.writelines(parts)

    def stream_done(self, close: bool) -> None:
        """The response is written; the next request may begin."""
        self._stream = None
        self._framing = None
        self.hold_reading("upstream", False)
        if close or self._state == TUNNEL:
            self._close()
            return
        self._state = HEAD
        limits = self._proxy.settings.limits
        self.deadline = monotonic() + (limits.keep_alive_s if self.idle else limits.head_timeout_s)
        self._advance()
        if self._state == HEAD:
            self.hold_reading("pipeline", False)

    def answer(self, status: int, error: str, detail: str, *, prediction_id: str = "", close: bool = False) -> None:
        """A short JSON answer of the proxy's own to the current request."""
        fields = b"Content-Type: application/json\r\n"
        if status == 503:
            fields += b"Retry-After: 1\r\n"
        if prediction_id:
            fields += b"X-Prediction-Id: %b\r\n" % prediction_id.encode()
        self.reply(status, fields, json.dumps({"error": error, "detail": detail}).encode() + b"\n", close=close)

    def reply(self, status: int, fields: bytes, content: bytes, *, close: bool) -> None:
        """An answer of the proxy's own to the current request, whole, with ``fields`` as they are sent."""
        stream, self._stream = self._stream, None
        head_only = stream is not None and stream.method == "HEAD"
        keep = stream is not None and stream.keep_alive
        self._write_answer(status, fields, content, close or not keep, head_only=head_only)

    def _write_answer(
        self, status: int, fields: bytes, content: bytes, close: bool, *, head_only: bool = False
    ) -> None:
        close = close or self._proxy.draining
        head = b"%b%bContent-Length: %d\r\n%b\r\n" % (
            status_line(status),
            fields,
            len(content),
            b"Connection: close\r\n" if close else b"",
        )
        self.write([head if head_only else head + content])
        if self._state not in (LINGER, CLOSED):
            self.stream_done(close)

    def _refuse(self, error: HeadError) -> None:
        self._proxy.answered(error.status)
        self.answer(error.status, "bad_request", error.reason, close=True)

    def abort(self) -> None:
        """Ends the connection so that no client takes the response for whole: by a reset, as far as TCP allows."""
        self._state = CLOSED
        sock = self._transport.get_extra_info("socket")
        if sock is not None and not self._transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _close(self) -> None:
        """Closes after what was written; what the client still sends is read away, or a reset would eat the answer."""
        self.deadline = monotonic() + LINGER_S
        if self._half_closed or self._transport.is_closing():
            self._state = CLOSED
            self._transport.close()
            return
        self._state = LINGER
        self._buffer, self._position = b"", 0
        self._holds.clear()
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def close_idle(self) -> None:
        if self.idle:
            self._close()

    def begin_tunnel(self) -> None:
        self._state = TUNNEL
        rest, self._buffer, self._position = self._buffer[self._position :], b"", 0
        if rest and isinstance(self._stream, Stream):
            self._stream.tunnel(rest)
        self.hold_reading("pipeline", False)

    # -- flow and time ---------------------------------------------------------------------------------------------

    def hold_reading(self, reason: str, held: bool) -> None:
        """Reading goes on when no reason holds it."""
        if held == (reason in self._holds):
            return
        if held:
            self._holds.add(reason)
        else:
            self._holds.discard(reason)
        if self._transport.is_closing():
            return
        if self._holds:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        self._write_paused = True
        if self._stream is not None:
            self._stream.pause(True)

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._stream is not None:
            self._stream.pause(False)
        else:
            self._advance()

    def on_deadline(self) -> None:
        """The deadline has passed: whoever kept the connection waiting is answered or dropped."""
        if self._state in (LINGER, CLOSED):
            self._transport.abort()
        elif self._stream is not None:
            self._stream.timed_out()
        elif self.idle:
            self._proxy.hit("keep_alive_s" if self._served else "head_timeout_s")
            self._close()
        else:
            self._proxy.hit("head_timeout_s")
            self._refuse(HeadError(408, "the request head did not arrive in time"))

    # -- who the client is -----------------------------------------------------------------------------------------

    def client_address(self, head: RequestHead) -> str:
        return self._proxy.client_address(self._peer, head.own.get(b"x-forwarded-for"))

    def forwarded_fields(self, head: RequestHead) -> bytes:
        return self._proxy.forwarded_fields(self._peer, head)
