"""Rows of feedback, of verdicts and of their changes, as the store has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from typing import Any

import aiosqlite

from sidecar.recording.columns import Row, storable
from sidecar.recording.documents import document_of, document_text, number_or_none
from sidecar.recording.loop_rows import FeedbackRow, VerdictChange, VerdictRow

FEEDBACK_COLUMNS = ", ".join(field.name for field in fields(FeedbackRow))
"""All fields of FeedbackRow, in their order, under their names."""
VERDICT_COLUMNS = ", ".join(field.name for field in fields(VerdictRow))
CHANGE_COLUMNS = "id, bucket, model, version, role, experiment, epoch, slice, kind, n"

_NAMES = [field.name for field in fields(FeedbackRow)]
_BOX, _PENDING, _SCORE = (_NAMES.index(name) for name in ("correct_box", "pending", "score"))
_INSERT_FEEDBACK = f"INSERT INTO feedback ({FEEDBACK_COLUMNS}, id) VALUES ({', '.join('?' * (len(_NAMES) + 1))})"
_UPSERT_VERDICT = (
    f"INSERT INTO verdicts ({VERDICT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (prediction_id) DO UPDATE SET verdict = excluded.verdict"
)
_INSERT_CHANGE = f"INSERT INTO verdict_changes ({CHANGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
DATA_PORT = "data port"
"""How the authors of statements that came by the data port begin."""
_BY_DATA_PORT = f"substr(author, 1, {len(DATA_PORT)}) = '{DATA_PORT}'"
_NAMES_A_SELECT = 500
"""Parameters of one IN at most: SQLite may have been built for as few as 999."""


def feedback_of(row: Sequence[Any]) -> FeedbackRow:
    """The statement of a row that begins with FEEDBACK_COLUMNS."""
    values = list(row[: len(_NAMES)])
    if values[_BOX] is not None:
        values[_BOX] = tuple(document_of(values[_BOX]))
    values[_PENDING] = bool(values[_PENDING])
    return FeedbackRow(*values)


def storable_statement(row: FeedbackRow) -> FeedbackRow:
    """``row`` with the text that UTF-8 can't hold replaced, as it will be found again."""
    return FeedbackRow(*storable(tuple(getattr(row, name) for name in _NAMES)))


async def said_of(connection: aiosqlite.Connection, prediction_ids: Iterable[str]) -> list[tuple[int, FeedbackRow]]:
    """Within a transaction: (id, statement) of all that was said of these predictions."""
    return await _statements(connection, "prediction_id", prediction_ids)


async def of_ids(connection: aiosqlite.Connection, feedback_ids: Iterable[str]) -> list[tuple[int, FeedbackRow]]:
    """Within a transaction: (id, statement) of these feedback ids, as many as there are."""
    return await _statements(connection, "feedback_id", feedback_ids)


async def verdicts_of(connection: aiosqlite.Connection, prediction_ids: Iterable[str]) -> dict[str, VerdictRow]:
    """Within a transaction: the verdicts of these predictions, of those that have one."""
    rows = await _chosen(connection, f"SELECT {VERDICT_COLUMNS} FROM verdicts", "prediction_id", prediction_ids)
    return {row[0]: VerdictRow(*row) for row in rows}


async def last_id(connection: aiosqlite.Connection, table: str) -> int:
    """Within a transaction: the highest id that ``table`` ever gave."""
    rows = await connection.execute_fetchall("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
    return next((int(row[0]) for row in rows), 0)


async def pending_counts(connection: aiosqlite.Connection) -> tuple[int, int]:
    """Within a transaction: how many statements wait, and how many of them came by the data port."""
    rows = await connection.execute_fetchall(
        f"SELECT COUNT(*), COALESCE(SUM({_BY_DATA_PORT}), 0) FROM feedback INDEXED BY feedback_pending"
        " WHERE pending = 1"
    )
    every, by_data_port = next(iter(rows))
    return int(every), int(by_data_port)


async def drop_oldest_of_data_port(connection: aiosqlite.Connection, n: int) -> int:
    """Within a transaction: remove ``n`` statements of the data port that wait, those that came first."""
    cursor = await connection.execute(
        "DELETE FROM feedback WHERE id IN (SELECT id FROM feedback INDEXED BY feedback_pending"
        f" WHERE pending = 1 AND {_BY_DATA_PORT} ORDER BY id LIMIT ?)",
        (n,),
    )
    return cursor.rowcount


def is_of_data_port(row: FeedbackRow) -> bool:
    """Whether it came by the data port: nobody knows who speaks there."""
    return row.author.startswith(DATA_PORT)


async def write_statements(
    connection: aiosqlite.Connection,
    gone: Iterable[int],
    added: Iterable[tuple[int, FeedbackRow]],
    replaced: Iterable[tuple[float | None, int]],
) -> None:
    """Within a transaction: remove rows, add others, and set (replaced_at, id) of those that were there."""
    await connection.executemany("DELETE FROM feedback WHERE id = ?", [(row_id,) for row_id in gone])
    await connection.executemany(_INSERT_FEEDBACK, [(*_values(row), row_id) for row_id, row in added])
    await connection.executemany("UPDATE feedback SET replaced_at = ? WHERE id = ?", list(replaced))


async def write_verdicts(
    connection: aiosqlite.Connection, verdicts: Iterable[VerdictRow], changes: Iterable[VerdictChange]
) -> None:
    """Within a transaction: the verdicts in the place of what they were, and the changes that are to be counted."""
    await connection.executemany(_UPSERT_VERDICT, [storable(astuple(row)) for row in verdicts])
    await connection.executemany(_INSERT_CHANGE, [storable(astuple(change)[:-1]) for change in changes])


def _values(row: FeedbackRow) -> Row:
    values = [getattr(row, name) for name in _NAMES]
    if row.correct_box is not None:
        values[_BOX] = document_text([float(edge) for edge in row.correct_box])
    values[_PENDING] = int(row.pending)
    values[_SCORE] = number_or_none(row.score)
    return storable(tuple(values))


async def _statements(
    connection: aiosqlite.Connection, column: str, names: Iterable[str]
) -> list[tuple[int, FeedbackRow]]:
    rows = await _chosen(connection, f"SELECT {FEEDBACK_COLUMNS}, id FROM feedback", column, names)
    return [(row[-1], feedback_of(row)) for row in rows]


async def _chosen(connection: aiosqlite.Connection, select: str, column: str, names: Iterable[str]) -> list[Row]:
    wanted = sorted(set(names))
    found: list[Row] = []
    for start in range(0, len(wanted), _NAMES_A_SELECT):
        part = wanted[start : start + _NAMES_A_SELECT]
        places = ", ".join("?" * len(part))
        rows = await connection.execute_fetchall(f"{select} WHERE {column} IN ({places})", part)
        found += [tuple(row) for row in rows]
    return found
