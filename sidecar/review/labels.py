"""Labels as people send them: objects in an image, each with a class and a box."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from sidecar.types import Box, Label

LABELS_MAX = 1_000
"""Labels of one image."""
LABEL_CHARACTERS_MAX = 200
FAULTS_MAX = 50
"""Faults that are told of; the rest are counted."""
EDGE_PX = 1.0
"""A box may reach over the edge of the image by so much, which tools' rounding makes; it is cut there."""
_KEYS = ("label", "box")


class LabelsError(ValueError):
    """What is wrong with labels, all of it. ``faults`` has messages by path, such as ``labels.3.box``."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{path}: {message}" for path, message in faults.items()))
        self.faults = dict(faults)


def read_labels(given: object, width: int = 0, height: int = 0, field: str = "labels") -> tuple[Label, ...]:
    """Labels from JSON: a list of ``{"label": "car", "box": [x1, y1, x2, y2]}``, in the order given; none is fine.

    Boxes are in pixels of the image, which is ``width`` by ``height`` (0: not known, then any right of and below the
    upper left corner is taken). What reaches over the edge by at most EDGE_PX is cut there, further is refused: it is
    of another image or of another size. So are boxes in 0..1, told by all four being so. Raises LabelsError.

    >>> read_labels([{"label": "car", "box": [1, 2, 640.4, 9]}], 640, 480)
    (Label(label='car', box=(1.0, 2.0, 640.0, 9.0)),)
    >>> read_labels([{"label": "", "box": [1, 2, 0, 9]}], 640, 480)
    Traceback (most recent call last):
    sidecar.review.labels.LabelsError: labels.0.label: it is empty; labels.0.box: x1 < x2 is needed, got 1 and 0
    """
    if not isinstance(given, (list, tuple)):
        raise LabelsError({field: f'expected a list of {{"label", "box"}}, got {_kind(given)}'})
    if len(given) > LABELS_MAX:
        raise LabelsError({field: f"{len(given):,} labels, at most {LABELS_MAX:,} are taken"})
    faults: dict[str, str] = {}
    labels = []
    for place, item in enumerate(given):
        path = f"{field}.{place}"
        if isinstance(item, Label):
            item = {"label": item.label, "box": list(item.box)}
        if not isinstance(item, Mapping):
            faults[path] = f'expected {{"label", "box"}}, got {_kind(item)}'
            continue
        for key in item:
            if key not in _KEYS:
                faults[f"{path}.{str(key)[:LABEL_CHARACTERS_MAX]}"] = "it is not known: expected label and box"
        name = item.get("label")
        fault = _fault_of_name(name)
        if fault:
            faults[f"{path}.label"] = fault
        box, fault = _box(item.get("box"), width, height)
        if fault:
            faults[f"{path}.box"] = fault
        labels.append((name, box))
    if faults:
        raise LabelsError(_shown(faults, field))
    return tuple(Label(str(name), box) for name, box in labels)


def _fault_of_name(name: object) -> str:
    if name is None:
        return "it is missing"
    if not isinstance(name, str):
        return f"expected text, got {_kind(name)}"
    if not name.strip():
        return "it is empty"
    if len(name) > LABEL_CHARACTERS_MAX:
        return f"{len(name)} characters, at most {LABEL_CHARACTERS_MAX} are taken"
    if any(ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 for character in name):
        return "it has control characters or half of a pair of surrogates"
    return ""


def _box(given: object, width: int, height: int) -> tuple[Box, str]:
    """(the box, what is wrong with it)."""
    nothing = (0.0, 0.0, 0.0, 0.0)
    if given is None:
        return nothing, "it is missing"
    if not isinstance(given, (list, tuple)) or len(given) != 4:
        return nothing, "expected four numbers x1, y1, x2, y2 in pixels"
    numbers = []
    for number in given:
        # True is an int to Python, and nobody's coordinate
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            return nothing, f"expected four numbers x1, y1, x2, y2 in pixels, got {_kind(number)} among them"
        if abs(number) > 1e9 or not isfinite(number):
            return nothing, "expected finite numbers of at most a thousand million"
        numbers.append(float(number))
    x1, y1, x2, y2 = numbers
    if not x1 < x2:
        return nothing, f"x1 < x2 is needed, got {x1:g} and {x2:g}"
    if not y1 < y2:
        return nothing, f"y1 < y2 is needed, got {y1:g} and {y2:g}"
    if x2 <= 1 and y2 <= 1 and x1 >= 0 and y1 >= 0 and (width, height) != (1, 1):
        return nothing, "it looks like shares of the image (0 to 1): expected pixels"
    right, bottom = (float(width) if width else x2), (float(height) if height else y2)
    if min(x1, y1) < -EDGE_PX or x2 > right + EDGE_PX or y2 > bottom + EDGE_PX:
        size = f" of {width} x {height} pixels" if width and height else ""
        return nothing, f"it reaches over the edge of the image{size}: {x1:g}, {y1:g}, {x2:g}, {y2:g}"
    cut = (max(0.0, x1), max(0.0, y1), min(right, x2), min(bottom, y2))
    if not (cut[0] < cut[2] and cut[1] < cut[3]):
        return nothing, "nothing of it lies within the image"
    return cut, ""


def _shown(faults: dict[str, str], field: str) -> dict[str, str]:
    if len(faults) <= FAULTS_MAX:
        return faults
    shown = dict(list(faults.items())[:FAULTS_MAX])
    shown[field] = f"and {len(faults) - FAULTS_MAX:,} more faults"
    return shown


def _kind(given: object) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "null" if given is None else names.get(type(given), type(given).__name__)
