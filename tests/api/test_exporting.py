"""How an export is sent: bounded, whole or visibly broken, whatever reader, writer and store do meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp.test_utils import TestClient

from sidecar.api import Services, exporting
from sidecar.recording import Batch, PredictionScan, Store, reader_scan
from sidecar.recording.files import store_path
from sidecar.types import Detections
from tests.api.live import START, make_prediction
from tests.api.running import running

Http = TestClient[Any, Any] | aiohttp.ClientSession
URL = "/api/v1/predictions/export"


@pytest.fixture
async def gate(store: Store, services: Services, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """45 predictions in pages of ten, and what holds every export up after its first page until it is set."""
    monkeypatch.setattr(reader_scan, "SCAN_ROWS", 10)
    await store.commit(Batch([make_prediction(1_000 + place) for place in range(40)], [], {(0, 1): 10}))
    opened = asyncio.Event()
    page = PredictionScan.page

    async def held_up(scan: PredictionScan) -> Any:
        if scan._looking.place is not None:
            await opened.wait()
        return await page(scan)

    monkeypatch.setattr(PredictionScan, "page", held_up)
    return opened


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - a state of the server, of which no event tells
            await asyncio.sleep(0.01)


async def begun(http: Http, **params: str) -> aiohttp.ClientResponse:
    """An export of which the first bytes were read."""
    answer = await http.get(URL, params=params)
    assert answer.status == 200
    await answer.content.readexactly(4)
    return answer


async def damage(store: Store, folder: Path) -> None:
    """Damage the store so that it is set aside."""
    await store._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    with store_path(folder).open("r+b") as file:
        file.write(os.urandom(os.fstat(file.fileno()).st_size))
    await store._connection.execute("PRAGMA shrink_memory")
    assert not await store.check()


async def test_third_at_a_time_is_asked_to_come_again(http: Http, services: Services, gate: asyncio.Event) -> None:
    """The bound is told, counted, and free again once one has ended."""
    one, two = await begun(http), await begun(http)
    refused = await http.get(URL)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert services.turned_away["exports"] == 1
    assert 'sidecar_admin_turned_away_total{bound="exports"} 1.0' in await (await http.get("/metrics")).text()
    gate.set()
    assert len((await one.read()).splitlines()) == len((await two.read()).splitlines()) == 45
    await until(lambda: services.exports.running == 0)  # readers have their last byte a moment before
    assert services.exports.ended["done"] == 2
    assert (await http.get(URL, params={"model": "nobody"})).status == 200


async def test_reader_that_goes_away_frees_its_place(services: Services, gate: asyncio.Event) -> None:
    """Whatever had been made for it is let go."""
    async with running(services) as (session, _):
        answer = await begun(session)
        assert services.exports.running == 1
        answer.close()
        gate.set()
        await until(lambda: services.exports.running == 0)
        assert services.exports.ended["left"] == 1


async def test_reader_that_left_before_the_first_page_was_read_is_no_fault(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted as one that left, and the log says nothing of it."""
    page, asked, gone = PredictionScan.page, asyncio.Event(), asyncio.Event()

    async def held_up(scan: PredictionScan) -> Any:
        asked.set()
        await gone.wait()
        return await page(scan)

    monkeypatch.setattr(PredictionScan, "page", held_up)
    async with running(services) as (_, runner):
        _, writing = await asyncio.open_connection(*runner.addresses[0])
        writing.write(f"GET {URL} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        await asyncio.wait_for(asked.wait(), 20)
        writing.transport.abort()
        await asyncio.sleep(0.1)
        gone.set()
        await until(lambda: services.exports.running == 0)
        assert services.exports.ended["left"] == 1
        await asyncio.sleep(0.1)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_reader_that_does_not_read_is_cut_off(
    http: Http, services: Services, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would keep the place from others; and it sees that what it has is not all."""
    monkeypatch.setattr(exporting, "WRITE_S_MAX", 0.2)
    n = 5_000
    boxes, scores = np.random.default_rng(3).random((n, 4), np.float32), np.ones(n, np.float32)
    found = Detections(boxes, scores, np.zeros(n, np.int32), ("cat",))
    # 20 MB of JSON, more than lies in buffers on the way
    await store.commit(Batch([make_prediction(10 + place, detections=found) for place in range(40)], [], {(0, 1): 9}))
    answer = await begun(http)
    await until(lambda: services.exports.running == 0)
    assert services.exports.ended["slow"] == 1
    with pytest.raises(aiohttp.ClientError):
        await answer.read()


@pytest.mark.parametrize("name", ["jsonl", "csv", "parquet"])
async def test_store_that_is_set_aside_breaks_the_body(
    http: Http, services: Services, store: Store, gate: asyncio.Event, tmp_path: Path, name: str
) -> None:
    """The fresh store holds none of the rest: a body that ended well would be a short file without a word."""
    answer = await begun(http, format=name)
    await damage(store, tmp_path)
    await store.commit(Batch([make_prediction(5)], [], {(0, 2): 1}))
    gate.set()
    with pytest.raises(aiohttp.ClientError):
        await answer.read()
    await until(lambda: services.exports.running == 0)
    assert services.exports.ended["store"] == 1
    assert len((await (await http.get(URL)).read()).splitlines()) == 1, "the next export is of the fresh store"


async def test_store_that_can_not_be_read_at_all_is_an_error_before_the_body(
    http: Http, services: Services, store: Store, tmp_path: Path
) -> None:
    """Not an empty file."""
    store_path(tmp_path).unlink()
    answer = await http.get(URL)
    assert answer.status == 503
    assert answer.content_type == "application/problem+json"
    assert services.exports.running == 0


async def test_export_is_whole_while_others_write_and_retention_deletes(
    http: Http, store: Store, gate: asyncio.Event
) -> None:
    """Newer predictions are not in it, those that were deleted before it came to them neither, all others once."""
    answer = await http.get(URL)
    await store.commit(Batch([make_prediction(5_000)], [], {(0, 2): 1}))
    await store.retain(START + 1_060, 50, 1 << 40)
    gate.set()
    found = [json.loads(line)["prediction_id"] for line in (await answer.read()).splitlines()]
    assert found == [f"p{number}" for number in range(1_039, 1_009, -1)]


async def test_sidecar_that_stops_breaks_it_off_at_once(services: Services, gate: asyncio.Event) -> None:
    """It does not wait for a reader, and the reader sees that it was not all."""
    async with running(services) as (session, runner):
        answer = await begun(session)
        async with asyncio.timeout(30):
            await runner.cleanup()
        assert services.exports.ended["stopped"] == 1
        assert services.exports.running == 0
        with pytest.raises(aiohttp.ClientError):
            await answer.read()


async def test_fault_of_a_writer_breaks_the_body_and_is_logged(
    http: Http, services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is told of the cause but the log."""

    def fault(self: Any, predictions: Any) -> bytes:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("sidecar.api.exports.jsonl.JsonLines.page", fault)
    with pytest.raises(aiohttp.ClientError):
        await (await http.get(URL)).read()
    await until(lambda: services.exports.running == 0)
    assert services.exports.ended["fault"] == 1
    assert "a fault of ours" in caplog.text


async def test_feedback_token_may_not_export(services: Services) -> None:
    """Exports are read like everything else: with the scope read."""
    services.door.demanded = True
    assert services.tokens is not None
    _, writes = services.tokens.create("app", ("feedback",), 0.0, None)
    _, reads = services.tokens.create("report", ("read",), 0.0, None)
    async with running(services) as (session, _):
        for secret, status in ((writes, 403), (reads, 200)):
            answer = await session.get(URL, headers={"Authorization": f"Bearer {secret}"})
            assert answer.status == status
