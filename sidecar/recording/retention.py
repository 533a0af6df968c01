"""What goes when it is too old or too much, in slices short enough that a commit never waits long.

Images go first, since one weighs as much as a hundred predictions: rejected ones, then those nobody reviewed; what was
labeled or is in a version of a dataset stays. Then what people said goes where it was replaced, or said before the
first prediction that is left; then the oldest predictions, each with what was said of it. Summaries go by age alone:
they are what keeps the past answerable when its predictions are gone. So do what drift checks found, what alerts did
and who was told; baselines stay. What is of an A/B test or shadow test goes with it, long after its end.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiosqlite

from sidecar.recording import audit_gone, evictions, trial_sums
from sidecar.recording import samples as sample_rows
from sidecar.recording.connection import BUSY_TIMEOUT_MS, transaction
from sidecar.recording.evictions import RUNGS
from sidecar.recording.files import disk_bytes
from sidecar.recording.old_rows import (
    EVENTS,
    EVENTS_KEPT_S,
    FEEDBACK_MAX,
    OLD_PENDING,
    OLD_ROWS,
    OVER_MAX,
    PENDING_KEPT_S,
    REPLACED,
    SAID_OF_GONE,
    SAID_OF_OLDEST,
)
from sidecar.recording.rows import Sample, StoreError
from sidecar.recording.trial_rows import WHOLE_EPOCH_S

SLICE_S = 0.05
"""The longest a slice may hold the connection; slices aim at half of it."""
SLICE_ROWS_MAX = 5_000
SLICE_SAMPLES = 20
HOUR_SUMMARIES_KEPT_S = 400 * 86_400
"""Summaries of an hour or more are small and outlive what they were made of: a year and a bit, to compare with."""
TRIALS_KEPT_S = 400 * 86_400
"""How long a test is kept after its end, with all that is of it."""
ORPHANS_KEPT_S = 86_400
"""What is kept of a test that has no row goes when it had no traffic for so long."""
WATCH_SLICE_ROWS = 50
"""The first slice of rows that may be large (a drift report has tens of kilobytes)."""
HOUR_S = 3_600

_OLD_SUMMARIES = (
    "DELETE FROM summaries WHERE rowid IN"
    " (SELECT rowid FROM summaries WHERE width_s = ? AND bucket < ? ORDER BY bucket LIMIT ?)"
)


@dataclass(slots=True)
class Retained:
    """What a round of retention removed; ``bytes`` counts images and the room given back by the database file. The
    ``samples`` are without their detections. ``pending_dropped`` counts feedback whose prediction never came,
    ``feedback_dropped`` what people said and verdicts that went for want of room. What it left alone: ``kept_bytes`` of
    images that are labeled or in a version.

    >>> Retained().predictions
    0
    """

    predictions: int = 0
    samples: list[Sample] = field(default_factory=list)
    bytes: int = 0
    slice_s_max: float = 0.0
    pending_dropped: int = 0
    feedback_dropped: int = 0
    kept_bytes: int = 0


class ClockAgreement:
    """Whether wall clock and monotonic clock have gone equally far: after a jump, age says nothing about what is old.

    >>> clocks = ClockAgreement(wall=1000.0, monotonic=5.0)
    >>> clocks.agree(wall=1060.0, monotonic=65.5), clocks.agree(wall=90_000.0, monotonic=66.0)
    (True, False)
    """

    TOLERANCE_S = 60.0

    def __init__(self, wall: float, monotonic: float) -> None:
        self._offset = wall - monotonic

    def agree(self, wall: float, monotonic: float) -> bool:
        """False while they differ by more than a minute from where they stood at the start."""
        return abs((wall - monotonic) - self._offset) <= self.TOLERANCE_S


Slice = Callable[[int], Awaitable[int]]
"""Removes up to so many rows and returns how many it removed; fewer than asked for means that nothing is left."""


class Retention:
    """One round over an open store. ``run_slice`` runs a step alone on the connection, between commits.

    >>> Retention.rows_after(rows=1000, took_s=0.1)
    250
    """

    def __init__(
        self,
        present: Callable[[], aiosqlite.Connection],
        data_dir: Path,
        run_slice: Callable[[Callable[[], Awaitable[int]]], Awaitable[int]],
    ) -> None:
        self._present = present
        self._data_dir = data_dir
        self._run_slice = run_slice
        self._rows = 500
        self.removed = Retained()

    @property
    def _connection(self) -> aiosqlite.Connection:
        """Asked for each time: between two slices the store may be set aside and a fresh one started."""
        return self._present()

    @staticmethod
    def rows_after(rows: int, took_s: float) -> int:
        """How many rows the next slice takes, so that it takes half of SLICE_S; at most twice as many as the last."""
        fitting = rows * (SLICE_S / 2) / max(took_s, 1e-6)
        return int(min(max(fitting, 10), 2 * rows, SLICE_ROWS_MAX))

    async def by_age(self, now: float, age_s: float) -> None:
        """Remove what happened before ``now - age_s``."""
        before = now - age_s
        for rung in RUNGS:
            while await self._samples_slice(rung, before, now):
                pass
        await self._drain(lambda rows: self._predictions_slice(before, rows))
        await self._summaries(now, age_s)
        await self._over_max()
        if math.isfinite(age_s):  # endless while the clocks disagree
            await self._old_rows(now)
            await self._events_of_gone(now - EVENTS_KEPT_S)
            await self._trials(now)
        await self.give_back()

    async def by_bytes(self, now: float, bytes_max: int) -> None:
        """Remove the oldest until all takes ``bytes_max`` at most: images first, in the order of RUNGS, then what
        people said that was replaced or is of predictions that are gone, then predictions with what was said of them,
        also where what is too much are images that stay."""
        for rung in RUNGS:
            while await self.used_bytes() > bytes_max and await self._samples_slice(rung, math.inf, now):
                pass
        for statement in (REPLACED, SAID_OF_GONE):
            while await self.used_bytes() > bytes_max and await self._said_slice(statement, self._rows):
                await self.give_back()
        while (excess := await self.used_bytes() - bytes_max) > 0:
            rows = await self._rows_worth(excess)
            if await self._timed(min(rows, self._rows), lambda n: self._predictions_slice(math.inf, n, True)) == 0:
                break
            await self.give_back()

    async def used_bytes(self) -> int:
        """Images and the pages in use of the database."""
        return await self._pages_in_use() * await self._pragma("page_size") + await evictions.total_bytes(
            self._connection
        )

    async def kept_bytes(self) -> int:
        """What images take that are never evicted."""
        return await self._run_slice(lambda: evictions.kept_bytes(self._connection))

    async def give_back(self) -> None:
        """Return free pages to the file system."""
        before = disk_bytes(self._data_dir)
        while await self._pragma("freelist_count"):
            if await self._timed(self._rows, self._vacuum_slice) == 0:
                break
        try:
            await self._run_slice(self._checkpoint)
        except StoreError as error:
            # the database file can't take in a journal with more new pages than there is room for; it can once
            # enough pages were removed, and removing goes on in what the ballast has left
            if error.reason != "full":
                raise
        self.removed.bytes += max(0, before - disk_bytes(self._data_dir))

    async def _drain(self, remove: Slice) -> int:
        """Slice by slice until nothing is left; returns how many rows went."""
        total = 0
        while removed := await self._timed(self._rows, remove):
            total += removed
        return total

    async def _timed(self, rows: int, remove: Slice) -> int:
        """Run one slice and fit the size of the next to how long it took."""
        started = time.perf_counter()
        removed = await self._run_slice(lambda: remove(rows))
        took_s = time.perf_counter() - started
        self.removed.slice_s_max = max(self.removed.slice_s_max, took_s)
        if removed:
            self._rows = self.rows_after(rows, took_s)
        return removed

    async def _samples_slice(self, rung: tuple[str, ...], before: float, now: float) -> int:
        async def remove() -> int:
            oldest = await evictions.oldest(self._connection, rung, before, now, SLICE_SAMPLES)
            if oldest:
                sample_rows.delete_files(self._data_dir, oldest)
                async with transaction(self._connection):
                    await audit_gone.count(self._connection, oldest)
                    await sample_rows.delete(self._connection, oldest)
                self.removed.samples += oldest
                self.removed.bytes += sum(sample.bytes for sample in oldest)
            return len(oldest)

        return await self._run_slice(remove)

    async def _predictions_slice(self, before: float, rows: int, with_said: bool = False) -> int:
        async with transaction(self._connection):
            if with_said:
                said = await self._connection.execute(SAID_OF_OLDEST, (before, rows))
                self.removed.feedback_dropped += said.rowcount
            cursor = await self._connection.execute(
                "DELETE FROM predictions WHERE id IN (SELECT id FROM predictions WHERE at < ? ORDER BY at LIMIT ?)",
                (before, rows),
            )
        self.removed.predictions += cursor.rowcount
        return cursor.rowcount

    async def _summaries(self, now: float, age_s: float) -> None:
        width_s = WHOLE_EPOCH_S  # those go with their test
        while True:
            rows = await self._connection.execute_fetchall(
                "SELECT MIN(width_s) FROM summaries WHERE width_s > ?", (width_s,)
            )
            width_s = next(iter(rows))[0]
            if width_s is None:
                return
            kept_s = age_s if width_s < HOUR_S else max(age_s, HOUR_SUMMARIES_KEPT_S)
            await self._drain(partial(self._delete_slice, _OLD_SUMMARIES, (width_s, now - kept_s - width_s)))

    async def _old_rows(self, now: float) -> None:
        for statement, kept_s in OLD_ROWS:
            self._rows = min(self._rows, WATCH_SLICE_ROWS)
            await self._drain(partial(self._delete_slice, statement, (now - kept_s,)))
        self.removed.pending_dropped += await self._drain(
            partial(self._delete_slice, OLD_PENDING, (now - PENDING_KEPT_S,))
        )

    async def _over_max(self) -> None:
        for table, statement in OVER_MAX:
            self._rows = min(self._rows, WATCH_SLICE_ROWS)
            excess = await self._run_slice(partial(self._count, table)) - FEEDBACK_MAX
            while excess > 0 and (removed := await self._said_slice(statement, min(excess, self._rows))):
                excess -= removed

    async def _said_slice(self, statement: str, rows: int) -> int:
        removed = await self._timed(rows, partial(self._delete_slice, statement, ()))
        self.removed.feedback_dropped += removed
        return removed

    async def _count(self, table: str) -> int:
        rows = await self._connection.execute_fetchall(f"SELECT COUNT(*) FROM {table}")
        return int(next(iter(rows))[0])

    async def _events_of_gone(self, before: float) -> None:
        """What was done before ``before`` to items that are gone; ids go with time, so the walk ends there."""
        last = 0

        async def walk(rows: int) -> int:
            nonlocal last
            found = list(await self._connection.execute_fetchall(EVENTS, (last, rows)))
            old = [row for row in found if row[1] < before]
            async with transaction(self._connection):
                gone = [(event_id,) for event_id, _, is_there in old if not is_there]
                await self._connection.executemany("DELETE FROM item_events WHERE id = ?", gone)
            last = found[-1][0] if found else last
            return len(old) if len(old) == rows else 0

        await self._drain(walk)

    async def _trials(self, now: float) -> None:
        gone: list[str] = []
        before = now - TRIALS_KEPT_S

        async def look() -> int:
            gone.extend(await trial_sums.ended(self._connection, before))
            gone.extend(await trial_sums.orphans(self._connection, now - ORPHANS_KEPT_S))
            return 0

        await self._run_slice(look)
        for trial_id in gone:
            self._rows = min(self._rows, WATCH_SLICE_ROWS)
            await self._drain(partial(self._trial_slice, trial_id, before))
            await self._run_slice(partial(self._remove_trial, trial_id, before))

    async def _trial_slice(self, trial_id: str, ended_before: float, rows: int) -> int:
        async with transaction(self._connection):
            if not await trial_sums.is_to_go(self._connection, trial_id, ended_before):
                return 0
            return await trial_sums.delete_slice(self._connection, trial_id, rows)

    async def _remove_trial(self, trial_id: str, ended_before: float) -> int:
        """Its row goes last, with what came in meanwhile: a test of the same id never meets the sums of this one."""
        async with transaction(self._connection):
            if not await trial_sums.is_to_go(self._connection, trial_id, ended_before):
                return 0
            return int(await trial_sums.delete(self._connection, trial_id))

    async def _delete_slice(self, statement: str, parameters: tuple[float, ...], rows: int) -> int:
        async with transaction(self._connection):
            cursor = await self._connection.execute(statement, (*parameters, rows))
        return cursor.rowcount

    async def _vacuum_slice(self, pages: int) -> int:
        before = await self._pragma("freelist_count")
        await self._connection.execute_fetchall(f"PRAGMA incremental_vacuum({int(pages)})")
        return before - await self._pragma("freelist_count")

    async def _checkpoint(self) -> int:
        # cutting the journal back must wait for readers: not longer than a slice, the next round tries again
        await self._connection.execute(f"PRAGMA busy_timeout={int(SLICE_S * 500)}")
        try:
            await self._connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            await self._connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        return 0

    async def _rows_worth(self, excess_bytes: int) -> int:
        """About as many predictions as take ``excess_bytes``, judged by the average."""
        rows = await self._connection.execute_fetchall("SELECT MAX(id) - MIN(id) + 1 FROM predictions")
        count = next(iter(rows))[0] or 0  # ids are dense enough, and counting would read a whole index
        average = max(await self._pages_in_use() * await self._pragma("page_size") / max(count, 1), 100)
        return max(10, int(excess_bytes / average))

    async def _pages_in_use(self) -> int:
        return await self._pragma("page_count") - await self._pragma("freelist_count")

    async def _pragma(self, name: str) -> int:
        rows = await self._connection.execute_fetchall(f"PRAGMA {name}")
        return int(next(iter(rows))[0])
