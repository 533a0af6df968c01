"""The real application with a Watch in memory, for both clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.client import Client
from tests.api.live_watch import LiveWatch
from tests.api.serving import served


@pytest.fixture
def watch() -> LiveWatch:
    """What the application asks about baselines, drift and alerts."""
    return LiveWatch()


@pytest.fixture
def url(tmp_path: Path, watch: LiveWatch) -> Iterator[str]:
    """Where the application is served."""
    with served(tmp_path, watch) as found:
        yield found


@pytest.fixture
def live(url: str) -> Iterator[Client]:
    """A client of the application."""
    with Client(url) as made:
        yield made
