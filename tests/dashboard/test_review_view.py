"""The image under review brought nearer, classes by number, and what is said about keys, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidecar.recording import Store
from tests.dashboard.browser import Page
from tests.dashboard.pictures import BUS, CAR, add_pictures
from tests.dashboard.reviewing import (
    BACKSPACE,
    CONTROL,
    ENTER,
    ESCAPE,
    IMAGE,
    RIGHT,
    SHIFT,
    TAB,
    begin,
    boxes_of,
    chord,
    drag,
    in_store,
    labels_on_screen,
    shows,
    stored,
)

PATH = "/review"

NOTE, ZOOM, LIGHT = "#reviewing-note", "#reviewing-zoom", "#reviewing-light"
NEAR = 1.5
"""Pixels of the image that a pixel of the screen may be off."""
PLACE = """const svg = document.querySelector(arguments[0]);
  const at = new DOMPoint(arguments[1], arguments[2]).matrixTransform(svg.getScreenCTM());
  return [at.x, at.y]"""

ANOTHER = """const done = arguments[2];
Promise.all([arguments[0], arguments[1]].map((file) => import(file))).then(([{ showNumbers }, { Classes }]) => {
  const chosen = [];
  const show = (counts) => showNumbers(
    { classes: new Classes(counts), edit: { current: null }, stage: { isDrawing: false } }, (key) => chosen.push(key));
  show({ van: 5, bike: 2 });
  show({ bike: 5, van: 2 });
  document.querySelector("#reviewing-numbers button[title=van]").click();
  done(chosen);
});"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images to review, s2 first."""

    async def fill(store: Store) -> None:
        await add_pictures(tmp_path, store, 3)

    in_store(tmp_path, fill)
    return tmp_path


@pytest.fixture
def looked_at(page: Page, folder: Path) -> Page:
    """The review with s2 on the screen."""
    begin(page)
    shows(page, "s2")
    return page


def on_screen(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the image is on the screen."""
    left, top = page.run(PLACE, IMAGE, x, y)
    return left, top


def wide(page: Page, selector: str) -> float:
    """How wide the first element is on the screen."""
    return float(page.run("return document.querySelector(arguments[0]).getBoundingClientRect().width", selector))


def test_keys_bring_the_image_nearer_and_handles_stay_as_large_as_they_were(looked_at: Page) -> None:
    """0 shows the whole image again, and so does the next image."""
    page = looked_at
    page.press(TAB)
    handle, box = wide(page, ".handle"), wide(page, ".box.selected .line")
    page.press("+", "+", "+")
    page.says(ZOOM, "195 %")
    assert wide(page, ".handle") == pytest.approx(handle, abs=0.5)
    assert wide(page, ".box.selected .line") == pytest.approx(1.953 * box, rel=0.02)
    page.press("-")
    page.says(ZOOM, "156 %")
    page.press("0")
    page.says(ZOOM, "100 %")
    page.press("+", "c")
    shows(page, "s1")
    page.says(ZOOM, "100 %")


def test_wheel_brings_nearer_what_is_under_the_pointer(looked_at: Page) -> None:
    """That stays where it is on the screen."""
    page = looked_at
    left, top = on_screen(page, 100, 100)
    script = """document.querySelector(arguments[0]).dispatchEvent(new WheelEvent("wheel",
      { deltaY: -400, clientX: arguments[1], clientY: arguments[2], bubbles: true, cancelable: true }))"""
    page.run(script, IMAGE, left, top)
    assert page.text(ZOOM) == "190 %"
    assert on_screen(page, 100, 100) == pytest.approx((left, top), abs=1)


def test_box_is_drawn_where_it_is_seen_in_a_near_view(looked_at: Page, folder: Path) -> None:
    """Arrows without a box, and a drag beside all boxes, move what is seen."""
    page = looked_at
    page.press("+", "+", "+")
    left, _ = on_screen(page, 200, 150)
    page.press(RIGHT)
    assert on_screen(page, 200, 150)[0] == pytest.approx(left - 60, abs=1)
    drag(page, (200, 100), (190, 100))
    assert on_screen(page, 200, 150)[0] < left - 75
    page.press("n")
    drag(page, (180, 75), (240, 115))
    page.press(*"kite", ENTER, "s")
    shows(page, "s1")
    assert boxes_of(stored(folder, "s2"))[2] == ("kite", pytest.approx([180, 75, 240, 115], abs=NEAR))


def test_chosen_box_is_looked_at_by_f_and_by_a_double_click(looked_at: Page) -> None:
    """It takes more than half of the screen then; Escape leads back to the whole image."""
    from selenium.webdriver import ActionChains

    page = looked_at
    page.press(TAB, "f")
    assert wide(page, ".box.selected .line") > 0.5 * wide(page, IMAGE)
    page.press(ESCAPE, ESCAPE)
    page.says(ZOOM, "100 %")
    bus = page.driver.find_elements("css selector", f"{IMAGE} .box")[1]
    ActionChains(page.driver).double_click(bus).perform()
    page.wait(lambda: page.text(ZOOM) != "100 %", "a near view")
    assert (
        page.run("return document.querySelector('.box.selected').getAttribute('aria-label')") == "Box 2 of 2: bus 0.60"
    )


def test_number_is_the_class_of_the_chosen_box(looked_at: Page, folder: Path) -> None:
    """The keys stand beside the classes. One that is called by a digit has that key, and another class gives way."""
    page = looked_at

    def keys() -> list[str]:
        return [" ".join(text.split()) for text in page.texts("#reviewing-numbers li")]

    assert keys() == ["car 1", "bus 2"]
    page.press(TAB, "2")
    assert labels_on_screen(page) == ["bus", "bus"]
    page.press("w", BACKSPACE, "2", ENTER)
    assert keys() == ["car 1", "2 2", "bus 3"]
    page.press("w", BACKSPACE, "0", ENTER)
    assert keys() == ["car 1", "2 2", "bus 3", "0 0"]
    page.press(TAB, "2", TAB, "w", "0", "+", "0")
    page.says(ZOOM, "125 %")
    page.press("s")
    shows(page, "s1")
    assert boxes_of(stored(folder, "s2")) == [("0", list(CAR)), ("2", list(BUS))]
    files = [page.static(f"review/{name}.js") for name in ("numbers", "classes")]
    assert page.driver.execute_async_script(ANOTHER, *files) == ["2"], "the key of the dataset that is reviewed now"


def test_number_without_a_box_draws_one_of_that_class(looked_at: Page, folder: Path) -> None:
    """Nothing is asked then; one that was drawn by N is asked, and takes a number too."""
    page = looked_at
    page.press("2")
    page.says(NOTE, "Drag a box over the bus")
    drag(page, (180, 20), (240, 90))
    assert page.focused() == "Box 3 of 3: bus"
    page.press(ESCAPE, "n")
    drag(page, (20, 180), (120, 280))
    page.wait(lambda: page.focused() == "Class of box 4", "the question for the class")
    page.press("1", "s")
    shows(page, "s1")
    assert [label for label, _ in boxes_of(stored(folder, "s2"))] == ["car", "bus", "bus", "car"]


def test_change_that_was_taken_back_can_be_made_again(looked_at: Page) -> None:
    """By Shift+Z and Ctrl+Y; another change ends that."""
    page = looked_at
    page.press(TAB, "d", "u")
    assert labels_on_screen(page) == ["car", "bus"]
    page.press("Z")
    assert labels_on_screen(page) == ["bus"]
    chord(page, CONTROL, "z")
    assert labels_on_screen(page) == ["car", "bus"]
    chord(page, CONTROL, "y")
    assert labels_on_screen(page) == ["bus"]
    page.press("u", TAB, "1")
    assert page.run("return document.querySelector('[aria-keyshortcuts=\"Shift+Z\"]').disabled")


def test_wrong_box_chooses_one_and_says_how_it_is_put_right(looked_at: Page) -> None:
    """Pressed again it chooses the next."""
    page = looked_at
    page.press("b")
    assert page.focused() == "Box 1 of 2: car 0.90"
    page.says(NOTE, "Arrows move the box, with Ctrl or Alt its lower right corner")
    page.press("b")
    assert page.focused() == "Box 2 of 2: bus 0.60"


def test_wrong_label_without_a_chosen_box_asks_which_one_is_meant(looked_at: Page) -> None:
    """Its number stands at each box then, and chooses it; Enter decides nothing meanwhile, and Escape ends it."""
    page = looked_at
    names = "return [...document.querySelectorAll('.box text')].map((one) => one.textContent)"
    page.press("w", ENTER)
    page.says(NOTE, "Which box has the wrong label? Press its number")
    assert page.run(names) == ["1: car 0.90", "2: bus 0.60"]
    page.press(ESCAPE)
    assert (page.run(names), page.text(NOTE)) == (["car 0.90", "bus 0.60"], "")
    page.press("w", "3")
    page.says(NOTE, "There is no box 3")
    page.press("2")
    assert page.focused() == "Class of box 2"
    page.says(NOTE, "Box 2, bus: press the number of the right class")
    page.press(*"lorry", ENTER)
    assert labels_on_screen(page) == ["car", "lorry"]
    assert page.text(NOTE) == ""


def test_enter_by_habit_after_the_number_of_a_class_decides_nothing(looked_at: Page) -> None:
    """The number alone names the class; whoever presses Enter after it too would save what was not looked at."""
    page = looked_at
    page.run("const now = performance.now(); performance.now = () => now")  # at once, however slow the machine is
    page.press("w", "2")
    key = page.run("return document.querySelector('#reviewing-numbers button').dataset.key")
    page.press(key, ENTER)
    first = page.run("return document.querySelector('#reviewing-numbers .name').textContent")
    assert labels_on_screen(page) == ["car", first]


def test_every_verdict_is_on_the_screen_with_its_key(looked_at: Page) -> None:
    """And all keys behind the question mark, which stays open beside no review keys."""
    page = looked_at
    verdicts = [" ".join(text.split()) for text in page.texts("#reviewing-verdicts button")]
    assert verdicts[:5] == ["Correct C", "Wrong label W", "Wrong box B", "False positive D", "Missed object N"]
    page.press("?")
    page.says("#reviewing-keys", "false positive: remove the box", "move what is seen", "redo; also Ctrl+Y")
    page.press("j", ESCAPE)
    page.wait(lambda: not page.is_visible("#reviewing-keys"), "the keys closed")
    shows(page, "s2")


def test_names_and_boxes_can_be_hidden(looked_at: Page) -> None:
    """By L, in turn."""
    page = looked_at
    seen: list[tuple[bool, bool]] = []
    style = "return getComputedStyle(document.querySelector(arguments[0])).visibility === 'visible'"
    for _ in range(4):
        seen.append((page.run(style, ".box text"), page.run(style, ".box .line")))
        page.press("l")
    assert seen == [(True, True), (False, True), (False, False), (True, True)]


def test_image_is_shown_lighter_and_the_boxes_as_they_are(looked_at: Page) -> None:
    """By V or a click, a step on each time, for the next image too; with Shift as it is."""
    page = looked_at
    painted = "return [...document.querySelectorAll(`${arguments[0]} [filter]`)].map((one) => one.tagName)"
    assert page.run(painted, IMAGE) == []
    page.press("v")
    page.says(LIGHT, "Light: brighter")
    assert page.run(painted, IMAGE) == ["image"]
    page.press("c")
    shows(page, "s1")
    page.run("document.querySelector(arguments[0]).click()", LIGHT)
    page.says(LIGHT, "Light: much brighter")
    page.press("V")
    page.says(LIGHT, "Light: as it is")
    assert page.run(painted, IMAGE) == []


def touch(page: Page, kind: str, *points: tuple[float, float]) -> None:
    """Fingers on the screen."""
    at = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    page.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})


@pytest.fixture
def by_finger(page: Page, folder: Path) -> Any:
    """The review on a small screen that is touched."""
    begin(page)
    shows(page, "s2")
    driver = page.driver
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    page.wait(lambda: page.run("return innerWidth") == 400, "the width")
    yield page
    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_two_fingers_bring_nearer_and_one_draws(by_finger: Page, folder: Path) -> None:
    """On 400 pixels, where every verdict is a button."""
    page = by_finger
    (x, y), (right, bottom) = on_screen(page, 180, 150), on_screen(page, 220, 150)
    touch(page, "touchStart", (x, y), (right, bottom))
    touch(page, "touchMove", (x - (right - x), y), (right + (right - x), bottom))
    touch(page, "touchEnd")
    page.wait(lambda: page.text(ZOOM) == "300 %", "a near view")
    assert page.count(f"{IMAGE} .box.selected") == 0
    page.run("document.querySelector('#reviewing-whole').click()")
    page.run("document.querySelector('[aria-keyshortcuts=N]').click()")
    touch(page, "touchStart", on_screen(page, 180, 20))
    touch(page, "touchMove", on_screen(page, 200, 60))
    touch(page, "touchMove", on_screen(page, 240, 90))
    touch(page, "touchEnd")
    page.wait(lambda: page.focused() == "Class of box 3", "the question for the class")
    page.press(*"kite", ENTER)
    page.run("document.querySelector('[aria-keyshortcuts=S]').click()")
    shows(page, "s1")
    assert boxes_of(stored(folder, "s2"))[2] == ("kite", pytest.approx([180, 20, 240, 90], abs=3))


def test_shift_moves_by_ten_also_the_corner(looked_at: Page, folder: Path) -> None:
    """With Ctrl and Shift the lower right corner goes far."""
    from selenium.webdriver import ActionChains

    page = looked_at
    page.press(TAB)
    keys = ActionChains(page.driver).key_down(CONTROL).key_down(SHIFT).send_keys(RIGHT)
    keys.key_up(SHIFT).key_up(CONTROL).perform()
    page.press("s")
    shows(page, "s1")
    assert boxes_of(stored(folder, "s2"))[0] == ("car", [CAR[0], CAR[1], CAR[2] + 10, CAR[3]])
