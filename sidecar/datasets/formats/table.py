"""The table of formats: what each is called, what it is, and who writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidecar.datasets.export import Exporter
from sidecar.datasets.formats.coco import export_coco
from sidecar.datasets.formats.cvat import export_cvat
from sidecar.datasets.formats.fiftyone import export_fiftyone
from sidecar.datasets.formats.label_studio import export_label_studio
from sidecar.datasets.formats.voc import export_voc
from sidecar.datasets.formats.yolo import export_yolo


@dataclass(frozen=True, slots=True)
class Format:
    """A format. ``needs_size``: an image of unknown size can't be written in it."""

    name: str
    title: str
    description: str
    exporter: Exporter
    needs_size: bool


class UnknownFormat(ValueError):
    """There is no format of that name. The message names those there are."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        found.name: found
        for found in (
            Format("coco", "COCO", "annotations/instances_SPLIT.json and images/SPLIT", export_coco, False),
            Format("yolo", "YOLO", "data.yaml, images/SPLIT and labels/SPLIT, for Ultralytics", export_yolo, True),
            Format("voc", "Pascal VOC", "Annotations, ImageSets/Main and JPEGImages", export_voc, False),
            Format(
                "label_studio",
                "Label Studio",
                "tasks.json with pre-labels, config.xml and images",
                export_label_studio,
                True,
            ),
            Format("fiftyone", "FiftyOne", "a FiftyOneImageDetectionDataset for each split", export_fiftyone, True),
            Format("cvat", "CVAT", "CVAT for images 1.1: annotations.xml and images", export_cvat, True),
        )
    }
)


def format_of(name: str) -> Format:
    """The format of that name. Raises UnknownFormat.

    >>> format_of("coco").title
    'COCO'
    """
    found = FORMATS.get(name)
    if found is None:
        raise UnknownFormat(f"format: must be one of {', '.join(FORMATS)}, not {name!r}")
    return found
