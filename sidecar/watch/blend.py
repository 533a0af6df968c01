"""What is normal for a model whose versions share its traffic: their normals, in the proportions of now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sidecar.watch.scope import Scope

_BY_REQUESTS = frozenset(("error_rate", "p50_latency_ms", "p90_latency_ms", "p95_latency_ms", "p99_latency_ms"))


def normal_of(
    scope: Scope,
    own: Sequence[tuple[str, Mapping[str, Any]]],
    served: Callable[[str], tuple[float, float]],
) -> Mapping[str, Any] | None:
    """What is normal for a scope: ``own`` are (version, figures) of its model's baselines, the newest first, ``served``
    the images and requests that a version serves now, which is asked only where several are blended. None without any.
    """
    if not own:
        return None
    if scope.version:
        return next((figures for version, figures in own if version == scope.version), own[0][1])
    if len(own) == 1:
        return own[0][1]
    return blend([(figures, *served(version)) for version, figures in own])


def baseline_of(scope: Scope, versions: Sequence[str]) -> str:
    """The version whose baseline ``normal_of`` takes, where a reader of the scope's name would not know; else "".

    >>> baseline_of(Scope("det", "2"), ["1"]), baseline_of(Scope("det"), ["1"]), baseline_of(Scope("det", "1"), ["1"])
    ('det@1', 'det@1', '')
    """
    if not versions or scope.version in versions or (not scope.version and len(versions) > 1):
        return ""
    return Scope(scope.model, versions[0]).model_id


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
