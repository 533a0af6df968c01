"""The worker's end of the link: frames to the monitor, never a wait for it; clients' questions and their replies.

Sequenced frames stay until they are acknowledged, within ``tap_bytes_max``, and are sent again in order after a
reconnect. Frames that were in flight when a connection was lost are suspects: they go one at a time, and one that was
alone in flight at a second loss is dropped, counted as ``link/poison``. Counts are never dropped, they wait and merge.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from sidecar.link import (
    Frame,
    FrameDecoder,
    FrameError,
    Kind,
    pack_counts,
    pack_frame,
    pack_json,
    settings_from_json,
    unpack_reply,
)
from sidecar.proxy.asks import Asks
from sidecar.proxy.counts import CountBook
from sidecar.proxy.ring import Ring
from sidecar.proxy.wanted import Wanted
from sidecar.shipping import pack_exchange
from sidecar.types import Exchange, ProxySettings

FLUSH_S = 0.05
FLUSH_BYTES = 64 << 10
STATUS_S = 1.0
BACKOFF_S = (0.05, 2.0)
COUNT_ROWS_MAX = 1_024
FRAME_OVERHEAD_BYTES = 200


@dataclass(slots=True)
class Pending:
    """A sequenced frame not yet acknowledged. ``losses`` counts connections lost while it was alone in flight."""

    sequence: int
    kind: Kind
    frame: bytes
    exchanges: int
    suspect: bool = False
    losses: int = 0

    @property
    def size(self) -> int:
        return len(self.frame) + FRAME_OVERHEAD_BYTES


class Tap:
    """Ships exchanges, counts, status and wanted images of worker ``worker`` to the socket at ``path``.

    ``status`` gives the gauges of a STATUS frame, ``apply`` takes new settings, ``settings_version`` tells those in
    force.
    """

    def __init__(
        self,
        path: str,
        worker: int,
        epoch: int,
        bytes_max: int,
        book: CountBook,
        ring: Ring,
        asks: Asks,
        status: Callable[[], dict[str, Any]],
        apply: Callable[[ProxySettings], object],
        settings_version: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self.dropped: dict[str, int] = {}
        self.bytes_max = bytes_max
        self._path = path
        self._worker = worker
        self._epoch = epoch
        self._book = book
        self._ring = ring
        self._asks = asks
        self._status = status
        self._apply = apply
        self._settings_version = settings_version
        self._clock = clock
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._pending: deque[Pending] = deque()
        self._in_flight = 0
        self._bytes = 0
        self._sequence = 0
        self._wanted = Wanted(ring)
        self._link: _Link | None = None
        self._flush_timer: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def backlog_bytes(self) -> int:
        """What waits for the monitor: frames not acknowledged, and the batch to come."""
        return self._bytes + self._batch_bytes

    @property
    def connected(self) -> bool:
        return self._link is not None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep_connected()), loop.create_task(self._tell())]

    async def close(self, flush_s: float) -> None:
        """Ships what is left and waits for its acknowledgement, up to ``flush_s``."""
        self.flush()
        self._ship_counts()
        try:
            async with asyncio.timeout(flush_s):
                while self._pending and self._tasks:
                    await asyncio.sleep(0.01)
                    if not self.connected:
                        self._ship_counts()
        except TimeoutError:
            pass
        for task in self._tasks:
            task.cancel()
        if self._link is not None:
            self._link.close()

    # -- in --------------------------------------------------------------------------------------------------------

    def exchange(self, exchange: Exchange) -> None:
        """Queues an exchange, or drops it, counted, where the monitor is too far behind."""
        if exchange.role == "shadow" and self.backlog_bytes + len(exchange.response_body) > self.bytes_max // 2:
            # what clients were answered goes first: the pair counts, as one that could not be read
            exchange = replace(exchange, response_body=b"", response_too_large=True)
            self.drop("tap", "shadow_body")
        packed = pack_exchange(exchange)
        if self.backlog_bytes + len(packed) + FRAME_OVERHEAD_BYTES > self.bytes_max:
            self.drop("tap", "overflow")
            return
        self._batch.append(packed)
        self._batch_bytes += len(packed)
        if self._batch_bytes >= FLUSH_BYTES:
            self.flush()
        elif self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def drop(self, stage: str, reason: str, number: int = 1) -> None:
        key = f"{stage}/{reason}"
        self.dropped[key] = self.dropped.get(key, 0) + number

    def flush(self) -> None:
        """Closes the batch into a frame."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if self._batch:
            batch, self._batch, self._batch_bytes = self._batch, [], 0
            self._queue(Kind.EXCHANGES, b"".join(batch), len(batch))

    def _ship_counts(self) -> None:
        """Moves what was counted into a frame, unless frames pile up: then it stays in the book, where it merges."""
        if len(self._book) and self._bytes < self.bytes_max // 2 and (self._link is not None or not self._pending):
            self._queue(Kind.COUNTS, pack_counts(self._book.take(COUNT_ROWS_MAX)), 0)

    def _queue(self, kind: Kind, payload: bytes, exchanges: int) -> None:
        self._sequence += 1
        pending = Pending(self._sequence, kind, pack_frame(kind, payload, self._sequence), exchanges)
        self._pending.append(pending)
        self._bytes += pending.size
        self._pump()

    # -- out -------------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Sends what the connection takes: clients' questions first, then frames, then parts of images."""
        link = self._link
        while link is not None and not link.paused:
            if self._asks.waiting:
                link.write(self._asks.next_frame())
            elif self._in_flight < len(self._pending):
                if self._in_flight and (self._pending[0].suspect or self._pending[self._in_flight].suspect):
                    return
                link.write(self._pending[self._in_flight].frame)
                self._in_flight += 1
            elif frame := self._wanted.next_frame():
                link.write(frame)
            else:
                return

    def received(self, frame: Frame) -> None:
        """A frame of the monitor's."""
        if frame.kind is Kind.ACK:
            self._acknowledge(frame.sequence)
        elif frame.kind is Kind.SETTINGS:
            self._take_settings(frame.payload)
        elif frame.kind is Kind.WANT:
            self._want(frame.payload.decode("ascii", "replace"))
        elif frame.kind is Kind.RELEASE:
            self._ring.release(frame.payload.decode("ascii", "replace"), self._clock())
        elif frame.kind is Kind.REPLY:
            self._asks.replied(*unpack_reply(frame.payload))

    def _acknowledge(self, sequence: int) -> None:
        while self._pending and self._pending[0].sequence <= sequence:
            self._bytes -= self._pending.popleft().size
            self._in_flight = max(0, self._in_flight - 1)
        self._pump()

    def _take_settings(self, payload: bytes) -> None:
        """Settings that can't be applied change nothing; the last good ones stay."""
        try:
            self._apply(settings_from_json(payload))
        except Exception as error:  # whatever is wrong with them, the last good ones serve on
            self.drop("settings", "refused")
            self.log("error", "settings_refused", reason=str(error))

    def _want(self, prediction_id: str) -> None:
        if not self._wanted.ask(prediction_id):
            self.drop("image", "overflow")
        self._pump()

    def log(self, level: str, event: str, **fields: str) -> bool:
        """Tells the monitor of an event. False: it is not there."""
        if self._link is None or self._link.paused:
            return False
        self._link.write(pack_frame(Kind.LOG, pack_json({"level": level, "event": event, **fields})))
        return True

    # -- connection ------------------------------------------------------------------------------------------------

    def linked(self, link: _Link) -> None:
        self._link = link
        self._in_flight = 0
        hello = {
            "worker": self._worker,
            "epoch": self._epoch,
            "pid": os.getpid(),
            "settings": self._settings_version(),
        }
        link.write(pack_frame(Kind.HELLO, pack_json(hello)))
        self._asks.linked(self._pump)
        self._send_status()
        self._pump()

    def unlinked(self) -> None:
        """The connection is lost: what was in flight is suspect; alone in flight twice, it is poison."""
        self._link = None
        self._wanted.clear()
        in_flight, self._in_flight = self._in_flight, 0
        for index in range(in_flight):
            self._pending[index].suspect = True
        if in_flight == 1:
            first = self._pending[0]
            first.losses += 1
            if first.losses >= 2 and first.kind is Kind.EXCHANGES:
                self._pending.popleft()
                self._bytes -= first.size
                self.drop("link", "poison", first.exchanges)
        self._asks.lost()

    def resumed(self) -> None:
        self._pump()

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = BACKOFF_S[0]
        while True:
            try:
                _, link = await loop.create_unix_connection(lambda: _Link(self), self._path)
            except OSError:
                wait_s = min(wait_s * 2, BACKOFF_S[1])
            else:
                started = self._clock()
                await link.lost
                wait_s = BACKOFF_S[0] if self._clock() - started > 1 else min(wait_s * 2, BACKOFF_S[1])
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(STATUS_S)
            self._ship_counts()
            self._send_status()

    def _send_status(self) -> None:
        if self._link is not None and not self._link.paused:
            backlog = {"tap_bytes": self.backlog_bytes, "tap_bytes_max": self.bytes_max}
            status = {**self._status(), **backlog, "dropped": self.dropped}
            self._link.write(pack_frame(Kind.STATUS, pack_json(status)))


class _Link(asyncio.Protocol):
    """One connection to the monitor."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._decoder = FrameDecoder()
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.paused = False
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._tap.linked(self)

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._decoder.feed(data):
                self._tap.received(frame)
        except FrameError:
            self._tap.drop("link", "malformed")
            self._transport.abort()

    def write(self, frame: bytes) -> None:
        self._transport.write(frame)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self._tap.resumed()

    def close(self) -> None:
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tap.unlinked()
        if not self.lost.done():
            self.lost.set_result(None)
