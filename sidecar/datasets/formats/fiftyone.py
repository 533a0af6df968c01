"""FiftyOne's FiftyOneImageDetectionDataset: a folder a split, each with ``labels.json`` and ``data/``.

As https://docs.voxel51.com/user_guide/import_datasets.html says: boxes are x, y, width and height as parts of the
image's sides, and a label is its place in ``classes``. Load a split by ``fiftyone.Dataset.from_dir(".../train",
dataset_type=fiftyone.types.FiftyOneImageDetectionDataset)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from sidecar.datasets.export import Entry, Export, image_name, stem_of
from sidecar.datasets.split import SPLITS
from sidecar.recording.loop_rows import VersionItem


def export_fiftyone(export: Export) -> Iterator[Entry]:
    """Every image of the version, and for each split a document that lists it, be it empty."""
    for split in SPLITS:
        yield f"{split}/labels.json", _labels(export, split)
        yield f"{split}/data/", b""
    for _, item in export.images:
        yield f"{item.split}/data/{image_name(item)}", export.file(item)


def _labels(export: Export, split: str) -> Iterator[bytes]:
    number = {name: place for place, name in enumerate(export.classes)}
    yield b'{"classes":' + orjson.dumps(export.classes) + b',\n"labels":{'
    first = True
    for _, item in export.images:
        if item.split == split:
            yield b"\n" if first else b",\n"
            yield orjson.dumps(stem_of(item.sample_id)) + b":" + orjson.dumps(_detections(item, number))
            first = False
    yield b"\n}}\n"


def _detections(item: VersionItem, number: dict[str, int]) -> list[dict[str, Any]]:
    found = []
    for one in item.labels:
        left, top, right, bottom = one.box
        box = [left / item.width, top / item.height, (right - left) / item.width, (bottom - top) / item.height]
        found.append({"label": number[one.label], "bounding_box": box})
    return found
