"""What reviewers did to items: an event for each action, which stays when its item goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import aiosqlite

from sidecar.recording.columns import storable
from sidecar.recording.documents import document_of, document_text
from sidecar.recording.loop_rows import ItemEvent
from sidecar.recording.pages import Conditions, Page, checked_limit
from sidecar.recording.reader_summaries import Fetch
from sidecar.recording.rows import Sample
from sidecar.recording.samples import labels_document, labels_of_document

REVIEW_FIELDS = (
    "status",
    "labels",
    "verdict",
    "reviewed_in",
    "reviewed_by",
    "reviewed_at",
    "claimed_by",
    "claimed_in",
    "claimed_until",
)
"""The fields of an item that an action may change, and an undo restores."""

_PLAIN = "sample_id, dataset_id, at, author, action, from_status, to_status, before, after"
EVENT_COLUMNS = f"{_PLAIN}, undone, id"
_INSERT = f"INSERT INTO item_events ({_PLAIN}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


def differences(stored: Sample, changed: Sample) -> tuple[dict[str, Any], dict[str, Any]]:
    """The review's fields that differ, as JSON has them: before and after."""
    before, after = _document(stored), _document(changed)
    names = [name for name in REVIEW_FIELDS if before[name] != after[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}


def restored(stored: Sample, before: Mapping[str, Any]) -> Sample:
    """``stored`` with the fields that ``differences`` gave as ``before``."""
    values = {name: value for name, value in before.items() if name in REVIEW_FIELDS}
    if values.get("labels") is not None:
        values["labels"] = labels_of_document(values["labels"])
    return replace(stored, **values)


def _document(sample: Sample) -> dict[str, Any]:
    document = {name: getattr(sample, name) for name in REVIEW_FIELDS}
    document["labels"] = None if sample.labels is None else labels_document(sample.labels)
    return document


async def add(connection: aiosqlite.Connection, event: ItemEvent) -> int:
    """Within a transaction: add ``event``; returns its id."""
    cursor = await connection.execute(
        _INSERT,
        storable(
            (
                event.sample_id,
                event.dataset_id,
                event.at,
                event.author,
                event.action,
                event.from_status,
                event.to_status,
                document_text(event.before),
                document_text(event.after),
            )
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


async def last_standing(connection: aiosqlite.Connection, sample_id: str) -> ItemEvent | None:
    """Within a transaction: what was done last to an item and was not taken back; to take back is not such."""
    rows = await connection.execute_fetchall(
        f"SELECT {EVENT_COLUMNS} FROM item_events WHERE sample_id = ? AND undone IS NULL AND action <> 'undo'"
        " ORDER BY id DESC LIMIT 1",
        (sample_id,),
    )
    return next((_event_of(row) for row in rows), None)


async def take_back(connection: aiosqlite.Connection, event_id: int, undone: int) -> None:
    """Within a transaction: the event ``undone`` took back ``event_id``."""
    await connection.execute("UPDATE item_events SET undone = ? WHERE id = ?", (undone, event_id))


async def page(
    fetch: Fetch, sample_id: str | None, dataset_id: str | None, before: str | None, limit: int
) -> Page[ItemEvent]:
    """Events of an item, of a dataset or of all, newest first. Raises ValueError naming the argument that is wrong."""
    where = Conditions()
    where.equal("sample_id", sample_id)
    where.equal("dataset_id", dataset_id)
    if before is not None:
        if not (before.isascii() and before.isdigit() and len(before) < 19):
            raise ValueError(f"before: {before!r} is no cursor of an earlier page")
        where.add("id < ?", int(before))
    rows = await fetch(
        f"SELECT {EVENT_COLUMNS} FROM item_events WHERE {where} ORDER BY id DESC LIMIT ?",
        [*where.parameters, checked_limit(limit) + 1],
    )
    events = [_event_of(row) for row in rows[:limit]]
    return Page(events, str(events[-1].event_id) if len(rows) > limit else None)


def _event_of(row: Sequence[Any]) -> ItemEvent:
    values = list(row)
    values[7], values[8] = document_of(row[7]), document_of(row[8])
    return ItemEvent(*values)
