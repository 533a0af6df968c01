"""Which images of a shadow test are worth a person's look: those that both versions see least alike, as they come."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappush, heapreplace

HOUR_S = 3_600.0
REASON = "disagreement"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Why the image is kept. Nothing was drawn, so its probability says nothing of how common such images are: one that
    a rule had drawn too is surely kept."""

    reasons: tuple[str, ...] = (REASON,)
    probability: float = 1.0


class Chosen:
    """Takes an image where it is among the ``per_hour`` that disagree most of the present hour.

    An hour begins with the first image after the last one ended. Of n images that come in no order about
    ``per_hour * (1 + ln(n / per_hour))`` are taken, since the first ones can't be known to be outdone.

    >>> chosen = Chosen(per_hour=2)
    >>> [chosen.take(disagreement, at=0.0) for disagreement in (0.1, 0.0, 0.5, 0.2, 0.1)]
    [True, False, True, True, False]
    """

    def __init__(self, per_hour: int) -> None:
        self.per_hour = per_hour
        self._began: float | None = None
        self._highest: list[float] = []

    def take(self, disagreement: float, at: float) -> bool:
        """Whether to keep it. ``at`` are seconds of a clock that never goes back; NaN disagreement is none."""
        if self.per_hour <= 0 or not disagreement > 0:
            return False
        if self._began is None or at - self._began >= HOUR_S:
            self._began, self._highest = at, []
        if len(self._highest) < self.per_hour:
            heappush(self._highest, disagreement)
            return True
        if disagreement <= self._highest[0]:
            return False
        heapreplace(self._highest, disagreement)
        return True
