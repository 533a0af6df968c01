"""One child process: started, watched, started again with back-off, drained by closing its standard input."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

log = structlog.get_logger()

BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 5.0
HEALTHY_AFTER_S = 10.0
"""A child that lived this long is restarted at once again; the back-off starts anew."""


class Child:
    """Keeps ``python -m module`` running until ``drain``.

    ``hello`` makes the line of JSON each life is told first; ``descriptors`` are inherited. ``on_exit`` hears of
    every end of a life. The standard input stays open: its end is the order to drain, so that a killed supervisor
    leaves no orphans.
    """

    def __init__(
        self,
        name: str,
        module: str,
        hello: Callable[[], bytes],
        descriptors: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        on_exit: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.module = module
        self.restarts = 0
        self._hello = hello
        self._descriptors = tuple(descriptors)
        self._environment = {**os.environ, **(environment or {})}
        self._on_exit = on_exit
        self._process: asyncio.subprocess.Process | None = None
        self._draining = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def run(self) -> None:
        """Until ``drain`` and the end of the last life."""
        backoff_s = BACKOFF_MIN_S
        while not self._draining:
            started = time.monotonic()
            try:
                code = await self._live()
            except Exception:  # no process, no memory, no file: as if it had died
                log.exception("process_not_started", child=self.name)
                code = -1
            self._on_exit()
            if self._draining:
                return
            self.restarts += 1
            backoff_s = BACKOFF_MIN_S if time.monotonic() - started > HEALTHY_AFTER_S else backoff_s
            log.error("process_died", child=self.name, code=code, restart_in_s=backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)

    async def _live(self) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.module,
            stdin=asyncio.subprocess.PIPE,
            pass_fds=self._descriptors,
            env=self._environment,
            start_new_session=True,  # Ctrl-C in a terminal reaches the supervisor alone
        )
        self._process = process
        if self._draining:
            self._close_input()
        else:
            self.tell(self._hello())
        try:
            return await process.wait()
        finally:
            self._process = None

    def tell(self, line: bytes) -> None:
        """Write one line to the child's standard input, if it lives."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._process.stdin.write(line + b"\n")

    def drain(self) -> None:
        """Order the child to finish; it is not started again."""
        self._draining = True
        self._close_input()

    def _close_input(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
