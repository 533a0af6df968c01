"""Which buckets make up a range, and which the one before it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor

MINUTE_S, FIVE_MINUTES_S, HOUR_S, DAY_S = 60, 300, 3_600, 86_400
WIDTHS_S = (10, MINUTE_S, FIVE_MINUTES_S, HOUR_S, DAY_S)
"""The widths of buckets there are. Summaries are kept of all but FIVE_MINUTES_S, which are made of those of minutes: of
a day an hour is too little to see, and a minute more than anybody can."""
BUCKETS_WANTED = 500
"""Of those widths that make no more buckets the finest is chosen, where none is asked for."""
BLOCKS = 12
"""Parts a range is compared in: as many as tell how much it varies by itself, each long enough to be much like any
other (Schmeiser, Operations Research 30, 1982: 10 to 30 batches)."""
BLOCK_S_MIN = 60
"""Parts that are shorter resemble their neighbours too much to tell how much there is of chance."""
OWN_BLOCKS = 4 * BLOCKS
"""Of what came late parts are as long as the range has so many of, or a day: an hour's minutes resemble each other,
but not the day or the weeks that they would be compared with."""
HOURS_MIN = 6
"""Hours that are as good as their minutes: of fewer parts nobody could tell how much they vary."""


@dataclass(frozen=True, slots=True)
class Span:
    """``buckets`` buckets of ``width_s`` seconds from ``since`` on, epoch seconds, a multiple of the width; the last
    one is cut off at ``until``."""

    since: int
    until: float
    width_s: int
    buckets: int

    @property
    def stored_s(self) -> int:
        """The width of the summaries that its buckets are made of."""
        return MINUTE_S if self.width_s == FIVE_MINUTES_S else self.width_s

    @property
    def previous(self) -> Span:
        """As much right before: as many buckets, or of five minutes that begin with an hour the hours they take, if
        these are enough, which are a sixtieth of what there would be to read."""
        width = self.width_s
        if width == FIVE_MINUTES_S and self.since % HOUR_S == 0 and self.buckets * width >= HOURS_MIN * HOUR_S:
            width = HOUR_S
        buckets = ceil(self.buckets * self.width_s / width)
        return Span(self.since - buckets * width, float(self.since), width, buckets)

    @property
    def starts(self) -> list[int]:
        """Where each bucket begins."""
        return [self.since + place * self.width_s for place in range(self.buckets)]

    def place(self, bucket: int) -> int:
        """Which of the buckets it is."""
        return (bucket - self.since) // self.width_s

    def block(self, place: int) -> int:
        """Which of BLOCKS parts, or of as many as there are buckets, a bucket belongs to.

        >>> span = span_of(0, 240, None)
        >>> [span.block(place) for place in (0, 1, 2, 23)]
        [0, 0, 1, 11]
        """
        return place * min(BLOCKS, self.buckets) // self.buckets

    def own_block(self, first: int, last: int) -> Callable[[int], int]:
        """As ``block`` of what there is from the bucket ``first`` to ``last`` alone: into as many parts, but none
        shorter than one of OWN_BLOCKS of the range, or than BLOCK_S_MIN.

        >>> block = span_of(0, 90 * 86_400, None).own_block(80, 89)
        >>> block(80), block(89)
        (0, 9)
        >>> span_of(0, 3_600, None).own_block(0, 15)(15), span_of(0, 86_400, None).own_block(0, 11)(11)
        (1, 1)
        """
        count = last - first + 1
        least_s = max(min(self.buckets * self.width_s / OWN_BLOCKS, DAY_S), BLOCK_S_MIN)
        blocks = max(min(BLOCKS, count, int(count * self.width_s / least_s)), 1)
        return lambda place: (place - first) * blocks // count

    def seconds(self, place: int) -> float:
        """How long a bucket lasted by ``until``."""
        return min(self.width_s, max(self.until - self.since - place * self.width_s, 0.0))


def span_of(since: float, until: float, width_s: int | None) -> Span:
    """The buckets of [since, until), from the start of the one that holds ``since``; of the finest width that makes no
    more than BUCKETS_WANTED where none is given, or of the greatest there is. Five minutes that nobody asked for begin
    with an hour, for the sake of ``previous``.

    >>> span_of(5, 3_605, None)
    Span(since=0, until=3605, width_s=10, buckets=361)
    >>> [span_of(0, hours * 3_600, None).width_s for hours in (0.25, 6, 24, 90 * 24)]
    [10, 60, 300, 86400]
    >>> day = span_of(1_000, 87_400, None)
    >>> day, day.previous
    (Span(since=0, until=87400, width_s=300, buckets=292), Span(since=-90000, until=0.0, width_s=3600, buckets=25))
    """
    width = width_s or next((wide for wide in WIDTHS_S if (until - since) / wide <= BUCKETS_WANTED), WIDTHS_S[-1])
    begins_with = HOUR_S if width == FIVE_MINUTES_S and width_s is None else width
    start = floor(since / begins_with) * begins_with
    return Span(start, until, width, max(ceil((until - start) / width), 1))
