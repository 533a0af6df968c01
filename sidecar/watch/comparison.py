"""One comparison of two sides: which blocks both can give, and what the statistics say of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.drift import (
    INDEPENDENT_LADDER,
    LADDER,
    Block,
    DriftReport,
    Level,
    compare,
    enough,
    hour_of_day,
    with_probes,
)
from sidecar.watch.sides import Side

BLOCKS_ASKED_MAX = 10_000
"""A side is not asked for a level at which its period would have more blocks."""


@dataclass(frozen=True, slots=True)
class Test:
    """How a comparison is judged. ``independent`` declares that no two images are of one scene; then single images
    are compared, unless ``images`` is false: summaries hold none. ``days_only``: too few days are said to be too few,
    rather than compared by the hour, which takes days that merely differ for drift."""

    alpha: float = 0.05
    permutations: int = 999
    independent: bool = False
    images: bool = True
    days_only: bool = False
    seed: int = 0

    @property
    def ladder(self) -> tuple[Level, ...]:
        """The levels to try, in this order."""
        if self.independent:
            # what is old enough is left by the hour and the day only
            levels = (*INDEPENDENT_LADDER, Level.HOUR, Level.DAY)
            return tuple(level for level in levels if self.images or level is not Level.IMAGE)
        return LADDER[:1] if self.days_only else LADDER


class NothingSeen(Exception):
    """A side without a single image. ``side`` is 0 for the reference, 1 for the current one; ``sides`` what there is
    of both at ``level``."""

    def __init__(
        self,
        side: int,
        level: Level = Level.DAY,
        sides: tuple[Sequence[Block], Sequence[Block]] = ((), ()),
    ) -> None:
        super().__init__("the current side has no images" if side else "the reference has no images")
        self.side = side
        self.level = level
        self.sides = sides

    def report(self, test: Test) -> DriftReport:
        """What that comes to: no distance, and no verdict."""
        return compare(
            *self.sides, self.level, independent=test.independent, alpha=test.alpha, permutations=test.permutations
        )


async def compare_sides(reference: Side, current: Side, test: Test) -> DriftReport:
    """The report at the first level of the ladder at which both sides have blocks enough.

    Where there is none, the report says that there are too few, of the level with the most. Raises NothingSeen.
    """
    level, sides = await _choose(reference, current, test)
    inputs = await _inputs(reference, current, level, test)
    return await asyncio.to_thread(
        compare,
        *sides,
        level,
        independent=test.independent,
        alpha=test.alpha,
        permutations=test.permutations,
        seed=test.seed,
        inputs=inputs,
        reference_name=_name_of(reference, current),
    )


def _name_of(reference: Side, current: Side) -> str:
    """What a sentence calls the reference where it is another version's, which nobody would guess; else ""."""
    if reference.scope.model_id == current.scope.model_id:
        return ""
    frozen = "baseline" if "baseline" in reference.what else "baseline period"  # of a slice its own past then
    return f"the {frozen} of {reference.scope.model_id}"


async def _choose(reference: Side, current: Side, test: Test) -> tuple[Level, tuple[Sequence[Block], Sequence[Block]]]:
    best: tuple[int, Level, tuple[Sequence[Block], Sequence[Block]]] | None = None
    seen = [False, False]
    for level in test.ladder:
        sides = await _blocks(reference, current, level)
        if sides is None:
            continue
        counts = [sum(1 for block in side if block.summary.images) for side in sides]
        seen = [was or count > 0 for was, count in zip(seen, counts, strict=True)]
        if enough(*sides, level, independent=test.independent):
            return level, sides
        if best is None or min(counts) > best[0]:
            best = min(counts), level, sides
    for side, was_seen in enumerate(seen):
        if not was_seen:
            raise NothingSeen(side) if best is None else NothingSeen(side, best[1], best[2])
    assert best is not None  # something was seen, so some level had blocks
    return best[1], best[2]


async def _blocks(reference: Side, current: Side, level: Level) -> tuple[Sequence[Block], Sequence[Block]] | None:
    """Both sides' blocks, None where a side can't give them.

    Of minutes, which are many, the longer side gives those of the hours of the day that the shorter one has.
    """
    sides = (reference, current)
    short = 0 if reference.period.length_s < current.period.length_s else 1
    if not _is_asked(sides[short], level):
        return None
    fewer = await sides[short].blocks(level)
    if fewer is None:
        return None
    hours = {hour_of_day(block) for block in fewer} if level is Level.MINUTE else None
    if not _is_asked(sides[1 - short], level, 24 if hours is None else len(hours)):
        return None
    more = await sides[1 - short].blocks(level, hours)
    if more is None:
        return None
    return (fewer, more) if short == 0 else (more, fewer)


def _is_asked(side: Side, level: Level, hours: int = 24) -> bool:
    return not level.width_s or side.period.length_s / level.width_s * hours / 24 <= BLOCKS_ASKED_MAX


async def _inputs(
    reference: Side, current: Side, level: Level, test: Test
) -> tuple[Sequence[Block], Sequence[Block], Level]:
    """What the input probe saw, at the level of the rest; single images are probed by time only."""
    levels = (Level.TEN_SECONDS, Level.MINUTE, Level.HOUR, Level.DAY) if level is Level.IMAGE else (level,)
    found: tuple[Sequence[Block], Sequence[Block], Level] = ((), (), levels[-1])
    for one in levels:
        if not (_is_asked(reference, one) and _is_asked(current, one)):
            continue
        before, after = await reference.probes(one), await current.probes(one)
        if before is not None and after is not None:
            found = (before, after, one)
            if enough(with_probes(before), with_probes(after), one, independent=test.independent):
                break
    return found
