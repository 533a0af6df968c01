import os
import sqlite3
from pathlib import Path

import aiosqlite
import pytest

from sidecar.recording import Store, StoreError
from sidecar.recording.files import store_path
from sidecar.recording.schema import Migration, migrate, migrations, split_statements


async def test_reopened_store_has_no_migration_to_apply(store: Store, tmp_path: Path) -> None:
    """All steps are applied at the first opening and none at the second."""
    await store.close()
    async with aiosqlite.connect(store_path(tmp_path), isolation_level=None) as connection:
        assert await migrate(connection, migrations(), 0.0) == 0


async def test_failing_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    """A step that fails half-way is rolled back whole and the ones before it stay."""
    steps = [
        Migration(1, "good", ("CREATE TABLE a (x);",)),
        Migration(2, "bad", ("CREATE TABLE b (x);", "CREATE TABLE a (x);")),
    ]
    async with aiosqlite.connect(tmp_path / "x", isolation_level=None) as connection:
        with pytest.raises(sqlite3.OperationalError):
            await migrate(connection, steps, 0.0)
        rows = await connection.execute_fetchall("SELECT name FROM sqlite_master WHERE type = 'table'")
        assert {row[0] for row in rows} == {"schema_migrations", "a"}


async def test_store_of_a_later_release_is_refused_and_left_alone(store: Store, tmp_path: Path) -> None:
    """A schema version this release does not know is an error, not a damaged file."""
    await store.close()
    with sqlite3.connect(store_path(tmp_path)) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'later', 0)")
    connection.close()
    with pytest.raises(StoreError, match="9999") as caught:
        await Store.open(tmp_path)
    assert caught.value.reason == "newer"
    assert not any("damaged" in name for name in os.listdir(tmp_path))


def test_new_store_reclaims_pages_by_increments(tmp_path: Path, store: Store) -> None:
    """auto_vacuum is INCREMENTAL from creation, and the journal is a WAL."""
    with sqlite3.connect(store_path(tmp_path)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_unfinished_statement_is_refused() -> None:
    """A script whose last statement does not end is an error, not silently shortened."""
    with pytest.raises(ValueError, match="does not end"):
        list(split_statements("SELECT 1;\nSELECT 2"))
