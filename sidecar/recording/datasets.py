"""Datasets: what kept images belong to."""

from __future__ import annotations

import aiosqlite

from sidecar.hashing import unit_interval
from sidecar.recording.columns import storable
from sidecar.recording.loop_rows import DatasetRow
from sidecar.recording.watch_rows import Full, Taken
from sidecar.recording.writer import Store

DATASETS_MAX = 1_000
ADOPTED_A_TRANSACTION = 500
"""Images that join a dataset together: others commit in between."""

_DATASET = "dataset_id, name, created_at, origin"
_INSERT = f"INSERT INTO datasets ({_DATASET}) VALUES (?, ?, ?, ?)"
_TAKEN_OVER = "variant, role, experiment, epoch, slice, unit, client_request_id, score_threshold, detections"
_TAKE_OVER = (
    f"UPDATE samples SET ({_TAKEN_OVER}) ="
    f" (SELECT {_TAKEN_OVER} FROM predictions WHERE predictions.prediction_id = samples.prediction_id)"
    " WHERE id = ? AND EXISTS (SELECT 1 FROM predictions WHERE predictions.prediction_id = samples.prediction_id)"
)


class Datasets:
    """The datasets in a store.

    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> async def names_after_two_images() -> list[str]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         datasets = Datasets(store)
    ...         for now in (5.0, 6.0):
    ...             await datasets.ensure("det", "Det", now)
    ...         names = [row.name for row in await datasets.all()]
    ...         await store.close()
    ...         return names
    >>> asyncio.run(names_after_two_images())
    ['Det']
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> list[DatasetRow]:
        """All, the oldest first."""
        rows = await self._store.fetch(f"SELECT {_DATASET} FROM datasets ORDER BY created_at, id")
        return [DatasetRow(*row) for row in rows]

    async def get(self, dataset_id: str) -> DatasetRow | None:
        rows = await self._store.fetch(f"SELECT {_DATASET} FROM datasets WHERE dataset_id = ?", (dataset_id,))
        return DatasetRow(*rows[0]) if rows else None

    async def add(self, row: DatasetRow) -> None:
        """Add a dataset; safe from a power cut on return. Raises Taken, and Full at DATASETS_MAX."""
        await self._put(row, durable=True, on_conflict="taken")

    async def put(self, row: DatasetRow) -> None:
        """Add a dataset, or give the one of that id its name and origin; safe from a power cut on return.

        Raises Full at DATASETS_MAX.
        """
        await self._put(row, durable=True, on_conflict="replace")

    async def ensure(self, dataset_id: str, name: str, now: float) -> None:
        """There is a dataset of that id: one that is there is left as it is. Raises Full at DATASETS_MAX."""
        await self._put(DatasetRow(dataset_id, name, now, "auto"), durable=False, on_conflict="leave")

    async def adopt(self, model: str, dataset_id: str) -> int:
        """Images of ``model`` that belong to no dataset, kept before there were any, join this one; returns how many.

        They get a place in the audit, and what their predictions still tell of them.
        """
        total = 0
        while adopted := await self._store.run(lambda connection: _adopt_some(connection, model, dataset_id)):
            total += adopted
        return total

    async def _put(self, row: DatasetRow, durable: bool, on_conflict: str) -> None:
        values = storable((row.dataset_id, row.name, row.created_at, row.origin))

        async def write(connection: aiosqlite.Connection) -> None:
            counted = await connection.execute_fetchall(
                "SELECT COUNT(*), COUNT(CASE WHEN dataset_id = ? THEN 1 END) FROM datasets", values[:1]
            )
            count, of_that_id = next(iter(counted))
            if not of_that_id:
                if count >= DATASETS_MAX:
                    raise Full("id", f"there are {count} datasets, as many as there may be")
                await connection.execute(_INSERT, values)
            elif on_conflict == "taken":
                raise Taken("id", f"there is a dataset {row.dataset_id!r} already")
            elif on_conflict == "replace":
                await connection.execute(
                    "UPDATE datasets SET name = ?, origin = ? WHERE dataset_id = ?", (values[1], values[3], values[0])
                )

        await self._store.run(write, durable)


async def _adopt_some(connection: aiosqlite.Connection, model: str, dataset_id: str) -> int:
    found = await connection.execute_fetchall(
        "SELECT id, prediction_id, drawn FROM samples WHERE dataset_id = '' AND model = ? LIMIT ?",
        (*storable((model,)), ADOPTED_A_TRANSACTION),
    )
    rows = list(found)
    await connection.executemany(_TAKE_OVER, [(row_id,) for row_id, _, _ in rows])
    (dataset,) = storable((dataset_id,))
    await connection.executemany(
        "UPDATE samples SET dataset_id = ?, audit_rank = ? WHERE id = ?",
        [
            (dataset, unit_interval(prediction_id, "audit") if drawn else 0.0, row_id)
            for row_id, prediction_id, drawn in rows
        ],
    )
    return len(rows)
