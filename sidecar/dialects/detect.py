"""``auto``: which dialect a response is in. The route's word first, then the shape of the body."""

from __future__ import annotations

from typing import Any

from sidecar.dialects import kserve_v2, roboflow, tensorflow_serving, torchserve, ultralytics
from sidecar.dialects.columns import RawImage
from sidecar.dialects.object_rows import DEEPSTACK, REKOGNITION, format_of, image_of_rows
from sidecar.dialects.reply import Reply, bounded_images
from sidecar.dialects.roles import images_of, roles_of
from sidecar.dialects.tensorflow_serving import array_of, image_of_any_rows
from sidecar.dialects.terms import Undecodable

# Where a route's dialect finds another format than its own, the body is asked.
ANOTHER_FORMAT = frozenset(("unknown_format", "missing_output", "shape"))
_ROWS = ("predictions", "detections", "objects", "results", "boxes", "data")


def decode(reply: Reply) -> list[RawImage]:
    """The images of a body in whichever known shape it has. Raises Undecodable.

    The order matters: each test is stricter than those after it.
    """
    value = reply.value
    if isinstance(value, dict):
        raise_reported_error(value)
    if kserve_v2.recognises(value):
        return kserve_v2.decode(reply)
    if roboflow.recognises(value):
        return roboflow.decode(reply)
    if ultralytics.recognises(value):
        return ultralytics.decode(reply)
    if isinstance(value, dict):
        return _object(value, reply)
    if torchserve.recognises(value):
        return torchserve.decode(reply)
    if isinstance(value, list):
        return _lists(value, reply)
    raise Undecodable("unknown_format", f"a bare {type(value).__name__}")


def raise_reported_error(value: dict[str, Any]) -> None:
    """Raises Undecodable("error_reply") where the body says that it is an error, whatever its status."""
    error = value.get("error")
    if error or value.get("success") is False or value.get("status") == "error":
        text = error or value.get("message") or value.get("detail") or "success is false"
        raise Undecodable("error_reply", str(text)[:200])


def _object(value: dict[str, Any], reply: Reply) -> list[RawImage]:
    labels = value.get("CustomLabels")
    if isinstance(labels, list) or isinstance(value.get("Labels"), list):
        return [_rekognition(value, reply)]
    if "success" in value and isinstance(value.get("predictions"), list):
        return [image_of_rows(value["predictions"], DEEPSTACK, reply, 0)]
    prediction = value.get("prediction")
    if isinstance(prediction, list):
        return [_mxnet(prediction, reply)]
    if tensorflow_serving.recognises(value):
        return tensorflow_serving.decode(reply)
    roles = roles_of(value, {})
    if "boxes" in roles and "scores" in roles:  # columns at the top, as a LitServe author writes them
        roles = roles_of(value, reply.settings.outputs)
        return images_of(reply, {role: array_of(value[name]) for role, name in roles.items()})
    for name in _ROWS:
        rows = value.get(name)
        if isinstance(rows, list) and (not rows or isinstance(rows[0], dict)):
            return [image_of_any_rows(rows, reply, 0)]
        if isinstance(rows, list) and all(isinstance(row, list) for row in rows):
            return [image_of_any_rows(own, reply, index) for index, own in enumerate(bounded_images(rows))]
    raise Undecodable("unknown_format", f"an object of {', '.join(list(value)[:8])}"[:200])


def _lists(value: list[Any], reply: Reply) -> list[RawImage]:
    if not value or format_of(value[0]) is not None:
        return [image_of_any_rows(value, reply, 0)]
    if all(isinstance(item, list) and (not item or isinstance(item[0], dict)) for item in value):
        return [image_of_any_rows(rows, reply, index) for index, rows in enumerate(bounded_images(value))]
    if all(isinstance(item, dict) and recognisable(item) for item in value):
        images = []
        for index, item in enumerate(bounded_images(value)):
            roles = roles_of(item, reply.settings.outputs)
            images += images_of(reply, {role: array_of(item[name]) for role, name in roles.items()}, first=index)
        return images
    raise Undecodable("unknown_format", "a list in no known shape")


def recognisable(item: dict[str, Any]) -> bool:
    """Columns of boxes and scores, such as torchvision's {boxes, labels, scores}."""
    roles = roles_of(item, {})
    return "boxes" in roles and "scores" in roles


def _mxnet(rows: list[Any], reply: Reply) -> RawImage:
    """SageMaker's MXNet detector: rows of class, score, xmin, ymin, xmax, ymax in 0..1; class -1 is padding."""
    table = array_of(rows if rows else [[]])
    if isinstance(table, list) or (table.size and (table.ndim != 2 or table.shape[1] != 6)):
        raise Undecodable("shape", "a prediction is not rows of six numbers")
    table = table.reshape(-1, 6)
    columns = {"boxes": table[:, 2:], "scores": table[:, 1], "classes": table[:, 0]}
    return images_of(reply, columns, "xyxy", True)[0]


def _rekognition(value: dict[str, Any], reply: Reply) -> RawImage:
    """Custom labels lie with their geometry; labels have instances, and those that have none are no detections."""
    rows = []
    for label in value.get("CustomLabels") or []:
        geometry = label.get("Geometry")
        if isinstance(geometry, dict) and "BoundingBox" in geometry:
            rows.append({**label, "BoundingBox": geometry["BoundingBox"]})
    for label in value.get("Labels") or []:
        for instance in label.get("Instances") or []:
            rows.append({"Name": label.get("Name"), **instance})
    return image_of_rows(rows, REKOGNITION, reply, 0)
