"""The two sides of a comparison: which blocks are compared, and how much they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import nan
from typing import Any

import numpy as np

from sidecar.drift.blocks import BLOCKS_MIN, Block, Comparable, Level, comparable, hour_of_day
from sidecar.drift.permutation import Deal

HOUR_OF_THE_DAY = "hour of the day"


@dataclass(frozen=True, slots=True)
class Sides:
    """The blocks of two sides as they are compared. Where not ``tested`` there are too few: distances only, of all.

    ``counted`` are the comparable blocks of each side; ``matched``: by hour of the day.
    """

    used: Comparable
    counted: tuple[int, int]
    matched: bool
    tested: bool

    @classmethod
    def of(cls, reference: Sequence[Block], current: Sequence[Block], level: Level, independent: bool) -> Sides:
        """Of blocks that all have something to compare."""
        matched = level.within_a_day and not independent
        chosen = comparable(reference, current, matched=matched)
        counted = len(chosen.reference), len(chosen.current)
        if chosen.fewest >= BLOCKS_MIN:
            return cls(chosen, counted, matched, True)
        return cls(comparable(reference, current, matched=False), counted, matched, False)

    @property
    def blocks(self) -> list[Block]:
        """Reference first."""
        return [*self.used.reference, *self.used.current]

    def deal(self) -> Deal:
        """Labels change places within an hour of the day where the sides are matched by it."""
        deal = Deal.free(len(self.used.reference), len(self.used.current))
        if not self.matched:
            return deal
        return replace(deal, stratum=np.array([hour_of_day(block) for block in self.blocks], np.intp))


@dataclass(frozen=True, slots=True)
class SideSize:
    """How much a side holds; ``avg_confidence`` and ``detections_per_image`` are NaN without images to take them of.

    >>> SideSize.of([]).to_dict()
    {'images': 0, 'detections': 0, 'requests': 0, 'blocks': 0}
    """

    images: int
    detections: int
    requests: int
    blocks: int
    avg_confidence: float = nan
    detections_per_image: float = nan

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> SideSize:
        summaries = [block.summary for block in blocks]
        images = sum(summary.images for summary in summaries)
        detections = sum(summary.detections for summary in summaries)
        with_some = sum(summary.images - summary.images_without_detections for summary in summaries)
        confidence = sum(summary.units.total("confidence") for summary in summaries)
        return cls(
            images,
            detections,
            sum(summary.requests for summary in summaries),
            len(blocks),
            confidence / with_some if with_some else nan,
            detections / images if images else nan,
        )

    def to_dict(self) -> dict[str, int]:
        return {"images": self.images, "detections": self.detections, "requests": self.requests, "blocks": self.blocks}


@dataclass(frozen=True, slots=True)
class BlockCounts:
    """How the blocks were compared: comparable ones of each side, what they are matched by, how often relabeled."""

    level: Level
    reference: int
    current: int
    matched_by: str | None
    permutations: int

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "level": self.level.value}
