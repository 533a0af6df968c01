"""What changed of a version since the range before, or from its baseline: what matters, and isn't chance. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, isfinite, log, nan
from typing import Any, Literal, NamedTuple

from sidecar.alerts import Figures
from sidecar.api.overview.columns import CLASSES_SHOWN
from sidecar.api.overview.grid import Whose
from sidecar.api.overview.measured import (
    UNITS_MIN,
    Measured,
    normal_of,
    of_values,
    p_of_difference,
    p_of_rates,
    p_of_shares,
    ratio,
)
from sidecar.holm import holm

ALPHA = 0.01
"""How often at most something is told of ranges that differ by chance alone, all comparisons together."""
Against = Literal["previous", "baseline"]


class Floor(NamedTuple):
    """The least difference that is worth a word: of the value itself, or ``relative`` to what it was."""

    least: float
    relative: bool = False

    def times(self, after: float, before: float) -> float:
        """How many times the least difference it is.

        >>> round(Floor(0.1, True).times(1.3, 1.0), 9), round(Floor(0.02).times(0.7, 0.8), 9)
        (3.0, 5.0)
        """
        difference = abs(after - before)
        if not self.relative:
            return difference / self.least
        return difference / (self.least * before) if before else (1.0 if difference else 0.0)


FLOORS: Mapping[str, Floor] = {
    "error_rate": Floor(0.005),
    "p90_latency_ms": Floor(0.15, relative=True),  # a bucket of the histogram is 9 % wide
    "avg_confidence": Floor(0.02),
    "detections_per_image": Floor(0.10, relative=True),
    "no_detection_rate": Floor(0.03),
    "class_share": Floor(0.05),
    "request_rate": Floor(0.25, relative=True),
}


BY_FACTORS = ("p90_latency_ms",)
"""Figures that vary by factors: their logarithms are compared, or a few slow moments would hide everything else."""


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of a version that differs from ``before`` to ``after``; ``label`` is the class it is of. ``times`` says
    how many times the least difference worth a word. Of a version that came or went, the metric is ``traffic`` and the
    figures are its shares of all requests."""

    whose: Whose
    metric: str
    label: str
    before: float
    after: float
    against: Against
    times: float


class Side(NamedTuple):
    """A version over a range: figures by block, how long each block is, and all together."""

    blocks: Mapping[int, Figures]
    seconds: Sequence[float]
    total: Figures


class _Compared(NamedTuple):
    change: Change
    p: float


def changes_between(
    now: Mapping[Whose, Side],
    previous: Mapping[Whose, Side],
    baselines: Mapping[Whose, Mapping[str, Any]],
    together: tuple[Whose, Side, Side] | None = None,
) -> list[Change]:
    """Those of every version, what differs most first. A version with one of ``baselines`` (the figures that were
    normal) is compared with that, others with ``previous``. ``together`` is all traffic, now and before: what its
    requests are compared by."""
    compared: list[_Compared] = []
    for whose, side in now.items():
        if whose in baselines:
            compared += _with_baseline(whose, side, baselines[whose])
        elif whose in previous:
            compared += _with_previous(whose, side, previous[whose])
    if together is not None:
        compared += _requests(*together)
    adjusted = holm([one.p for one in compared])
    found = [one.change for one, p in zip(compared, adjusted, strict=True) if p <= ALPHA and one.change.times >= 1]
    found += _came_and_went(now, previous)
    return sorted(found, key=lambda change: -change.times)


def _with_previous(whose: Whose, now: Side, before: Side) -> Iterator[_Compared]:
    for metric, label, measure in _measures(_labels(now.total, before.total)):
        yield from _of(whose, metric, label, measure(now), measure(before), "previous")
    p = p_of_shares(now.total.failed, now.total.requests, before.total.failed, before.total.requests)
    if p is not None:
        yield _made(whose, "error_rate", "", before.total.error_rate, now.total.error_rate, "previous", p)


def _with_baseline(whose: Whose, now: Side, normal: Mapping[str, Any]) -> Iterator[_Compared]:
    shares: Mapping[str, float] = normal.get("class_shares") or {}
    labels = _top(now.total.classes) | _top(shares)
    for metric, label, measure in _measures(labels):
        value = _compared_by(metric, shares.get(label, 0.0) if label else normal.get(metric))
        found = measure(now)
        if found is not None and isfinite(value):
            units = normal.get("requests" if metric == "p90_latency_ms" else "images")
            yield from _of(whose, metric, label, found, normal_of(value, found, float(units or 0)), "baseline")
    n, rate = int(normal.get("requests") or 0), normal.get("error_rate")
    if isinstance(rate, (int, float)):
        p = p_of_shares(now.total.failed, now.total.requests, round(rate * n), n)
        if p is not None:
            yield _made(whose, "error_rate", "", float(rate), now.total.error_rate, "baseline", p)


def _compared_by(metric: str, value: object) -> float:
    """A figure of a baseline on the scale it is compared on; NaN where it has none."""
    if not isinstance(value, (int, float)):
        return nan
    if metric in BY_FACTORS:
        return log(value) if value > 0 else nan
    return float(value)


def _requests(whose: Whose, now: Side, before: Side) -> Iterator[_Compared]:
    seconds = [sum(side.seconds) for side in (now, before)]
    p = p_of_rates(now.total.requests, seconds[0], before.total.requests, seconds[1])
    if p is not None:
        rate, earlier = now.total.requests / seconds[0], before.total.requests / seconds[1]
        yield _made(whose, "request_rate", "", earlier, rate, "previous", p)


def _came_and_went(now: Mapping[Whose, Side], previous: Mapping[Whose, Side]) -> Iterator[Change]:
    """Versions that answer clients on one side only, where there is another version on both."""
    shares = [_request_shares(side) for side in (previous, now)]
    if not all(shares):
        return
    for whose in {**shares[0], **shares[1]}:
        before, after = (of_side.get(whose, 0.0) for of_side in shares)
        side = (now if after else previous).get(whose)
        if (not before or not after) and side is not None and side.total.requests >= UNITS_MIN:
            yield Change(whose, "traffic", "", before, after, "previous", 2.0)


def _request_shares(sides: Mapping[Whose, Side]) -> dict[Whose, float]:
    counts = {whose: side.total.requests for whose, side in sides.items() if side.total.requests}
    return {whose: n / sum(counts.values()) for whose, n in counts.items()}


def _of(
    whose: Whose, metric: str, label: str, now: Measured | None, before: Measured | None, against: Against
) -> Iterator[_Compared]:
    if now is not None and before is not None:
        values = (before.value, now.value)
        if metric in BY_FACTORS:
            values = (exp(before.value), exp(now.value))
        yield _made(whose, metric, label, *values, against, p_of_difference(now, before))


def _made(whose: Whose, metric: str, label: str, before: float, after: float, against: Against, p: float) -> _Compared:
    return _Compared(Change(whose, metric, label, before, after, against, FLOORS[metric].times(after, before)), p)


Measure = Callable[[Side], Measured | None]


def _measures(labels: set[str]) -> Iterator[tuple[str, str, Measure]]:
    """(metric, class, how it is measured) of all that is told by blocks."""
    yield "p90_latency_ms", "", _p90
    yield "avg_confidence", "", lambda side: ratio(_confidence(side), side.total.images_with_detections)
    yield "detections_per_image", "", lambda side: _ratio(side, "detections", "images")
    yield "no_detection_rate", "", lambda side: ratio(_empty(side), side.total.images)
    for label in sorted(labels):
        yield "class_share", label, partial(_class_share, label=label)


def _p90(side: Side) -> Measured | None:
    values = [log(figures.latency_quantile(0.9)) for figures in side.blocks.values() if figures.latency_count]
    if not values:
        return None
    return of_values(log(side.total.latency_quantile(0.9)), values, side.total.latency_count)


def _ratio(side: Side, above: str, below: str) -> Measured | None:
    parts = [(getattr(figures, above), getattr(figures, below)) for figures in side.blocks.values()]
    return ratio(parts, getattr(side.total, below))


def _confidence(side: Side) -> list[tuple[float, float]]:
    return [
        (figures.avg_confidence * figures.images_with_detections, figures.images_with_detections)
        for figures in side.blocks.values()
        if figures.images_with_detections
    ]


def _empty(side: Side) -> list[tuple[float, float]]:
    return [(figures.images - figures.images_with_detections, figures.images) for figures in side.blocks.values()]


def _class_share(side: Side, label: str) -> Measured | None:
    parts = [(figures.class_detections(label), figures.detections) for figures in side.blocks.values()]
    return ratio(parts, side.total.images)


def _labels(*totals: Figures) -> set[str]:
    return {label for total in totals for label in _top(total.classes)}


def _top(amounts: Mapping[str, float]) -> set[str]:
    return set(sorted(amounts, key=lambda label: (-amounts[label], label))[:CLASSES_SHOWN])


def value_within(change: Change, parts: Sequence[Figures], seconds: float = nan) -> float:
    """The figure that changed, of some cells; NaN where there is nothing of it."""
    total = Figures.total(parts)
    if change.metric == "class_share":
        return total.class_share(change.label)
    if change.metric == "p90_latency_ms":
        return total.latency_quantile(0.9)
    if change.metric == "request_rate":
        return total.requests / seconds if seconds > 0 else nan
    value: float = getattr(total, change.metric)
    return value
