"""Rows of kept images. Their files lie in the data folder; a file goes before its row, so that none is orphaned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import aiosqlite

from sidecar.recording.blob import pack_detections, unpack_detections
from sidecar.recording.columns import Row, reasons_from_text, reasons_to_text, storable
from sidecar.recording.documents import document_of, document_text
from sidecar.recording.files import within
from sidecar.recording.rows import Sample
from sidecar.types import Label

_NAMES = tuple(field.name for field in fields(Sample))
SAMPLE_COLUMNS = ", ".join(_NAMES)
"""All fields of Sample, in their order, under their names."""
LIGHT_COLUMNS = SAMPLE_COLUMNS.replace(", detections", ", NULL")
"""The same without the detections, which weigh more than all the rest."""

SHOWN = "NOT (samples.drawn = 1 AND samples.status IN ('needs_review', 'in_review'))"
"""Holds for what is not blind. Who reviews what the random sample drew must not know more of it than that it was drawn:
a filter by what is hidden would tell it."""

_values = attrgetter(*_NAMES)
_REASONS, _HASH, _DETECTIONS, _DRAWN, _LABELS = (
    _NAMES.index(name) for name in ("reasons", "image_hash", "detections", "drawn", "labels")
)
_ENSURE = (
    "INSERT INTO datasets (dataset_id, name, created_at, origin) VALUES (?, ?, ?, 'auto')"
    " ON CONFLICT (dataset_id) DO NOTHING"
)
_INSERT = (
    f"INSERT INTO samples ({SAMPLE_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))}) ON CONFLICT (sample_id) DO NOTHING"
)
_TOMBSTONE = "UPDATE version_items SET deleted_at = ? WHERE sample_id = ? AND deleted_at IS NULL"


def sample_of(row: Sequence[Any]) -> Sample:
    """The sample of a row of SAMPLE_COLUMNS or LIGHT_COLUMNS."""
    values = list(row)
    values[_REASONS] = reasons_from_text(values[_REASONS])
    values[_DRAWN] = bool(values[_DRAWN])
    values[_LABELS] = labels_of(values[_LABELS])
    if values[_HASH] is not None:
        values[_HASH] %= 1 << 64
    if values[_DETECTIONS] is not None:
        values[_DETECTIONS] = unpack_detections(values[_DETECTIONS])
    return Sample(*values)


def as_of(sample: Sample, now: float) -> Sample:
    """``sample`` as it stands at ``now``: a lease that ran out is none, and the item waits for a review again."""
    if sample.status != "in_review" or sample.claimed_until > now:
        return sample
    return replace(sample, status="needs_review", claimed_by="", claimed_in="", claimed_until=0.0)


def labels_text(labels: Sequence[Label] | None) -> str | None:
    """Labels as JSON for a column that may be empty.

    >>> labels_text([Label("car", (0.0, 0.5, 2.0, 3.0))])
    '[{"label":"car","box":[0.0,0.5,2.0,3.0]}]'
    """
    return None if labels is None else document_text(labels_document(labels))


def labels_document(labels: Sequence[Label]) -> list[dict[str, Any]]:
    return [{"label": label.label, "box": [float(edge) for edge in label.box]} for label in labels]


def labels_of(text: str | None) -> tuple[Label, ...] | None:
    """What labels_text was given."""
    return None if text is None else labels_of_document(document_of(text))


def labels_of_document(document: Sequence[Any]) -> tuple[Label, ...]:
    return tuple(Label(each["label"], tuple(each["box"])) for each in document)


async def insert(connection: aiosqlite.Connection, sample: Sample) -> None:
    """Within a transaction: add ``sample``. One of the same id is left as it is, but for reasons it did not have: they
    join its own, its probability becomes that of being kept by either, and its value the higher one. Where the random
    sample is the new reason, the item is from now on one of the audit; a review that it has already stays, as one for
    its value, which is no part of the audit.

    The same reasons are the same draw made once more, after a restart: they say nothing new of the probability. The
    first image of a dataset that nobody made makes it.
    """
    if sample.dataset_id:
        await connection.execute(_ENSURE, storable((sample.dataset_id, sample.model, sample.at)))
    added = await connection.execute(_INSERT, _row_of(sample))
    if added.rowcount == 0:
        await _unite(connection, sample)


def _row_of(sample: Sample) -> Row:
    values = list(_values(sample))
    values[_REASONS] = reasons_to_text(sample.reasons)
    values[_DRAWN] = int(sample.drawn)
    values[_LABELS] = labels_text(sample.labels)
    if sample.image_hash is not None:  # SQLite's integers are signed
        values[_HASH] = (sample.image_hash + (1 << 63)) % (1 << 64) - (1 << 63)
    if sample.detections is not None:
        values[_DETECTIONS] = pack_detections(sample.detections)
    return storable(tuple(values))


async def _unite(connection: aiosqlite.Connection, sample: Sample) -> None:
    rows = await connection.execute_fetchall(
        "SELECT reasons, probability, drawn FROM samples WHERE sample_id = ?", (sample.sample_id,)
    )
    text, probability, drawn = next(iter(rows))
    known = reasons_from_text(text)
    further = [reason for reason in sample.reasons if reason not in known]
    if not further:
        return
    either = 1 - (1 - probability) * (1 - sample.probability)
    await connection.execute(
        "UPDATE samples SET reasons = ?, probability = ?, value = MAX(value, ?) WHERE sample_id = ?",
        (reasons_to_text([*known, *further]), either, sample.value, sample.sample_id),
    )
    if sample.drawn and not drawn:
        await connection.execute(
            "UPDATE samples SET drawn = 1, draw_rate = ?, audit_rank = ?, reviewed_in ="
            " CASE WHEN status IN ('labeled', 'rejected') THEN 'value' ELSE reviewed_in END WHERE sample_id = ?",
            (sample.draw_rate, sample.audit_rank, sample.sample_id),
        )


async def of_prediction(connection: aiosqlite.Connection, prediction_id: str) -> list[Sample]:
    """Within a transaction or without: the samples of a prediction."""
    rows = await connection.execute_fetchall(
        f"SELECT {SAMPLE_COLUMNS} FROM samples WHERE prediction_id = ?", storable((prediction_id,))
    )
    return [sample_of(row) for row in rows]


async def by_id(connection: aiosqlite.Connection, sample_id: str) -> Sample | None:
    """Within a transaction or without: one sample, as it is stored."""
    rows = await connection.execute_fetchall(
        f"SELECT {SAMPLE_COLUMNS} FROM samples WHERE sample_id = ?", storable((sample_id,))
    )
    return next((sample_of(row) for row in rows), None)


async def delete(connection: aiosqlite.Connection, samples: Sequence[Sample]) -> None:
    """Within a transaction: remove the rows of ``samples``."""
    await connection.executemany("DELETE FROM samples WHERE sample_id = ?", [(s.sample_id,) for s in samples])


async def delete_for_good(connection: aiosqlite.Connection, samples: Sequence[Sample], now: float) -> None:
    """Within a transaction: remove the rows of ``samples``; the versions that hold them keep their checksums."""
    await connection.executemany(_TOMBSTONE, [(now, sample.sample_id) for sample in samples])
    await delete(connection, samples)


def delete_files(data_dir: Path, samples: Sequence[Sample]) -> None:
    """Remove the images of ``samples``; one that is gone already is no error."""
    for sample in samples:
        within(data_dir, sample.path).unlink(missing_ok=True)
