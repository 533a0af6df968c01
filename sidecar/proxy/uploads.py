"""Clients that send or take slowly: how long they may, and how many of them may hold an upstream's connection.

A request is passed on as its body comes. But of those of which little has come yet only some are: the others are kept
back until they are whole, or enough has come to tell them from a client that sends a byte now and then; where no room
is left to keep them in, the slowest of them are refused. Where clients that send their bodies or take their answers
slowly hold more than half of the connections and a request waits for one, the slowest of them are ended. So whoever has
something to send, and takes what comes, finds a connection whatever others do.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from sidecar.types import Limits

if TYPE_CHECKING:
    from sidecar.proxy.downstream import Downstream
    from sidecar.proxy.relay import Proxy
    from sidecar.proxy.stream import Stream

EARLY_PART = 4
"""One in so many connections to an upstream may be held by a request of which little has come."""
SLOW_PART = 2
"""One in so many, where others wait, by a client that sends its body, or takes its answer, under SLOW_BYTES_PER_S."""
SLOW_BYTES_PER_S = 65_536
UPLOAD_GRACE_S = 1.0
READER_GRACE_S = 2.0
"""A client takes in lumps: its kernel says that there is room again once some 100 KB are free."""
ROOM_PART = 16
"""One in so many of the bytes that may be kept back are freed at once, so that one look at all serves for many."""


class Clients:
    """Those of one upstream: ``early`` is how many requests were passed on with little come; ``readers`` has, longest
    first, those whose client doesn't take its answer for now; ``uploads`` are bodies that are not whole yet."""

    __slots__ = ("early", "readers", "uploads")

    def __init__(self) -> None:
        self.early = 0
        self.readers: dict[Stream, Reader] = {}
        self.uploads: dict[Upload, Stream] = {}

    def pause(self, stream: Stream, client: Downstream | None) -> None:
        """``client`` takes no more of the answer for now; None: it does again."""
        if client is not None:
            self.readers.setdefault(stream, Reader(client))
        else:
            self.readers.pop(stream, None)

    def leave(self, stream: Stream, upload: Upload | None) -> None:
        """It is over."""
        if upload is not None:
            upload.end()
        if self.readers:
            self.readers.pop(stream, None)

    def sweep(self, now: float, limits: Limits, hit: Callable[[str], None], waiting: bool) -> None:
        """Ends whom it must to keep connections for others. ``waiting``: a request finds none."""
        for reader in self.readers.values():
            reader.watch(now)
        if not waiting:
            return
        slow = self._slow(now)
        over = len(slow) - max(1, limits.upstream_connections_max // SLOW_PART)
        for stream in sorted(slow, key=slow.__getitem__)[: max(0, over)]:
            if stream in self.readers:
                hit("slow_readers_max")
                stream.cut_off()
            else:
                hit("slow_uploads_max")
                stream.refuse_body(408, "the request body comes slowly, and others wait")

    def _slow(self, now: float) -> dict[Stream, float]:
        """Who holds a connection and is slow, with its bytes a second."""
        slow = {
            stream: upload.rate(now, stream.request_bytes)
            for upload, stream in self.uploads.items()
            if upload.holds_connection and upload.is_slow(now, stream.request_bytes)
        }
        for stream, reader in self.readers.items():
            if (rate := reader.slow_rate(now)) is not None:
                slow[stream] = rate
        return slow


class Reader:
    """A client that doesn't take its answer for now. It is watched from the first sweep on that finds it, when all that
    had come of the answer before its upstream was held is written."""

    __slots__ = ("_client", "_since", "_unsent")

    def __init__(self, client: Downstream) -> None:
        self._client = client
        self._since = self._unsent = 0.0

    def watch(self, now: float) -> None:
        if not self._since:
            self._since, self._unsent = now, self._client.unsent()

    def slow_rate(self, now: float) -> float | None:
        """The bytes a second that have reached it since, where those are few."""
        lasts_s = now - self._since
        if lasts_s <= READER_GRACE_S:
            return None
        taken = self._unsent - self._client.unsent()
        return taken / lasts_s if taken < SLOW_BYTES_PER_S * (lasts_s - READER_GRACE_S) else None


class Held:
    """Bodies of all upstreams that are kept back, and how much of them has come."""

    __slots__ = ("_uploads", "bytes")

    def __init__(self) -> None:
        self.bytes = 0
        self._uploads: dict[Upload, Stream] = {}

    def add(self, upload: Upload, stream: Stream) -> None:
        self._uploads[upload] = stream

    def drop(self, upload: Upload) -> None:
        del self._uploads[upload]
        self.bytes -= upload.held_bytes

    def make_room(self, now: float, bytes_max: int, hit: Callable[[str], None]) -> None:
        """Where there are more bytes than may be, refuses the slowest; who is not slow only where it must."""
        if self.bytes <= bytes_max:
            return
        for slow, upload, stream in self._slowest_first(now):
            if self.bytes <= bytes_max - (bytes_max // ROOM_PART if slow else 0):
                break
            if upload.held_bytes:
                hit("upload_held_bytes_max")
                if slow:
                    stream.refuse_body(408, "the request body comes slowly, and others need its room")
                else:
                    stream.on_failure("overloaded", "too many requests come slowly", 503)

    def _slowest_first(self, now: float) -> list[tuple[bool, Upload, Stream]]:
        """All of them, and whether each is slow, which one that has just begun is not."""
        ranked = [
            (not upload.is_slow(now, stream.request_bytes), upload.rate(now, stream.request_bytes), upload, stream)
            for upload, stream in self._uploads.items()
        ]
        ranked.sort(key=lambda entry: entry[:2])
        return [(not fast, upload, stream) for fast, _, upload, stream in ranked]


class Upload:
    """A body that was not whole with its request's head. ``held``: it is kept back, and ``held_bytes`` of it count
    towards the ``upload_held_bytes_max`` of the proxy."""

    __slots__ = ("_clients", "_early", "_is_slow", "_limits", "_paused_at", "_proxy", "began", "held", "held_bytes")

    def __init__(self, stream: Stream, proxy: Proxy, clients: Clients, limits: Limits) -> None:
        self._proxy, self._clients, self._limits = proxy, clients, limits
        received = stream.request_bytes
        clients.uploads[self] = stream
        self.began = monotonic()
        self.held_bytes, self._paused_at, self._is_slow = 0, 0.0, False
        little = received < limits.upload_early_bytes
        self.held = little and clients.early >= max(1, limits.upstream_connections_max // EARLY_PART)
        self._early = little and not self.held
        clients.early += self._early
        if self.held:
            proxy.hit("early_uploads_max")
            proxy.held.add(self, stream)
            self._hold(received)

    @property
    def holds_connection(self) -> bool:
        """And waits for its client alone: it neither queues for one, nor for the upstream to take more."""
        return not self.held and not self._paused_at

    def receive(self, size: int, received: int, ended: bool) -> bool:
        """``size`` bytes more came, ``received`` in all. True: it was held, and is to be passed on now."""
        if ended or received >= self._limits.upload_early_bytes:
            held = self.held
            self._pass_on()
            if ended:
                self.end()
            return held
        if self.held:
            self._hold(size)
        return False

    def end(self) -> None:
        """Nothing is counted for it any more."""
        self._pass_on()
        self._clients.uploads.pop(self, None)

    def rate(self, now: float, received: int) -> float:
        """Its bytes a second so far."""
        return received / max(now - self.began, 0.001)

    def is_slow(self, now: float, received: int) -> bool:
        """Whether it has come slowly so far, which can't be said of one that has just begun."""
        return now - self.began > UPLOAD_GRACE_S and self.rate(now, received) < SLOW_BYTES_PER_S

    def _pass_on(self) -> None:
        self._clients.early -= self._early
        if self.held:
            self._proxy.held.drop(self)
        self.held_bytes, self._early, self.held = 0, False, False

    def _hold(self, size: int) -> None:
        self.held_bytes += size
        self._proxy.held.bytes += size

    def pause(self, paused: bool) -> None:
        """No connection is free yet, or the upstream takes no more for now: that time is not the client's."""
        now = monotonic()
        if paused:
            self._paused_at = self._paused_at or now
        elif self._paused_at:
            self.began += now - self._paused_at
            self._paused_at = 0.0

    def deadline(self, now: float, received: int) -> float:
        """Until when more must have come, or be taken."""
        silent = now + self._limits.idle_timeout_s
        slow = silent if self._paused_at else slow_after(self.began, received, self._limits)
        self._is_slow = slow < silent
        return min(slow, silent)

    def timed_out(self) -> None:
        """Counts by which bound."""
        if self._is_slow:
            self._proxy.hit("body_bytes_per_s_min")
        else:
            self._proxy.hit("idle_timeout_s")


def slow_after(began: float, received: int, limits: Limits) -> float:
    """When a body of which so much has come is too slow (monotonic seconds): once ``body_grace_s`` is over it must have
    come to ``body_bytes_per_s_min`` on average; 0: to anything.

    >>> slow_after(0.0, 500, Limits()), slow_after(0.0, 100_000, Limits())
    (21.0, 220.0)
    """
    if limits.body_bytes_per_s_min <= 0:
        return inf
    return began + limits.body_grace_s + received / limits.body_bytes_per_s_min
