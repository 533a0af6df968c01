"""The figures the API and /metrics show, gathered from the parts of the monitor that count them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.api.services import Backlog, WorkerStatus
from sidecar.app.config import RetentionConfig
from sidecar.data_engine import SampleKeeper
from sidecar.data_engine.samples import QUEUE_BYTES_MAX as SAMPLES_BYTES_MAX
from sidecar.data_engine.samples import QUEUE_ITEMS_MAX as SAMPLES_ITEMS_MAX
from sidecar.monitor.intake import IMAGES_BYTES_MAX, QUEUE_BYTES_MAX, Intake
from sidecar.monitor.pipeline import Pipeline
from sidecar.monitor.sampling import Sampling
from sidecar.recording import Store
from sidecar.streaming import Delivery
from sidecar.summaries import Summary
from sidecar.trials import Tally
from sidecar.types import Limits

FAILING_S = 60.0
"""How long a part that failed counts as failing."""


class Figures:
    """Reads, never writes. Counts are since the start of this monitor."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        pipeline: Pipeline,
        sampling: Sampling,
        keeper: SampleKeeper,
        deliveries: Sequence[Delivery],
        tally: Tally,
        retention: RetentionConfig,
    ) -> None:
        self._store = store
        self._intake = intake
        self._pipeline = pipeline
        self._sampling = sampling
        self._keeper = keeper
        self._deliveries = deliveries
        self._tally = tally
        self._retention = retention
        self.part_failures: dict[str, tuple[str, float]] = {}
        self.removed: Counter[tuple[str, str]] = Counter()

    def summaries(self) -> Mapping[tuple[str, str, str], Summary]:
        return self._pipeline.totals

    def workers(self) -> Sequence[WorkerStatus]:
        """Of each worker its last life, connected or not."""
        latest: dict[int, WorkerStatus] = {}
        for state in sorted(self._intake.workers.values(), key=lambda state: state.epoch):
            restarts = self._intake.starts[state.worker] - 1
            latest[state.worker] = WorkerStatus(
                state.worker, state.epoch, state.pid, state.connected, state.status, restarts
            )
        return list(latest.values())

    def dropped(self) -> Mapping[tuple[str, str], int]:
        """What the workers dropped over all their lives, and what the monitor did."""
        dropped: Counter[tuple[str, str]] = Counter()
        for name, count in self._intake.counted("dropped").items():
            stage, _, reason = name.partition("/")
            dropped[stage, reason] += count
        dropped["tally", "fault"] += self._tally.failed
        dropped["tally", "store"] += self._tally.lookup_failures
        dropped += self._intake.dropped
        dropped += self._pipeline.dropped
        for (rule, reason), count in self._sampling.missed.items():
            dropped[f"sample_{rule}", reason] += count
        for (rule, reason), count in self._keeper.failed.items():
            dropped[f"sample_{rule}", reason] += count
        for rule, count in self._keeper.queue_full.items():
            dropped[f"sample_{rule}", "queue_full"] += count
        dropped += self.removed
        for reason, count in self._keeper.probe_failed.items():
            dropped["sample_input_probe", reason] += count
        return dropped

    def limits_hit(self) -> Mapping[str, int]:
        """How often the workers met each of their bounds, over all their lives."""
        return self._intake.counted("limits_hit")

    def tls_failed(self) -> Mapping[str, int]:
        """Clients of the data port that no TLS connection came of, over all lives of the workers."""
        return self._intake.counted("tls_failed")

    def lost(self) -> int:
        """Exchanges and predictions that were not recorded. An image that was not kept is no loss of the record, nor is
        old feedback that made room."""
        no_loss = ("sample_", "feedback")
        return sum(count for (stage, _), count in self.dropped().items() if not stage.startswith(no_loss))

    def answering(self) -> set[str]:
        """Models that have answered with images."""
        return {model for (model, _, _), summary in self._pipeline.totals.items() if model and summary.images}

    def backlog(self) -> Sequence[Backlog]:
        """What waits to be recorded, in the order in which it moves on."""
        workers = [worker for worker in self.workers() if worker.connected]
        tap_bytes = sum(int(worker.status.get("tap_bytes", 0)) for worker in workers)
        tap_bytes_max = sum(int(worker.status.get("tap_bytes_max", 0)) for worker in workers)
        frames, frame_bytes = self._intake.queued
        intake, keeper = self._intake, self._keeper
        return [
            Backlog("tap", None, tap_bytes, None, tap_bytes_max or Limits().tap_bytes_max),
            Backlog("link", frames, frame_bytes, None, QUEUE_BYTES_MAX),
            Backlog("writer", self._pipeline.uncommitted, None, None, None),
            Backlog("images", len(intake.images), intake.images_bytes, None, IMAGES_BYTES_MAX),
            Backlog("samples", keeper.queued, keeper.queued_bytes, SAMPLES_ITEMS_MAX, SAMPLES_BYTES_MAX),
        ]

    def waiting(self) -> int:
        """What waits to be sent to backends."""
        return sum(delivery.stats.items for delivery in self._deliveries)

    def samples(self) -> Mapping[str, int]:
        return self._keeper.kept

    def outbox(self) -> Sequence[tuple[str, int, int, float, int, int, int]]:
        now = time.time()
        rows = []
        for delivery in self._deliveries:
            stats = delivery.stats
            age_s = max(0.0, now - stats.oldest_at) if stats.oldest_at else 0.0
            rows.append((delivery.name, stats.items, stats.bytes, age_s, stats.sent, stats.failed, stats.dropped))
        return rows

    def failing_parts(self) -> Mapping[str, str]:
        """Those that failed within the last FAILING_S."""
        now = time.monotonic()
        return {name: why for name, (why, at) in self.part_failures.items() if now - at < FAILING_S}

    def store(self) -> Mapping[str, Any]:
        health = self._store.health
        return {
            "ok": health.ok,
            "reason": health.reason,
            "bytes": health.bytes,
            "images_bytes": health.images_bytes,
            "kept_bytes": health.kept_bytes,
            "used_bytes": health.used_bytes,
            "bytes_max": self._retention.bytes_max,
            "age_days": self._retention.age_days,
            "set_aside_bytes": health.set_aside_bytes,
            "disk_free_bytes": health.disk_free_bytes,
            "set_aside": list(health.set_aside),
            "predictions_written": self._pipeline.written,
            "commit_seconds": self._pipeline.commit_seconds,
            "commit_failures": dict(self._pipeline.commit_failures),
        }
