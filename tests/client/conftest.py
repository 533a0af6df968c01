"""The real application with a Watch and Trials in memory, and a scripted server, for both clients."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.client import Client
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.client.scripted import Script
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


@pytest.fixture
def script() -> Iterator[Script]:
    """A running server whose answers the test writes."""
    made = Script()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.go_away()
    thread.join()


@pytest.fixture
def waits() -> list[float]:
    """How long the client slept, without sleeping."""
    return []


@pytest.fixture
def client(script: Script, waits: list[float]) -> Iterator[Client]:
    """A client of the scripted server."""
    with Client(script.url, token="t", timeout_s=60, sleep=waits.append) as made:
        yield made
