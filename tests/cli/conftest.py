"""The command line in front of the real application with a Watch and Trials in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sidecar.cli import app
from sidecar.recording import Store
from tests.api.live_watch import LiveWatch
from tests.api.looped import add_items, add_predictions
from tests.api.serving import served
from tests.experiments.conftest import make_epoch, make_summary  # noqa: F401
from tests.experiments.pairs.conftest import box, make_prediction  # noqa: F401
from tests.kit.trials_at_hand import TrialsAtHand

Ask = Callable[..., Result]


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
def filled(tmp_path: Path) -> None:
    """Puts four images to review and a few predictions into what is served: use it by ``usefixtures``."""

    async def fill() -> None:
        store = await Store.open(tmp_path)
        await add_items(tmp_path, store, 3)
        await add_predictions(store)
        await store.close()

    asyncio.run(fill())


@pytest.fixture
def ask(url: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """``ask("alerts", "show", "a1")`` runs a command against the application, on a terminal 100 columns wide."""
    return _asking(url, monkeypatch, 100)


@pytest.fixture
def tell(url: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """``tell("ab-test", "list")`` does so on a terminal 80 columns wide."""
    return _asking(url, monkeypatch, 80)


def _asking(url: str, monkeypatch: pytest.MonkeyPatch, columns: int) -> Ask:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("SIDECAR_URL", url)
    monkeypatch.delenv("SIDECAR_TOKEN", raising=False)

    def run(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, words, input=typed, catch_exceptions=False)

    return run
