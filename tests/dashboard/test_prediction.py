"""The page of one prediction, in a browser over a real store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest

from sidecar.recording import Batch, Datasets, Store
from sidecar.types import Detections
from tests.api.live import START, make_prediction
from tests.dashboard.browser import Page
from tests.dashboard.pictures import BUS, CAR, DATASET, HEIGHT, WIDTH, make_picture, seen
from tests.dashboard.reviewing import ENTER, ESCAPE, in_store

PATH = "/predictions/p1"
SIZE = {"image_width": WIDTH, "image_height": HEIGHT}
UNSURE = seen(("car", "bus", "cat"), (CAR, BUS, (5.0, 5.0, 30.0, 30.0)), (0.9, 0.6, 0.2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``p1`` with its image; ``bare`` without one, its boxes in 0..1; ``m.0`` and ``m.1`` of one request that was
    copied to a shadow; ``bad``, which is no result."""
    told = {"unit": "gate", "client_request_id": "r-17", "trace_id": "4bf92f35", "variant": "a", "latency_ms": 40.0}
    in_unit = Detections(
        np.array([[0.25, 0.5, 0.5, 1.0]], np.float32), np.ones(1, np.float32), np.zeros(1, np.int32), ("car",), True
    )
    made = [
        make_prediction(1, detections=UNSURE, **SIZE, **told),
        make_prediction(2, prediction_id="bare", detections=in_unit, **SIZE),
        make_prediction(3, prediction_id="bad", detections=None, status=504, error="upstream_timeout"),
    ]
    for copy, role, version in (("", "serving", "1"), ("-shadow", "shadow", "2")):
        for image in range(2):
            ids = {"prediction_id": f"m{copy}.{image}", "request_id": f"m{copy}", "image_index": image}
            found = seen(("car", "bus")[: 2 - image], (CAR, BUS)[: 2 - image], (0.9, 0.6)[: 2 - image])
            made.append(make_prediction(5, role=role, version=version, detections=found, **ids, **SIZE))

    async def fill(store: Store) -> None:
        await store.commit(Batch(made, [], {(0, 1): 1}))
        await Datasets(store).ensure(DATASET, "Street", START)
        await store.add_sample(make_picture(tmp_path, 1, sample_id="k1", prediction_id="p1"))
        await store.add_sample(make_picture(tmp_path, 2, sample_id="k2", prediction_id="m.0"))

    in_store(tmp_path, fill)
    return tmp_path


def opened(page: Page, name: str = "p1", width: int = 1280) -> None:
    page.open(width, f"/predictions/{name}")
    page.says("#prediction-title", name)
    page.wait(lambda: page.is_visible("#prediction"), "what is known of it")


def boxes(page: Page, stage: int = 1) -> list[str]:
    """What stands at the boxes of a stage."""
    return page.run(
        "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)",
        f".stage-of:nth-child({stage}) g.box",
    )


def lit(page: Page) -> list[list[str]]:
    """The boxes and the rows that stand out."""
    script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.dataset.place)"
    return [page.run(script, selector) for selector in ("g.box.lit", "#detections tr.lit")]


def test_image_is_shown_with_what_was_detected(page: Page) -> None:
    """The whole image as it was kept, a box of a colour of its own for each class, and a row for each detection."""
    opened(page)
    page.wait(lambda: boxes(page), "the boxes")
    assert boxes(page) == ["car 0.90", "bus 0.60"]
    assert page.run("return document.querySelector('.frame image').getAttribute('href')") == "/api/v1/samples/k1/image"
    colours = page.run(
        "return [...document.querySelectorAll('g.box .line')].map((one) => getComputedStyle(one).stroke)"
    )
    assert len(set(colours)) == 2
    assert page.texts("#detections tr") == ["0\tcar\t0.90\t40, 60, 120 × 80", "1\tbus\t0.60\t220, 120, 150 × 140"]


def test_all_that_is_known_of_it_is_told(page: Page) -> None:
    """Whose it is, where its time went, by which ids it is called, and where to go from here."""
    opened(page)
    page.says(
        "#facts", "det@1", "gate", "400 × 300 px", "r-17", "4bf92f35", "p1", "1000 bytes, answered with 200 bytes"
    )
    page.says("#timing", "40.0 ms", "Model server", "11.0 ms", "Sidecar", "29.0 ms", "First byte", "10.0 ms")
    width = page.run("return document.querySelector('#timing rect.after').getAttribute('width')")
    assert float(width) == pytest.approx(100 * 11 / 40)
    links = dict(
        page.run("return [...document.querySelectorAll('#links a')].map((one) => [one.textContent, one.href])")
    )
    assert links["Review its image"] == f"{page.url}/review?dataset={DATASET}&item=k1"
    with urlopen(links["JSON"]) as answer:
        assert json.load(answer)["sample_id"] == "k1"


def test_row_and_box_light_up_together(page: Page) -> None:
    """Under the pointer, and with the focus for who has none; a click on a box leads to its row."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    opened(page)
    page.wait(lambda: len(boxes(page)) == 2, "the boxes")
    page.run("document.querySelector('#detections tr:nth-child(2) button').focus()")
    assert lit(page) == [["1"], ["1"]]
    page.run("document.activeElement.blur()")
    assert lit(page) == [[], []]
    box = page.driver.find_element(By.CSS_SELECTOR, "g.box[data-place='0'] .line")
    ActionChains(page.driver).move_to_element(box).perform()
    page.wait(lambda: lit(page) == [["0"], ["0"]], "the box and its row")
    ActionChains(page.driver).click(box).perform()
    assert page.focused() == "car"


def test_threshold_for_looking_shows_more_or_less(page: Page) -> None:
    """What is under the operating point is dashed and only shown when asked for; nothing of it is saved."""
    opened(page)
    page.says("#look-says", "0.50, the operating point: 2 of 3 boxes")
    page.run("document.getElementById('look-below').click()")
    page.wait(lambda: len(boxes(page)) == 3, "all boxes")
    assert page.run("return document.querySelector('g.box.below').textContent") == "cat 0.20"
    assert page.count("#detections tr") == 3
    script = (
        "const slider = document.getElementById('look-at'); slider.value = '0.7';"
        "slider.dispatchEvent(new Event('input'))"
    )
    page.run(script)
    page.says("#look-says", "0.70: 1 of 3 boxes")
    assert boxes(page) == ["car 0.90"]
    assert page.count("#detections tr") == 1


def test_without_an_image_the_boxes_stand_in_its_frame(page: Page) -> None:
    """Of its size, also where the model answers in parts of it."""
    opened(page, "bare")
    page.says(".stage-of", "none was kept, or it waits for its audit")
    script = """const rect = document.querySelector('g.box .line');
      const frame = document.querySelector('.frame svg').getAttribute('viewBox');
      return [frame, rect.x.baseVal.value, rect.height.baseVal.value]"""
    assert page.run(script) == ["0 0 400 300", 100, 150]
    assert page.count(".frame image") == 0


def test_what_is_no_result_says_so(page: Page) -> None:
    """With its status and what went wrong."""
    opened(page, "bad")
    page.says("#prediction-tags", "504, upstream timeout")
    page.says("#detections-none", "What was seen is not known")


def test_both_versions_answers_stand_side_by_side(page: Page) -> None:
    """Of a request that was copied, over the one image that was kept; each leads to the other."""
    opened(page, "m.0")
    page.wait(lambda: page.count(".stage-of") == 2 and boxes(page, 2), "both")
    assert page.texts(".stage-of figcaption") == ["det@1\nserving\ncar, bus", "det@2\nshadow\ncar, bus"]
    images = page.run("return [...document.querySelectorAll('.frame image')].map((one) => one.getAttribute('href'))")
    assert images == ["/api/v1/samples/k2/image"] * 2
    page.says("#links", "The shadow's answer", "Next image of the request")
    page.run("[...document.querySelectorAll('#links a')].find((one) => one.textContent.startsWith('The')).click()")
    page.says("#prediction-title", "m-shadow.0")
    page.says("#links", "The serving answer")
    page.run("[...document.querySelectorAll('#links a')].find((one) => one.textContent.startsWith('Next')).click()")
    page.says("#prediction-title", "m-shadow.1")
    page.says("#links", "Image before it in the request")


def test_feedback_is_given_by_keyboard_and_stands_on_the_page(page: Page) -> None:
    """The name is asked for once; what was looked at last is supposed to be what is meant."""
    opened(page)
    page.says("#said-empty", "Nobody has said anything of it yet.")
    page.run("document.getElementById('say-correct').focus()")
    page.press(ENTER)
    page.wait(lambda: page.is_visible("#name-dialog"), "the question for the name")
    page.press(*"Ada", ENTER)
    page.says("#said", "correct", "Ada")
    page.run("document.querySelector('#detections tr:nth-child(2) button').focus()")
    page.run("document.getElementById('say').click()")
    page.wait(lambda: page.is_visible("#form-dialog"), "the form")
    assert page.run("return document.querySelector('[data-name=detection_index]').value") == "1"
    assert lit(page) == [["1"], ["1"]]
    page.run("document.querySelector('[data-name=correct_class]').focus()")
    page.press(*"truck")
    page.run("document.querySelector('#form-submit').focus()")
    page.press(ENTER)
    page.says("#said", "wrong label", "detection 1 (bus 0.60), rather truck")
    page.says("#say-note", "Taken")
    with urlopen(f"{page.url}/api/v1/feedback?prediction_id=p1") as answer:
        said = json.load(answer)["items"]
    assert [(one["feedback_type"], one["by"], one["correct_class"]) for one in said] == [
        ("wrong_label", "Ada", "truck"),
        ("correct", "Ada", None),
    ]


@pytest.mark.parametrize("width", [400, 1280])
def test_form_of_feedback_leaves_the_boxes_to_be_seen(page: Page, width: int) -> None:
    """It stands beside or below the image; a click on a box says which is meant, and Escape leaves it from anywhere."""
    from selenium.webdriver.common.by import By

    page.open(width)
    page.run("localStorage.setItem('sidecar.name', 'Ada')")
    opened(page, width=width)
    page.wait(lambda: len(boxes(page)) == 2, "the boxes")
    page.run("document.getElementById('say').click()")
    page.wait(lambda: page.is_visible("#form-dialog"), "the form")
    over = """const [image, form] = arguments[0].map((one) => document.querySelector(one).getBoundingClientRect());
      return [image.right <= form.left || image.bottom <= form.top, image.top >= 0 && form.bottom <= innerHeight]"""
    assert page.run(over, [".frame svg", "#form-dialog"]) == [True, True]
    page.driver.find_element(By.CSS_SELECTOR, "g.box[data-place='0'] .line").click()
    assert page.run("return document.querySelector('[data-name=detection_index]').value") == "0"
    page.run("document.querySelector('#form-cancel').focus()")
    page.wait(lambda: lit(page) == [["0"], ["0"]], "the box that is meant")
    page.run("document.getElementById('say').click()")
    assert lit(page) == [["0"], ["0"]], "the form is open already"
    page.run("document.activeElement.blur()")
    page.press(ESCAPE)
    page.wait(lambda: not page.is_visible("#form-dialog"), "the form closed")
    assert page.text("#prediction-title")


def test_feedback_that_can_not_be_is_said_at_its_field(page: Page) -> None:
    """By the sidecar, and of a box that is none before it is asked."""
    opened(page)
    page.run("localStorage.setItem('sidecar.name', 'Ada')")
    opened(page)
    page.run("document.getElementById('say').click()")
    page.wait(lambda: page.is_visible("#form-dialog"), "the form")
    page.run("document.querySelector('[data-name=feedback_type]').value = 'false_positive'")
    page.run("document.querySelector('[data-name=correct_class]').value = 'truck'")
    page.run("document.querySelector('#form-submit').click()")
    page.wait(lambda: page.count("#form-dialog [data-name=correct_class][aria-invalid]"), "the fault at its field")
    page.run("document.querySelector('[data-name=correct_box]').value = '1, 2, x'")
    page.run("document.querySelector('#form-submit').click()")
    page.says("#form-dialog", "must be four numbers: x1, y1, x2, y2")


def test_prediction_that_is_not_there_is_told(page: Page) -> None:
    """It may have been: what is recorded is not kept for ever."""
    page.open(path="/predictions/nope")
    page.says("#prediction-empty", "No prediction has this id.")
    assert not page.is_visible("#prediction")


@pytest.mark.parametrize("width", [400, 900, 1440])
@pytest.mark.parametrize("name", ["p1", "m.0", "bad"])
def test_page_fits_its_screen(page: Page, name: str, width: int) -> None:
    """Also with two images side by side."""
    opened(page, name, width)
    assert page.run("return document.documentElement.scrollWidth") <= width


def test_refresh_leaves_what_is_looked_at(page: Page) -> None:
    """The box that stands out, the threshold and the focus stay."""
    opened(page)
    page.run("document.getElementById('look-below').click()")
    page.wait(lambda: len(boxes(page)) == 3, "all boxes")
    page.run("document.querySelector('#detections tr:nth-child(3) button').focus()")
    before: Any = page.run("window.node = document.querySelector('g.box'); return performance.now()")
    page.run("document.dispatchEvent(new Event('visibilitychange'))")
    asked = """return performance.getEntriesByType('resource').some(
      (one) => one.name.endsWith('/predictions/p1') && one.startTime > arguments[0])"""
    page.wait(lambda: page.run(asked, before), "the next round")
    page.wait(lambda: page.text("#said-empty"), "its end")
    assert lit(page) == [["2"], ["2"]]
    assert page.run("return document.querySelector('g.box') === window.node")
    assert page.focused() == "cat"
