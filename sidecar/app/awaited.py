"""Statements that wait for their predictions: which of those have come meanwhile, at a cost that does not grow with how
long it takes."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sidecar.api.errors import ControlError
from sidecar.app.statements import Found, about, found_for, found_of_client, index_faults
from sidecar.recording import FeedbackBook, FeedbackRow, Reader, VerdictKey

PAGE = 1_000
"""Statements that are looked at together."""
OLD_S = 3_600.0
"""Statements that wait for longer are looked at every OLD_EVERY_S."""
OLD_EVERY_S = 60.0
LATE_S = 120.0
"""How much later than it was made a prediction may be recorded and be found by the client's id for certain; of what
comes later only a restart takes notice."""
SEARCH_A_LOOK_S = 0.2
"""How long a look may search the past for ids that clients gave: what a submission had no time for, and what a former
life left."""
FORGET_S = 3_600.0
"""What was not looked at for so long does not wait any more."""


@dataclass(slots=True)
class Look:
    """What came of some statements: ``rows`` are known now, with the ``keys`` of their predictions; ``senseless`` are
    the ids of those that make no sense for the prediction that came."""

    rows: list[FeedbackRow] = field(default_factory=list)
    keys: dict[str, VerdictKey] = field(default_factory=dict)
    senseless: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Left:
    """What of the past is still to be searched: what is before ``before``, back to ``since`` (None: all)."""

    before: float
    since: float | None


class Awaited:
    """The statements of ``book`` that wait."""

    def __init__(self, book: FeedbackBook, reader: Reader, clock: Callable[[], float]) -> None:
        self._book = book
        self._reader = reader
        self._clock = clock
        self._looked: dict[str, float] = {}
        self._left: dict[str, _Left] = {}
        self._after_young = 0
        self._after_old: int | None = None
        self._old_began = -math.inf

    def expect(self, feedback_id: str, looked_at: float, left: float | None) -> None:
        """A statement waits from now on. Its prediction was not there at ``looked_at``; what is before ``left`` was not
        searched."""
        self._looked[feedback_id] = looked_at
        if left is not None:
            self._left[feedback_id] = _Left(left, None)

    async def looks(self) -> AsyncIterator[Look]:
        """Look at a page of those that came within the hour, and at one of the others where it is their turn. Raises
        StoreError."""
        now = self._clock()
        waiting = await self._book.pending(PAGE, self._after_young, since=now - OLD_S)
        self._after_young = waiting[-1][0] if len(waiting) == PAGE else 0
        yield await self._look([row for _, row in waiting], now)
        if self._after_old is None and not 0 <= now - self._old_began < OLD_EVERY_S:
            self._after_old, self._old_began = 0, now
            self._forget(now)
        if self._after_old is not None:
            waiting = await self._book.pending(PAGE, self._after_old, until=now - OLD_S)
            self._after_old = waiting[-1][0] if len(waiting) == PAGE else None
            yield await self._look([row for _, row in waiting], now)

    async def _look(self, waiting: Sequence[FeedbackRow], now: float) -> Look:
        look = Look()
        known = await self._reader.known_among([row.prediction_id for row in waiting if not row.client_request_id])
        clients = await self._clients([row for row in waiting if row.client_request_id], now)
        ends = time.monotonic() + SEARCH_A_LOOK_S
        for row in waiting:
            try:
                if row.client_request_id:
                    found = await self._by_client(row, clients, lambda: time.monotonic() >= ends)
                else:
                    found = await found_for(self._reader, row.prediction_id) if row.prediction_id in known else None
            except ControlError:
                look.senseless.append(row.feedback_id)
                continue
            if found is None:
                continue
            if index_faults(found.detections, row.detection_index):
                look.senseless.append(row.feedback_id)
                continue
            look.rows.append(about(row, found))
            look.keys[found.prediction_id] = found.key
        return look

    async def _clients(self, waiting: Sequence[FeedbackRow], now: float) -> Mapping[str, float]:
        """The ids of clients with a prediction since they were last looked at, with the time from which it is."""
        if not waiting:
            return {}
        for row in waiting:
            if row.feedback_id not in self._looked:  # a former life's
                self._left[row.feedback_id] = _Left(math.inf, row.received_at - LATE_S)
        since = min(self._looked.get(row.feedback_id, now) for row in waiting) - LATE_S
        came = await self._reader.clients_among({row.client_request_id for row in waiting}, since)
        self._looked.update((row.feedback_id, now) for row in waiting)
        return dict.fromkeys(came, since)

    async def _by_client(
        self, row: FeedbackRow, came: Mapping[str, float], is_late: Callable[[], bool]
    ) -> Found | None:
        name = row.client_request_id
        if name in came:
            found, _ = await found_of_client(self._reader, name, math.inf, came[name], lambda: False)
            return found
        left = self._left.get(row.feedback_id)
        if left is None:
            return None
        found, before = await found_of_client(self._reader, name, left.before, left.since, is_late)
        if before is None:
            del self._left[row.feedback_id]
        else:
            left.before = before
        return found

    def _forget(self, now: float) -> None:
        self._looked = {name: at for name, at in self._looked.items() if abs(now - at) < FORGET_S}
        self._left = {name: left for name, left in self._left.items() if name in self._looked}
