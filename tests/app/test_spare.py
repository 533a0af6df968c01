"""A worker's process that is there before it is known what for."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from sidecar.app import spare
from sidecar.app.lifecycle import Child
from tests.kit.wait import until

ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}


async def test_child_begins_with_the_process_that_runs_already() -> None:
    """Its first life is that process; a later one is of its own."""
    prepared = [spare.start("tests.kit.child", ENVIRONMENT)]
    first = prepared[0].process.pid
    child = Child(
        *("child", "tests.kit.child", lambda: b"wait"),
        environment=ENVIRONMENT,
        spare=lambda: prepared.pop() if prepared else None,
    )
    life = asyncio.create_task(child.run())
    await until(lambda: child.pid)
    assert child.pid == first
    child.kill()
    await until(lambda: child.pid not in {None, first})
    child.drain()
    await asyncio.wait_for(life, 30)


def test_worker_that_nobody_needs_ends_by_itself_and_says_nothing() -> None:
    """A command that finds a fault in its configuration leaves no process behind, nor a word of one."""
    spare.prepare_worker()
    taken = spare.take_worker()
    assert taken is not None
    assert spare.take_worker() is None
    taken.input.close()
    assert taken.process.wait(20) == 0


def test_worker_that_has_ended_meanwhile_is_not_taken() -> None:
    """The supervisor starts another then."""
    spare.prepare_worker()
    (kept,) = spare._kept
    kept.process.kill()
    kept.process.wait(20)
    assert spare.take_worker() is None


async def test_descriptors_come_before_the_first_line() -> None:
    """As a worker gets its listener: along with one byte."""
    ours, theirs = socket.socketpair()
    with theirs, socket.create_server(("127.0.0.1", 0)) as listener:
        prepared = spare.Started(spare.start("tests.kit.child", ENVIRONMENT).process, ours)
        child = Child("child", "", lambda: b"{}", (listener.fileno(),), spare=lambda: prepared)
        life = asyncio.create_task(child.run())
        data, (received,), _, _ = await asyncio.to_thread(socket.recv_fds, theirs, 1, 2)
        with socket.socket(fileno=received) as same:
            assert (data, same.getsockname()) == (b"\0", listener.getsockname())
        assert await asyncio.to_thread(theirs.recv, 10) == b"{}\n"
        child.drain()
        child.kill()
        await asyncio.wait_for(life, 30)
