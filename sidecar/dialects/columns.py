"""The raw columns of one image (boxes, scores, classes) as a dialect reads them; ``finishing`` makes detections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.dialects.terms import DialectSettings, Undecodable

Array = NDArray[Any]


@dataclass(slots=True)
class Frame:
    """What the boxes of one image relate to. Sizes are 0 where unknown; ``normalised`` None is read off the values."""

    width: int = 0
    height: int = 0
    box_format: str = "xyxy"
    normalised: bool | None = None
    model_version: str = ""


@dataclass(slots=True)
class RawImage:
    """One image's columns as the server wrote them: ``boxes`` [N, 4] in ``box_format``, ``scores`` [N], ``classes`` [N]
    indices or names; ``normalised`` None is read off the values."""

    boxes: Array
    scores: Array
    classes: Array | Sequence[str]
    frame: Frame
    box_format: str
    normalised: bool | None
    class_names: tuple[str, ...]


def numbers(values: Iterable[Any], count: int) -> Array:
    """``count`` numbers as float64. Raises Undecodable where they are no numbers or not that many."""
    try:
        return np.fromiter(values, np.float64, count)
    except (TypeError, ValueError, OverflowError, KeyError, IndexError, AttributeError) as error:
        raise Undecodable("shape", f"{count} numbers expected: {error}"[:200]) from None


def one_image(
    boxes: Array, scores: Array, classes: Array | Sequence[str], frame: Frame, settings: DialectSettings
) -> RawImage:
    """One image's columns, whose values ``finish`` checks. What ``settings`` say goes before what the frame does.

    ``boxes`` [N, 4], ``scores`` [N] in 0..1, ``classes`` [N] indices or names. Raises Undecodable("shape").
    """
    count = len(scores)
    if boxes.shape != (count, 4) or len(classes) != count:
        raise Undecodable("shape", f"boxes {boxes.shape}, {count} scores, {len(classes)} classes")
    if not isinstance(classes, np.ndarray):
        for kind in set(map(type, classes)) - {str}:
            raise Undecodable("shape", f"a class name is a {kind.__name__}")
    normalised = settings.normalised if settings.normalised is not None else frame.normalised
    box_format = settings.box_format or frame.box_format
    return RawImage(boxes, scores, classes, frame, box_format, normalised, settings.class_names)
