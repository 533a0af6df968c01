"""What people say of predictions, by themselves: what stands of it, the one verdict that follows, what is counted.

A statement is never lost to an order of arrival: one about a prediction that is not known yet waits, and which ones
stand is worked out from all that was said of the prediction.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import aiosqlite

from sidecar.recording import feedback_rows
from sidecar.recording.feedback_intake import PENDING_MAX, Intake
from sidecar.recording.feedback_rows import CHANGE_COLUMNS, FEEDBACK_COLUMNS, feedback_of, storable_statement
from sidecar.recording.feedback_rules import place_of
from sidecar.recording.loop_rows import FeedbackRow, Submitted, VerdictChange, VerdictKey
from sidecar.recording.old_rows import OLD_PENDING
from sidecar.recording.pages import checked_limit
from sidecar.recording.writer import Store

SUBMIT_MAX = 1_000
"""Statements of one transaction."""
CHANGES_MAX = 10_000
"""Changes of verdicts that are told at once."""


class FeedbackBook:
    """The feedback in a store. A verdict that was counted in a summary which retention may have taken is not counted
    anew when it changes.

    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> row = FeedbackRow("f1", "p1", "", "correct", None, "", None, "", "ann", "", 5.0, 6.0)
    >>> async def say_it_twice() -> list[str]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         book = FeedbackBook(store)
    ...         keys = {"p1": VerdictKey("det", "1", "serving", "", 0, "")}
    ...         outcomes = [(await book.submit([row], keys, now=6.0)).outcomes[0] for _ in range(2)]
    ...         await store.close()
    ...         return outcomes
    >>> asyncio.run(say_it_twice())
    ['recorded', 'unchanged']
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def submit(self, rows: Sequence[FeedbackRow], keys: Mapping[str, VerdictKey], now: float) -> Submitted:
        """Take in statements, safe from a power cut on return.

        ``keys`` are those of the predictions that are known; what is said of another one waits for it. Of a row, place,
        model and version are worked out here. The statement of a ``feedback_id`` that was said already changes nothing,
        unless something was said in between that it replaces. Raises ValueError for more rows than SUBMIT_MAX.
        """
        return await self._take_in(rows, keys, now, pending_only=False)

    async def resolve(self, rows: Sequence[FeedbackRow], keys: Mapping[str, VerdictKey], now: float) -> Submitted:
        """Take in statements that waited, now that their predictions are known: ``rows`` have the prediction's id, and
        the label and score of the detection they are about. What does not wait any more is unchanged."""
        return await self._take_in(rows, keys, now, pending_only=True)

    async def pending(
        self, limit: int = 1_000, after: int = 0, since: float = -math.inf, until: float = math.inf
    ) -> list[tuple[int, FeedbackRow]]:
        """Statements that wait, received at ``since <= received_at < until``, those that came first at first, each with
        the ``after`` of what comes next."""
        rows = await self._store.fetch(
            f"SELECT {FEEDBACK_COLUMNS}, id FROM feedback INDEXED BY feedback_pending WHERE pending = 1 AND id > ?"
            " AND received_at >= ? AND received_at < ? ORDER BY id LIMIT ?",
            (after, since, until, checked_limit(limit)),
        )
        return [(row[-1], feedback_of(row)) for row in rows]

    async def pending_count(self) -> int:
        """How many statements wait."""
        rows = await self._store.fetch("SELECT COUNT(*) FROM feedback WHERE pending = 1")
        return int(rows[0][0])

    async def drop(self, feedback_ids: Collection[str]) -> int:
        """Remove statements that waited and make no sense for the prediction that came; returns how many went."""

        async def write(connection: aiosqlite.Connection) -> int:
            found = await feedback_rows.of_ids(connection, feedback_ids)
            gone = [row_id for row_id, row in found if row.pending]
            await feedback_rows.write_statements(connection, gone, [], [])
            return len(gone)

        return await self._store.run(write, durable=True)

    async def drop_pending(self, before: float) -> int:
        """Remove statements that wait and were received before ``before``; returns how many went."""

        async def write(connection: aiosqlite.Connection) -> int:
            return (await connection.execute(OLD_PENDING, (before, PENDING_MAX))).rowcount

        return await self._store.run(write)

    async def changes(self, limit: int = CHANGES_MAX, after: int = 0) -> list[VerdictChange]:
        """Changes of verdicts that no summary holds yet, the oldest first, CHANGES_MAX at most of those with an id over
        ``after``: Batch.verdicts_counted ends them."""

        async def read(connection: aiosqlite.Connection) -> list[VerdictChange]:
            rows = await connection.execute_fetchall(
                f"SELECT {CHANGE_COLUMNS} FROM verdict_changes WHERE id > ? ORDER BY id LIMIT ?",
                (after, min(limit, CHANGES_MAX)),
            )
            return [replace(VerdictChange(*row), generation=self._store.generation) for row in map(tuple, rows)]

        return await self._store.run(read)

    async def _take_in(
        self, rows: Sequence[FeedbackRow], keys: Mapping[str, VerdictKey], now: float, pending_only: bool
    ) -> Submitted:
        if len(rows) > SUBMIT_MAX:
            raise ValueError(f"rows: {len(rows)} statements, at most {SUBMIT_MAX} are taken at once")
        prepared = [_prepared(row, keys.get(row.prediction_id)) for row in rows]
        prepared_rows = [row for row, _ in prepared]

        async def write(connection: aiosqlite.Connection) -> Submitted:
            counted_since = now - self._store.summaries_kept_s
            intake = await Intake.begin(connection, prepared_rows, now, counted_since, self._store.generation)
            outcomes = [intake.take(row, key, pending_only) for row, key in prepared]
            return Submitted(outcomes, *await intake.write())

        return await self._store.run(write, durable=True)


def _prepared(row: FeedbackRow, key: VerdictKey | None) -> tuple[FeedbackRow, VerdictKey | None]:
    place = place_of(row.feedback_type, row.detection_index, row.correct_box)
    if key is None:
        prepared = replace(row, place=place, pending=True, replaced_at=None, model="", version="")
    else:
        prepared = replace(row, place=place, pending=False, replaced_at=None, model=key.model, version=key.version)
    return storable_statement(prepared), key
