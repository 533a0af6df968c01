"""The images and the versions of one dataset on its page, in a browser."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sidecar.datasets import make_version
from sidecar.recording import Items, Reader, Store, Versions
from sidecar.types import Label
from tests.api.live import START
from tests.dashboard.browser import Page
from tests.dashboard.holding import hold, let_go
from tests.dashboard.pictures import BUS, CAR, DATASET, add_pictures, make_picture

PATH = f"/datasets/{DATASET}"

ITEMS = "#items .thumb"
# the next question for images waits for window.go(), and window.came says that its answer was read
N = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """N images, of which two are labeled and one is rejected; two versions: of the first labeled one, and of both."""
    asyncio.run(_fill(tmp_path))
    return tmp_path


async def _fill(folder: Path) -> None:
    store = await Store.open(folder)
    reader = await Reader.open(folder)
    try:
        await add_pictures(folder, store, N - 1)
        await store.add_sample(make_picture(folder, 40, reasons=("new_class",)))
        items, versions = Items(store), Versions(store)
        parent = ""
        for index, name in enumerate(("tram", "van")):
            labels = {"labels": (Label(name, CAR), Label("bus", BUS)), "verdict": "wrong_label"}
            await items.decide(f"s{index}", "Ann", START + index, "label", "labeled", labels)
            labeled = await reader.labeled(DATASET)
            row, frozen, splits = make_version(labeled, DATASET, parent, f"v{index + 1}", "Ann", START + 10 * index)
            await versions.add(row, frozen, splits)
            parent = row.version_id
        await items.decide("s2", "Bob", START + 3, "reject", "rejected", {"labels": None, "verdict": ""})
    finally:
        await reader.close()
        await store.close()


def shown(page: Page) -> list[str]:
    """What is told of each image."""
    script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.getAttribute('aria-label'))"
    return list(page.run(script, f"{ITEMS} a.frame"))


def choose(page: Page, name: str, value: str) -> None:
    """Choose a filter as a person does."""
    script = """const select = document.querySelector(arguments[0]);
      select.value = arguments[1]; select.dispatchEvent(new Event("change"))"""
    page.run(script, f"#items-{name}", value)


def test_images_are_shown_a_page_at_a_time(page: Page) -> None:
    """The most worth first; more are asked for by a button, which gives the focus to the first of them."""
    page.open()
    page.wait(lambda: page.count(ITEMS) == 24, "a page of images")
    page.says("#items-count", "24 or more shown")
    assert shown(page)[0] == "to review: car, bus, s40"
    page.run("document.querySelector('#items-more').click()")
    page.wait(lambda: page.count(ITEMS) == N, "all of them")
    page.wait(lambda: page.run("return document.activeElement.className") == "frame", "the focus")
    assert not page.is_visible("#items-more")
    assert page.console_errors() == []


def test_more_images_stay_where_an_answer_of_before_comes_late(page: Page) -> None:
    """A refresh that was asked for the first page does not take away what was asked for since."""
    page.open()
    page.wait(lambda: page.count(ITEMS) == 24, "a page of images")
    hold(page, "/items?")
    page.run("document.querySelector('#items-more').click()")
    page.wait(lambda: page.count(ITEMS) == N, "all of them")
    let_go(page)
    assert page.count(ITEMS) == N


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"status": "labeled"}, ["labeled: van, bus, s1", "labeled: tram, bus, s0"]),
        ({"status": "rejected"}, ["rejected: car, bus, s2"]),
        ({"label": "tram"}, ["labeled: tram, bus, s0"]),
        ({"reason": "new_class"}, ["to review: car, bus, s40"]),
        ({"status": "labeled", "label": "van"}, ["labeled: van, bus, s1"]),
        ({"queue": "audit"}, []),
    ],
)
def test_images_are_filtered_and_the_filters_stand_in_the_address(
    page: Page, filters: dict[str, str], expected: list[str]
) -> None:
    """So they are there after a reload; where none is like that, it is said."""
    page.open()
    page.wait(lambda: page.count(ITEMS) == 24, "a page of images")
    page.wait(lambda: page.count("#items-label option[value=tram]"), "the classes")
    for name, value in filters.items():
        choose(page, name, value)
    page.wait(lambda: shown(page) == expected, "those alone")
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    assert page.run("return location.search") == f"?{query}"
    page.open(path=f"{PATH}?{query}")
    page.wait(lambda: shown(page) == expected and page.text("#items-clear"), "the same after a reload")
    if not expected:
        page.says("#items-empty", "No image is like that.")
    page.run("document.querySelector('#items-clear').click()")
    page.wait(lambda: page.count(ITEMS) == 24, "all again")


def test_split_is_a_filter(page: Page) -> None:
    """Of those that are in a version."""
    page.open()
    page.wait(lambda: page.count(ITEMS) == 24, "a page of images")
    found: list[str] = []
    for split in ("train", "val", "test"):
        choose(page, "split", split)
        page.wait(lambda: not page.count("#items[aria-busy]"), "the answer")
        found += [name.rpartition(" ")[2] for name in shown(page)]
    assert sorted(found) == ["s0", "s1"]


def test_any_two_versions_are_compared(page: Page) -> None:
    """At first the newest with the one before; the other way round what was added is removed."""
    page.open()
    page.says("#compare-fold", "Compare any two")
    page.run("document.querySelector('#compare-fold > summary').click()")
    page.says("#compare", "+1 added", "−0 removed", "±0 relabeled")
    rows = [" ".join(row.split()) for row in page.texts("#compare tbody tr")]
    assert rows == ["bus 1 2 +1", "tram 1 1 0", "van 0 1 +1"]
    script = """const [base, other] = ["base", "with"].map((end) => document.querySelector(`#compare-${end}`));
      [base.value, other.value] = [other.value, base.value]; base.dispatchEvent(new Event("change"))"""
    page.run(script)
    page.says("#compare", "+0 added", "−1 removed")
    assert page.console_errors() == []


def test_classes_of_a_version_are_told_by_split(page: Page) -> None:
    """As numbers and as shares of their split."""
    page.open()
    page.says("#versions", "v2", "v1", "Classes by split")
    page.run("for (const one of document.querySelectorAll('#versions details')) one.open = true")
    rows = [" ".join(row.split()) for row in page.texts("#versions .version:first-child .balance tbody tr")]
    assert [row.split()[0] for row in rows] == ["bus", "tram", "van"]
    assert sum(int(number) for number in rows[0].split()[1::3]) == 2
    links = page.texts("#versions .version:first-child .exports a")
    assert links == ["COCO", "YOLO", "Pascal VOC", "Label Studio", "FiftyOne", "CVAT"]


def test_dataset_that_is_not_there_is_told(page: Page) -> None:
    """In place of its figures."""
    page.open(path="/datasets/nope")
    page.says("#one-fault", "no dataset has the id 'nope'")
    assert not page.is_visible("#one-facts")
    assert not page.is_visible("#all")
