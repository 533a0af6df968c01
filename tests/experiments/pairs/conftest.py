"""Detections and predictions to pair, and the same answer worked out naively: no product code, no linear algebra."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from sidecar.types import Detections, Prediction

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT) not in sys.path:  # where pytest was not started as `python -m pytest`
    sys.path.insert(0, str(ROOT))


class Box(NamedTuple):
    """One box as a person would write it down."""

    xyxy: tuple[float, float, float, float]
    score: float
    name: str


def detections_of(boxes: Sequence[Box], normalised: bool = False) -> Detections:
    labels = tuple(dict.fromkeys(box.name for box in boxes))
    return Detections(
        np.array([box.xyxy for box in boxes], np.float32).reshape(-1, 4),
        np.array([box.score for box in boxes], np.float32),
        np.array([labels.index(box.name) for box in boxes], np.int32),
        labels,
        normalised,
    )


@pytest.fixture(scope="session")
def detections() -> Callable[..., Detections]:
    return detections_of


@pytest.fixture(scope="session")
def make_prediction() -> Callable[..., Prediction]:
    """An image's prediction; ``boxes`` None is an image whose detections could not be read."""

    def make(boxes: Sequence[Box] | Detections | None = (), number: int = 0, **changes: Any) -> Prediction:
        found = boxes if boxes is None or isinstance(boxes, Detections) else detections_of(boxes)
        values: dict[str, Any] = {
            "prediction_id": f"id-{number}", "request_id": f"id-{number}", "image_index": 0, "at": 1_700_000_000.0,
            "model": "m", "version": "1", "variant": "v", "role": "serving", "experiment": "", "epoch": 0, "unit": "",
            "slice": "", "dialect": "v2", "status": 200, "error": "", "undecodable": "", "latency_ms": 12.0,
            "upstream_ms": 10.0, "first_byte_ms": 9.0, "request_bytes": 1, "response_bytes": 1, "image_width": 640,
            "image_height": 480, "score_threshold": 0.25, "client_request_id": "", "trace_id": "", "detections": found,
        }  # fmt: skip
        return Prediction(**(values | changes))

    return make


def naive_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """One box against one, as in a script."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    common = wide * high
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def best_pairs(a: Sequence[Box], b: Sequence[Box], iou_min: float, same: bool) -> list[tuple[int, int]]:
    """Of all ways to pair ``a`` with ``b``, the one with the greatest total IoU over near pairs; small sides only."""
    if len(a) > len(b):
        return sorted((i, j) for j, i in best_pairs(b, a, iou_min, same))
    worth = [
        [
            iou if (iou := naive_iou(one.xyxy, other.xyxy)) >= iou_min and (one.name == other.name) == same else 0.0
            for other in b
        ]
        for one in a
    ]
    best, best_total = (), -1.0
    for columns in permutations(range(len(b)), len(a)):
        total = sum(worth[i][j] for i, j in enumerate(columns))
        if total > best_total + 1e-9:
            best, best_total = columns, total
    return [(i, j) for i, j in enumerate(best) if worth[i][j] > 0]


class Naive(NamedTuple):
    """Places in the lists given."""

    matched: list[tuple[int, int]]
    flips: list[tuple[int, int]]
    missed: list[int]
    extra: list[int]


@pytest.fixture(scope="session")
def naive_match() -> Callable[..., Naive]:
    """Every pairing tried: first within classes, then what is left over."""

    def find(a: Sequence[Box], b: Sequence[Box], iou_min: float = 0.5, threshold: float = 0.0) -> Naive:
        rows = [i for i, box in enumerate(a) if box.score >= threshold]
        columns = [j for j, box in enumerate(b) if box.score >= threshold]
        found: list[list[tuple[int, int]]] = []
        for same in (True, False):
            places = best_pairs([a[i] for i in rows], [b[j] for j in columns], iou_min, same)
            found.append([(rows[i], columns[j]) for i, j in places])
            taken_a, taken_b = {i for i, _ in found[-1]}, {j for _, j in found[-1]}
            rows = [i for i in rows if i not in taken_a]
            columns = [j for j in columns if j not in taken_b]
        return Naive(found[0], found[1], rows, columns)

    return find


@pytest.fixture(scope="session")
def box() -> Callable[..., Box]:
    """A square box: ``box("car", 10, 20)`` has its corner at 10, 20."""

    def make(name: str, x: float, y: float = 0.0, side: float = 100.0, score: float = 0.5) -> Box:
        return Box((x, y, x + side, y + side), score, name)

    return make


@pytest.fixture(scope="session")
def crowd() -> Callable[..., list[Box]]:
    """``n`` boxes that overlap a lot, of three classes, and ``jittered`` copies of boxes."""

    def make(rng: np.random.Generator, n: int, spread: float = 150.0) -> list[Box]:
        corner = rng.uniform(0, spread, (n, 2))
        size = rng.uniform(60, 120, (n, 2))
        return [
            Box((*map(float, np.float32(at)), *map(float, np.float32(at + by))), float(score), str(name))
            for at, by, score, name in zip(
                corner, size, np.float32(rng.uniform(0.1, 1, n)), rng.choice(["car", "truck", "bus"], n), strict=True
            )
        ]

    return make
