"""What a request adds to the sums of its unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidecar.experiments import PER_UNIT_NAMES
from sidecar.summaries.batch import Columns
from sidecar.summaries.images import LATENCY_US_MAX
from sidecar.types import Exchange, Prediction, latency_index

_PLACE = {name: place for place, name in enumerate(PER_UNIT_NAMES)}
_OF_IMAGES = tuple(_PLACE[name] for name in ("images", "detections", "confidence", "images_with_detections"))

Answer = tuple[Exchange, Sequence[Prediction]]


def vectors_of(answers: Sequence[Answer], slow_edge_ms: float | None) -> NDArray[np.int64]:
    """PER_UNIT_NAMES of each of ``answers``, int64 [answers, components]: as summaries and counts have them.

    Without a ``slow_edge_ms`` nothing counts as timed.

    >>> vectors_of([], None).shape
    (0, 11)
    """
    vectors = np.zeros((len(answers), len(PER_UNIT_NAMES)), np.int64)
    vectors[:, _PLACE["requests"]] = 1
    good = np.zeros(len(answers), np.bool_)
    for row, (exchange, _) in enumerate(answers):
        vectors[row, _PLACE["failed"]] = exchange.status >= 500
        good[row] = 200 <= exchange.status < 300 and not exchange.error
    upstream_ms = np.array([exchange.upstream_ms for exchange, _ in answers], np.float64)
    micros = np.clip(np.rint(np.nan_to_num(upstream_ms) * 1000), 0, LATENCY_US_MAX).astype(np.int64)
    vectors[:, _PLACE["successful"]] = good
    vectors[:, _PLACE["upstream_ms"]] = np.where(good, micros, 0)
    if slow_edge_ms is not None:
        _add_slow(vectors, upstream_ms, slow_edge_ms)
    _add_images(vectors, [(row, image) for row in np.flatnonzero(good).tolist() for image in answers[row][1]])
    return vectors


def _add_slow(vectors: NDArray[np.int64], upstream_ms: NDArray[np.float64], edge_ms: float) -> None:
    """By the buckets of latency histograms, and of whatever reached the model server, as results count it there."""
    last = latency_index(edge_ms)
    for row in np.flatnonzero(upstream_ms > 0).tolist():
        vectors[row, _PLACE["timed"]] = 1
        vectors[row, _PLACE["slow"]] = latency_index(upstream_ms[row]) > last


def _add_images(vectors: NDArray[np.int64], images: Sequence[tuple[int, Prediction]]) -> None:
    """``images`` of successful requests, each with the row that it counts in."""
    read = [(row, image, image.detections) for row, image in images if image.detections is not None]
    columns = Columns.of([image for _, image, _ in read], [detections for *_, detections in read])
    counts = columns.counts()
    added = np.stack([np.ones_like(counts), counts, columns.mean_confidence_micro(), counts > 0], axis=1)
    rows = np.array([row for row, *_ in read], np.intp)
    np.add.at(vectors, (rows[:, None], np.array(_OF_IMAGES)), added)
    for row, image in images:
        vectors[row, _PLACE["undecodable"]] += image.detections is None
