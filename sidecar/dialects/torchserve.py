"""TorchServe's object_detector handler, and the lists of objects that custom handlers give.

The handler's rows are ``{"<class>": [x1, y1, x2, y2], "score": s}``. An older one gave ``{"<class>": "[(x1, y1),
(x2, y2)]"}``, a text, and no score: it had dropped what was under its own threshold. Such detections count
with score 1, which is all that their server says of them.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import Any

import numpy as np

from sidecar.dialects.columns import RawImage, numbers, one_image
from sidecar.dialects.object_rows import format_of
from sidecar.dialects.reply import Reply, bounded_images
from sidecar.dialects.tensorflow_serving import image_of_any_rows
from sidecar.dialects.terms import Undecodable

REPORTED_SCORE = 1.0
_TEXT_CHARACTERS_MAX = 400
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def recognises(value: Any) -> bool:
    while isinstance(value, list) and value:
        value = value[0]
    return _is_keyed(value)


def decode(reply: Reply) -> list[RawImage]:
    """The images of a response: a list of rows is one image, a list of such lists several. Raises Undecodable."""
    value = reply.value
    if isinstance(value, dict):
        if "code" in value and "message" in value:
            raise Undecodable("error_reply", str(value["message"])[:200])
        raise Undecodable("unknown_format", "an object, not a list of detections")
    if not isinstance(value, list):
        raise Undecodable("unknown_format", f"a {type(value).__name__}, not a list of detections")
    lists = bounded_images(value) if any(isinstance(item, list) for item in value) else [value]
    return [_image(rows, reply, index) for index, rows in enumerate(lists)]


def _is_keyed(row: Any) -> bool:
    """A row whose class is a field's name."""
    if not isinstance(row, dict) or format_of(row) is not None:
        return False
    names = [name for name in row if name != "score"]
    if len(names) != 1:
        return False
    box = row[names[0]]
    return (isinstance(box, list) and len(box) == 4) or ("score" not in row and isinstance(box, str) and "(" in box)


def _image(rows: Any, reply: Reply, index: int) -> RawImage:
    if not isinstance(rows, list):
        raise Undecodable("shape", "lists of detections mixed with other values")
    if not rows or not _is_keyed(rows[0]):
        return image_of_any_rows(rows, reply, index)
    count = len(rows)
    pairs = [_class_and_box(row) for row in rows]
    boxes = numbers(chain.from_iterable(box for _, box in pairs), 4 * count).reshape(count, 4)
    told = "score" in rows[0]
    scores = numbers((row["score"] for row in rows), count) if told else np.full(count, REPORTED_SCORE)
    return one_image(boxes, scores, [name for name, _ in pairs], reply.frame(index), reply.settings)


def _class_and_box(row: Any) -> tuple[str, list[float]]:
    if isinstance(row, dict):
        for name, box in row.items():
            if isinstance(box, list) and len(box) == 4:
                return name, box
            if isinstance(box, str) and len(box) <= _TEXT_CHARACTERS_MAX:
                found = _NUMBER.findall(box)
                if len(found) == 4:
                    return name, [float(number) for number in found]
    raise Undecodable("shape", "a detection without a box")
