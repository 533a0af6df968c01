"""Pascal VOC: ``Annotations/``, ``JPEGImages/``, ``ImageSets/Main/SPLIT.txt`` and ``labelmap.txt``.

The layout of the VOC2012 development kit. Coordinates are pixels counted from 0 with up to two decimals, as CVAT and
Datumaro write them. ``labelmap.txt`` is what these two learn the classes from; a class is not in it whose name that
file's syntax can't hold (``:``, ``#``, a line end), or which they could not look for as a file's name (a slash). There
are no lists of images per class: their file names would be text from outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sidecar.datasets.export import Entry, Export, image_name, stem_of
from sidecar.datasets.formats.text import number, xml_names, xml_text
from sidecar.datasets.split import SPLITS
from sidecar.recording.loop_rows import VersionItem

_NOT_MAPPED = set(":#\n\r/\\")
DEPTH = 3
"""The channels that the annotations tell of: VOC has colour images only."""


def export_voc(export: Export) -> Iterator[Entry]:
    """Every image of the version with its annotation, named by the lists of their splits."""
    names = xml_names(export.classes)
    yield "labelmap.txt", _label_map(names).encode()
    for split in SPLITS:
        stems = (f"{stem_of(item.sample_id)}\n" for _, item in export.images if item.split == split)
        yield f"ImageSets/Main/{split}.txt", "".join(stems).encode()
    for _, item in export.images:
        yield f"Annotations/{stem_of(item.sample_id)}.xml", _annotation(export, item, names).encode()
        yield f"JPEGImages/{image_name(item)}", export.file(item)


def _label_map(names: Mapping[str, str]) -> str:
    lines = ["# label:color_rgb:parts:actions"]
    lines += [f"{name}:::" for name in names.values() if name and name.strip() == name and not set(name) & _NOT_MAPPED]
    return "\n".join(lines) + "\n"


def _annotation(export: Export, item: VersionItem, names: Mapping[str, str]) -> str:
    lines = [
        "<annotation>",
        "  <folder>JPEGImages</folder>",
        f"  <filename>{xml_text(image_name(item))}</filename>",
        f"  <source><database>{xml_text(export.version.dataset_id)} {export.version.version_id}</database></source>",
        f"  <size><width>{item.width}</width><height>{item.height}</height><depth>{DEPTH}</depth></size>",
        "  <segmented>0</segmented>",
    ]
    for one in item.labels:
        left, top, right, bottom = map(number, one.box)
        lines += [
            "  <object>",
            f"    <name>{xml_text(names[one.label])}</name>",
            "    <pose>Unspecified</pose>",
            "    <truncated>0</truncated>",
            "    <difficult>0</difficult>",
            f"    <bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox>",
            "  </object>",
        ]
    return "\n".join(['<?xml version="1.0" encoding="utf-8"?>', *lines, "</annotation>", ""])
