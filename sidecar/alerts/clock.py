"""How much time passed, and whether the wall clock can be trusted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf

ELAPSED_S_MAX = 60.0
"""A longer pause between two looks counts as this: nothing was seen in between."""
JUMP_S_MIN = 60.0
"""Wall and monotonic clock may disagree by this much from one look to the next: clocks are slewed all the time."""
JUMPS_MAX = 64
"""Jumps remembered; of more, the two oldest are taken as one, at the newer one's time."""
JUMP_SHARE_MAX = 0.1
"""A window is trusted in spite of jumps that misplace no more than this share of it."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One look at the clocks.

    ``elapsed_s`` is the time since the look before, at most ELAPSED_S_MAX, 0 at the first. ``jumped``: the wall clock
    jumped since. ``settled_s`` is the time since the last jump, infinity without one. ``jumps`` are (seconds ago,
    seconds it was set by, either way) of those remembered, oldest first.
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


class JumpWatch:
    """Compares the wall clock with the monotonic one, look by look.

    >>> watch = JumpWatch()
    >>> watch.observe(1_000.0, 5.0).elapsed_s, watch.observe(1_010.0, 15.0).jumped, watch.observe(4_620.0, 25.0).jumped
    (0.0, False, True)
    """

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._jumps: deque[tuple[float, float]] = deque()

    def observe(self, wall: float, monotonic: float) -> Tick:
        """The clocks as they are now, in seconds."""
        if self._last is None:
            self._last = wall, monotonic
        last_wall, last_monotonic = self._last
        self._last = wall, monotonic
        passed_s = max(0.0, monotonic - last_monotonic)
        by_s = (wall - last_wall) - passed_s
        jumped = abs(by_s) > JUMP_S_MIN
        if jumped:
            self._remember(monotonic, by_s)
        jumps = tuple((monotonic - at, size_s) for at, size_s in self._jumps)
        return Tick(min(passed_s, ELAPSED_S_MAX), jumped, jumps[-1][0] if jumps else inf, jumps)

    def _remember(self, at: float, by_s: float) -> None:
        self._jumps.append((at, abs(by_s)))
        if len(self._jumps) > JUMPS_MAX:
            _, oldest_s = self._jumps.popleft()
            newer_at, newer_s = self._jumps.popleft()
            self._jumps.appendleft((newer_at, oldest_s + newer_s))
