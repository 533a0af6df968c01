"""What the sidecar lost of late: a counter that only grows, read as an increase over a window."""

from __future__ import annotations

from collections import deque

LOOKS_MAX = 10_000
"""Looks remembered; at one every ten seconds a little more than a day. A longer window begins there."""


class Losses:
    """Increases of a counter over monotonic time.

    >>> losses = Losses()
    >>> losses.look(5, at=0.0); losses.look(5, at=10.0); losses.look(9, at=20.0)
    >>> losses.increase(15.0, at=20.0), losses.increase(60.0, at=20.0)
    (4, 4)
    """

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque(maxlen=LOOKS_MAX)

    def look(self, count: int, at: float) -> None:
        """The counter as it is now. One that fell (its owner restarted) counts on from where it was."""
        if self._looks and count < self._looks[-1][1]:
            fell = self._looks[-1][1] - count
            self._looks = deque(((seen, before - fell) for seen, before in self._looks), maxlen=LOOKS_MAX)
        self._looks.append((at, count))

    def increase(self, window_s: float, at: float) -> int:
        """How much it grew in the last ``window_s``."""
        if not self._looks:
            return 0
        before = self._looks[0][1]
        for seen, count in reversed(self._looks):
            if seen <= at - window_s:
                before = count
                break
        return self._looks[-1][1] - before
