"""Requests at a fixed rate whatever happens, and how long each took from when it was due.

wrk waits for an answer before it asks again, so a proxy that stalls is asked less while it does (coordinated
omission). Here request n is due at ``start + n / rate``; its latency runs from there, be it that all connections were
taken, that the proxy stalled or that this generator came late. How late it came is told apart (``late_ms``).

No event loop: timers of uvloop and epoll have a resolution of 1 ms, ``select`` one of microseconds, and an epoll
instance can itself be waited for by it.
"""

from __future__ import annotations

import gc
import select
import socket
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

CONNECTIONS = (32, 256)
"""How many there are at first, and at most, where requests find all of them taken."""
SEND_BUFFER_BYTES = 4 << 20
READ_BYTES = 65_536
ANSWERS_WAIT_S = 30.0
"""For the last answers after the last request was due."""
WARM = 0.1
"""This share of the requests, the first ones, is not counted."""
_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


@dataclass(slots=True)
class OpenLoop:
    """Milliseconds of each request, in the order of their answers. ``failed`` counts what was not answered 200."""

    latencies_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    asked: int = 0
    failed: int = 0


class Asking:
    """A connection and the request that is on it."""

    __slots__ = ("busy", "due", "left", "number", "received", "sock", "unsent")

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.received = b""
        self.unsent = memoryview(b"")
        self.left = -1
        self.busy = False
        self.number = 0
        self.due = 0.0

    def ask(self, message: memoryview, number: int, due: float) -> None:
        self.number, self.due, self.unsent, self.left, self.busy = number, due, message, -1, True
        self.send()

    def send(self) -> None:
        with suppress(BlockingIOError):
            self.unsent = self.unsent[self.sock.send(self.unsent) :]

    def take(self) -> bool | None:
        """True once the answer is whole, False where it is not 200 or can't be read, None: not yet."""
        received = self.sock.recv(READ_BYTES)
        if not received:
            return False
        if self.left < 0:
            self.received += received
            end = self.received.find(_END)
            if end < 0:
                return None
            head = self.received[:end].lower()
            start = head.find(_LENGTH)
            if not head.startswith(b"http/1.1 200") or start < 0:
                return False
            length = int(head[start + len(_LENGTH) :].split(b"\r\n", 1)[0])
            self.left, self.received = length - (len(self.received) - end - len(_END)), b""
        else:
            self.left -= len(received)
        return None if self.left else True


class Generator:
    """Sends ``message`` to ``port`` ``count`` times, ``per_second`` times a second, over so many connections at first
    and at most."""

    def __init__(
        self, port: int, message: bytes, per_second: float, count: int, connections: tuple[int, int] = CONNECTIONS
    ) -> None:
        self._port = port
        self._connections, self._connections_max = connections
        self._message = memoryview(message)
        self._per_second = per_second
        self._count = count
        self._poll = select.epoll()
        self._open: dict[int, Asking] = {}
        self._idle: deque[Asking] = deque()
        self._waiting: deque[tuple[int, float]] = deque()
        self._found = OpenLoop()
        self._answered = 0
        self._warm = int(count * WARM)

    def run(self) -> OpenLoop:
        for _ in range(self._connections):
            self._idle.append(self._connect())
        start = time.perf_counter() + 0.05
        ends = start + self._count / self._per_second + ANSWERS_WAIT_S
        released = 0
        while self._answered < self._count:
            now = time.perf_counter()
            while released < self._count and (due := start + released / self._per_second) <= now:
                self._waiting.append((released, due))
                released += 1
            self._release()
            if now > ends:
                self._found.failed += self._count - self._answered
                break
            wait_s = due_in(start, released, self._count, self._per_second)
            select.select([self._poll], [], [], wait_s)
            for descriptor, events in self._poll.poll(0):
                self._serve(self._open[descriptor], events)
        self._close()
        self._found.asked = self._count
        return self._found

    def _connect(self) -> Asking:
        asking = Asking(self._port)
        self._open[asking.sock.fileno()] = asking
        self._poll.register(asking.sock, select.EPOLLIN)
        return asking

    def _release(self) -> None:
        while self._waiting:
            if self._idle:
                asking = self._idle.popleft()
            elif len(self._open) < self._connections_max:
                asking = self._connect()
            else:
                return
            number, due = self._waiting.popleft()
            if number >= self._warm:
                self._found.late_ms.append((time.perf_counter() - due) * 1e3)
            asking.ask(self._message, number, due)
            if asking.unsent:
                self._poll.modify(asking.sock, select.EPOLLIN | select.EPOLLOUT)

    def _serve(self, asking: Asking, events: int) -> None:
        if events & select.EPOLLOUT and asking.unsent:
            asking.send()
            if not asking.unsent:
                self._poll.modify(asking.sock, select.EPOLLIN)
        if not events & ~select.EPOLLOUT:
            return
        if not asking.busy:
            self._idle.remove(asking)
            self._drop(asking)
            return
        try:
            whole = asking.take()
        except BlockingIOError:
            return
        except (OSError, ValueError):
            whole = False
        if whole is None:
            return
        self._answered += 1
        asking.busy = False
        if whole:
            if asking.number >= self._warm:
                self._found.latencies_ms.append((time.perf_counter() - asking.due) * 1e3)
            self._idle.append(asking)
        else:
            self._found.failed += 1
            self._drop(asking)

    def _drop(self, asking: Asking) -> None:
        """Closed by the other side, while it was idle or before its answer was whole."""
        del self._open[asking.sock.fileno()]
        asking.sock.close()

    def _close(self) -> None:
        for asking in self._open.values():
            asking.sock.close()
        self._poll.close()


def due_in(start: float, released: int, count: int, per_second: float) -> float:
    """Seconds until the next request is due; one where all have been."""
    if released >= count:
        return 1.0
    return max(0.0, start + released / per_second - time.perf_counter())


def open_loop(port: int, message: bytes, per_second: float, seconds: float) -> OpenLoop:
    """Blocks for ``seconds`` and until the last answer. Collection of garbage waits meanwhile."""
    gc.collect()
    gc.disable()
    try:
        return Generator(port, message, per_second, max(1, int(per_second * seconds))).run()
    finally:
        gc.enable()


def post_of(target: str, body: bytes, *fields: str) -> bytes:
    """A whole request."""
    lines = [f"POST {target} HTTP/1.1", "Host: bench", "Content-Type: application/octet-stream", *fields]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
