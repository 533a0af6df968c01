"""Live figures and time series by both clients, of a real store behind the real application."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.api import live as live_figures
from sidecar.client import InvalidRequest, ServerError
from tests.client.stored import MINUTE, World, stored


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Served in this loop, so that a test reaches what is behind it."""
    async with stored(tmp_path) as made:
        yield made


async def test_live_figures_come_one_after_the_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """To both clients, and once as a snapshot."""
    monkeypatch.setattr(live_figures, "TICK_S", 0.1)
    times = []
    async for figures in world.aio.live(model="det"):
        times.append(figures.at)
        assert [(item.model, item.requests, item.latency.p50_ms) for item in figures.models] == [("det", 30, None)]
        if len(times) == 2:
            break
    assert times[0] < times[1]

    def first() -> Any:
        return next(iter(world.sync.live(2.0)))

    assert (await asyncio.to_thread(first)).interval_s == 2.0
    for snapshot in await world.both("live_snapshot", model="det@1"):
        assert snapshot.models[0].version == "1"


async def test_listener_too_many_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an error of the server, which another try may find gone."""
    monkeypatch.setattr(live_figures, "LISTENERS_MAX", 0)
    monkeypatch.setattr("sidecar.client.attempts.ATTEMPTS_MAX", 1)
    with pytest.raises(ServerError, match="listen already"):
        await anext(aiter(world.aio.live()))


async def test_time_series_are_points_with_nan_where_there_is_nothing(world: World) -> None:
    """So that they plot and format as numbers."""
    for points in await world.both(
        "time_series", "avg_confidence", model="det", since=MINUTE, until=MINUTE + 600, width_s=60
    ):
        assert [(point.at, point.version, point.role) for point in points] == [
            (MINUTE, "1", "serving"),
            (MINUTE + 60, "1", "serving"),
        ]
        assert points[0].value == pytest.approx(0.75)
        assert math.isnan(points[1].value)
    with pytest.raises(InvalidRequest, match="label: is needed"):
        await world.aio.time_series("class_share")
