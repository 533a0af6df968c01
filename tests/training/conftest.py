"""A place for training, and nothing left running after a test."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from sidecar.recording import Store
from tests.training.jobs_at_hand import Place


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    (tmp_path / "data").mkdir()
    store = await Store.open(tmp_path / "data")
    place = Place(tmp_path / "data", store)
    yield place
    await store.close()
    for lock in place.data_dir.glob("jobs/*/lock"):  # a test that failed may have left a keeper
        with suppress(ValueError, OSError):
            os.kill(int(lock.read_text()), signal.SIGTERM)
