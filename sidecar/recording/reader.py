"""The reading side: a read-only connection, pages by key, newest first, no transaction longer than a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import aiosqlite

from sidecar.recording import reader_periods, reader_summaries
from sidecar.recording.columns import PLAIN_COLUMNS, Row, label_mark, prediction_of
from sidecar.recording.connection import BUSY_TIMEOUT_MS, STORE_ERRORS
from sidecar.recording.files import store_path
from sidecar.recording.pages import LIMIT_MAX, Conditions, Page, Value, checked_limit, write_cursor
from sidecar.recording.rows import Sample, StoreError, SummaryRow, reason_of
from sidecar.recording.samples import SAMPLE_COLUMNS, sample_of
from sidecar.types import Prediction

_PREDICTION = f"{', '.join(PLAIN_COLUMNS)}, detections"
UNJUDGED_ROLES = ("shadow", "override")
"""Roles whose traffic says nothing of a model in service: left out of baselines, drift and alerts."""
_STATUS_CONDITIONS = {
    "ok": "status >= 200 AND status < 300 AND error = '' AND undecodable = ''",
    "error": "(status < 200 OR status >= 300 OR error <> '')",
    "undecodable": "undecodable <> ''",
    "empty": "detection_count = 0",
}


class Reader:
    """Reads the store in a data folder while another process or task writes it.

    >>> import asyncio, tempfile
    >>> from sidecar.recording import Store
    >>> async def models_of_a_new_store() -> list[tuple[str, str]]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         reader = await Reader.open(Path(folder))
    ...         try:
    ...             return await reader.models()
    ...         finally:
    ...             await reader.close()
    ...             await store.close()
    >>> asyncio.run(models_of_a_new_store())
    []
    """

    def __init__(self, path: Path, connection: aiosqlite.Connection, inode: int) -> None:
        self._path = path
        self._connection = connection
        self._inode = inode

    @classmethod
    async def open(cls, data_dir: Path) -> Reader:
        """Raises StoreError("missing") where there is no store yet."""
        path = store_path(data_dir)
        return cls(path, *await _connect(path))

    async def close(self) -> None:
        """Doing so twice is fine."""
        await self._connection.close()

    async def predictions(
        self,
        *,
        model: str | None = None,
        version: str | None = None,
        role: str | None = None,
        status: int | str | None = None,
        label: str | None = None,
        since: float | None = None,
        until: float | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Page[Prediction]:
        """Predictions of ``since <= at < until`` (epoch seconds), newest first, ``limit`` of them at most.

        ``status`` is an HTTP status or one of ok, error, undecodable, empty (no detection); ``label`` a class with a
        detection at or above the score threshold. Raises ValueError naming the argument that makes no sense.
        """
        where = Conditions()
        where.equal("model", model)
        where.equal("version", version)
        where.equal("role", role)
        if status is not None:
            _add_status(where, status)
        if label is not None:
            where.add("instr(labels, ?) > 0", label_mark(label))
        if since is not None:
            where.add("at >= ?", since)
        if until is not None:
            where.add("at < ?", until)
        where.older_than(before)
        rows = await self._fetch(
            f"SELECT {_PREDICTION}, id FROM predictions WHERE {where} ORDER BY at DESC, id DESC LIMIT ?",
            [*where.parameters, checked_limit(limit) + 1],
        )
        at = PLAIN_COLUMNS.index("at")
        cursor = write_cursor(rows[limit - 1][at], rows[limit - 1][-1]) if len(rows) > limit else None
        return Page([prediction_of(row) for row in rows[:limit]], cursor)

    async def prediction(self, prediction_id: str) -> Prediction | None:
        """One prediction; the bare id of a request serves where it had one image."""
        rows = await self._fetch(f"SELECT {_PREDICTION} FROM predictions WHERE prediction_id = ?", [prediction_id])
        if rows:
            return prediction_of(rows[0])
        images = await self.by_request(prediction_id)
        return images[0] if len(images) == 1 else None

    async def by_request(self, request_id: str) -> list[Prediction]:
        """The predictions of all images of a request, in their order."""
        rows = await self._fetch(
            f"SELECT {_PREDICTION} FROM predictions WHERE request_id = ?"
            " AND (prediction_id = ? OR prediction_id > ? AND prediction_id < ?) ORDER BY image_index LIMIT ?",
            # "/" is the character after ".": the range holds ID.0, ID.1 ... and is found by the index of prediction_id
            [request_id, request_id, request_id + ".", request_id + "/", LIMIT_MAX],
        )
        return [prediction_of(row) for row in rows]

    async def predictions_between(
        self,
        model: str,
        version: str | None,
        since: float,
        until: float,
        after: reader_periods.Cursor | None = None,
        limit: int = LIMIT_MAX,
        slice: str | None = None,
        *,
        roles_without: tuple[str, ...] = UNJUDGED_ROLES,
    ) -> tuple[list[Prediction], reader_periods.Cursor | None]:
        """Predictions of ``since <= at < until``, oldest first, and the ``after`` of the next page or None.

        Raises ValueError for a bad limit.
        """
        return await reader_periods.predictions_between(
            self._fetch, model, version, since, until, after, limit, slice, roles_without
        )

    async def summaries(
        self,
        *,
        since: float,
        until: float,
        width_s: int,
        model: str | None = None,
        version: str | None = None,
        slice: str | None = None,
        roles_without: tuple[str, ...] = (),
    ) -> list[SummaryRow]:
        """Rows of buckets of ``width_s`` that start within ``since <= bucket < until``, oldest first."""
        return await reader_summaries.rows_within(
            self._fetch, since, until, width_s, model, version, slice, roles_without
        )

    async def summary_span(
        self, model: str, version: str | None = None, *, roles_without: tuple[str, ...] = UNJUDGED_ROLES
    ) -> tuple[int, int] | None:
        """Start of the first hour there is a summary of and end of the last, epoch seconds; None without any."""
        return await reader_summaries.span(self._fetch, model, version, roles_without)

    async def first_hour(self) -> int | None:
        """Start of the earliest hour there is a summary of, whatever model it is of."""
        return await reader_summaries.first_hour(self._fetch)

    async def first_bucket(
        self, model: str, version: str, *, roles_without: tuple[str, ...] = UNJUDGED_ROLES
    ) -> int | None:
        """When the record of a model version begins, epoch seconds, as finely as the summaries still kept tell."""
        return await reader_summaries.first_bucket(self._fetch, model, version, roles_without)

    async def slices(
        self,
        model: str,
        version: str | None,
        since: float,
        until: float,
        *,
        roles_without: tuple[str, ...] = UNJUDGED_ROLES,
    ) -> list[str]:
        """The names of slices there were requests of within [since, until), by whole hours; sorted, without ``""``."""
        return await reader_summaries.slices_within(self._fetch, model, version, since, until, roles_without)

    async def samples(
        self,
        *,
        model: str | None = None,
        reason: str | None = None,
        status: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Page[Sample]:
        """Kept images, newest first. ``reason`` is one rule that kept them."""
        where = Conditions()
        where.equal("model", model)
        where.equal("status", status)
        if reason is not None:
            where.add("EXISTS (SELECT 1 FROM json_each(reasons) WHERE value = ?)", reason)
        where.older_than(before)
        rows = await self._fetch(
            f"SELECT {SAMPLE_COLUMNS}, id FROM samples WHERE {where} ORDER BY at DESC, id DESC LIMIT ?",
            [*where.parameters, checked_limit(limit) + 1],
        )
        items = [sample_of(row[:-1]) for row in rows[:limit]]
        cursor = write_cursor(items[-1].at, rows[limit - 1][-1]) if len(rows) > limit else None
        return Page(items, cursor)

    async def sample(self, sample_id: str) -> Sample | None:
        rows = await self._fetch(f"SELECT {SAMPLE_COLUMNS} FROM samples WHERE sample_id = ?", [sample_id])
        return sample_of(rows[0]) if rows else None

    async def models(self) -> list[tuple[str, str]]:
        """All (model, version) there are predictions or summaries of, sorted."""
        # each step of the recursion is one look into the index: the cost grows with models, not with predictions
        rows = await self._fetch(
            "WITH RECURSIVE found (model, version) AS ("
            " SELECT * FROM (SELECT model, version FROM predictions ORDER BY model, version LIMIT 1)"
            " UNION ALL"
            " SELECT p.model, p.version FROM found, predictions p WHERE p.id = ("
            "  SELECT id FROM predictions WHERE (model, version) > (found.model, found.version)"
            "  ORDER BY model, version LIMIT 1)"
            ") SELECT model, version FROM found"
            " UNION SELECT DISTINCT model, version FROM summaries WHERE width_s = 3600 ORDER BY 1, 2",
            [],
        )
        return [(model, version) for model, version in rows]

    async def _fetch(self, statement: str, parameters: Sequence[Value]) -> list[Row]:
        try:
            await self._follow()
            return [tuple(row) for row in await self._connection.execute_fetchall(statement, parameters)]
        except UnicodeEncodeError:
            return []  # no text in the store has what UTF-8 can't hold
        except STORE_ERRORS as error:
            raise StoreError(reason_of(error), str(error)) from error

    async def _follow(self) -> None:
        """The writer may have set the file aside and started a fresh one under the same name."""
        if os.stat(self._path).st_ino != self._inode:
            await self._connection.close()
            self._connection, self._inode = await _connect(self._path)


async def _connect(path: Path) -> tuple[aiosqlite.Connection, int]:
    try:
        inode = os.stat(path).st_ino
        connection = await aiosqlite.connect(_uri(path), uri=True, isolation_level=None)
    except FileNotFoundError as error:
        raise StoreError("missing", f"there is no {path.name} in {path.parent}") from error
    except STORE_ERRORS as error:
        raise StoreError(reason_of(error), str(error)) from error
    await connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    return connection, inode


def _uri(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


def _add_status(where: Conditions, status: int | str) -> None:
    text = str(status)
    if text in _STATUS_CONDITIONS:
        where.add(_STATUS_CONDITIONS[text])
    elif text.isascii() and text.isdigit() and len(text) <= 3:
        where.add("status = ?", int(text))
    else:
        raise ValueError(f"status: {status!r} is neither an HTTP status nor one of {', '.join(_STATUS_CONDITIONS)}")
