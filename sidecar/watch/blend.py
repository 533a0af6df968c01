"""What is normal for a model whose versions share its traffic: their normals, in the proportions of now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_BY_REQUESTS = frozenset(("error_rate", "p50_latency_ms", "p90_latency_ms", "p95_latency_ms", "p99_latency_ms"))


def blend(parts: Sequence[tuple[Mapping[str, Any], float, float]]) -> dict[str, Any]:
    """One set of figures (``sidecar.drift.figures_of``) of several: (figures, images now, requests now) each.

    A mean or a share of the blend is the mean by what each version serves now, so that a changed split alone is never
    taken for a change of the model. A blend of quantiles is a middle, not a quantile. What one part does not know the
    blend does not know, if that part serves anything.

    >>> blend([({"avg_confidence": 0.8}, 30, 30), ({"avg_confidence": 0.4}, 10, 10)])["avg_confidence"]
    0.7
    """
    by_images = [(figures, images) for figures, images, _ in parts]
    by_requests = [(figures, requests) for figures, _, requests in parts]
    names = dict.fromkeys(name for figures, _, _ in parts for name in figures)
    blended: dict[str, Any] = {}
    for name in names:
        weighted = by_requests if name in _BY_REQUESTS else by_images
        values = [(figures.get(name), weight) for figures, weight in weighted]
        if any(isinstance(value, Mapping) for value, _ in values):
            blended[name] = _blended_shares(values)
        else:
            blended[name] = _mean(values)
    return blended


def _mean(values: Sequence[tuple[Any, float]]) -> float | None:
    total = sum(weight for _, weight in values)
    if not total:  # nothing is served now: each counts alike
        values = [(value, 1.0) for value, _ in values]
        total = float(len(values))
    used = [(value, weight) for value, weight in values if weight]
    if any(not isinstance(value, (int, float)) for value, _ in used):
        return None
    return float(sum(value * weight for value, weight in used)) / total


def _blended_shares(values: Sequence[tuple[Any, float]]) -> dict[str, float | None]:
    """Shares by class; a class that a version never had has a share of nothing in it."""
    known = [(value if isinstance(value, Mapping) else {}, weight) for value, weight in values]
    names = dict.fromkeys(name for value, _ in known for name in value)
    return {name: _mean([(value.get(name, 0.0), weight) for value, weight in known]) for name in names}
