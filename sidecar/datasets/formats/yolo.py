"""YOLO as Ultralytics reads it: ``data.yaml``, ``images/SPLIT/`` and ``labels/SPLIT/``.

As https://docs.ultralytics.com/datasets/detect/ says: a text file for each image, a line for each box with the number
of its class, then centre x, centre y, width and height as parts of the image's sides. ``path`` is left away: then the
folders are taken from where ``data.yaml`` is, whatever the working folder. Boxes are cut off at the image's edges,
since a file with a box beyond them is thrown away whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.datasets.export import Entry, Export, image_name, stem_of
from sidecar.datasets.split import SPLITS
from sidecar.recording.loop_rows import VersionItem
from sidecar.types import Box


def export_yolo(export: Export) -> Iterator[Entry]:
    """Every image of the version with its labels; an image without objects has an empty file."""
    yield "data.yaml", _data_yaml(export).encode()
    for split in SPLITS:
        yield f"images/{split}/", b""
        yield f"labels/{split}/", b""
    number = {name: place for place, name in enumerate(export.classes)}
    for _, item in export.images:
        yield f"labels/{item.split}/{stem_of(item.sample_id)}.txt", _lines(item, number)
        yield f"images/{item.split}/{image_name(item)}", export.file(item)


def _data_yaml(export: Export) -> str:
    """Both ``train`` and ``val`` must name folders with images, so an empty one borrows another, and says so."""
    import yaml  # a megabyte that a monitor rarely needs

    filled = {item.split for _, item in export.images}
    stand_ins = {"train": ("val", "test"), "val": ("test", "train"), "test": ()}
    lines = [f"# version {export.version.version_id}"]
    folders = {}
    for split in SPLITS:
        used = next((name for name in (split, *stand_ins[split]) if name in filled), split)
        if used != split:
            lines.append(f"# no image fell to {split}: the images of {used} stand in for it")
        folders[split] = f"images/{used}"
    document = {**folders, "names": dict(enumerate(export.classes))}
    legible = all(map(str.isprintable, export.classes))  # PyYAML loses line ends such as U+0085 that aren't escaped
    return "\n".join(lines) + "\n" + yaml.safe_dump(document, allow_unicode=legible, sort_keys=False)


def _lines(item: VersionItem, number: dict[str, int]) -> bytes:
    lines = []
    for one in item.labels:
        box = relative_box(one.box, item.width, item.height)
        if box is not None:
            lines.append(f"{number[one.label]} " + " ".join(f"{side:.6f}" for side in box) + "\n")
    return "".join(lines).encode()


def relative_box(box: Box, width: int, height: int) -> Box | None:
    """Centre x, centre y, width and height in 0..1 of what lies within the image, None where nothing does.

    >>> relative_box((-10.0, 0.0, 50.0, 50.0), 100, 50)
    (0.25, 0.5, 0.5, 1.0)
    """
    left, right = (min(max(side / width, 0.0), 1.0) for side in (box[0], box[2]))
    top, bottom = (min(max(side / height, 0.0), 1.0) for side in (box[1], box[3]))
    if right <= left or bottom <= top:
        return None
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
