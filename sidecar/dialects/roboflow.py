"""Roboflow's inference server and hosted API: ``predictions`` with centres in pixels, ``image`` with its size."""

from __future__ import annotations

from typing import Any

from sidecar.dialects.columns import RawImage
from sidecar.dialects.object_rows import ROBOFLOW, image_of_rows
from sidecar.dialects.reply import Reply, bounded_images, positive_size
from sidecar.dialects.terms import Undecodable


def recognises(value: Any) -> bool:
    """An object, or a list of them for several images, with ``predictions`` and ``image``."""
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict) or not isinstance(first.get("predictions"), list):
        return False
    rows = first["predictions"]
    if rows:
        return isinstance(rows[0], dict) and "x" in rows[0] and "width" in rows[0]
    return "image" in first


def decode(reply: Reply) -> list[RawImage]:
    """The images of a response of object detection, one or a list of them. Raises Undecodable."""
    value = reply.value
    if isinstance(value, dict):
        sizes = value.get("image")
        if isinstance(sizes, list):  # an older server: one list of predictions for each image, or one for all
            return _with_sizes(value, sizes, reply)
        return [_image(value, reply, 0)]
    if not isinstance(value, list) or not value:
        raise Undecodable("unknown_format", "neither an object with predictions nor a list of them")
    return [_image(item, reply, index) for index, item in enumerate(bounded_images(value))]


def _image(value: Any, reply: Reply, index: int) -> RawImage:
    if not isinstance(value, dict) or "predictions" not in value:
        raise Undecodable("missing_output", "no predictions")
    size = value.get("image")
    width, height = (size.get("width"), size.get("height")) if isinstance(size, dict) else (0, 0)
    return image_of_rows(value["predictions"], ROBOFLOW, reply, index, positive_size(width, height))


def _with_sizes(value: dict[str, Any], sizes: list[Any], reply: Reply) -> list[RawImage]:
    rows = value.get("predictions")
    if not isinstance(rows, list):
        raise Undecodable("missing_output", "no predictions")
    lists = rows if len(sizes) > 1 or (rows and isinstance(rows[0], list)) else [rows]
    if len(lists) != len(bounded_images(sizes)):
        raise Undecodable("shape", f"{len(lists)} lists of predictions for {len(sizes)} images")
    return [
        _image({"predictions": own, "image": size}, reply, index)
        for index, (own, size) in enumerate(zip(lists, sizes, strict=True))
    ]
