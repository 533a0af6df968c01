"""The one writing connection: how it is opened and how a transaction goes through or fails as a whole."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite

from sidecar.recording.files import store_path
from sidecar.recording.rows import StoreError, reason_of
from sidecar.recording.schema import migrate, migrations

BUSY_TIMEOUT_MS = 2_000
CHECK_BYTES_MAX = 256 << 20
"""A store up to this size is checked whole; of a bigger one the list of its tables alone, and the rest as it is read
(seconds a GB)."""
CHECKPOINT_PAGES = 500
"""The journal goes into the database file when it has so many pages, 2 MB: half the ballast, so that it still does
when the disk is full."""
WAL_BYTES_MAX = 16 << 20
"""The -wal file is cut back to this after a checkpoint."""

STORE_ERRORS = (sqlite3.Error, OSError, OverflowError)


async def open_writer(data_dir: Path) -> aiosqlite.Connection:
    """A connection to a sound store with the present schema. Raises StoreError, with the connection closed."""
    path = store_path(data_dir)
    connection: aiosqlite.Connection | None = None
    try:
        connection = await aiosqlite.connect(path, isolation_level=None, cached_statements=256)
        await connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # before the first table, or it needs a full VACUUM
        await connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=NORMAL")
        await connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        await connection.execute(f"PRAGMA journal_size_limit={WAL_BYTES_MAX}")
        await check(connection, path)
        await migrate(connection, migrations(), time.time())
    except BaseException as error:
        if connection is not None:
            await connection.close()
        if isinstance(error, STORE_ERRORS):
            raise StoreError(reason_of(error), str(error)) from error
        raise
    return connection


async def check(connection: aiosqlite.Connection, path: Path) -> None:
    """Look for damage, whole or in part by CHECK_BYTES_MAX. Raises StoreError("corrupt"), or what SQLite raises.

    By the connection alone: to open the file beside it and close it again would drop the locks that SQLite has on it.
    """
    # the cache may have sound pages where the file has none any more
    await connection.execute_fetchall("PRAGMA shrink_memory")
    await connection.execute_fetchall("SELECT COUNT(*) FROM sqlite_master")
    if os.stat(path).st_size > CHECK_BYTES_MAX:
        return
    rows = await connection.execute_fetchall("PRAGMA quick_check(1)")
    verdict = next(iter(rows))[0]
    if verdict != "ok":
        raise StoreError("corrupt", str(verdict))


@asynccontextmanager
async def transaction(connection: aiosqlite.Connection, durable: bool = False) -> AsyncIterator[None]:
    """All that is executed within is committed, or none of it. ``durable`` waits until it would survive a power cut.

    Raises StoreError for what SQLite raises.
    """
    try:
        if durable:
            await connection.execute("PRAGMA synchronous=FULL")
        await connection.execute("BEGIN IMMEDIATE")
        yield
        await connection.execute("COMMIT")
    except BaseException as error:
        # SQLite has already rolled back by itself after some errors (full, I/O)
        if connection.in_transaction:
            await connection.execute("ROLLBACK")
        if isinstance(error, STORE_ERRORS):
            raise StoreError(reason_of(error), str(error)) from error
        raise
    finally:
        if durable:
            await connection.execute("PRAGMA synchronous=NORMAL")
