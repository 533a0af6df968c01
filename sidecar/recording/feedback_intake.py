"""Statements on their way into the store, within one transaction: what stands then, and what is to be counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import aiosqlite

from sidecar.recording import feedback_rows
from sidecar.recording.feedback_rules import said_at, standing, verdict_of
from sidecar.recording.loop_rows import FeedbackRow, Outcome, VerdictChange, VerdictKey, VerdictRow
from sidecar.types import FeedbackType

PENDING_MAX = 100_000
"""Statements that may wait for their prediction."""
PENDING_OF_DATA_PORT_MAX = PENDING_MAX // 2
"""Those of them that came by the data port: a new one takes the place of the oldest there."""
STATEMENTS_MAX = 1_000
"""Statements that may stand about one prediction."""
REPLACED_MAX = 1_000
"""Statements about one prediction that were replaced and are kept, the latest ones."""
BUCKET_S = 10


class Intake:
    """Statements on their way in, within one transaction: what is there, what comes, what goes."""

    def __init__(self, connection: aiosqlite.Connection, now: float, counted_since: float, generation: int) -> None:
        self._connection = connection
        self._now = now
        self._counted_since = counted_since
        self._generation = generation
        self._known: dict[str, tuple[int, FeedbackRow]] = {}
        self._said: dict[str, dict[int, FeedbackRow]] = {}
        self._verdicts: dict[str, VerdictRow] = {}
        self._touched: dict[str, VerdictKey] = {}
        self._added: dict[int, FeedbackRow] = {}
        self._gone: list[int] = []
        self._next_id = 0
        self._pending = 0
        self._of_data_port = 0
        self._to_drop = 0

    @classmethod
    async def begin(
        cls,
        connection: aiosqlite.Connection,
        rows: Sequence[FeedbackRow],
        now: float,
        counted_since: float,
        generation: int,
    ) -> Intake:
        """Look at what is there. A verdict that was counted before ``counted_since`` is not counted anew where it
        changes; ``generation`` is the store's."""
        intake = cls(connection, now, counted_since, generation)
        predictions = {row.prediction_id for row in rows if not row.pending}
        for row_id, row in await feedback_rows.of_ids(connection, (row.feedback_id for row in rows)):
            intake._known[row.feedback_id] = row_id, row
        for row_id, row in await feedback_rows.said_of(connection, predictions):
            if not row.pending:
                intake._said.setdefault(row.prediction_id, {})[row_id] = row
        intake._verdicts = await feedback_rows.verdicts_of(connection, predictions)
        intake._next_id = await feedback_rows.last_id(connection, "feedback") + 1
        if any(row.pending for row in rows):
            intake._pending, intake._of_data_port = await feedback_rows.pending_counts(connection)
        return intake

    def take(self, row: FeedbackRow, key: VerdictKey | None, pending_only: bool) -> Outcome:
        """Take in one statement; nothing is written yet."""
        row_id, known = self._known.get(row.feedback_id, (0, None))
        if pending_only and (known is None or not known.pending):
            return "unchanged"
        if key is None:
            return self._wait(row, known)
        said = self._said.setdefault(row.prediction_id, {})
        if known is not None and not known.pending and not self._says_it_anew(row_id, row, said):
            return "unchanged"
        if _is_full(said, row_id, row):
            return "full"
        said.pop(row_id, None)
        if known is not None:
            self._remove(row_id)
        said[self._add(row)] = row
        self._touched[row.prediction_id] = key
        return "recorded"

    async def write(self) -> tuple[list[VerdictChange], int]:
        """Write all that was taken in; returns the changes of verdicts, and how many that waited had to make room."""
        replaced: list[tuple[float | None, int]] = []
        verdicts: list[VerdictRow] = []
        changes: list[VerdictChange] = []
        change_id = await feedback_rows.last_id(self._connection, "verdict_changes")
        for prediction_id, key in self._touched.items():
            said = self._said[prediction_id]
            stands = standing(said.items())
            ids = {row_id for row_id, _ in stands}
            was_said = any(row_id not in self._added for row_id in said)
            for row_id in sorted(said.keys() - ids)[: -REPLACED_MAX or None]:
                del said[row_id]
                self._remove(row_id)
            for row_id, row in said.items():
                if row_id in self._added:
                    self._added[row_id] = replace(row, replaced_at=None if row_id in ids else self._now)
                elif (row.replaced_at is None) != (row_id in ids):
                    replaced.append((None if row_id in ids else self._now, row_id))
            verdict = verdict_of(stands)
            if verdict is None:
                continue
            was, new = self._verdict(prediction_id, verdict, key)
            if was is not None and was.verdict == verdict:
                continue
            if was is None and was_said:
                continue  # it went before the statements it followed from: it was counted, nobody knows where
            verdicts.append(new)
            if was is not None and was.bucket < self._counted_since:
                continue  # the summary may be gone, and would have less than none of it
            for kind, n in ([] if was is None else [(was.verdict, -1)]) + [(verdict, 1)]:
                change_id += 1
                changes.append(_change(change_id, new, kind, n, self._generation))
        await feedback_rows.write_statements(self._connection, self._gone, self._added.items(), replaced)
        await feedback_rows.write_verdicts(self._connection, verdicts, changes)
        dropped = 0
        if self._to_drop:
            dropped = await feedback_rows.drop_oldest_of_data_port(self._connection, self._to_drop)
        return changes, dropped

    def _wait(self, row: FeedbackRow, known: FeedbackRow | None) -> Outcome:
        if known is not None:
            return "unchanged"
        if feedback_rows.is_of_data_port(row) and self._of_data_port >= PENDING_OF_DATA_PORT_MAX:
            self._to_drop += 1
        elif self._pending >= PENDING_MAX:
            return "full"
        else:
            self._pending += 1
            self._of_data_port += feedback_rows.is_of_data_port(row)
        self._add(row)
        return "pending"

    def _says_it_anew(self, row_id: int, row: FeedbackRow, said: Mapping[int, FeedbackRow]) -> bool:
        """Whether the statement that is known as ``row_id``, said at a later time, would change what stands."""
        if row_id not in said or said_at(row) <= said_at(said[row_id]):
            return False
        before = {each for each, _ in standing(said.items())}
        return before != {each for each, _ in standing({**said, row_id: row}.items())}

    def _add(self, row: FeedbackRow) -> int:
        row_id = self._next_id
        self._next_id += 1
        self._added[row_id] = row
        self._known[row.feedback_id] = row_id, row
        return row_id

    def _remove(self, row_id: int) -> None:
        if self._added.pop(row_id, None) is None:
            self._gone.append(row_id)

    def _verdict(
        self, prediction_id: str, verdict: FeedbackType, key: VerdictKey
    ) -> tuple[VerdictRow | None, VerdictRow]:
        """The verdict that was, and the one that is: counted where the first one was."""
        was = self._verdicts.get(prediction_id)
        if was is not None:
            return was, replace(was, verdict=verdict)
        bucket = int(self._now) // BUCKET_S * BUCKET_S
        return None, VerdictRow(
            prediction_id, verdict, bucket, key.model, key.version, key.role, key.experiment, key.epoch, key.slice
        )


def _is_full(said: Mapping[int, FeedbackRow], row_id: int, row: FeedbackRow) -> bool:
    """Whether more than STATEMENTS_MAX would stand with ``row`` in the place of ``row_id``; replaced ones don't."""
    stands = [each for known, each in said.items() if each.replaced_at is None and known != row_id]
    if len(stands) < STATEMENTS_MAX:
        return False
    if all(each.author != row.author for each in stands):
        return True  # it replaces nothing
    others = [(known, each) for known, each in said.items() if known != row_id]
    return len(standing([*others, (max(said) + 1, row)])) > STATEMENTS_MAX


def _change(change_id: int, of: VerdictRow, kind: FeedbackType, n: int, generation: int) -> VerdictChange:
    return VerdictChange(
        change_id, of.bucket, of.model, of.version, of.role, of.experiment, of.epoch, of.slice, kind, n, generation
    )
