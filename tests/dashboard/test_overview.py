"""The overview's page, in a browser, on a store with an hour of two versions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from sidecar.api.problems import Problem
from sidecar.recording import Batch, Store, SummaryRow
from tests.api.live import make_prediction, make_summary
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE, add_alert
from tests.dashboard.live_trials import LiveTrials

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

CHARTS = ["chart-requests", "chart-errors", "chart-latency", "chart-confidence", "chart-detections", "chart-classes"]
FIRST_SCREEN_BYTES_MAX = 150_000
LEFT, RIGHT, SPACE = "\ue012", "\ue014", " "


def fill(folder: Path, minutes: int = 50, versions: tuple[str, ...] = ("1", "2"), width_s: int = 10) -> None:
    """Requests every minute up to now; the last version answers in the second half only."""
    now = int(time.time()) // width_s * width_s

    async def record() -> None:
        store = await Store.open(folder)
        rows = []
        for minute in range(minutes):
            for version in versions if minute < minutes / 2 else versions[:1]:
                payload = make_summary([make_prediction(number) for number in range(4)], version).encode()
                at = (now - minute * 60) // width_s * width_s
                key = ("det", version, "serving", "", 0, "")
                rows += [SummaryRow(at // wide * wide, wide, *key, 1, payload) for wide in (width_s, 3_600)]
        await store.commit(Batch([], rows, {(0, 2): 1}))
        await store.close()

    asyncio.run(record())


@pytest.fixture
def page(browser: WebDriver, folder: Path, watch: LiveWatch, trials: LiveTrials) -> Iterator[Page]:
    """The overview, not opened yet."""
    fill(folder)
    with served(folder, watch, trials=trials) as url:
        yield Page(browser, url)
        browser.get("about:blank")


def is_drawn(page: Page, range_: str = "1h") -> None:
    page.wait(lambda: page.run("return document.body.dataset.range") == range_, f"the {range_} drawn")


def test_page_shows_sentence_figures_charts_and_versions(page: Page) -> None:
    """Everything of the last hour, with a name for each line; nothing comes from elsewhere, nothing fails."""
    page.open()
    is_drawn(page)
    assert page.text("#sentence") == "There is nothing to compare with yet: 300 requests, 0 % of them failed."
    assert page.says("#tiles", "Requests", "300", "Latency", "p99", "0.75")
    assert page.run("return [...document.querySelectorAll('.chart')].map((one) => one.id)") == CHARTS
    assert page.count(".chart canvas") == len(CHARTS)
    assert page.texts("#chart-requests .legend .name") == ["det@1", "det@2"]
    assert page.texts("#chart-classes .legend .name") == ["cat", "dog"]
    assert [text.split("\n")[0] for text in page.texts("#versions tbody th")] == ["det@1", "det@2"]
    assert {urlsplit(address).hostname for address in page.requested()} <= {"127.0.0.1"}
    assert page.console_errors() == []


@pytest.mark.parametrize("width", [400, 900, 1440])
def test_page_fits_its_screen(page: Page, watch: LiveWatch, width: int) -> None:
    """Long names are cut: the page is never wider than the screen."""
    add_alert(watch, "a_name_without_any_place_to_break_it_" * 4)
    page.open(width)
    is_drawn(page)
    page.says("#attention", "a_name_without")
    assert page.run("return document.documentElement.scrollWidth") <= width


def test_view_is_in_the_address_and_a_link_shows_the_same(page: Page) -> None:
    """Range, model and comparison; going back shows what was before."""
    page.open()
    is_drawn(page)
    page.run("document.querySelector('input[value=\"24h\"]').click()")
    is_drawn(page, "24h")
    page.run(
        "const model = document.getElementById('view-model'); model.value = 'det';"
        "model.dispatchEvent(new Event('change', {bubbles: true}))"
    )
    page.run("document.querySelector('input[value=\"baseline\"]').click()")
    page.says("#sentence", "There is no baseline to compare with")
    assert urlsplit(page.driver.current_url).query == "range=24h&compare=baseline&model=det"
    page.open(path="/?range=15m&model=det%402")
    is_drawn(page, "15m")
    assert page.texts("#chart-requests .legend .name") == ["det@2"]
    page.run("document.querySelector('input[value=\"1h\"]').click()")
    is_drawn(page, "1h")
    page.driver.back()
    is_drawn(page, "15m")
    assert page.run("return document.querySelector('input[name=range]:checked').value") == "15m"
    assert page.run("return document.getElementById('view-model').value") == "det@2"


def test_ranges_are_chosen_and_charts_read_by_keyboard(page: Page) -> None:
    """The arrow keys choose a range, and move the crosshair that all charts share; what is there is told."""
    page.open()
    is_drawn(page)
    page.tab_to("1 h")
    page.press(LEFT)
    is_drawn(page, "15m")
    page.run("window.fetch = () => new Promise(() => {})")  # from here on the time that is shown stays the same
    page.run("document.querySelector('#chart-requests .plot').focus()")
    page.press(LEFT)
    page.wait(lambda: not page.text("#chart-requests .when").startswith("last: "), "the crosshair")
    first = page.text("#chart-requests .when")
    assert first
    assert page.text("#chart-confidence .when") == first
    page.press(LEFT)
    assert page.text("#chart-latency .when") != first
    page.press("\ue00c")
    page.wait(lambda: page.text("#chart-latency .when").startswith("last: "), "the crosshair gone")
    label = page.run("return document.querySelector('#chart-errors .plot').getAttribute('aria-label')")
    assert label.startswith("Errors: det@1 lately 0.0 %, from 0.0 % to 0.0 %; det@2 lately")


def test_latency_is_drawn_by_the_quantile_that_is_chosen(page: Page) -> None:
    """The legend tells all three."""
    page.open()
    is_drawn(page)
    value = page.texts("#chart-latency .legend .value")[0]
    assert value.count("·") == 2
    page.run("document.querySelector('input[name=quantile][value=p99]').click()")
    assert page.run("return document.querySelector('input[name=quantile]:checked').value") == "p99"
    label = page.run("return document.querySelector('#chart-latency .plot').getAttribute('aria-label')")
    assert "det@1 p99 lately" in label


def test_figures_go_on_by_themselves(page: Page, folder: Path) -> None:
    """In place: what has the focus keeps it."""
    page.open()
    is_drawn(page)
    page.tab_to("1 h")
    fill(folder, 1, ("3",))
    page.wait(lambda: "det@3" in page.texts("#chart-requests .legend .name"), "the new version drawn")
    assert page.focused() == "1 h"
    assert page.count(".chart canvas") == len(CHARTS)


def test_what_came_about_is_marked_listed_and_leads_on(page: Page, watch: LiveWatch, trials: LiveTrials) -> None:
    """A test that began and an alert that fired within the time, each with a link; focus puts the crosshair there."""
    trials.now = time.time() - 600
    test = asyncio.run(trials.create_ab_test("New", "det@1", "det@2", {"traffic_split": 0.1}))
    page.open()
    is_drawn(page)
    text = "A/B test “New” began with 10 % for det@2"
    link = "a[href$='/experiments/ab-tests/new']"
    assert test["id"] == "new"
    assert page.says("#events", text).startswith("2")
    page.run("document.querySelector(arguments[0]).focus()", f"#events {link}")
    page.wait(lambda: not page.text("#chart-requests .when").startswith("last: "), "the crosshair at the event")
    page.says("#attention", "Running", "A/B test new on det")


def test_table_has_all_that_is_drawn(page: Page) -> None:
    """For those who read rather than look; made when it is opened."""
    page.open()
    is_drawn(page)
    assert page.count("#table tr") == 0
    page.run("document.querySelector('#table-part summary').click()")
    page.wait(lambda: page.count("#table tbody tr") == 75, "a row for each minute of each version")


def test_hostile_names_stay_text(browser: WebDriver, tmp_path: Path, watch: LiveWatch) -> None:
    """Of versions, classes and alerts."""
    fill(tmp_path, 5, (HOSTILE,))
    add_alert(watch, HOSTILE)
    with served(tmp_path, watch) as url:
        page = Page(browser, url)
        page.open()
        is_drawn(page)
        page.says("#attention", HOSTILE)
        assert HOSTILE in page.text("#versions")
        assert page.run("return window.pwned") is None
        browser.get("about:blank")


def test_empty_store_says_how_to_begin(browser: WebDriver, tmp_path: Path, watch: LiveWatch) -> None:
    """Where to point a client at; no empty charts."""
    with served(tmp_path, watch) as url:
        page = Page(browser, url)
        page.open()
        page.says("#start", "Point a client at the sidecar's data port")
        assert not page.is_visible("#overview")
        page.open(path="/?model=nobody")
        page.says("#overview-empty", "Nothing of nobody was recorded in the last hour")
        browser.get("about:blank")


def test_refusal_is_said_and_the_rest_goes_on(page: Page, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not permitted is told as such; what was refused comes back by itself."""

    async def forbidden(*_: object) -> Any:
        raise Problem(403, "only the operator may read baselines")

    monkeypatch.setattr(watch, "baselines", forbidden)
    page.open()
    page.says("#overview-fault", "not permitted; only the operator may read baselines")
    page.says("#state", "All well")
    monkeypatch.undo()
    page.says("#sentence", "There is nothing to compare with yet")
    assert not page.is_visible("#overview-fault")


def test_first_screen_is_small(page: Page) -> None:
    """All that goes over the wire until the charts are drawn, with nothing kept from before."""
    page.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    page.open()
    is_drawn(page)
    script = (
        "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".reduce((sum, one) => sum + one.transferSize, 0)"
    )
    assert 20_000 < page.run(script) < FIRST_SCREEN_BYTES_MAX
