"""Baselines, checks, alerts and their history as the API shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sidecar.alerts import METRICS, condition_document
from sidecar.drift import decode_blocks
from sidecar.recording import BaselineRow, DriftCheckRow, NotificationRow, TransitionRow
from sidecar.watch import Entry, Preview, Scope


def baseline_document(row: BaselineRow) -> dict[str, Any]:
    """A Baseline."""
    return {
        "baseline_id": row.baseline_id,
        "model_id": Scope(row.model, row.version).model_id,
        "model": row.model,
        "version": row.version,
        "name": row.name,
        "since": row.since,
        "until": row.until,
        "created_at": row.created_at,
        "origin": row.origin,
        "figures": dict(row.figures),
    }


def export_document(row: BaselineRow) -> dict[str, Any]:
    """A BaselineExport: with every block that was kept. Raises BaselineError for a payload of another release."""
    blocks = [
        {"level": str(level), "start": block.start, "summary": block.summary.to_dict()}
        for level, kept in decode_blocks(row.payload).items()
        for block in kept
    ]
    return baseline_document(row) | {"blocks": blocks}


def check_document(row: DriftCheckRow) -> dict[str, Any]:
    """A DriftCheck. What another release checked does not tell its reference."""
    report = dict(row.report)
    return {
        "checked_at": row.checked_at,
        "model_id": Scope(row.model, row.version).model_id,
        "slice": row.slice,
        "since": row.since,
        "until": row.until,
        "baseline_id": row.baseline_id,
        "reference": report.pop("reference", None),
        "report": report,
    }


def alert_document(entry: Entry, warning: Callable[[str], str]) -> dict[str, Any]:
    """An Alert; ``warning`` says what a channel still needs."""
    row, state = entry.row, entry.state
    return {
        "id": row.alert_id,
        "alert_id": row.alert_id,
        "model_id": entry.scope.model_id,
        "slice": row.slice,
        "name": row.name,
        "condition": dict(row.condition),
        "notify": list(row.notify),
        "delivery": [
            {"channel": channel, "configured": not (text := warning(channel)), "warning": text}
            for channel in row.notify
        ],
        "origin": row.origin,
        "enabled": row.enabled,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "state": str(state.state),
        "since": state.since or None,
        "value": state.value,
        "samples": state.samples if state.sentence else None,
        "detail": dict(state.detail),
        "sentence": state.sentence,
        "acknowledged_by": state.acknowledged_by or None,
        "acknowledged_at": state.acknowledged_at,
        "silenced_until": state.silenced_until,
        "flapping": state.flapping,
    }


def transition_document(row: TransitionRow) -> dict[str, Any]:
    """A Transition."""
    return {
        "id": row.id,
        "alert_id": row.alert_id,
        "name": row.name,
        "model_id": Scope(row.model, row.version).model_id,
        "at": row.at,
        "from_state": row.from_state,
        "to_state": row.to_state,
        "value": row.value,
        "sentence": row.sentence,
    }


def notification_document(row: NotificationRow) -> dict[str, Any]:
    """A Notification."""
    return {
        "id": row.id,
        "channel": row.channel,
        "kind": row.kind,
        "queued_at": row.queued_at,
        "sent_at": row.sent_at,
        "attempts": row.attempts,
        "gave_up_at": row.gave_up_at,
        "error": row.error,
    }


def preview_document(preview: Preview) -> dict[str, Any]:
    """An AlertPreview."""
    replayed = preview.replayed
    last = replayed.points[-1] if replayed.points else None
    return {
        "model_id": preview.scope.model_id,
        "slice": preview.scope.slice,
        "condition": condition_document(preview.condition),
        "unit": METRICS[preview.condition.metric].unit,
        "since": preview.period.since,
        "until": preview.period.until,
        "step_s": preview.step_s,
        "fired": replayed.fired,
        "firing_s": replayed.firing_s,
        "state": str(replayed.state),
        "firings": [asdict(firing) for firing in replayed.firings],
        "points": [asdict(point) for point in replayed.points],
        "thresholds": {"low": last and last.low, "high": last and last.high},
        "sentence": preview.sentence,
        "limitations": list(preview.limitations),
    }
