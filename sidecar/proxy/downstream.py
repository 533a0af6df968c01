"""One client connection: heads in, requests relayed one after the other, answers out in order."""

from __future__ import annotations

import asyncio
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, cast

from sidecar.proxy import answers
from sidecar.proxy.body import BodyError, Framing, framing_for
from sidecar.proxy.compose import Composed
from sidecar.proxy.feedback import FeedbackStream
from sidecar.proxy.fields import HeadError
from sidecar.proxy.head import RequestHead, check_partial_request
from sidecar.proxy.sockets import reset_at_end, unsent_bytes
from sidecar.proxy.stream import Stream

if TYPE_CHECKING:
    from sidecar.proxy.relay import Proxy

HEAD, BODY, WAIT, TUNNEL, LINGER, CLOSED = range(6)
LINGER_S, TURNED_AWAY_MAX = 2.0, 32
COPIED_BYTES_MAX = 16_384
LINGER_BYTES_MAX = 8 << 20
_EMPTY_LINES_MAX = 4


class Downstream(asyncio.Protocol):
    """A client. ``deadline`` (monotonic seconds) is looked at by the proxy's sweep; ``composed`` is its last request's
    head as it was sent on."""

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
        self._half_closed = self.write_paused = self._asked_head = False
        self._lingered = self._served = 0
        self._found_idle = 0.0
        self._unsent = 0, 0.0
        self._peer = ""
        self.composed: Composed | None = None
        self.deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        limits = self._proxy.settings.limits
        self.deadline = monotonic() + limits.head_timeout_s
        self._proxy.downstreams.add(self)
        over = len(self._proxy.downstreams) - self._proxy.connections_max
        if over > 0:
            self._proxy.hit("connections_max")
        if over > TURNED_AWAY_MAX:  # each keeps a descriptor until it has read its answer
            self.abort()
        elif over > 0:
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
            if self.write_paused and self._state == HEAD:  # its answers come first
                self.hold_reading("answers", True)
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
            while self._state == HEAD and self._position < len(self._buffer) and not self.write_paused:
                if not self._next_request():
                    break
        except HeadError as error:
            self._refuse(error)
        finally:
            self._advancing = False
        if self._state == HEAD and self._half_closed and not self.write_paused:
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
        head = self._proxy.heads.request(self._buffer[self._position : end + 4])
        self._position = end + 4
        self._empty_lines = 0
        self._served += 1
        if head.max_forwards == 0 and head.method == "OPTIONS":
            self._write_answer(200, answers.ALLOW, b"", head.length != 0 or not head.keep_alive)
            return self._state == HEAD
        self._begin(head)
        return True

    def _begin(self, head: RequestHead) -> None:
        proxy = self._proxy
        limits, desk = proxy.settings.limits, proxy.feedback
        feedback = FeedbackStream(desk, self, head) if desk is not None and head.path == desk.path else None
        chunk, trailers, ended = b"", b"", head.length == 0
        if not ended:
            bytes_max = limits.body_bytes_max if feedback is None else limits.feedback_bytes_max
            framing = framing_for(head.length, limits, bytes_max)
            received, self._buffer, self._position = self._rest(head.length), b"", 0
            if received:
                try:
                    chunk = framing.feed(received)
                except BodyError as error:
                    if feedback is None:
                        self._asked_head = head.method == "HEAD"
                        raise HeadError(error.status, error.reason, error.limit) from error
                    self._stream = feedback
                    feedback.refuse_body(error.status, error.reason)
                    return
            ended = framing.ended
            self._framing = framing
            if ended:
                self._buffer, framing.rest, trailers = framing.rest, b"", framing.trailers
            elif head.expects_continue and not received and (feedback is None or feedback.wants_body):
                self.write([b"HTTP/1.1 100 Continue\r\n\r\n"])
        self._state = WAIT if ended else BODY
        if not ended:
            self.hold_reading("pipeline", False)
        elif self._position >= len(self._buffer):
            self._buffer, self._position = b"", 0
        self._stream = stream = feedback or Stream(proxy, self, head)
        if ended and self._position < len(self._buffer):
            self.hold_reading("pipeline", True)
        if trailers and isinstance(stream, Stream):
            stream.take_trailers(trailers)
        stream.start(chunk, ended)
        if self._half_closed and self._state == BODY:
            proxy.hit("request_incomplete")
            stream.refuse_body(400, "the request body is incomplete")

    def _rest(self, length: int) -> bytes:
        """What came behind the head; where it is a large part of a body and nothing else, as a view instead of a copy:
        like bytes it is sliced, joined and sent, and nothing else is done with it."""
        size = len(self._buffer) - self._position
        if COPIED_BYTES_MAX < size <= length and self._position <= COPIED_BYTES_MAX:
            return cast(bytes, memoryview(self._buffer)[self._position :])
        return self._buffer[self._position :]

    def _receive_body(self, data: bytes) -> None:
        framing, stream = self._framing, self._stream
        if framing is None or stream is None:
            return
        try:
            chunk = framing.feed(data)
        except BodyError as error:
            self._framing = None
            if error.limit:
                self._proxy.hit(error.limit)
            stream.refuse_body(error.status, error.reason)
            return
        if framing.ended:
            self._state = WAIT
            self._buffer, self._position, framing.rest = framing.rest, 0, b""
            if self._buffer:
                self.hold_reading("pipeline", True)
            if framing.trailers and isinstance(stream, Stream):
                stream.take_trailers(framing.trailers)
        if chunk or framing.ended:
            stream.body(chunk, framing.ended)

    def eof_received(self) -> bool:
        """A client may half-close after a whole request and still read its answer."""
        self._half_closed = True
        if self._state == TUNNEL and isinstance(self._stream, Stream):
            return self._stream.end_tunnel()
        if self._state in (HEAD, LINGER, TUNNEL, CLOSED):
            return self._state == HEAD and self.write_paused  # there may be requests yet to be answered
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
        self._wait_for_head()
        self._advance()
        if self._state == HEAD:
            self.hold_reading("pipeline", False)

    def _wait_for_head(self) -> None:
        limits = self._proxy.settings.limits
        self.deadline = monotonic() + (limits.keep_alive_s if self.idle else limits.head_timeout_s)

    def answer(self, status: int, error: str, detail: str, *, prediction_id: str = "", close: bool = False) -> None:
        """A short JSON answer of the proxy's own to the current request."""
        self.reply(status, *answers.fault(status, error, detail, prediction_id), close=close)

    def reply(self, status: int, fields: bytes, content: bytes, *, close: bool) -> None:
        """An answer of the proxy's own to the current request, whole, with ``fields`` as they are sent."""
        stream, self._stream = self._stream, None
        if stream is not None:
            head_only = stream.method == "HEAD"
        else:
            head_only = self._asked_head or self._buffer.startswith(b"HEAD ", self._position)
        keep = stream is not None and stream.keep_alive
        self._write_answer(status, fields, content, close or not keep, head_only=head_only)

    def _write_answer(
        self, status: int, fields: bytes, content: bytes, close: bool, *, head_only: bool = False
    ) -> None:
        close = close or self._proxy.draining
        self.write([answers.whole(status, fields, content, close, head_only)])
        if self._state not in (LINGER, CLOSED):
            self.stream_done(close)

    def _refuse(self, error: HeadError) -> None:
        if error.limit:
            self._proxy.hit(error.limit)
        self._proxy.answered(error.status)
        self.answer(error.status, "bad_request", error.reason, close=True)

    def abort(self) -> None:
        """Ends the connection so that no client takes the response for whole: by a reset, as far as TCP allows."""
        self._state = CLOSED
        reset_at_end(self._transport)
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

    def close_idle(self, now: float, idle_s: float) -> None:
        """Closes it once it has been found idle for so long: a drain, in which each answer closes its connection, gives
        clients the time for another request, so that none meets the end of its connection on the way."""
        if self.idle:
            self._found_idle = self._found_idle or now
            if now - self._found_idle >= idle_s:
                self._close()

    def end_in_drain(self) -> None:
        """Whoever waits for an answer is told that none comes."""
        if isinstance(self._stream, Stream):
            self._stream.give_up("timeout", "the proxy ends, and no answer came within drain_grace_s", 503)

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
        self.write_paused = True
        if self._stream is not None:
            self._stream.pause(True)

    def resume_writing(self) -> None:
        self.write_paused = False
        self.hold_reading("answers", False)
        if self._stream is not None:
            self._stream.pause(False)
        elif self._state == HEAD:
            self._wait_for_head()
            self._advance()

    def unsent(self) -> int:
        """Bytes that were written and have not reached the client."""
        return unsent_bytes(self._transport)

    def check_total(self, now: float) -> None:
        """Whether the exchange under way has taken too long in all; else its waits are bounded one by one."""
        if isinstance(self._stream, Stream):
            self._stream.check_total(now)

    def on_deadline(self) -> None:
        """The deadline has passed: whoever kept the connection waiting is answered or dropped."""
        if self._state in (LINGER, CLOSED) or (self._stream is None and self.write_paused):
            self._end_unless_taken()
        elif self._stream is not None:
            self._stream.timed_out()
        elif self.idle:
            self._proxy.hit("keep_alive_s" if self._served else "head_timeout_s")
            self._close()
        else:
            self._proxy.hit("head_timeout_s")
            self._refuse(HeadError(408, "the request head did not arrive in time"))

    def _end_unless_taken(self) -> None:
        """Ends a connection that is to close, or whose next request waits, but not while its client still takes what
        was written."""
        unsent, now = self._transport.get_write_buffer_size(), monotonic()
        if unsent != self._unsent[0]:
            self._unsent = unsent, now
        if unsent and now - self._unsent[1] < self._proxy.settings.limits.idle_timeout_s:
            self.deadline = now + LINGER_S
            return
        if unsent:
            self._proxy.hit("idle_timeout_s")
        self.deadline = inf
        self._transport.abort()

    # -- who the client is -----------------------------------------------------------------------------------------

    def client_address(self, head: RequestHead) -> str:
        return self._proxy.client_address(self._peer, head.own.get(b"x-forwarded-for"))

    def forwarded_fields(self, head: RequestHead) -> bytes:
        return self._proxy.forwarded_fields(self._peer, head)
