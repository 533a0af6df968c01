"""The process in which images are decoded: a hostile one can take it down, or stall it, and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

T = TypeVar("T")

DECODE_TIMEOUT_S = 30.0
START_TIMEOUT_S = 60.0


class NotStarted(OSError):
    """There is no child, and none could be started: nothing is known of what it was asked."""


class ImageProcess:
    """One child process, started at the first call and again after it died. ``restarts`` counts those, by reason.

    Raises TimeoutError after ``timeout_s`` (the child is killed), BrokenProcessPool where the child died of what it was
    asked, and NotStarted.
    """

    def __init__(self, timeout_s: float = DECODE_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._pool: ProcessPoolExecutor | None = None
        self._pid = 0
        self._turn = asyncio.Lock()
        self.restarts: Counter[str] = Counter()

    @property
    def pid(self) -> int:
        """The child's, 0 where there is none."""
        return self._pid

    async def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """``function(*arguments)`` in the child; both must be picklable. One call at a time, the others wait."""
        async with self._turn:
            asked = await self._asked(function, *arguments)
            try:
                return await asyncio.wait_for(asked, self._timeout_s)
            except TimeoutError:
                self._abandon("timeout")
                raise
            except BrokenProcessPool:
                self._abandon("crashed")
                raise
            except asyncio.CancelledError:
                self._abandon("cancelled")
                raise

    async def close(self) -> None:
        """End the child."""
        async with self._turn:
            pool, self._pool, self._pid = self._pool, None, 0
            if pool is not None:
                await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def _asked(self, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        pool = self._pool or await self._start()
        try:
            return loop.run_in_executor(pool, function, *arguments)
        except BrokenProcessPool:  # it died while nothing was asked of it
            self._abandon("crashed")
            return loop.run_in_executor(await self._start(), function, *arguments)

    async def _start(self) -> ProcessPoolExecutor:
        pool = None
        try:
            # spawn: a fork would copy the monitor's threads' locks and its open store
            pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_prepare_child)
            self._pid = await asyncio.wait_for(
                asyncio.get_running_loop().run_in_executor(pool, os.getpid), START_TIMEOUT_S
            )
        except BaseException as error:
            if pool is not None:
                pool.shutdown(wait=False, cancel_futures=True)
            if isinstance(error, (BrokenProcessPool, MemoryError, OSError)):  # the latter has TimeoutError, too
                raise NotStarted(f"the image process did not start: {error or type(error).__name__}") from error
            raise
        self._pool = pool
        return pool

    def _abandon(self, reason: str) -> None:
        self.restarts[reason] += 1
        pool, pid, self._pool, self._pid = self._pool, self._pid, None, 0
        if reason != "crashed" and pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


def _prepare_child() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's
    os.nice(5)  # inference on the same machine goes first
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
