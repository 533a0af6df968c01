"""The one verdict of a prediction: from the labels a reviewer gave its image, or from what people said of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, isfinite
from typing import Literal, get_args

from sidecar.feedback.matching import DetectionOutcome, boxes_in_pixels, counted, match_labels, name_of
from sidecar.types import Box, Detections, FeedbackType, Label

Verdict = Literal["correct", "wrong_label", "wrong_box", "false_positive", "missed_object", ""]
"""Empty: there is none."""

FEEDBACK_TYPES: tuple[str, ...] = get_args(FeedbackType)
_ORDER: tuple[Literal["wrong_label", "wrong_box", "false_positive"], ...] = (
    "wrong_label",
    "wrong_box",
    "false_positive",
)
"""Which fault names the verdict where a prediction has several; a missed object comes last."""


@dataclass(frozen=True, slots=True)
class Review:
    """What a review says of a prediction; see ``matching.Matching`` for ``outcomes`` and ``missed``."""

    verdict: Verdict
    outcomes: tuple[DetectionOutcome, ...] = ()
    missed: tuple[int, ...] = ()


def verdict_of_labels(
    detections: Detections | None,
    score_threshold: float,
    labels: Sequence[Label],
    *,
    width: float = 0,
    height: float = 0,
) -> Review:
    """``correct`` if every detection at or above ``score_threshold`` is one of ``labels`` and no label is left.

    Else the first of wrong_label, wrong_box, false_positive, missed_object that there is. Where nobody knows what the
    model answered (``detections`` None) there is no verdict. Raises IncomparableError as ``match_labels`` does.

    >>> import numpy as np
    >>> nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), ())
    >>> verdict_of_labels(nothing, 0.25, []).verdict, verdict_of_labels(None, 0.25, []).verdict
    ('correct', '')
    >>> verdict_of_labels(nothing, 0.25, [Label("car", (0, 0, 5, 5))]).verdict
    'missed_object'
    """
    if detections is None:
        return Review("")
    matching = match_labels(detections, score_threshold, labels, width=width, height=height)
    if matching.right:
        return Review("correct", matching.outcomes)
    outcomes = {found.outcome for found in matching.outcomes}
    verdict: Verdict = next((fault for fault in _ORDER if fault in outcomes), "missed_object")
    return Review(verdict, matching.outcomes, matching.missed)


def labels_as_predicted(
    detections: Detections | None, score_threshold: float, *, width: float = 0, height: float = 0
) -> tuple[Label, ...]:
    """The labels of an image whose prediction a reviewer calls correct: its detections that count, in pixels.

    Highest score first. Boxes are cut at the edges of the image where its size is known; what nothing is left of is
    left out. Raises ValueError where nobody knows what the model answered, IncomparableError as ``match_labels`` does.
    """
    if detections is None:
        raise ValueError("labels: what the model answered is not known, so it can't be confirmed")
    boxes = boxes_in_pixels(detections, width, height)
    found = []
    for place in counted(detections, score_threshold):
        x1, y1, x2, y2 = boxes[place].tolist()
        if width > 0 and height > 0:
            x1, y1, x2, y2 = max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2)
        if x1 < x2 and y1 < y2:
            found.append(Label(name_of(detections, place), (x1, y1, x2, y2)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one author said of a prediction, or of the ``detection_index``-th of its detections.

    >>> Statement("wrong_label", 3).place, Statement("missed_object", correct_box=(0.6, 2, 9, 8)).place
    ('d3', 'm1,2,9,8')
    """

    feedback_type: FeedbackType
    detection_index: int | None = None
    correct_class: str = ""
    correct_box: Box | None = None
    author: str = ""
    statement_id: str = ""

    @property
    def place(self) -> str:
        return place_of(self.feedback_type, self.detection_index, self.correct_box)

    @property
    def said(self) -> tuple[str, str, str, Box | None, str]:
        """What makes two of them the very same, whatever their ids."""
        return self.author, self.place, self.feedback_type, self.correct_box, self.correct_class


def place_of(feedback_type: str, detection_index: int | None, correct_box: Box | None) -> str:
    """What it is about: the whole prediction (empty), a detection, or an object that was missed, by its box in whole
    pixels (halves upwards). Statements of one author on different places stand side by side.

    >>> place_of("correct", None, None), place_of("missed_object", None, None)
    ('', 'm')
    """
    if feedback_type == "missed_object":
        return "m" + ",".join(str(floor(number + 0.5)) for number in correct_box or ())
    return "" if detection_index is None else f"d{detection_index}"


def faults_of(
    feedback_type: str, detection_index: int | None, correct_class: str, correct_box: Box | None
) -> dict[str, str]:
    """What is wrong with a statement whose parts have their types, by field; empty where nothing is.

    >>> faults_of("missed_object", 2, "", None)
    {'detection_index': 'no detection is a missed_object: leave it out'}
    """
    faults: dict[str, str] = {}
    if feedback_type not in FEEDBACK_TYPES:
        faults["feedback_type"] = f"{feedback_type!r} is not one of {', '.join(FEEDBACK_TYPES)}"
    if detection_index is not None and feedback_type == "missed_object":
        faults["detection_index"] = "no detection is a missed_object: leave it out"
    elif detection_index is not None and detection_index < 0:
        faults["detection_index"] = f"{detection_index} is not 0 or more"
    if correct_class and feedback_type not in ("wrong_label", "wrong_box", "missed_object"):
        faults["correct_class"] = f"{feedback_type} has none: leave it out"
    if correct_box is not None:
        x1, y1, x2, y2 = correct_box
        if feedback_type not in ("wrong_label", "wrong_box", "missed_object"):
            faults["correct_box"] = f"{feedback_type} has none: leave it out"
        elif not all(isfinite(number) for number in correct_box) or not (x1 < x2 and y1 < y2):
            faults["correct_box"] = "expected x1, y1, x2, y2 in pixels with x1 < x2 and y1 < y2"
    return faults


def current(statements: Iterable[Statement]) -> list[Statement]:
    """Those that stand, oldest first, of all that were said of one prediction, in the order they count: that of
    min(at, received_at), then that in which they came.

    One about the whole prediction replaces all that its author said before. One about a detection or a missed object
    replaces what its author said of the same place, and that author's ``correct`` of the whole. The very same again,
    while it stands and replaces nothing else, changes nothing. Authors leave each other be; the nameless are one.

    >>> [one.feedback_type for one in current([Statement("correct"), Statement("wrong_box", 1)])]
    ['wrong_box']
    """
    standing: list[Statement] = []
    for new in statements:
        left = [old for old in standing if not _replaces(new, old)]
        if len(left) == len(standing) - 1 and any(old.said == new.said for old in standing):
            continue
        standing = [*left, new]
    return standing


def verdict_of_statements(statements: Iterable[Statement]) -> Verdict:
    """``correct`` where nothing but that stands, else the latest wrong type that stands; empty without any.

    >>> verdict_of_statements([Statement("wrong_box", 1, author="ann"), Statement("correct", author="bob")])
    'wrong_box'
    """
    standing = current(statements)
    wrong = [one.feedback_type for one in standing if one.feedback_type != "correct"]
    return wrong[-1] if wrong else "correct" if standing else ""


def _replaces(new: Statement, old: Statement) -> bool:
    if new.author != old.author:
        return False
    whole_correct = not old.place and old.feedback_type == "correct"
    return not new.place or old.place == new.place or whole_correct
