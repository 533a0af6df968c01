"""The families of /metrics about the sidecar itself: workers, store, backlog, outbox."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import Metric

from sidecar.api.addresses import is_up
from sidecar.api.families import counter, gauge, label
from sidecar.api.services import Backlog, OutboxTotals, WorkerStatus

STORE_SIZES = (
    ("sidecar_store_bytes", "bytes", "Size of the store without images."),
    ("sidecar_store_images_bytes", "images_bytes", "Size of all images."),
    ("sidecar_store_kept_bytes", "kept_bytes", "Size of the images that stay: labeled, or in a version of a dataset."),
    (
        "sidecar_store_used_bytes",
        "used_bytes",
        "What counts towards the most: images, and the database without free pages.",
    ),
    ("sidecar_store_bytes_max", "bytes_max", "What the store may take; the oldest goes for what is over it."),
)
_STAGE = ("stage",)
_WORKER = ("worker",)


def in_flight(workers: Iterable[WorkerStatus]) -> Metric:
    """Requests each worker is relaying."""
    values = {(str(worker.worker),): _number(worker, "in_flight") for worker in workers}
    return gauge("sidecar_requests_in_flight", "Requests a worker is relaying.", ("worker",), values)


def upstream_up(workers: Iterable[WorkerStatus]) -> Metric:
    """Which upstreams are healthy."""
    # An upstream is up where any connected worker finds it so: a worker that starts has not looked yet.
    up: dict[tuple[str, ...], float] = {}
    for worker in workers:
        if worker.connected:
            for name, state in worker.status.get("upstreams", {}).items():
                key = (label(name),)
                up[key] = max(up.get(key, 0.0), float(is_up(state)))
    return gauge("sidecar_upstream_up", "1 where a worker finds the upstream healthy.", ("upstream",), up)


def outbox_families(outbox: list[OutboxTotals]) -> Iterator[Metric]:
    """What waits to be sent to backends, and what became of it."""

    def by(field: str) -> dict[tuple[str, ...], float]:
        return {(label(entry.destination),): getattr(entry, field) for entry in outbox}

    names = ("destination",)
    yield gauge("sidecar_outbox_items", "Items waiting for delivery.", names, by("items"))
    yield gauge("sidecar_outbox_bytes", "Bytes waiting for delivery.", names, by("bytes"))
    yield gauge("sidecar_outbox_oldest_age_seconds", "Age of the oldest waiting item.", names, by("oldest_age_s"))
    yield counter("sidecar_outbox_sent", "Items delivered.", names, by("sent"))
    yield counter("sidecar_outbox_failed", "Attempts at delivery that failed.", names, by("failed"))
    yield counter("sidecar_outbox_dropped", "Items given up because the outbox was full.", names, by("dropped"))


def store_families(store: Mapping[str, Any]) -> Iterator[Metric]:
    """How the store is, and what takes how much of it."""
    yield gauge("sidecar_store_ok", "1 where the store takes writes.", (), {(): float(bool(store.get("ok", False)))})
    for metric, name, text in STORE_SIZES:
        yield gauge(metric, text, (), {(): float(store.get(name, 0))})
    disk_free = {(): float(store.get("disk_free_bytes", 0))}
    yield gauge("sidecar_disk_free_bytes", "What the disk of the store has left.", (), disk_free)
    yield counter(
        "sidecar_store_commit_failures",
        "Commits that the store refused, by reason; they are tried again.",
        ("reason",),
        {(label(reason),): count for reason, count in store.get("commit_failures", {}).items()},
    )
    yield counter(
        "sidecar_store_commit_seconds",
        "Time spent on commits.",
        (),
        {(): float(store.get("commit_seconds", 0))},
    )
    yield counter(
        "sidecar_store_predictions_written",
        "Predictions committed.",
        (),
        {(): float(store.get("predictions_written", 0))},
    )


def backlog_families(backlog: Sequence[Backlog]) -> Iterator[Metric]:
    """What waits at each stage, and how much may."""
    for metric, name, text in (
        ("sidecar_backlog_items", "items", "What waits at a stage now."),
        ("sidecar_backlog_bytes", "bytes", "Bytes that wait at a stage now."),
        ("sidecar_backlog_bytes_max", "bytes_max", "Bytes that may wait at a stage."),
    ):
        values = {(entry.stage,): getattr(entry, name) for entry in backlog}
        found = {key: float(value) for key, value in values.items() if value is not None}
        yield gauge(metric, text, _STAGE, found)


def worker_families(workers: Sequence[WorkerStatus]) -> Iterator[Metric]:
    """How each worker is, and what the sidecar's processes cost."""
    connected = {(str(worker.worker),): float(worker.connected) for worker in workers}
    yield gauge("sidecar_worker_connected", "1 where the worker's link to the monitor stands.", _WORKER, connected)
    restarts = {(str(worker.worker),): float(worker.restarts) for worker in workers}
    yield counter("sidecar_worker_restarts", "Times a worker was started again.", _WORKER, restarts)
    requests = {(str(worker.worker),): _number(worker, "requests") for worker in workers}
    yield counter("sidecar_worker_requests", "Requests of clients since the worker began.", _WORKER, requests)
    for name, metric, text in (
        ("connections", "sidecar_worker_connections", "Clients' connections that a worker holds."),
        (
            "connections_max",
            "sidecar_worker_connections_max",
            "How many it may hold; who comes then gets 503.",
        ),
        ("ring_bytes", "sidecar_ring_bytes", "Request bodies a worker keeps for sampling."),
        ("tap_bytes", "sidecar_tap_bytes", "Bytes a worker holds for the monitor."),
        ("settings", "sidecar_worker_settings_version", "The version of the settings that a worker follows."),
    ):
        values = {(str(worker.worker),): _number(worker, name) for worker in workers}
        yield gauge(metric, text, _WORKER, values)
    cpu = {(f"worker-{worker.worker}",): _number(worker, "cpu_s") for worker in workers}
    resident = {(f"worker-{worker.worker}",): _number(worker, "rss_bytes") for worker in workers}
    cpu["monitor",] = time.process_time()
    resident["monitor",] = float(resident_bytes())
    yield counter("sidecar_process_cpu_seconds", "CPU time of the sidecar's own processes.", ("process",), cpu)
    yield gauge("sidecar_process_resident_bytes", "Memory of the sidecar's own processes.", ("process",), resident)


def resident_bytes() -> int:
    """Resident memory of this process; 0 where the system has no /proc."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _number(worker: WorkerStatus, name: str) -> float:
    value = worker.status.get(name, 0)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
