"""Values of the sidecar as the JSON the API gives: pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sidecar.api.addresses import upstream_faults
from sidecar.api.certificates import certificate_faults
from sidecar.api.left_out import meaning_of_drop, meaning_of_limit
from sidecar.api.services import OutboxTotals, WorkerStatus
from sidecar.recording import Sample
from sidecar.summaries import Summary
from sidecar.types import Detections, Prediction

CLASSES_SHOWN = 20
_SAMPLE_FIELDS = (
    *("sample_id", "prediction_id", "dataset_id", "model", "version", "at", "reasons", "probability", "status"),
    *("media_type", "bytes", "width", "height"),
)
_UNREVIEWED = ("needs_review", "in_review")
_PREDICTION_FIELDS = tuple(name for name in Prediction.__slots__ if name != "detections")
_PREDICTION_FLOATS = ("at", "latency_ms", "upstream_ms", "first_byte_ms", "score_threshold")
_fields_of = attrgetter(*_PREDICTION_FIELDS)


def prediction_document(prediction: Prediction) -> dict[str, Any]:
    """A RecordedPrediction."""
    document = dict(zip(_PREDICTION_FIELDS, _fields_of(prediction), strict=True))
    for name in _PREDICTION_FLOATS:
        document[name] = _finite(document[name])
    found = prediction.detections
    document["detections"] = None if found is None else detection_documents(found)
    return document


def detection_documents(detections: Detections) -> list[dict[str, Any]]:
    """One DetectionOut per box, highest score first."""
    boxes = detections.boxes.tolist()
    scores = detections.scores.tolist()
    labels = detections.labels
    return [
        {
            "label": labels[index] if 0 <= index < len(labels) else str(index),
            # A float32 has about seven digits; more would be noise of the conversion.
            "confidence": _rounded(score),
            "box": [_rounded(edge) for edge in box],
            "normalised": detections.normalised,
        }
        for index, score, box in zip(detections.classes.tolist(), scores, boxes, strict=True)
    ]


def sample_document(sample: Sample) -> dict[str, Any]:
    """A SampleOut; where the image lies on disk is not told, nor what its review came to, which is of an item. Of one
    that the random sample drew prediction_id, model, version and reasons are empty until it is reviewed."""
    document = {name: getattr(sample, name) for name in _SAMPLE_FIELDS}
    document["reasons"] = list(sample.reasons)
    if sample.drawn and sample.status in _UNREVIEWED:
        document |= {"prediction_id": "", "model": "", "version": "", "reasons": []}
    return document


def figures_document(model: str, version: str, role: str, summary: Summary) -> dict[str, Any]:
    """A ModelFigures of one lifetime total."""
    requests = summary.requests
    errors = failed_requests(summary)
    classes = sorted(summary.class_counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return {
        "model": model,
        "version": version,
        "role": role,
        "requests": requests,
        "errors": errors,
        "error_rate": errors / requests if requests else None,
        "images": summary.images,
        "detections": summary.detections,
        "images_without_detections": summary.images_without_detections,
        "undecodable": sum(summary.undecodable.values()),
        "avg_confidence": _finite(summary.avg_confidence),
        "latency": {
            f"p{round(q * 100)}_ms": _finite(summary.latency.quantile(q)) if summary.latency.count else None
            for q in (0.5, 0.95, 0.99)
        },
        "classes": dict(classes[:CLASSES_SHOWN]),
    }


def failed_requests(summary: Summary) -> int:
    """Requests the serving side failed: answered with 5xx. A client that left or sent nonsense is not counted."""
    return sum(count for status, count in summary.statuses.items() if status >= 500)


def worker_document(worker: WorkerStatus) -> dict[str, Any]:
    """A WorkerOut."""
    return {
        "worker": worker.worker,
        "epoch": worker.epoch,
        "pid": worker.pid,
        "connected": worker.connected,
        "started_at": worker.epoch / 1e9,
        "restarts": worker.restarts,
        "requests": worker.status.get("requests"),
        "settings_version": worker.status.get("settings"),
        "status": dict(worker.status),
    }


def outbox_documents(outbox: Iterable[tuple[str, int, int, float, int, int, int]]) -> list[dict[str, Any]]:
    """One OutboxOut per destination."""
    return [OutboxTotals(*entry)._asdict() for entry in outbox]


def dropped_documents(dropped: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    """One DroppedOut per stage and reason with a count."""
    return [
        {"stage": stage, "reason": reason, "count": count, "meaning": meaning_of_drop(stage, reason)}
        for (stage, reason), count in sorted(dropped.items())
        if count
    ]


def limit_documents(hits: Mapping[str, int]) -> list[dict[str, Any]]:
    """One BoundMetOut per bound that was met, the most often met first."""
    return [
        {"limit": limit, "count": count, "meaning": meaning_of_limit(limit)}
        for limit, count in sorted(hits.items(), key=lambda entry: (-entry[1], entry[0]))
        if count
    ]


def store_document(store: Mapping[str, Any]) -> dict[str, Any]:
    """A StoreOut; what a store does not tell is 0."""
    sizes = ("bytes", "images_bytes", "kept_bytes", "used_bytes", "bytes_max", "set_aside_bytes", "disk_free_bytes")
    return {
        "ok": bool(store.get("ok", False)),
        "reason": str(store.get("reason", "")),
        **{name: int(store.get(name, 0)) for name in sizes},
        "age_days": float(store.get("age_days", 0)),
        "set_aside": list(store.get("set_aside", ())),
        "predictions_written": int(store.get("predictions_written", 0)),
        "commit_seconds": float(store.get("commit_seconds", 0)),
        "commit_failures": dict(store.get("commit_failures", {})),
    }


def faults(
    workers: Iterable[WorkerStatus],
    store: Mapping[str, Any],
    failing_channels: Mapping[str, str],
    failing_parts: Mapping[str, str],
    certificates: Iterable[Mapping[str, Any]] = (),
    failover: Sequence[tuple[str, str, str]] = (),
) -> list[str]:
    """What is wrong, in words a person can act on. ``certificates`` are ``certificate_documents``, ``failover`` is that
    of the figures of tests.

    >>> worker = WorkerStatus(0, 1, 7, True, {"upstreams": {"a": {"up": False}}})
    >>> faults([worker], {"ok": True}, {"slack:#ml": "404"}, {})
    ['worker 0: upstream a is down', "notifications to slack:#ml can't be delivered: 404"]
    """
    found = [f"{name} fails and is tried again: {why}" for name, why in sorted(failing_parts.items())]
    if not store.get("ok", True):
        found.append(f"store: {store.get('reason') or 'not ok'}")
    for worker in workers:
        if not worker.connected:
            found.append(f"worker {worker.worker}: not connected")
            continue
        found += upstream_faults(worker, failover)
    found += certificate_faults(certificates)
    found += [f"notifications to {name} can't be delivered: {why}" for name, why in sorted(failing_channels.items())]
    return found


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _rounded(value: float) -> float | None:
    return float(f"{value:.7g}") if math.isfinite(value) else None
