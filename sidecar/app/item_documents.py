"""Datasets, their items and what reviewers did, as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sidecar.recording import DatasetFigures, DatasetRow, ItemEvent, Sample
from sidecar.types import Detections, Label

Document = dict[str, Any]
BOX_DIGITS = 2
SCORE_DIGITS = 6


def dataset_document(row: DatasetRow, figures: DatasetFigures) -> Document:
    """A Dataset."""
    return {
        "id": row.dataset_id,
        "name": row.name,
        "created_at": row.created_at,
        "origin": row.origin,
        "items": figures.items,
        "by_status": dict(figures.by_status),
        "audit": {"sampled": figures.sampled, "waiting": figures.waiting, "reviewed": figures.reviewed},
        "classes": dict(figures.classes),
        "versions": figures.versions,
        "bytes": figures.bytes,
    }


def item_document(sample: Sample) -> Document:
    """An Item. Of one that the random sample drew nothing tells which version answered, or why it was kept, also after
    the review: who reviews it must not know, and it may be undone and reviewed again."""
    hidden = sample.drawn
    return {
        "id": sample.sample_id,
        "dataset_id": sample.dataset_id,
        "prediction_id": None if hidden else sample.prediction_id,
        "status": sample.status,
        "at": sample.at,
        "queue": "audit" if sample.drawn else "value",
        "model": None if hidden else sample.model,
        "version": None if hidden else sample.version,
        "width": sample.width,
        "height": sample.height,
        "media_type": sample.media_type,
        "reasons": None if hidden else list(sample.reasons),
        "probability": sample.probability,
        "value": sample.value,
        "unit": None if hidden else sample.unit,
        "client_request_id": sample.client_request_id,
        "score_threshold": sample.score_threshold,
        "detections": detection_documents(sample.detections),
        "labels": None if sample.labels is None else label_documents(sample.labels),
        "verdict": sample.verdict or None,
        "claimed_by": sample.claimed_by,
        "claimed_until": sample.claimed_until if sample.claimed_by else None,
        "reviewed_by": sample.reviewed_by,
        "reviewed_at": sample.reviewed_at,
        "split": sample.split,
        "revision": sample.revision,
    }


def detection_documents(detections: Detections | None) -> list[Document] | None:
    """What the model said, highest score first; ``index`` is what feedback calls a detection by. None: not known."""
    if detections is None:
        return None
    return [
        {
            "index": index,
            "label": detections.labels[int(detections.classes[index])],
            "score": round(float(detections.scores[index]), SCORE_DIGITS),
            "box": [round(float(edge), BOX_DIGITS) for edge in detections.boxes[index]],
        }
        for index in range(len(detections.scores))
    ]


def label_documents(labels: Sequence[Label]) -> list[Document]:
    return [{"label": label.label, "box": [round(edge, BOX_DIGITS) for edge in label.box]} for label in labels]


def event_document(event: ItemEvent) -> Document:
    """An ItemEvent."""
    return {
        "id": event.event_id,
        "item_id": event.sample_id,
        "dataset_id": event.dataset_id,
        "at": event.at,
        "by": event.author,
        "action": event.action,
        "from_status": event.from_status,
        "to_status": event.to_status,
        "before": dict(event.before),
        "after": dict(event.after),
        "undone": event.undone,
    }
