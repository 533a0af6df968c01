"""Figures as the overview gives them: of a whole range, in columns over time, and the mix of classes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import isfinite
from typing import Any

from sidecar.alerts import Figures
from sidecar.api.overview.span import Span

CLASSES_SHOWN = 8
"""Classes that have a line of their own, the most frequent of the range; the rest is one line together."""
FIGURES = (
    "error_rate",
    "p50_latency_ms",
    "p90_latency_ms",
    "p99_latency_ms",
    "avg_confidence",
    "detections_per_image",
    "no_detection_rate",
)
"""What is told of each bucket beside its requests."""
RATE_AFTER = 0.25
"""The part of a bucket that must be over before its requests a second are told: of less they jump about."""
_QUANTILES = {"p50_latency_ms": 0.5, "p90_latency_ms": 0.9, "p99_latency_ms": 0.99}


def value_of(figures: Figures, name: str) -> float | None:
    """One of FIGURES; None where there is nothing to make it of.

    >>> value_of(Figures.total([]), "error_rate") is None
    True
    """
    quantile = _QUANTILES.get(name)
    value: float = getattr(figures, name) if quantile is None else figures.latency_quantile(quantile)
    return shortened(value) if isfinite(value) else None


def shortened(value: float) -> float:
    """To five digits: figures are sent by the thousand.

    >>> shortened(0.123456789), shortened(1234567.0)
    (0.12346, 1234600.0)
    """
    return float(f"{value:.5g}")


def figures_document(figures: Figures, seconds: float) -> dict[str, Any]:
    """An OverviewFigures of ``seconds`` of time."""
    return {
        "requests": figures.requests,
        "request_rate": shortened(figures.requests / seconds) if seconds > 0 else None,
        "images": figures.images,
        "detections": figures.detections,
        **{name: value_of(figures, name) for name in FIGURES},
    }


def series_document(cells: Mapping[int, Figures], span: Span) -> dict[str, list[Any]]:
    """The columns of an OverviewSeries, a value for each bucket of the span."""
    places = range(span.buckets)
    requests = [cells[place].requests if place in cells else 0 for place in places]
    return {
        "requests": requests,
        "request_rate": [_rate(count, span, place) for place, count in zip(places, requests, strict=True)],
        **{name: [value_of(cells[place], name) if place in cells else None for place in places] for name in FIGURES},
    }


def _rate(requests: int, span: Span, place: int) -> float | None:
    seconds = span.seconds(place)
    return shortened(requests / seconds) if seconds >= RATE_AFTER * span.width_s else None


def classes_document(cells: Mapping[int, Figures], buckets: int) -> list[dict[str, Any]]:
    """OverviewClasses, the most frequent first; the last is of all that have no line of their own, if any."""
    by_place = {place: figures.classes for place, figures in cells.items()}
    totals: Counter[str] = Counter()
    for classes in by_place.values():
        totals.update(classes)
    labels = sorted(totals, key=lambda label: (-totals[label], label))[:CLASSES_SHOWN]
    columns = [
        (label, False, {place: classes.get(label, 0) for place, classes in by_place.items()}) for label in labels
    ]
    if len(totals) > len(labels):
        told = {place: sum(classes.get(label, 0) for label in labels) for place, classes in by_place.items()}
        rest = {place: sum(classes.values()) - told[place] for place, classes in by_place.items()}
        columns.append(("", True, rest))
    return [
        {"label": label, "is_rest": is_rest, "detections": [counts.get(place, 0) for place in range(buckets)]}
        for label, is_rest, counts in columns
    ]
