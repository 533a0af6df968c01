"""COCO: ``annotations/instances_SPLIT.json`` and ``images/SPLIT/``.

As https://cocodataset.org/#format-data says: boxes are x, y, width, height in pixels from the upper left corner, ids
count from 1. The ids of images, boxes and classes are those of the whole version, so that no two splits share one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from sidecar.datasets.export import Entry, Export, image_name
from sidecar.datasets.formats.text import json_list
from sidecar.datasets.split import SPLITS


def export_coco(export: Export) -> Iterator[Entry]:
    """Every image of the version, and for each split a document that lists it, be it empty."""
    for split in SPLITS:
        yield f"annotations/instances_{split}.json", _instances(export, split)
        yield f"images/{split}/", b""
    for _, item in export.images:
        yield f"images/{item.split}/{image_name(item)}", export.file(item)


def _instances(export: Export, split: str) -> Iterator[bytes]:
    made = datetime.fromtimestamp(export.version.created_at, UTC)
    info = {
        "description": f"{export.version.dataset_id} {export.version.name}".strip(),
        "version": export.version.version_id,
        "year": made.year,
        "date_created": made.isoformat(),
        "split": split,
    }
    categories = [{"id": place, "name": name, "supercategory": ""} for place, name in enumerate(export.classes, 1)]
    yield b'{"info":' + orjson.dumps(info) + b',"licenses":[],"categories":' + orjson.dumps(categories)
    yield b',\n"images":'
    yield from json_list(_images(export, split))
    yield b',\n"annotations":'
    yield from json_list(_annotations(export, split))
    yield b"}\n"


def _images(export: Export, split: str) -> Iterator[dict[str, Any]]:
    for image_id, item in export.images:
        if item.split == split:
            yield {
                "id": image_id,
                "file_name": image_name(item),
                "width": item.width,
                "height": item.height,
                "sample_id": item.sample_id,
                "sha256": item.checksum,
            }


def _annotations(export: Export, split: str) -> Iterator[dict[str, Any]]:
    category = {name: place for place, name in enumerate(export.classes, 1)}
    firsts = {}
    annotation_id = 1
    for item in export.items:
        firsts[item.sample_id] = annotation_id
        annotation_id += len(item.labels)
    for image_id, item in export.images:
        if item.split != split:
            continue
        for annotation_id, one in enumerate(item.labels, firsts[item.sample_id]):
            left, top, right, bottom = map(float, one.box)
            yield {
                "id": annotation_id,
                "image_id": image_id,
                "category_id": category[one.label],
                "bbox": [left, top, right - left, bottom - top],
                "area": (right - left) * (bottom - top),
                "iscrowd": 0,
                "segmentation": [],
            }
