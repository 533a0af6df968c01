"""One child process: started, watched, started again with back-off, drained by closing its standard input."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from sidecar.app.logs import LazyLog
from sidecar.app.spare import Started, start

log = LazyLog()

BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 5.0
HEALTHY_AFTER_S = 10.0
"""A child that lived this long is restarted at once again; the back-off starts anew."""


class Child:
    """Keeps ``python -m module`` running until ``drain``.

    ``hello`` makes the line of JSON each life is told first; before it ``descriptors``, where there are any, come along
    with one byte. ``on_exit`` hears of every end of a life, ``spare`` is a process of the module that may run already,
    ``niceness`` is by how much others go first. The standard input stays open: its end is the order to drain, so that
    a killed supervisor leaves no orphans.
    """

    def __init__(
        self,
        name: str,
        module: str,
        hello: Callable[[], bytes],
        descriptors: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        on_exit: Callable[[], None] = lambda: None,
        spare: Callable[[], Started | None] = lambda: None,
        niceness: int = 0,
    ) -> None:
        self.name = name
        self.module = module
        self.restarts = 0
        self._hello = hello
        self._descriptors = tuple(descriptors)
        self._environment = dict(environment or {})
        self._on_exit = on_exit
        self._spare = spare
        self._niceness = niceness
        self._process: subprocess.Popen[bytes] | None = None
        self._input: asyncio.StreamWriter | None = None
        self._draining = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def run(self) -> None:
        """Until ``drain`` and the end of the last life."""
        backoff_s = BACKOFF_MIN_S
        while not self._draining.is_set():
            started = time.monotonic()
            try:
                code = await self._live()
            except Exception:  # no process, no memory, no file: as if it had died
                log.exception("process_not_started", child=self.name)
                code = -1
            self._on_exit()
            if self._draining.is_set():
                return
            self.restarts += 1
            if code == 0 or time.monotonic() - started > HEALTHY_AFTER_S:  # 0: somebody told it to end
                backoff_s = BACKOFF_MIN_S
            log.error("process_died", child=self.name, code=code, restart_in_s=backoff_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._draining.wait(), backoff_s)
            backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)

    async def _live(self) -> int:
        started = self._spare() or start(self.module, self._environment)
        self._process = process = started.process
        try:
            await self._greet(started.input)
            return await _ended(process)
        finally:
            self._close_input()
            if process.poll() is None:
                process.kill()
                process.wait()
            self._process = self._input = None

    async def _greet(self, ours: socket.socket) -> None:
        if self._niceness:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._process.pid if self._process else 0, self._niceness)
        try:
            if self._descriptors:
                socket.send_fds(ours, [b"\0"], self._descriptors)
            _, self._input = await asyncio.open_connection(sock=ours)
        except BaseException:
            ours.close()
            raise
        self.tell(self._hello())
        if self._draining.is_set():  # it serves who waits for it, and ends
            self._close_input()

    def tell(self, line: bytes) -> None:
        """Write one line to the child's standard input, if it lives."""
        if self._input is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._input.write(line + b"\n")

    def drain(self) -> None:
        """Order the child to finish; it is not started again, nor waited for where it waits to be."""
        self._draining.set()
        self._close_input()

    def _close_input(self) -> None:
        if self._input is not None:
            self._input.close()

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)


async def _ended(process: subprocess.Popen[bytes]) -> int:
    """Its exit code, once it has ended."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # an older kernel, or none of Linux
        return await asyncio.to_thread(process.wait)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()
