import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sidecar.recording import Batch, Reader, Store, StoreError
from sidecar.recording.files import store_path
from sidecar.recording.reader_connection import ReadConnection
from tests.kit.wait import until

ANSWER_S = 30.0
"""Who has no answer after this never gets one."""

SetAside = Callable[[], Awaitable[None]]


@pytest.fixture
def set_store_aside(store: Store, damage_store: SetAside) -> SetAside:
    async def run() -> None:
        before = store.generation
        await damage_store()
        await store.commit(Batch(positions={(0, 1): 1}))
        assert store.generation == before + 1

    return run


@pytest.mark.parametrize("readers", [2, 3, 20])
async def test_reads_at_once_after_the_store_was_set_aside_are_all_answered(
    store: Store, reader: Reader, make_prediction, set_store_aside: SetAside, readers: int
) -> None:
    """However many find that the file is another, one follows and the others go with it."""
    await store.commit(Batch([make_prediction(1)]))
    assert await reader.models() == [("yolo", "3")]
    await set_store_aside()
    async with asyncio.timeout(ANSWER_S):
        assert await asyncio.gather(*(reader.models() for _ in range(readers))) == [[]] * readers
        await store.commit(Batch([make_prediction(2, model="rtdetr")]))
        assert await reader.models() == [("rtdetr", "3")]


async def test_reads_on_their_way_are_answered_when_the_store_is_set_aside(
    store: Store, tmp_path: Path, set_store_aside: SetAside
) -> None:
    """What was asked of the old file is answered from it, what is asked from then on from the new; the old connection
    is closed with its last answer."""
    threads = threading.active_count()
    connection = await ReadConnection.open(store_path(tmp_path))
    old, begun, go_on = connection._opened, threading.Event(), threading.Event()

    def held() -> int:
        begun.set()
        return go_on.wait(ANSWER_S)

    await old.connection.create_function("held", 0, held)
    async with asyncio.timeout(ANSWER_S):
        slow = [asyncio.create_task(connection.fetch("SELECT held()", [])) for _ in range(3)]
        await until(begun.is_set)
        await set_store_aside()
        later = [connection.fetch("SELECT COUNT(*) FROM positions", []) for _ in range(3)]
        assert await asyncio.gather(*later) == [[(1,)]] * 3
        assert not any(read.done() for read in slow)
        assert connection._opened is not old
        go_on.set()
        assert await asyncio.gather(*slow) == [[(1,)]] * 3
        assert old.closing
        await connection.close()
    # the writer's connection was changed for another, so its thread counts as before
    await until(lambda: threading.active_count() <= threads)


async def test_read_that_is_given_up_leaves_the_connection_usable(
    store: Store, reader: Reader, set_store_aside: SetAside
) -> None:
    """Cancelling who follows the store, or who waits for it, stops nobody else."""
    await set_store_aside()
    async with asyncio.timeout(ANSWER_S):
        reads = [asyncio.create_task(reader.models()) for _ in range(6)]
        await asyncio.sleep(0)
        for read in reads[::2]:
            read.cancel()
        answers = await asyncio.gather(*reads, return_exceptions=True)
        assert answers[1::2] == [[]] * 3
        assert await reader.models() == []


async def test_closing_while_reads_follow_ends_them_all(
    store: Store, tmp_path: Path, set_store_aside: SetAside
) -> None:
    """close answers or refuses what is on its way, may be called by several, and leaves no thread behind."""
    threads = threading.active_count()
    connection = await ReadConnection.open(store_path(tmp_path))
    await set_store_aside()
    async with asyncio.timeout(ANSWER_S):
        reads = [asyncio.create_task(connection.fetch("SELECT 1", [])) for _ in range(5)]
        await asyncio.sleep(0)
        await asyncio.gather(connection.close(), connection.close(), *reads, return_exceptions=True)
        await connection.close()
    await until(lambda: threading.active_count() <= threads)


@pytest.fixture
async def half_damaged(store: Store, tmp_path: Path, make_prediction) -> None:
    """A store whose file is damaged while the writer's cache is still sound."""
    await store.commit(Batch([make_prediction(number) for number in range(20)]))
    await store._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    with store_path(tmp_path).open("r+b") as file:
        file.write(b"no database " * 2_000)


async def test_damage_that_only_a_reader_meets_is_told_and_then_mended(
    store: Store, reader: Reader, half_damaged: None, make_prediction
) -> None:
    """The writer does not see it by itself; told of it, it looks past its cache, and the next read is answered."""
    with pytest.raises(StoreError) as caught:
        await reader.predictions()
    assert caught.value.reason == "corrupt"
    await store.commit(Batch([make_prediction(50)]))
    assert (store.health.set_aside, store.generation) == ((), 0)

    async def look() -> None:
        assert not await store.check()

    reader.on_corrupt = look
    with pytest.raises(StoreError) as caught:
        await reader.predictions()
    assert caught.value.reason == "corrupt"
    assert (len(store.health.set_aside), store.generation) == (1, 1)
    assert (await reader.predictions()).items == []


async def test_reads_that_fail_together_tell_of_the_damage_once(
    store: Store, tmp_path: Path, half_damaged: None
) -> None:
    """While it is told, others that meet it wait; the next to meet it tells again."""
    told, at_once, go_on = 0, 0, asyncio.Event()
    go_on.set()

    async def tell() -> None:
        nonlocal told, at_once
        told, at_once = told + 1, at_once + 1
        assert at_once == 1
        await until(lambda: not reader._connection._opened.queries)  # all have met it
        await go_on.wait()
        at_once -= 1
        raise StoreError("full", "no room for a fresh one")

    reader = await Reader.open(tmp_path, on_corrupt=tell)
    try:
        for times in (1, 2):
            found = await asyncio.gather(*(reader.models() for _ in range(5)), return_exceptions=True)
            assert {getattr(error, "reason", error) for error in found} == {"corrupt"}
            assert (told, at_once) == (times, 0)
        go_on.clear()
        first, second = asyncio.create_task(reader.models()), asyncio.create_task(reader.models())
        await until(lambda: told == 3 and not reader._connection._opened.queries)
        first.cancel()
        await asyncio.wait([first])
        go_on.set()
        with pytest.raises(StoreError):
            await second
        assert first.cancelled()
        assert (told, at_once) == (3, 0)
    finally:
        await reader.close()


async def test_other_errors_of_a_read_are_not_told_as_damage(store: Store, tmp_path: Path) -> None:
    """A statement that can't be run says nothing of the file."""

    async def tell() -> None:
        raise AssertionError

    reader = await Reader.open(tmp_path, tell)
    with pytest.raises(StoreError) as caught:
        await reader._fetch("DELETE FROM predictions", [])
    assert caught.value.reason == "readonly"
    await reader.close()
