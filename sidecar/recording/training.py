"""Training jobs and the versions of models that came of them or were registered by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiosqlite

from sidecar.recording.columns import storable
from sidecar.recording.documents import document_of, document_text, number_or_none
from sidecar.recording.loop_rows import JobRow, ModelVersionRow
from sidecar.recording.pages import Conditions
from sidecar.recording.watch_rows import Full
from sidecar.recording.writer import Store

JOBS_MAX = 1_000
"""Jobs that are kept, ended ones included; for a new one the one that ended first goes."""
MODEL_VERSIONS_MAX = 10_000

_JOB = "job_id, name, dataset_id, version_id, status, created_at, ended_at, document"
_UPSERT_JOB = (
    f"INSERT INTO training_jobs ({_JOB}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (job_id) DO UPDATE SET name = excluded.name, dataset_id = excluded.dataset_id,"
    " version_id = excluded.version_id, status = excluded.status, created_at = excluded.created_at,"
    " ended_at = excluded.ended_at, document = excluded.document"
)
_FIRST_ENDED = "SELECT job_id FROM training_jobs WHERE ended_at IS NOT NULL ORDER BY ended_at, id LIMIT 1"
_MODEL_VERSION = "model, version, created_at, job_id, document"
_UPSERT_MODEL_VERSION = (
    f"INSERT INTO model_versions ({_MODEL_VERSION}) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (model, version) DO UPDATE SET created_at = excluded.created_at, job_id = excluded.job_id,"
    " document = excluded.document"
)


class Jobs:
    """The training jobs in a store.

    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> row = JobRow("j1", "Night", "det", "v1", "queued", 5.0, None, {"trainer": "own"})
    >>> async def queued_after_a_put() -> list[str]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         jobs = Jobs(store)
    ...         await jobs.put(row)
    ...         names = [job.name for job in await jobs.all("queued")]
    ...         await store.close()
    ...         return names
    >>> asyncio.run(queued_after_a_put())
    ['Night']
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, row: JobRow) -> str | None:
        """Add ``row``, or put it in the place of the one of its id; safe from a power cut on return.

        At JOBS_MAX the job that ended first goes for a new one: its id is returned. Raises Full where none has ended.
        """
        values = storable(
            (
                row.job_id,
                row.name,
                row.dataset_id,
                row.version_id,
                row.status,
                row.created_at,
                number_or_none(row.ended_at),
                document_text(row.document),
            )
        )

        async def write(connection: aiosqlite.Connection) -> str | None:
            gone = await _make_room(connection, values[0])
            await connection.execute(_UPSERT_JOB, values)
            return gone

        return await self._store.run(write, durable=True)

    async def get(self, job_id: str) -> JobRow | None:
        rows = await self._store.fetch(f"SELECT {_JOB} FROM training_jobs WHERE job_id = ?", (job_id,))
        return _job_of(rows[0]) if rows else None

    async def all(self, status: str | None = None, limit: int = JOBS_MAX) -> list[JobRow]:
        """Those of a status, or all, newest first."""
        where = Conditions()
        where.equal("status", status)
        rows = await self._store.fetch(
            f"SELECT {_JOB} FROM training_jobs WHERE {where} ORDER BY id DESC LIMIT ?", [*where.parameters, limit]
        )
        return [_job_of(row) for row in rows]


class ModelVersions:
    """The registered versions of models in a store. What is written is safe from a power cut on return."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, row: ModelVersionRow) -> None:
        """Add ``row``, or put it in the place of the one of its model and version. Raises Full at the bound."""
        values = storable((row.model, row.version, row.created_at, row.job_id, document_text(row.document)))

        async def write(connection: aiosqlite.Connection) -> None:
            counted = await connection.execute_fetchall(
                "SELECT COUNT(*), COUNT(CASE WHEN model = ? AND version = ? THEN 1 END) FROM model_versions", values[:2]
            )
            count, of_that_name = next(iter(counted))
            if count >= MODEL_VERSIONS_MAX and not of_that_name:
                raise Full("version", f"{count} versions of models are registered, as many as there may be")
            await connection.execute(_UPSERT_MODEL_VERSION, values)

        await self._store.run(write, durable=True)

    async def all(self, model: str | None = None) -> list[ModelVersionRow]:
        """Those of a model, or all, newest first."""
        where = Conditions()
        where.equal("model", model)
        rows = await self._store.fetch(
            f"SELECT {_MODEL_VERSION} FROM model_versions WHERE {where} ORDER BY created_at DESC, id DESC",
            where.parameters,
        )
        return [_model_version_of(row) for row in rows]

    async def names(self) -> list[tuple[str, str]]:
        """(model, version) of all; the version is empty where a model itself was registered."""
        rows = await self._store.fetch("SELECT model, version FROM model_versions ORDER BY model, version", ())
        return [(model, version) for model, version in rows]

    async def delete(self, model: str, version: str) -> bool:
        """Whether there was one."""

        async def write(connection: aiosqlite.Connection) -> bool:
            gone = await connection.execute(
                "DELETE FROM model_versions WHERE model = ? AND version = ?", storable((model, version))
            )
            return gone.rowcount > 0

        return await self._store.run(write, durable=True)

    async def get(self, model: str, version: str) -> ModelVersionRow | None:
        rows = await self._store.fetch(
            f"SELECT {_MODEL_VERSION} FROM model_versions WHERE model = ? AND version = ?", (model, version)
        )
        return _model_version_of(rows[0]) if rows else None


async def _make_room(connection: aiosqlite.Connection, job_id: str) -> str | None:
    """Within a transaction: the id of the job that went so that one of ``job_id`` can be put; None where none had
    to."""
    counted = await connection.execute_fetchall(
        "SELECT COUNT(*), COUNT(CASE WHEN job_id = ? THEN 1 END) FROM training_jobs", (job_id,)
    )
    count, of_that_id = next(iter(counted))
    if of_that_id or count < JOBS_MAX:
        return None
    ended = list(await connection.execute_fetchall(_FIRST_ENDED))
    if not ended:
        raise Full("name", f"there are {count} jobs under way, as many as are kept: cancel one first")
    gone: str = ended[0][0]
    await connection.execute("DELETE FROM training_jobs WHERE job_id = ?", (gone,))
    return gone


def _job_of(row: Sequence[Any]) -> JobRow:
    values = list(row)
    values[-1] = document_of(row[-1])
    return JobRow(*values)


def _model_version_of(row: Sequence[Any]) -> ModelVersionRow:
    values = list(row)
    values[-1] = document_of(row[-1])
    return ModelVersionRow(*values)
