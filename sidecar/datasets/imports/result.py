"""What an import found, and the checks that all formats share."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sidecar.datasets.export import stem_of
from sidecar.types import Box, Label

FAULTS_MAX = 100
"""Faults that are listed; all are counted."""
UNKNOWN_MAX = 100
"""Names of unknown images that are listed; all are counted."""
BOXES_PER_IMAGE_MAX = 1_000
LABEL_CHARS_MAX = 200
SHOWN_CHARS_MAX = 120
EDGE_PX = 1.0
"""Boxes that reach beyond the image by no more are cut off: percents and whole pixels round."""
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of an uploaded file."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong and where: ``field`` is a path such as ``annotations[3].bbox``."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Imported:
    """``labels`` of the images that could be read whole. An image with a fault has none here: half of its objects would
    be a lie. ``faults`` and ``unknown`` (images that nobody here knows) list the first of ``faults_n`` and
    ``unknown_n``; ``skipped`` counts the images that the document has but nobody labelled.
    """

    labels: dict[str, tuple[Label, ...]]
    faults: tuple[Fault, ...] = ()
    faults_n: int = 0
    unknown: tuple[str, ...] = ()
    unknown_n: int = 0
    skipped: int = 0


@dataclass(slots=True)
class Findings:
    """What is found while reading; ``known`` has the width and height of each sample, 0 where unknown."""

    known: Mapping[str, tuple[int, int]]
    labels: dict[str, tuple[Label, ...]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    faults_n: int = 0
    unknown: list[str] = field(default_factory=list)
    unknown_n: int = 0
    skipped: int = 0
    _by_stem: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_stem = {stem_of(sample_id): sample_id for sample_id in self.known}

    def fault(self, path: str, message: str) -> None:
        self.faults_n += 1
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(Fault(path, message))

    def unknown_image(self, name: str) -> None:
        self.unknown_n += 1
        if len(self.unknown) < UNKNOWN_MAX:
            self.unknown.append(name[:SHOWN_CHARS_MAX])

    def by_file(self, name: str) -> str | None:
        """The sample that a file's name or address is of, None where none is."""
        try:
            parts = urlsplit(name)
            queried = parse_qs(parts.query).get("d", [""])[0]  # Label Studio's local files
        except ValueError:
            return None
        path = queried or (unquote(parts.path) if parts.scheme or parts.query else name)
        last = path.replace("\\", "/").rpartition("/")[2]
        stem = last.rpartition(".")[0] or last
        for candidate in (stem, last, _UPLOADED.sub("", stem, count=1)):
            if candidate in self._by_stem:
                return self._by_stem[candidate]
        return None

    def same_size(self, path: str, sample_id: str, width: Any, height: Any) -> bool:
        """False, and a fault, where the document is about an image of another size than the one kept here."""
        here = self.known[sample_id]
        there = numbers([width, height], 2)
        if there is None or min(there) <= 0 or min(here) <= 0 or (round(there[0]), round(there[1])) == here:
            return True
        message = f"the image has {here[0]} x {here[1]} pixels here, {there[0]:g} x {there[1]:g} in the document"
        self.fault(path, message)
        return False

    def box(self, path: str, sample_id: str, box: Box) -> Box | None:
        """The box, cut off at the image's edges where it rounds beyond them; None, and a fault, where it is none."""
        left, top, right, bottom = box
        if not all(map(math.isfinite, box)) or right <= left or bottom <= top:
            self.fault(path, f"must be a box with a width and a height, not {[round(side, 3) for side in box]}")
            return None
        width, height = self.known[sample_id]
        if min(width, height) <= 0:
            return box
        cut = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
        if any(abs(a - b) > EDGE_PX for a, b in zip(box, cut, strict=True)) or cut[2] <= cut[0] or cut[3] <= cut[1]:
            shown = [round(side, 3) for side in box]
            self.fault(path, f"must lie in the image of {width} x {height} pixels, {shown} (x1, y1, x2, y2) does not")
            return None
        return cut

    def name(self, path: str, name: Any) -> str | None:
        """The class's name, without blanks around it; None, and a fault, where it is none."""
        stripped = name.strip() if isinstance(name, str) else ""
        if not stripped:
            self.fault(path, f"must be a class's name, not {shown(name)}")
        elif len(stripped) > LABEL_CHARS_MAX:
            self.fault(path, f"must have at most {LABEL_CHARS_MAX} characters, not {len(stripped)}")
        elif not stripped.isprintable():
            self.fault(path, f"must be one line of printable characters, not {shown(name)}")
        else:
            return stripped
        return None

    def give(self, path: str, sample_id: str, labels: Sequence[Label]) -> None:
        """Takes the labels of an image that was read without a fault."""
        if len(labels) > BOXES_PER_IMAGE_MAX:
            self.fault(path, f"an image has at most {BOXES_PER_IMAGE_MAX} boxes, this one has {len(labels)}")
        else:
            self.labels[sample_id] = tuple(labels)

    def result(self) -> Imported:
        return Imported(
            self.labels, tuple(self.faults), self.faults_n, tuple(self.unknown), self.unknown_n, self.skipped
        )


def shown(value: Any) -> str:
    """A value from outside in a message: short.

    >>> len(shown("a" * 1000))
    123
    """
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS_MAX else text[:SHOWN_CHARS_MAX] + "..."


def is_number(value: Any) -> bool:
    """A finite number; true and false are none, though Python thinks so."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15 and value == value


def numbers(values: Any, count: int) -> list[float] | None:
    """The list of ``count`` finite numbers, None where it isn't one.

    >>> numbers([1, 2.5], 2), numbers([1, True], 2), numbers([1], 2)
    ([1.0, 2.5], None, None)
    """
    if isinstance(values, list) and len(values) == count and all(map(is_number, values)):
        return [float(value) for value in values]
    return None


def list_at(findings: Findings, document: Mapping[str, Any], name: str, most: int) -> list[Any]:
    """The list under ``name``; empty, and a fault, where it isn't one or is longer than ``most``."""
    found = document.get(name)
    if not isinstance(found, list):
        findings.fault(name, f"must be a list, not {shown(found)}" if name in document else "is missing")
        return []
    if len(found) > most:
        findings.fault(name, f"must have at most {most} entries, not {len(found)}")
        return []
    return found
