"""Predictions as rows of parameters: what the batch's detections come to is worked out for all of them at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import compress
from operator import attrgetter
from typing import Any, cast

import numpy as np

from sidecar.recording.blob import pack_detections, unpack_detections
from sidecar.types import Prediction

PLAIN_COLUMNS = (
    "prediction_id",
    "request_id",
    "image_index",
    "at",
    "model",
    "version",
    "variant",
    "role",
    "experiment",
    "epoch",
    "unit",
    "slice",
    "dialect",
    "status",
    "error",
    "undecodable",
    "latency_ms",
    "upstream_ms",
    "first_byte_ms",
    "request_bytes",
    "response_bytes",
    "image_width",
    "image_height",
    "score_threshold",
    "client_request_id",
    "trace_id",
)
"""Columns that are fields of Prediction under the same name, in the order of both."""

COLUMNS = (*PLAIN_COLUMNS, "detections", "detection_count", "max_confidence", "mean_confidence", "labels")

_plain = attrgetter(*PLAIN_COLUMNS)
_FLOATS = tuple(PLAIN_COLUMNS.index(name) for name in ("latency_ms", "upstream_ms", "first_byte_ms"))

Row = tuple[Any, ...]


def rows_of(predictions: Sequence[Prediction]) -> list[Row]:
    """One row of COLUMNS each."""
    digests = _digests(predictions)
    return [
        (
            *_plain(prediction),
            None if prediction.detections is None else pack_detections(prediction.detections),
            *digest,
        )
        for prediction, digest in zip(predictions, digests, strict=True)
    ]


def storable(row: Row) -> Row:
    """``row`` with the text that UTF-8 can't hold replaced: a client may send any bytes in a header."""
    return tuple(value.encode("utf-8", "replace").decode() if isinstance(value, str) else value for value in row)


def prediction_of(row: Sequence[Any]) -> Prediction:
    """The prediction of a row of PLAIN_COLUMNS and ``detections``."""
    values: list[Any] = list(row[: len(PLAIN_COLUMNS)])
    for index in _FLOATS:
        if values[index] is None:  # SQLite has no NaN
            values[index] = float("nan")
    blob = row[len(PLAIN_COLUMNS)]
    values.append(None if blob is None else unpack_detections(blob))
    return Prediction(*values)


def label_mark(label: str) -> str:
    """What the labels column holds of ``label``, to look for.

    >>> label_mark("traffic light")
    '\\ntraffic light\\n'
    """
    return "\n" + label.replace("\n", " ") + "\n"


def _digests(predictions: Sequence[Prediction]) -> list[tuple[int | None, float | None, float | None, str]]:
    """(count, highest, mean, labels) of the detections at or above the threshold, for each prediction."""
    seen = [prediction.detections for prediction in predictions if prediction.detections is not None]
    if not seen:
        return [(None, None, None, "")] * len(predictions)
    lengths = np.array([len(detections.scores) for detections in seen])
    thresholds = np.array([p.score_threshold for p in predictions if p.detections is not None], np.float32)
    scores = np.concatenate([detections.scores for detections in seen])
    image = np.repeat(np.arange(len(seen)), lengths)
    counting = scores >= thresholds[image]
    image, scores = image[counting], scores[counting].astype(np.float64)
    counts = np.bincount(image, minlength=len(seen))
    sums = np.bincount(image, scores, minlength=len(seen))
    highest = np.zeros(len(seen))
    np.maximum.at(highest, image, scores)
    classes = np.concatenate([detections.classes for detections in seen])[counting]
    labels = _labels(seen, image, classes)
    digests = iter(
        [
            (count, top if count else None, total / count if count else None, text)
            for count, top, total, text in zip(counts.tolist(), highest.tolist(), sums.tolist(), labels, strict=True)
        ]
    )
    return [(None, None, None, "") if p.detections is None else next(digests) for p in predictions]


def _labels(seen: Sequence[Any], image: np.ndarray[Any, Any], classes: np.ndarray[Any, Any]) -> list[str]:
    """The class names present in each image, each between line feeds."""
    sizes = np.array([len(detections.labels) for detections in seen])
    starts = np.concatenate(([0], np.cumsum(sizes)))
    known = (classes >= 0) & (classes < sizes[image])
    present = np.zeros(int(starts[-1]), bool)
    present[starts[image[known]] + classes[known]] = True
    texts = []
    flags = cast("list[bool]", present.tolist())
    start = 0
    for detections in seen:
        end = start + len(detections.labels)
        names = [name.replace("\n", " ") for name in compress(detections.labels, flags[start:end])]
        start = end
        texts.append("\n" + "\n".join(names) + "\n" if names else "")
    return texts


def reasons_to_text(reasons: Sequence[str]) -> str:
    return json.dumps(list(reasons))


def reasons_from_text(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
