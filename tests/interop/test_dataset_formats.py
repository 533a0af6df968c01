"""Exported datasets, read by the very tools they are for."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from sidecar.datasets import Export, read_labels, write_folder
from sidecar.recording import Sample
from sidecar.types import Label
from tests.datasets.making import HOSTILE, detections, export_of, item, label, with_images

pytestmark = pytest.mark.timeout(900)  # the environment is made in it once: 500 MB to fetch and unpack
READER = Path(__file__).parent / "datasets_reading.py"
MAPPED = [name for name in HOSTILE if not set(name) & set(":#\n/\\")]
"""Those of the hostile classes that the syntax of VOC's labelmap.txt can hold."""
Boxes = dict[str, list[list[Any]]]


@pytest.fixture(scope="module")
def python(python_of: Callable[[str], str]) -> str:
    return python_of("datasets")


@pytest.fixture(scope="module")
def ground_truth(shared: Path) -> list[tuple[Path, list[Label]]]:
    """Real photos with the objects that people marked in them."""
    folder = shared / "data" / "photos" / "B_voc_rodm"
    found = []
    for path in sorted((folder / "images").glob("*.jpg"))[:12]:
        objects = ET.parse(folder / "ground-truth" / f"{path.stem}.xml").iterfind("object")
        found.append((path, [label(one.findtext("name", ""), *_corners(one)) for one in objects]))
    if not found:
        pytest.skip("the photos are not in ../shared")
    return found


def _corners(element: ET.Element) -> list[float]:
    return [float(element.findtext(f"bndbox/{side}", "nan")) for side in ("xmin", "ymin", "xmax", "ymax")]


def drawn(folder: Path, classes: Sequence[str]) -> Export:
    """Images of all media types and some sizes in every split, with none to three boxes of hostile classes."""
    kinds = ("image/png", "image/jpeg", "image/webp")
    splits = ("train", "val", "test")
    items = []
    for n in range(24):
        width, height = 320 + 7 * n, 240 + 3 * n
        boxes = [
            label(classes[(n + k) % len(classes)], 10.25 + 20 * k, 12.5 + n, 90 + 30 * k, 200.75) for k in range(n % 4)
        ]
        seen = detections([("cat", 0.9, (1, 2, 30, 40)), ("unheard of", 0.5, (5, 5, 50, 60))])
        one = item(f"s{n:02}.0", boxes, width=width, height=height, media_type=kinds[n % 3], detections=seen)
        items.append(replace(one, split=splits[n % 5 % 3]))
    return export_of(folder, with_images(folder, items))


def photographed(folder: Path, ground_truth: Sequence[tuple[Path, list[Label]]]) -> Export:
    items: list[Sample] = []
    for n, (path, labels) in enumerate(ground_truth):
        (folder / path.name).write_bytes(path.read_bytes())
        with Image.open(path) as image:
            width, height = image.size
        known = {"path": path.name, "width": width, "height": height, "media_type": "image/jpeg"}
        items.append(item(f"photo-{n}", labels, split=("train", "val", "test")[n % 3], **known))
    return export_of(folder, items)


@pytest.fixture(params=["drawn", "photos"])
def export(request: pytest.FixtureRequest, tmp_path: Path) -> Export:
    folder = tmp_path / "data"
    folder.mkdir()
    if request.param == "drawn":
        return drawn(folder, HOSTILE)
    return photographed(folder, request.getfixturevalue("ground_truth"))


def read(python: str, reader: str, folder: Path) -> Any:
    command = [python, str(READER), reader, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    return json.loads(done.stdout)


def assert_same(found: dict[str, Any], export: Export, tolerance: float, *, splits: bool = True) -> None:
    """Every image with its split and its boxes, in whatever order, and no other."""
    assert found.keys() == {one.sample_id for one in export.items}
    for one in export.items:
        split, boxes = found[one.sample_id]
        assert split == one.split or not splits
        assert_boxes(boxes, one.labels, tolerance)


def assert_boxes(boxes: Sequence[Sequence[Any]], labels: Sequence[Label], tolerance: float) -> None:
    expected = sorted([named.label, *named.box] for named in labels)
    given = sorted([name, *map(float, sides)] for name, *sides in boxes)
    for (name, *sides), (wanted, *at) in zip(given, expected, strict=True):
        assert name == wanted
        assert sides == pytest.approx(at, abs=tolerance)


def test_pycocotools_loads_coco_and_evaluates_it(python: str, export: Export, tmp_path: Path) -> None:
    """COCO has every box of every split, and its evaluation gives the labels as detections a precision of 1."""
    write_folder(export, "coco", tmp_path / "out")
    found = read(python, "pycocotools", tmp_path / "out")
    assert_same(found["found"], export, 1e-3)
    assert found["precision"] == pytest.approx(dict.fromkeys(("train", "val", "test"), 1.0))


def test_datumaro_reads_coco(python: str, export: Export, tmp_path: Path) -> None:
    """A second reader finds the same boxes, and each image beside them."""
    write_folder(export, "coco", tmp_path / "out")
    assert_same(read(python, "coco", tmp_path / "out")["found"], export, 1e-2)


def test_datumaro_reads_yolo(python: str, export: Export, tmp_path: Path) -> None:
    """data.yaml in the manner of Ultralytics, six decimals: within a hundredth of a pixel."""
    write_folder(export, "yolo", tmp_path / "out")
    found = read(python, "yolo", tmp_path / "out")
    assert found["names"] == export.classes
    assert_same(found["found"], export, 2e-2)


def test_datumaro_reads_cvat(python: str, export: Export, tmp_path: Path) -> None:
    """CVAT for images: boxes to two decimals; the split is the folder of the image's name."""
    write_folder(export, "cvat", tmp_path / "out")
    found = read(python, "cvat", tmp_path / "out")
    assert found["names"] == export.classes
    assert_same(found["found"], export, 1e-2, splits=False)


@pytest.mark.parametrize("source", ["drawn", "photos"])
def test_datumaro_reads_voc(python: str, source: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Pascal VOC with the classes that its labelmap can hold: boxes to two decimals, splits by their lists."""
    (tmp_path / "data").mkdir()
    if source == "drawn":
        export = drawn(tmp_path / "data", MAPPED)
    else:
        export = photographed(tmp_path / "data", request.getfixturevalue("ground_truth"))
    write_folder(export, "voc", tmp_path / "out")
    assert_same(read(python, "voc", tmp_path / "out")["found"], export, 1e-2)


def test_label_studios_converter_reads_the_tasks(python: str, export: Export, tmp_path: Path) -> None:
    """It makes COCO, YOLO and VOC of them, finds the images, and the boxes are those that people drew."""
    write_folder(export, "label_studio", tmp_path / "out")
    found = read(python, "label_studio", tmp_path / "out")
    items = {one.sample_id: one for one in export.items}
    names = {one["id"]: one["name"] for one in found["coco"]["categories"]}
    assert sorted(names.values()) == export.classes
    coco: Boxes = {}
    stems = {}
    for image in found["coco"]["images"]:
        stems[image["id"]] = Path(image["file_name"]).stem
        coco[stems[image["id"]]] = []
        one = items[stems[image["id"]]]
        assert (image["width"], image["height"]) == (one.width, one.height)
    for one in found["coco"]["annotations"]:
        left, top, width, height = one["bbox"]
        coco[stems[one["image_id"]]].append([names[one["category_id"]], left, top, left + width, top + height])
    assert coco.keys() == items.keys()
    for name, boxes in coco.items():
        assert_boxes(boxes, items[name].labels, 1e-3)
    _assert_yolo(found["yolo"], sorted(names.values()), items)
    assert found["voc"].keys() == {name for name, one in items.items() if one.labels}
    for name, boxes in found["voc"].items():
        assert_boxes(boxes, items[name].labels, 1.5)  # it cuts off decimals, of a corner and of a size


def _assert_yolo(texts: dict[str, str], classes: Sequence[str], items: dict[str, Any]) -> None:
    for name, text in texts.items():
        boxes = []
        size = items[name].width, items[name].height
        for line in text.splitlines():
            number, *parts = line.split()
            x, y, width, height = (float(part) * size[place % 2] for place, part in enumerate(parts))
            boxes.append([classes[int(number)], x - width / 2, y - height / 2, x + width / 2, y + height / 2])
        assert_boxes(boxes, items[name].labels, 1e-3)


def test_what_label_studios_converter_writes_is_read_back(python: str, export: Export, tmp_path: Path) -> None:
    """Labels that come by way of Label Studio's own COCO are the version's; an image with a class that no person could
    have typed is left out whole, with the reason."""
    write_folder(export, "label_studio", tmp_path / "out")
    document = json.dumps(read(python, "label_studio", tmp_path / "out")["coco"]).encode()
    found = read_labels("coco", document, {one.sample_id: (one.width, one.height) for one in export.items})
    assert all("printable" in fault.message or ".category_id" in fault.field for fault in found.faults)
    assert found.unknown_n == 0
    fit = [one for one in export.items if all(label.label.isprintable() for label in one.labels)]
    assert found.labels.keys() == {one.sample_id for one in fit}
    for one in fit:
        told = [replace(label, label=label.label.strip()) for label in one.labels]
        assert_boxes([[a.label, *a.box] for a in found.labels[one.sample_id]], told, 1e-3)


def test_yolo_meets_the_rules_that_ultralytics_checks(export: Export, tmp_path: Path) -> None:
    """What its check_det_dataset and verify_image_label ask for, without installing PyTorch for it: keys, folders
    relative to the file, a label file for each image in the sister folder, five columns within 0..1, known classes."""
    write_folder(export, "yolo", tmp_path / "out")
    data = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text(encoding="utf-8"))
    assert "path" not in data  # then folders are taken from where the file is
    assert list(data["names"]) == list(range(len(export.classes)))
    assert list(data["names"].values()) == export.classes
    images = 0
    for split in ("train", "val", "test"):
        folder = tmp_path / "out" / data[split]
        assert folder.is_dir()
        for path in folder.iterdir():
            images += 1
            with Image.open(path) as image:
                image.verify()
            text = Path(str(path).replace("/images/", "/labels/")).with_suffix(".txt").read_text()
            rows = [line.split(" ") for line in text.splitlines()]
            assert all(len(row) == 5 and int(row[0]) in data["names"] for row in rows)
            assert all(0 <= float(part) <= 1 for row in rows for part in row[1:])
            assert len(set(map(tuple, rows))) == len(rows)
    assert images == len(export.items)


def test_fiftyone_meets_the_rules_of_its_importer(export: Export, tmp_path: Path) -> None:
    """What FiftyOneImageDetectionDatasetImporter does, without its database: an image of that stem under data/ for each
    entry of labels, the class by its place, boxes as parts of the sides from the upper left corner."""
    write_folder(export, "fiftyone", tmp_path / "out")
    found = {}
    for split in ("train", "val", "test"):
        document = json.loads((tmp_path / "out" / split / "labels.json").read_text(encoding="utf-8"))
        files = {path.stem: path for path in (tmp_path / "out" / split / "data").iterdir()}
        assert files.keys() == document["labels"].keys()
        for stem, objects in document["labels"].items():
            with Image.open(files[stem]) as image:
                width, height = image.size
            boxes = []
            for one in objects:
                x, y, w, h = one["bounding_box"]
                name = document["classes"][one["label"]]
                boxes.append([name, x * width, y * height, (x + w) * width, (y + h) * height])
            found[stem] = [split, boxes]
    assert_same(found, export, 1e-3)
