"""Summaries of traffic as it might be, drawn with a seed; a sender and what it works with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np
import pytest

from sidecar.alerts.channels import Channels
from sidecar.alerts.delivery import Sender
from sidecar.summaries import FEEDBACK_KINDS, Summary
from sidecar.types import Detections, Prediction, RequestCounts, latency_index
from tests.kit.alert_receivers import HttpReceiver
from tests.kit.sending import Clock, MemoryStore, Most

LABELS = ("car", "person", "dog")


def prediction(number: int, rng: np.random.Generator) -> Prediction:
    """One image with 0 to 4 detections; one in ten can't be read, one in twenty of a failed request."""
    n = int(rng.integers(0, 5))
    found = Detections(
        np.tile(np.array([0, 0, 8, 4], np.float32), (n, 1)),
        np.sort(rng.random(n).astype(np.float32))[::-1].copy(),
        rng.integers(0, len(LABELS), n).astype(np.int32),
        LABELS,
    )
    read = rng.random() >= 0.1
    status = 503 if rng.random() < 0.05 else 200
    return Prediction(
        f"id-{number}", f"id-{number}", 0, 1_700_000_000.0, "m", "1", "v", "serving", "", 0, "", "", "v2", status, "",
        "" if read else "shape", 12.0, 10.0, 9.0, 1, 1, 64, 64, 0.25, "", "", found if read else None,
    )  # fmt: skip


def counts(latencies_ms: list[float], statuses: dict[int, int] | None = None) -> RequestCounts:
    """What a worker counts of requests with these latencies."""
    made = RequestCounts(1_700_000_000, "m", "1", "serving", "", 0, "", requests=len(latencies_ms))
    made.statuses = {200: len(latencies_ms)} if statuses is None else statuses
    for ms in latencies_ms:
        index = latency_index(ms)
        made.latency[index] = made.latency.get(index, 0) + 1
        made.latency_sum_us += round(ms * 1000)
    return made


@pytest.fixture
def make_counts() -> Callable[..., RequestCounts]:
    return counts


@pytest.fixture
def make_summary() -> Callable[..., Summary]:
    def make(seed: int, images: int = 40) -> Summary:
        rng = np.random.default_rng(seed)
        summary = Summary()
        summary.add_predictions([prediction(number, rng) for number in range(images)])
        failed, left, _ = rng.multinomial(images, (0.1, 0.05, 0.85)).tolist()
        latencies_ms = rng.lognormal(3, rng.uniform(0.05, 2), images).tolist()
        summary.add_counts(counts(latencies_ms, {200: images - failed - left, 502: failed, 0: left}))
        for kind in FEEDBACK_KINDS[: int(rng.integers(0, 6))]:
            summary.add_feedback(kind, int(rng.integers(1, 5)))
        return summary

    return make


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    receiver = HttpReceiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def running(clock: Clock) -> Callable[..., Any]:
    """Runs a sender for as long as the ``async with`` lasts."""

    @asynccontextmanager
    async def running(store: Any, channels: Channels, **options: Any) -> AsyncIterator[Sender]:
        timing = {
            "clock": clock.wall,
            "monotonic": clock.monotonic,
            "sleep": clock.sleep,
            "rng": Most(),
            "drain_s": 0.0,
        }
        sender = Sender(store, channels, **{**timing, **options})
        task = asyncio.create_task(sender.run())
        try:
            yield sender
            assert not task.done(), "the sender ended"
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return running
