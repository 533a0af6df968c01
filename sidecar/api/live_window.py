"""What the totals since the start grew by of late: they are looked at every few seconds, and nothing is read for it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from sidecar.alerts import Figures
from sidecar.summaries import Summary

Key = tuple[str, str, str]
Document = dict[str, Any]
NOTE_EVERY_S = 5.0
WINDOW_S = 60.0
"""What figures are taken over, and up to NOTE_EVERY_S more."""
RATE_S = 10.0
"""What rates of requests are taken over, likewise."""
VARIANTS_MAX = 100
"""Models' versions in a role that are looked at, those with the most requests; the rest is counted."""
CLASSES_SHOWN = 20
CLASSES_KEPT_MAX = 200
"""Classes of one version that are looked at, the most frequent since the start."""


class _Counted(NamedTuple):
    """A total in the form that adds up fast. ``of`` is the Summary it was made of."""

    of: Summary
    figures: Figures
    classes: Mapping[str, int]


class _Note(NamedTuple):
    """How the totals stood at ``at`` (monotonic). ``whole``: none was left out."""

    at: float
    counted: Mapping[Key, _Counted]
    whole: bool


class Window:
    """The last minute of the totals since the start, which are never changed but replaced.

    >>> window = Window()
    >>> window.note({("det", "1", "serving"): Summary()}, 100.0)
    >>> window.documents({}, 101.0), window.length_s(101.0)
    (([], 0), 1.0)
    """

    def __init__(self) -> None:
        self._notes: deque[_Note] = deque(maxlen=round(WINDOW_S / NOTE_EVERY_S) + 1)
        self._latest: Mapping[Key, _Counted] = {}

    def is_due(self, now: float) -> bool:
        """Whether it is time for another note."""
        return not self._notes or now - self._notes[-1].at >= NOTE_EVERY_S

    def note(self, totals: Mapping[Key, Summary], now: float) -> None:
        """Remember how the totals stand."""
        counted, left_out = self._counted(totals)
        self._notes.append(_Note(now, counted, not left_out))

    def length_s(self, now: float) -> float:
        """How long the window is: less than a minute just after the start."""
        return round(now - self._notes[0].at, 1) if self._notes else 0.0

    def documents(self, totals: Mapping[Key, Summary], now: float) -> tuple[list[Document], int]:
        """A LiveModel of each version in each role, sorted, and how many more there are."""
        counted, left_out = self._counted(totals)
        return [self._document(key, counted[key], now) for key in sorted(counted)], left_out

    def _counted(self, totals: Mapping[Key, Summary]) -> tuple[Mapping[Key, _Counted], int]:
        """Of all models, and how many are left out. What did not change since the last time is not counted again."""
        keys = [key for key in totals if key[0]]
        if len(keys) > VARIANTS_MAX:
            keys.sort(key=lambda key: -totals[key].requests)
        counted: dict[Key, _Counted] = {}
        for key in keys[:VARIANTS_MAX]:
            known = self._latest.get(key)
            counted[key] = known if known is not None and known.of is totals[key] else _counted_of(totals[key])
        self._latest = counted
        return counted, len(keys) - len(counted)

    def _document(self, key: Key, counted: _Counted, now: float) -> Document:
        growth = _growth(counted, key, self._notes[0]) if self._notes else None
        figures = growth or Figures.total([])
        classes = sorted(figures.classes.items(), key=lambda entry: (-entry[1], entry[0]))
        return {
            **dict(zip(("model", "version", "role"), key, strict=True)),
            "requests": counted.figures.requests,
            "requests_per_s": self._rate(key, counted, now),
            "error_rate": _finite(figures.error_rate),
            "latency": {f"p{q}_ms": _finite(figures.latency_quantile(q / 100)) for q in (50, 95, 99)},
            "avg_confidence": _finite(figures.avg_confidence),
            "detections_per_image": _finite(figures.detections_per_image),
            "no_detection_rate": _finite(figures.no_detection_rate),
            "classes": dict(classes[:CLASSES_SHOWN]),
        }

    def _rate(self, key: Key, counted: _Counted, now: float) -> float:
        old = [note for note in self._notes if now - note.at >= RATE_S]
        note = old[-1] if old else self._notes[0] if self._notes else None
        growth = None if note is None else _growth(counted, key, note)
        if note is None or growth is None or now - note.at < 0.5:
            return 0.0
        return round(growth.requests / (now - note.at), 3)


def _counted_of(summary: Summary) -> _Counted:
    counts = summary.class_counts
    if len(counts) > CLASSES_KEPT_MAX:
        counts = dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:CLASSES_KEPT_MAX])
    return _Counted(summary, Figures.of(summary), counts)


def _growth(counted: _Counted, key: Key, note: _Note) -> Figures | None:
    """What was added since ``note``; None where that is not known."""
    before = note.counted.get(key)
    if before is None:  # it has come since, unless it was left out
        return Figures(counted.figures.vector.copy(), (counted.classes,)) if note.whole else None
    grown = {name: n - before.classes.get(name, 0) for name, n in counted.classes.items()}
    return Figures(counted.figures.vector - before.figures.vector, ({name: n for name, n in grown.items() if n > 0},))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
