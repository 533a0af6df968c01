"""A real store with a few predictions in it, served by the real application."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from sidecar.access import TokenFile
from sidecar.api import Services, WorkerStatus, create_app
from sidecar.api.idempotency import Once
from sidecar.app.loop import Loop
from sidecar.recording import Batch, IdempotencyKeys, Reader, Sample, Store, SummaryRow
from tests.api.live import START, LiveControl, LiveTotals, make_prediction, make_summary
from tests.api.live_watch import LiveWatch
from tests.api.looped import begin_loop, with_loop
from tests.kit.trials_at_hand import TrialsAtHand

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A real store in a folder of its own."""
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def reader(tmp_path: Path, store: Store) -> AsyncIterator[Reader]:
    """What reads in that folder."""
    opened = await Reader.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def loop(tmp_path: Path, store: Store, reader: Reader) -> Loop:
    """The improvement loop over the store, to set and to look at."""
    return begin_loop(tmp_path, store, reader)


@pytest.fixture
async def services(tmp_path: Path, store: Store, reader: Reader, loop: Loop) -> Services:
    """Five predictions of ``det`` 1, one unreadable, a summary row of a minute and a sample, in a real store; the
    improvement loop over it."""
    made = [make_prediction(index) for index in range(4)]
    made.append(make_prediction(4, undecodable="not_json", detections=None))
    summary = make_summary(made)
    told = {"in_flight": 2, "connections": 3, "connections_max": 448, "upstreams": {"a": {"up": True}}, "cpu_s": 1.5}
    worker = WorkerStatus(0, 1, 77, True, told)
    row = SummaryRow(int(START) // 60 * 60, 60, "det", "1", "serving", "", 0, "", 1, summary.encode())
    await store.commit(Batch(made, [row], {(0, 1): 1}))
    (tmp_path / "samples").mkdir(exist_ok=True)
    (tmp_path / "samples" / "s1.png").write_bytes(PNG)
    kept = (
        "s1",
        "p0",
        "det",
        "1",
        START,
        ("low_confidence",),
        0.5,
        "needs_review",
        "image/png",
        "samples/s1.png",
        len(PNG),
        1,
        1,
    )
    await store.add_sample(Sample(*kept))
    totals = LiveTotals({("det", "1", "serving"): summary}, [worker])
    asked = (LiveControl(), LiveWatch(), TrialsAtHand())
    made_of = Services(reader, totals, *asked, tmp_path, tokens=TokenFile(tmp_path), version="0.1.0", started_at=START)
    made_of.once = Once(IdempotencyKeys(store), time.time)
    return with_loop(made_of, loop)


@pytest.fixture
def totals(services: Services) -> LiveTotals:
    """The totals of the services, to set."""
    assert isinstance(services.totals, LiveTotals)
    return services.totals


@pytest.fixture
def watch(services: Services) -> LiveWatch:
    """The watch of the services, to set and to look at."""
    assert isinstance(services.watch, LiveWatch)
    return services.watch


@pytest.fixture
def trials(services: Services) -> TrialsAtHand:
    """The tests of versions of the services, to set and to look at."""
    assert isinstance(services.trials, TrialsAtHand)
    return services.trials


Serve = Callable[[Services], Awaitable[TestClient[Any, Any]]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts the application of some services on a free port of loopback."""
    started: list[TestClient[Any, Any]] = []

    async def start(services: Services) -> TestClient[Any, Any]:
        client = TestClient(TestServer(create_app(services), host="127.0.0.1"))
        await client.start_server()
        started.append(client)
        return client

    yield start
    for client in started:
        await client.close()


@pytest.fixture
async def http(services: Services, serve: Serve) -> TestClient[Any, Any]:
    """A client of the application without a token."""
    return await serve(services)
