"""One worker's place: its listener, and the processes that serve at it one after the other.

The listener stays open across them: connections that wait in its queue are served by whoever comes next instead of
being reset. A worker that is told to end alone says so once it accepts no more. Its successor starts then, and both
live until the first has answered what it had; who asks for either by its number and epoch finds the right one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from sidecar.app.lifecycle import Child
from sidecar.app.logs import LazyLog
from sidecar.app.spare import WORKER, WORKER_ENVIRONMENT, take_worker

log = LazyLog()

STATUS_LINE_BYTES_MAX = 65_536
ENDING_MAX = 2
"""Workers of one place that end while another serves already. One more is followed when the first of them has ended:
whoever tells each of them to end is not to fill the memory."""


@dataclass(slots=True)
class _Turn:
    """A worker, with its restarts, until it is told to end. ``status`` is what it told last, by a pipe of its own."""

    child: Child
    status: dict[str, Any] = field(default_factory=dict)


class WorkerSlot:
    """``hello`` makes the first line of a worker of that number; ``on_accepting`` hears each time that one accepts."""

    def __init__(
        self,
        index: int,
        listener: socket.socket,
        hello: Callable[[int], bytes],
        on_accepting: Callable[[], None] = lambda: None,
    ) -> None:
        self.index = index
        self.listener = listener
        self._hello = hello
        self._on_accepting = on_accepting
        self._turns: list[_Turn] = []
        self._lives: dict[Child, asyncio.Task[None]] = {}
        self._draining = False

    @property
    def status(self) -> Mapping[str, Any]:
        """What the newest worker told last: if one accepts, it does."""
        return self._turns[-1].status if self._turns else {}

    @property
    def lives(self) -> Mapping[Child, asyncio.Task[None]]:
        """The workers there are, and the task of each, which ends with it."""
        return dict(self._lives)

    def start(self) -> None:
        """Begins with a worker that is started again each time it dies. Raises OSError where no file can be opened."""
        reading, writing = os.pipe()
        turn = _Turn(
            Child(
                f"worker {self.index}",
                WORKER,
                lambda: self._hello(self.index),
                descriptors=(self.listener.fileno(), writing),
                environment=WORKER_ENVIRONMENT,
                on_exit=lambda: self._exited(turn),
                spare=take_worker,
            )
        )
        self._turns.append(turn)
        self._lives[turn.child] = asyncio.create_task(self._live(turn, os.fdopen(reading, "rb", buffering=0), writing))

    def drain(self) -> None:
        """Tells its workers to end, and refuses clients as soon as none accepts any more."""
        self._draining = True
        for turn in self._turns:
            turn.child.drain()
        self._refuse_where_nobody_comes()

    async def _live(self, turn: _Turn, pipe: IO[bytes], writing: int) -> None:
        telling = asyncio.create_task(self._read_status(pipe, turn))
        try:
            await turn.child.run()
        finally:
            telling.cancel()
            os.close(writing)
            self._turns.remove(turn)
            del self._lives[turn.child]
        if not self._draining:
            log.info("worker_replaced", child=turn.child.name)
            self._hand_over()

    async def _read_status(self, pipe: IO[bytes], turn: _Turn) -> None:
        """Keep the status as the worker tells it, a line of JSON each."""
        reader = asyncio.StreamReader(limit=STATUS_LINE_BYTES_MAX)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            while line := await reader.readline():
                with contextlib.suppress(ValueError, TypeError):
                    turn.status.update(json.loads(line))
                    self._told(turn)
        finally:
            transport.close()

    def _told(self, turn: _Turn) -> None:
        if turn.status.get("accepting"):
            self._on_accepting()
        self._hand_over()
        self._refuse_where_nobody_comes()

    def _exited(self, turn: _Turn) -> None:
        turn.status.clear()
        self._refuse_where_nobody_comes()

    def _hand_over(self) -> None:
        """Starts the successor of the newest worker, where that accepts no more; it is told so by nobody here."""
        newest = self._turns[-1]
        if self._draining or not newest.status.get("ending") or len(self._turns) > ENDING_MAX:
            return
        try:
            self.start()
        except OSError:  # it is started again once it has ended, then
            log.exception("successor_not_started", child=newest.child.name)
        else:
            newest.child.drain()

    def _refuse_where_nobody_comes(self) -> None:
        """In a drain no worker is started: where none accepts, nor is about to, clients are not left to wait."""
        if self._draining and not any(turn.child.pid and not turn.status.get("ending") for turn in self._turns):
            self.listener.close()
