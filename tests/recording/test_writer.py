import asyncio
import contextlib
import os
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.recording import Batch, OutboxItem, Reader, Store, StoreError, SummaryRow
from sidecar.recording.files import BALLAST_BYTES, BALLAST_NAME, STORE_NAME, store_path

ROW = SummaryRow(1_700_000_000, 10, "yolo", "3", "serving", "", 0, "", 1, b"one")

WRITER = """
import asyncio, sys
from pathlib import Path
from sidecar.recording import Batch, Store
from sidecar.types import Prediction

def prediction(number):
    return Prediction(f"id-{number}", f"id-{number}", 0, float(number), "m", "1", "v", "serving", "", 0, "", "", "v2",
                      200, "", "", 1.0, 1.0, 1.0, 1, 1, 1, 1, 0.25, "", "", None)

async def main():
    store = await Store.open(Path(sys.argv[1]))
    number = 0
    while True:
        number += 1
        await store.commit(Batch([prediction(number)], positions={(0, 1): number}))
        print(number, flush=True)

asyncio.run(main())
"""


async def test_killed_writer_loses_nothing_that_was_committed(tmp_path: Path, kill_writer) -> None:
    """After kill -9 the store opens sound, and rows and position agree with what the writer had been told."""
    committed = kill_writer(WRITER, 50)
    store = await Store.open(tmp_path)
    try:
        assert store.health.set_aside == ()
        positions = await store.positions()
        with sqlite3.connect(store_path(tmp_path)) as connection:
            rows = connection.execute("SELECT COUNT(*) FROM predictions").fetchone()[0]
        connection.close()
        assert positions[0, 1] == rows >= committed
    finally:
        await store.close()


async def test_batch_sent_twice_has_its_effect_once(store: Store, reader: Reader, make_prediction) -> None:
    """Committing a batch again changes neither rows nor positions nor outbox."""
    batch = Batch([make_prediction(1), make_prediction(2)], [ROW], {(0, 1): 5}, [OutboxItem("hub", "k", 1, b"payload")])
    await store.commit(batch)
    await store.commit(batch)
    assert len((await reader.predictions()).items) == 2
    assert await store.positions() == {(0, 1): 5}
    assert (await store.outbox_stats("hub")).items == 1


async def test_double_within_a_batch_is_ignored(store: Store, reader: Reader, make_prediction) -> None:
    """Two predictions of one id in a batch leave one row."""
    await store.commit(Batch([make_prediction(1), make_prediction(1)]))
    assert len((await reader.predictions()).items) == 1


async def test_position_never_goes_back(store: Store) -> None:
    """An older frame that arrives again does not lower a worker's position."""
    await store.commit(Batch(positions={(0, 1): 9}))
    await store.commit(Batch(positions={(0, 1): 4, (1, 1): 2}))
    assert await store.positions() == {(0, 1): 9, (1, 1): 2}


async def test_positions_of_long_gone_workers_are_forgotten(store: Store) -> None:
    """A worker that restarts for ever does not fill the table: the last eight lives are kept."""
    for epoch in range(20):
        await store.commit(Batch(positions={(0, epoch): 1}))
    assert sorted(epoch for _, epoch in await store.positions()) == list(range(12, 20))


async def test_batch_that_fails_leaves_nothing(store: Store, reader: Reader, make_prediction) -> None:
    """A batch with a row that can't be stored is rolled back whole and says that it is invalid."""
    with pytest.raises(StoreError) as caught:
        await store.commit(
            Batch([make_prediction(1), make_prediction(2, request_bytes=1 << 70)], positions={(0, 1): 1})
        )
    assert caught.value.reason == "invalid"
    assert (await reader.predictions()).items == []
    assert await store.positions() == {}
    await store.commit(Batch([make_prediction(1)]))
    assert store.health.ok


async def test_text_that_utf8_cannot_hold_is_stored_with_replacements(
    store: Store, reader: Reader, make_prediction
) -> None:
    """A header of arbitrary bytes does not stop the batch it is in."""
    await store.commit(Batch([make_prediction(1, unit="caf\udce9"), make_prediction(2)]))
    found = await reader.prediction("id-1")
    assert found is not None
    assert found.unit == "caf?"
    assert await reader.prediction("id-2") is not None


async def test_late_summary_revision_does_not_replace_a_newer_one(store: Store) -> None:
    """Of two revisions of a bucket the higher stays, in whatever order they come."""
    await store.commit(Batch(summaries=[replace(ROW, revision=3, payload=b"three")]))
    await store.commit(Batch(summaries=[replace(ROW, revision=2, payload=b"two")]))
    assert [row.payload for row in await store.open_summaries(ROW.bucket)] == [b"three"]
    assert await store.open_summaries(ROW.bucket + 1) == []
    found = await store.summary((ROW.bucket, 10, "yolo", "3", "serving", "", 0, ""))
    assert found is not None
    assert found.revision == 3
    assert await store.summary((ROW.bucket, 60, "yolo", "3", "serving", "", 0, "")) is None


async def test_corrupt_file_is_set_aside_with_its_journal_and_a_fresh_one_started(
    store: Store, tmp_path: Path, make_prediction
) -> None:
    """A store whose pages are garbage is renamed, not deleted, and recording goes on."""
    await store.commit(Batch([make_prediction(number) for number in range(200)]))
    await store.close()
    path = store_path(tmp_path)
    with path.open("r+b") as file:
        file.seek(8_192)
        file.write(os.urandom(60_000))
    (tmp_path / f"{STORE_NAME}-wal").write_bytes(b"no journal")

    fresh = await Store.open(tmp_path)
    try:
        assert len(fresh.health.set_aside) == 1
        assert (tmp_path / fresh.health.set_aside[0]).stat().st_size > 60_000
        assert await fresh.positions() == {}
        await fresh.commit(Batch([make_prediction(1)]))
        assert fresh.health.ok
    finally:
        await fresh.close()


async def test_file_that_is_no_database_is_set_aside(tmp_path: Path) -> None:
    """Anything that lies where the store should be is put by."""
    store_path(tmp_path).write_bytes(b"this is text, not a database" * 100)
    store = await Store.open(tmp_path)
    assert (tmp_path / store.health.set_aside[0]).read_bytes().startswith(b"this is text")
    await store.close()


async def test_store_damaged_while_open_is_replaced_and_the_batch_kept(
    store: Store, reader: Reader, make_prediction, damage_store
) -> None:
    """Damage found at a commit sets the file aside; the batch goes into the fresh one and readers follow."""
    await store.commit(Batch([make_prediction(number) for number in range(500)]))
    await damage_store()
    await store.commit(Batch([make_prediction(1_000)]))
    assert len(store.health.set_aside) == 1
    assert [p.prediction_id for p in (await reader.predictions()).items] == ["id-1000"]
    assert store.health.ok


async def test_locked_store_says_so_and_recovers(store: Store, tmp_path: Path, make_prediction) -> None:
    """While a stranger holds the write lock a commit fails as locked; after that it goes through."""
    await store._connection.execute("PRAGMA busy_timeout=10")
    stranger = sqlite3.connect(store_path(tmp_path), isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as caught:
        await store.commit(Batch([make_prediction(1)]))
    assert caught.value.reason == "locked"
    assert (store.health.ok, store.health.reason) == (False, "locked")
    stranger.execute("ROLLBACK")
    stranger.close()
    await store.commit(Batch([make_prediction(1)]))
    assert (store.health.ok, store.health.reason) == (True, "")


async def test_full_store_fails_commits_until_retention_has_cleaned(
    store: Store, reader: Reader, tmp_path: Path, make_prediction
) -> None:
    """At SQLite's page limit commits fail as full, retention goes through, and commits do again."""
    await store.commit(Batch([make_prediction(number) for number in range(500)]))
    await store._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = next(iter(await store._connection.execute_fetchall("PRAGMA page_count")))[0]
    await store._connection.execute_fetchall(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreError) as caught:
        await store.commit(Batch([make_prediction(number) for number in range(1_000, 2_000)]))
    assert caught.value.reason == "full"
    assert not store.health.ok
    removed = await store.retain(now=1_700_000_000 + 499, age_s=100, bytes_max=1 << 40)
    assert removed.predictions == 399
    await store.commit(Batch([make_prediction(3_000)]))
    assert store.health.ok
    assert len((await reader.predictions(limit=1000)).items) == 102


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int):
    """A file system of so many megabytes at ``folder``."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mounting a small file system takes root: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_full_disk_is_cleaned_with_the_ballast(tmp_path: Path, make_prediction) -> None:
    """On a disk that is full to the last byte retention makes room by itself, and recording goes on."""
    disk = tmp_path / "disk"
    with small_disk(disk, 14):
        store = await Store.open(disk)
        number = 0

        async def commit_until_it_fails() -> None:
            nonlocal number
            while True:
                await store.commit(Batch([make_prediction(number + i) for i in range(250)], positions={(0, 1): number}))
                number += 250

        with pytest.raises(StoreError) as caught:
            await commit_until_it_fails()
        assert caught.value.reason == "full"
        with contextlib.suppress(OSError):
            (disk / "stranger").write_bytes(b"x" * (20 << 20))  # what is left, too
        with pytest.raises(StoreError):
            await store.commit(Batch([make_prediction(number)]))
        assert (disk / BALLAST_NAME).stat().st_size == BALLAST_BYTES

        removed = 0
        for _ in range(60):
            removed += (await store.retain(now=1_700_000_000, age_s=1e9, bytes_max=1 << 40)).predictions
            if store.health.ok:
                break
        assert store.health.ok
        assert removed > 0
        assert (disk / BALLAST_NAME).stat().st_size == BALLAST_BYTES
        await store.commit(Batch([make_prediction(1_000_000)], positions={(0, 1): 1_000_000}))
        assert (await store.positions())[0, 1] == 1_000_000
        await store.close()


async def test_commits_go_on_during_retention(store: Store, make_prediction) -> None:
    """Commits and a round of retention take turns on the connection and both finish."""
    await store.commit(Batch([make_prediction(number) for number in range(2_000)]))

    async def commit_some() -> None:
        for number in range(20):
            await store.commit(Batch([make_prediction(10_000 + number)]))

    removed, _ = await asyncio.gather(store.retain(1_700_002_000, 10, 1 << 40), commit_some())
    assert removed.predictions == 1_990


async def test_closing_twice_is_harmless(store: Store) -> None:
    """close may be called on every path."""
    await store.close()
    await store.close()
