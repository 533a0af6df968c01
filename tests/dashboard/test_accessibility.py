"""axe-core finds nothing wrong with any page or dialog, light and dark, wide and narrow, on a sidecar with data."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.dashboard import PAGES
from tests.dashboard.browser import Page
from tests.kit.axe import AxeUnavailable, script, violations
from tests.kit.populated import TOKEN, ids_of, populated_sidecar
from tests.kit.ports import free_ports
from tests.kit.sidecar import RunningSidecar, ask, wait_for

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

MODEL_SERVER = Path(__file__).resolve().parents[1] / "kit" / "model_server.py"
WIDTHS = (400, 1280)
THEMES = ("light", "dark")
PATTERNS = [path for page in PAGES for path in page.paths]
SETTLED = """return ![...document.querySelectorAll('[id$="-empty"]')]
    .some((node) => node.checkVisibility() && node.textContent.includes('Loading'))
  && !['', 'Loading…'].includes(document.querySelector('#state').textContent)"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, or a skip that says why it is not here."""
    try:
        return script()
    except AxeUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSidecar]:
    """A whole sidecar with one of everything."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([sys.executable, str(MODEL_SERVER), str(port), "one"])
    try:
        wait_for(partial(_answers, url), what="the model server")
        with populated_sidecar(tmp_path_factory.mktemp("sidecar"), url) as running:
            yield running
    finally:
        server.kill()
        server.wait(5)


def _answers(url: str) -> bool:
    try:
        return ask(url).status == 200
    except OSError:
        return False


@pytest.fixture
def page(browser: WebDriver, sidecar: RunningSidecar) -> Iterator[Page]:
    """The dashboard, logged in."""
    made = Page(browser, f"http://127.0.0.1:{sidecar.admin_port}")
    made.open()
    made.wait(lambda: made.is_visible("#token") or made.is_visible("#state"), "the form for the token, or a page")
    if made.is_visible("#token"):
        made.run("document.querySelector('#token').focus()")
        made.press(*TOKEN, "\ue007")
        made.wait(lambda: made.is_visible("#state"), "the page after the login")
    yield made
    _theme(made, "light")
    browser.get("about:blank")


def _theme(page: Page, name: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": name}, {"name": "prefers-reduced-motion", "value": "reduce"}]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def path_of(pattern: str, sidecar: RunningSidecar) -> str:
    """The path of a page about something that is there."""
    ids = ids_of(sidecar)
    kinds = {"{kind}": "ab-tests", "{test_id}": str(sidecar.api("/api/v1/ab-tests")["items"][0]["id"])}
    places = {**kinds, "{prediction_id}": ids["prediction_id"][0], "{dataset_id}": "det"}
    for place, value in places.items():
        pattern = pattern.replace(place, value)
    return pattern


def open_at(page: Page, path: str) -> None:
    """The page with its first answers."""
    page.open(path=path)
    page.wait(lambda: page.run(SETTLED), f"the answers of {path}")


def found_anywhere(page: Page, axe: str) -> list[str]:
    """What is wrong with what is open, at every width in every theme; each as a line that says where."""
    told = []
    for width in WIDTHS:
        page.resize(width)
        for theme in THEMES:
            _theme(page, theme)
            told += [f"{width} px {theme}: {one}" for one in violations(page, axe)]
    return told


@pytest.mark.parametrize("pattern", [*PATTERNS, "/experiments/shadow-tests/copies"])
def test_page_has_no_violation(page: Page, sidecar: RunningSidecar, axe: str, pattern: str) -> None:
    """Whoever sees badly, sees no colours, or has only a keyboard or a screen reader, can use it."""
    open_at(page, path_of(pattern, sidecar))
    assert found_anywhere(page, axe) == []


def test_violation_that_is_planted_is_found(page: Page, axe: str) -> None:
    """What finds nothing must be able to: a picture without words, and text that can hardly be seen."""
    open_at(page, "/settings")
    page.run("""const picture = document.createElement('img');
      const faint = document.createElement('p');
      faint.textContent = 'faint';
      faint.style.color = '#ddd';
      document.querySelector('#main').append(picture, faint);""")
    assert {one.rule for one in violations(page, axe)} == {"image-alt", "color-contrast"}


DIALOGS = {
    "help": ("/", "document.querySelector('#keys-open').click()", "#keys"),
    "token": ("/settings", "document.querySelector('#access-new').click()", "#form-dialog"),
    "version": ("/settings", "document.querySelector('#models-new').click()", "#form-dialog"),
    "alert": ("/alerts", "document.querySelector('#alerts-new').click()", "#form-dialog"),
    "test": ("/experiments", "document.querySelector('#trials-new-ab').click()", "#form-dialog"),
    "name": ("/review", "document.querySelector('#queues [data-queue=audit]').click()", "#name-dialog"),
}
"""A page, what opens a dialog there, and the dialog."""


@pytest.mark.parametrize("dialog", DIALOGS)
def test_dialog_has_no_violation(page: Page, axe: str, dialog: str) -> None:
    """Also with what is wrong said in it."""
    path, opens, selector = DIALOGS[dialog]
    open_at(page, path)
    page.wait(lambda: page.run(f"try {{ {opens}; return true }} catch {{ return false }}"), "what opens it")
    page.wait(lambda: page.run("return document.querySelector(arguments[0]).open", selector), "the dialog")
    if selector == "#form-dialog":
        page.run("document.querySelector('#form-submit').click()")
    assert found_anywhere(page, axe) == []


def test_review_has_no_violation(page: Page, axe: str) -> None:
    """An item on the screen, with its image and its boxes."""
    open_at(page, "/review")
    page.wait(lambda: page.run(f"{DIALOGS['name'][1]}; return true"), "the review begun")
    page.wait(lambda: page.is_visible("#reviewing") or page.is_visible("#name-dialog"), "the review")
    if page.is_visible("#name-dialog"):
        page.run("document.querySelector('#name-field').focus()")
        page.press(*"Ada", "\ue007")
    page.wait(lambda: page.count("#reviewing-image[data-state='shown']"), "an image")
    assert found_anywhere(page, axe) == []


def test_form_of_the_login_has_no_violation(browser: WebDriver, sidecar: RunningSidecar, axe: str) -> None:
    """The first page that many see."""
    page = Page(browser, f"http://127.0.0.1:{sidecar.admin_port}", "/login?next=%2F")
    page.open()
    browser.delete_all_cookies()
    page.open()
    page.wait(lambda: page.is_visible("#token"), "the form for the token")
    assert found_anywhere(page, axe) == []
