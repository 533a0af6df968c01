"""Precision: what share of detections is right, by class and by how sure the model was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import floor
from typing import Generic, TypeVar

from sidecar.feedback.audited import Judged
from sidecar.feedback.matching import DetectionOutcome
from sidecar.feedback.proportion import Proportion, proportion

BAND = 0.1
"""How wide a confidence band is."""
CLASSES_MAX = 100
"""Classes that are told of, those with the most detections."""
_ROUNDING = 1e-6
"""A score that was 0.35 in JSON is a little under it in float32, and belongs to the band from 0.35 on."""

Key = TypeVar("Key", str, int)


@dataclass(frozen=True, slots=True)
class ClassPrecision:
    """Of the detections of one class; ``precision.clusters`` are images."""

    label: str
    precision: Proportion


@dataclass(frozen=True, slots=True)
class BandPrecision:
    """Of the detections with a score from ``low`` up to, but not including, ``high``; the last band includes 1."""

    low: float
    high: float
    precision: Proportion


class _Tally(Generic[Key]):
    """Hits and cases by key, image by image."""

    def __init__(self) -> None:
        self._weights: dict[Key, list[float]] = defaultdict(list)
        self._hits: dict[Key, list[int]] = defaultdict(list)
        self._cases: dict[Key, list[int]] = defaultdict(list)

    def add(self, weight: float, outcomes: Iterable[DetectionOutcome], key: Callable[[DetectionOutcome], Key]) -> None:
        of_image: dict[Key, list[int]] = {}
        for found in outcomes:
            counts = of_image.setdefault(key(found), [0, 0])
            counts[0] += found.outcome == "true"
            counts[1] += 1
        for name, (hits, cases) in of_image.items():
            self._weights[name].append(weight)
            self._hits[name].append(hits)
            self._cases[name].append(cases)

    def proportions(self) -> dict[Key, Proportion]:
        return {name: proportion(self._weights[name], self._hits[name], self._cases[name]) for name in self._weights}


def precision_of(judged: Sequence[Judged], score_from: float = 0.0) -> Proportion:
    """Of all detections with a score of at least ``score_from``."""
    tally: _Tally[int] = _Tally()
    for image in judged:
        tally.add(
            image.weight, (found for found in image.outcomes if found.score >= score_from - _ROUNDING), lambda _: 0
        )
    return tally.proportions().get(0, Proportion())


def by_class(judged: Sequence[Judged]) -> list[ClassPrecision]:
    """By the class that the model said, the one with the most detections first; of equal ones by name.

    All classes: the caller tells of CLASSES_MAX. Images are the units, weighted as ``proportion`` says.
    """
    tally: _Tally[str] = _Tally()
    for image in judged:
        tally.add(image.weight, image.outcomes, lambda found: found.label)
    found = [ClassPrecision(label, precision) for label, precision in tally.proportions().items()]
    return sorted(found, key=lambda one: (-one.precision.n, one.label))


def by_confidence(judged: Sequence[Judged]) -> list[BandPrecision]:
    """By bands of BAND from the lowest operating point up to 1; a band without detections has NaN.

    A version whose operating point is higher has nothing in the bands under it.
    """
    if not judged:
        return []
    low = min(max(0.0, min(image.score_threshold for image in judged)), 1.0)
    bands = max(1, -floor(-(1.0 - low - _ROUNDING) / BAND))
    tally: _Tally[int] = _Tally()
    for image in judged:
        tally.add(image.weight, image.outcomes, lambda found: _band(found.score, low, bands))
    proportions = tally.proportions()
    return [
        BandPrecision(
            round(low + band * BAND, 6),
            1.0 if band == bands - 1 else round(low + (band + 1) * BAND, 6),
            proportions.get(band, Proportion()),
        )
        for band in range(bands)
    ]


def _band(score: float, low: float, bands: int) -> int:
    return min(max(floor((score - low + _ROUNDING) / BAND), 0), bands - 1)
