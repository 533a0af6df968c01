"""Boxes drawn, moved and resized with the mouse, in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.recording import Store
from tests.dashboard.browser import Page
from tests.dashboard.pictures import BUS, CAR, HEIGHT, WIDTH, add_pictures, make_picture, seen
from tests.dashboard.reviewing import ENTER, IMAGE, begin, boxes_of, drag, in_store, labels_on_screen, shows, stored

PATH = "/review"

NEAR = 1.5
"""Pixels of the image that a pixel of the screen may be off."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images: on s9 a box is seen that reaches over the edge, and another surely enough to be told of only."""

    async def fill(store: Store) -> None:
        await add_pictures(tmp_path, store, 1)
        found = seen(("car", "bus", "dog"), ((-20, -10, 120, 90), BUS, (300, 10, 380, 60)), (0.9, 0.5, 0.4))
        await store.add_sample(make_picture(tmp_path, 9, detections=found))

    in_store(tmp_path, fill)
    return tmp_path


def saved(page: Page, folder: Path, item_id: str) -> list[tuple[str, list[float]]]:
    """Save what is on the screen; the labels in the store."""
    page.press("s")
    page.wait(lambda: stored(folder, item_id).status == "labeled", "the labels")
    return boxes_of(stored(folder, item_id))


def test_labels_begin_as_the_detections_at_the_operating_point(page: Page, folder: Path) -> None:
    """What scores less is not there, and what reaches over the edge is cut."""
    begin(page)
    shows(page, "s9")
    assert labels_on_screen(page) == ["car", "bus"]
    assert saved(page, folder, "s9") == [("car", [0.0, 0.0, 120.0, 90.0]), ("bus", list(BUS))]


def test_box_is_moved_and_resized_and_stays_in_the_image(page: Page, folder: Path) -> None:
    """By its inside and by a corner; what was predicted stays where it was, dashed."""
    begin(page)
    shows(page, "s9")
    page.press("c")
    shows(page, "s0")
    drag(page, (100, 100), (120, 130))
    assert page.count(".box.selected") == 1
    drag(page, (180, 170), (230, 250))
    drag(page, (300, 200), (395, 295))
    texts = page.run("return [...document.querySelectorAll('.predicted text')].map((one) => one.textContent)")
    assert texts == ["car 0.90", "bus 0.60"]
    (_, car), (_, bus) = saved(page, folder, "s0")
    assert car == pytest.approx([60, 90, 230, 250], abs=NEAR)
    assert bus == pytest.approx([WIDTH - 150, HEIGHT - 140, WIDTH, HEIGHT], abs=NEAR)


def test_missed_object_is_drawn_and_named(page: Page, folder: Path) -> None:
    """The class is asked for as soon as the box is there; a slip of the hand makes none."""
    begin(page)
    shows(page, "s9")
    page.press("c")
    shows(page, "s0")
    page.press("n")
    drag(page, (10, 10), (11, 10))
    page.says("#reviewing-note", "too small")
    page.press("n")
    drag(page, (300, 100), (200, 20))
    page.wait(lambda: page.focused() == "Class of box 3", "the question for the class")
    page.press(*"kite", ENTER)
    found = saved(page, folder, "s0")
    assert [label for label, _ in found] == ["car", "bus", "kite"]
    assert found[2][1] == pytest.approx([200, 20, 300, 100], abs=NEAR)


def test_click_chooses_a_box_and_does_not_move_it(page: Page, folder: Path) -> None:
    """Beside all boxes it chooses none."""
    begin(page)
    shows(page, "s9")
    page.press("c")
    shows(page, "s0")
    drag(page, (250, 200), (250.5, 200))
    assert page.count(f"{IMAGE} .box.selected") == 1
    drag(page, (10, 290), (10, 290))
    assert page.count(f"{IMAGE} .box.selected") == 0
    assert saved(page, folder, "s0") == [("car", list(CAR)), ("bus", list(BUS))]
