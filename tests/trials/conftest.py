"""A store in a folder of its own, and one who reads it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.recording import Reader, Store
from tests.trials.room import Room


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
def room(store: Store, reader: Reader) -> Room:
    return Room(store, reader)
