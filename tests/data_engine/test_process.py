"""The process of its own that images are decoded in."""

import asyncio
import os
import signal
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from sidecar.data_engine import ImageProcess
from sidecar.data_engine.process import NotStarted


async def test_call_runs_in_another_process(process) -> None:
    """The monitor's process never touches pixels."""
    pid = await process.call(os.getpid)
    assert pid == process.pid
    assert pid != os.getpid()


async def test_child_that_dies_is_replaced_at_the_next_call(process) -> None:
    """A decoder that takes its process down fails one call, counted, and the next is served."""
    with pytest.raises(BrokenProcessPool):
        await process.call(os._exit, 3)
    assert process.restarts == {"crashed": 1}
    assert await process.call(abs, -4) == 4


async def test_child_that_died_while_idle_costs_no_call(process) -> None:
    """What is asked next is not to blame, and is answered by a new child."""
    await process.call(abs, -4)
    os.kill(process.pid, signal.SIGKILL)
    await asyncio.to_thread(process._pool._executor_manager_thread.join)  # it ends once it has noticed
    assert await process.call(abs, -5) == 5
    assert process.restarts == {"crashed": 1}


@pytest.mark.parametrize("fault", [OSError(11, "Resource temporarily unavailable"), MemoryError(), TimeoutError()])
async def test_start_that_fails_is_told_from_a_call_that_does(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """Nothing is known of what was asked; the next call tries again."""
    process = ImageProcess()

    def refused(*_: object, **__: object) -> None:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr("sidecar.data_engine.process.ProcessPoolExecutor", refused)
        with pytest.raises(NotStarted, match="did not start"):
            await process.call(abs, -4)
    try:
        assert await process.call(abs, -4) == 4
        assert process.restarts == {}
    finally:
        await process.close()


async def test_child_that_hangs_is_killed_after_the_timeout() -> None:
    """A stalled decoder costs one timeout; its process is gone afterwards."""
    process = ImageProcess()
    first = 0
    try:
        first = await process.call(os.getpid)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(process, "_timeout_s", 0.3)  # for this call alone: the others may take their time
            with pytest.raises(TimeoutError):
                await process.call(time.sleep, 3_600)
        assert process.restarts == {"timeout": 1}
        assert await process.call(os.getpid) != first
    finally:
        await process.close()


async def test_fault_of_the_function_comes_back_and_the_child_lives_on(process) -> None:
    """An exception is the caller's, not the end of the process."""
    pid = await process.call(os.getpid)
    with pytest.raises(ValueError, match="invalid literal"):
        await process.call(int, "x")
    assert await process.call(os.getpid) == pid
