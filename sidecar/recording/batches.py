"""How a batch goes into the store: all that it holds, within one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import astuple
from functools import cache
from itertools import chain

import aiosqlite

from sidecar.recording import outbox, trial_sums
from sidecar.recording.columns import COLUMNS, Row, storable
from sidecar.recording.rows import Batch, OutboxItem, SummaryRow
from sidecar.recording.trial_rows import PairRow, UnitCut, UnitRow

ROWS_A_STATEMENT = 50
"""Predictions in one INSERT. Each statement gives up the interpreter lock once, not each row, and a busy event loop
may keep it for 5 ms every time."""
POSITION_EPOCHS_KEPT = 8
"""Of each worker number, how many lives are remembered; a worker that is gone sends nothing again."""

SUMMARY_COLUMNS = "bucket, width_s, model, version, role, experiment, epoch, slice, revision, payload"
_UPSERT_SUMMARY = (
    f"INSERT INTO summaries ({SUMMARY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (width_s, bucket, model, version, role, experiment, epoch, slice)"
    " DO UPDATE SET revision = excluded.revision, payload = excluded.payload"
    " WHERE excluded.revision >= summaries.revision"
)
_UPSERT_POSITION = (
    "INSERT INTO positions (worker, epoch, sequence) VALUES (?, ?, ?)"
    " ON CONFLICT (worker, epoch) DO UPDATE SET sequence = excluded.sequence"
    " WHERE excluded.sequence > positions.sequence"
)
_FORGET_POSITIONS = (
    "DELETE FROM positions WHERE worker = ? AND epoch NOT IN"
    " (SELECT epoch FROM positions WHERE worker = ? ORDER BY epoch DESC LIMIT ?)"
)


async def write(connection: aiosqlite.Connection, batch: Batch, rows: Sequence[Row], generation: int) -> None:
    """Within a transaction: all of ``batch``, whose predictions are ``rows``, into the store of ``generation``."""
    whole = len(rows) - len(rows) % ROWS_A_STATEMENT
    parts = [rows[start : start + ROWS_A_STATEMENT] for start in range(0, whole, ROWS_A_STATEMENT)]
    if parts:
        parameters = (tuple(chain.from_iterable(part)) for part in parts)
        await connection.executemany(_insert_predictions(ROWS_A_STATEMENT), parameters)
    if whole < len(rows):
        await connection.execute(_insert_predictions(len(rows) - whole), tuple(chain.from_iterable(rows[whole:])))
    if batch.summaries:
        await connection.executemany(_UPSERT_SUMMARY, [_summary_values(row) for row in batch.summaries])
    if batch.positions:
        await connection.executemany(
            _UPSERT_POSITION, [(*life, sequence) for life, sequence in batch.positions.items()]
        )
        workers = {worker for worker, _ in batch.positions}
        await connection.executemany(_FORGET_POSITIONS, [(worker, worker, POSITION_EPOCHS_KEPT) for worker in workers])
    if batch.outbox:
        await outbox.queue(connection, batch.outbox, time.time())
    counted = [(change_id,) for of, change_id in batch.verdicts_counted if of == generation]
    if counted:  # those of a store that was set aside are gone with it: the same ids are of others here
        await connection.executemany("DELETE FROM verdict_changes WHERE id = ?", counted)
    await trial_sums.write(connection, batch.units, batch.pairs, batch.cuts)


def storable_batch(batch: Batch) -> Batch:
    """The same batch with the text that UTF-8 can't hold replaced, but for that of its predictions."""
    return Batch(
        batch.predictions,
        [SummaryRow(*storable(_summary_values(row))) for row in batch.summaries],
        batch.positions,
        [OutboxItem(*storable(astuple(item))) for item in batch.outbox],
        [UnitRow(*storable(astuple(row))) for row in batch.units],
        [PairRow(*storable(astuple(row))) for row in batch.pairs],
        [UnitCut(*storable(astuple(cut))) for cut in batch.cuts],
        batch.verdicts_counted,
    )


@cache
def _insert_predictions(rows: int) -> str:
    values = "(" + ", ".join("?" * len(COLUMNS)) + ")"
    return (
        f"INSERT INTO predictions ({', '.join(COLUMNS)}) VALUES {', '.join([values] * rows)}"
        " ON CONFLICT (prediction_id) DO NOTHING"
    )


def _summary_values(row: SummaryRow) -> tuple[int | str | bytes, ...]:
    return (
        row.bucket,
        row.width_s,
        row.model,
        row.version,
        row.role,
        row.experiment,
        row.epoch,
        row.slice,
        row.revision,
        row.payload,
    )
