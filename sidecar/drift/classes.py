"""Which classes moved, and which are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.drift.blocks import Block
from sidecar.drift.distributions import OTHER
from sidecar.drift.permutation import Deal, at_most

NEW_IMAGES_MIN = 5
NEW_BLOCKS_MIN = 3
"""A new class was seen in at least so many images of so many blocks ..."""
NEW_EXPECTED_MIN = 3.0
"""... and as often as it is seen now, the reference would have had it in this many images: at 3, its absence is chance
in 5 % of cases (the rule of three). A reference of a few images knows nothing of rare classes."""


@dataclass(frozen=True, slots=True)
class AffectedClass:
    """A class whose share of the detections moved; ``p_value`` is adjusted over all classes."""

    name: str
    share_before: float
    share_after: float
    p_value: float

    @property
    def change(self) -> float:
        return self.share_after - self.share_before


@dataclass(frozen=True, slots=True)
class NewClass:
    """A class that the reference doesn't have; ``blocks`` are those of the current side it was seen in."""

    name: str
    images: int
    blocks: int


class ClassMoves:
    """How far each class's share of the detections is from what relabeling the blocks gives, in standard errors.

    Of class c the statistic is ``|T_c - E T_c| / sd T_c`` with ``T_c`` the sum, over the current blocks, of its
    detections over what the pooled share of c predicts: the difference of shares, times a number that is alike for all
    classes. Mean and variance of that sum over all ways to deal the labels are exact (a sample without replacement
    within each stratum; Cochran, Sampling Techniques, 1977, theorem 2.2). The maximum over classes gives p-values that
    hold for all classes together, whatever their dependence (max-T; Westfall and Young, Resampling-Based Multiple
    Testing, 1993, section 2.5).
    """

    def __init__(self, counts: NDArray[np.float64], deal: Deal) -> None:
        """``counts`` are detections by block and class [B, C]."""
        totals = counts.sum(axis=0)
        self._shares = totals / max(float(totals.sum()), 1.0)
        excess = counts - counts.sum(axis=1, keepdims=True) * self._shares
        self._mean = np.zeros(counts.shape[1])
        variance = np.zeros(counts.shape[1])
        for stratum in np.unique(deal.stratum):
            inside = deal.stratum == stratum
            n, taken = int(inside.sum()), int(deal.current[inside].sum())
            self._mean += taken * excess[inside].mean(axis=0)
            if n > 1:
                variance += taken * (n - taken) / n * excess[inside].var(axis=0, ddof=1)
        # a class in proportion to all detections in every block can't move: rounding must not make it the largest
        can_move = variance > 1e-9 * np.maximum(totals, 1.0)
        self._inverse_sd = np.where(can_move, 1 / np.sqrt(np.where(can_move, variance, 1.0)), 0.0)

    def of(self, current: NDArray[np.float64]) -> NDArray[np.float64]:
        """The statistic of each class [N, C], from the current side's detections [N, C]."""
        excess = current - current.sum(axis=1, keepdims=True) * self._shares
        return np.asarray(np.abs(excess - self._mean) * self._inverse_sd)

    def largest(self, current: NDArray[np.float64]) -> NDArray[np.float64]:
        """Over all classes [N]; 0 where there are none."""
        return np.asarray(self.of(current).max(axis=1, initial=0.0))


def affected(
    names: Sequence[str],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    p_values: NDArray[np.float64],
    alpha: float,
) -> list[AffectedClass]:
    """Classes with a p-value of at most ``alpha``, the largest change first; ``before``, ``after`` are counts [C]."""
    moved = [
        AffectedClass(names[c], float(before[c] / before.sum()), float(after[c] / after.sum()), float(p_values[c]))
        for c in np.flatnonzero(at_most(p_values, alpha)).tolist()
    ]
    return sorted(moved, key=lambda item: (-abs(item.change), item.name))


def new_classes(reference: Sequence[Block], current: Sequence[Block]) -> list[NewClass]:
    """Classes of the current blocks that the reference lacks, those in most images first.

    ``other``, where names over the bound are counted, is never one.
    """
    known = {name for block in reference for name in block.summary.class_counts}
    images: dict[str, int] = {}
    blocks: dict[str, int] = {}
    for block in current:
        for name, n in block.summary.class_images.items():
            if n and name not in known and name != OTHER:
                images[name] = images.get(name, 0) + n
                blocks[name] = blocks.get(name, 0) + 1
    before = sum(block.summary.images for block in reference)
    now = sum(block.summary.images for block in current)
    found = [
        NewClass(name, n, blocks[name])
        for name, n in images.items()
        if n >= NEW_IMAGES_MIN and blocks[name] >= NEW_BLOCKS_MIN and n * before >= NEW_EXPECTED_MIN * now
    ]
    return sorted(found, key=lambda item: (-item.images, item.name))
