"""Rows of kept images. Their files lie in the data folder; a file goes before its row, so that none is orphaned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite

from sidecar.recording.columns import reasons_from_text, reasons_to_text
from sidecar.recording.files import within
from sidecar.recording.rows import Sample

SAMPLE_COLUMNS = (
    "sample_id, prediction_id, model, version, at, reasons, probability, status, media_type, path, bytes, width, height"
)
_INSERT = (
    f"INSERT INTO samples ({SAMPLE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (sample_id) DO NOTHING"
)


def sample_of(row: Sequence[Any]) -> Sample:
    """The sample of a row of SAMPLE_COLUMNS."""
    values = list(row)
    values[5] = reasons_from_text(values[5])
    return Sample(*values)


async def insert(connection: aiosqlite.Connection, sample: Sample) -> None:
    """Within a transaction: add ``sample``. One of the same id is left as it is, but for reasons it did not have: they
    join its own, and its probability becomes that of being kept by either.

    The same reasons are the same draw made once more, after a restart: they say nothing new of the probability.
    """
    added = await connection.execute(
        _INSERT,
        (
            sample.sample_id,
            sample.prediction_id,
            sample.model,
            sample.version,
            sample.at,
            reasons_to_text(sample.reasons),
            sample.probability,
            sample.status,
            sample.media_type,
            sample.path,
            sample.bytes,
            sample.width,
            sample.height,
        ),
    )
    if added.rowcount == 0:
        await _unite(connection, sample)


async def _unite(connection: aiosqlite.Connection, sample: Sample) -> None:
    rows = await connection.execute_fetchall(
        "SELECT reasons, probability FROM samples WHERE sample_id = ?", (sample.sample_id,)
    )
    text, probability = next(iter(rows))
    known = reasons_from_text(text)
    further = [reason for reason in sample.reasons if reason not in known]
    if further:
        either = 1 - (1 - probability) * (1 - sample.probability)
        await connection.execute(
            "UPDATE samples SET reasons = ?, probability = ? WHERE sample_id = ?",
            (reasons_to_text([*known, *further]), either, sample.sample_id),
        )


async def set_status(connection: aiosqlite.Connection, sample_id: str, status: str) -> bool:
    """Within a transaction: a reviewer decided. False where there is no such sample."""
    cursor = await connection.execute("UPDATE samples SET status = ? WHERE sample_id = ?", (status, sample_id))
    return cursor.rowcount > 0


async def total_bytes(connection: aiosqlite.Connection) -> int:
    """What all images take."""
    rows = await connection.execute_fetchall("SELECT COALESCE(SUM(bytes), 0) FROM samples")
    return int(next(iter(rows))[0])


async def oldest(connection: aiosqlite.Connection, before: float, limit: int) -> list[Sample]:
    """The oldest samples, of those taken before ``before``."""
    rows = await connection.execute_fetchall(
        f"SELECT {SAMPLE_COLUMNS} FROM samples WHERE at < ? ORDER BY at LIMIT ?", (before, limit)
    )
    return [sample_of(row) for row in rows]


async def of_prediction(connection: aiosqlite.Connection, prediction_id: str) -> list[Sample]:
    rows = await connection.execute_fetchall(
        f"SELECT {SAMPLE_COLUMNS} FROM samples WHERE prediction_id = ?", (prediction_id,)
    )
    return [sample_of(row) for row in rows]


async def delete(connection: aiosqlite.Connection, samples: Sequence[Sample]) -> None:
    """Within a transaction: remove the rows of ``samples``."""
    await connection.executemany("DELETE FROM samples WHERE sample_id = ?", [(s.sample_id,) for s in samples])


def delete_files(data_dir: Path, samples: Sequence[Sample]) -> None:
    """Remove the images of ``samples``; one that is gone already is no error."""
    for sample in samples:
        within(data_dir, sample.path).unlink(missing_ok=True)
