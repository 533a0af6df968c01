"""The figures the API and /metrics show, gathered from the parts of the monitor that count them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.api.services import WorkerStatus
from sidecar.data_engine import SampleKeeper
from sidecar.monitor.intake import Intake
from sidecar.monitor.pipeline import Pipeline
from sidecar.monitor.sampling import Sampling
from sidecar.recording import Store
from sidecar.streaming import Delivery
from sidecar.summaries import Summary
from sidecar.trials import Tally

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
    ) -> None:
        self._store = store
        self._intake = intake
        self._pipeline = pipeline
        self._sampling = sampling
        self._keeper = keeper
        self._deliveries = deliveries
        self._tally = tally
        self.part_failures: dict[str, tuple[str, float]] = {}
        self.removed: Counter[tuple[str, str]] = Counter()

    def summaries(self) -> Mapping[tuple[str, str, str], Summary]:
        return self._pipeline.totals

    def workers(self) -> Sequence[WorkerStatus]:
        """Of each worker its last life, connected or not."""
        latest: dict[int, WorkerStatus] = {}
        for state in sorted(self._intake.workers.values(), key=lambda state: state.epoch):
            latest[state.worker] = WorkerStatus(state.worker, state.epoch, state.pid, state.connected, state.status)
        return list(latest.values())

    def dropped(self) -> Mapping[tuple[str, str], int]:
        """What the workers dropped over all their lives, and what the monitor did."""
        dropped: Counter[tuple[str, str]] = Counter()
        for state in self._intake.workers.values():
            for name, count in state.status.get("dropped", {}).items():
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
        hit: Counter[str] = Counter()
        for state in self._intake.workers.values():
            hit.update(state.status.get("limits_hit", {}))
        return hit

    def lost(self) -> int:
        """Exchanges and predictions that were not recorded. An image that was not kept is no loss of the record, nor is
        old feedback that made room."""
        no_loss = ("sample_", "feedback")
        return sum(count for (stage, _), count in self.dropped().items() if not stage.startswith(no_loss))

    def answering(self) -> set[str]:
        """Models that have answered with images."""
        return {model for (model, _, _), summary in self._pipeline.totals.items() if model and summary.images}

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
            "set_aside": list(health.set_aside),
            "predictions_written": self._pipeline.written,
            "commit_seconds": self._pipeline.commit_seconds,
            "commit_failures": dict(self._pipeline.commit_failures),
        }
