"""The settings, in a browser: what is wrong first, what was left out and what that means, configuration, models."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sidecar.access import TokenFile
from sidecar.api import WorkerStatus
from sidecar.api.services import Backlog
from tests.api.live import LiveControl, LiveTotals
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.holding import hold, let_go

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

PATH = "/settings"
CONFIG: dict[str, Any] = {
    "listen": {"host": "127.0.0.1", "port": 9000},
    "data_dir": "/data",
    "upstreams": [
        {"name": "A", "url": "http://127.0.0.1:8000", "version": "1", "score_threshold": None},
        {"name": HOSTILE, "url": "http://127.0.0.1:9000", "version": "yes", "score_threshold": 0.5},
    ],
    "routes": [],
    "notify": {"slack": {"#ml": "***"}, "link": ""},
    "models": [{"name": "*", "class_names": ["on", "007", "a: b", "ä\n", "- c", "1e3"], "outputs": {}}],
}
"""Values that careless YAML would turn into others."""
STORE = {
    "ok": True,
    "bytes": 30 << 20,
    "images_bytes": 90 << 20,
    "kept_bytes": 10 << 20,
    "used_bytes": 118 << 20,
    "bytes_max": 1 << 30,
    "age_days": 30.0,
    "disk_free_bytes": 50 << 30,
    "predictions_written": 1_000,
    "commit_seconds": 2.0,
}
UP = {"A": {"up": True, "connections": 2}}


class Configured(LiveControl):
    """Control of CONFIG."""

    def settings(self) -> Mapping[str, Any]:
        origins = {"listen.port": "environment", "upstreams": "file", "notify.slack.#ml": "file"}
        return {**CONFIG, "production": {"det": "A"}, "version": 7, "came_from": origins}


@pytest.fixture
def totals() -> LiveTotals:
    """Those of a sidecar that is well, to change."""
    told = {"requests": 12_345, "in_flight": 2, "connections": 4, "settings": 7, "rss_bytes": 30 << 20, "upstreams": UP}
    return LiveTotals({}, [WorkerStatus(0, 1_700_000_000 * 10**9, 77, True, told)], dict(STORE))


@pytest.fixture
def settings(
    browser: WebDriver, folder: Path, watch: LiveWatch, totals: LiveTotals, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Page]:
    """The page over ``totals``, without a token, not opened yet."""
    monkeypatch.setattr("tests.api.serving.LiveControl", Configured)
    with served(folder, watch, totals=totals) as url:
        yield Page(browser, url, PATH)
        browser.get("about:blank")


def rows(page: Page) -> list[list[str]]:
    """Setting, value and origin of every row of the configuration that can be seen."""
    script = (
        "return [...document.querySelectorAll('#config tbody tr')]"
        ".map((row) => [...row.children].map((cell) => cell.textContent))"
    )
    return list(page.run(script))


def submit(page: Page, **values: str) -> None:
    """Fill in the form that is about to open, and send it."""
    page.wait(lambda: page.run("return document.querySelector('#form-dialog').open"), "the form")
    for name, value in values.items():
        field = f"#form-dialog [data-name='{name}']"
        page.run("document.querySelector(arguments[0]).value = arguments[1]", field, value)
    page.run("document.querySelector('#form-submit').click()")


def test_servers_of_several_addresses_show_each(settings: Page, totals: LiveTotals) -> None:
    """With the state of each, the reason as text, and for how long one is left alone."""
    up = {"address": "10.0.0.7:80", "state": "up", "in_flight": 2, "ejections": 0, "retry_s": None}
    away = {"address": HOSTILE, "state": "ejected", "in_flight": 0, "ejections": 3, "retry_s": 8.2, "reason": HOSTILE}
    told = {"upstreams": {"A": {"up": True, "connections": 2, "addresses": [up, away]}}}
    totals.crew[0] = WorkerStatus(0, 1_700_000_000 * 10**9, 77, True, told)
    settings.open()
    settings.says("#workers", "10.0.0.7:80", "2 in flight", "Ejected", "ejected 3 times", "left alone for 9 s yet")
    settings.says("#workers", f"{HOSTILE}, 0 in flight")
    settings.says("#health-faults", "1 of 2 addresses of upstream A is ejected", "The others serve")


def test_server_of_one_address_that_is_down_shows_why(settings: Page, totals: LiveTotals) -> None:
    """A single address is shown once something is wrong with it."""
    down = {"address": "10.0.0.7:80", "state": "down", "reason": "the health path answered 404", "in_flight": 0}
    told = {"upstreams": {"A": {"up": False, "connections": 0, "addresses": [down]}}}
    totals.crew[0] = WorkerStatus(0, 1_700_000_000 * 10**9, 77, True, told)
    settings.open()
    settings.says("#workers", "10.0.0.7:80", "the health path answered 404")
    settings.says("#health-faults", "upstream A is down: the health path answered 404. Requests to it fail")


@pytest.mark.parametrize(("held", "said"), [(499, "499"), (500, "500 of 1,000")])
def test_connections_are_told_with_their_bound_once_that_matters(
    settings: Page, totals: LiveTotals, held: int, said: str
) -> None:
    """From half of it on: few open files may leave less room than the setting says."""
    told = {"connections": held, "connections_max": 1_000}
    totals.crew[0] = WorkerStatus(0, 1_700_000_000 * 10**9, 77, True, told)
    settings.open()
    settings.wait(lambda: settings.texts("#workers td")[3:4] == [said], said)


def test_sidecar_that_is_well_says_so_in_a_sentence(
    settings: Page, totals: LiveTotals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it is made of beneath: worker, store, what waits."""
    monkeypatch.setattr(totals, "dropped", dict)
    settings.open()
    settings.says("#health-sentence", "All well")
    settings.says("#workers", "process 77", "Serving", "12,345", "Newest", "A", "Up", "30 MB")
    settings.says("#store-use", "118 MB of 1.0 GB used (11.5 %)")
    settings.says("#store", "90 MB, of which 10 MB stay", "30 days", "50 GB", "1,000 predictions", "2.0 ms")
    settings.says("#backlog", "With the workers", "300 bytes of 1000 bytes", "At the monitor", "2 frames")
    settings.says("#outbox", "hub", "4 summaries waiting", "1 attempt failed")
    settings.says("#dropped-empty", "Nothing was.")


def test_certificates_are_shown_where_tls_is_spoken(settings: Page, totals: LiveTotals) -> None:
    """When each ends, why new files were not taken, and that a server's is not checked; else there is no such part."""
    settings.open()
    settings.says("#health-sentence", "worth a look")
    assert settings.run("return document.querySelector('#certificates-part').hidden") is True
    ends = time.time() + 30.5 * 86_400
    life = {"starts_at": ends - 90 * 86_400, "expires_at": ends, "renewed": 0}
    told = [
        {"use": "listen", "fault": HOSTILE, "verifies": True, **life},
        {"use": "upstream A", "fault": "", "verifies": False, "expires_at": None, "starts_at": None, "renewed": 0},
    ]
    totals.crew[0] = WorkerStatus(0, 1, 77, True, {**totals.crew[0].status, "tls": told})
    settings.open()
    settings.says("#certificates", "Data port", "in 30 days", "not taken: " + HOSTILE, "Upstream A", "is not checked")
    settings.says("#health-faults", "files of TLS of the data port not taken", "What was read before stays in use")
    settings.says("#health-concerns", "The certificate of upstream A is not checked (tls_verify: false)")


def test_what_is_wrong_stands_first_with_what_helps(settings: Page, totals: LiveTotals, watch: LiveWatch) -> None:
    """Faults in words, then what is no fault yet; each with what to do or what it costs."""
    totals.store_state |= {"ok": False, "reason": "full", "disk_free_bytes": 1000, "used_bytes": 1 << 30}
    totals.crew[0] = WorkerStatus(0, 1, 77, False, totals.crew[0].status, restarts=3)
    watch.failing["slack:#ml"] = HOSTILE
    settings.open()
    settings.says("#health-sentence", "3 things are wrong. Traffic is proxied all the same.")
    settings.says(
        "#health-faults", "store: full. Make room", "worker 0: not connected. It serves on", "slack:#ml", HOSTILE
    )
    settings.says("#health-concerns", "Only 1000 bytes are free", "3 were not recorded", "the oldest images")
    settings.says("#workers", "Not connected")
    settings.says("#store", "not ok: full")


def test_backlog_and_old_settings_are_worth_a_look(
    settings: Page, totals: LiveTotals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is broken then, and the page does not say that all is well."""
    monkeypatch.setattr(totals, "dropped", dict)
    monkeypatch.setattr(totals, "backlog", lambda: [Backlog("tap", None, 800, None, 1000)])
    totals.crew[0] = WorkerStatus(0, 1, 77, True, {**totals.crew[0].status, "settings": 5})
    settings.open()
    settings.says("#health-sentence", "Nothing is broken")
    settings.says("#health-concerns", "800 bytes of 1000 bytes wait with the workers", "Worker 0 does not follow")
    settings.says("#workers", "2 behind")
    assert settings.run("return document.querySelector('#backlog rect.over') !== null")


def test_what_was_left_out_is_explained(settings: Page, totals: LiveTotals, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing from the record before images that were not kept; a reason nobody knows stands as it is."""
    dropped = {("sample_low_confidence", "aged"): 70, ("tap", "overflow"): 3, (HOSTILE, "new"): 1}
    monkeypatch.setattr(totals, "dropped", lambda: dropped)
    settings.open()
    settings.says("#dropped", "tap/overflow", "The monitor was too far behind", HOSTILE, "Images of low confidence")
    assert settings.texts("#dropped .amount") == ["3", "1", "70"]
    settings.says("#limits", "7", "shadow_in_flight_max", "Copies that were not made because 32 were under way.")


def test_settings_are_found_by_name_value_and_origin(settings: Page) -> None:
    """Every value has its place and where it came from; words narrow down to what has them all."""
    settings.open()
    settings.says("#config-count", "settings")
    found = {name: (value, origin) for name, value, origin in rows(settings)}
    assert found["listen.port"] == ("9000", "environment")
    assert found["listen.host"] == ("127.0.0.1", "default")
    assert found["upstreams[1].name"] == (HOSTILE, "file")
    assert found["notify.slack.#ml"] == ("hidden", "file")
    assert found["routes"] == ("none", "default")
    assert found["production.det"] == ("A", "promotion")
    settings.run("document.querySelector('#config-search').focus()")
    settings.press(*"port env")
    settings.says("#config-count", "1 of ")
    assert rows(settings) == [["listen.port", "9000", "environment"]]
    assert settings.is_visible("#config tbody td")
    settings.press(*"x")
    settings.says("#config-empty", "No setting has that")
    settings.press(*["\ue003"] * 9)
    settings.run("document.querySelector('#config-given').click()")
    assert {name.split("[")[0] for name, *_ in rows(settings)} == {
        "listen.port", "upstreams", "notify.slack.#ml", "production.det"
    }  # fmt: skip


def test_refresh_keeps_what_is_folded_open(settings: Page) -> None:
    """A section that was opened stays so while answers come."""
    settings.open()
    settings.says("#config-count", "settings")
    settings.run("document.querySelector('#config details').open = true; performance.clearResourceTimings()")
    script = "return performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/settings')).length"
    settings.wait(lambda: settings.run(script) >= 2, "two refreshes")
    assert settings.count("#config details[open]") == 1


def test_copied_yaml_is_the_configuration(settings: Page) -> None:
    """Read back it is the same values, however they look."""
    settings.open()
    settings.says("#config-count", "settings")
    settings.run("window.kept = ''; navigator.clipboard.writeText = async (text) => { window.kept = text }")
    settings.run("window.setTimeout = () => 0")  # what is said would go by itself
    settings.run("document.querySelector('#config-copy').click()")
    settings.says("#config-copied", "Copied")
    assert yaml.safe_load(settings.run("return window.kept")) == CONFIG


def test_version_is_registered_and_forgotten(settings: Page) -> None:
    """By forms, and what can't be is said in them."""
    settings.open()
    settings.says("#models", "det")
    settings.run("document.querySelector('#models-new').click()")
    submit(settings, name="det", version="int8", url="nonsense")
    settings.says("#form-dialog .refused:not([hidden])", "must hold scheme, host and port")
    submit(settings, name="det", version="int8", url="http://127.0.0.1:9001")
    settings.says("#models", "int8", "registered", "http://127.0.0.1:9001")
    settings.wait(lambda: not settings.is_visible("#form-dialog"), "the form closed")
    settings.run("document.querySelector(\"#models [aria-label='Forget det@int8']\").click()")
    submit(settings)
    settings.wait(lambda: "int8" not in settings.text("#models"), "the version gone")


def test_what_was_done_shows_though_a_round_was_under_way(settings: Page) -> None:
    """Whose answer is of before: another one follows at once, not when it is due."""
    settings.open()
    settings.says("#models", "det")
    settings.run("const later = window.setTimeout; window.setTimeout = (work, ms) => ms < 5000 && later(work, ms)")
    hold(settings, "/api/v1/models")
    settings.run("document.querySelector('#models-new').click()")
    submit(settings, name="det", version="int8", url="http://127.0.0.1:9001")
    settings.wait(lambda: not settings.is_visible("#form-dialog"), "the form closed")
    let_go(settings)
    settings.says("#models", "int8")


def test_reader_sees_all_but_what_only_an_admin_may_do(browser: WebDriver, folder: Path, watch: LiveWatch) -> None:
    """No button that would be refused, and a word about the tokens that are not shown."""
    with served(folder, watch, "the token of an admin for this test") as url:
        _, secret = TokenFile(folder).create("viewer", ["read"], 1.0, None)
        page = Page(browser, url, PATH)
        page.open()
        page.wait(lambda: page.run("return document.activeElement.id") == "token", "the form for the token")
        page.press(*secret, "\ue007")
        page.says("#access-who", "viewer", "read")
        page.says("#access-empty", "Only an admin")
        page.says("#models", "det")
        assert not page.is_visible("#models-new")
        assert not page.is_visible("#access-new")
        assert page.is_visible("#access-logout")
        browser.delete_all_cookies()
        browser.get("about:blank")
