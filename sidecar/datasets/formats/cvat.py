"""CVAT for images 1.1: ``annotations.xml`` and ``images/``.

As https://docs.cvat.ai/docs/other/xml_format says. The split of an image is the folder of its name: a task has no other
place for it. Coordinates have two decimals, as CVAT writes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sidecar.datasets.export import Entry, Export, image_name
from sidecar.datasets.formats.text import xml_attribute, xml_names, xml_text


def export_cvat(export: Export) -> Iterator[Entry]:
    """One task with every image of the version."""
    yield "annotations.xml", _document(export)
    for _, item in export.images:
        yield f"images/{item.split}/{image_name(item)}", export.file(item)


def _document(export: Export) -> Iterator[bytes]:
    names = xml_names(export.classes)
    yield _head(export, names).encode()
    for frame, (_, item) in enumerate(export.images):
        name = xml_attribute(f"{item.split}/{image_name(item)}")
        lines = [f'  <image id="{frame}" name={name} width="{item.width}" height="{item.height}">']
        for one in item.labels:
            left, top, right, bottom = one.box
            lines.append(
                f'    <box label={xml_attribute(names[one.label])} source="manual" occluded="0" xtl="{left:.2f}"'
                f' ytl="{top:.2f}" xbr="{right:.2f}" ybr="{bottom:.2f}" z_order="0"></box>'
            )
        yield "\n".join([*lines, "  </image>\n"]).encode()
    yield b"</annotations>\n"


def _head(export: Export, names: Mapping[str, str]) -> str:
    labels = "".join(
        f"        <label><name>{xml_text(name)}</name><type>rectangle</type><attributes></attributes></label>\n"
        for name in names.values()
    )
    size = sum(1 for _ in export.images)
    title = f"{export.version.dataset_id} {export.version.name} {export.version.version_id}"
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <task>\n'
        f"      <name>{xml_text(title)}</name>\n      <size>{size}</size>\n      <mode>annotation</mode>\n"
        "      <overlap>0</overlap>\n      <flipped>False</flipped>\n"
        f"      <labels>\n{labels}      </labels>\n    </task>\n  </meta>\n"
    )
