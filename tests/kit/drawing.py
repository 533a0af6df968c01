"""Summaries of requests that are drawn, cheaply."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidecar.summaries import ExponentialHistogram, ImageTotals, RequestTotals, Summary
from sidecar.types import latency_index


def drawn_summary(
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
