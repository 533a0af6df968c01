"""Images reviewed one at a time, in a browser, by keyboard; what comes of it in the store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.recording import Store
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.pictures import BUS, CAR, DRAWN, add_pictures, make_picture
from tests.dashboard.reviewing import (
    BACKSPACE,
    CONTROL,
    DELETE,
    DOWN,
    ENTER,
    ESCAPE,
    IMAGE,
    RIGHT,
    SHIFT,
    TAB,
    begin,
    boxes_of,
    chord,
    in_store,
    labels_on_screen,
    settle,
    shows,
    stored,
)

PATH = "/review"

NOTE, FAULT = "#reviewing-note", "#reviewing-fault"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six images to review, s5 first, and one of the audit, d0."""

    async def fill(store: Store) -> None:
        await add_pictures(tmp_path, store, 6)
        drawn = {"sample_id": "d0", "prediction_id": "qd", "version": "secret-7", **DRAWN}
        await store.add_sample(make_picture(tmp_path, 6, **drawn))

    in_store(tmp_path, fill)
    return tmp_path


def test_whole_session_by_keyboard_arrives_in_the_store(page: Page, folder: Path) -> None:
    """Correct, a wrong label, a false positive, a missed object, a wrong box, and an image to reject."""
    begin(page)
    shows(page, "s5")
    page.press("c")
    shows(page, "s4")
    page.press(TAB, "w", *"lorry", ENTER, "s")
    shows(page, "s3")
    page.press(TAB, TAB, DELETE, ENTER)
    shows(page, "s2")
    page.press("n", ENTER, *"cone", ENTER, "s")
    shows(page, "s1")
    page.press(TAB, RIGHT)
    chord(page, SHIFT, DOWN)
    chord(page, CONTROL, RIGHT)
    page.press(ENTER)
    shows(page, "s0")
    page.press("r", *"blurred", ENTER)
    page.says("#reviewing-nothing", "Nothing is left to review in this queue. You have reviewed 6 images.")
    as_seen = [("car", list(CAR)), ("bus", list(BUS))]
    found = {item: stored(folder, item) for item in ("s5", "s4", "s3", "s2", "s1", "s0")}
    assert boxes_of(found["s5"]) == as_seen
    assert boxes_of(found["s4"]) == [("lorry", list(CAR)), as_seen[1]]
    assert boxes_of(found["s3"]) == as_seen[:1]
    assert boxes_of(found["s2"]) == [*as_seen, ("cone", [140.0, 110.0, 260.0, 190.0])]
    assert boxes_of(found["s1"]) == [("car", [41.0, 70.0, 162.0, 150.0]), as_seen[1]]
    assert [item.verdict for item in found.values()][:4] == [
        "correct",
        "wrong_label",
        "false_positive",
        "missed_object",
    ]
    assert [item.status for item in found.values()] == ["labeled"] * 5 + ["rejected"]
    assert {(item.reviewed_by, item.reviewed_in) for item in found.values()} == {("Ada", "value")}
    page.press(ESCAPE)
    page.wait(lambda: not page.is_visible("#reviewing"), "the review closed")
    page.wait(lambda: page.focused().startswith("Review by value"), "the focus where it began")
    page.says("#queues", "5 labeled", "1 rejected")
    assert page.console_errors() == []


def test_undo_takes_back_edits_first_and_then_what_was_decided(page: Page, folder: Path) -> None:
    """What was labeled comes again with its labels; the item that was on the screen comes after it."""
    begin(page)
    shows(page, "s5")
    page.press(TAB, "w", *"lorry", ENTER, "s")
    shows(page, "s4")
    page.press(TAB, "d")
    assert labels_on_screen(page) == ["bus"]
    assert page.text(NOTE) == "Removed as a false positive. U brings it back."
    page.press("u")
    assert labels_on_screen(page) == ["car", "bus"]
    assert page.text(NOTE) == ""
    page.press("u")
    shows(page, "s5")
    page.says(NOTE, "Taken back: saved.")
    assert labels_on_screen(page) == ["lorry", "bus"]
    undone = stored(folder, "s5")
    assert (undone.status, undone.labels, undone.claimed_by) == ("in_review", None, "Ada")
    page.press("s")
    shows(page, "s4")
    assert boxes_of(stored(folder, "s5"))[0] == ("lorry", list(CAR))


def test_skipped_image_comes_last_and_goes_back_in_the_end(page: Page, folder: Path) -> None:
    """U shows it again; it is nobody's once the review is closed."""
    begin(page)
    shows(page, "s5")
    page.press("j")
    shows(page, "s4")
    page.press(RIGHT)
    shows(page, "s3")
    page.says("#reviewing-progress", "2 skipped")
    page.press("u")
    shows(page, "s4")
    page.press("c")
    shows(page, "s3")
    for nxt in ("s2", "s1", "s0", "s5"):
        page.press("c")
        shows(page, nxt)
    page.press(ESCAPE)
    page.wait(lambda: stored(folder, "s5").status == "needs_review", "s5 given back")


def test_item_that_was_on_the_screen_is_there_again_after_a_reload(page: Page, folder: Path) -> None:
    """A reviewer who comes back goes on where the review was left, at once."""
    begin(page)
    shows(page, "s5")
    page.open()
    page.says("#queues", "Review by value")
    page.run("document.querySelector('#queues [data-queue=value]').click()")
    shows(page, "s5")


def test_item_taken_by_another_is_told_and_the_next_one_shown(page: Page, folder: Path) -> None:
    """What was meant for it is not saved over the other's work."""
    begin(page)
    shows(page, "s5")
    _act(page, "s5", "release", by="Ada")
    _act(page, "s5", "claim", by="Bob")
    page.press("c")
    shows(page, "s4")
    page.says(FAULT, "Not saved: the item is under review by 'Bob'", "Here is the next one.")
    assert stored(folder, "s5").claimed_by == "Bob"
    page.press("c")
    shows(page, "s3")
    assert not page.is_visible(FAULT)


def _act(page: Page, item_id: str, verb: str, **body: str) -> None:
    """What somebody does through the API meanwhile."""
    script = """const done = arguments[arguments.length - 1];
      fetch(arguments[0], { method: "POST", headers: { "Content-Type": "application/json" }, body: arguments[1] })
        .then((answer) => done(answer.status))"""
    assert page.driver.execute_async_script(script, f"/api/v1/items/{item_id}/{verb}", json.dumps(body)) == 200


def test_fault_of_a_box_is_said_at_that_box(page: Page, folder: Path) -> None:
    """A box without a class is not taken, and which one it is can be seen and heard."""
    begin(page)
    shows(page, "s5")
    page.press("n", ENTER, ESCAPE, "s")
    page.says("#reviewing-boxes li:nth-child(3) .refused", "label", "must not be empty")
    page.says(FAULT, "Not saved.")
    script = "const input = document.querySelector('#reviewing-boxes li:nth-child(3) input');"
    described = f"{script} return document.getElementById(input.getAttribute('aria-describedby')).innerText"
    assert "must not be empty" in page.run(described)
    page.press("w", *"cone", ENTER, "s")
    shows(page, "s4")
    assert boxes_of(stored(folder, "s5"))[2][0] == "cone"


def test_audit_hides_who_answered_and_counts_as_audit(page: Page, folder: Path) -> None:
    """Nothing on the page tells the version before the review."""
    begin(page, audit=True)
    shows(page, "d0")
    assert "hidden" in page.text("#reviewing-facts")
    assert "secret-7" not in page.text("#reviewing") + page.text("main")
    page.press("c")
    page.says("#reviewing-nothing", "Nothing is left")
    settle(page)
    found = stored(folder, "d0")
    assert (found.reviewed_in, found.verdict) == ("audit", "correct")


def test_name_is_asked_once_and_remembered(page: Page, folder: Path) -> None:
    """It stands beside the heading, and can be changed."""
    begin(page)
    shows(page, "s5")
    page.press(ESCAPE)
    page.says("#acting", "Acting as Ada")
    page.open()
    page.says("#acting", "Acting as Ada", "Change")


def test_keys_do_nothing_while_a_class_is_typed(page: Page, folder: Path) -> None:
    """The letters of a class are no verdicts; known classes are suggested; Escape leaves what was there."""
    begin(page)
    shows(page, "s5")
    page.press(TAB, "w", *"scudnrj", ESCAPE)
    assert labels_on_screen(page) == ["car", "bus"]
    assert stored(folder, "s5").status == "in_review"
    options = "return [...document.querySelectorAll('#reviewing-classes option')].map((one) => one.value)"
    assert page.run(options) == ["bus", "car"]
    page.press("w", BACKSPACE, ENTER)
    assert labels_on_screen(page) == ["car", "bus"]


def test_tab_goes_round_the_boxes_and_escape_leads_out(page: Page, folder: Path) -> None:
    """Out of them Tab goes through the buttons as anywhere."""
    begin(page)
    shows(page, "s5")
    page.press(TAB)
    assert page.focused() == "Box 1 of 2: car 0.90"
    page.press(TAB)
    assert page.focused() == "Box 2 of 2: bus 0.60"
    page.press(TAB)
    assert page.focused() == "Box 1 of 2: car 0.90"
    chord(page, SHIFT, TAB)
    assert page.focused() == "Box 2 of 2: bus 0.60"
    page.press(ESCAPE)
    assert page.count(".box.selected") == 0
    assert page.run("return document.activeElement.getAttribute('aria-keyshortcuts')") == "C"
    page.press(TAB)
    assert page.run("return document.activeElement.getAttribute('aria-keyshortcuts')") == "W"


def test_changes_are_not_lost_without_a_word(page: Page, folder: Path) -> None:
    """C does not throw boxes away that were changed; Escape warns first. What was said of a change goes by itself."""
    begin(page)
    shows(page, "s5")
    page.run("const real = setTimeout; window.setTimeout = (work, ms, ...rest) => real(work, ms / 100, ...rest)")
    page.press(TAB, "d")
    page.wait(lambda: page.text(NOTE) == "", "the note gone")
    page.press("c")
    page.says(FAULT, "You changed boxes: S saves them")
    page.press(ESCAPE, ESCAPE)
    page.says(FAULT, "not saved")
    assert page.is_visible("#reviewing")
    page.press(ESCAPE)
    page.wait(lambda: not page.is_visible("#reviewing"), "the review closed")


def test_image_that_is_gone_is_told(page: Page, folder: Path) -> None:
    """It can be rejected, as what can't be seen can't be judged."""
    (folder / "samples" / "s5.png").unlink()
    begin(page)
    page.says(FAULT, "The image can't be shown")
    page.press("r", *"gone", ENTER)
    shows(page, "s4")
    assert stored(folder, "s5").status == "rejected"


def test_hostile_class_stays_text(page: Page, folder: Path) -> None:
    """On the image, in the list, and among the suggestions."""
    begin(page)
    shows(page, "s5")
    page.press(TAB, "w")
    page.run("document.activeElement.value = arguments[0]", HOSTILE)
    page.press(ENTER)
    assert HOSTILE[:30] in page.run(f"return document.querySelector('{IMAGE} .box.selected text').textContent")
    assert labels_on_screen(page)[0] == HOSTILE
    page.press("s")
    shows(page, "s4")
    assert boxes_of(stored(folder, "s5"))[0][0] == HOSTILE
    assert page.run("return window.pwned") is None
    assert page.count("#reviewing img, #reviewing script, #datasets img") == 0


def test_key_that_is_held_down_decides_once(page: Page, folder: Path) -> None:
    """Repeats of a key confirm no images that nobody looked at."""
    begin(page)
    shows(page, "s5")
    script = """const options = { key: arguments[0], repeat: arguments[1], bubbles: true };
      document.querySelector("#reviewing-image").dispatchEvent(new KeyboardEvent("keydown", options))"""
    page.run(script, "c", False)
    shows(page, "s4")
    for key in ("c", "Enter", "s", "j"):
        page.run(script, key, True)
    page.says("#reviewing-progress", "1 image reviewed")
    assert stored(folder, "s4").status == "in_review"


@pytest.mark.parametrize("width", [400, 800, 1280])
def test_review_fits_its_screen(page: Page, folder: Path, width: int) -> None:
    """The image, the verdicts and the boxes are there without scrolling to the side."""
    begin(page)
    shows(page, "s5")
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.wait(lambda: page.run("return innerWidth") == width, "the width")
    over = "const one = document.querySelector('#reviewing'); return [one.scrollWidth - one.clientWidth]"
    assert page.run(over) == [0]
    assert page.run("return document.querySelector('#reviewing-image').getBoundingClientRect().width") > 0.55 * width
