"""The section of datasets, their versions and training, in a browser."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from sidecar.recording import Datasets, Items, Store
from sidecar.types import Label
from tests.api.live import START
from tests.dashboard.browser import Page
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.pictures import BUS, CAR, DATASET, DRAWN, add_pictures, make_picture
from tests.dashboard.reviewing import ENTER, boxes_of, in_store, stored

PATH = "/datasets"

CARD = "#one"
FIELD = "#form-dialog [data-name='{}']"
LONG = "a_name_without_any_place_to_break_it_" * 5
AS_SEEN = (Label("car", CAR), Label("bus", BUS))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images labeled by Ann, one rejected by Bob, one to review; two of the audit, of which one is labeled."""

    async def fill(store: Store) -> None:
        await add_pictures(tmp_path, store, 6)
        for index in (6, 7):
            await store.add_sample(make_picture(tmp_path, index, audit_rank=index / 10, **DRAWN))
        items = Items(store)
        await items.claim_next(DATASET, "Ann", "audit", START + 600, START)  # s6
        for item_id in ("s0", "s1", "s2", "s3", "s6"):
            decided = {"labels": AS_SEEN, "verdict": "correct"}
            await items.decide(item_id, "Ann", START + 9, "label", "labeled", decided)
        await items.decide(
            "s4", "Bob", START + 10, "reject", "rejected", {"labels": None, "verdict": ""}, note="blurred"
        )

    in_store(tmp_path, fill)
    return tmp_path


def open_card(page: Page, *parts: str, width: int = 1280) -> str:
    """The dataset's own page; what it says once it says ``parts``."""
    page.open(width)
    page.run("localStorage.setItem('sidecar.name', 'Ada')")
    page.open(width, path=f"/datasets/{DATASET}")
    page.says("#one-title", "Street")
    return page.says(CARD, *parts)


def ask(page: Page, button: str, **fields: str) -> None:
    """Press a button, and fill in and send its form."""
    page.wait(lambda: not page.is_visible("#form-dialog"), "the form before it closed")
    page.wait(lambda: page.count(f"button[aria-label='{button}']:not([aria-busy])"), button)
    page.run("document.querySelector(`button[aria-label='${arguments[0]}']`).click()", button)
    page.wait(lambda: page.is_visible("#form-dialog"), "the form")
    for name, value in fields.items():
        page.run("document.querySelector(arguments[0]).value = arguments[1]", FIELD.format(name), value)
    page.run("document.querySelector('#form-submit').click()")


def label(page: Page, item_id: str, *labels: dict[str, Any]) -> None:
    """Label an item as somebody does through the API meanwhile."""
    script = """const done = arguments[arguments.length - 1];
      fetch(arguments[0], { method: "POST", headers: { "Content-Type": "application/json" }, body: arguments[1] })
        .then((answer) => done(answer.status))"""
    found = json.loads(urlopen(f"{page.url}/api/v1/items/{item_id}").read())
    body = json.dumps({"by": "Cy", "labels": labels, "revision": found["revision"]})
    assert page.driver.execute_async_script(script, f"/api/v1/items/{item_id}/label", body) == 200


def make_version(page: Page, name: str) -> None:
    ask(page, "Make a version: Street", name=name)
    page.says("#one-result", f"{name} is made")
    page.wait(lambda: not page.count("[aria-busy]"), "what follows on it")


def test_dataset_says_how_far_its_review_is(page: Page) -> None:
    """In one card by status; on its own page the audit, the classes in labels and who did what."""
    page.open()
    text = page.says("#datasets .dataset", "Street")
    for part in (
        "8 images",
        "5 labeled",
        "1 rejected",
        "2 classes",
        "no version yet",
        "2 to review",
        "6 of 8 reviewed",
    ):
        assert part in text
    page.tab_to("Street")
    page.press(ENTER)
    page.says("#one-audit", "audit: 1 of 2 drawn images reviewed")
    page.says("#versions-empty", "None yet. A version keeps what is labeled")
    figures = [" ".join(row.split()) for row in page.texts("#one-figures > div")]
    assert figures[:5] == ["Images 8", "To review 2", "Labeled 5", "Rejected 1", "Boxes in labels 10"]
    page.wait(lambda: page.count("#classes li") == 2, "the classes")
    assert [" ".join(row.split()) for row in page.texts("#classes li")] == ["bus 5", "car 5"]
    page.says("#events", "Bob rejected s4: blurred", "Ann labeled s0: 2 boxes")
    assert page.console_errors() == []


def test_version_is_made_and_compared_with_its_parent(page: Page) -> None:
    """The first follows none; the next follows it, and says what was added, labeled otherwise, and by class."""
    open_card(page, "None yet")
    make_version(page, "First")
    page.says(f"{CARD} .version", "First", "5 images, 10 boxes", "by Ada", "train ", "SHA-256 ")
    assert not page.is_visible("#compare-fold")
    label(page, "s5", {"label": "tram", "box": list(BUS)})
    label(page, "s0")
    make_version(page, "Second")
    page.says(f"{CARD} .version:first-child", "Second", "follows First")
    last = "#versions .version:first-child details:last-child"
    page.run(f"document.querySelector('{last} > summary').click()")
    page.says(last, "What changed since First", "+1 added", "−0 removed", "±1 relabeled")
    examples = [" ".join(row.split()) for row in page.texts(f"{last} .examples")]
    assert examples == ["added: s5", "relabeled: s0"]
    rows = [" ".join(row.split()) for row in page.texts(f"{last} tbody tr")]
    assert rows == ["bus 5 4 −1", "car 5 4 −1", "tram 0 1 +1"]
    assert page.console_errors() == []


def test_version_shows_what_it_is_warned_of(page: Page) -> None:
    """As text; one without warnings shows none."""
    open_card(page, "None yet")
    make_version(page, "First")
    script = """const done = arguments[arguments.length - 1];
      Promise.all([import("/static/any/datasets/version_row.js"), fetch(arguments[0]).then((answer) => answer.json())])
        .then(([{ VersionRow }, { items: [version] }]) => [[], arguments[1]].map((warnings) => {
          const row = new VersionRow(() => {});
          row.show({ ...version, warnings }, null);
          return [...row.facts.querySelectorAll(".warn")].map((one) => one.textContent);
        })).then(done)"""
    warnings = ["The split test has no image.", HOSTILE]
    path = f"/api/v1/datasets/{DATASET}/versions"
    assert page.driver.execute_async_script(script, path, warnings) == [[], warnings]


def test_version_of_the_same_is_the_same(page: Page) -> None:
    """Nothing is made twice, and that is said."""
    open_card(page, "None yet")
    make_version(page, "First")
    ask(page, "Make a version: Street", name="First", parent="")
    page.says("#one-result", "Nothing has changed: this is First already.")
    assert page.count(f"{CARD} .version") == 1


def test_version_can_be_exported_by_plain_links(page: Page) -> None:
    """A link for each format, to be downloaded."""
    open_card(page, "None yet")
    make_version(page, "First")
    page.run("document.querySelector('.version details').open = true")
    page.says(f"{CARD} .exports", "COCO", "YOLO", "Pascal VOC", "Label Studio", "FiftyOne", "CVAT")
    script = "return [...document.querySelectorAll('.exports a')].map((one) => [one.href, one.download])"
    (address, name) = page.run(script)[0]
    assert name.endswith("-coco.zip")
    with urlopen(address) as answer, zipfile.ZipFile(BytesIO(answer.read())) as archive:
        assert any(entry.endswith(".json") for entry in archive.namelist())


def test_labels_are_imported_from_a_file(page: Page, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """They arrive in the store; what is left out is told of."""
    document = {
        "images": [
            {"id": 1, "file_name": "s5.png", "width": 400, "height": 300},
            {"id": 2, "file_name": "nobody.png", "width": 400, "height": 300},
        ],
        "categories": [{"id": 1, "name": "tram"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40], "iscrowd": 0, "area": 1200}
        ],
    }
    file = tmp_path_factory.mktemp("upload") / "labels.json"
    file.write_text(json.dumps(document))
    open_card(page, "None yet")
    page.run("document.querySelector(`button[aria-label='Import labels: Street']`).click()")
    page.wait(lambda: page.is_visible("#form-dialog"), "the form")
    page.run("document.querySelector('#form-submit').click()")
    page.says("#form-dialog", "is needed")
    page.driver.find_element("css selector", FIELD.format("file")).send_keys(str(file))
    page.run("document.querySelector('#form-submit').click()")
    page.says("#one-result", "1 image labeled", "1 not of this dataset")
    assert boxes_of(stored(folder, "s5")) == [("tram", [10.0, 20.0, 40.0, 60.0])]


def test_file_that_holds_no_labels_is_refused_in_its_form(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The form stays, and says what is wrong."""
    file = tmp_path_factory.mktemp("upload") / "labels.json"
    file.write_text("not json")
    open_card(page, "None yet")
    page.run("document.querySelector(`button[aria-label='Import labels: Street']`).click()")
    page.wait(lambda: page.is_visible("#form-dialog"), "the form")
    page.driver.find_element("css selector", FIELD.format("file")).send_keys(str(file))
    page.run("document.querySelector('#form-submit').click()")
    page.says("#form-dialog", "not JSON")


def test_dataset_is_made_and_what_is_wrong_is_said_at_its_field(page: Page) -> None:
    """An id that is taken is told beside the id."""
    page.open()
    page.says("#datasets", "Street")
    page.tab_to("New dataset")
    page.press(ENTER)
    page.wait(lambda: page.is_visible("#form-dialog"), "the form")
    page.run("document.querySelector(arguments[0]).value = arguments[1]", FIELD.format("id"), DATASET)
    page.press(*"Night", ENTER)
    described = "return document.getElementById(document.activeElement.getAttribute('aria-describedby').split(' ')[0])"
    page.wait(lambda: page.run(f"{described}.innerText"), "a fault")
    assert page.run("return document.activeElement.dataset.name") == "id"
    page.run("document.querySelector(arguments[0]).value = ''", FIELD.format("id"))
    page.run("document.querySelector('#form-submit').click()")
    page.says("#datasets", "Night", "Empty")
    page.says("#datasets-count", "2 datasets")


def test_form_opens_in_the_moment_in_which_another_closes(page: Page) -> None:
    """A browser tells that one was closed a frame later: that ends no other form, and until then none is refused."""
    page.open()
    page.says("#datasets", "Street")
    script = """const done = arguments[0];
      const press = (id) => document.getElementById(id).click();
      const isOpen = () => document.getElementById("form-dialog").open;
      (async () => {
        press("datasets-new");
        const seen = [isOpen()];
        press("form-cancel");
        for (let turn = 0; turn < 9; turn += 1) await null; // without a frame between
        seen.push(isOpen());
        press("datasets-new");
        seen.push(isOpen());
        for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
        done([...seen, isOpen()]);
      })()"""
    assert page.driver.execute_async_script(script) == [True, False, True, True]
    page.press(*"Night", ENTER)
    page.says("#datasets", "Night", "Empty")


def test_dataset_without_labels_offers_no_version(page: Page) -> None:
    """It says what is missing."""
    page.open()
    page.says("#datasets", "Street")
    page.run("document.querySelector('#datasets-new').click()")
    page.wait(lambda: page.is_visible("#form-dialog"), "the form")
    page.press(*"Night", ENTER)
    page.wait(lambda: page.focused() == "Night", "the new dataset in focus")
    page.press(ENTER)
    page.says(
        "#one", "Night", "None yet: nothing is labeled.", "No image is in it yet.", "Nobody has reviewed an image yet."
    )
    assert page.run("return document.querySelector(`[aria-label='Make a version: Night']`).disabled")


def test_training_begins_from_a_version_and_shows_as_a_job(page: Page) -> None:
    """By people here: it waits for them, has a log, and can be cancelled."""
    open_card(page, "None yet")
    make_version(page, "First")
    ask(page, "Train: First", name="Night run", base="det@1", trainer="manual")
    page.says("#jobs .job", "Night run", "manual", "det@1 on street", "begun by Ada")
    page.says("#jobs .job .log", "Nothing is written yet.")
    assert page.is_visible("#jobs button[aria-label='Cancel: Night run']")
    ask(page, "Cancel: Night run")
    page.says("#jobs .job > summary", "Cancelled")
    page.says("#jobs .job", "cancelled by Ada")
    assert not page.is_visible("#jobs button[aria-label='Cancel: Night run']")


def test_training_that_can_not_be_says_so_at_its_fields(page: Page) -> None:
    """A base model that is none is told of beside it."""
    open_card(page, "None yet")
    make_version(page, "First")
    ask(page, "Train: First", name="Night run", base="det@1", trainer="nobody")
    page.says("#form-dialog", "nobody")
    assert page.run("return document.activeElement.dataset.name") == "trainer"


@pytest.mark.parametrize("width", [400, 800])
def test_hostile_and_long_names_stay_text_and_fit(page: Page, folder: Path, width: int) -> None:
    """Names of datasets, of classes and of people are shown as they are."""

    async def fill(store: Store) -> None:
        await Datasets(store).ensure("long", LONG, START)
        await Datasets(store).ensure("hostile", HOSTILE, START)
        names = (Label(HOSTILE, CAR), Label(LONG, BUS))
        hostile = make_picture(folder, 9, dataset_id="hostile", sample_id="h9", prediction_id="qh")
        await store.add_sample(hostile)
        await Items(store).decide("h9", HOSTILE, START, "label", "labeled", {"labels": names, "verdict": "wrong_label"})

    page.open(width)
    page.says("#datasets", "Street")
    in_store(folder, fill)
    page.says("#datasets", LONG, HOSTILE)
    assert page.run("return document.documentElement.scrollWidth") <= width
    page.open(width, path="/datasets/hostile")
    page.says("#events", f"{HOSTILE} labeled")
    page.says("#items", HOSTILE[:20])
    page.wait(lambda: page.count("#classes li") == 2, "the classes")
    assert page.run("return document.documentElement.scrollWidth") <= width
    assert page.run("return window.pwned") is None
    assert page.count("main img, main script") == 0
