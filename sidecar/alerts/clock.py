"""How much time passed, and whether the wall clock can be trusted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import NamedTuple

ELAPSED_S_MAX = 60.0
"""A longer pause between two rounds counts as this: nothing was seen in between."""
JUMP_S_MIN = 60.0
"""Over this from one look to the next it is called a jump: worth a line in the log."""
STEP_S_MIN = 1.0
"""Wall and monotonic clock may move apart by this much before it is remembered: looks are not taken at one instant."""
JUMPS_MAX = 64
"""Steps remembered; of more, two that lie close together for their age are taken as one, at the newer one's time."""
JUMP_SHARE_MAX = 0.1
"""A window is trusted in spite of steps that misplace no more than this share of it."""
FORGOTTEN_S = 32 * 86_400.0
"""Longer than any window: an older step misplaces nothing that is looked at."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One look at the clocks.

    ``elapsed_s`` is the time since the last look that was consumed, 0 at the first. ``jumped``: the wall clock jumped
    since the look before. ``settled_s`` is the time since its last step, infinity without one. ``jumps`` are (seconds
    ago, seconds it was set by, either way) of the steps remembered, oldest first.
    """

    elapsed_s: float
    jumped: bool
    settled_s: float
    jumps: tuple[tuple[float, float], ...] = ()

    def trusts(self, window_s: float) -> bool:
        """Whether the last ``window_s`` of the wall clock are, but for JUMP_SHARE_MAX, the last of time itself.

        After a jump, a window by the wall clock is empty, or holds what is older; until it has passed, a rule over it
        is held. A laptop that slept for an hour misplaces nothing much of a window of 30 days.

        >>> Tick(10.0, False, 600.0, ((600.0, 3_600.0),)).trusts(900.0)
        False
        >>> Tick(10.0, False, 900.0, ((900.0, 3_600.0),)).trusts(900.0)
        True
        """
        return sum(abs(by_s) for ago_s, by_s in self.jumps if ago_s < window_s) <= JUMP_SHARE_MAX * window_s


class _Steps(NamedTuple):
    """Steps between two looks, at monotonic seconds: one, with its sign, or several as the sum of their sizes."""

    first_at: float
    last_at: float
    by_s: float


class JumpWatch:
    """Compares the wall clock with the monotonic one, look by look.

    What moves them apart by more than STEP_S_MIN since the last time that happened is remembered, so that many small
    steps count like a large one. One that the very next look takes back (a clock that is slewed, a look that was
    interrupted) is not: signed, the two cancel, unless it was a jump.

    Time is handed out until it is consumed: call ``consumed`` once what was made of a tick is committed. A round that
    failed leaves its time to the next. ``elapsed_max_s`` is the most that one round may count.

    >>> watch = JumpWatch()
    >>> watch.observe(1_000.0, 5.0).elapsed_s, watch.observe(1_010.0, 15.0).jumped, watch.observe(4_620.0, 25.0).jumped
    (0.0, False, True)
    >>> watch.consumed()
    >>> watch.observe(4_630.0, 35.0).elapsed_s
    10.0
    """

    def __init__(self, elapsed_max_s: float = ELAPSED_S_MAX) -> None:
        self._elapsed_max_s = elapsed_max_s
        self._last: tuple[float, float] | None = None
        self._consumed_at = 0.0
        self._apart_s = 0.0
        self._steps: deque[_Steps] = deque()

    def observe(self, wall: float, monotonic: float) -> Tick:
        """The clocks as they are now, in seconds."""
        if self._last is None:
            self._last, self._consumed_at, self._apart_s = (wall, monotonic), monotonic, wall - monotonic
        last_wall, last_at = self._last
        by_s = (wall - monotonic) - self._apart_s
        if abs(by_s) > STEP_S_MIN:
            self._apart_s = wall - monotonic
            self._remember(monotonic, by_s, last_at)
        while self._steps and monotonic - self._steps[0].last_at > FORGOTTEN_S:
            self._steps.popleft()
        self._last = wall, monotonic
        return Tick(
            elapsed_s=min(max(0.0, monotonic - self._consumed_at), self._elapsed_max_s),
            jumped=abs((wall - last_wall) - (monotonic - last_at)) > JUMP_S_MIN,
            settled_s=monotonic - self._steps[-1].last_at if self._steps else inf,
            jumps=tuple((monotonic - steps.last_at, abs(steps.by_s)) for steps in self._steps),
        )

    def consumed(self) -> None:
        """The round of the last look is committed: elapsed time counts from that look on."""
        if self._last is not None:
            self._consumed_at = self._last[1]

    def _remember(self, at: float, by_s: float, last_at: float) -> None:
        before = self._steps[-1] if self._steps else _Steps(at, at, 0.0)
        small = max(abs(by_s), abs(before.by_s)) <= JUMP_S_MIN
        if small and before.first_at == before.last_at == last_at and before.by_s * by_s < 0:
            self._steps.pop()
            by_s += before.by_s
            if abs(by_s) <= STEP_S_MIN:
                return
        self._steps.append(_Steps(at, at, by_s))
        if len(self._steps) > JUMPS_MAX:
            self._merge(at)

    def _merge(self, now: float) -> None:
        """Two neighbours become one, those whose age is then wrong by the least share. None is forgotten."""
        steps = list(self._steps)
        pairs = [_Steps(a.first_at, b.last_at, abs(a.by_s) + abs(b.by_s)) for a, b in pairwise(steps)]
        spans = [(pair.last_at - pair.first_at) / (now - pair.first_at or 1.0) for pair in pairs]
        place = spans.index(min(spans))
        steps[place : place + 2] = [pairs[place]]
        self._steps = deque(steps)
