"""From raw columns (boxes, scores, classes of one image) to ``Detections``: checked, converted, sorted, named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.dialects.terms import DecodedImage, DialectSettings, Undecodable
from sidecar.types import Detections

COORDINATE_MAX = 1e7
"""A coordinate beyond this is no coordinate."""
UNIT_MAX = 2.0
"""Boxes whose coordinates all stay under this are 0..1 (they may stick out of the image), others are pixels."""
SCORE_SLACK = 1e-3
"""Half-precision softmax passes 1 by a little."""
_SMALL = 512
# Corners are sums of positions and sizes: one product by a matrix does them all.
_FROM_LEFT_TOP = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]], np.float64)
_FROM_CENTRE = np.array([[1, 0, 1, 0], [0, 1, 0, 1], [-0.5, 0, 0.5, 0], [0, -0.5, 0, 0.5]], np.float64)

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the boxes of one image relate to. Sizes are 0 where unknown; ``normalised`` None is read off the values."""

    width: int = 0
    height: int = 0
    box_format: str = "xyxy"
    normalised: bool | None = None
    model_version: str = ""


def numbers(values: Iterable[Any], count: int) -> Array:
    """``count`` numbers as float64. Raises Undecodable where they are no numbers or not that many."""
    try:
        return np.fromiter(values, np.float64, count)
    except (TypeError, ValueError, OverflowError, KeyError, IndexError, AttributeError) as error:
        raise Undecodable("shape", f"{count} numbers expected: {error}"[:200]) from None


def one_image(
    boxes: Array, scores: Array, classes: Array | Sequence[str], frame: Frame, settings: DialectSettings
) -> DecodedImage:
    """One image's columns as a DecodedImage, highest score first (equal scores keep their order).

    ``boxes`` [N, 4] in ``settings.box_format`` or else the frame's; ``scores`` [N] in 0..1; ``classes`` [N] indices
    or names. Raises Undecodable("values") for what no detector means: NaN, infinity, impossible scores or corners.
    """
    count = len(scores)
    if boxes.shape != (count, 4) or len(classes) != count:
        raise Undecodable("shape", f"boxes {boxes.shape}, {count} scores, {len(classes)} classes")
    if count == 0:
        return _finished(boxes.astype(np.float32), scores.astype(np.float32), np.empty(0, np.int32), (), False, frame)
    boxes = _corners(boxes, settings.box_format or frame.box_format)
    scores, order = _checked_scores(scores)
    normalised = settings.normalised if settings.normalised is not None else frame.normalised
    if normalised is None:
        normalised = bool(np.maximum.reduce(boxes.reshape(-1)) <= UNIT_MAX)
    if normalised and frame.width and frame.height:
        boxes = boxes * np.array((frame.width, frame.height, frame.width, frame.height), np.float32)
        normalised = False
    names: tuple[str, ...] | None = None
    if isinstance(classes, np.ndarray):
        indices = classes
    else:
        indices, names = _index(classes)
    if order is not None:
        boxes, scores, indices = boxes.take(order, 0), scores.take(order), indices.take(order)
    if names is None:
        indices, names = _named(indices, settings.class_names)
    return _finished(boxes, scores, indices, names, normalised, frame)


def _finished(
    boxes: Array, scores: Array, classes: Array, labels: tuple[str, ...], normalised: bool, frame: Frame
) -> DecodedImage:
    detections = Detections(boxes, scores, classes, labels, normalised)
    return DecodedImage(detections, frame.width, frame.height, frame.model_version)


def _corners(boxes: Array, box_format: str) -> Array:
    """Boxes as x1, y1, x2, y2 in float32, finite and the right way round.

    A few boxes turned inside out are a model's noise and are turned back. Most of them turned: it is another
    format than the one assumed, and silence would be a lie.
    """
    boxes = np.ascontiguousarray(boxes, np.float64)
    flat = boxes.reshape(-1)
    if not np.dot(flat, flat) <= COORDINATE_MAX**2 and not (np.abs(flat) <= COORDINATE_MAX).all():
        raise Undecodable("values", "a box has a coordinate that is not finite or not plausible")
    if box_format != "xyxy":
        boxes = _to_xyxy(boxes, box_format)
    corners = boxes.astype(np.float32)
    left_top, right_bottom = corners[:, :2], corners[:, 2:]
    if np.count_nonzero(right_bottom < left_top):
        turned = int((right_bottom < left_top).any(axis=1).sum())
        if turned * 2 > len(corners):
            raise Undecodable("values", f"{turned} of {len(corners)} boxes are no {box_format}: set box_format")
        corners = np.concatenate((np.minimum(left_top, right_bottom), np.maximum(left_top, right_bottom)), axis=1)
    return corners


def _to_xyxy(boxes: Array, box_format: str) -> Array:
    if box_format == "yxyx":
        return boxes.take((1, 0, 3, 2), 1)
    if box_format == "xxyy":
        return boxes.take((0, 2, 1, 3), 1)
    return boxes @ (_FROM_CENTRE if box_format == "cxcywh" else _FROM_LEFT_TOP)


def _checked_scores(scores: Array) -> tuple[Array, Array | list[int] | None]:
    """(float32 scores within 0..1, the order that sorts them or None where they are sorted).

    Up to _SMALL scores go through a list: an array operation costs more than twenty of a list's.
    """
    order: Array | list[int] | None
    if len(scores) <= _SMALL:
        values = scores.tolist()
        total, low, high = sum(values), min(values), max(values)
        order = sorted(range(len(values)), key=values.__getitem__, reverse=True)
        if order[-1] == len(values) - 1 and order == list(range(len(values))):
            order = None
    else:
        total, low, high = scores.sum(dtype=np.float64), scores.min(), scores.max()
        order = np.argsort(-scores.astype(np.float32), kind="stable")
    if total != total or not (low >= -SCORE_SLACK and high <= 1 + SCORE_SLACK):
        raise Undecodable("values", f"scores from {low} to {high}, expected 0 to 1")
    scores = scores.astype(np.float32)
    return (np.clip(scores, 0, 1) if low < 0 or high > 1 else scores), order


def _index(names: Sequence[str]) -> tuple[Array, tuple[str, ...]]:
    """Indices of ``names`` into their distinct values, in order of first appearance."""
    seen = {name: index for index, name in enumerate(dict.fromkeys(names))}
    for name in seen:
        if not isinstance(name, str):
            raise Undecodable("shape", f"a class name is a {type(name).__name__}")
    return np.fromiter(map(seen.__getitem__, names), np.int32, len(names)), tuple(seen)


def _named(classes: Array, class_names: tuple[str, ...]) -> tuple[Array, tuple[str, ...]]:
    """Class indices as indices into the labels of this image. Raises Undecodable where one is no integer."""
    if len(classes) <= _SMALL:
        listed = classes.tolist()
        seen = {value: index for index, value in enumerate(dict.fromkeys(listed))}
        indices = np.fromiter(map(seen.__getitem__, listed), np.int32, len(listed))
        distinct: Iterable[float] = seen
    else:
        values, inverse = np.unique(classes, return_inverse=True)
        indices, distinct = inverse.reshape(-1).astype(np.int32), values.tolist()
    labels = []
    for value in distinct:
        if not abs(value) < 1 << 31 or value != int(value):
            raise Undecodable("values", f"class {value!r} is no index")
        index = int(value)
        labels.append(class_names[index] if 0 <= index < len(class_names) else str(index))
    if len(set(labels)) < len(labels):  # two indices of one name, such as an index that another class has for its name
        names = [labels[i] for i in indices.tolist()]
        return _index(names)
    return indices, tuple(labels)
