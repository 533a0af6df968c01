"""Results of tests as the real statistics give them, of traffic drawn with a seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sidecar.experiments import Arm, Epoch
from sidecar.experiments.pairs import PairReport, PairSummary, pair_request, report_of
from sidecar.summaries import ExponentialHistogram, ImageTotals, RequestTotals, Summary
from sidecar.trials import SidePair, side_pair
from sidecar.types import Detections, latency_index
from tests.api.live import make_prediction
from tests.kit.trial_traffic import copy, serving

LABELS = ("car", "truck", "dog")


def arm(name: str, seed: int, n: int, **of: Any) -> Arm:
    """A variant's ``n`` requests; ``of`` are the keywords of ``summary``."""
    return Arm.of_summary(name, summary(np.random.default_rng(seed), n, **of), slow_edge_ms=40.0)


def summary(
    rng: np.random.Generator, n: int, *, latency_ms: float = 20.0, confidence: float = 0.8, error_rate: float = 0.0
) -> Summary:
    """Requests with one image each, and their latencies."""
    failed = int(rng.binomial(n, error_rate))
    good = n - failed
    found = rng.poisson(3.0, good)
    scores = np.clip(rng.normal(confidence, 0.1, good), 0, 1)
    totals = ImageTotals()
    sums = np.stack([np.ones(good), found, np.where(found > 0, np.rint(scores * 1e6), 0), found > 0, np.zeros(good)], 1)
    totals.units.add(sums.astype(np.int64))
    upstream_us = np.rint(rng.lognormal(np.log(latency_ms), 0.3, good) * 1_000).astype(np.int64)
    totals.latency_units.add(upstream_us[:, None])
    indices, counts = np.unique([latency_index(us / 1_000) for us in upstream_us.tolist()], return_counts=True)
    upstream = ExponentialHistogram(dict(zip(indices.tolist(), counts.tolist(), strict=True)))
    return Summary(RequestTotals(n, {200: good, 503: failed}, upstream=upstream), totals, 1)


def epoch(
    number: int, n: int, share: float, *, a: dict[str, Any] | None = None, b: dict[str, Any] | None = None
) -> Epoch:
    """``n`` requests at a ``share`` of B; ``a`` and ``b`` say what differs."""
    n_b = round(n * share)
    arms = (arm("A", 2 * number, n - n_b, **(a or {})), arm("B", 2 * number + 1, n_b, **(b or {})))
    return Epoch(arms[0], (arms[1],), (1 - share, share), number)


def pair_report(n: int = 300, classes: tuple[str, ...] = LABELS) -> PairReport:
    """``n`` images, each seen by both: B calls some cars trucks, misses some, has dogs of its own, and is slower."""
    rng = np.random.default_rng(6)
    made = PairSummary()
    for number in range(n):
        boxes = np.array([[0, 0, 90, 90], [200, 0, 290, 90], [400, 0, 490, 90]], np.float32)
        mine, theirs = [0, 0, 1], [0, 0, 1]
        shifted = boxes + rng.normal(0, 6, boxes.shape).astype(np.float32)
        if number % 9 == 0:
            theirs[0] = 1
        elif number % 13 == 0:
            theirs, shifted = theirs[1:], shifted[1:]
        elif number % 17 == 0:
            theirs, shifted = [*theirs, 2], np.vstack([shifted, [[600, 0, 690, 90]]]).astype(np.float32)
        made.add(
            pair_request(
                [_seen(number, boxes, mine, classes, 0.7, 10.0)],
                [_seen(number, shifted, theirs, classes, 0.72 + 0.02 * rng.random(), 14.0 + number % 3)],
            )
        )
    return report_of(made, "det@1", "det@2")


def _seen(number: int, boxes: Any, codes: list[int], classes: tuple[str, ...], score: float, upstream_ms: float) -> Any:
    found = Detections(boxes, np.full(len(codes), score, np.float32), np.array(codes, np.int32), classes)
    prediction = make_prediction(number, detections=found, upstream_ms=upstream_ms)
    return replace(prediction, image_width=800, image_height=600, score_threshold=0.25)


def side_of(label: str, number: int = 0, sample_id: str | None = None) -> SidePair:
    """What both say of an image: A sees something of the class ``label`` that B does not; both see a dog, which B is
    surer of."""
    name = f"r{number}"
    (_, _, (a,)), (_, _, (b,)) = (
        serving(name, [(0.0, 0.75, label), (200.0, 0.5, "dog")], model="det", version="1"),
        copy(name, [(200.0, 0.75, "dog")], model="det", version="2"),
    )
    return side_pair(a, b, sample_id=sample_id)
