"""What goes wrong while images are reviewed in a browser: answers that are late or lost, other tabs, other people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.recording import Store
from tests.dashboard.browser import Page
from tests.dashboard.pictures import BUS, CAR, add_pictures, make_picture
from tests.dashboard.reviewing import (
    ENTER,
    ESCAPE,
    IMAGE,
    TAB,
    begin,
    boxes_of,
    in_store,
    shows,
    stored,
)

PATH = "/review"

NOTE, FAULT = "#reviewing-note", "#reviewing-fault"
# mode lost: the answer to a decision is lost once; late: it waits for window.go()
DECISIONS = """const asked = window.fetch;
  let mode = arguments[0];
  const gate = new Promise((resolve) => { window.go = resolve; });
  window.fetch = async (path, options) => {
    const isOne = options && options.method === "POST" && /(label|confirm|reject|datasets)$/.test(path);
    if (!isOne || !mode) return asked(path, options);
    const how = mode;
    mode = "";
    if (how === "late") { window.waits = true; await gate; }
    const answer = await asked(path, options);
    if (how === "lost") throw new TypeError("lost");
    return answer;
  };"""
UNSIZED = {"width": 0, "height": 0}
FORM_OPEN = "return document.querySelector('#form-dialog').open"


@pytest.fixture
def s9() -> dict[str, int] | None:
    """What is other than usual of one more image, which comes before the others; None: there is none."""
    return None


@pytest.fixture
def folder(tmp_path: Path, s9: dict[str, int] | None) -> Path:
    """Three images to review, s2 first."""

    async def fill(store: Store) -> None:
        await add_pictures(tmp_path, store, 3)
        if s9 is not None:
            await store.add_sample(make_picture(tmp_path, 9, **s9))

    in_store(tmp_path, fill)
    return tmp_path


def act(page: Page, item_id: str, verb: str, **body: object) -> None:
    """What somebody does through the API meanwhile."""
    script = """const done = arguments[arguments.length - 1];
      fetch(arguments[0], { method: "POST", headers: { "Content-Type": "application/json" }, body: arguments[1] })
        .then((answer) => done(answer.status))"""
    assert page.driver.execute_async_script(script, f"/api/v1/items/{item_id}/{verb}", json.dumps(body)) == 200


def test_late_save_is_refused_where_another_reviewed_it(page: Page, folder: Path) -> None:
    """It says who, and goes on with the next image; the other's labels stay."""
    begin(page)
    shows(page, "s2")
    act(page, "s2", "release", by="Ada")
    act(page, "s2", "label", by="Bob", labels=[])
    page.press("c")
    shows(page, "s1")
    page.says(FAULT, "Not saved: ", "labeled by 'Bob' at 20", "Here is the next one.")
    assert (stored(folder, "s2").reviewed_by, stored(folder, "s2").labels) == ("Bob", ())


def test_lease_renewed_meanwhile_is_no_other_revision(page: Page, folder: Path) -> None:
    """Who works long at an image renews the lease by that, and saves all the same."""
    begin(page)
    shows(page, "s2")
    page.run("const now = Date.now; Date.now = () => now() + 300000")
    page.press(TAB)
    page.wait(lambda: stored(folder, "s2").revision == 2, "the lease renewed")
    page.press("c")
    shows(page, "s1")
    assert stored(folder, "s2").status == "labeled"


@pytest.mark.parametrize("retry", ["c", "s"])
def test_decision_whose_answer_was_lost_is_made_once(page: Page, folder: Path, retry: str) -> None:
    """The next image is not taken from under the hands: U shows the one that was not saved. Once it is saved one U
    takes it back, though it was sent twice, also where other boxes were sent then."""
    begin(page)
    shows(page, "s2")
    page.run(DECISIONS, "lost")
    page.press("c")
    shows(page, "s1")
    page.says(FAULT, "The last image is not saved: no answer", "It comes again after this one; U shows it now")
    page.press("u")
    shows(page, "s2")
    if retry == "s":
        page.press(TAB, "d")  # what was meant changed since
    page.press(retry)
    shows(page, "s1")
    assert len(boxes_of(stored(folder, "s2"))) == (2 if retry == "c" else 1)
    page.press("u")
    shows(page, "s2")
    assert stored(folder, "s2").status == "in_review"


def test_next_image_does_not_wait_for_the_answer(page: Page, folder: Path) -> None:
    """What is decided is sent while the next one is looked at; the review closes once all is saved."""
    begin(page)
    shows(page, "s2")
    page.run(DECISIONS, "late")
    page.press("c")
    shows(page, "s1", settled=False)
    page.wait(lambda: page.run("return window.waits"), "the request")
    assert stored(folder, "s2").status == "in_review"
    page.press(ESCAPE)
    assert page.is_visible("#reviewing")
    page.run("window.go()")
    page.wait(lambda: not page.is_visible("#reviewing"), "the review closed")
    assert stored(folder, "s2").status == "labeled"
    page.wait(lambda: stored(folder, "s0").status == "needs_review", "what was claimed ahead given back")


def test_labels_that_were_refused_come_again_as_they_were(page: Page, folder: Path) -> None:
    """What is wrong is said at the box, once the image is on the screen again."""
    begin(page)
    shows(page, "s2")
    page.press(TAB, "w", *"x" * 2, ENTER)
    page.run("document.querySelector('#reviewing-boxes input').maxLength = 500")
    page.press("w")
    page.run("document.activeElement.value = 'y'.repeat(300)")
    page.press(ENTER, "s")
    shows(page, "s1")
    page.says(FAULT, "The last image is not saved", "U shows it now")
    page.press("u")
    shows(page, "s2")
    page.says("#reviewing-boxes li:nth-child(1) .refused", "label")
    page.press(TAB, "w", *"tram", ENTER, "s")
    shows(page, "s1")
    assert boxes_of(stored(folder, "s2"))[0] == ("tram", list(CAR))


def test_rejection_under_way_can_not_be_left(page: Page, folder: Path) -> None:
    """Neither Escape, twice, nor Cancel closes its form before the answer; then the next image is there."""
    begin(page)
    shows(page, "s2")
    page.run(DECISIONS, "late")
    page.press("r", *"blurred", ENTER)
    page.wait(lambda: page.run("return window.waits"), "the request")
    page.press(ESCAPE, ESCAPE)
    page.run("document.querySelector('#form-cancel').click()")
    assert page.run(FORM_OPEN)
    page.run("window.go()")
    shows(page, "s1")
    page.says(NOTE, "Rejected. U takes it back.")
    assert stored(folder, "s2").status == "rejected"


def test_rejection_whose_form_went_away_goes_on_when_it_is_answered(page: Page, folder: Path) -> None:
    """However a browser closed it: the keys work, and nothing is decided of what is gone."""
    begin(page)
    shows(page, "s2")
    page.run(DECISIONS, "late")
    page.press("r", ENTER)
    page.wait(lambda: page.run("return window.waits"), "the request")
    page.run("document.querySelector('#form-dialog').close()")
    page.run("window.go()")
    shows(page, "s1")
    page.press("c")
    shows(page, "s0")
    assert [stored(folder, item).status for item in ("s2", "s1")] == ["rejected", "labeled"]
    assert page.console_errors() == []


def test_late_answer_closes_no_other_form(page: Page, folder: Path) -> None:
    """What is typed into the next one stays."""
    page.open(path="/datasets")
    page.says("#datasets", "Street")
    page.run(DECISIONS, "late")
    page.run("document.querySelector('#datasets-new').click()")
    page.wait(lambda: page.run(FORM_OPEN), "the form")
    page.press(*"First", ENTER)
    page.wait(lambda: page.run("return window.waits"), "the request")
    page.run("document.querySelector('#form-dialog').close()")
    page.wait(lambda: not page.run(FORM_OPEN), "the form closed")
    page.wait(lambda: page.run(f"document.querySelector('#datasets-new').click(); {FORM_OPEN}"), "the second form")
    page.press(*"Second")
    page.run("window.go()")
    page.says("#datasets", "First")
    assert page.run(FORM_OPEN)
    assert page.run("return document.querySelector('#form-dialog [data-name=name]').value") == "Second"


@pytest.mark.parametrize("s9", [UNSIZED])
def test_image_without_a_recorded_size_has_that_of_its_file(page: Page, folder: Path) -> None:
    """Its boxes are where they were seen, new ones can be drawn, and it is saved."""
    begin(page)
    shows(page, "s9")
    assert page.run(f"return document.querySelector('{IMAGE}').getAttribute('viewBox')") == "0 0 400 300"
    page.press("n", ENTER, *"cone", ENTER, "s")
    shows(page, "s2")
    as_seen = [("car", list(CAR)), ("bus", list(BUS))]
    assert boxes_of(stored(folder, "s9")) == [*as_seen, ("cone", [140.0, 110.0, 260.0, 190.0])]


@pytest.mark.parametrize("s9", [{}, UNSIZED])
def test_image_that_can_not_be_seen_is_not_judged(page: Page, folder: Path) -> None:
    """Neither C nor S nor Enter says anything of it; it can be rejected."""
    (folder / "samples" / "s9.png").write_bytes(b"no image")
    begin(page)
    page.says(FAULT, "The image can't be shown")
    buttons = "return ['C', 'S'].map((key) => document.querySelector(`[aria-keyshortcuts=${key}]`).disabled)"
    assert page.run(buttons) == [True, True]
    page.press("c", "s", ENTER)
    page.says(FAULT, "The image can't be shown")
    assert stored(folder, "s9").status == "in_review"
    page.press("r", ENTER)
    shows(page, "s2")
    assert stored(folder, "s9").status == "rejected"


def test_second_tab_leaves_the_first_its_image(page: Page, folder: Path) -> None:
    """And the one that was claimed ahead, of the same reviewer too: it gets another one, and gives back that alone."""
    begin(page)
    shows(page, "s2")
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    try:
        page.driver.get(page.url + PATH)
        page.says("#queues", "Review by value")
        page.run("document.querySelector('#queues [data-queue=value]').click()")
        shows(page, "s0")
        page.press(ESCAPE)
        page.wait(lambda: stored(folder, "s0").status == "needs_review", "s0 given back")
        assert (stored(folder, "s2").status, stored(folder, "s2").claimed_by) == ("in_review", "Ada")
    finally:
        page.driver.close()
        page.driver.switch_to.window(first)
    page.press("c")
    shows(page, "s1")
    assert stored(folder, "s2").status == "labeled"


def test_tab_that_comes_back_takes_up_what_it_held(page: Page, folder: Path) -> None:
    """Also where nothing of its leaving arrived; what another tab has claimed since it leaves alone."""
    begin(page)
    shows(page, "s2")
    page.press("j")
    shows(page, "s1")
    page.wait(lambda: "s0" in page.run("return sessionStorage.getItem('sidecar.sitting')"), "what is claimed ahead")
    page.run("window.fetch = () => new Promise(() => {})")  # what is sent as the page goes is lost
    page.open()
    act(page, "s2", "release", by="Ada")
    act(page, "s2", "claim", by="Ada")
    page.says("#queues", "Review by value")
    page.run("document.querySelector('#queues [data-queue=value]').click()")
    shows(page, "s1")
    page.press("c")
    shows(page, "s0")
