"""Connections to one model server: a pool of keep-alive connections, their responses framed strictly.

A connection serves one requester at a time and tells it what arrives by plain calls; nothing here waits on a requester.
Connections idle shortly and are polled before reuse, because an inference POST that met a closing connection could not
be replayed.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Protocol, cast
from urllib.parse import urlsplit

from sidecar.proxy.body import BodyError, Framing, framing_for
from sidecar.proxy.fields import HeadError
from sidecar.proxy.head import UNTIL_CLOSE, ResponseHead, check_partial_response, parse_response
from sidecar.proxy.health import is_healthy
from sidecar.proxy.names import Name
from sidecar.types import Limits, Variant

_POLLED = select.POLLIN | select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)
_RESPONSE_BYTES_MAX = 1 << 62


class Requester(Protocol):
    """Who waits for a response. After ``on_failure`` or an ``ended`` it hears nothing more from the connection."""

    method: str

    def on_connected(self, connection: UpstreamConnection) -> None: ...
    def on_interim(self, head: ResponseHead) -> None: ...
    def on_response(self, head: ResponseHead, chunk: bytes, ended: bool) -> None: ...
    def on_chunk(self, chunk: bytes, ended: bool) -> None: ...
    def on_failure(self, kind: str, detail: str, status: int) -> None: ...
    def on_upstream_paused(self, paused: bool) -> None: ...


class Overloaded(Exception):
    """No connection is free and as many requests wait as may."""


class UpstreamConnection(asyncio.Protocol):
    """One connection. ``request_done`` is set by the requester once its whole request is written."""

    def __init__(self, pool: Upstream) -> None:
        self._pool = pool
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

    def begin(self, user: Requester, reused: bool) -> None:
        self._user = user
        self.reused = reused
        self.request_done = False
        self.responded = False
        self._head = self._framing = None
        self._interims = 0
        self._buffer = b""
        self._checked = 0

    def send(self, parts: list[bytes]) -> None:
        self._transport.writelines(parts)

    def pause_reading(self, paused: bool) -> None:
        if self._transport.is_closing():
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

    def abort(self) -> None:
        """Ends the connection; its requester hears nothing."""
        self._user = None
        self._transport.abort()

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
            head = parse_response(data[: end + 4], self._limits, user.method)
            data = data[end + 4 :]
            if head.status >= 200 or head.status == 101:
                break
            self._interims += 1
            if self._interims > self._limits.interim_responses_max:
                self._pool.hit("interim_responses_max")
                raise HeadError(502, "too many interim responses")
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
            self._finish(bool(framing.rest))
        if head is not None:
            user.on_response(head, chunk, framing.ended)
        elif chunk or framing.ended:
            user.on_chunk(chunk, framing.ended)

    def _finish(self, surplus: bool) -> None:
        """The response is whole: the connection goes back to the pool, or is closed where its state is in doubt."""
        head = self._head
        self._user = None
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
        user, self._user = self._user, None
        self._transport.abort()
        if user is not None:
            user.on_failure(kind, detail, 502)

    def eof_received(self) -> bool:
        self._ended(clean=True)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.lost(self)
        self._ended(clean=exc is None)

    def _ended(self, clean: bool) -> None:
        user = self._user
        if user is None:
            self._transport.abort()
        elif self._tunnel:
            self._user = None
            user.on_chunk(b"", True)
        elif self._framing is not None:
            if clean and self._head is not None and self._head.length == UNTIL_CLOSE:
                self._finish(False)
                user.on_chunk(b"", True)
            else:
                self._fail("truncated", "the upstream closed before the end of its response")
        elif self._buffer:
            self._fail("protocol", "the upstream closed within a response head")
        else:
            self._fail("reset", "the upstream closed without a response")


class Upstream:
    """The pool of one variant's server."""

    def __init__(
        self,
        variant: Variant,
        limits: Limits,
        health_path: str,
        hit: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        url = urlsplit(variant.url)
        self.variant = variant
        self.limits = limits
        self.hit = hit
        self.host = url.hostname or ""
        self.tls = ssl.create_default_context() if url.scheme == "https" else None
        self.port = url.port or (443 if self.tls else 80)
        self.name = Name(self.host, self.port)
        self.authority = url.netloc.rpartition("@")[2].encode()
        self.prefix = url.path.rstrip("/").encode()
        self.health_path = health_path
        self.up = False
        self.connections: set[UpstreamConnection] = set()
        self._idle: deque[UpstreamConnection] = deque()
        self._waiting: deque[tuple[Requester, float]] = deque()
        self._connecting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = changed
        self._retired = False

    @property
    def idle(self) -> int:
        return len(self._idle)

    def acquire(self, user: Requester, fresh: bool = False) -> UpstreamConnection | None:
        """A connection, or None where ``user`` will hear ``on_connected`` or ``on_failure``. Raises Overloaded."""
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.usable():
                connection.begin(user, reused=True)
                return connection
            connection.abort()
        if len(self._waiting) >= self.limits.upstream_pending_max:
            self.hit("upstream_pending_max")
            raise Overloaded
        self._waiting.append((user, monotonic() + self.limits.upstream_pending_s))
        self._connect_for_waiting()
        return None

    def forget(self, user: Requester) -> None:
        """``user`` no longer waits."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] is not user)

    def release(self, connection: UpstreamConnection, idle_s: float | None) -> None:
        """Takes a connection back after a whole response. ``idle_s``: how long the server says it will keep it."""
        if self._retired:
            connection.abort()
        elif self._waiting:
            self._serve(connection, reused=True)
        else:
            keep_s = self.limits.upstream_idle_s
            if idle_s is not None:
                keep_s = min(keep_s, idle_s * 0.5)
            connection.idle_until = monotonic() + keep_s
            self._idle.append(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        self.connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._connect_for_waiting()

    def sweep(self, now: float) -> None:
        """Closes what idled too long and turns away who waited too long."""
        for connection in [c for c in self._idle if c.idle_until < now]:
            self._idle.remove(connection)
            connection.abort()
        while self._waiting and self._waiting[0][1] < now:
            user, _ = self._waiting.popleft()
            self.hit("upstream_pending_s")
            user.on_failure("overloaded", "no upstream connection became free in time", 503)

    def retire(self) -> None:
        """Serves who is under way, then closes."""
        self._retired = True
        for connection in list(self._idle):
            connection.abort()
        self._idle.clear()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for connection in list(self.connections):
            connection.abort()

    def _serve(self, connection: UpstreamConnection, reused: bool) -> None:
        user, _ = self._waiting.popleft()
        connection.begin(user, reused)
        user.on_connected(connection)

    def _connect_for_waiting(self) -> None:
        while (
            len(self._waiting) > self._connecting
            and len(self.connections) + self._connecting < self.limits.upstream_connections_max
        ):
            self._connecting += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if len(self._waiting) > self._connecting:
            self.hit("upstream_connections_max")

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.limits.connect_timeout_s):
                _, connection = await self.name.first(
                    lambda address: loop.create_connection(
                        lambda: UpstreamConnection(self),
                        address,
                        self.port,
                        ssl=self.tls,
                        server_hostname=self.host if self.tls else None,
                    )
                )
        except TimeoutError:
            self.hit("connect_timeout_s")
            self._connect_failed("the upstream did not accept the connection in time", 504)
        except OSError as error:
            self._connect_failed(error.strerror or str(error) or type(error).__name__, 502)
        else:
            self._connecting -= 1
            if not self.health_path:
                self.set_up(True)
            if self._waiting:
                self._serve(connection, reused=False)
            else:
                self.release(connection, None)

    def _connect_failed(self, detail: str, status: int) -> None:
        self._connecting -= 1
        self.set_up(False)
        if self._waiting:
            user, _ = self._waiting.popleft()
            user.on_failure("connect", detail, status)
        self._connect_for_waiting()

    def set_up(self, up: bool) -> None:
        if up != self.up:
            self.up = up
            self._changed()

    async def check_health(self) -> None:
        """One active check now."""
        path = self.prefix + self.health_path.encode() if self.health_path else b""
        self.set_up(
            await is_healthy(self.name, self.port, self.tls, self.authority, path, self.limits.connect_timeout_s)
        )

    async def watch_health(self, checked: bool) -> None:
        while True:
            if not checked:
                await self.check_health()
            checked = False
            await asyncio.sleep(self.limits.health_interval_s)
