"""What every page does, shown by that of the alerts, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.api.problems import Problem
from sidecar.recording import StoreError
from tests.api.live_watch import LiveWatch, drift_findings
from tests.api.serving import served
from tests.dashboard.browser import Page
from tests.dashboard.conftest import add_alert, add_baseline

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

TOKEN = "a token for the page's tests"
PATH = "/alerts"
LONG = "a_name_without_any_place_to_break_it_" * 5


@pytest.mark.parametrize("width", [400, 800, 1280])
def test_page_fits_its_screen(page: Page, watch: LiveWatch, width: int) -> None:
    """Long names wrap or are cut: the page is never wider than the screen."""
    add_alert(watch, LONG, model_id=LONG, slice=LONG, sentence=LONG, acknowledged_by=LONG)
    add_baseline(watch, name=LONG)
    moved = {"class": LONG, "share_before": 0.1, "share_after": 0.3, "change": 0.2, "p_value": 0.001}
    watch.findings = drift_findings(
        affected_classes=[moved], new_classes=[{"class": LONG, "images": 9, "blocks": 3}], limitations=[LONG]
    )
    for path, selector in (("/drift", "#drift"), ("/alerts", "#alerts")):
        page.open(width, path)
        page.says(selector, LONG)
        assert page.run("return document.documentElement.scrollWidth") <= width


def test_section_that_fails_says_so_and_the_others_go_on(
    page: Page, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that can't be read takes one section away, not the page; the section comes back by itself."""

    async def broken(*_: object) -> Any:
        raise StoreError("io", "the disk is gone")

    add_alert(watch, "low")
    add_baseline(watch)
    monkeypatch.setattr(watch, "alerts", broken)
    page.open()
    page.says("#alerts-fault", "This could not be read just now: the store can't be used: io")
    page.says("#state", "1 alert firing")
    monkeypatch.undo()
    page.says("#alerts", "avg_confidence of det")
    assert not page.is_visible("#alerts-fault")


def test_refresh_keeps_the_focus(page: Page, watch: LiveWatch) -> None:
    """What is still there stays, and so does the button a person is on."""
    add_alert(watch, "low")
    page.open()
    page.says("#alerts-count", "1 firing")
    page.tab_to("Silence 1 h: low")
    page.run("performance.clearResourceTimings()")
    script = "return performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/alerts')).length"
    page.wait(lambda: page.run(script) >= 2, "two refreshes")
    assert page.focused() == "Silence 1 h: low"


def test_session_with_a_token_acts_and_ends(browser: WebDriver, folder: Path, watch: LiveWatch) -> None:
    """Who logged in may acknowledge; when the session is over the page leads back to the form."""
    alert = add_alert(watch, "low")
    with served(folder, watch, TOKEN) as url:
        page = Page(browser, url, PATH)
        page.open()
        page.wait(lambda: page.run("return document.activeElement.id") == "token", "the form for the token")
        page.press(*TOKEN, "\ue007")
        page.says("#alerts-count", "1 firing")
        page.tab_to("Acknowledge: low")
        page.press("\ue007", *"Ada", "\ue007")
        page.wait(lambda: alert["acknowledged_by"] == "Ada", "the alert acknowledged")
        browser.delete_all_cookies()
        page.wait(lambda: browser.current_url == f"{url}/login?next=%2Falerts", "the form again")
        browser.get("about:blank")


def test_section_that_is_not_permitted_says_so(page: Page, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal for lack of rights is told as such, and is no reason to log in again."""

    async def forbidden(*_: object) -> Any:
        raise Problem(403, "only the operator may read alerts")

    monkeypatch.setattr(watch, "alerts", forbidden)
    page.open()
    page.says("#alerts-fault", "not permitted; only the operator may read alerts")
    assert not page.is_visible("#alerts-empty")
    page.says("#state", "All well")


def test_page_that_gets_no_answer_says_so_once(browser: WebDriver, folder: Path, watch: LiveWatch) -> None:
    """When the sidecar is gone, what is on the page stays, and its state says that it is old."""
    add_alert(watch, "low")
    with served(folder, watch) as url:
        page = Page(browser, url, PATH)
        page.open()
        page.says("#alerts-count", "1 firing")
    page.says("#state", "No answer from the sidecar; trying again")
    page.says("#alerts", "low")
    page.tab_to("Silence 1 h: low")
    page.press("\ue007")
    page.says("#alerts .actions", "Silence 1 h failed: no answer from the sidecar")
    browser.get("about:blank")
