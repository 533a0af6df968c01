"""Which output is which: the names that models give to boxes, scores, classes and counts, and how their shapes fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sidecar.dialects.columns import Array, RawImage, one_image
from sidecar.dialects.reply import IMAGES_MAX, Reply
from sidecar.dialects.terms import Undecodable

# In order of preference: where a model has several outputs of a role, the first name in the list is taken.
NAMES: Mapping[str, tuple[str, ...]] = {
    "boxes": (
        "det_boxes", "detection_boxes", "boxes", "bboxes", "box", "bbox", "nmsed_boxes", "pred_boxes", "output_boxes",
        "bounding_boxes", "dets", "detections", "predictions", "output", "output0", "outputs", "results", "xyxy",
    ),
    "scores": (
        "det_scores", "detection_scores", "scores", "score", "confidences", "confidence", "conf", "confs",
        "nmsed_scores", "pred_scores", "output_scores", "probabilities", "probs",
    ),
    "classes": (
        "det_labels", "detection_labels", "detection_class_names", "class_names", "labels", "label", "det_classes",
        "detection_classes", "classes", "class", "nmsed_classes", "pred_classes", "output_classes", "class_ids",
        "class_id", "category_ids", "categories", "cls",
    ),
    "count": (
        "num_det", "num_dets", "num_detections", "nmsed_num", "num_boxes", "valid_detections", "detection_count",
        "count", "num",
    ),
}  # fmt: skip

_ROLE_OF = {name: (role, rank) for role, names in NAMES.items() for rank, name in enumerate(names)}


def roles_of(names: Iterable[str], configured: Mapping[str, str]) -> dict[str, str]:
    """Role -> output name. What ``configured`` (``DialectSettings.outputs``) names must be there.

    >>> roles_of(["nms/num_dets", "nms/scores", "nms/boxes"], {})
    {'count': 'nms/num_dets', 'scores': 'nms/scores', 'boxes': 'nms/boxes'}
    """
    found: dict[str, str] = {}
    ranks: dict[str, int] = {}
    names = list(names)
    for name in names:
        role, rank = _role(name)
        if role and rank < ranks.get(role, 1 << 30):
            found[role], ranks[role] = name, rank
    for role, name in configured.items():
        if name not in names:
            raise Undecodable("missing_output", f"outputs.{role}: no {name!r} among {', '.join(names)}"[:300])
        found[role] = name
    return found


def _role(name: str) -> tuple[str, int]:
    known = _ROLE_OF.get(name)
    if known is None:  # "graph/detection_boxes:0", "Boxes"
        known = _ROLE_OF.get(name.lower().rpartition("/")[2].partition(":")[0], ("", 0))
    return known


def images_of(
    reply: Reply,
    columns: Mapping[str, Array | list[str]],
    box_format: str = "xyxy",
    normalised: bool | None = None,
    first: int = 0,
) -> list[RawImage]:
    """The images that role -> column describe. Raises Undecodable where columns miss or don't fit.

    Shapes of boxes: [N, 4], [B, N, 4] or those with axes of length 1 between; with 5 columns the fifth is the score,
    with 6 the sixth the class, with 7 the first is the image (YOLOv7's end-to-end export; class before score).
    Scores: as many as boxes in any shape, or [.., N, C] of every class where no classes are given. Classes: as many
    as boxes, numbers or names; none at all is class 0. Count: one a image, cuts off the padded slots. ``first`` is
    the index in the request of the first of these images.
    """
    if "boxes" not in columns:
        raise Undecodable("missing_output", "no output is known as boxes: set outputs.boxes")
    boxes = columns["boxes"]
    if not isinstance(boxes, np.ndarray):
        raise Undecodable("shape", "boxes are texts")
    scores, classes = columns.get("scores"), columns.get("classes")
    if boxes.size == 0 and boxes.ndim == 1:  # an empty JSON list has lost its last axis
        boxes = boxes.reshape(0, 4 if scores is not None else 6)
    if isinstance(scores, list):
        raise Undecodable("shape", "scores are texts")
    boxes = _batched(boxes)
    batch, slots, width = boxes.shape
    if width == 7 and scores is None and batch == 1:
        return _by_image(reply, boxes[0], box_format, normalised, first)
    if batch > IMAGES_MAX:
        raise Undecodable("too_large", f"{batch} images in one response, at most {IMAGES_MAX}")
    if width > 4:
        if width not in (5, 6):
            raise Undecodable("shape", f"boxes of {width} numbers each are no boxes after non-maximum suppression")
        scores = boxes[..., 4] if scores is None else scores
        classes = boxes[..., 5] if classes is None and width == 6 else classes
        boxes = boxes[..., :4]
    if scores is None:
        raise Undecodable("missing_output", "no output is known as scores: set outputs.scores")
    scores, per_image = _scores_and_classes(scores, classes, batch, slots, len(reply.settings.class_names))
    counts = _counts(columns.get("count"), batch, slots)
    result = []
    for image in range(batch):
        frame = reply.frame(first + image, box_format, normalised)
        own_boxes, own_scores = boxes[image], scores[image]
        own_classes: Any = per_image[image]
        if counts is not None:
            used = counts[image]
            own_boxes, own_scores, own_classes = own_boxes[:used], own_scores[:used], own_classes[:used]
        elif isinstance(own_classes, np.ndarray) and np.count_nonzero(own_classes < 0):
            # Without a count, slots of class -1 are padding: MXNet's and ONNX Runtime's way of saying so.
            used_slots = own_classes >= 0
            own_boxes, own_scores, own_classes = own_boxes[used_slots], own_scores[used_slots], own_classes[used_slots]
        result.append(one_image(own_boxes, own_scores, own_classes, frame, reply.settings))
    return result


def _batched(boxes: Array) -> Array:
    """Boxes as [B, N, columns]."""
    if boxes.ndim == 2:
        return boxes[None]
    if boxes.ndim == 1 and boxes.size in (4, 6):
        return boxes.reshape(1, 1, boxes.size)
    if boxes.ndim > 3 and 1 in boxes.shape[1:-1]:  # [B, N, 1, 4] of TensorRT's older plugin
        middle = [length for length in boxes.shape[1:-1] if length != 1]
        if len(middle) <= 1:
            return boxes.reshape(boxes.shape[0], middle[0] if middle else 1, boxes.shape[-1])
    if boxes.ndim != 3:
        raise Undecodable("shape", f"boxes of shape {list(boxes.shape)}, expected [B, N, 4] or [N, 4]")
    return boxes


def _scores_and_classes(
    scores: Array, classes: Array | list[str] | None, batch: int, slots: int, known_classes: int
) -> tuple[Array, Array | list[list[str]]]:
    total = batch * slots
    if scores.size != total:
        per_class = scores.size // total if total else 0
        if classes is not None or per_class < 2 or scores.shape[-1] != per_class or per_class * total != scores.size:
            raise Undecodable("shape", f"scores of shape {list(scores.shape)} for {batch} x {slots} boxes")
        scores = scores.reshape(batch, slots, per_class)
        return scores.max(axis=2), scores.argmax(axis=2)
    scores = scores.reshape(batch, slots)
    if classes is None:
        if known_classes > 1:
            raise Undecodable("missing_output", "no output is known as classes: set outputs.classes")
        return scores, np.zeros((batch, slots), np.int32)
    length = classes.size if isinstance(classes, np.ndarray) else len(classes)
    if length != total:
        raise Undecodable("shape", f"{length} classes for {batch} x {slots} boxes")
    if isinstance(classes, np.ndarray):
        return scores, classes.reshape(batch, slots)
    return scores, [classes[start : start + slots] for start in range(0, total, slots)] if slots else [[]] * batch


def _counts(count: Array | list[str] | None, batch: int, slots: int) -> list[int] | None:
    if count is None:
        return None
    if isinstance(count, list) or count.size != batch:
        raise Undecodable("shape", f"counts do not fit {batch} images")
    values: Sequence[float] = count.reshape(-1).tolist()
    for value in values:
        if not 0 <= value <= slots or value != int(value):
            raise Undecodable("values", f"a count of {value} detections among {slots} slots")
    return [int(value) for value in values]


def _by_image(reply: Reply, rows: Array, box_format: str, normalised: bool | None, first: int) -> list[RawImage]:
    """Rows of image, x1, y1, x2, y2, class, score. An image without a row is only seen before one with rows."""
    images = rows[:, 0]
    last = images.max() if len(rows) else 0
    if not (0 <= last < IMAGES_MAX and images.size == np.count_nonzero((images >= 0) & (images == np.floor(images)))):
        raise Undecodable("values", "rows of seven numbers do not begin with the index of an image")
    result = []
    for image in range(int(last) + 1):
        own = rows[images == image]
        frame = reply.frame(first + image, box_format, normalised)
        result.append(one_image(own[:, 1:5], own[:, 6], own[:, 5], frame, reply.settings))
    return result
