"""Ultralytics: the hosted API's ``images[].results[]``, ``Results.to_json()``'s bare list, and lists of such lists."""

from __future__ import annotations

from typing import Any

from sidecar.dialects.columns import RawImage
from sidecar.dialects.object_rows import ULTRALYTICS, image_of_rows
from sidecar.dialects.reply import Reply, bounded_images, positive_size
from sidecar.dialects.terms import Undecodable


def recognises(value: Any) -> bool:
    if isinstance(value, dict):
        images = value.get("images")
        return isinstance(images, list) and all(isinstance(image, dict) and "results" in image for image in images)
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, dict) and "box" in value and "confidence" in value


def decode(reply: Reply) -> list[RawImage]:
    """The images of a response; a bare list is one image, a list of lists one list for each. Raises Undecodable."""
    value = reply.value
    if isinstance(value, dict):
        images = value.get("images")
        if not isinstance(images, list):
            raise Undecodable("unknown_format", "no list of images")
        return [_image(image, reply, index) for index, image in enumerate(bounded_images(images))]
    if not isinstance(value, list):
        raise Undecodable("unknown_format", "neither an object with images nor a list")
    while len(value) == 1 and isinstance(value[0], list) and value[0] and isinstance(value[0][0], list):
        value = value[0]  # a batch of one batch
    lists = bounded_images(value) if value and isinstance(value[0], list) else [value]
    return [_rows(rows, reply, index, (0, 0)) for index, rows in enumerate(lists)]


def _image(image: Any, reply: Reply, index: int) -> RawImage:
    if not isinstance(image, dict) or "results" not in image:
        raise Undecodable("missing_output", "an image without results")
    shape = image.get("shape")
    size = positive_size(shape[1], shape[0]) if isinstance(shape, list) and len(shape) >= 2 else (0, 0)
    return _rows(image["results"], reply, index, size)


def _rows(rows: Any, reply: Reply, index: int, size: tuple[int, int]) -> RawImage:
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        box = rows[0].get("box")
        if isinstance(box, dict) and "x4" in box:
            return image_of_rows(rows, ULTRALYTICS, reply, index, size, _enclosing)
    return image_of_rows(rows, ULTRALYTICS, reply, index, size)


def _enclosing(box: dict[str, float]) -> tuple[float, float, float, float]:
    """The upright rectangle around an oriented box of four corners."""
    across = (box["x1"], box["x2"], box["x3"], box["x4"])
    down = (box["y1"], box["y2"], box["y3"], box["y4"])
    return min(across), min(down), max(across), max(down)
