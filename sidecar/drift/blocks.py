"""Blocks: the pieces of time whose labels are permuted, since single frames of a camera depend on each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sidecar.drift.permutation import reachable
from sidecar.summaries import Summary, SummaryError, SummaryKey, merge_all
from sidecar.types import Prediction

BLOCKS_MIN = 6
"""With fewer blocks a side nothing is tested."""
BLOCKS_SIDE_MAX = 2_000
"""Of a side with more blocks the latest are compared, and the report says so."""

_DAY_S = 86_400
_HOUR_S = 3_600


class Level(StrEnum):
    """How long a block is; an ``IMAGE`` is a block of its own, of no length."""

    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"
    TEN_SECONDS = "ten_seconds"
    IMAGE = "image"

    @property
    def width_s(self) -> int:
        return _WIDTHS_S[self]

    @property
    def plural(self) -> str:
        """How a person counts them.

        >>> Level.DAY.plural, Level.TEN_SECONDS.plural
        ('days', 'spans of ten seconds')
        """
        return "spans of ten seconds" if self is Level.TEN_SECONDS else f"{self.value}s"

    @property
    def within_a_day(self) -> bool:
        """Whether such blocks have an hour of the day, which they are matched by unless they are independent."""
        return 0 < self.width_s < _DAY_S


_WIDTHS_S = {Level.DAY: _DAY_S, Level.HOUR: _HOUR_S, Level.MINUTE: 60, Level.TEN_SECONDS: 10, Level.IMAGE: 0}

LADDER = (Level.DAY, Level.HOUR, Level.MINUTE)
"""Levels to try in this order."""
INDEPENDENT_LADDER = (Level.IMAGE, Level.TEN_SECONDS, Level.MINUTE)
"""The same where images are declared independent."""


@dataclass(frozen=True, slots=True)
class Block:
    """What was seen in ``start <= t < start + width`` of its level. ``start`` in epoch seconds."""

    start: float
    summary: Summary


def blocks_of(rows: Iterable[tuple[SummaryKey, Summary]], level: Level) -> list[Block]:
    """Rows merged by the block they fall into, ordered by start; blocks in which nothing was seen are left out.

    At ``IMAGE`` each row is a block. All else of the keys is taken as belonging together. Raises SummaryError where a
    row's width does not divide the block's.

    >>> [block.start for block in blocks_of([], Level.DAY)]
    []
    """
    width_s = level.width_s
    found: dict[tuple[int, int], list[Summary]] = {}
    for place, (key, summary) in enumerate(rows):
        if not width_s:
            found[key.bucket, place] = [summary]
            continue
        if key.width_s <= 0 or width_s % key.width_s:
            raise SummaryError(f"level: buckets of {key.width_s} s do not fill blocks of {width_s} s")
        found.setdefault((key.bucket - key.bucket % width_s, 0), []).append(summary)
    blocks = [Block(float(start), merge_all(found[start, place])) for start, place in sorted(found)]
    return [block for block in blocks if block.summary.images or block.summary.requests or _was_probed(block)]


def image_blocks(predictions: Iterable[Prediction]) -> list[Block]:
    """One block for each image whose detections were read, ordered by time: only for images that are independent."""
    blocks = []
    for prediction in predictions:
        summary = Summary()
        summary.add_predictions([prediction])
        if summary.images:
            blocks.append(Block(prediction.at, summary))
    return sorted(blocks, key=lambda block: block.start)


def enough(
    reference: Sequence[Block],
    current: Sequence[Block],
    level: Level,
    *,
    independent: bool = False,
    alpha: float | None = None,
) -> bool:
    """Whether each side has BLOCKS_MIN blocks with images, of hours of the day that both sides have.

    With ``alpha`` also whether they can be dealt in ways enough to be significant at it (``reachable``). Days and
    images are not matched by hour of the day, nor is anything where images are ``independent``.

    >>> enough([], [], Level.DAY)
    False
    """
    matched = level.within_a_day and not independent
    found = comparable(with_images(reference), with_images(current), matched=matched)
    if found.fewest < BLOCKS_MIN or alpha is None:
        return found.fewest >= BLOCKS_MIN
    before, now = (
        Counter(hour_of_day(block) if matched else 0 for block in side) for side in (found.reference, found.current)
    )
    # matched: both have the same hours
    return reachable(list(before.values()), [now[hour] for hour in before], alpha)


@dataclass(frozen=True, slots=True)
class Comparable:
    """The blocks of two sides that are compared, each oldest first; ``left_out`` were too many to compare."""

    reference: list[Block]
    current: list[Block]
    left_out: int = 0

    @property
    def fewest(self) -> int:
        """Blocks of the smaller side."""
        return min(len(self.reference), len(self.current))


def comparable(reference: Sequence[Block], current: Sequence[Block], *, matched: bool) -> Comparable:
    """The latest BLOCKS_SIDE_MAX of each side; where ``matched``, of the hours of the day that both sides have."""
    if matched:
        reference, current = _matched(reference, current)
    chosen = latest(reference), latest(current)
    left_out = len(reference) + len(current) - len(chosen[0]) - len(chosen[1])
    if matched:
        chosen = _matched(*chosen)
    return Comparable(*chosen, left_out)


def with_images(blocks: Iterable[Block]) -> list[Block]:
    """Those that say something about detections."""
    return [block for block in blocks if block.summary.images]


def with_probes(blocks: Iterable[Block]) -> list[Block]:
    """Those that say something about the images themselves."""
    return [block for block in blocks if _was_probed(block)]


def hour_of_day(block: Block) -> int:
    """In UTC, 0..23."""
    return int(block.start % _DAY_S) // _HOUR_S


def latest(blocks: Sequence[Block]) -> list[Block]:
    """The BLOCKS_SIDE_MAX latest, oldest first; in an order that does not depend on the order given."""
    if len({block.start for block in blocks}) == len(blocks):
        ordered = sorted(blocks, key=lambda block: block.start)
    else:
        ordered = sorted(blocks, key=lambda block: (block.start, block.summary.encode()))
    return ordered[-BLOCKS_SIDE_MAX:]


def _matched(reference: Sequence[Block], current: Sequence[Block]) -> tuple[list[Block], list[Block]]:
    both = {hour_of_day(block) for block in reference} & {hour_of_day(block) for block in current}
    return (
        [block for block in reference if hour_of_day(block) in both],
        [block for block in current if hour_of_day(block) in both],
    )


def _was_probed(block: Block) -> bool:
    summary = block.summary
    return bool(summary.width.counts or summary.height.counts or summary.brightness.counts)
