"""Which images of a shadow test are worth a person's look: those that both versions see least alike, as they come."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from math import isnan

HOUR_S = 3_600.0
FIRST_S = 60.0
"""The rate of traffic is not taken from less than this."""
LATEST_MAX = 2_000
"""Images that a new one is compared with."""
REASON = "disagreement"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Why the image is kept, and how far both versions are apart (0..1). Nothing was drawn, so its probability says
    nothing of how common such images are: one that a rule had drawn too is surely kept.

    >>> Disagreement(0.7).reasons, Disagreement(0.7).value
    (('disagreement',), 0.7)
    """

    disagreement: float = 0.0
    reasons: tuple[str, ...] = (REASON,)
    probability: float = 1.0
    drawn: bool = False
    draw_rate: float = 0.0

    @property
    def value(self) -> float:
        """What a review is worth by this alone."""
        return self.disagreement


class Chosen:
    """Takes at most ``per_hour`` images of each hour, those that disagree most as far as can be told as they come.

    What is left of the hour's images over what is left of its traffic, as it has come so far, is the share that may be
    taken; an image is taken where it is within that share of the latest LATEST_MAX, or above all of them.

    >>> chosen = Chosen(per_hour=2)
    >>> [chosen.take(disagreement, at=0.0) for disagreement in (0.1, 0.0, 0.5, 0.2, 0.7)]
    [True, False, True, False, False]
    """

    def __init__(self, per_hour: int) -> None:
        self.per_hour = per_hour
        self._began: float | None = None
        self._seen = 0
        self._taken = 0
        self._latest: deque[float] = deque()
        self._sorted: list[float] = []

    def take(self, disagreement: float, at: float) -> bool:
        """Whether to keep it. ``at`` are seconds of a clock that never goes back; NaN disagreement is none."""
        if self._began is None or at - self._began >= HOUR_S:
            self._began, self._seen, self._taken = at, 0, 0
        self._seen += 1
        known = 0.0 if isnan(disagreement) else disagreement
        self._remember(known)
        left = self.per_hour - self._taken
        if left <= 0 or known <= 0:
            return False
        passed_s = at - self._began
        coming = self._seen / max(passed_s, FIRST_S) * (HOUR_S - passed_s)
        places = max(1, int(left / max(coming, 1.0) * len(self._sorted)))
        if known < self._sorted[-min(places, len(self._sorted))]:
            return False
        self._taken += 1
        return True

    def _remember(self, disagreement: float) -> None:
        self._latest.append(disagreement)
        insort(self._sorted, disagreement)
        if len(self._latest) > LATEST_MAX:
            del self._sorted[bisect_left(self._sorted, self._latest.popleft())]
