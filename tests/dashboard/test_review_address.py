"""The page around the review: its queues, what waits and was done last, and items that are opened by their address."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.recording import Items, Store
from sidecar.types import Label
from tests.api.live import START
from tests.dashboard.browser import Page
from tests.dashboard.pictures import CAR, DATASET, DRAWN, add_pictures, make_picture
from tests.dashboard.reviewing import ENTER, ESCAPE, TAB, boxes_of, in_store, labels_on_screen, shows, stored

PATH = "/review"

FAULT = "#review-begin-fault"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of three images s0 is labeled by Ann; d0 is of the audit, and waits."""

    async def fill(store: Store) -> None:
        await add_pictures(tmp_path, store, 3)
        await store.add_sample(make_picture(tmp_path, 6, sample_id="d0", prediction_id="qd", **DRAWN))
        labels = {"labels": (Label("tram", CAR),), "verdict": "wrong_label"}
        await Items(store).decide("s0", "Ann", START + 9, "label", "labeled", labels)

    in_store(tmp_path, fill)
    return tmp_path


def open_as_ada(page: Page, path: str) -> None:
    """The page at ``path``, where the name is known already."""
    page.open()
    page.run("localStorage.setItem('sidecar.name', 'Ada')")
    page.open(path=path)


def test_queues_say_how_much_waits_in_each(page: Page) -> None:
    """Beside them what waits by value, the most worth first, and what was reviewed last."""
    page.open()
    text = page.says("#queues", "Street")
    assert "1 of 4 images reviewed" in text
    buttons = [" ".join(text.split()) for text in page.texts("#queues button")]
    assert buttons == ["Review by value 2 wait", "Audit 1 waits"]
    page.wait(lambda: page.count("#waiting .thumb") == 2 and page.count("#decided .thumb") == 1, "the images")
    names = page.run("return [...document.querySelectorAll('#waiting a')].map((one) => one.getAttribute('aria-label'))")
    assert names == ["to review: car, bus, s2", "to review: car, bus, s1"]
    page.says("#decided", "tram", "by Ann")
    assert page.console_errors() == []


def test_item_is_opened_by_its_address(page: Page, folder: Path) -> None:
    """It alone: then Enter goes on with the queue."""
    open_as_ada(page, f"/review?dataset={DATASET}&item=s1")
    shows(page, "s1")
    page.says("#reviewing-progress", "one image, opened by its address")
    page.press("c")
    page.says("#reviewing-nothing", "That was the image. Enter goes on with the queue")
    page.wait(lambda: stored(folder, "s1").status == "labeled", "s1 labeled")
    page.press(ENTER)
    shows(page, "s2")


def test_reviewed_item_is_opened_as_it_was_labeled_and_corrected(page: Page, folder: Path) -> None:
    """Also what another reviewed; one undo takes the correction back."""
    open_as_ada(page, f"/review?dataset={DATASET}&item=s0")
    shows(page, "s0")
    assert labels_on_screen(page) == ["tram"]
    page.says("#reviewing-facts", "labeled by Ann; saving corrects it")
    page.press(TAB, "w", *"van", ENTER, "s")
    page.says("#reviewing-nothing", "That was the image")
    page.wait(lambda: boxes_of(stored(folder, "s0")) == [("van", list(CAR))], "the correction")
    page.press("u")
    shows(page, "s0")
    found = stored(folder, "s0")
    assert (found.status, found.reviewed_by, boxes_of(found)) == ("labeled", "Ann", [("tram", list(CAR))])
    page.press(ESCAPE, ESCAPE, ESCAPE)
    page.wait(lambda: not page.is_visible("#reviewing"), "the review closed")
    assert stored(folder, "s0").status == "labeled"


def test_image_of_the_audit_is_not_opened_by_its_address(page: Page, folder: Path) -> None:
    """Only its queue gives it out, and the page says so."""
    open_as_ada(page, f"/review?dataset={DATASET}&item=d0")
    page.says(FAULT, "d0 can't be opened", "audit")
    assert stored(folder, "d0").status == "needs_review"


@pytest.mark.parametrize(("item", "said"), [("nope", "nope can't be opened"), ("s0&dataset=x", "")])
def test_item_that_is_not_there_is_told(page: Page, item: str, said: str) -> None:
    """The queues are there all the same."""
    open_as_ada(page, f"/review?dataset={DATASET if said else 'gone'}&item={item}")
    page.says(FAULT, said or "There is no dataset gone.")
    assert page.is_visible("#queues")


def test_queue_is_chosen_by_the_address(page: Page) -> None:
    """It has the focus: Enter begins."""
    open_as_ada(page, f"/review?dataset={DATASET}&queue=audit")
    page.wait(lambda: page.focused() == "Audit 1 waits: Street", "the queue in focus")
    page.press(ENTER)
    shows(page, "d0")


def test_reviewer_comes_back_to_the_images_of_the_dataset(page: Page) -> None:
    """From whose page an image was opened."""
    open_as_ada(page, f"/datasets/{DATASET}?status=labeled")
    page.wait(lambda: page.count("#items .thumb") == 1, "the image")
    page.run("document.querySelector('#items .thumb a').click()")
    shows(page, "s0")
    page.press(ESCAPE)
    page.wait(
        lambda: page.run("return location.pathname + location.search") == f"/datasets/{DATASET}?status=labeled", ""
    )
