"""The review as a person does it, and what came of it in the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sidecar.recording import Reader, Sample, Store
from tests.dashboard.browser import TABS_MAX, Page

T = TypeVar("T")
ENTER, ESCAPE, TAB, SHIFT, CONTROL = "\ue007", "\ue00c", "\ue004", "\ue008", "\ue009"
LEFT, UP, RIGHT, DOWN, DELETE, BACKSPACE = "\ue012", "\ue013", "\ue014", "\ue015", "\ue017", "\ue003"
IMAGE = "#reviewing-image"
NOTES_STAY = """const real = setTimeout;
  window.setTimeout = (work, ms, ...rest) => real(work, ms > 5000 ? 100 * ms : ms, ...rest)"""
"""What is said briefly is still there when a slow machine comes to read it."""


def begin(page: Page, name: str = "Ada", *, audit: bool = False) -> None:
    """Open the page and start to review by keyboard, as ``name``."""
    page.open()
    page.says("#queues", "Review by value")
    tab_to_queue(page, "Audit" if audit else "Review by value")
    page.press(ENTER)
    page.wait(lambda: page.is_visible("#name-dialog"), "the question for the name")
    page.press(*name, ENTER)
    page.wait(lambda: page.is_visible("#reviewing"), "the review")
    page.run(NOTES_STAY)


QUEUE = "#queues [data-queue=value]"


def tab_to_queue(page: Page, queue: str) -> None:
    """Press Tab until the button of a queue has the focus."""
    for _ in range(TABS_MAX):
        if page.focused().startswith(queue) and page.focused().endswith(": Street"):
            return
        page.press(TAB)
    raise AssertionError(f"{queue!r} has not come into focus with {TABS_MAX} tabs")


def shows(page: Page, item_id: str, *, settled: bool = True) -> None:
    """Wait until an item's image is on the screen and, unless not ``settled``, what was decided before is saved."""
    path = f"/api/v1/samples/{item_id}/image"
    page.wait(lambda: page.count(f"{IMAGE}[data-state='shown'] image[href='{path}']"), f"the image of {item_id}")
    if settled:
        settle(page)


def settle(page: Page) -> None:
    """Wait until all that was decided is saved."""
    page.wait(lambda: not page.count("#reviewing[data-sending]"), "what was decided saved")


def labels_on_screen(page: Page) -> list[str]:
    """The classes of the boxes, in their order."""
    script = "return [...document.querySelectorAll('#reviewing-boxes input')].map((input) => input.value)"
    return list(page.run(script))


def chord(page: Page, held: str, *keys: str) -> None:
    """Press keys while another is held."""
    from selenium.webdriver import ActionChains

    chain = ActionChains(page.driver).key_down(held)
    for key in keys:
        chain.send_keys(key)
    chain.key_up(held).perform()


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag with the mouse between two places of the image, in its pixels."""
    from selenium.webdriver.common.actions.action_builder import ActionBuilder

    script = """const svg = document.querySelector(arguments[0]);
      const point = new DOMPoint(arguments[1], arguments[2]).matrixTransform(svg.getScreenCTM());
      return [Math.round(point.x), Math.round(point.y)]"""
    builder = ActionBuilder(page.driver, duration=20)
    mouse = builder.pointer_action
    mouse.move_to_location(*page.run(script, IMAGE, *start)).pointer_down()
    mouse.move_to_location(*page.run(script, IMAGE, *((a + b) / 2 for a, b in zip(start, end, strict=True))))
    mouse.move_to_location(*page.run(script, IMAGE, *end)).pointer_up()
    builder.perform()


def stored(folder: Path, item_id: str) -> Sample:
    """An item as it is in the store, read by a connection of its own."""

    async def read() -> Sample:
        reader = await Reader.open(folder)
        try:
            found = await reader.item(item_id, time.time())
        finally:
            await reader.close()
        assert found is not None
        return found

    return asyncio.run(read())


def boxes_of(sample: Sample) -> list[tuple[str, list[float]]]:
    """Labels as (class, box)."""
    assert sample.labels is not None
    return [(label.label, list(label.box)) for label in sample.labels]


def in_store(folder: Path, work: Callable[[Store], Awaitable[T]]) -> T:
    """What ``work`` gives, on a store that is opened and closed for it; no application may have it open."""

    async def run() -> T:
        store = await Store.open(folder)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())
