"""Arms and epochs to compare: made cheaply from counts, or drawn."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # where pytest was not started as `python -m pytest`
    sys.path.insert(0, str(ROOT))

from sidecar.experiments import Arm, Epoch  # noqa: E402
from sidecar.summaries import ExponentialHistogram, ImageTotals, RequestTotals, Summary  # noqa: E402
from sidecar.types import latency_index  # noqa: E402


def _summary(
    rng: np.random.Generator,
    n: int,
    *,
    latency_ms: float = 20.0,
    confidence: float = 0.7,
    detections: float = 3.0,
    error_rate: float = 0.0,
    undecodable_rate: float = 0.0,
    images_each: int = 1,
    feedback: tuple[int, int] = (0, 0),
) -> Summary:
    """A Summary of ``n`` drawn requests; ``feedback`` are (correct, wrong) verdicts of users."""
    failed = int(rng.binomial(n, error_rate))
    good = n - failed
    totals = ImageTotals()
    images = np.zeros((good * images_each, 5), np.int64)
    undecodable = rng.random(len(images)) < undecodable_rate
    counts = np.where(undecodable, 0, rng.poisson(detections, len(images)))
    scores = np.clip(rng.normal(confidence, 0.1, len(images)), 0, 1)
    images[:, 0] = ~undecodable
    images[:, 1] = counts
    images[:, 2] = np.where(counts > 0, np.rint(scores * 1e6), 0)
    images[:, 3] = counts > 0
    images[:, 4] = undecodable
    totals.units.add(images.reshape(good, images_each, 5).sum(axis=1))
    if undecodable.any():
        totals.undecodable["shape"] = int(undecodable.sum())
    upstream_us = np.rint(rng.lognormal(np.log(latency_ms), 0.3, good) * 1_000).astype(np.int64)
    totals.latency_units.add(upstream_us[:, None])
    if sum(feedback):
        totals.add_feedback("correct", feedback[0])
        totals.add_feedback("wrong_label", feedback[1])
    requests = RequestTotals(n, {200: good, 503: failed}, upstream=histogram(upstream_us / 1_000))
    return Summary(requests, totals, 1)


def histogram(latencies_ms: NDArray[np.float64]) -> ExponentialHistogram:
    """Of each latency, ms."""
    indices, counts = np.unique([latency_index(ms) for ms in latencies_ms.tolist()], return_counts=True)
    return ExponentialHistogram(dict(zip(indices.tolist(), counts.tolist(), strict=True)))


@pytest.fixture(scope="session")
def make_summary() -> Callable[..., Summary]:
    """``make(seed, n, **of)``: a Summary of drawn requests, see ``_summary``."""

    def make(seed: int, n: int, **of: Any) -> Summary:
        return _summary(np.random.default_rng(seed), n, **of)

    return make


@pytest.fixture(scope="session")
def make_epoch(make_summary: Callable[..., Summary]) -> Callable[..., Epoch]:
    """One epoch of A and B, ``n`` requests at a ``share`` of B; ``a`` and ``b`` say what differs."""

    def make(
        n: int,
        share: float = 0.5,
        *,
        seed: int = 0,
        a: dict[str, Any] | None = None,
        b: dict[str, Any] | None = None,
        **both: Any,
    ) -> Epoch:
        n_b = round(n * share)
        arms = [
            Arm.of_summary(name, make_summary([seed, place], size, **(both | (of or {}))), slow_edge_ms=40.0)
            for place, (name, size, of) in enumerate((("A", n - n_b, a), ("B", n_b, b)))
        ]
        return Epoch(arms[0], (arms[1],), (1 - share, share))

    return make
