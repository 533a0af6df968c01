"""Labels read back: what was exported comes home, and whatever is wrong is told with its place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.datasets import Imported, UnknownFormat, read_labels
from sidecar.datasets.imports import DOCUMENT_BYTES_MAX, FAULTS_MAX
from sidecar.recording import Sample
from sidecar.types import Label
from tests.datasets.making import HOSTILE, documents_of, export_of, item, label

TEXT = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda text: text and text.isprintable())
)
NAMES = tuple(name for name in HOSTILE if name.isprintable())
KNOWN = {"s1": (320, 240), "s2": (320, 240)}


@st.composite
def items(draw: st.DrawFn) -> list[Sample]:
    """Items of any size with boxes anywhere in them, of hostile classes."""
    found = []
    for sample_id in draw(
        st.lists(st.sampled_from(["s1", "s2.0", "../x", "a b", "🦊", "Ab-9"]), unique=True, min_size=1)
    ):
        width, height = draw(st.integers(2, 8_000)), draw(st.integers(2, 8_000))
        labels = []
        for _ in range(draw(st.integers(0, 5))):
            left, top = draw(st.floats(0, width - 1)), draw(st.floats(0, height - 1))
            right, bottom = draw(st.floats(left + 0.5, width)), draw(st.floats(top + 0.5, height))
            labels.append(label(draw(st.sampled_from(NAMES) | TEXT), left, top, right, bottom))
        split = draw(st.sampled_from(["train", "val", "test"]))
        found.append(item(sample_id, labels, width=width, height=height, split=split))
    return found


def _known(found: Sequence[Sample]) -> dict[str, tuple[int, int]]:
    return {one.sample_id: (one.width, one.height) for one in found}


def _same(got: Imported, found: Sequence[Sample]) -> None:
    assert (got.faults, got.faults_n, got.unknown_n) == ((), 0, 0)
    assert got.labels.keys() == {one.sample_id for one in found}
    for one in found:
        here = one.labels or ()
        there = got.labels[one.sample_id]
        assert [a.label for a in there] == [b.label for b in here]
        assert [a.box for a in there] == [pytest.approx(b.box, abs=1e-3) for b in here]


@given(items())
def test_what_coco_was_given_comes_back(found: list[Sample]) -> None:
    """Labels of all splits together are the version's, in their order, within a thousandth of a pixel."""
    documents = documents_of(export_of(Path(), found), "coco")
    parts = [read_labels("coco", documents[f"annotations/instances_{split}.json"], _known(found)) for split in
             ("train", "val", "test")]  # fmt: skip
    together = {name: labels for part in parts for name, labels in part.labels.items()}
    assert sum(part.faults_n + part.unknown_n for part in parts) == 0
    _same(Imported(together), found)


@given(items())
def test_what_label_studio_was_given_comes_back(found: list[Sample]) -> None:
    """Percent and back, within a thousandth of a pixel, whatever ids and classes are called."""
    document = documents_of(export_of(Path(), found), "label_studio")["tasks.json"]
    _same(read_labels("label_studio", document, _known(found)), found)


@given(items())
def test_label_studio_tasks_are_known_by_their_files_names_too(found: list[Sample]) -> None:
    """Tasks that lost the sample's id are found by what their image's address ends in, as uploads are called."""
    tasks = json.loads(documents_of(export_of(Path(), found), "label_studio")["tasks.json"])
    for place, task in enumerate(tasks):
        name = task["data"]["image"].rpartition("/")[2]
        task["data"] = {"image": (f"/data/upload/7/0a1b2c3d-{name}", task["data"]["image"], name)[place % 3]}
    _same(read_labels("label_studio", orjson.dumps(tasks), _known(found)), found)


def _coco(**changed: Any) -> bytes:
    document: dict[str, Any] = {
        "images": [
            {"id": 1, "file_name": "some/where/s1.jpg", "width": 320, "height": 240},
            {"id": 2, "file_name": "s2.png", "width": 320, "height": 240},
        ],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [10, 20, 30, 40]}],
        "categories": [{"id": 7, "name": "cat"}],
    }
    return orjson.dumps({**document, **changed})


def test_coco_images_without_annotations_are_without_objects() -> None:
    """As the format has it; images nobody here knows are listed and harm no other."""
    document = _coco(
        images=[{"id": 1, "file_name": "s1.jpg"}, {"id": 2, "file_name": "s2"}, {"id": 3, "file_name": "zz.jpg"}]
    )
    found = read_labels("coco", document, KNOWN)
    assert found.labels == {"s1": (label("cat", 10, 20, 40, 60),), "s2": ()}
    assert (found.unknown, found.unknown_n, found.faults_n) == (("zz.jpg",), 1, 0)


def _one(**changed: Any) -> dict[str, Any]:
    return {"annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [10, 20, 30, 40], **changed}]}


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        (_one(iscrowd=1), "annotations[0].iscrowd", "a crowd is a region of many objects"),
        (_one(bbox=[], segmentation=[[1, 2, 3, 4, 5, 6]]), "annotations[0].bbox", "an outline alone is no box"),
        (_one(bbox=[1, 2, 3]), "annotations[0].bbox", "four numbers"),
        (_one(bbox=[1, 2, True, 3]), "annotations[0].bbox", "four numbers"),
        (_one(bbox=[1, 2, "3", 4]), "annotations[0].bbox", "four numbers"),
        (_one(bbox=[1, 2, 0, 4]), "annotations[0].bbox", "a width and a height"),
        (_one(bbox=[1, 2, -3, 4]), "annotations[0].bbox", "a width and a height"),
        (_one(bbox=[300, 2, 30, 4]), "annotations[0].bbox", "must lie in the image of 320 x 240"),
        (_one(category_id=8), "annotations[0].category_id", "one of categories, not 8"),
        (_one(category_id=[7]), "annotations[0].category_id", "one of categories"),
        (_one(image_id=9), "annotations[0].image_id", "one of images, not 9"),
        ({"annotations": ["cat"]}, "annotations[0].image_id", "one of images, not None"),
        ({"annotations": {}}, "annotations", "must be a list"),
        ({"categories": [{"id": 7, "name": ""}]}, "categories[0].name", "a class's name"),
        ({"categories": [{"id": 7, "name": "x" * 201}]}, "categories[0].name", "at most 200 characters"),
        ({"categories": [{"id": 7, "name": "a"}, {"id": 7, "name": "b"}]}, "categories[1].id", "its own"),
        ({"images": [{"id": 1, "file_name": "s1", "width": 640, "height": 480}]}, "images[0]", "320 x 240 pixels here"),
        ({"images": [{"id": 1, "file_name": "s1"}, {"id": 2, "file_name": "s1.png"}]}, "images[1].file_name", "once"),
        ({"images": [{"id": 1, "file_name": "s1"}, {"id": 1, "file_name": "s2"}]}, "images[1].id", "its own"),
        ({"images": [{"file_name": "s1"}]}, "images[0].id", "must have an id"),
        ({"images": [{"id": 1, "file_name": 5}]}, "images[0].file_name", "the image's name"),
    ],
)  # fmt: skip
def test_faults_in_coco_have_their_place_and_cost_that_image_only(changed: Any, field: str, words: str) -> None:
    """An image with a fault gets no labels: half of its objects would be a lie. Others keep theirs."""
    found = read_labels("coco", _coco(**changed), KNOWN)
    assert field in [fault.field for fault in found.faults]
    assert words in next(fault.message for fault in found.faults if fault.field == field)
    assert set(found.labels.values()) <= {(), (label("cat", 10, 20, 40, 60),)}
    if field.startswith("annotations[0].") and "image_id" not in field:
        assert found.labels == {"s2": ()}


def test_without_annotations_or_categories_no_image_counts_as_empty() -> None:
    """A cut-off document must not wipe labels out."""
    for missing in ("annotations", "categories"):
        document = json.loads(_coco())
        del document[missing]
        found = read_labels("coco", orjson.dumps(document), KNOWN)
        assert found.labels == {}
        assert [(fault.field, fault.message) for fault in found.faults] == [(missing, "is missing")]


def test_boxes_that_round_beyond_the_edge_are_cut_off() -> None:
    """Up to a pixel is rounding; where the size is not known nothing is cut."""
    box = _coco(**_one(bbox=[-0.5, 0, 321, 240.5]))
    assert read_labels("coco", box, KNOWN).labels["s1"] == (label("cat", 0, 0, 320, 240),)
    assert read_labels("coco", box, {"s1": (0, 0)}).labels["s1"] == (label("cat", -0.5, 0, 320.5, 240.5),)


def _region(name: str = "cat", **changed: Any) -> dict[str, Any]:
    value = {"x": 10, "y": 10, "width": 10, "height": 20, "rotation": 0, "rectanglelabels": [name]}
    value |= changed.pop("value", {})
    return {"type": "rectanglelabels", "original_width": 320, "original_height": 240, "value": value, **changed}


def _task(sample_id: str, *annotations: Any, **changed: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"image": "x", "sample_id": sample_id}, "annotations": list(annotations), **changed}


CAT = Label("cat", (32.0, 24.0, 64.0, 72.0))


def test_the_latest_annotation_counts_and_cancelled_ones_do_not() -> None:
    """By when it was changed, else by its place; zones of time are heeded."""
    old = {"result": [_region("old")], "updated_at": "2026-01-01T11:00:00Z"}
    new = {"result": [_region("new")], "updated_at": "2026-01-01T10:30:00-02:00"}
    cancelled = {"result": [_region("no")], "updated_at": "2027-01-01T00:00:00Z", "was_cancelled": True}
    undated = [{"result": [_region("a")]}, {"result": [_region("b")]}]
    document = [_task("s1", new, cancelled, old), _task("s2", *undated)]
    found = read_labels("label_studio", orjson.dumps(document), KNOWN)
    assert {name: [one.label for one in labels] for name, labels in found.labels.items()} == {
        "s1": ["new"],
        "s2": ["b"],
    }


def test_tasks_nobody_annotated_are_skipped_and_empty_annotations_say_nothing_is_there() -> None:
    """A queue that was not worked off changes nothing."""
    document = [_task("s1"), _task("s2", {"result": []}), _task("s9", {"result": []})]
    found = read_labels("label_studio", orjson.dumps(document), KNOWN)
    assert (found.labels, found.skipped, found.unknown) == ({"s2": ()}, 1, ("s9",))


def test_what_is_said_beside_boxes_is_passed_over() -> None:
    """Answers about the whole image and relations are no boxes, and none is missing without them."""
    beside = [{"type": "choices", "value": {"choices": ["good"]}}, {"type": "relation", "from_id": "a", "to_id": "b"}]
    found = read_labels("label_studio", orjson.dumps([_task("s1", {"result": [*beside, _region()]})]), KNOWN)
    assert found.labels == {"s1": (CAT,)}


@pytest.mark.parametrize(
    ("region", "field", "words"),
    [
        (_region(value={"rotation": 12.5}), "value.rotation", "must be 0"),
        (_region(image_rotation=90), "value.rotation", "must be 0"),
        (_region(value={"x": "1"}), "value", "in percent"),
        (_region(value={"width": 0}), "value", "a width and a height"),
        (_region(value={"width": 95}), "value", "must lie in the image"),
        (_region(value={"rectanglelabels": []}), "value.rectanglelabels", "one class"),
        (_region(value={"rectanglelabels": ["a", "b"]}), "value.rectanglelabels", "one class"),
        (_region(value={"rectanglelabels": [3]}), "value.rectanglelabels[0]", "a class's name"),
        (_region(original_width=0), "original_width", "size in pixels"),
        (_region(original_width=640, original_height=480), "", "320 x 240 pixels here, 640 x 480 in the document"),
        (_region(type="polygonlabels"), "type", "must be rectanglelabels, 'polygonlabels' is no box"),
        ("cat", "type", "must be rectanglelabels"),
    ],
)
def test_faults_in_label_studio_have_their_place_and_cost_that_image_only(region: Any, field: str, words: str) -> None:
    """An annotation with a region that is no upright box is not taken; the other task is."""
    document = [_task("s1", {"result": [_region(), region]}), _task("s2", {"result": [_region()]})]
    found = read_labels("label_studio", orjson.dumps(document), KNOWN)
    (fault,) = found.faults
    assert fault.field == f"[0].annotations[0].result[1]{'.' if field else ''}{field}"
    assert words in fault.message
    assert found.labels == {"s2": (CAT,)}


def test_two_tasks_of_one_image_are_a_fault_and_neither_is_taken() -> None:
    """Which of them is right nobody here can say."""
    document = [_task("s1", {"result": [_region()]}), _task("s1", {"result": []}), _task("s1", {"result": []})]
    found = read_labels("label_studio", orjson.dumps(document), KNOWN)
    assert found.labels == {}
    assert [fault.field for fault in found.faults] == ["[1]", "[2]"]


def test_another_export_of_label_studio_is_told_apart() -> None:
    """JSON_MIN has no annotations; the fault says what to ask for."""
    found = read_labels("label_studio", orjson.dumps([{"image": "s1.jpg", "label": []}]), KNOWN)
    assert "export as JSON, not JSON_MIN" in found.faults[0].message


@pytest.mark.parametrize("name", ["coco", "label_studio"])
@pytest.mark.parametrize(
    "document", [b"", b"{", b"nul", b"\xff", b'"\\ud800"', b"[" * 5_000, b"3", b"null", b"[null, 3]", b"{}"]
)
def test_documents_that_are_something_else_are_a_fault_and_no_error(name: str, document: bytes) -> None:
    """Whatever is sent, the answer says what was wanted."""
    found = read_labels(name, document, KNOWN)
    assert found.faults_n >= 1
    assert found.labels == {}


COCO_FIELDS = ["images", "annotations", "categories", "id", "file_name", "bbox", "image_id", "category_id", "name"]
TASK_FIELDS = [
    "data",
    "sample_id",
    "result",
    "value",
    "type",
    "rectanglelabels",
    "original_width",
    "updated_at",
    "meta",
]
NUMBERS = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.sampled_from(["s1", "cat"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*COCO_FIELDS, *TASK_FIELDS]), inner, max_size=5)
    ),
    max_leaves=25,
)


@given(st.lists(st.dictionaries(st.sampled_from(["data", "annotations", "meta", "id"]), JSON), max_size=3), JSON)
def test_no_document_raises(tasks: Any, anything: Any) -> None:
    """Any JSON at all ends in labels or faults."""
    for document in (tasks, anything, {"images": tasks, "annotations": tasks, "categories": anything}):
        for name in ("coco", "label_studio"):
            assert isinstance(read_labels(name, orjson.dumps(document), KNOWN), Imported)


def test_faults_and_unknown_images_are_listed_to_a_bound_and_counted_all() -> None:
    """A thousand mistakes make no answer of a thousand lines."""
    annotations = [{"image_id": 1, "category_id": 1} for _ in range(1_000)]
    images = [{"id": n + 10, "file_name": f"u{n}"} for n in range(1_000)]
    found = read_labels("coco", _coco(annotations=annotations, images=[{"id": 1, "file_name": "s1"}, *images]), KNOWN)
    assert (len(found.faults), found.faults_n) == (FAULTS_MAX, 1_000)
    assert (len(found.unknown), found.unknown_n) == (100, 1_000)


def test_too_large_a_document_and_an_unknown_format_are_refused() -> None:
    """Before it is parsed; and the names there are are told."""
    found = read_labels("coco", b" " * (DOCUMENT_BYTES_MAX + 1), KNOWN)
    assert "at most 67108864 bytes" in found.faults[0].message
    with pytest.raises(UnknownFormat, match="coco, label_studio, not 'yolo'"):
        read_labels("yolo", b"{}", KNOWN)


def test_too_many_boxes_in_an_image_are_a_fault() -> None:
    """No image takes more than its bound."""
    annotations = [{"image_id": 1, "category_id": 7, "bbox": [1, 1, 2, 2]}] * 1_001
    found = read_labels("coco", _coco(annotations=annotations), KNOWN)
    assert found.labels == {"s2": ()}
    assert "at most 1000 boxes, this one has 1001" in found.faults[0].message


@pytest.mark.parametrize(("name", "taken"), [("  cat\n", "cat"), ("a\nb", None), ("a\x00", None), ("a\u202eb", None)])
def test_names_of_classes_are_stripped_and_printable(name: str, taken: str | None) -> None:
    """As those that people give by the API are; what can't be seen is told, and its image is left out."""
    annotations = [{"image_id": 1, "category_id": 7, "bbox": [1, 1, 2, 2]}]
    found = read_labels("coco", _coco(annotations=annotations, categories=[{"id": 7, "name": name}]), KNOWN)
    assert [one.label for one in found.labels.get("s1", ())] == ([taken] if taken else [])
    assert [fault.field for fault in found.faults] == ([] if taken else ["categories[0].name"])
