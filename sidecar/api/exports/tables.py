"""What the files have, column by column: made of the types that the API gives, so that a file and a page agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from sidecar.api.render import detection_documents
from sidecar.api.schemas import RecordedPrediction
from sidecar.api.schemas_exports import DetectionRow
from sidecar.types import Detections, Prediction

Kind = Literal["text", "integer", "number", "float32", "truth", "time", "detections"]
Floats = NDArray[np.float32]
Columns = dict[str, list[Any]]
"""The values of each column, in the order of the rows; None where there is nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. A time is epoch seconds here, and in the file what its format makes of it."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be in a file: a row for each prediction, or for each detection of the class ``label`` (None: of any)
    that is from ``min_confidence`` to ``max_confidence`` sure (None: however sure)."""

    table: Literal["predictions", "detections"]
    label: str | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the file, in order."""
        return _OF_PREDICTION if self.table == "predictions" else _OF_DETECTION

    def of(self, predictions: Sequence[Prediction]) -> Columns:
        """The values of all columns."""
        if self.table == "predictions":
            return _prediction_columns(predictions)
        return _detection_columns(predictions, self)


def _columns_of(model: type[BaseModel]) -> tuple[Column, ...]:
    return tuple(Column(name, _kind_of(name, field.annotation)) for name, field in model.model_fields.items())


def _kind_of(name: str, annotation: Any) -> Kind:
    """
    >>> _kind_of("at", float), _kind_of("latency_ms", float | None), _kind_of("x1", float), _kind_of("error", str)
    ('time', 'number', 'float32', 'text')
    """
    types = {annotation, *get_args(annotation)}
    if name in ("at", "detections"):
        return "time" if name == "at" else "detections"
    if float in types:
        return "float32" if name in _OF_ARRAYS else "number"
    return "truth" if bool in types else "integer" if int in types else "text"


_OF_ARRAYS = ("confidence", "x1", "y1", "x2", "y2")
"""Values that are recorded as float32."""
_OF_PREDICTION = _columns_of(RecordedPrediction)
_OF_DETECTION = _columns_of(DetectionRow)
_PLAIN = tuple(column.name for column in _OF_PREDICTION if column.kind != "detections")
_FLOATS = tuple(column.name for column in _OF_PREDICTION if column.kind == "number")
_plain = attrgetter(*_PLAIN)
_BY_PREDICTION = ("prediction_id", "at", "model", "version", "role", "image_width", "image_height")
_by_prediction = attrgetter(*_BY_PREDICTION)


def _prediction_columns(predictions: Sequence[Prediction]) -> Columns:
    made = _turned([_plain(prediction) for prediction in predictions], _PLAIN)
    for name in _FLOATS:
        made[name] = [value if math.isfinite(value) else None for value in made[name]]
    made["detections"] = [prediction.detections for prediction in predictions]
    return made


def _detection_columns(predictions: Sequence[Prediction], wanted: Wanted) -> Columns:
    found = [(prediction, prediction.detections) for prediction in predictions if prediction.detections is not None]
    lengths = [len(detections.scores) for _, detections in found]
    labels = list(chain.from_iterable(labels_of(detections) for _, detections in found))
    scores = _joined([detections.scores for _, detections in found])
    boxes = _joined([detections.boxes for _, detections in found]).reshape(-1, 4)
    chosen = _chosen(scores, labels, wanted)
    owners = np.repeat(np.arange(len(found)), lengths)[chosen]
    starts = np.cumsum([0, *lengths])[:-1]
    made: Columns = {}
    for name, values in _turned([_by_prediction(prediction) for prediction, _ in found], _BY_PREDICTION).items():
        made[name] = [values[owner] for owner in owners.tolist()]
    made["index"] = (chosen - starts[owners]).tolist() if found else []
    made["label"] = [labels[place] for place in chosen.tolist()]
    made["confidence"] = _shortened(scores[chosen])
    for edge, name in enumerate(("x1", "y1", "x2", "y2")):
        made[name] = _shortened(boxes[chosen, edge])
    made["normalised"] = [found[owner][1].normalised for owner in owners.tolist()]
    return made


def _chosen(scores: Floats, labels: Sequence[str], wanted: Wanted) -> NDArray[np.int64]:
    """The places of the detections that are wanted."""
    keep = np.ones(len(scores), bool)
    if wanted.min_confidence is not None:  # compared as it was recorded, so that what is shown as 0.9 is not below 0.9
        keep &= scores >= np.float32(wanted.min_confidence)
    if wanted.max_confidence is not None:
        keep &= scores <= np.float32(wanted.max_confidence)
    if wanted.label is not None:
        keep &= np.array([label == wanted.label for label in labels], bool)
    return np.flatnonzero(keep)


def labels_of(detections: Detections) -> list[str]:
    """The class name of each detection; a class that has none is called by its number."""
    names, known = detections.labels, len(detections.labels)
    return [names[number] if 0 <= number < known else str(number) for number in detections.classes.tolist()]


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _shortened(values: Floats) -> list[float | None]:
    """As a page has it: a float32 has about seven digits, more would be noise of the conversion."""
    return [float(f"{value:.7g}") if math.isfinite(value) else None for value in values.tolist()]


def _turned(rows: Sequence[tuple[Any, ...]], names: Sequence[str]) -> Columns:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return {name: list(values) for name, values in zip(names, columns, strict=True)}


def documents(detections: Detections | None) -> list[dict[str, Any]] | None:
    """The detections of an image as a page has them; None where there is no result."""
    return None if detections is None else detection_documents(detections)
