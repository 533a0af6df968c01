"""A real store with a made-up past, and what watches it on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sidecar.monitor.buckets import WIDTHS_S
from sidecar.recording import Batch, Reader, Store, SummaryRow
from sidecar.summaries import Summary, SummaryKey
from sidecar.types import Detections, Prediction, RequestCounts, latency_index
from sidecar.watch import Checks, Drift, History, Normal
from sidecar.watch.loading import Load, pages_of

MONDAY = 1_704_067_200.0  # 2024-01-01T00:00:00Z
DAY_S = 86_400.0
LABELS = ("car", "person", "dog", "kite")


@dataclass
class Clock:
    """Wall and monotonic time that only the test moves."""

    now: float = MONDAY
    ticks: float = 1_000.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.ticks

    def go(self, seconds: float) -> None:
        self.now += seconds
        self.ticks += seconds


def prediction(at: float, number: int, classes: Iterable[int], score: float = 0.8, **changes: object) -> Prediction:
    """One image with a detection of each of ``classes``."""
    codes = np.array(list(classes), np.int32)
    values: dict[str, object] = {
        "prediction_id": f"p{at:.0f}-{number}",
        "request_id": f"p{at:.0f}-{number}",
        "image_index": 0,
        "at": at,
        "model": "det",
        "version": "1",
        "variant": "A",
        "role": "serving",
        "experiment": "",
        "epoch": 0,
        "unit": "",
        "slice": "",
        "dialect": "v2",
        "status": 200,
        "error": "",
        "undecodable": "",
        "latency_ms": 20.0,
        "upstream_ms": 18.0,
        "first_byte_ms": 17.0,
        "request_bytes": 1,
        "response_bytes": 1,
        "image_width": 640,
        "image_height": 480,
        "score_threshold": 0.25,
        "client_request_id": "",
        "trace_id": "",
        "detections": Detections(
            np.tile(np.array([[10, 10, 110, 60]], np.float32), (len(codes), 1)),
            np.full(len(codes), score, np.float32),
            codes,
            LABELS,
        ),
    }
    return Prediction(**(values | changes))  # type: ignore[arg-type] - values of many types


@dataclass
class Past:
    """Writes predictions as the pipeline would: rows, and summaries of every width."""

    store: Store
    pending: list[Prediction] = field(default_factory=list)
    revision: int = 1

    def add(self, predictions: Iterable[Prediction]) -> None:
        self.pending += predictions

    def add_day(self, day: int, rng: np.random.Generator, shares: Iterable[float], **changes: object) -> None:
        """A day of traffic, ten images every other hour, their classes drawn with ``shares``."""
        chance = np.array(list(shares), float)
        for hour in range(0, 24, 2):
            at = MONDAY + day * DAY_S + hour * 3_600
            self.add(
                prediction(at + 7 * number, number, rng.choice(len(LABELS), 3, p=chance / chance.sum()), **changes)
                for number in range(10)
            )

    async def write(self, *, rows: bool = True) -> None:
        """Commit what was added; without ``rows`` only its summaries are left, as after retention."""
        grouped: dict[SummaryKey, list[Prediction]] = {}
        for item in self.pending:
            key = (item.model, item.version, item.role, item.experiment, item.epoch, item.slice)
            for width_s in WIDTHS_S:
                grouped.setdefault(SummaryKey(int(item.at) // width_s * width_s, width_s, *key), []).append(item)
        found = []
        for name, items in grouped.items():
            summary = Summary()
            summary.add_predictions(items)
            summary.add_counts(_counts(name, items))
            found.append(SummaryRow(**name._asdict(), revision=self.revision, payload=summary.encode()))
        await self.store.commit(Batch(predictions=self.pending if rows else (), summaries=found))
        self.pending = []


def _counts(key: SummaryKey, items: Sequence[Prediction]) -> RequestCounts:
    counts = RequestCounts(key.bucket, key.model, key.version, "serving", key.experiment, key.epoch, key.slice)
    counts.requests = len(items)
    for item in items:
        counts.statuses[item.status] = counts.statuses.get(item.status, 0) + 1
        index = latency_index(item.latency_ms)
        counts.latency[index] = counts.latency.get(index, 0) + 1
        counts.latency_sum_us += round(item.latency_ms * 1000)
    return counts


@dataclass
class Room:
    """All that a test of this room needs."""

    store: Store
    reader: Reader
    clock: Clock
    past: Past
    history: History
    normal: Normal
    drift: Drift
    checks: Checks
    independent: set[str]

    @property
    def load(self) -> Load:
        """As the composition root reads for alerts."""
        return pages_of(self.reader)
