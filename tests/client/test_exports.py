"""Files by both clients, of a real store behind the real application."""

from __future__ import annotations

import asyncio
import csv
import functools
import io
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sidecar.api import exporting
from sidecar.client import ConnectionFailed, InvalidRequest, ServerError
from sidecar.recording import PredictionScan, reader_scan
from sidecar.recording.files import store_path
from tests.api.live import START
from tests.client.stored import World, stored


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Served in this loop, so that a test reaches what is behind it."""
    async with stored(tmp_path) as made:
        yield made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
async def gate(world: World, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """What holds every export up after its first page of ten until it is set."""
    monkeypatch.setattr(reader_scan, "SCAN_ROWS", 10)
    opened = asyncio.Event()
    page = PredictionScan.page

    async def held_up(scan: PredictionScan) -> Any:
        if scan._looking.place is not None:
            await opened.wait()
        return await page(scan)

    monkeypatch.setattr(PredictionScan, "page", held_up)
    return opened


async def test_files_are_saved_whole_in_the_format_their_names_tell(world: World, tmp_path: Path) -> None:
    """By both clients; what is written grows by what is told of it."""
    grown: list[int] = []
    await world.both("export_predictions", tmp_path / "{}.jsonl", model="det", version="1", progress=grown.append)
    await world.both("export_predictions", tmp_path / "{}.csv")
    await world.both("export_detections", tmp_path / "{}.parquet", label="cat", min_confidence=0.8)
    for of in "as":
        lines = (tmp_path / f"{of}.jsonl").read_bytes().splitlines()
        assert [json.loads(line)["prediction_id"] for line in lines] == [f"p{n}" for n in range(29, 0, -2)]
        assert len(list(csv.DictReader((tmp_path / f"{of}.csv").open(newline="")))) == 30
        table = pq.read_table(tmp_path / f"{of}.parquet")
        assert set(table.column("label").to_pylist()) == {"cat"}
        assert table.num_rows == 30
    assert grown[-1] == (tmp_path / "s.jsonl").stat().st_size
    assert names(tmp_path) == ["a.csv", "a.jsonl", "a.parquet", "data", "s.csv", "s.jsonl", "s.parquet"]


async def test_export_goes_into_a_file_that_is_open_too(world: World) -> None:
    """As a command does that writes to its standard output; the format is told then."""
    made = io.BytesIO()
    await world.aio.export_detections(made, "csv", until=START + 1)
    assert len(made.getvalue().splitlines()) == 3


@pytest.mark.parametrize("of", ["aio", "sync"])
async def test_store_that_is_set_aside_raises_and_leaves_no_file(
    world: World, gate: asyncio.Event, tmp_path: Path, of: str
) -> None:
    """What stood there before stays as it was. It is not asked for again, or the fresh store's would be taken."""
    (tmp_path / "x.jsonl").write_text("before")

    async def damage() -> None:
        await world.store._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        with store_path(tmp_path / "data").open("r+b") as file:
            file.write(os.urandom(os.fstat(file.fileno()).st_size))
        await world.store._connection.execute("PRAGMA shrink_memory")
        assert not await world.store.check()
        gate.set()

    loop = asyncio.get_running_loop()
    begun = False

    def once_begun(written: int) -> None:
        nonlocal begun
        if not begun:
            begun = True
            asyncio.run_coroutine_threadsafe(damage(), loop).result(30)

    path = tmp_path / "x.jsonl"
    in_thread = functools.partial(asyncio.to_thread, world.sync.export_predictions)
    export = in_thread if of == "sync" else world.aio.export_predictions
    with pytest.raises(ConnectionFailed):
        await export(path, progress=once_begun)
    assert begun
    assert world.services.exports.ended["store"] == 1
    assert names(tmp_path) == ["data", "x.jsonl"]
    assert (tmp_path / "x.jsonl").read_text() == "before"


async def test_refusal_names_the_field_and_leaves_no_file(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the sidecar lacks, what makes no sense, and too many at a time."""
    with monkeypatch.context() as lacking:
        lacking.setitem(sys.modules, "pyarrow", None)  # what makes an import fail
        with pytest.raises(InvalidRequest, match=r"inference-sidecar\[parquet\]") as caught:
            await world.aio.export_predictions(tmp_path / "a.parquet")
    assert caught.value.errors[0].field == "format"
    with pytest.raises(InvalidRequest) as caught:
        await asyncio.to_thread(lambda: world.sync.export_detections(tmp_path / "b.csv", min_confidence=2))
    assert caught.value.errors[0].field == "min_confidence"
    monkeypatch.setattr(exporting, "EXPORTS_MAX", 0)
    monkeypatch.setattr("sidecar.client.attempts.ATTEMPTS_MAX", 1)
    with pytest.raises(ServerError, match="exports are under way"):
        await world.aio.export_predictions(tmp_path / "c.csv")
    assert names(tmp_path) == ["data"]
