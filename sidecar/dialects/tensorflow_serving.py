"""TensorFlow Serving's REST API and KServe V1: ``predictions`` by row, ``outputs`` by column.

TensorFlow's Object Detection API exports boxes as [ymin, xmin, ymax, xmax] in 0..1 and pads to a fixed number of slots;
``num_detections`` says how many are used. KServe V1's custom servers put all sorts into ``predictions``: columns under
other names (read as xyxy), lists of objects, or Vertex AI's columns (``bboxes`` as x-x-y-y).
"""

from __future__ import annotations

from typing import Any

from sidecar.dialects.columns import Array, RawImage, numbers, one_image
from sidecar.dialects.kserve_v2 import AXES_MAX, from_list
from sidecar.dialects.object_rows import format_of, image_of_rows
from sidecar.dialects.reply import Reply, bounded_images
from sidecar.dialects.roles import images_of, roles_of
from sidecar.dialects.terms import Undecodable

_NESTED = ("predictions", "detections", "objects", "results")


def recognises(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    outputs, predictions = value.get("outputs"), value.get("predictions")
    if isinstance(outputs, dict):
        return True
    return isinstance(predictions, list) and (not predictions or isinstance(predictions[0], dict | list))


def decode(reply: Reply) -> list[RawImage]:
    """The images of a prediction response. Raises Undecodable."""
    value = reply.value
    if not isinstance(value, dict):
        raise Undecodable("unknown_format", "neither predictions nor outputs")
    outputs = value.get("outputs")
    if isinstance(outputs, dict):
        return _columns(outputs, reply, 0)
    predictions = value.get("predictions")
    if isinstance(predictions, dict):  # a custom server with one image and no list around it
        return _columns(predictions, reply, 0)
    if not isinstance(predictions, list):
        raise Undecodable("unknown_format", "neither predictions nor outputs")
    if not predictions or _is_row(predictions[0]):
        return [image_of_any_rows(predictions, reply, 0)]
    images: list[RawImage] = []
    for index, item in enumerate(bounded_images(predictions)):
        images.append(_instance(item, reply, index))
    return images


def _is_row(item: Any) -> bool:
    return format_of(item) is not None


def image_of_any_rows(rows: Any, reply: Reply, index: int) -> RawImage:
    """One image's list of objects of whatever format its first one is of. Raises Undecodable."""
    row_format = format_of(rows[0]) if isinstance(rows, list) and rows else None
    if row_format is not None:
        return image_of_rows(rows, row_format, reply, index)
    if rows != []:
        raise Undecodable("unknown_format", "a list of objects in no known shape")
    return one_image(numbers((), 0).reshape(0, 4), numbers((), 0), [], reply.frame(index), reply.settings)


def _instance(item: Any, reply: Reply, index: int) -> RawImage:
    if isinstance(item, list):
        if item and isinstance(item[0], list):  # one output of rows: x1, y1, x2, y2, score, class
            return _single(images_of(reply, {"boxes": array_of(item)}, first=index))
        return image_of_any_rows(item, reply, index)
    if not isinstance(item, dict):
        raise Undecodable("unknown_format", f"a prediction is a {type(item).__name__}")
    if "bboxes" in item and "confidences" in item:
        return _vertex(item, reply, index)
    for name in _NESTED:
        rows = item.get(name)
        if isinstance(rows, list) and (not rows or isinstance(rows[0], dict)):
            return image_of_any_rows(rows, reply, index)
    return _single(_columns(item, reply, index))


def _single(images: list[RawImage]) -> RawImage:
    if len(images) != 1:
        raise Undecodable("shape", f"{len(images)} images in one prediction")
    return images[0]


def _columns(outputs: dict[str, Any], reply: Reply, first: int) -> list[RawImage]:
    roles = roles_of(outputs, reply.settings.outputs)
    if "boxes" not in roles and "error" in outputs:
        raise Undecodable("error_reply", str(outputs["error"])[:200])
    columns = {role: array_of(outputs[name]) for role, name in roles.items()}
    box_format = "yxyx" if roles.get("boxes", "").endswith("detection_boxes") else "xyxy"
    return images_of(reply, columns, box_format, first=first)


def array_of(value: Any) -> Array | list[str]:
    """A tensor of nested JSON lists: numbers as float64 in its shape, texts as a flat list. Raises Undecodable."""
    shape: list[int] = []
    first = value
    while isinstance(first, list):
        shape.append(len(first))
        if len(shape) > AXES_MAX:
            raise Undecodable("shape", f"nested in more than {AXES_MAX} lists")
        first = first[0] if first else None
    if isinstance(first, str):
        flat = value if isinstance(value, list) else [value]
        while flat and isinstance(flat[0], list):
            flat = [text for part in flat for text in part]
        if not all(isinstance(text, str) for text in flat):
            raise Undecodable("shape", "texts mixed with other values")
        return flat
    if not shape:
        return numbers((value,), 1)
    elements = 1
    for length in shape:
        elements *= length
    return from_list(value, elements).reshape(shape)


def _vertex(item: dict[str, Any], reply: Reply, index: int) -> RawImage:
    boxes, scores = array_of(item["bboxes"]), array_of(item["confidences"])
    names = item.get("displayNames") or item.get("ids") or []
    if isinstance(boxes, list) or isinstance(scores, list):
        raise Undecodable("shape", "boxes or scores are texts")
    if not isinstance(names, list):
        raise Undecodable("shape", "displayNames are no list")
    frame = reply.frame(index, "xxyy", True)
    return one_image(boxes.reshape(len(scores), 4), scores, names, frame, reply.settings)
