"""A child process's life."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sidecar.app import lifecycle
from sidecar.app.lifecycle import Child
from tests.kit.wait import until

MODULE = "tests.kit.child"


def environment() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}


async def test_child_that_dies_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each life is told the hello; the order to drain ends the last one."""
    monkeypatch.setattr(lifecycle, "BACKOFF_MIN_S", 0.01)
    child = Child("child", MODULE, lambda: b"wait", environment=environment())
    life = asyncio.create_task(child.run())
    await until(lambda: child.pid)
    first = child.pid
    child.kill()
    await until(lambda: child.pid not in {None, first})
    assert child.restarts == 1
    child.drain()
    await asyncio.wait_for(life, 30)
    assert child.pid is None


async def test_child_that_is_told_to_end_is_back_at_once_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who dies is waited for, longer each time."""
    monkeypatch.setattr(lifecycle, "BACKOFF_MIN_S", 0.01)
    child = Child("child", MODULE, lambda: b"wait", environment=environment())
    with capture_logs() as said:
        life = asyncio.create_task(child.run())
        for number, end in enumerate((child._close_input, child._close_input, child.kill, child.kill)):
            await until(lambda number=number: child._input and child.restarts == number)  # it was told what to do
            end()
        await until(lambda: child.pid and child.restarts == 4)
        child.drain()
        await asyncio.wait_for(life, 30)
    assert [line["restart_in_s"] for line in said] == [0.01, 0.01, 0.02, 0.04]


async def test_start_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory or no file for a moment: the child comes up when there is some again."""
    monkeypatch.setattr(lifecycle, "BACKOFF_MIN_S", 0.01)
    failures = [OSError(11, "no process"), OSError(24, "no file")]

    def hello() -> bytes:
        if failures:
            raise failures.pop()
        return b"wait"

    child = Child("child", MODULE, hello, environment=environment())
    life = asyncio.create_task(child.run())
    await until(lambda: not failures and child.pid)
    child.drain()
    await asyncio.wait_for(life, 30)
    assert child.restarts == 2
