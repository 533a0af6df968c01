"""The open summaries: what a batch adds is merged at once into buckets of ten seconds, a minute, an hour, a UTC day.

What is of a test is also merged into one bucket of its whole epoch, over all slices: each request is counted in one
slice only. Merging is exact, so a minute built from batches equals the minute built from its ten-second buckets. A key
that is not in memory (a restart, a late arrival) is read from the store first and goes on from there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import structlog

from sidecar.recording import WHOLE_EPOCH_S, SummaryRow
from sidecar.summaries import Summary, SummaryError, SummaryKey

log = structlog.get_logger()

WIDTHS_S = (10, 60, 3600, 86_400)
LATENESS_S = 5
"""How long after its end a bucket is taken for closed and handed on; what comes later makes a new revision."""
KEYS_A_TURN = 20
KEPT_S = 600
"""How long after its end a clean bucket stays in memory; that of an epoch, how long after it was added to."""

Load = Callable[[SummaryKey], Awaitable[SummaryRow | None]]


@dataclass(slots=True)
class _Open:
    summary: Summary
    revision: int
    dirty: bool = True
    streamed_revision: int = 0
    resting_since: float | None = None


class Buckets:
    """Summaries by key. ``load`` finds the stored row of a key that is not in memory."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._open: dict[SummaryKey, _Open] = {}
        self.unreadable = 0

    def __len__(self) -> int:
        return len(self._open)

    async def add(self, deltas: Mapping[SummaryKey, Summary]) -> None:
        """Merge ten-second deltas into the buckets of every width, and of their epoch where they are of a test."""
        for place, (key, delta) in enumerate(deltas.items()):
            if place % KEYS_A_TURN == KEYS_A_TURN - 1:
                await asyncio.sleep(0)  # many slices: others get their turn
            for wide in _wide(key):
                entry = self._open.get(wide) or await self._read(wide)
                entry.summary = entry.summary.merge(delta)
                entry.resting_since = None
                if not entry.dirty:
                    entry.revision += 1
                    entry.dirty = True

    async def _read(self, key: SummaryKey) -> _Open:
        row = await self._load(key)
        entry = _Open(Summary(), revision=1)
        if row is not None:
            try:
                entry = _Open(Summary.decode(row.payload), row.revision, dirty=False, streamed_revision=row.revision)
            except SummaryError as error:  # another release's form: begin anew rather than not at all
                self.unreadable += 1
                log.error("summary_unreadable", key=key, error=str(error))
                entry = _Open(Summary(), row.revision + 1)
        self._open[key] = entry
        return entry

    def restore(self, rows: Iterable[SummaryRow]) -> None:
        """Take up a former life's ten-second buckets, so that those it had not handed on are. The receiver gets some
        twice; it goes by key and revision."""
        for row in rows:
            key = SummaryKey(
                row.bucket, row.width_s, row.model, row.version, row.role, row.experiment, row.epoch, row.slice
            )
            with contextlib.suppress(SummaryError):
                self._open[key] = _Open(Summary.decode(row.payload), row.revision, dirty=False)

    def dirty(self) -> list[SummaryRow]:
        """Rows of all buckets that changed since they were last marked clean."""
        return [
            SummaryRow(**key._asdict(), revision=entry.revision, payload=entry.summary.encode())
            for key, entry in self._open.items()
            if entry.dirty
        ]

    def clean(self) -> None:
        """All that ``dirty`` returned is committed."""
        for entry in self._open.values():
            entry.dirty = False

    def write_epochs(self) -> None:
        """The store was begun afresh: buckets of whole epochs are to be written again, since they are all there is."""
        for key, entry in self._open.items():
            if key.width_s == WHOLE_EPOCH_S:
                entry.dirty = True

    def forget(self, experiment: str) -> None:
        """Drop the buckets of the epochs of a test that was removed: one of the same id begins anew."""
        for key in [key for key in self._open if key.width_s == WHOLE_EPOCH_S and key.experiment == experiment]:
            del self._open[key]

    def closed(self, now: float) -> list[tuple[SummaryKey, int, Summary]]:
        """Ten-second buckets that are over and not yet handed on in their present revision; ``streamed`` marks them."""
        return [
            (key, entry.revision, entry.summary)
            for key, entry in self._open.items()
            if key.width_s == WIDTHS_S[0]
            and key.bucket + key.width_s + LATENESS_S <= now
            and entry.revision > entry.streamed_revision
        ]

    def streamed(self, handed_on: list[tuple[SummaryKey, int, Summary]]) -> None:
        """These revisions are in the outbox."""
        for key, revision, _ in handed_on:
            self._open[key].streamed_revision = revision

    def evict(self, now: float) -> None:
        """Forget clean buckets that have long been over and handed on; of epochs those that nothing was added to."""
        for key, entry in list(self._open.items()):
            handed_on = key.width_s != WIDTHS_S[0] or entry.streamed_revision >= entry.revision
            if _is_over(key, entry, now) and not entry.dirty and handed_on:
                del self._open[key]


def _wide(key: SummaryKey) -> Iterator[SummaryKey]:
    """The keys of all buckets that a ten-second delta is part of."""
    for width_s in WIDTHS_S:
        yield key._replace(bucket=key.bucket - key.bucket % width_s, width_s=width_s)
    if key.experiment:
        # a test has few versions, but clients may make up names of models without end
        yield key._replace(bucket=0, width_s=WHOLE_EPOCH_S, slice="", model="")


def _is_over(key: SummaryKey, entry: _Open, now: float) -> bool:
    """Whether its end, or of an epoch the last that was added to it, is KEPT_S ago."""
    if key.width_s != WHOLE_EPOCH_S:
        return key.bucket + key.width_s + KEPT_S <= now
    if entry.resting_since is None:
        entry.resting_since = now
    return now - entry.resting_since >= KEPT_S
