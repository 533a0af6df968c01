"""Pairs of a shadow test side by side, in a browser."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sidecar.experiments.definition import ShadowDefinition
from sidecar.recording import Store
from sidecar.trials import SidePair, side_pair
from tests.api.looped import make_item
from tests.dashboard.browser import Page
from tests.dashboard.drawn import side_of
from tests.dashboard.live_trials import LiveTrials
from tests.dashboard.test_trials import page_of
from tests.kit.trial_traffic import copy, serving

RIGHT, LEFT = "\ue014", "\ue012"
PAIRS = "#experiment .pairs"
NAMES = "return [...document.querySelectorAll('.side text')].map((one) => one.textContent)"


def flipped(number: int) -> SidePair:
    """Of which B calls another class, and has a box of its own."""
    (_, _, (a,)), (_, _, (b,)) = (
        serving(f"f{number}", [(0.0, 0.75, "car")], model="det", version="1"),
        copy(f"f{number}", [(0.0, 0.5, "truck"), (400.0, 0.5, "cat")], model="det", version="2"),
    )
    return side_pair(a, b)


def open_pairs(page: Page, trials: LiveTrials, *pairs: SidePair, width: int = 1280) -> None:
    trial = trials.add(ShadowDefinition("Copy", "det", "B"))
    trials.side_by_side[trial.trial_id] = list(pairs)
    page.open(width, page_of(trial))


def test_what_became_of_a_box_is_told_by_its_stroke_and_in_words(page: Page, trials: LiveTrials) -> None:
    """Both versions are beside each other, each with its boxes; nobody needs colours to tell them apart."""
    open_pairs(page, trials, flipped(0), side_of("car", 1))
    page.says(
        PAIRS, "det@1", "det@2", "1 of 2, newest first", "Disagree by 1.00", "1 of another class, 1 only the shadow's"
    )
    page.says(f"{PAIRS} .fates", "another class car 0.75 → truck 0.50", "only the shadow's cat 0.50")
    assert page.run(NAMES) == ["≠ car 0.75", "≠ truck 0.50", "+ cat 0.50"]
    script = """return ['flipped', 'missed', 'extra', 'matched'].map((one) => {
      const group = document.querySelector(`.side .${one} rect:not(.under)`);
      return group ? getComputedStyle(group).strokeDasharray : ''})"""
    of_first = page.run(script)
    page.press(RIGHT)
    page.says(PAIRS, "2 of 2", "1 seen alike, 1 missed by the shadow")
    page.says(f"{PAIRS} .fates", "missed by the shadow car 0.75")
    of_second = page.run(script)
    strokes = [of_first[0], of_second[1], of_first[2], of_second[3]]
    assert len(set(strokes)) == 4, strokes
    assert strokes[3] == "none"
    assert page.text(f"{PAIRS} .side .on-frame") == "No image was kept of this one"
    boxes = page.run("return [...document.querySelectorAll('.side svg')].map((one) => one.viewBox.baseVal.width)")
    assert boxes == [640, 640]
    assert page.console_errors() == []


def test_arrows_go_through_the_pairs_and_filters_choose_among_them(page: Page, trials: LiveTrials) -> None:
    """Also while a filter has the focus of typing elsewhere; at either end nothing happens."""
    open_pairs(page, trials, *[flipped(number) for number in range(3)], side_of("car", 9))
    page.says(PAIRS, "1 of 4")
    page.press(LEFT)
    page.press(RIGHT, RIGHT, RIGHT, RIGHT)
    page.says(PAIRS, "4 of 4", "missed by the shadow")
    page.press(LEFT)
    page.says(PAIRS, "3 of 4")
    page.run("document.querySelector('.kinds input[value=missed]').click()")
    page.says(PAIRS, "1 of 1", "missed by the shadow")
    page.run("document.querySelector('.kinds input[value=class_flip]').click()")
    page.says(PAIRS, "1 of 3", "of another class")
    trials.side_by_side.clear()
    page.run("document.querySelector('.kinds input[value=all]').click()")
    page.says(PAIRS, "Nothing yet: no request that is still recorded was answered by both.")
    assert page.count(f"{PAIRS} .sides[hidden]") == 1


def test_links_lead_to_the_predictions_of_both(page: Page, trials: LiveTrials) -> None:
    """Of the request and of its copy."""
    open_pairs(page, trials, side_of("car", 3))
    page.says(PAIRS, "1 of 1")
    links = page.run("return [...document.querySelectorAll('.side a')].map((one) => one.getAttribute('href'))")
    assert links == ["/predictions/r3", "/predictions/r3-shadow"]


def test_kept_image_lies_under_the_boxes_of_both(page: Page, trials: LiveTrials, folder: Path) -> None:
    """Pairs with an image come first; the others are there once they are asked for."""

    async def keep() -> None:
        store = await Store.open(folder)
        await store.add_sample(make_item(folder, 0))
        await store.close()

    asyncio.run(keep())
    sample_id = make_item(folder, 0).sample_id
    open_pairs(page, trials, side_of("car", 1), side_of("car", 2, sample_id))
    page.says(PAIRS, "1 of 1")
    script = "return [...document.querySelectorAll('.side image')].map((one) => one.getAttribute('href'))"
    assert page.run(script) == [f"/api/v1/samples/{sample_id}/image?width=640"] * 2
    page.run("document.querySelector('.with-image input').click()")
    page.says(PAIRS, "1 of 2")
    assert page.console_errors() == []


@pytest.mark.parametrize("key", [True, False])
def test_narrow_screen_shows_one_version_at_a_time(page: Page, trials: LiveTrials, key: bool) -> None:
    """A button and a key change over; nothing is wider than the screen."""
    open_pairs(page, trials, flipped(0), width=400)
    page.says(PAIRS, "1 of 1")
    shown = "return [...document.querySelectorAll('.side')].map((one) => one.checkVisibility())"
    assert page.run(shown) == [True, False]
    if key:
        page.press("s")
    else:
        page.tab_to("Show the shadow")
        page.press("\ue007")
    page.wait(lambda: page.run(shown) == [False, True], "the other version")
    assert page.run("return document.documentElement.scrollWidth") <= 400


def test_what_could_not_be_compared_says_why(page: Page, trials: LiveTrials) -> None:
    """And shows what there is."""
    (_, _, (a,)), (_, _, (b,)) = (
        serving("r", [(0.0, 0.75, "car")], model="det", version="1"),
        copy("r", None, model="det", version="2"),
    )
    open_pairs(page, trials, side_pair(a, b))
    page.wait(lambda: page.count(".kinds input[value=all]"), "the filters")
    page.run("document.querySelector('.kinds input[value=all]').click()")
    page.says(PAIRS, "Not compared", "the shadow sent nothing that could be read", "shape")
    assert page.run(NAMES) == ["car 0.75"]
