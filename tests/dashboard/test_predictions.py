"""The list of predictions, in a browser over a real store."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest

from sidecar.recording import Batch, Datasets, Store, newest_first, reader_predictions
from sidecar.types import Detections
from tests.api.live import START, make_prediction
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.pictures import BUS, CAR, DATASET, DRAWN, HEIGHT, WIDTH, make_picture, seen
from tests.dashboard.reviewing import ENTER, ESCAPE, in_store

PATH = "/predictions"
ROWS = "#predictions a.row"
N = 60
RARE = {"p3": {"detections": seen(("bus",), (BUS,), (0.6,)), "unit": "gate", "version": "2", "latency_ms": 900.0}}


def one(index: int, **changes: Any) -> Any:
    """The ``index``-th prediction, of an image of the size that pictures have."""
    size = {"image_width": WIDTH, "image_height": HEIGHT}
    told = {"detections": seen(("car", "bus"), (CAR, BUS), (0.9, 0.6)), **size, **RARE.get(f"p{index}", {}), **changes}
    return make_prediction(index, **told)


def add(folder: Path, predictions: Sequence[Any], frame: int) -> None:
    async def commit(store: Store) -> None:
        await store.commit(Batch(list(predictions), [], {(0, frame): 1}))

    in_store(folder, commit)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """N predictions, a second each: images were kept of the last one and, for the audit, of the one before."""

    async def fill(store: Store) -> None:
        await store.commit(Batch([one(index) for index in range(N)], [], {(0, 1): 1}))
        await Datasets(store).ensure(DATASET, "Street", START)
        await store.add_sample(make_picture(tmp_path, 1, sample_id="k1", prediction_id=f"p{N - 1}"))
        await store.add_sample(make_picture(tmp_path, 2, sample_id="d1", prediction_id=f"p{N - 2}", **DRAWN))

    in_store(tmp_path, fill)
    return tmp_path


def ids(page: Page) -> list[str]:
    script = f"return [...document.querySelectorAll('{ROWS}')].map((row) => row.dataset.id)"
    return [str(name) for name in page.run(script)]


def shown(page: Page, count: int) -> list[str]:
    page.wait(lambda: page.count(ROWS) == count, f"{count} rows")
    return ids(page)


def fill_in(page: Page, field: str, value: str) -> None:
    """Type into a filter, as a person does: it holds once they leave it."""
    script = (
        "const field = document.getElementById(`filter-${arguments[0]}`); field.value = arguments[1];"
        "field.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    page.run(script, field, value)


def test_rows_tell_what_was_seen_newest_first(page: Page) -> None:
    """When, by whom, what with which confidence, how it went and how long it took; each leads to its own page."""
    page.open()
    assert shown(page, 25) == [f"p{index}" for index in range(N - 1, N - 26, -1)]
    row = page.texts(ROWS)[0]
    for text in ("det@1", "serving", "car, bus", "0.60 – 0.90", "200", "13 ms"):
        assert text in row, row
    assert page.run(f"return document.querySelector('{ROWS}').pathname") == f"/predictions/p{N - 1}"
    page.says("#predictions-note", "newest first, 25 rows")


def test_kept_image_is_small_with_its_boxes_and_others_are_frames(page: Page) -> None:
    """The thumbnail, not the image itself; boxes stand in the same place over both. What waits for its audit is told
    apart from neither what was not kept, nor from anything else."""
    page.open()
    shown(page, 25)
    script = "return [...document.querySelectorAll('#predictions image')].map((one) => one.getAttribute('href'))"
    assert page.run(script) == ["/api/v1/samples/k1/image?width=160"]
    for kind in ("li:first-child", "li:nth-child(2)"):
        rects = f"#predictions {kind} rect"
        assert page.count(rects) == 2
        assert page.run(f"return document.querySelector('{rects}').getAttribute('x')") == str(int(CAR[0]))


def test_image_of_the_audit_is_shown_once_it_is_reviewed(page: Page) -> None:
    """Whoever audits it must not find whose answer it is; a list that is open goes along."""
    page.open()
    shown(page, 25)
    assert page.count("#predictions image") == 1
    for path, body in (
        (f"datasets/{DATASET}/claim", {"by": "ann", "queue": "audit"}),
        ("items/d1/confirm", {"by": "ann"}),
    ):
        request = Request(f"{page.url}/api/v1/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(request) as answer:
            assert answer.status == 200
    page.wait(lambda: page.count("#predictions image") == 2, "the image that was reviewed")


def test_filters_stand_in_the_address_and_back_takes_them_off(page: Page) -> None:
    """A link with filters shows them in the form; each change is a step back."""
    page.open(path=f"{PATH}?unit=gate")
    assert shown(page, 1) == ["p3"]
    assert page.run("return document.getElementById('filter-unit').value") == "gate"
    assert page.is_visible("#filter-unit"), "a filter that holds is not folded away"
    page.open()
    shown(page, 25)
    fill_in(page, "label", "car")
    page.wait(lambda: page.driver.current_url.endswith("/predictions?label=car"), "the address")
    page.run("document.getElementById('filters-more').open = true")
    fill_in(page, "max_confidence", "0.7")
    page.says("#predictions-empty", "No prediction matches these filters.")
    page.driver.back()
    shown(page, 25)
    assert page.run("return document.getElementById('filter-max_confidence').value") == ""
    assert page.driver.current_url.endswith("/predictions?label=car")
    page.run("document.getElementById('filters-clear').click()")
    page.wait(lambda: page.driver.current_url.endswith("/predictions"), "the address without filters")


def test_row_shows_first_what_the_filters_hold_for(page: Page) -> None:
    """The class and the confidences that were asked for are marked, in words and in the picture; the rest is told after
    them. The picture leads to the prediction, as all of the row does."""
    page.open(path=f"{PATH}?label=bus&max_confidence=0.7")
    shown(page, 25)
    row = page.texts(ROWS)[0]
    assert "bus also car" in row, row
    assert "0.60" in row
    assert "0.90" not in row
    assert page.text(f"{ROWS} mark") == "bus"
    drawn = (
        "return [...document.querySelectorAll('#predictions li:first-child rect')].map((one) => one.classList.length)"
    )
    assert page.run(drawn) == [2, 1], "the car is paler, and the bus drawn over it"
    assert page.run(f"return document.querySelector('{ROWS} .thumb').closest('a').pathname") == f"/predictions/p{N - 1}"
    page.run("document.getElementById('filters-clear').click()")
    page.wait(lambda: any("car, bus" in row for row in page.texts(ROWS)[:1]), "what is seen, as nothing is asked for")
    assert page.count(f"{ROWS} mark") == 0


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("label=bus&max_confidence=0.7&min_latency_ms=500", ["p3"]),
        ("model=det&version=2", ["p3"]),
        (f"since={START + 57}&until={START + 59}", ["p58", "p57"]),
        ("sampled=true", ["p59"]),
        ("status=error", []),
        ("range=1h", []),
    ],
)
def test_link_with_filters_shows_what_they_hold_for(page: Page, search: str, found: list[str]) -> None:
    """As the API has them, whoever made the link."""
    page.open(path=f"{PATH}?{search}")
    assert shown(page, len(found)) == found
    if not found:
        page.says("#predictions-empty", "No prediction matches these filters.")


def test_what_can_not_be_is_said_at_its_field(page: Page) -> None:
    """In place of the list; it goes away with what was wrong."""
    page.open(path=f"{PATH}?min_confidence=0.9&max_confidence=0.7")
    page.says("#filters-fault", "min confidence: 0.9 is above max confidence, 0.7")
    assert page.run("return document.getElementById('filter-min_confidence').getAttribute('aria-invalid')") == "true"
    assert not page.is_visible("#predictions-empty")
    fill_in(page, "min_confidence", "0.4")
    shown(page, 25)
    assert not page.is_visible("#filters-fault")


def test_older_ones_come_page_by_page(page: Page) -> None:
    """Below those that are shown, which stay; the first of them has the focus, and at the end there is no more."""
    page.open()
    shown(page, 25)
    page.run("document.getElementById('predictions-older').click()")
    assert shown(page, 50) == [f"p{index}" for index in range(N - 1, N - 51, -1)]
    page.wait(lambda: page.run("return document.activeElement.dataset.id") == f"p{N - 26}", "the focus on the next")
    page.run("document.getElementById('predictions-older').click()")
    assert shown(page, N) == [f"p{index}" for index in range(N - 1, -1, -1)]
    page.wait(lambda: not page.is_visible("#predictions-older"), "the end")


def test_what_arrives_waits_for_a_button(page: Page, folder: Path) -> None:
    """Nothing moves under the eyes; N, or a click, puts it on top."""
    page.open()
    before = shown(page, 25)
    add(folder, [one(N + more) for more in range(2)], 2)
    page.says("#predictions-new", "2 new")
    assert ids(page) == before
    page.press("n")
    page.wait(lambda: ids(page)[:3] == [f"p{N + 1}", f"p{N}", f"p{N - 1}"], "the new ones")
    assert not page.is_visible("#predictions-new")


def test_list_without_anything_shows_the_first_that_comes(page: Page, folder: Path) -> None:
    """There is nothing that could move."""
    page.open(path=f"{PATH}?unit=new")
    page.says("#predictions-empty", "No prediction matches these filters.")
    add(folder, [one(N + 5, unit="new", at=4e9)], 3)
    assert shown(page, 1) == [f"p{N + 5}"]


def test_keys_go_from_row_to_row_and_back_to_the_same_place(page: Page) -> None:
    """J and K move the focus, Enter opens, Escape leads back: as many rows, scrolled as they were, the row in focus."""
    page.open()
    shown(page, 25)
    page.run("document.getElementById('predictions-older').click()")
    shown(page, 50)
    page.wait(lambda: page.run("return document.activeElement.dataset.id") == f"p{N - 26}", "the focus on the next")
    page.press(*"jjjk")
    assert page.run("return document.activeElement.dataset.id") == f"p{N - 28}"
    before = page.run("return Math.round(scrollY)")
    assert before > 500
    page.press(ENTER)
    page.says("#prediction-title", f"p{N - 28}")
    page.press("j")
    page.says("#prediction-title", f"p{N - 29}")
    page.press(ESCAPE)
    shown(page, 50)
    page.wait(
        lambda: page.run("return document.activeElement.dataset.id") == f"p{N - 29}", "the row that was seen last"
    )
    assert abs(page.run("return Math.round(scrollY)") - before) < 120


def test_rare_class_is_looked_for_in_steps(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that end early are followed by the next; after some of them one is asked whether to go on."""
    monkeypatch.setattr(newest_first, "STRETCH_ROWS", 2)
    monkeypatch.setattr(reader_predictions, "LOOKED_MAX", 4)
    page.open(path=f"{PATH}?unit=gate")
    page.says("#predictions-further", "Few match in what was looked at so far")
    assert page.count(ROWS) == 0
    assert page.text("#predictions-older") == "Look further back"
    for _ in range(2):
        page.run("document.getElementById('predictions-older').click()")
        page.wait(lambda: page.count(ROWS) or page.text("#predictions-further").startswith("Few"), "the next step")
    assert shown(page, 1) == ["p3"]


@pytest.mark.parametrize("what", ["predictions", "detections"])
def test_exports_hold_what_is_filtered(page: Page, what: str) -> None:
    """The links lead to whole files of exactly that."""
    page.open(path=f"{PATH}?version=2")
    shown(page, 1)
    links = page.run("return [...document.querySelectorAll('a[download]')].map((link) => link.href)")
    for kind in ("csv", "jsonl"):
        (link,) = [entry for entry in links if f"/{what}/" in entry and kind in entry]
        with urlopen(link) as answer:
            text = io.TextIOWrapper(answer, newline="")
            rows = list(csv.DictReader(text)) if kind == "csv" else [json.loads(line) for line in text]
        assert {row["prediction_id"] for row in rows} == {"p3"}


def test_names_from_outside_stay_text(page: Page, folder: Path) -> None:
    """Of a class, a model, a unit and an error; here and on the prediction's page."""
    found = replace(seen(("car",), (CAR,), (0.9,)), labels=(HOSTILE,))
    told = {"detections": found, "model": HOSTILE, "unit": HOSTILE, "error": HOSTILE, "client_request_id": HOSTILE}
    add(folder, [one(N + 9, prediction_id="<b>x</b>", request_id="<b>x</b>", **told)], 4)
    page.open()
    page.says("#predictions", HOSTILE)
    page.run(f"document.querySelector('{ROWS}').click()")
    page.says("#prediction-title", "<b>x</b>")
    page.says("#facts", HOSTILE)
    page.says("#detections", HOSTILE)
    assert page.run("return window.pwned") is None
    assert page.count("main b, main img") == 0


@pytest.mark.parametrize("width", [400, 900, 1440])
def test_list_fits_its_screen(page: Page, folder: Path, width: int) -> None:
    """However long names and errors are, and with all filters open."""
    long = "a_name_without_any_place_to_break_it_" * 5
    labels = tuple(f"{long}{number}" for number in range(9))
    boxes = np.tile(np.array([CAR], np.float32), (9, 1))
    found = Detections(boxes, np.full(9, 0.9, np.float32), np.arange(9, dtype=np.int32), labels)
    add(folder, [one(N + 1, model=long, version=long, error=long, status=502, detections=found)], 5)
    page.open(width)
    page.says("#predictions", long)
    page.run("document.getElementById('filters-more').open = true")
    assert page.run("return document.documentElement.scrollWidth") <= width
