"""Baselines: the periods that people, or a rule, declared to be normal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiosqlite

from sidecar.recording.columns import storable
from sidecar.recording.documents import document_of, document_text
from sidecar.recording.pages import Conditions
from sidecar.recording.watch_rows import BaselineRow, Full, Taken
from sidecar.recording.writer import Store

BASELINES_MAX = 200
PAYLOAD_BYTES_MAX = 16 << 20
AUTO_DELETED_MAX = 10_000
"""Model versions of which is remembered that their automatic baseline was deleted; the oldest are forgotten first."""

_FACTS = "baseline_id, model, version, name, since, until, created_at, origin, figures"
_INSERT = f"INSERT INTO baselines ({_FACTS}, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REMEMBER = (
    "INSERT INTO auto_baselines_deleted (model, version)"
    " SELECT model, version FROM baselines WHERE baseline_id = ? AND origin = 'auto' ON CONFLICT DO NOTHING"
)
_FORGET_OLDEST = (
    "DELETE FROM auto_baselines_deleted WHERE id <="
    " (SELECT id FROM auto_baselines_deleted ORDER BY id DESC LIMIT 1 OFFSET ?)"
)


class Baselines:
    """The baselines in a store. Retention never removes one.

    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> async def names_after_a_put() -> list[str]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         baselines = Baselines(store)
    ...         await baselines.put(BaselineRow("b1", "det", "1", "default", 0.0, 60.0, 61.0, "user", {}, b"blocks"))
    ...         names = [row.name for row in await baselines.all()]
    ...         await store.close()
    ...         return names
    >>> asyncio.run(names_after_a_put())
    ['default']
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, row: BaselineRow, replace: bool = False) -> None:
        """Add ``row``, safe from a power cut on return; with ``replace`` in the place of the one of its name.

        Raises Taken where the model version has one of that name and ``replace`` is False, Full at BASELINES_MAX or
        over PAYLOAD_BYTES_MAX.
        """
        if len(row.payload) > PAYLOAD_BYTES_MAX:
            raise Full("payload", f"{len(row.payload)} bytes, at most {PAYLOAD_BYTES_MAX} can be kept")
        values = storable((*_facts(row), row.payload))
        name = values[1:4]

        async def write(connection: aiosqlite.Connection) -> None:
            if replace:
                await connection.execute("DELETE FROM baselines WHERE model = ? AND version = ? AND name = ?", name)
            counted = await connection.execute_fetchall(
                "SELECT COUNT(*), COUNT(CASE WHEN model = ? AND version = ? AND name = ? THEN 1 END) FROM baselines",
                name,
            )
            count, of_that_name = next(iter(counted))
            if of_that_name:
                raise Taken("name", f"{row.model}@{row.version} has a baseline {row.name!r} already: replace it?")
            if count >= BASELINES_MAX:
                raise Full("name", f"there are {count} baselines, as many as are kept: delete one first")
            await connection.execute(_INSERT, values)

        await self._store.run(write, durable=True)

    async def all(self, model: str | None = None, version: str | None = None) -> list[BaselineRow]:
        """All, or those of a model or a model version, in the order they were made, with an empty payload."""
        where = Conditions()
        where.equal("model", model)
        where.equal("version", version)
        rows = await self._store.fetch(
            f"SELECT {_FACTS} FROM baselines WHERE {where} ORDER BY created_at, id", where.parameters
        )
        return [_baseline_of((*row, b"")) for row in rows]

    async def get(self, baseline_id: str) -> BaselineRow | None:
        """One with its payload; None where there is no such baseline."""
        rows = await self._store.fetch(f"SELECT {_FACTS}, payload FROM baselines WHERE baseline_id = ?", (baseline_id,))
        return _baseline_of(rows[0]) if rows else None

    async def delete(self, baseline_id: str) -> bool:
        """Safe from a power cut on return. False where there is no such baseline.

        Of one of origin ``auto`` it is remembered with it, so that it is not made again by itself.
        """

        async def remove(connection: aiosqlite.Connection) -> bool:
            await connection.execute(_REMEMBER, storable((baseline_id,)))
            await connection.execute(_FORGET_OLDEST, (AUTO_DELETED_MAX,))
            cursor = await connection.execute("DELETE FROM baselines WHERE baseline_id = ?", storable((baseline_id,)))
            return cursor.rowcount > 0

        return await self._store.run(remove, durable=True)

    async def auto_deleted(self) -> set[tuple[str, str]]:
        """The (model, version) of which an automatic baseline was deleted, whatever was set since."""
        rows = await self._store.fetch("SELECT model, version FROM auto_baselines_deleted")
        return {(model, version) for model, version in rows}


def _facts(row: BaselineRow) -> tuple[Any, ...]:
    return (
        row.baseline_id,
        row.model,
        row.version,
        row.name,
        row.since,
        row.until,
        row.created_at,
        row.origin,
        document_text(row.figures),
    )


def _baseline_of(row: Sequence[Any]) -> BaselineRow:
    values = list(row)
    values[8] = document_of(row[8])
    return BaselineRow(*values)
