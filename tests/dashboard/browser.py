"""A real browser on the dashboard, with what tests ask of it."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar.dashboard import site

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

WAIT_S = 40.0
TABS_MAX = 80
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def missing_programs() -> list[str]:
    """The programs of Debian's packages chromium and chromium-driver that are not here."""
    return [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]


@contextlib.contextmanager
def started(profile: Path) -> Iterator[WebDriver]:
    """Chromium without a window, its profile in ``profile``, until the block ends."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(WAIT_S)
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    """A page of the dashboard at ``url`` in a browser; waits for what is to come, at most WAIT_S."""

    def __init__(self, driver: WebDriver, url: str, path: str = "/") -> None:
        self.driver = driver
        self.url = url
        self.path = path

    def open(self, width: int = 1280, path: str | None = None) -> None:
        """Load it, or the page at ``path``, with a screen so wide, and forget what earlier pages said."""
        self.resize(width)
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(self.url + (self.path if path is None else path))

    def resize(self, width: int) -> None:
        """Give what is open a screen so wide."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.wait(lambda: self.run("return innerWidth") == width, f"a screen {width} px wide")

    def run(self, script: str, *arguments: object) -> Any:
        """What a function body in JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, holds: Callable[[], Any], what: str) -> Any:
        """The first true answer of ``holds``; fails naming ``what`` and showing the page."""
        end = time.monotonic() + WAIT_S
        while not (answer := holds()):
            if time.monotonic() > end:
                raise AssertionError(f"not within {WAIT_S:g} s: {what}")
            time.sleep(0.05)
        return answer

    def text(self, selector: str) -> str:
        """What can be read of the first element of a CSS selector; empty where it is hidden or not there."""
        script = "const node = document.querySelector(arguments[0]); return node ? node.innerText : ''"
        return str(self.run(f"{script}", selector)) if self.is_visible(selector) else ""

    def texts(self, selector: str) -> list[str]:
        """What can be read of every element of a CSS selector."""
        script = "return [...document.querySelectorAll(arguments[0])].map((node) => node.innerText)"
        return list(self.run(script, selector))

    def count(self, selector: str) -> int:
        """How many elements there are of a CSS selector."""
        return int(self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def is_visible(self, selector: str) -> bool:
        """Whether the first element of a CSS selector is there to be seen."""
        script = "const node = document.querySelector(arguments[0]); return Boolean(node && node.checkVisibility())"
        return bool(self.run(script, selector))

    def says(self, selector: str, *parts: str) -> str:
        """Wait until an element's text has all ``parts``; the text."""
        return str(
            self.wait(
                lambda: (text := self.text(selector)) and all(part in text for part in parts) and text,
                f"{selector} saying {parts}",
            )
        )

    def focused(self) -> str:
        """What has the focus, as a person would call it: its label, else its text."""
        script = (
            "const node = document.activeElement; return node.getAttribute('aria-label') || node.innerText || node.id"
        )
        return str(self.run(script))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, where the focus is."""
        from selenium.webdriver import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def tab_to(self, label: str) -> None:
        """Press Tab until what has the focus is called ``label``."""
        for _ in range(TABS_MAX):
            if self.focused() == label:
                return
            self.press("\ue004")
        raise AssertionError(f"{label!r} has not come into focus with {TABS_MAX} tabs")

    def console_errors(self) -> list[str]:
        """What the browser's console has of errors since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def requested(self) -> list[str]:
        """Every address asked for since the page was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def static(self, name: str) -> str:
        """The address of a static file, as the page itself has it."""
        return site().address(name)
