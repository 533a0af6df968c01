"""The command line in front of the real application with a Watch in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sidecar.cli import app
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.cli.remembering import Remembering
from tests.experiments.conftest import make_epoch, make_summary  # noqa: F401
from tests.experiments.pairs.conftest import box, make_prediction  # noqa: F401

Ask = Callable[..., Result]


@pytest.fixture
def watch() -> LiveWatch:
    """What the application asks about baselines, drift and alerts."""
    return LiveWatch()


@pytest.fixture
def remembering(monkeypatch: pytest.MonkeyPatch) -> type[Remembering]:
    """The client that commands about A/B tests and shadow tests get."""
    fresh: dict[str, Any] = {"kept": {}, "asked": [], "faults": []}
    made = type("Fresh", (Remembering,), fresh)
    monkeypatch.setattr("sidecar.client.Client", made)
    return made


@pytest.fixture
def tell(remembering: type[Remembering], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """``tell("ab-test", "list")`` runs a command in front of that client, on a terminal 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, words, catch_exceptions=False)

    return run


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
