"""What predictions are asked for: conditions in SQL, and what only their detections can answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sidecar.recording.blob import unpack_detections
from sidecar.recording.columns import label_mark
from sidecar.recording.pages import Conditions
from sidecar.recording.samples import SHOWN

_STATUS_CONDITIONS = {
    "ok": "status >= 200 AND status < 300 AND error = '' AND undecodable = ''",
    "error": "(status < 200 OR status >= 300 OR error <> '')",
    "undecodable": "undecodable <> ''",
    "empty": "detection_count = 0",
}
_KEPT = f"EXISTS (SELECT 1 FROM samples WHERE samples.prediction_id = predictions.prediction_id AND {SHOWN})"


@dataclass(frozen=True, slots=True)
class PredictionFilters:
    """What ``Reader.predictions`` is asked for; None asks for nothing.

    ``min_confidence`` and ``max_confidence`` (0..1, both included) hold where one detection at or above the score
    threshold, of the class ``label`` where one is given, lies between them. ``sampled``: whether an image of it was
    kept that may be shown (``kept_of``).

    >>> str(PredictionFilters(status="empty", min_latency_ms=5).others())
    '1 = 1 AND detection_count = 0 AND latency_ms >= ?'
    """

    model: str | None = None
    version: str | None = None
    role: str | None = None
    status: int | str | None = None
    label: str | None = None
    experiment: str | None = None
    since: float | None = None
    until: float | None = None
    unit: str | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    min_latency_ms: float | None = None
    max_latency_ms: float | None = None
    sampled: bool | None = None

    @property
    def needs_detections(self) -> bool:
        """Whether ``others`` holds for more than is asked for: then ``holds_for`` decides."""
        return self.max_confidence is not None or (self.min_confidence is not None and self.label is not None)

    def others(self) -> Conditions:
        """What must hold beside model, version and time. Raises ValueError naming the argument that makes no sense."""
        where = Conditions()
        where.equal("role", self.role)
        where.equal("experiment", self.experiment)
        where.equal("unit", self.unit)
        if self.status is not None:
            _add_status(where, self.status)
        if self.min_latency_ms is not None:
            where.add("latency_ms >= ?", self.min_latency_ms)
        if self.max_latency_ms is not None:
            where.add("latency_ms <= ?", self.max_latency_ms)
        _check_range("latency_ms", self.min_latency_ms, self.max_latency_ms)
        self._add_confidence(where)
        if self.label is not None:
            where.add("instr(labels, ?) > 0", label_mark(self.label))
        if self.sampled is not None:
            where.add(_KEPT if self.sampled else f"NOT {_KEPT}")
        return where

    def _add_confidence(self, where: Conditions) -> None:
        """Of the confidences of an image the store has the highest: what lies between two is not known by it."""
        low, high = self.min_confidence, self.max_confidence
        _check_range("confidence", low, high)
        if low is not None:  # compared as it was recorded, so that what is shown as 0.9 is not below 0.9
            where.add("max_confidence >= ?", float(np.float32(low)))
        if high is not None:
            where.add(
                "detection_count > 0 AND score_threshold < ?", float(np.nextafter(np.float32(high), np.float32(np.inf)))
            )

    def holds_for(self, packed: bytes, score_threshold: float) -> bool:
        """Whether the detections of a prediction that ``others`` holds for are what is asked for."""
        found = unpack_detections(packed)
        within = found.scores >= np.float32(score_threshold)
        if self.min_confidence is not None:
            within &= found.scores >= np.float32(self.min_confidence)
        if self.max_confidence is not None:
            within &= found.scores <= np.float32(self.max_confidence)
        if self.label is not None:
            named = np.zeros(len(within), bool)
            for place in _places_of(label_mark(self.label), found.labels):
                named |= found.classes == place
            within &= named
        return bool(within.any())


@lru_cache(maxsize=64)
def _places_of(mark: str, labels: tuple[str, ...]) -> list[int]:
    """Those of a model are the same in every blob."""
    return [place for place, name in enumerate(labels) if label_mark(name) == mark]


def _add_status(where: Conditions, status: int | str) -> None:
    text = str(status)
    if text in _STATUS_CONDITIONS:
        where.add(_STATUS_CONDITIONS[text])
    elif text.isascii() and text.isdigit() and len(text) <= 3:
        where.add("status = ?", int(text))
    else:
        raise ValueError(f"status: {status!r} is neither an HTTP status nor one of {', '.join(_STATUS_CONDITIONS)}")


def _check_range(name: str, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        raise ValueError(f"min_{name}: {low:g} is above max_{name}, {high:g}")
