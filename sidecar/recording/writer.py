"""The one connection that writes."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import aiosqlite

from sidecar.recording import batches, deletions, evictions, outbox, samples
from sidecar.recording.batches import SUMMARY_COLUMNS
from sidecar.recording.columns import Row, rows_of, storable
from sidecar.recording.connection import STORE_ERRORS, check, open_writer, transaction
from sidecar.recording.files import (
    disk_bytes,
    drop_ballast,
    free_bytes,
    has_room,
    place_ballast,
    set_aside,
    set_aside_bytes,
    store_path,
    within,
)
from sidecar.recording.pages import Value
from sidecar.recording.retention import Retained, Retention
from sidecar.recording.rows import (
    Batch,
    OutboxItem,
    OutboxStats,
    Sample,
    StoreError,
    StoreHealth,
    SummaryRow,
    reason_of,
)

RECLAIM_SHARE = 0.1
"""What share of the store goes where the disk is full and neither age nor bytes ask for anything to go."""
SUMMARIES_KEPT_S = 30 * 86_400.0
"""How long summaries of ten seconds are taken to be kept before a round of retention says so."""

T = TypeVar("T")
Work = Callable[[aiosqlite.Connection], Awaitable[T]]
"""What is done within a transaction, with the connection that it gets for that long."""


class Store:
    """The writing side of the store in a data folder. Open one per folder, close it on every path.

    ``generation`` grows each time the open store was set aside and a fresh one started: what others hold in memory is
    then no longer in it. ``summaries_kept_s`` is how long summaries of ten seconds are kept, by the last round of
    retention.

    >>> import asyncio, tempfile
    >>> async def positions_after_a_batch() -> dict[tuple[int, int], int]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         await store.commit(Batch(positions={(0, 1): 7}))
    ...         committed = await store.positions()
    ...         await store.close()
    ...         return committed
    >>> asyncio.run(positions_after_a_batch())
    {(0, 1): 7}
    """

    def __init__(self, data_dir: Path, connection: aiosqlite.Connection, health: StoreHealth) -> None:
        self._data_dir = data_dir
        self._connection = connection
        self._turn = asyncio.Lock()
        self.health = health
        self.generation = 0
        self.summaries_kept_s = SUMMARIES_KEPT_S

    @classmethod
    async def open(cls, data_dir: Path) -> Store:
        """The store in ``data_dir``, created where there is none; a damaged one is set aside and a fresh one started.

        Raises StoreError where not even that is possible (readonly, full, newer ...).
        """
        os.makedirs(data_dir, exist_ok=True)
        health = StoreHealth()
        try:
            connection = await open_writer(data_dir)
        except StoreError as error:
            if error.reason != "corrupt":
                raise
            health.set_aside = (set_aside(data_dir, time.time()),)
            connection = await open_writer(data_dir)
        store = cls(data_dir, connection, health)
        if not await asyncio.to_thread(place_ballast, data_dir):
            store._failed(StoreError("full", f"no room in {data_dir} for the ballast"))
        with contextlib.suppress(StoreError):  # whoever uses it hears of that
            await store._measure()
        return store

    async def close(self) -> None:
        """Checkpoint and close; doing so twice is fine."""
        async with self._turn:
            await self._connection.close()

    async def commit(self, batch: Batch) -> None:
        """One transaction with all of ``batch``. Predictions that are there already are ignored.

        Raises StoreError. After ``full`` every commit fails until ``retain`` has made room; a ``corrupt`` store is set
        aside and the batch goes into the fresh one.
        """
        if self.health.reason == "full":
            raise StoreError("full", "no room until retention has cleaned")
        rows = rows_of(batch.predictions)
        try:
            await self.run(lambda connection: batches.write(connection, batch, rows, self.generation))
        except UnicodeEncodeError:
            cleaned, clean_rows = batches.storable_batch(batch), [storable(row) for row in rows]
            await self.run(lambda connection: batches.write(connection, cleaned, clean_rows, self.generation))
        self.health.bytes = disk_bytes(self._data_dir)

    async def run(self, work: Work[T], durable: bool = False) -> T:
        """Run ``work`` in a transaction of its own; ``durable`` waits until it would survive a power cut.

        ``work`` gets the connection of the moment and must not keep it. It is called once more, on a fresh store,
        where this one turns out to be damaged. Cancelling the caller does not cancel what has begun. Raises StoreError.
        """

        async def within_transaction(connection: aiosqlite.Connection) -> T:
            async with transaction(connection, durable):
                return await work(connection)

        return await self._surviving(within_transaction)

    async def fetch(self, statement: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """The rows of a SELECT as of the last commit. Text that UTF-8 can't hold is looked for as it is stored.

        Raises StoreError.
        """

        async def read(connection: aiosqlite.Connection) -> list[Row]:
            return [tuple(row) for row in await connection.execute_fetchall(statement, storable(tuple(parameters)))]

        return await self._surviving(read, writes=False)

    async def check(self) -> bool:
        """Look for damage in the file itself, past the cache; where there is any, set it aside and start afresh.

        True where it is sound. Of a store over CHECK_BYTES_MAX only the list of its tables is looked at. Commits wait
        meanwhile, about a second for the largest that is checked whole. Raises StoreError where it can't be told.
        """
        before = self.generation
        await self._surviving(lambda connection: check(connection, store_path(self._data_dir)), writes=False)
        return self.generation == before

    async def positions(self) -> dict[tuple[int, int], int]:
        """(worker, epoch) -> the highest sequence that is committed."""
        rows = await self.fetch("SELECT worker, epoch, sequence FROM positions")
        return {(worker, epoch): sequence for worker, epoch, sequence in rows}

    async def open_summaries(self, since_bucket: int, width_s: int = 10) -> list[SummaryRow]:
        """Rows of buckets that start at ``since_bucket`` or later, for a monitor that goes on where it was killed."""
        rows = await self.fetch(
            f"SELECT {SUMMARY_COLUMNS} FROM summaries WHERE width_s = ? AND bucket >= ? ORDER BY bucket",
            (width_s, since_bucket),
        )
        return [SummaryRow(*row) for row in rows]

    async def summary(self, key: Sequence[int | str]) -> SummaryRow | None:
        """The row of one key: (bucket, width_s, model, version, role, experiment, epoch, slice)."""
        rows = await self.fetch(
            f"SELECT {SUMMARY_COLUMNS} FROM summaries WHERE bucket = ? AND width_s = ? AND model = ? AND version = ?"
            " AND role = ? AND experiment = ? AND epoch = ? AND slice = ?",
            tuple(key),
        )
        return SummaryRow(*rows[0]) if rows else None

    async def add_sample(self, sample: Sample) -> None:
        """Add a kept image whose file lies at ``sample.path``.

        One that is there already is left as it is; where it was kept for further reasons this time these join its
        own, and its probability becomes that of being kept by either. Raises ValueError for a path out of the data
        folder.
        """
        within(self._data_dir, sample.path)
        await self.run(lambda connection: samples.insert(connection, sample))

    async def delete_samples(self, kept: Sequence[Sample], by: str, now: float) -> None:
        """Remove images and their rows for good; an event by ``by`` stays, and in versions their checksums."""
        samples.delete_files(self._data_dir, kept)
        await self.run(lambda connection: deletions.of_samples(connection, kept, by, now), durable=True)

    async def delete_prediction(self, prediction_id: str) -> list[Sample]:
        """Remove a prediction, its images and what people said of it, for good; returns the samples that went."""
        kept = await self._surviving(lambda connection: samples.of_prediction(connection, prediction_id), writes=False)
        samples.delete_files(self._data_dir, kept)

        async def remove(connection: aiosqlite.Connection) -> None:
            await deletions.of_samples(connection, kept, "", time.time())
            await deletions.of_prediction(connection, prediction_id)

        await self.run(remove, durable=True)
        return kept

    async def outbox_peek(self, destination: str, limit: int) -> list[tuple[int, OutboxItem]]:
        """Up to ``limit`` items for ``destination``, oldest first, with the ids that ``outbox_done`` takes."""
        return await self._surviving(lambda connection: outbox.peek(connection, destination, limit), writes=False)

    async def outbox_done(self, ids: Sequence[int]) -> None:
        """These items were delivered. A newer revision that came in meanwhile has another id and stays."""
        await self.run(lambda connection: outbox.done(connection, ids))

    async def outbox_stats(self, destination: str) -> OutboxStats:
        """How much waits for ``destination``, and since when."""
        return await self._surviving(lambda connection: outbox.stats(connection, destination), writes=False)

    async def outbox_trim(self, destination: str, bytes_max: int) -> int:
        """Drop the oldest items until ``bytes_max`` of payload are left at most; returns how many went."""
        dropped = 0
        excess = (await self.outbox_stats(destination)).bytes - bytes_max
        while excess > 0:
            items, freed = await self._trim_slice(destination, excess)
            if items == 0:
                break
            dropped += items
            excess -= freed
        return dropped

    async def _trim_slice(self, destination: str, excess_bytes: int) -> tuple[int, int]:
        return await self.run(lambda connection: outbox.trim_slice(connection, destination, excess_bytes))

    async def retain(self, now: float, age_s: float, bytes_max: int) -> Retained:
        """Remove what is older than ``age_s``, then the oldest until all takes ``bytes_max`` with its images, but none
        that is labeled or in a version.

        Works in slices of at most 50 ms, between which commits go on. On a full disk the ballast makes room for
        that, and a tenth of the store goes where neither limit asks for anything to go.
        """
        if math.isfinite(age_s):
            self.summaries_kept_s = age_s
        full = self.health.reason == "full"
        if full and await asyncio.to_thread(has_room, self._data_dir):
            self._recovered()  # someone else has made room
            full = False
        if full:
            drop_ballast(self._data_dir)
        retention = Retention(lambda: self._connection, self._data_dir, self._alone)
        await retention.by_age(now, age_s)
        await retention.by_bytes(now, bytes_max)
        if full and not await asyncio.to_thread(has_room, self._data_dir):
            drop_ballast(self._data_dir)
            await retention.by_bytes(now, int(await retention.used_bytes() * (1 - RECLAIM_SHARE)))
            full = not await asyncio.to_thread(has_room, self._data_dir)
        if not full and self.health.reason == "full":
            self._recovered()
        await self._measure()
        self.health.kept_bytes = retention.removed.kept_bytes = await retention.kept_bytes()
        return retention.removed

    async def _measure(self) -> None:
        """Say in ``health`` what takes how much, and what is left. Raises StoreError."""
        health, data_dir = self.health, self._data_dir
        health.bytes = disk_bytes(data_dir)
        health.set_aside_bytes, health.disk_free_bytes = await asyncio.to_thread(
            lambda: (set_aside_bytes(data_dir), free_bytes(data_dir))
        )
        health.images_bytes, health.used_bytes = await self._surviving(evictions.used_bytes, writes=False)

    async def _surviving(self, work: Work[T], writes: bool = True) -> T:
        """Run ``work`` alone; where the store turns out to be damaged, set it aside and run it on a fresh one."""
        used = self._connection

        async def on_the_present_one() -> T:
            nonlocal used
            used = self._connection
            return await work(used)

        try:
            return await self._alone(on_the_present_one, writes)
        except StoreError as error:
            if error.reason != "corrupt":
                raise
            await self._start_afresh(used)
            return await self._alone(on_the_present_one, writes)

    async def _alone(self, work: Callable[[], Awaitable[T]], writes: bool = True) -> T:
        """Run ``work`` while nothing else uses the connection; what comes of ``writes`` shows in ``health``.

        It runs to its end even where the caller is cancelled: a transaction left half-way would stop all others.
        """
        return await asyncio.shield(asyncio.ensure_future(self._take_turn(work, writes)))

    async def _take_turn(self, work: Callable[[], Awaitable[T]], writes: bool) -> T:
        async with self._turn:
            try:
                done = await work()
            except StoreError as error:
                if writes:
                    self._failed(error)
                raise
            except STORE_ERRORS as error:
                failure = StoreError(reason_of(error), str(error))
                if writes:
                    self._failed(failure)
                raise failure from error
        if writes and self.health.reason not in ("", "full"):
            self._recovered()
        return done

    async def _start_afresh(self, damaged: aiosqlite.Connection) -> None:
        """Set the store aside, unless someone else who met the same damage has done so."""
        async with self._turn:
            if self._connection is not damaged:
                return
            await self._connection.close()
            self.health.set_aside = (*self.health.set_aside, set_aside(self._data_dir, time.time()))
            self._connection = await open_writer(self._data_dir)
            self.generation += 1

    def _failed(self, error: StoreError) -> None:
        self.health.ok = False
        self.health.reason = error.reason

    def _recovered(self) -> None:
        self.health.ok = True
        self.health.reason = ""
