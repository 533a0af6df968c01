"""A real store with a made-up past, and what watches it on a clock of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.recording import Baselines, DriftChecks, Reader, Store
from sidecar.watch import Checks, Drift, History, Normal
from tests.watch.room import DAY_S, MONDAY, Clock, Past, Room


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    store = await Store.open(tmp_path)
    reader = await Reader.open(tmp_path)
    clock = Clock(MONDAY + 100 * DAY_S)
    independent: set[str] = set()
    history = History(reader)
    normal = Normal(history, Baselines(store), independent.__contains__, clock.wall)
    yield Room(
        store,
        reader,
        clock,
        Past(store),
        history,
        normal,
        Drift(history, normal, independent.__contains__, clock.wall),
        Checks(history, normal, DriftChecks(store), independent.__contains__, clock.wall),
        independent,
    )
    await reader.close()
    await store.close()
