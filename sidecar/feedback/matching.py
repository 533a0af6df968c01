"""What is in an image, as a person says, held against what a model answered: which detections are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecar.experiments.pairs import IncomparableError, iou_matrix
from sidecar.experiments.pairs.assignment import match_allowed
from sidecar.types import Detections, Label

IOU_MIN = 0.5
"""A detection that overlaps an object by less does not find it."""
IOU_NEAR = 0.1
"""From here up to IOU_MIN a detection of the right class is of the object, with a box that does not fit."""
MATCHED_MAX = 1_000
"""Detections of an image that are matched, those with the highest scores; what is beyond counts as false positives,
which most of it must be: nobody may draw more labels than that."""
_TIE = 1e-9
"""What decides between matchings of equal overlap: more pairs, then higher scores."""

Outcome = Literal["true", "wrong_label", "wrong_box", "false_positive"]
"""What became of a detection."""


class DetectionOutcome(NamedTuple):
    """One detection that counts: its place in the Detections, and the label it is matched with.

    ``iou`` is the overlap with that label, ``label_place`` its place in the labels; 0 and None of a false positive.
    """

    place: int
    label: str
    score: float
    outcome: Outcome
    iou: float = 0.0
    label_place: int | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """``outcomes`` of the detections that count, highest score first; ``missed`` are places of labels left over.

    >>> Matching().right
    True
    """

    outcomes: tuple[DetectionOutcome, ...] = ()
    missed: tuple[int, ...] = ()

    @property
    def right(self) -> bool:
        """Whether every detection is true and no label is left. Nothing there and nothing found is right."""
        return not self.missed and all(found.outcome == "true" for found in self.outcomes)


def match_labels(
    detections: Detections, score_threshold: float, labels: Sequence[Label], *, width: float = 0, height: float = 0
) -> Matching:
    """Match detections at or above ``score_threshold`` with ``labels``, one to one, in three rounds.

    First within each class from IOU_MIN on (``true``), then what is left over whatever its class from IOU_MIN on
    (``wrong_label``), then within each class from IOU_NEAR on (``wrong_box``); each round has the greatest total IoU.
    A detection in no pair is a ``false_positive``, also a second one of an object that is found already. ``width`` and
    ``height`` of the image in pixels (0: unknown) are needed only of normalised detections; raises IncomparableError
    where they are missing.

    >>> boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60]], np.float32)
    >>> found = Detections(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.array([0, 0, 0], np.int32), ("car",))
    >>> matching = match_labels(found, 0.25, [Label("car", (0, 0, 10, 10)), Label("bus", (50, 50, 60, 61))])
    >>> [one.outcome for one in matching.outcomes], matching.missed
    (['true', 'false_positive', 'wrong_label'], ())
    """
    places = counted(detections, score_threshold)
    names = [name_of(detections, place) for place in places]
    scores = detections.scores[places].astype(np.float64)
    matched = places[:MATCHED_MAX]
    boxes = boxes_in_pixels(detections, width, height)[matched]
    iou = iou_matrix(boxes, np.array([label.box for label in labels], np.float64).reshape(-1, 4))
    gain = iou + _TIE * (1.0 + scores[: len(matched), None])
    codes = {name: code for code, name in enumerate({*names, *(label.label for label in labels)})}
    own = np.array([codes[name] for name in names[: len(matched)]], np.intp)
    said = np.array([codes[label.label] for label in labels], np.intp)
    same = own[:, None] == said[None, :]
    pairs: dict[int, tuple[int, Outcome]] = {}
    rounds: tuple[tuple[Outcome, NDArray[np.bool_]], ...] = (
        ("true", (iou >= IOU_MIN) & same),
        ("wrong_label", iou >= IOU_MIN),
        ("wrong_box", (iou >= IOU_NEAR) & same),
    )
    free = np.ones(iou.shape, np.bool_)
    for outcome, allowed in rounds:
        for row, column in match_allowed(gain, allowed & free):
            pairs[row] = (column, outcome)
            free[row] = False
            free[:, column] = False
    outcomes = []
    for row, place in enumerate(places):
        if row not in pairs:
            outcomes.append(DetectionOutcome(place, names[row], float(scores[row]), "false_positive"))
            continue
        column, outcome = pairs[row]
        overlap = float(iou[row, column])
        outcomes.append(DetectionOutcome(place, names[row], float(scores[row]), outcome, overlap, column))
    found = {column for column, _ in pairs.values()}
    return Matching(tuple(outcomes), tuple(place for place in range(len(labels)) if place not in found))


def counted(detections: Detections, score_threshold: float) -> list[int]:
    """Places of the detections at or above ``score_threshold``, highest score first."""
    # both in float32: a score that was 0.7 in JSON must pass a threshold of 0.7
    counting = np.flatnonzero(detections.scores >= np.float32(score_threshold))
    order = np.argsort(-detections.scores[counting], kind="stable")
    places: list[int] = counting[order].tolist()
    return places


def name_of(detections: Detections, place: int) -> str:
    """The class of one detection; ``other`` where it has no name."""
    code = int(detections.classes[place])
    return detections.labels[code] if 0 <= code < len(detections.labels) else "other"


def boxes_in_pixels(detections: Detections, width: float, height: float) -> NDArray[np.float64]:
    """float64 [N, 4]. Raises IncomparableError for normalised ones of an image of unknown size."""
    boxes = detections.boxes.reshape(-1, 4).astype(np.float64)
    if not detections.normalised or not len(boxes):
        return boxes
    if not (width > 0 and height > 0):
        raise IncomparableError("boxes: they are in 0..1, and the image size is not known")
    return np.asarray(boxes * np.array([width, height, width, height], np.float64))
