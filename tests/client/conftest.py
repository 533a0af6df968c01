"""The real application with a Watch and Trials in memory, for both clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.client import Client
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.kit.trials_at_hand import TrialsAtHand


@pytest.fixture
def watch() -> LiveWatch:
    """What the application asks about baselines, drift and alerts."""
    return LiveWatch()


@pytest.fixture
def trials() -> TrialsAtHand:
    """What the application asks about A/B tests and shadow tests."""
    return TrialsAtHand()


@pytest.fixture
def url(tmp_path: Path, watch: LiveWatch, trials: TrialsAtHand) -> Iterator[str]:
    """Where the application is served."""
    with served(tmp_path, watch, trials=trials) as found:
        yield found


@pytest.fixture
def live(url: str) -> Iterator[Client]:
    """A client of the application."""
    with Client(url) as made:
        yield made
