"""The writer where the store is damaged, work fails or its caller gives up."""

import asyncio
import os
import time
from pathlib import Path

import aiosqlite
import pytest

from sidecar.recording import Batch, Reader, Store, StoreError
from sidecar.recording.files import store_path


async def test_damage_met_by_many_at_once_sets_one_file_aside(store: Store, make_prediction, damage_store) -> None:
    """Whoever comes second to the damage goes on in the fresh store instead of setting that aside, too."""
    await store.commit(Batch([make_prediction(number) for number in range(500)]))
    await damage_store()
    commits = [store.commit(Batch([make_prediction(number)], positions={(number, 1): 1})) for number in range(5)]
    await asyncio.gather(*commits, store.positions())
    assert len(store.health.set_aside) == 1
    assert sorted(worker for worker, _ in await store.positions()) == [0, 1, 2, 3, 4]
    assert store.health.ok


async def test_retention_goes_on_when_the_store_is_set_aside_meanwhile(
    store: Store, reader: Reader, make_prediction, damage_store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round that began on the damaged store ends on the fresh one: it keeps no connection between slices."""
    await store.commit(Batch([make_prediction(number) for number in range(500)]))
    alone = store._alone
    slices = 0

    async def damaged_after_the_first_slice(work, *arguments):
        nonlocal slices
        slices += 1
        done = await alone(work, *arguments)
        if slices == 1:
            await damage_store()
            await store.commit(Batch([make_prediction(number) for number in range(100)]))
        return done

    monkeypatch.setattr(store, "_alone", damaged_after_the_first_slice)
    assert (await store.retain(1_700_000_100, 50, 1 << 40)).predictions == 50
    assert len(store.health.set_aside) == 1
    assert len((await reader.predictions(limit=1_000)).items) == 50


@pytest.mark.parametrize("step", ["PRAGMA synchronous=FULL", "BEGIN IMMEDIATE", "INSERT", "COMMIT"])
async def test_cancelled_caller_leaves_no_transaction_open(store: Store, step: str) -> None:
    """Whoever stops waiting, at whatever step, the transaction goes to its end and so does the next."""

    async def work(connection: aiosqlite.Connection) -> None:
        await connection.execute("INSERT INTO positions VALUES (0, 1, 1)")

    loop = asyncio.get_running_loop()

    def cancel_at_the_step(statement: str) -> None:
        if statement.startswith(step):
            loop.call_soon_threadsafe(waiting.cancel)
            time.sleep(0.02)  # in the thread of the connection: the step is under way when the cancellation comes

    await store._connection.set_trace_callback(cancel_at_the_step)
    waiting = asyncio.create_task(store.run(work, durable=True))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await store._connection.set_trace_callback(lambda statement: None)
    await store.commit(Batch(positions={(1, 1): 1}))
    assert await store.positions() == {(0, 1): 1, (1, 1): 1}


async def test_work_that_raises_is_rolled_back_and_no_fault_of_the_store(store: Store) -> None:
    """A refusal from within a transaction comes out as it is, with nothing written."""

    async def work(connection: aiosqlite.Connection) -> None:
        await connection.execute("INSERT INTO positions VALUES (0, 1, 1)")
        raise ValueError("name: taken")

    with pytest.raises(ValueError, match="taken"):
        await store.run(work)
    assert await store.positions() == {}
    assert store.health.ok


async def test_reading_sees_no_transaction_half_done(store: Store) -> None:
    """A read that is asked for during a transaction waits for its end."""

    async def work(connection: aiosqlite.Connection) -> None:
        await connection.execute("INSERT INTO positions VALUES (0, 1, 1)")
        begun.set()
        await asyncio.sleep(0.05)
        await connection.execute("INSERT INTO positions VALUES (0, 2, 1)")

    begun = asyncio.Event()
    writing = asyncio.create_task(store.run(work))
    await begun.wait()
    assert len(await store.positions()) == 2
    await writing


async def test_read_with_a_senseless_parameter_is_no_fault_of_the_store(store: Store) -> None:
    """A number that no column holds is an error of the question; the store's health stays as it is."""
    with pytest.raises(StoreError) as caught:
        await store.fetch("SELECT 1 WHERE 1 = ?", [1 << 70])
    assert caught.value.reason == "invalid"
    assert store.health.ok


async def test_check_of_a_sound_store_leaves_it_as_it_is(store: Store, reader: Reader, make_prediction) -> None:
    """Commits go on around it, and nothing is set aside."""
    commits = [store.commit(Batch([make_prediction(number)])) for number in range(20)]
    assert await asyncio.gather(store.check(), *commits, store.check()) == [True, *[None] * 20, True]
    assert (store.health.set_aside, store.generation) == ((), 0)
    assert len((await reader.predictions()).items) == 20


@pytest.mark.parametrize("offset", [0, 40_960])
async def test_check_finds_damage_that_the_cache_hides(
    store: Store, tmp_path: Path, make_prediction, offset: int
) -> None:
    """The file itself is read, its first page and any other; a damaged one is set aside once, whoever looks."""
    await store.commit(Batch([make_prediction(number) for number in range(500)]))
    await store._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    with store_path(tmp_path).open("r+b") as file:
        file.seek(offset)
        file.write(os.urandom(20_000))
    await store.commit(Batch([make_prediction(1_000)]))
    assert store.generation == 0
    assert False in await asyncio.gather(store.check(), store.check())
    assert (len(store.health.set_aside), store.generation) == (1, 1)
    assert await store.check()
    await store.commit(Batch([make_prediction(1)]))
    assert store.health.ok


async def test_check_of_a_large_store_looks_at_its_tables_alone(
    store: Store, tmp_path: Path, make_prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over CHECK_BYTES_MAX a damaged row is left to whoever reads it, a damaged beginning is found."""
    monkeypatch.setattr("sidecar.recording.connection.CHECK_BYTES_MAX", 100_000)
    await store.commit(Batch([make_prediction(number) for number in range(2_000)]))
    await store._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    size = store_path(tmp_path).stat().st_size
    assert size > 500_000
    with store_path(tmp_path).open("r+b") as file:
        file.seek(size - 20_000)
        file.write(os.urandom(20_000))
    assert await store.check()
    with store_path(tmp_path).open("r+b") as file:
        file.write(os.urandom(4_096))
    assert not await store.check()
    assert store.generation == 1


async def test_generation_counts_how_often_the_open_store_was_set_aside(
    store: Store, tmp_path: Path, damage_store
) -> None:
    """0 at the opening, whatever was set aside before, and one more each time."""
    for times in (1, 2):
        await damage_store()
        await store.commit(Batch(positions={(0, 1): 1}))
        assert store.generation == times
    await store.close()
    reopened = await Store.open(tmp_path)
    assert reopened.generation == 0
    await reopened.close()
