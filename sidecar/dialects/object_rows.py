"""Lists of one object a detection, as many servers write them; a literal table of their fields.

Rows become columns field by field: ``itemgetter`` and ``chain`` keep the work per detection out of Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, cast

from sidecar.dialects.columns import Array, RawImage, numbers, one_image
from sidecar.dialects.reply import Reply
from sidecar.dialects.terms import Undecodable

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RowFormat:
    """``box`` gives a row's four numbers; ``container`` is the field they lie in, empty for the row itself.

    ``names`` and ``indices`` are the fields with a class's name or index, in order of preference.
    ``scale`` divides scores (100 where they are percent).
    """

    name: str
    box: Callable[[Any], Sequence[float]]
    container: str
    score: str
    names: tuple[str, ...]
    indices: tuple[str, ...] = ()
    box_format: str = "xyxy"
    normalised: bool | None = None
    scale: float = 1.0


def _whole(value: Any) -> Sequence[float]:
    if len(value) != 4:
        raise ValueError(f"a box of {len(value)} numbers")
    return cast(Sequence[float], value)


ROBOFLOW = RowFormat(
    "roboflow", itemgetter("x", "y", "width", "height"), "", "confidence", ("class",), ("class_id",), "cxcywh", False
)
ULTRALYTICS = RowFormat("ultralytics", itemgetter("x1", "y1", "x2", "y2"), "box", "confidence", ("name",), ("class",))
HUGGING_FACE = RowFormat(
    "hugging_face", itemgetter("xmin", "ymin", "xmax", "ymax"), "box", "score", ("label",), ("label_id",)
)
DEEPSTACK = RowFormat("deepstack", itemgetter("x_min", "y_min", "x_max", "y_max"), "", "confidence", ("label",))
AZURE = RowFormat(
    "azure_custom_vision", itemgetter("left", "top", "width", "height"), "boundingBox", "probability", ("tagName",),
    (), "xywh", True,
)  # fmt: skip
REKOGNITION = RowFormat(
    "rekognition", itemgetter("Left", "Top", "Width", "Height"), "BoundingBox", "Confidence", ("Name",),
    (), "xywh", True, 100.0,
)  # fmt: skip
# Hand-written servers: the four corners as fields or as a list.
PLAIN = tuple(
    RowFormat(f"{field or 'corner'}_{score}", box, field, score,
              ("class_name", "label", "name", "class"), ("class_id", "category_id", "label_id", "label", "class"))
    for field, box in (
        ("", itemgetter("x1", "y1", "x2", "y2")),
        ("", itemgetter("xmin", "ymin", "xmax", "ymax")),
        ("bbox", _whole), ("box", _whole), ("xyxy", _whole),
        ("bbox", itemgetter("x1", "y1", "x2", "y2")),
        ("bbox", itemgetter("xmin", "ymin", "xmax", "ymax")),
    )
    for score in ("score", "confidence", "conf")
)  # fmt: skip

FORMATS: tuple[RowFormat, ...] = (ROBOFLOW, ULTRALYTICS, HUGGING_FACE, DEEPSTACK, AZURE, *PLAIN)


def format_of(row: Any) -> RowFormat | None:
    """The format that a row is of, by its fields; None where it is none."""
    if not isinstance(row, dict):
        return None
    for row_format in FORMATS:
        if row_format.score in row and (not row_format.container or row_format.container in row):
            try:
                row_format.box(row[row_format.container] if row_format.container else row)
            except (KeyError, TypeError, ValueError, IndexError):
                continue
            return row_format
    return None


def image_of_rows(
    rows: Any,
    row_format: RowFormat,
    reply: Reply,
    index: int,
    size: tuple[int, int] = (0, 0),
    box: Callable[[Any], Sequence[float]] | None = None,
) -> RawImage:
    """One image's rows as columns. ``box`` replaces the format's way to read a box. Raises Undecodable."""
    if not isinstance(rows, list):
        raise Undecodable("shape", f"detections are a {type(rows).__name__}, not a list")
    count = len(rows)
    places: Iterable[Any] = map(itemgetter(row_format.container), rows) if row_format.container else rows
    boxes = numbers(chain.from_iterable(map(box or row_format.box, places)), 4 * count).reshape(count, 4)
    scores = numbers(map(itemgetter(row_format.score), rows), count)
    if row_format.scale != 1.0:
        scores /= row_format.scale
    frame = reply.frame(index, row_format.box_format, row_format.normalised, size)
    return one_image(boxes, scores, _classes(rows, row_format), frame, reply.settings)


def _classes(rows: list[Row], row_format: RowFormat) -> Array | list[str]:
    """Names where every row has one, else indices."""
    if not rows:
        return []
    for field in row_format.names:
        if isinstance(rows[0].get(field), str):
            names: list[Any] = [row.get(field) for row in rows]
            if set(map(type, names)) == {str}:
                return names
    for field in row_format.indices:
        if isinstance(rows[0].get(field), int | float):
            return numbers(map(itemgetter(field), rows), len(rows))
    raise Undecodable("missing_output", "detections have neither a class name nor a class index")
