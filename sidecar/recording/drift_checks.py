"""Drift checks: what the continuous monitor found, window by window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiosqlite

from sidecar.recording.columns import storable
from sidecar.recording.documents import document_of, document_text
from sidecar.recording.pages import Conditions, Page, checked_limit, write_cursor
from sidecar.recording.watch_rows import DriftCheckRow
from sidecar.recording.writer import Store

_CHECK = "model, version, slice, since, until, baseline_id, checked_at, report"
_UPSERT = (
    f"INSERT INTO drift_checks ({_CHECK}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (model, slice, version, until, since) DO UPDATE SET"
    " baseline_id = excluded.baseline_id, checked_at = excluded.checked_at, report = excluded.report"
)


class DriftChecks:
    """The drift checks in a store.

    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> async def verdicts() -> list[str]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         checks = DriftChecks(store)
    ...         await checks.put(DriftCheckRow("det", "1", "", 0.0, 60.0, "b1", 61.0, {"verdict": "drift"}))
    ...         found = [row.report["verdict"] for row in await checks.latest("det")]
    ...         await store.close()
    ...         return found
    >>> asyncio.run(verdicts())
    ['drift']
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, row: DriftCheckRow) -> None:
        """Add ``row``; a check of the same model version, slice and period is replaced.

        A power cut may lose it, since the same check can be made again.
        """
        values = storable((*_plain(row), document_text(row.report)))

        async def write(connection: aiosqlite.Connection) -> None:
            await connection.execute(_UPSERT, values)

        await self._store.run(write)

    async def latest(self, model: str, version: str | None = None, slice: str | None = "") -> list[DriftCheckRow]:
        """The check of the latest period of each version; with slice None of each version and slice."""
        where = Conditions()
        where.equal("model", model)
        where.equal("slice", slice)
        where.equal("version", version)
        rows = await self._store.fetch(
            f"SELECT {_CHECK} FROM drift_checks WHERE id IN (SELECT ("
            "SELECT id FROM drift_checks WHERE model = ? AND slice = kind.slice AND version = kind.version"
            " ORDER BY until DESC, since DESC LIMIT 1"
            f") FROM (SELECT DISTINCT slice, version FROM drift_checks WHERE {where}) kind) ORDER BY version, slice",
            [model, *where.parameters],
        )
        return [_check_of(row) for row in rows]

    async def page(
        self,
        model: str | None = None,
        version: str | None = None,
        slice: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Page[DriftCheckRow]:
        """Checks of one model or (None) of all, those of the latest period first.

        ``slice`` None: of all slices, ``""``: of the whole.

        Raises ValueError naming the argument that makes no sense.
        """
        where = Conditions()
        where.equal("model", model)
        where.equal("slice", slice)
        where.equal("version", version)
        where.older_than(before, "until")
        rows = await self._store.fetch(
            f"SELECT {_CHECK}, id FROM drift_checks WHERE {where} ORDER BY until DESC, id DESC LIMIT ?",
            [*where.parameters, checked_limit(limit) + 1],
        )
        items = [_check_of(row[:-1]) for row in rows[:limit]]
        return Page(items, write_cursor(items[-1].until, rows[limit - 1][-1]) if len(rows) > limit else None)


def _plain(row: DriftCheckRow) -> tuple[Any, ...]:
    return (row.model, row.version, row.slice, row.since, row.until, row.baseline_id, row.checked_at)


def _check_of(row: Sequence[Any]) -> DriftCheckRow:
    values = list(row)
    values[7] = document_of(row[7])
    return DriftCheckRow(*values)
