"""What each format writes: names from ids alone, classes as text, nothing of what was deleted."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sidecar.datasets import FORMATS, Export, UnknownFormat, format_of, tasks_of, write_folder
from sidecar.datasets.formats.text import xml_names
from sidecar.recording import Sample
from sidecar.types import Label
from tests.datasets.making import HOSTILE, detections, documents_of, export_of, item, label, with_images

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def hostile_items() -> list[Sample]:
    labels = [label(name, 10 + place, 20, 60 + place, 90.25) for place, name in enumerate(HOSTILE)]
    odd = ["../../up", "a/b", "new\nline", 'quote"<', "🦊", ".hidden", "-rf", ""]
    splits = ("train", "val", "test")
    return [item(name, labels, split=splits[place % 3]) for place, name in enumerate(["plain.0", *odd])]


def _names(export: Export, format_name: str) -> list[str]:
    return [name for name, _ in format_of(format_name).exporter(export)]


@pytest.mark.parametrize("name", FORMATS)
def test_names_in_archives_are_safe_and_distinct(name: str, tmp_path: Path) -> None:
    """Ids that climb out of a folder, and classes of any name, leave no trace in the names of files."""
    names = _names(export_of(tmp_path, hostile_items()), name)
    assert all(SAFE_NAME.fullmatch(one) and ".." not in one for one in names)
    assert len({one.lower() for one in names}) == len(names)


@pytest.mark.parametrize("name", FORMATS)
def test_deleted_images_are_in_no_format_and_numbers_stay(name: str, tmp_path: Path) -> None:
    """A deleted image is not listed, and the numbers of classes and images are what they were before."""
    items = with_images(tmp_path, [item(one, [label(one, 1, 2, 30, 40)], split="train") for one in "abc"])
    export = export_of(tmp_path, items)
    whole = documents_of(export, name)
    gone = replace(export.items[0], deleted_at=9.0)
    export = replace(export, items=(gone, *export.items[1:]))
    assert not any(re.search(r"(^|/)a\.", one) for one in _names(export, name))
    target = tmp_path / "out"
    assert write_folder(export, name, target).left_out == {"a": "deleted"}
    assert json.loads((target / "left_out.jsonl").read_text()) == {"sample_id": "a", "reason": "deleted"}
    if name == "coco":
        before, now = (
            json.loads(one["annotations/instances_train.json"]) for one in (whole, documents_of(export, name))
        )
        assert now["categories"] == before["categories"]
        assert now["images"] == before["images"][1:]
        assert now["annotations"] == before["annotations"][1:]
    if name == "yolo":
        assert (target / "labels/train/b.txt").read_bytes() == whole["labels/train/b.txt"]


def test_an_unknown_format_names_those_there_are() -> None:
    """Who mistypes learns what would be right."""
    with pytest.raises(UnknownFormat, match="coco, yolo, voc, label_studio, fiftyone, cvat, not 'COCO'"):
        format_of("COCO")


@given(st.lists(TEXT, min_size=1, max_size=6, unique=True))
def test_classes_come_back_from_every_document_as_they_were(names: list[str]) -> None:
    """Whatever a class is called, JSON and YAML give it back; XML does but for characters it has no way to write."""
    export = export_of(Path(), [item("s", [label(name, 1, 2, 30, 40) for name in names], split="train")])
    coco = json.loads(documents_of(export, "coco")["annotations/instances_train.json"])
    assert [one["name"] for one in coco["categories"]] == sorted(names)
    data = yaml.safe_load(documents_of(export, "yolo")["data.yaml"])
    assert data["names"] == dict(enumerate(sorted(names)))
    assert json.loads(documents_of(export, "fiftyone")["train/labels.json"])["classes"] == sorted(names)
    task = json.loads(documents_of(export, "label_studio")["tasks.json"])[0]
    assert [one["value"]["rectanglelabels"] for one in task["annotations"][0]["result"]] == [[name] for name in names]
    written = xml_names(sorted(names))
    assert len(set(written.values())) == len(names)
    config = ET.fromstring(documents_of(export, "label_studio")["config.xml"])
    assert [one.get("value") for one in config.iter("Label")] == [written[name] for name in sorted(names)]
    voc = ET.fromstring(documents_of(export, "voc")["Annotations/s.xml"])
    assert [one.findtext("name") for one in voc.iter("object")] == [written[name] for name in names]
    cvat = ET.fromstring(documents_of(export, "cvat")["annotations.xml"])
    assert [one.findtext("name") for one in cvat.iter("label")] == [written[name] for name in sorted(names)]
    assert [one.get("label") for one in cvat.iter("box")] == [written[name] for name in names]


def test_classes_that_differ_in_case_alone_stay_apart(tmp_path: Path) -> None:
    """cat and Cat are two classes everywhere."""
    export = export_of(tmp_path, [item("s", [label("cat", 1, 2, 3, 4), label("Cat", 1, 2, 3, 4)], split="train")])
    assert documents_of(export, "yolo")["labels/train/s.txt"].split()[::5] == [b"1", b"0"]
    names = json.loads(documents_of(export, "coco")["annotations/instances_train.json"])["categories"]
    assert [one["name"] for one in names] == ["Cat", "cat"]


def _yolo(items: Sequence[Sample]) -> dict[str, bytes]:
    return documents_of(export_of(Path(), items), "yolo")


def test_yolo_lines_have_six_decimals_and_stay_within_the_image() -> None:
    """Centre and size by the image's sides; what is beyond an edge is cut off, what is outside is no object."""
    outside = [label("a", -10, 0, 160, 120), label("a", 400, 10, 420, 20), label("b", 80, 60, 240, 180)]
    found = _yolo([item("s", outside, split="train"), item("e", [], split="train")])
    assert (
        found["labels/train/s.txt"] == b"0 0.250000 0.250000 0.500000 0.500000\n1 0.500000 0.500000 0.500000 0.500000\n"
    )
    assert found["labels/train/e.txt"] == b""


def test_yolo_has_folders_for_every_split_and_says_what_stands_in() -> None:
    """Trainers refuse to start without images of val: others stand in, and the file says so."""
    full = _yolo([item("a", split="train"), item("b", split="val"), item("c", split="test")])
    data = yaml.safe_load(full["data.yaml"])
    assert (data["train"], data["val"], data["test"]) == ("images/train", "images/val", "images/test")
    assert b"stand in" not in full["data.yaml"]
    lone = _yolo([item("a", split="train")])
    assert yaml.safe_load(lone["data.yaml"])["val"] == "images/train"
    assert b"# no image fell to val: the images of train stand in for it" in lone["data.yaml"]


def test_images_of_unknown_size_are_measured_or_left_out(tmp_path: Path) -> None:
    """The file tells where the record doesn't; formats in parts of the sides go without what nobody can measure."""
    known, broken = with_images(tmp_path, [item("k", [label("a", 8, 6, 16, 12)]), item("x", [label("a", 1, 1, 2, 2)])])
    (tmp_path / broken.path).write_bytes(b"no image")
    export = export_of(tmp_path, [replace(one, width=0, height=0, split="train") for one in (known, broken)])
    written = write_folder(export, "yolo", tmp_path / "yolo")
    assert (written.left_out, written.altered) == ({"x": "size_unknown"}, ())
    assert (tmp_path / "yolo/labels/train/k.txt").read_text() == "0 0.037500 0.037500 0.025000 0.025000\n"
    coco = write_folder(export, "coco", tmp_path / "coco")
    assert (coco.left_out, coco.altered) == ({}, ("x",))
    images = json.loads((tmp_path / "coco/annotations/instances_train.json").read_text())["images"]
    assert [(one["file_name"], one["width"], one["height"]) for one in images] == [("k.png", 320, 240), ("x.png", 0, 0)]


def test_voc_counts_pixels_from_nought_and_lists_its_splits() -> None:
    """Coordinates keep two decimals; a list for each split, none for classes."""
    found = documents_of(export_of(Path(), [item("s", [label("a:b", 1.234, 2, 30.5, 40)], split="val")]), "voc")
    root = ET.fromstring(found["Annotations/s.xml"])
    assert [one.text for one in root.iter() if one.tag[1:] in ("min", "max")] == ["1.23", "2", "30.5", "40"]
    assert (root.findtext("size/width"), root.findtext("size/height")) == ("320", "240")
    assert {name: text for name, text in found.items() if name.startswith("ImageSets")} == {
        "ImageSets/Main/train.txt": b"",
        "ImageSets/Main/val.txt": b"s\n",
        "ImageSets/Main/test.txt": b"",
    }
    assert b"a:b" not in found["labelmap.txt"]


def test_label_studio_has_peoples_labels_and_the_models_as_pre_labels() -> None:
    """Annotations are what people said, predictions what the model saw at its operating point, in percent."""
    seen = detections([("dog", 0.75, (0.25, 0.5, 0.5, 1.0)), ("cat", 0.25, (0.0, 0.0, 0.1, 0.1))], normalised=True)
    one = item("s", [label("cat", 32, 24, 64, 48)], detections=seen, score_threshold=0.5, split="train")
    (task,) = json.loads(documents_of(export_of(Path(), [one]), "label_studio")["tasks.json"])
    assert task["data"]["image"] == "/data/local-files/?d=images/s.png"
    assert task["data"]["sample_id"] == "s"
    (annotation,), (prediction,) = task["annotations"], task["predictions"]
    assert annotation["result"][0]["value"] == {
        "x": 10.0, "y": 10.0, "width": 10.0, "height": 10.0, "rotation": 0, "rectanglelabels": ["cat"],
    }  # fmt: skip
    (region,) = prediction["result"]
    assert (prediction["model_version"], prediction["score"], region["score"]) == ("m@1", 0.75, 0.75)
    assert region["value"] == {
        "x": 25.0, "y": 50.0, "width": 25.0, "height": 50.0, "rotation": 0, "rectanglelabels": ["dog"],
    }  # fmt: skip
    assert (region["original_width"], region["original_height"]) == (320, 240)


def test_tasks_of_a_queue_hide_what_an_audit_must_not_know() -> None:
    """Waiting items have pre-labels and no annotation; the random sample's don't tell which version saw it."""
    seen = detections([("dog", 0.75, (10, 20, 30, 40))])
    waiting = item("w", None, detections=seen)
    drawn = item("r", None, detections=seen, drawn=True)
    done = item("l", [label("cat", 1, 2, 3, 4)], detections=None)
    tasks = tasks_of([waiting, drawn, done, item("u", None, width=0)], lambda one: f"http://here/{one.sample_id}")
    assert [len(task["annotations"]) for task in tasks] == [0, 0, 1, 0]
    assert [one["model_version"] for task in tasks for one in task["predictions"]] == ["m@1", ""]
    assert [task["data"] for task in tasks][1] == {"image": "http://here/r", "sample_id": "r"}
    assert tasks[3]["predictions"] == []


def test_fiftyone_says_boxes_as_parts_of_the_sides() -> None:
    """As its importer reads them: x, y, width, height in 0..1, classes by their place, images by their stem."""
    labels = (Label("dog", (32.0, 24.0, 64.0, 72.0)), Label("cat", (0.0, 0.0, 320.0, 240.0)))
    found = documents_of(export_of(Path(), [item("s", labels, split="test"), item("e", split="test")]), "fiftyone")
    assert json.loads(found["test/labels.json"]) == {
        "classes": ["cat", "dog"],
        "labels": {
            "e": [],
            "s": [
                {"label": 1, "bounding_box": [0.1, 0.1, 0.1, 0.2]},
                {"label": 0, "bounding_box": [0.0, 0.0, 1.0, 1.0]},
            ],
        },
    }
    assert json.loads(found["train/labels.json"]) == {"classes": ["cat", "dog"], "labels": {}}
