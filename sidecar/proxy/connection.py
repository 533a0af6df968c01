"""One connection to a model server: its responses framed strictly, and what becomes of each told to its pool.

A connection serves one requester at a time and tells it what arrives by plain calls; nothing here waits on a requester.
"""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, Protocol, cast

from sidecar.proxy.body import BodyError, Framing, framing_for
from sidecar.proxy.encrypted import Broken
from sidecar.proxy.endpoints import Endpoint, Event
from sidecar.proxy.fields import HeadError
from sidecar.proxy.head import UNTIL_CLOSE, ResponseHead, check_partial_response
from sidecar.proxy.trailers import without_nominated

if TYPE_CHECKING:
    from sidecar.proxy.upstream import Upstream

_ENDED = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)
_POLLED = select.POLLIN | _ENDED
_GATEWAY_FAULTS = frozenset((502, 503, 504))
_RESPONSE_BYTES_MAX = 1 << 62
FAILURES = {
    "connect": "upstream_unreachable",
    "reset": "upstream_reset",
    "protocol": "upstream_protocol_error",
    "timeout": "upstream_timeout",
    "overloaded": "overloaded",
    "truncated": "upstream_truncated",
}
"""What clients are told of a failure, by the ``kind`` that requesters hear."""


class Requester(Protocol):
    """Who waits for a response. After ``on_failure`` or an ``ended`` it hears nothing more from the connection.

    ``on_trailers`` comes before the ``ended`` of a response that has any, be that in ``on_response`` or ``on_chunk``.
    """

    method: str

    def on_connected(self, connection: UpstreamConnection) -> None: ...
    def on_interim(self, head: ResponseHead) -> None: ...
    def on_response(self, head: ResponseHead, chunk: bytes, ended: bool) -> None: ...
    def on_trailers(self, lines: bytes) -> None: ...
    def on_chunk(self, chunk: bytes, ended: bool) -> None: ...
    def on_failure(self, kind: str, detail: str, status: int) -> None: ...
    def on_upstream_paused(self, paused: bool) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """One connection. ``request_done`` is set by the requester once its whole request is written; ``authority`` is the
    server's own name."""

    def __init__(self, pool: Upstream, endpoint: Endpoint) -> None:
        self._pool = pool
        self.endpoint = endpoint
        self.authority = pool.authority(endpoint)
        self._limits = pool.limits
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._user: Requester | None = None
        self._buffer = b""
        self._checked = 0
        self._head: ResponseHead | None = None
        self._framing: Framing | None = None
        self._interims = 0
        self._tunnel = False
        self._poll: select.poll | None = None
        self.request_done = False
        self.reused = False
        self.idle_until = 0.0
        self.responded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._pool.connections.add(self)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self._poll = select.poll()
            self._poll.register(sock.fileno(), _POLLED)

    def usable(self) -> bool:
        """Whether nothing, not even an end of file, has come in while the connection was idle."""
        return not self._transport.is_closing() and (self._poll is None or not self._poll.poll(0))

    def open(self) -> bool:
        """Whether the server has not closed it, as far as can be told: a server that speaks first is not at fault."""
        if self._transport.is_closing():
            return False
        return self._poll is None or not any(mask & _ENDED for _, mask in self._poll.poll(0))

    def begin(self, user: Requester, reused: bool) -> None:
        self._user = user
        self.endpoint.outstanding += 1
        self.reused = reused
        self.request_done = False
        self.responded = False
        self._head = self._framing = None
        self._interims = 0
        self._buffer = b""
        self._checked = 0

    def send(self, parts: list[bytes]) -> None:
        self._transport.writelines(parts)

    def pause_reading(self, user: Requester, paused: bool) -> None:
        """Of the answer to ``user``: once it is whole the connection may be another's."""
        if self._user is not user or self._transport.is_closing():
            return
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def tunnel(self) -> bytes:
        """From now on bytes pass as they are. Gives those that came behind the head."""
        self._tunnel = True
        self.request_done = True
        early, self._buffer = self._buffer, b""
        return early

    def end_writing(self) -> bool:
        """Tells the server that no more comes, where the transport can: TLS can't."""
        if self._transport.is_closing() or not self._transport.can_write_eof():
            return False
        self._transport.write_eof()
        return True

    def abort(self, failed: bool = False) -> None:
        """Ends the connection; its requester hears nothing. ``failed``: it took too long."""
        if self._user is not None:
            self._let_go(Event.FAILED if failed else None)
        self._transport.abort()

    def _let_go(self, outcome: Event | None) -> None:
        """The requester is done with it. ``outcome`` None: that says nothing of the server."""
        self._user = None
        endpoint = self.endpoint
        endpoint.outstanding -= 1
        if outcome is not None and (outcome is not Event.SUCCEEDED or endpoint.doubted):
            self._pool.tell(endpoint, outcome)

    def pause_writing(self) -> None:
        if self._user is not None:
            self._user.on_upstream_paused(True)

    def resume_writing(self) -> None:
        if self._user is not None:
            self._user.on_upstream_paused(False)

    def data_received(self, data: bytes) -> None:
        user = self._user
        if user is None:
            if data.strip(b"\r\n"):
                self._pool.hit("upstream_surplus")
                self._transport.abort()
            return
        if self._tunnel:
            user.on_chunk(data, False)
            return
        self.responded = True
        try:
            if self._framing is None:
                self._read_heads(user, data)
            else:
                self._read_body(user, self._framing, data)
        except (HeadError, BodyError) as error:
            if error.limit:
                self._pool.hit(error.limit)
            self._fail("protocol", error.reason)

    def _read_heads(self, user: Requester, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        while True:
            if self.reused and not self._interims and data.startswith(b"\r\n"):
                data = data[2:]
            end = data.find(b"\r\n\r\n", max(0, self._checked - 3))
            if end < 0:
                if not (self.reused and data == b"\r"):
                    check_partial_response(data, self._limits, self._checked)
                    self._checked = len(data)
                self._buffer = data
                return
            self._checked = 0
            head = self._pool.heads.response(data[: end + 4], user.method)
            data = data[end + 4 :]
            if head.status >= 200 or head.status == 101:
                break
            self._interims += 1
            if self._interims > self._limits.interim_responses_max:
                raise HeadError(502, "too many interim responses", "interim_responses_max")
            user.on_interim(head)
            if self._user is not user:
                return
        self._buffer = b""
        if head.status == 101:
            self._buffer = data
            user.on_response(head, b"", False)
            return
        self._head = head
        self._framing = framing_for(head.length, self._limits, _RESPONSE_BYTES_MAX)
        self._read_body(user, self._framing, data, head)

    def _read_body(self, user: Requester, framing: Framing, data: bytes, head: ResponseHead | None = None) -> None:
        if framing.ended:
            framing.rest, chunk = data, b""
        else:
            chunk = framing.feed(data)
        if framing.ended:
            if framing.trailers and self._head is not None:
                user.on_trailers(without_nominated(framing.trailers, self._head.own.get(b"connection")))
            self._finish(bool(framing.rest))
        if head is not None:
            user.on_response(head, chunk, framing.ended)
        elif chunk or framing.ended:
            user.on_chunk(chunk, framing.ended)

    def _finish(self, surplus: bool) -> None:
        """The response is whole: the connection goes back to the pool, or is closed where its state is in doubt."""
        head = self._head
        self._let_go(Event.FAILED if head is not None and head.status in _GATEWAY_FAULTS else Event.SUCCEEDED)
        self._head = self._framing = None
        if surplus:
            self._pool.hit("upstream_surplus")
        in_doubt = surplus or not self.request_done or self._transport.get_write_buffer_size() > 0
        if in_doubt or head is None or not head.keep_alive or self._transport.is_closing():
            self._transport.abort()
        else:
            self._transport.resume_reading()
            self._pool.release(self, head.idle_s)

    def _fail(self, kind: str, detail: str) -> None:
        user = self._user
        if user is not None:
            self._let_go(Event.FAILED)
        self._transport.abort()
        if user is not None:
            user.on_failure(kind, detail, 502)

    def eof_received(self) -> bool:
        self._ended(clean=True)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.lost(self)
        self._ended(clean=exc is None, why=f" ({exc})" if isinstance(exc, Broken) else "")

    def _ended(self, clean: bool, why: str = "") -> None:
        user = self._user
        if user is None:
            self._transport.abort()
        elif self._tunnel:
            self._let_go(Event.SUCCEEDED)
            user.on_chunk(b"", True)
        elif self._framing is not None:
            if clean and self._head is not None and self._head.length == UNTIL_CLOSE:
                self._finish(False)
                user.on_chunk(b"", True)
            else:
                self._fail("truncated", f"the upstream closed before the end of its response{why}")
        elif self._buffer:
            self._fail("protocol", f"the upstream closed within a response head{why}")
        else:
            self._fail("reset", f"the upstream closed without a response{why}")
