"""The monitor's end of the link: one Unix socket, a connection per worker, frames in, acknowledgements out."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import structlog

from sidecar.link import (
    Frame,
    FrameDecoder,
    FrameError,
    Kind,
    pack_frame,
    settings_to_json,
    unpack_ask,
    unpack_image,
    unpack_json,
)
from sidecar.monitor.asks import Asks, OnAsk, refuse
from sidecar.types import ProxySettings

log = structlog.get_logger()

QUEUE_BYTES_MAX = 16 << 20
"""Sequenced frames that wait for the pipeline; over it the workers' sockets are not read. Workers keep what is not
acknowledged, so it takes its room twice."""
IMAGES_BYTES_MAX = 64 << 20
"""Request bodies under assembly; a body that would pass it is dropped and counted."""
COUNTS = ("dropped", "limits_hit", "tls_failed")
"""Of a worker's status, what it counts by name since its start."""
WORKERS_REMEMBERED_MAX = 64
"""Lives of workers of which the last status is kept; of a life that is let go, only what it counted is."""


@dataclass(slots=True)
class WorkerState:
    """What is known of one life of one worker."""

    worker: int
    epoch: int
    pid: int = 0
    connected: bool = True
    status: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Received:
    """A sequenced frame and the worker life it came from."""

    worker: int
    epoch: int
    frame: Frame


class Intake:
    """Listens on ``path``; ``positions`` are the sequences the store has already committed.

    ``on_image(id, body)`` and ``on_missing(id, reason)`` answer what ``want`` asked for. They must not block.
    ``starts`` counts the lives of each worker that were heard of; ``counted`` sums over all of them, so it never falls.
    ``on_ask(body)`` gives status, media type and body of what a client is answered that asked on the data port; what
    was answered is counted by status in ``asked``.
    """

    def __init__(
        self,
        path: Path,
        settings: ProxySettings,
        positions: Mapping[tuple[int, int], int],
        on_image: Callable[[str, bytes], None],
        on_missing: Callable[[str, str], None],
        on_ask: OnAsk = refuse,
    ) -> None:
        self.path = path
        self.settings = settings
        self.positions = dict(positions)
        self.on_image = on_image
        self.on_missing = on_missing
        self.asks = Asks(on_ask)
        self.workers: dict[tuple[int, int], WorkerState] = {}
        self.starts: Counter[int] = Counter()
        self._let_go: dict[str, Counter[str]] = {name: Counter() for name in COUNTS}
        self.dropped: Counter[tuple[str, str]] = Counter()
        self.images: dict[str, _Assembly] = {}
        self.images_bytes = 0
        self._connections: dict[tuple[int, int], _Connection] = {}
        self._accepted: set[_Connection] = set()
        self._queue: deque[Received] = deque()
        self._queue_bytes = 0
        self._arrived = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self.path.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Connection(self), str(self.path))

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        await self.asks.stop()
        for connection in list(self._accepted):
            connection.close()

    async def take(self, wait_s: float, frames_max: int) -> list[Received]:
        """What has arrived, in order; waits up to ``wait_s`` for the first frame. May be empty."""
        if not self._queue:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), wait_s)
            except TimeoutError:
                return []
        taken = [self._queue.popleft() for _ in range(min(frames_max, len(self._queue)))]
        was_full = self._queue_bytes > QUEUE_BYTES_MAX
        self._queue_bytes -= sum(len(received.frame.payload) for received in taken)
        if was_full and self._queue_bytes <= QUEUE_BYTES_MAX:
            for connection in self._accepted:
                connection.resume()
        return taken

    @property
    def asked(self) -> Counter[int]:
        """Clients' questions by the status they were answered with."""
        return self.asks.asked

    @property
    def queued(self) -> tuple[int, int]:
        """Frames that wait for the pipeline, and their bytes."""
        return len(self._queue), self._queue_bytes

    @property
    def is_quiet(self) -> bool:
        """No worker is connected and nothing waits: all that was shipped has been taken."""
        return not self._connections and not self._queue

    def acknowledge(self, positions: Mapping[tuple[int, int], int]) -> None:
        """Tell the workers that all up to these sequences is committed."""
        for life, sequence in positions.items():
            self.positions[life] = max(sequence, self.positions.get(life, 0))
            self._send(life, pack_frame(Kind.ACK, sequence=sequence))

    def want(self, worker: int, epoch: int, prediction_id: str) -> bool:
        """Ask for a request's body. False where that worker is gone."""
        return self._send((worker, epoch), pack_frame(Kind.WANT, prediction_id.encode()))

    def release(self, worker: int, epoch: int, prediction_id: str) -> None:
        """Say that a pinned body is not wanted."""
        self._send((worker, epoch), pack_frame(Kind.RELEASE, prediction_id.encode()))

    def apply(self, settings: ProxySettings) -> None:
        """Hand new settings to every worker that is connected, and to those that connect later."""
        self.settings = settings
        frame = pack_frame(Kind.SETTINGS, settings_to_json(settings))
        for life in list(self._connections):
            self._send(life, frame)

    def _send(self, life: tuple[int, int], frame: bytes) -> bool:
        connection = self._connections.get(life)
        return connection is not None and connection.send(frame)

    def joined(self, connection: _Connection, hello: Mapping[str, Any]) -> tuple[int, int]:
        life = (int(hello["worker"]), int(hello["epoch"]))
        self._connections[life] = connection
        self.starts[life[0]] += life not in self.workers
        state = self.workers.setdefault(life, WorkerState(*life))
        state.pid, state.connected = int(hello.get("pid", 0)), True
        if int(hello.get("settings", 0)) != self.settings.version:
            connection.send(pack_frame(Kind.SETTINGS, settings_to_json(self.settings)))
        while len(self.workers) > WORKERS_REMEMBERED_MAX and (over := self._over()) is not None:
            status = self.workers.pop(over).status
            for name, sums in self._let_go.items():
                sums.update(status.get(name, {}))
        return life

    def _over(self) -> tuple[int, int] | None:
        """The life that may be let go: the one first heard of among those that are away. One that was followed by
        another of its worker goes before; only that is sure not to come back, and to count again what was added up."""
        away = [life for life, state in self.workers.items() if not state.connected]
        newest = dict(sorted(self.workers))
        followed = (life for life in away if life[1] < newest[life[0]])
        return next(followed, away[0] if away else None)

    def counted(self, name: str) -> Counter[str]:
        """The sums of one of COUNTS over all lives of all workers."""
        sums = self._let_go[name].copy()
        for state in self.workers.values():
            sums.update(state.status.get(name, {}))
        return sums

    def left(self, connection: _Connection) -> None:
        self._accepted.discard(connection)
        life = connection.life
        if life is not None and self._connections.get(life) is connection:
            del self._connections[life]
            self.workers[life].connected = False
            for name in [name for name, part in self.images.items() if part.life == life]:
                self._forget_image(name)
                self._lose_image(name, "worker_gone")

    def accepted(self, connection: _Connection) -> None:
        self._accepted.add(connection)

    def sequenced(self, life: tuple[int, int], frame: Frame) -> bool:
        """Queue a frame unless it is committed already. False: stop reading, the queue is full."""
        if frame.sequence <= self.positions.get(life, 0):
            self._send(life, pack_frame(Kind.ACK, sequence=self.positions[life]))
            return True
        self._queue.append(Received(*life, frame))
        self._queue_bytes += len(frame.payload)
        self._arrived.set()
        return self._queue_bytes <= QUEUE_BYTES_MAX

    def image_part(self, life: tuple[int, int], payload: bytes) -> None:
        name, offset, total, part = unpack_image(payload)
        assembly = self.images.get(name)
        if offset == 0:
            if assembly is not None:
                self._forget_image(name)
            if self.images_bytes + total > IMAGES_BYTES_MAX:
                self._lose_image(name, "assembly_full")
                return
            assembly = self.images[name] = _Assembly(total, life)
            self.images_bytes += total
        if assembly is None:
            return
        if offset != len(assembly.received):
            self._forget_image(name)
            self._lose_image(name, "out_of_order")
            return
        assembly.received += part
        if len(assembly.received) == assembly.total:
            self._forget_image(name)
            self.on_image(name, bytes(assembly.received))

    def missing(self, payload: bytes) -> None:
        answer = unpack_json(payload)
        self.on_missing(str(answer.get("id", "")), str(answer.get("reason", "unknown")))

    def _forget_image(self, name: str) -> None:
        self.images_bytes -= self.images.pop(name).total

    def _lose_image(self, name: str, reason: str) -> None:
        self.dropped["image", reason] += 1
        self.on_missing(name, reason)


@dataclass(slots=True)
class _Assembly:
    total: int
    life: tuple[int, int]
    received: bytearray = field(default_factory=bytearray)


class _Connection(asyncio.Protocol):
    """One worker's connection. A frame that is no frame ends it; the worker comes back and sends again."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.life: tuple[int, int] | None = None
        self.decoder = FrameDecoder()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self.intake.accepted(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.intake.left(self)

    def data_received(self, data: bytes) -> None:
        try:
            room = True
            for frame in self.decoder.feed(data):
                room = self._frame(frame) and room
        except (FrameError, KeyError, TypeError, ValueError, AttributeError) as error:
            self.intake.dropped["link", "bad_frame"] += 1
            log.warning("link_bad_frame", worker=self.life, error=str(error))
            self.close()
            return
        if not room and self.transport is not None:
            self.transport.pause_reading()

    def _frame(self, frame: Frame) -> bool:
        if frame.kind is Kind.HELLO:
            self.life = self.intake.joined(self, unpack_json(frame.payload))
            return True
        if self.life is None:
            raise FrameError(f"{frame.kind.name} before HELLO")
        match frame.kind:
            case Kind.EXCHANGES | Kind.COUNTS:
                return self.intake.sequenced(self.life, frame)
            case Kind.STATUS:
                self.intake.workers[self.life].status = unpack_json(frame.payload)
            case Kind.IMAGE:
                self.intake.image_part(self.life, frame.payload)
            case Kind.MISSING:
                self.intake.missing(frame.payload)
            case Kind.ASK:
                self.intake.asks.ask(*unpack_ask(frame.payload), self.send)
            case Kind.LOG:
                _log_worker(self.life[0], unpack_json(frame.payload))
            case _:
                raise FrameError(f"{frame.kind.name} is not for the monitor")
        return True

    def send(self, frame: bytes) -> bool:
        if self.transport is None or self.transport.is_closing():
            return False
        self.transport.write(frame)
        return True

    def resume(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()


def _log_worker(worker: int, line: dict[str, Any]) -> None:
    event = str(line.pop("event", "worker"))
    level = str(line.pop("level", "info"))
    write = getattr(log, level if level in {"debug", "info", "warning", "error"} else "info")
    write(event, **{**line, "worker": worker})
