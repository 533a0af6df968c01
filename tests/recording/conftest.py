"""Predictions to record, alerts, and an open store in a folder of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidecar.recording import AlertRow, Items, Reader, Sample, Store, TrialRow
from sidecar.recording.files import store_path
from sidecar.types import Detections, Prediction

MakePrediction = Callable[..., Prediction]


@pytest.fixture
def detections() -> Detections:
    return Detections(
        boxes=np.array([[10, 20, 110, 220], [0, 0, 32, 16], [5, 5, 6, 6]], np.float32),
        scores=np.array([0.9, 0.5, 0.01], np.float32),
        classes=np.array([1, 0, 2], np.int32),
        labels=("car", "person", "kite"),
    )


@pytest.fixture
def make_prediction(detections: Detections) -> MakePrediction:
    def make(number: int = 0, **changes: Any) -> Prediction:
        prediction = Prediction(
            prediction_id=f"id-{number}",
            request_id=f"id-{number}",
            image_index=0,
            at=1_700_000_000.25 + number,
            model="yolo",
            version="3",
            variant="blue",
            role="serving",
            experiment="",
            epoch=0,
            unit="camera-7",
            slice="north",
            dialect="v2",
            status=200,
            error="",
            undecodable="",
            latency_ms=12.5,
            upstream_ms=10.25,
            first_byte_ms=9.5,
            request_bytes=100_000,
            response_bytes=2_000,
            image_width=640,
            image_height=480,
            score_threshold=0.25,
            client_request_id="client-1",
            trace_id="0af7651916cd43dd8448eb211c80319c",
            detections=detections,
        )
        return replace(prediction, **changes)

    return make


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def reader(store: Store, tmp_path: Path) -> AsyncIterator[Reader]:
    opened = await Reader.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def make_alert() -> Callable[..., AlertRow]:
    def make(number: int = 1, **changes: Any) -> AlertRow:
        row = AlertRow(
            alert_id=f"a{number}",
            model="yolo",
            version="3",
            slice="",
            name=f"Errors {number}",
            condition={"metric": "error_rate", "operator": "gt", "threshold": 0.05, "window": "15m"},
            notify=("email:team@company.com", "slack:#ml-alerts"),
            origin="user",
            enabled=True,
            created_at=1_700_000_000.0 + number,
            updated_at=1_700_000_000.0 + number,
            state={"state": "inactive", "held_s": 0.0},
        )
        return replace(row, **changes)

    return make


@pytest.fixture
def make_trial() -> Callable[..., TrialRow]:
    def make(number: int = 1, **changes: Any) -> TrialRow:
        row = TrialRow(
            trial_id=f"t-{number}",
            kind="ab",
            name=f"T {number}",
            model="yolo",
            status="running",
            created_at=1_700_000_000.0 + number,
            ended_at=None,
            document={"salt": "s", "epochs": [{"number": 0, "since": 1_700_000_000.5, "shares": [0.25]}]},
            lowest={"confidence": 0.125},
            results=None,
        )
        return replace(row, **changes)

    return make


@pytest.fixture
async def items(store: Store) -> Items:
    return Items(store)


@pytest.fixture
def keep(store: Store, tmp_path: Path) -> Callable[..., Awaitable[Sample]]:
    """Adds an item with its file, of the dataset det; ``drawn`` is a rate."""

    async def add(name: str, drawn: float = 0.0, **changes: Any) -> Sample:
        path = f"samples/{name}.jpg"
        (tmp_path / "samples").mkdir(exist_ok=True)
        reasons = ("random_sample",) if drawn else ("low_confidence",)
        sample = Sample(
            sample_id=name,
            prediction_id=f"p-{name}",
            model="yolo",
            version="3",
            at=1_700_000_000.0,
            reasons=reasons,
            probability=0.5,
            status="needs_review",
            media_type="image/jpeg",
            path=path,
            bytes=10_000,
            width=640,
            height=480,
            dataset_id="det",
            checksum=f"sha-{name}",
            drawn=bool(drawn),
            draw_rate=drawn,
        )
        sample = replace(sample, **changes)
        (tmp_path / path).write_bytes(b"x" * sample.bytes)
        await store.add_sample(sample)
        return sample

    return add


@pytest.fixture
async def commits(store: Store) -> list[str]:
    """How each transaction of the store was committed from here on: FULL or NORMAL."""
    seen: list[str] = []
    synchronous = "NORMAL"

    def watch(statement: str) -> None:
        nonlocal synchronous
        if statement.startswith("PRAGMA synchronous="):
            synchronous = statement.partition("=")[2]
        elif statement == "COMMIT":
            seen.append(synchronous)

    await store._connection.set_trace_callback(watch)
    return seen


@pytest.fixture
def damage_store(store: Store, tmp_path: Path) -> Callable[[], Awaitable[None]]:
    """Damages the open store so that the next use of it sees it."""

    async def damage() -> None:
        await store._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        with store_path(tmp_path).open("r+b") as file:
            file.write(os.urandom(os.fstat(file.fileno()).st_size))
        # the cache still has sound pages: let go of them, as memory pressure would
        await store._connection.execute("PRAGMA shrink_memory")

    return damage


@pytest.fixture
def kill_writer(tmp_path: Path) -> Callable[[str, int], int]:
    """Starts a script that commits to the store of a folder without end and prints the number of each commit, kills it
    with kill -9 at the given number, and returns the last one it told of."""

    def run(script: str, at: int) -> int:
        process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= at:
                break
        process.send_signal(signal.SIGKILL)
        told = max([at, *(int(line) for line in process.stdout if line.endswith("\n"))])
        process.wait()
        process.stdout.close()
        return told

    return run
