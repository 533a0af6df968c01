"""Labels that come back: only what a document names is read, and nothing else waits meanwhile."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.app import importing
from sidecar.app.importing import IDS_TRIED_MAX, LabelImport, named_in
from sidecar.datasets import READERS
from sidecar.datasets.export import stem_of
from sidecar.recording import Items, Reader, Sample
from tests.api.looped import add_items, make_item
from tests.app.looping import NOW, Life, living

ODD = "-odd"
"""An id that is no file's name: files are called by its hash."""


class Watched(Reader):
    """Notes which items were read."""

    def watch(self) -> Counter[str]:
        self.read: Counter[str] = Counter()
        return self.read

    async def sample(self, sample_id: str) -> Sample | None:
        self.read[sample_id] += 1
        return await super().sample(sample_id)


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    """With six items i0 to i5 and one of the audit in the dataset det, and one item of another dataset."""
    async with living(tmp_path) as life:
        await add_items(tmp_path, life.store, 6)
        await life.store.add_sample(make_item(tmp_path, 9, dataset_id="other"))
        yield life


def coco(*names: str) -> dict[str, Any]:
    """A cat in each image."""
    images = [{"id": place, "file_name": name} for place, name in enumerate(names)]
    boxes = [{"id": p, "image_id": p, "category_id": 1, "bbox": [1, 2, 20, 30]} for p in range(len(names))]
    return {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "cat"}]}


async def test_only_the_items_that_a_document_names_are_read(life: Life, tmp_path: Path) -> None:
    """Each to know its size and again to label it; what is unknown, or of another dataset, is counted."""
    reader = await Watched.open(tmp_path)
    read = reader.watch()
    document = coco("i1.png", "images/i3.png", "nope.png", "i9.png")
    done = await LabelImport(Items(life.store), reader, lambda: NOW).run("det", "coco", document, "ann")
    await reader.close()
    assert (done["labeled"], done["unchanged"], done["unknown"]) == (2, 0, 2)
    assert [fault["field"] for fault in done["faults"]] == ["nope.png", "i9.png"]
    assert {of: n for of, n in read.items() if of.startswith("i") and "." not in of} == {"i1": 2, "i3": 2, "i9": 1}
    statuses = {of: (await life.loop.review.item(of))["status"] for of in ("i0", "i1", "i3")}
    assert statuses == {"i0": "needs_review", "i1": "labeled", "i3": "labeled"}


async def test_long_documents_are_worked_off_in_pages_and_verdicts_in_a_thread(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All come through; the same again changes nothing."""
    monkeypatch.setattr(importing, "PAGE", 2)
    threads: set[int] = set()
    labelled = importing.labelled

    def noted(sample: Sample, labels: Any) -> dict[str, Any]:
        threads.add(threading.get_ident())
        return labelled(sample, labels)

    monkeypatch.setattr(importing, "labelled", noted)
    document = coco(*(f"i{place}.png" for place in range(5)))
    imports = life.loop.versions.import_labels
    assert (await imports("det", "coco", document, "ann"))["labeled"] == 5
    assert threads
    assert threading.get_ident() not in threads
    again = await imports("det", "coco", document, "ann")
    assert (again["labeled"], again["unchanged"], again["unknown"]) == (0, 5, 0)
    assert (await life.loop.review.item("i4"))["verdict"] == "false_positive"


async def test_item_whose_id_is_no_files_name_is_found_by_its_hash(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On whichever page of the dataset it is."""
    monkeypatch.setattr(importing, "SCAN_PAGE", 2)
    await life.store.add_sample(make_item(tmp_path, 7, sample_id=ODD, prediction_id="odd"))
    document = coco(f"{stem_of(ODD)}.png", "i2.png", f"{stem_of('-nobody')}.png")
    done = await life.loop.versions.import_labels("det", "coco", document, "ann")
    assert (done["labeled"], done["unknown"]) == (2, 1)
    assert (await life.loop.review.item(ODD))["status"] == "labeled"


NAMES = [
    *("i1.png", "i1", "a/b/i1.jpg", "a\\b\\i1.jpg", "i1.tar.gz", "i1.x", "", ".png", "/", "i1.png/"),
    *("http://h:8080/data/upload/3/0123abcd-i1.png", "0123abcd-i1.png", "0123abcd-", "https://h/i%201.png?x=1#f"),
    *("/data/local-files/?d=sub/i1.png", "s3://bucket/i1.png", "http://[bad", "i1.png?d=", "a?d=b/i1.png&d=c"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("known", ["i1", "i1.tar", "i1.png", "i 1", "0123abcd-i1", "c", "b"])
def test_ids_that_a_name_may_mean_are_those_that_the_readers_find(name: str, known: str) -> None:
    """So an item that a reader would know is always looked up; a name leads to a few at most."""
    (ids,) = named_in("coco", coco(name))
    found = READERS["coco"](coco(name), {known: (64, 48)}).labels
    assert known in ids or not found
    task = {"data": {"a": "text", "image": name}, "annotations": [{"result": []}]}
    (of_task,) = named_in("label_studio", [task])
    assert known in of_task or not READERS["label_studio"]([task], {known: (64, 48)}).labels
    assert len(ids) <= 3


@pytest.mark.parametrize("document", [None, 1, "x", [], {}, [1], {"images": 1}, {"images": [1, {"file_name": 2}]}])
def test_document_that_is_none_names_nothing(document: Any) -> None:
    """The readers say what is wrong with it."""
    for format in READERS:
        assert not any(named_in(format, document))  # type: ignore[arg-type] - the keys of READERS are plain text


def test_task_is_known_by_its_ids_first() -> None:
    """Those that it says, then those of its addresses, the image's first; so many at most."""
    texts = {f"text{place:02}": f"t{place}.png" for place in range(50)}
    task = {"data": {**texts, "image": "a.png", "sample_id": "s1"}, "meta": {"sample_id": "s2"}}
    (ids,) = named_in("label_studio", [task])
    assert ids[:4] == ["s1", "s2", "a", "a.png"]
    assert len(ids) == IDS_TRIED_MAX
