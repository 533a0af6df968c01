"""How the channels stand: which ones rest after failures, and until when. In memory, on a monotonic clock."""

from __future__ import annotations

import random
from dataclasses import dataclass
from math import inf

from sidecar.retrying import backoff_s

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 300.0
STANDINGS_MAX = 1_000
"""Channels with failures that are kept; over it the one that rests shortest is forgotten, and so tried earlier."""


@dataclass(slots=True)
class _Standing:
    rests_until: float = -inf
    failures: int = 0
    row_id: int = 0
    refusals: int = 0


class Standings:
    """Times are monotonic seconds.

    >>> standings = Standings(random.Random(1))
    >>> standings.failed("slack:#a", now=10.0, asked_s=30.0)
    1
    >>> standings.resting(20.0), standings.resting(40.0), standings.next_at(20.0)
    ({'slack:#a'}, set(), 40.0)
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._standings: dict[str, _Standing] = {}

    def resting(self, now: float) -> set[str]:
        """The channels that are left alone for now."""
        return {channel for channel, standing in self._standings.items() if standing.rests_until > now}

    def rests(self, channel: str, now: float) -> bool:
        """Whether this one is left alone for now."""
        standing = self._standings.get(channel)
        return standing is not None and standing.rests_until > now

    def next_at(self, now: float) -> float:
        """When the next of them ends its rest; infinity where none rests."""
        return min((s.rests_until for s in self._standings.values() if s.rests_until > now), default=inf)

    def failed(self, channel: str, now: float, asked_s: float = 0.0) -> int:
        """An attempt failed: rest for twice as long as the last time, or for ``asked_s`` if that is longer. Returns
        the failures in a row.
        """
        standing = self._of(channel)
        standing.failures += 1
        standing.rests_until = now + max(
            asked_s, backoff_s(standing.failures, RETRY_FIRST_S, RETRY_MAX_S, self._rng.random())
        )
        self._bound()
        return standing.failures

    def refused(self, channel: str, row_id: int) -> int:
        """One message was refused. Returns how many times in a row that very one was."""
        standing = self._of(channel)
        if standing.row_id != row_id:
            standing.row_id, standing.refusals = row_id, 0
        standing.refusals += 1
        return standing.refusals

    def rest(self, channel: str, until: float) -> None:
        """Leave it alone, without a failure."""
        self._of(channel).rests_until = until
        self._bound()

    def succeeded(self, channel: str) -> int:
        """All is well. Returns how many failures in a row that ended."""
        standing = self._standings.pop(channel, None)
        return standing.failures if standing else 0

    def clear(self) -> None:
        """Try all of them at once: what was wrong may have been put right."""
        self._standings.clear()

    def _of(self, channel: str) -> _Standing:
        return self._standings.setdefault(channel, _Standing())

    def _bound(self) -> None:
        if len(self._standings) > STANDINGS_MAX:
            del self._standings[min(self._standings, key=lambda channel: self._standings[channel].rests_until)]
