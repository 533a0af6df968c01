"""A worker's place as it changes hands, with real workers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest

from sidecar.app import lifecycle, worker_slot
from sidecar.app.worker_slot import WorkerSlot
from sidecar.types import Limits, ProxySettings, Variant
from tests.kit.wait import until

LIMITS = Limits(drain_idle_s=50.0, drain_grace_s=100.0)
"""A connection that a client keeps holds a worker that ends for 50 s."""
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Place:
    """A slot, and clients of its port."""

    def __init__(self, link: Path) -> None:
        settings = ProxySettings(1, (Variant("A", "http://127.0.0.1:9"),), "A", (), limits=LIMITS)
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        hello = {"link": str(link), "settings": asdict(settings)}
        self.slot = WorkerSlot(3, listener, lambda index: json.dumps({"worker": index, **hello}).encode())
        self.writers: list[asyncio.StreamWriter] = []

    async def ask(self) -> bytes:
        """The status of what it is answered, over a connection that stays. Raises OSError where it is refused."""
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.writers.append(writer)
            writer.write(REQUEST)
            return (await reader.readuntil(b"\r\n")).split()[1]

    async def begin(self) -> None:
        """With a worker and a client that it has answered."""
        self.slot.start()
        await self.accepting()
        await self.ask()

    async def accepting(self) -> None:
        await until(lambda: self.slot.status.get("accepting"))

    def pids(self) -> list[int]:
        return [child.pid for child in self.slot.lives if child.pid]

    def end_newest(self) -> int:
        """Tells it to end, as anybody can."""
        pid = self.pids()[-1]
        os.kill(pid, signal.SIGTERM)
        return pid

    async def ended(self) -> None:
        """Once its clients have gone and it was told to drain."""
        self.slot.drain()
        for writer in self.writers:
            writer.close()
        lives = list(self.slot.lives.values())
        async with asyncio.timeout(30):
            await asyncio.gather(*lives)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path / "link")
    yield made
    for child in made.slot.lives:
        child.drain()
        child.kill()
    await asyncio.gather(*made.slot.lives.values())
    made.slot.listener.close()


async def test_worker_that_is_told_to_end_has_a_successor_at_once(place: Place) -> None:
    """New clients are answered by another while the first still has a client of its own."""
    await place.begin()
    first = place.end_newest()
    await until(lambda: len(place.pids()) == 2)
    assert await place.ask() == b"502"
    assert first in place.pids()
    await place.ended()


async def test_only_so_many_workers_end_beside_the_one_that_serves(place: Place) -> None:
    """One more is followed once the first of them has ended."""
    await place.begin()
    for number in range(worker_slot.ENDING_MAX):
        place.end_newest()
        await until(lambda number=number: len(place.pids()) == number + 2)
        await place.accepting()
        await place.ask()
    place.end_newest()
    await until(lambda: place.slot.status.get("ending"))
    waiting = asyncio.create_task(place.ask())
    assert len(place.pids()) == worker_slot.ENDING_MAX + 1
    place.writers[0].close()
    assert await waiting == b"502"
    assert len(place.pids()) == worker_slot.ENDING_MAX + 1
    await place.ended()


async def test_drain_while_a_successor_starts_serves_who_waits_and_refuses_who_comes_then(place: Place) -> None:
    """The one that was told first still has a client; who came between the two is answered, nobody waits for either."""
    await place.begin()
    first = place.end_newest()
    await until(lambda: len(place.pids()) == 2)
    waiting = asyncio.create_task(place.ask())
    await until(lambda: len(place.writers) == 2)  # it waits in the queue of the listener
    place.slot.drain()
    assert await waiting == b"502"
    await until(lambda: place.slot.status.get("ending") or place.pids() == [first])
    with pytest.raises(ConnectionRefusedError):
        await place.ask()
    assert first in place.pids()
    await place.ended()


async def test_drain_refuses_clients_of_a_worker_that_has_died(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker comes after its back-off: neither clients nor the drain wait for the end of that."""
    monkeypatch.setattr(lifecycle, "BACKOFF_MIN_S", 100.0)
    await place.begin()
    (child,) = place.slot.lives
    child.kill()
    await until(lambda: not place.pids())
    place.slot.drain()
    with pytest.raises(ConnectionRefusedError):
        await place.ask()
    await place.ended()
