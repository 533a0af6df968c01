"""Days for a store from before there were any."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from sidecar.monitor.backfill import backfill_days
from sidecar.recording import Batch, Reader, Store, StoreError, SummaryRow
from sidecar.summaries import Summary, SummaryKey
from sidecar.types import RequestCounts

DAY = 1_704_067_200


def row(hour: int, requests: int, width_s: int = 3_600, version: str = "1") -> SummaryRow:
    key = SummaryKey(DAY + hour * 3_600, width_s, "m", version, "serving", "", 0, "")
    summary = Summary()
    summary.add_counts(RequestCounts(key.bucket, "m", version, "serving", "", 0, "", requests=requests))
    return SummaryRow(**key._asdict(), revision=1, payload=summary.encode())


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[tuple[Store, Reader]]:
    store = await Store.open(tmp_path)
    reader = await Reader.open(tmp_path)
    yield store, reader
    await reader.close()
    await store.close()


async def days(opened: tuple[Store, Reader]) -> dict[tuple[int, str], int]:
    store, reader = opened

    async def load(width_s: int, since: float, until: float) -> Sequence[SummaryRow]:
        return await reader.summaries(since=since, until=until, width_s=width_s)

    await backfill_days(await reader.first_hour(), DAY + 3 * 86_400, load, store.commit)
    rows = await load(86_400, 0, 1e11)
    return {((row.bucket - DAY) // 86_400, row.version): Summary.decode(row.payload).requests for row in rows}


async def test_days_are_made_of_their_hours(opened: tuple[Store, Reader]) -> None:
    """Every version's hours, up to now, are in its days."""
    await opened[0].commit(Batch(summaries=[row(1, 3), row(5, 4), row(23, 1), row(30, 7), row(30, 2, version="2")]))
    assert await days(opened) == {(0, "1"): 8, (1, "1"): 7, (1, "2"): 2}


async def test_store_that_has_days_is_left_alone(opened: tuple[Store, Reader]) -> None:
    """A restart neither makes them again nor adds to them."""
    await opened[0].commit(Batch(summaries=[row(1, 3), row(0, 99, 86_400)]))
    assert await days(opened) == {(0, "1"): 99}
    assert await days(opened) == {(0, "1"): 99}


async def test_day_that_is_there_is_kept(opened: tuple[Store, Reader]) -> None:
    """Where the first day is missing the others are filled in, and what is there stays as it is."""
    await opened[0].commit(Batch(summaries=[row(1, 3), row(25, 4), row(24, 50, 86_400)]))
    assert await days(opened) == {(0, "1"): 3, (1, "1"): 50}


async def test_interrupted_backfill_goes_on_where_it_was(opened: tuple[Store, Reader]) -> None:
    """The oldest day comes last: as long as it is missing, the work is not done."""
    store, reader = opened
    await store.commit(Batch(summaries=[row(24 * day + 1, 3) for day in range(3)]))
    committed = 0

    async def load(width_s: int, since: float, until: float) -> Sequence[SummaryRow]:
        return await reader.summaries(since=since, until=until, width_s=width_s)

    async def once(batch: Batch) -> None:
        nonlocal committed
        if committed:
            raise StoreError("full", "no room")
        committed += 1
        await store.commit(batch)

    with pytest.raises(StoreError):
        await backfill_days(await reader.first_hour(), DAY + 3 * 86_400, load, once)
    assert await days(opened) == {(0, "1"): 3, (1, "1"): 3, (2, "1"): 3}


async def test_empty_store_needs_nothing(opened: tuple[Store, Reader]) -> None:
    """A new sidecar starts at once."""
    assert await days(opened) == {}
