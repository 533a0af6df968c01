"""The real application over a small store and a Watch in memory, and a browser to look at it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.recording import Batch, Store
from tests.api.live import make_prediction
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.dashboard.browser import Page, missing_programs, started
from tests.dashboard.live_trials import LiveTrials

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

HOSTILE = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>"
"""A name as an attacker would choose it."""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """One browser for all tests; each has an application of its own, and so an origin of its own."""
    pytest.importorskip("selenium", reason="selenium is not installed: it is in the extra test")
    if missing := missing_programs():
        pytest.skip(f"not here: {' and '.join(missing)}; Debian has them in chromium and chromium-driver")
    with started(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def watch() -> LiveWatch:
    """A Watch without alerts or baselines, to set and to look at."""
    return LiveWatch()


@pytest.fixture
def trials() -> LiveTrials:
    """No tests of versions yet, to add to and to look at."""
    return LiveTrials()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store in which two predictions of ``det`` 1 are recorded, one of a class with a hostile name."""
    asyncio.run(_record(tmp_path))
    return tmp_path


async def _record(folder: Path) -> None:
    found = make_prediction(0).detections
    assert found is not None
    hostile = make_prediction(1, detections=replace(found, labels=(HOSTILE, "dog")))
    store = await Store.open(folder)
    await store.commit(Batch([make_prediction(0), hostile], [], {(0, 1): 1}))
    await store.close()


@pytest.fixture
def page(
    browser: WebDriver, folder: Path, watch: LiveWatch, trials: LiveTrials, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """The page that a test module names as its PATH (the overview where it names none), without a token, not opened
    yet."""
    with served(folder, watch, trials=trials) as url:
        # an earlier test may have had the same port, and with it the same origin
        browser.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
        yield Page(browser, url, getattr(request.module, "PATH", "/"))
        browser.get("about:blank")  # no more requests of a page whose application is gone


def add_alert(watch: LiveWatch, name: str, state: str = "firing", **changes: Any) -> dict[str, Any]:
    """An alert on the confidence of ``det`` that mails somebody; its document, to change."""
    condition = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}
    made = watch.create_alert("det", name, condition, ("email:team@company.com", "slack:#ml"), "", True)
    alert_id = asyncio.run(made)["alert_id"]
    watch.fire(alert_id)
    alert = watch.kept_alerts[alert_id]
    alert.update({"state": state, **changes})
    return alert


def add_baseline(watch: LiveWatch, **changes: Any) -> dict[str, Any]:
    """A baseline of ``det`` 1; its document, to change."""
    made = asyncio.run(watch.set_baseline("det@1", "2023-11-07:2023-11-14", "default", False))
    baseline = watch.kept_baselines[made["baseline_id"]]
    baseline.update(changes)
    return baseline
