"""Every page of the dashboard, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.dashboard import PAGES
from tests.api.live_watch import LiveWatch
from tests.dashboard.browser import Page
from tests.dashboard.conftest import add_alert, add_baseline

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACES: Mapping[str, str] = {
    "{prediction_id}": "p0",
    "{kind}": "ab-tests",
    "{test_id}": "nothing",
    "{dataset_id}": "nothing",
}
"""What stands in the paths of pages that are about one thing."""


def path_of(pattern: str) -> str:
    for place, value in PLACES.items():
        pattern = pattern.replace(place, value)
    return pattern


PATHS = [path_of(path) for page in PAGES for path in page.paths]
WIDTHS = (1280, 800, 400)


@pytest.mark.parametrize("path", PATHS)
def test_page_stands_by_itself(page: Page, watch: LiveWatch, path: str) -> None:
    """All that a page needs comes from the sidecar itself, under the strict policy and without an error; it says
    where one is, and is never wider than the screen."""
    add_alert(watch, "low")
    add_baseline(watch)
    page.open(path=path)
    page.says("#state", "1 alert firing")
    asked = page.requested()
    assert any(url.endswith("/base/page.js") for url in asked)
    assert [url for url in asked if not url.startswith(f"{page.url}/")] == []
    missing = "the server responded with a status of 404"  # of a thing that a path names and that is not there
    assert [error for error in page.console_errors() if missing not in error or "/api/v1/" not in error] == []
    assert page.driver.title.endswith("Inference sidecar")
    headings = "return [...document.querySelectorAll('main h1')].filter((one) => one.checkVisibility()).length"
    assert page.run(headings) == 1
    assert page.count(".pages a[aria-current]") == 1
    for width in WIDTHS:
        page.resize(width)
        assert page.run("return document.documentElement.scrollWidth") <= width


def test_first_tab_leads_past_the_navigation(page: Page) -> None:
    """Whoever works by keyboard need not go through all pages' links each time."""
    page.open()
    page.says("#state", "All well")
    page.press("\ue004")
    assert page.focused() == "Skip to the content"
    page.press("\ue007")
    page.wait(lambda: page.run("return location.hash"), "the way to the content")
    page.press("\ue004")
    assert page.run("return document.activeElement.closest('.top') === null")


def test_g_and_a_letter_lead_to_a_page(page: Page) -> None:
    """The help says which letters; in a field, letters are letters."""
    stop_the_clock = "const now = Date.now(); Date.now = () => now"  # in which the letter must follow
    page.open()
    page.says("#state", "All well")
    page.press("?")
    page.says("#keys", "Go to a page", "Experiments")
    page.run(stop_the_clock)
    page.press("\ue00c", "g", "a")
    page.wait(lambda: page.driver.current_url == f"{page.url}/alerts", "the alerts")
    page.says("#state", "All well")
    page.run(stop_the_clock)
    page.press("g", "s")
    page.wait(lambda: page.driver.current_url == f"{page.url}/settings", "the settings")
