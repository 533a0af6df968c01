"""The numbers of Summaries that alerts ask for, in a form that adds up fast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, nan

import numpy as np
from numpy.typing import NDArray

from sidecar.summaries import FEEDBACK_KINDS, ExponentialHistogram, Summary
from sidecar.types import LATENCY_SCALE, latency_index

MICRO = 1_000_000
LATENCY_LOW = latency_index(0.0)
"""The bucket of a microsecond, the lowest there is."""
LATENCY_BUCKETS = 320
"""Up to 2**30 ms, twelve days; what is longer counts there."""
CLASS_PARTS_MAX = 1_000
"""Class counts of more parts than this are added up at once, so that a total doesn't hold on to all of them."""

_COUNTS = (
    "requests",
    "failed",
    "client_left",
    "images",
    "detections",
    "images_with_detections",
    "confidence_micro",
    "undecodable",
)
_PLACE = {name: index for index, name in enumerate((*_COUNTS, *FEEDBACK_KINDS))}
_LATENCY = len(_PLACE)
SIZE = _LATENCY + LATENCY_BUCKETS
"""Numbers in a vector: the counts, feedback by kind, the latency's buckets."""


class Figures:
    """Additive numbers of one or many Summaries: an int64 vector of SIZE, and detections by class. Immutable.

    All read-outs are those of the Summary that the same buckets merge to, latency quantiles to the last bit where the
    histograms are at the default scale. A share or a mean of nothing is NaN.

    >>> Figures.total([]).requests, Figures.of(Summary()).error_rate
    (0, nan)
    """

    __slots__ = ("_class_parts", "vector")

    def __init__(self, vector: NDArray[np.int64], class_parts: tuple[Mapping[str, int], ...] = ()) -> None:
        vector.flags.writeable = False
        self.vector = vector
        self._class_parts = class_parts

    @classmethod
    def of(cls, summary: Summary) -> Figures:
        """The figures of one Summary."""
        units = dict(zip(summary.units.names, summary.units.sums, strict=True))
        counts = {
            "requests": summary.requests,
            "failed": summary.failed,
            "client_left": summary.statuses.get(0, 0),
            "images": units["images"],
            "detections": units["detections"],
            "images_with_detections": units["images_with_detections"],
            "confidence_micro": units["confidence"],
            "undecodable": sum(summary.undecodable.values()),
            **{kind: summary.feedback.get(kind, 0) for kind in FEEDBACK_KINDS},
        }
        vector = np.zeros(SIZE, np.int64)
        for name, place in _PLACE.items():
            vector[place] = counts[name]
        _add_latency(vector, summary.latency)
        return cls(vector, (dict(summary.class_counts),) if summary.class_counts else ())

    @staticmethod
    def total(parts: Iterable[Figures]) -> Figures:
        """All of them together, in one addition of NumPy's. Classes are added up when they are asked for."""
        listed = list(parts)
        if not listed:
            return Figures(np.zeros(SIZE, np.int64))
        vectors = np.concatenate([part.vector for part in listed]).reshape(len(listed), SIZE)
        class_parts = tuple(counts for part in listed for counts in part._class_parts)
        if len(class_parts) > CLASS_PARTS_MAX:
            class_parts = (_merged(class_parts),)
        return Figures(vectors.sum(axis=0), class_parts)

    @property
    def requests(self) -> int:
        return self._count("requests")

    @property
    def failed(self) -> int:
        """Requests the serving side failed: answered with 5xx."""
        return self._count("failed")

    @property
    def client_left(self) -> int:
        """Requests whose client left before it was sent a status."""
        return self._count("client_left")

    @property
    def images(self) -> int:
        """Images whose detections were read."""
        return self._count("images")

    @property
    def detections(self) -> int:
        return self._count("detections")

    @property
    def images_with_detections(self) -> int:
        return self._count("images_with_detections")

    @property
    def undecodable(self) -> int:
        """Images whose detections could not be read."""
        return self._count("undecodable")

    @property
    def classes(self) -> dict[str, int]:
        """Detections by class name."""
        if len(self._class_parts) > 1:
            self._class_parts = (_merged(self._class_parts),)
        return dict(self._class_parts[0]) if self._class_parts else {}

    def with_classes_added(self) -> Figures:
        """The same, whose classes are added up now and not each time it becomes a part of a total."""
        return Figures(self.vector, (self.classes,) if self._class_parts else ())

    def class_detections(self, name: str) -> int:
        """Detections of one class, without adding up all the others."""
        return sum(counts.get(name, 0) for counts in self._class_parts)

    @property
    def feedback(self) -> dict[str, int]:
        """What people said, by kind; only kinds that were given."""
        return {kind: n for kind in FEEDBACK_KINDS if (n := self._count(kind))}

    @property
    def avg_confidence(self) -> float:
        """The mean, over images with at least one detection, of each image's mean score."""
        return _share(self._count("confidence_micro") / MICRO, self.images_with_detections)

    @property
    def detections_per_image(self) -> float:
        return _share(self.detections, self.images)

    @property
    def no_detection_rate(self) -> float:
        """The share of images read in which nothing was detected."""
        return _share(self.images - self.images_with_detections, self.images)

    @property
    def undecodable_rate(self) -> float:
        """The share of images of successful requests whose detections could not be read."""
        return _share(self.undecodable, self.images + self.undecodable)

    @property
    def error_rate(self) -> float:
        """The share of requests that the serving side failed."""
        return _share(self.failed, self.requests)

    def class_share(self, name: str) -> float:
        """The share of detections that are of a class."""
        return _share(self.class_detections(name), self.detections)

    @property
    def feedback_score(self) -> float:
        """``correct`` over all feedback."""
        return _share(self._count("correct"), self.feedback_count)

    @property
    def feedback_count(self) -> int:
        return sum(self._count(kind) for kind in FEEDBACK_KINDS)

    @property
    def latency_count(self) -> int:
        """Requests whose latency is known."""
        return int(self.vector[_LATENCY:].sum())

    def latency_quantile(self, q: float) -> float:
        """As ``ExponentialHistogram.quantile`` has it: ms, the geometric middle of the bucket."""
        ends = np.cumsum(self.vector[_LATENCY:])
        count = int(ends[-1])
        if not count:
            return nan
        index = int(np.searchsorted(ends, max(1, ceil(q * count)))) + LATENCY_LOW
        return float(2.0 ** ((index + 0.5) * 2.0**-LATENCY_SCALE))

    def slow_rate(self, edge_ms: float) -> float:
        """The share of requests surely slower than ``edge_ms``: those in buckets above its own.

        A bucket is 9 % wide. Splitting the one that holds ``edge_ms`` would call half of a model's requests slow where
        all take about as long, so its requests never count.
        """
        above = latency_index(edge_ms) + 1 - LATENCY_LOW
        return _share(int(self.vector[_LATENCY + above :].sum()), self.latency_count)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Figures)
            and bool(np.array_equal(self.vector, other.vector))
            and self.classes == other.classes
        )

    def __hash__(self) -> int:
        return hash(self.vector.tobytes())

    def __repr__(self) -> str:
        return f"Figures(requests={self.requests}, images={self.images}, detections={self.detections})"

    def _count(self, name: str) -> int:
        return int(self.vector[_PLACE[name]])


def _share(part: float, whole: int) -> float:
    return part / whole if whole else nan


def _merged(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    merged: dict[str, int] = {}
    for part in parts:
        for name, n in part.items():
            merged[name] = merged.get(name, 0) + n
    return merged


def _add_latency(vector: NDArray[np.int64], latency: ExponentialHistogram) -> None:
    """Count a histogram's buckets; one that is coarser than ours goes to the middle of what it covers."""
    coarser = LATENCY_SCALE - latency.scale
    for index, n in latency.counts.items():
        own = index >> -coarser if coarser <= 0 else (index << coarser) + (1 << coarser >> 1)
        vector[_LATENCY + min(max(own - LATENCY_LOW, 0), LATENCY_BUCKETS - 1)] += n
