"""The proxy between a client and an upstream that are byte strings: no sockets, no waiting, thousands of runs a second.

All code of the relay runs as it does between sockets, down to the two transports, which stand here for the kernel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sidecar.proxy.connection import UpstreamConnection
from sidecar.proxy.downstream import Downstream
from sidecar.proxy.endpoints import Endpoint, Place
from sidecar.proxy.relay import Proxy
from sidecar.proxy.upstream import Requester, Upstream
from sidecar.types import Limits, ProxySettings, RoutePattern, Variant

ROUNDS_MAX = 200
LIMITS = Limits(head_bytes_max=4_096, body_bytes_max=1 << 20, health_interval_s=1e9)
_ROUTES = (RoutePattern(("POST",), "/predict", "plain", model="det"),)
_SETTINGS = ProxySettings(
    version=1, variants=(Variant("A", "http://127.0.0.1:1", version="1"),), default="A", routes=_ROUTES, limits=LIMITS
)


class Pipe(asyncio.Transport):
    """A transport that keeps what is written, and how it ended: ``closed`` in order, or ``aborted``."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.read = 0
        self.closed = self.aborted = self.eof = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.is_closing():
            self.written += data

    def writelines(self, parts: Any) -> None:
        self.write(b"".join(parts))

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.eof = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        """Nothing arrives unless it is fed."""

    def resume_reading(self) -> None:
        """As above."""


class MemoryUpstream(Upstream):
    """A pool whose connections are pipes; what is free is used again, the last first."""

    def __init__(self, proxy: Proxy, variant: Variant) -> None:
        super().__init__(variant, proxy.settings.limits, "", proxy.hit, lambda *_: None)
        self.pipes: list[tuple[UpstreamConnection, Pipe]] = []
        self._free: list[UpstreamConnection] = []

    def acquire(self, user: Requester, fresh: bool = False) -> UpstreamConnection:
        self._free = [connection for connection in self._free if connection.usable()]
        reused = bool(self._free) and not fresh
        if reused:
            connection = self._free.pop()
        else:
            connection, pipe = UpstreamConnection(self, Endpoint(Place("127.0.0.1", 1, "127.0.0.1"))), Pipe()
            self.pipes.append((connection, pipe))
            connection.connection_made(pipe)
        connection.begin(user, reused)
        return connection

    def release(self, connection: UpstreamConnection, idle_s: float | None) -> None:
        self._free.append(connection)


@dataclass
class Outcome:
    """What both sides got. ``upstreams`` has, of each connection, what it received and whether it was closed.

    ``aborted``: the client's connection was cut; ``closed``: it was closed in order; neither: the client still waits.
    """

    client: bytes = b""
    aborted: bool = False
    closed: bool = False
    upstreams: list[tuple[bytes, bool]] = field(default_factory=list)


class Unwatched:
    def exchange(self, exchange: Any) -> None:
        """Nobody looks."""


def run(pieces: Sequence[bytes], answer: Callable[[int, bytes], Sequence[bytes]]) -> Outcome:
    """Feeds a client's ``pieces`` and an end of file through a proxy of its own and gives what came of them.

    ``answer`` gets the number of an upstream connection and what it received since it last answered, whenever that
    grew, and gives the pieces that it sends now: none where the request is not whole. An empty one is an end of file.
    """
    proxy = Proxy(_SETTINGS, Unwatched())
    pool = MemoryUpstream(proxy, proxy.upstreams["A"].variant)
    proxy.upstreams["A"] = pool
    client = Pipe()
    downstream = Downstream(proxy)
    downstream.connection_made(client)
    for piece in (*pieces, b""):
        if client.is_closing():
            break
        if piece:
            downstream.data_received(piece)
        elif not downstream.eof_received():
            client.close()
        _pump(pool, answer)
    aborted, closed = client.aborted, client.closed or client.eof
    downstream.connection_lost(None)
    left = [(bytes(pipe.written), pipe.is_closing()) for _, pipe in pool.pipes]
    return Outcome(bytes(client.written), aborted, closed and not aborted, left)


def _pump(pool: MemoryUpstream, answer: Callable[[int, bytes], Sequence[bytes]]) -> None:
    """Lets the upstream answer until it has nothing more to answer."""
    for _ in range(ROUNDS_MAX):
        moved = False
        for number, (connection, pipe) in enumerate(pool.pipes):
            unread = bytes(pipe.written[pipe.read :])
            if not unread or pipe.is_closing():
                continue
            replies = answer(number, unread)
            if replies:
                moved, pipe.read = True, len(pipe.written)
            for piece in replies:
                if not pipe.is_closing():
                    _deliver(connection, pipe, piece)
        if not moved:
            return


def _deliver(connection: UpstreamConnection, pipe: Pipe, piece: bytes) -> None:
    if piece:
        connection.data_received(piece)
    elif not connection.eof_received():
        pipe.close()
