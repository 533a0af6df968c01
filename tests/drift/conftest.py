"""Blocks to compare: made cheaply from counts, or from predictions one by one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidecar.drift import Block
from sidecar.summaries import Histogram, ImageTotals, Moments, RequestTotals, Summary
from sidecar.summaries.images import EDGES, UNIT_NAMES, UNIT_SCALES
from sidecar.types import Detections, Prediction

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # where pytest was not started as `python -m pytest`
    sys.path.insert(0, str(ROOT))

DAY_S = 86_400.0


@pytest.fixture(scope="session")
def make_block() -> Callable[..., Block]:
    """A block with these detections by class. ``per_image`` are the detections of each of its images [I] (all in one
    image where it is left out), ``confidence`` a score in 0..1 of each, or of all; ``brightness`` of probed images."""

    def make(
        start: float,
        classes: Mapping[str, int] | None = None,
        *,
        per_image: Sequence[int] | None = None,
        class_images: Mapping[str, int] | None = None,
        confidence: Any = 0.705,
        area: Any = 0.1,
        aspect: Any = 1.5,
        brightness: Sequence[float] = (),
        requests: int = 0,
    ) -> Block:
        counts = {name: int(n) for name, n in (classes or {}).items() if n}
        detections = sum(counts.values())
        images = np.asarray([detections] if per_image is None else per_image, np.int64)
        totals = ImageTotals(class_counts=counts, class_images=dict(class_images or {}))
        totals.confidence_histogram = _filled("confidence_histogram", np.asarray(confidence) * 1e6, detections)
        totals.detections_per_image = _filled("detections_per_image", images, images.size)
        totals.area = _filled("area", area, detections)
        totals.aspect = _filled("aspect", aspect, detections)
        for value in brightness:
            totals.add_probe(640, 480, value)
        found = int((images > 0).sum())
        mean_micro = round(float(np.mean(confidence)) * 1e6)
        totals.units = Moments(
            UNIT_NAMES, UNIT_SCALES, images.size, [images.size, detections, mean_micro * found, found, 0]
        )
        return Block(start, Summary(RequestTotals(requests), totals, 1))

    return make


def _filled(name: str, values: Any, n: int) -> Histogram:
    histogram = Histogram(EDGES[name])
    histogram.add(np.broadcast_to(values, n) if np.ndim(values) == 0 else values)
    return histogram


@pytest.fixture(scope="session")
def make_days(make_block: Callable[..., Block]) -> Callable[..., list[Block]]:
    """``n`` days from ``first`` on, alike but for chance: ``shares`` of classes, Poisson detections in each image."""

    def make(
        n: int,
        shares: Mapping[str, float],
        *,
        first: int = 0,
        seed: int = 0,
        images: int = 200,
        mean: float = 3.0,
        **block: Any,
    ) -> list[Block]:
        rng = np.random.default_rng([seed, first])
        days = []
        for day in range(first, first + n):
            per_image = rng.poisson(mean, images)
            found = rng.multinomial(per_image.sum(), list(shares.values()))
            by_class = dict(zip(shares, found.tolist(), strict=True))
            days.append(make_block(day * DAY_S, by_class, per_image=per_image, class_images=by_class, **block))
        return days

    return make


@pytest.fixture(scope="session")
def make_prediction() -> Callable[..., Prediction]:
    """An image's prediction: scores and class numbers into ``labels``; boxes as given, else all alike."""

    def make(
        at: float,
        scores: Any,
        classes: Any = None,
        labels: tuple[str, ...] = ("car", "person"),
        boxes: Any = None,
        size: tuple[int, int] = (640, 480),
    ) -> Prediction:
        n = len(scores)
        found = Detections(
            np.tile(np.array([0, 0, 64, 48], np.float32), (n, 1)) if boxes is None else boxes,
            np.asarray(scores, np.float32),
            np.zeros(n, np.int32) if classes is None else np.asarray(classes, np.int32),
            labels,
        )
        return Prediction(
            f"id-{at}", f"id-{at}", 0, at, "m", "1", "v", "serving", "", 0, "", "", "v2", 200, "", "", 12.0, 10.0, 9.0,
            1, 1, *size, 0.25, "", "", found,
        )  # fmt: skip

    return make
