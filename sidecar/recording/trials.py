"""Trials: A/B tests and shadow tests, those under way and those that ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aiosqlite

from sidecar.recording import trial_sums
from sidecar.recording.columns import storable
from sidecar.recording.documents import document_of, document_text, number_or_none
from sidecar.recording.trial_rows import PairRow, SnapshotRow, TrialRow, UnitRow
from sidecar.recording.watch_rows import Full
from sidecar.recording.writer import Store

TRIALS_MAX = 1_000
"""Tests that are kept, ended ones included; for a new one the one that ended first goes."""

_TRIAL = "trial_id, kind, name, model, status, created_at, ended_at, document, lowest, results"
_UPSERT = (
    f"INSERT INTO trials ({_TRIAL}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (trial_id) DO UPDATE SET kind = excluded.kind, name = excluded.name, model = excluded.model,"
    " status = excluded.status, created_at = excluded.created_at, ended_at = excluded.ended_at,"
    " document = excluded.document, lowest = excluded.lowest, results = excluded.results"
)
_PUT_SNAPSHOT = (
    "INSERT INTO trial_snapshots (trial_id, at, document) SELECT trial_id, ?2, ?3 FROM trials WHERE trial_id = ?1"
    " ON CONFLICT (trial_id, at) DO UPDATE SET document = excluded.document"
)
_FIRST_ENDED = "SELECT trial_id FROM trials WHERE ended_at IS NOT NULL ORDER BY ended_at, id LIMIT 1"


class Trials:
    """The tests in a store. Retention removes those that ended long ago.

    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> row = TrialRow("t-1", "ab", "T 1", "det", "running", 5.0, None, {"salt": "x"}, {}, None)
    >>> async def names_after_a_put() -> list[str]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         trials = Trials(store)
    ...         await trials.put(row)
    ...         names = [found.name for found in await trials.all()]
    ...         await store.close()
    ...         return names
    >>> asyncio.run(names_after_a_put())
    ['T 1']
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> list[TrialRow]:
        """All, newest first, with their results."""
        rows = await self._store.fetch(f"SELECT {_TRIAL} FROM trials ORDER BY created_at DESC, id DESC")
        return [_trial_of(row) for row in rows]

    async def put(self, row: TrialRow) -> str | None:
        """Add ``row``, or put it in the place of the one of its id; safe from a power cut on return.

        At TRIALS_MAX the test that ended first goes for a new one, with all that is of it: its id is returned. Raises
        Full where none has ended.
        """
        values = _values(row)

        async def write(connection: aiosqlite.Connection) -> str | None:
            gone = await _make_room(connection, values[0])
            await connection.execute(_UPSERT, values)
            return gone

        return await self._store.run(write, durable=True)

    async def put_lowest(self, trial_id: str, lowest: Mapping[str, float]) -> None:
        """Write ``lowest`` and nothing else; without effect where there is no such test.

        A power cut may lose it, since it is worked out again.
        """
        values = storable((document_text(dict(lowest)), trial_id))

        async def write(connection: aiosqlite.Connection) -> None:
            await connection.execute("UPDATE trials SET lowest = ? WHERE trial_id = ?", values)

        await self._store.run(write)

    async def delete(self, trial_id: str) -> bool:
        """Remove a test and all that is of it (units, pairs, snapshots, whole epochs); safe from a power cut on return.

        False where there is no such test; what is of one of that id goes all the same.
        """
        (stored_id,) = storable((trial_id,))
        return await self._store.run(lambda connection: trial_sums.delete(connection, stored_id), durable=True)

    async def units(self, trial_id: str) -> list[UnitRow]:
        """The sums per unit of a test, lowest hash first."""
        rows = await self._store.fetch(
            "SELECT trial_id, epoch, arm, unit, sums FROM unit_sums WHERE trial_id = ? ORDER BY unit, epoch, arm",
            (trial_id,),
        )
        return [UnitRow(*row) for row in rows]

    async def pairs(self, trial_id: str) -> list[PairRow]:
        """The compared pairs of a test, one row an epoch, in their order."""
        rows = await self._store.fetch(
            "SELECT trial_id, epoch, revision, payload FROM pair_summaries WHERE trial_id = ? ORDER BY epoch",
            (trial_id,),
        )
        return [PairRow(*row) for row in rows]

    async def put_snapshot(self, row: SnapshotRow) -> None:
        """Keep what a test came to; without effect where there is no such test, and in place of one of that moment."""
        values = storable((row.trial_id, row.at, document_text(row.document)))

        async def write(connection: aiosqlite.Connection) -> None:
            await connection.execute(_PUT_SNAPSHOT, values)

        await self._store.run(write)

    async def last_snapshot(self, trial_id: str) -> tuple[float, int]:
        """(when the latest was made, epoch seconds, how many there are); (-inf, 0) without any."""
        rows = await self._store.fetch("SELECT MAX(at), COUNT(*) FROM trial_snapshots WHERE trial_id = ?", (trial_id,))
        at, count = rows[0]
        return float("-inf") if at is None else at, count

    async def unit_bounds(self) -> dict[str, int]:
        """Of each test whose units were cut, the highest hash that is kept."""
        return dict(await self._store.fetch("SELECT trial_id, above FROM unit_bounds"))


async def _make_room(connection: aiosqlite.Connection, trial_id: str) -> str | None:
    """Within a transaction: the id of the test that went so that one of ``trial_id`` can be put; None where none had
    to."""
    counted = await connection.execute_fetchall(
        "SELECT COUNT(*), COUNT(CASE WHEN trial_id = ? THEN 1 END) FROM trials", (trial_id,)
    )
    count, of_that_id = next(iter(counted))
    if of_that_id or count < TRIALS_MAX:
        return None
    ended = list(await connection.execute_fetchall(_FIRST_ENDED))
    if not ended:
        raise Full("name", f"there are {count} tests under way, as many as are kept: stop one first")
    gone: str = ended[0][0]
    await trial_sums.delete(connection, gone)
    return gone


def _values(row: TrialRow) -> tuple[Any, ...]:
    """The parameters of _UPSERT."""
    return storable(
        (
            row.trial_id,
            row.kind,
            row.name,
            row.model,
            row.status,
            row.created_at,
            number_or_none(row.ended_at),
            document_text(row.document),
            document_text(dict(row.lowest)),
            None if row.results is None else document_text(row.results),
        )
    )


def _trial_of(row: Sequence[Any]) -> TrialRow:
    values = list(row)
    values[7] = document_of(row[7])
    values[8] = {name: value for name, value in document_of(row[8]).items() if value is not None}  # NaN is null there
    values[9] = None if row[9] is None else document_of(row[9])
    return TrialRow(*values)
