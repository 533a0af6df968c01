"""The command line in front of the real application with a Watch in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sidecar.cli import app
from tests.api.live_watch import LiveWatch
from tests.api.serving import served

Ask = Callable[..., Result]


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
def ask(url: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """``ask("alerts", "show", "a1")`` runs a command against the application, on a terminal 100 columns wide."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("SIDECAR_TOKEN", raising=False)

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--url", url], catch_exceptions=False)

    return run
