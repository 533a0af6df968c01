"""Which classes moved, and which are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log, log1p

import numpy as np
from numpy.typing import NDArray

from sidecar.drift.blocks import Block
from sidecar.drift.distributions import OTHER
from sidecar.drift.permutation import at_most

NEW_IMAGES_MIN = 5
NEW_BLOCKS_MIN = 3
"""A new class was seen in at least so many images of so many blocks ..."""
NEW_CHANCE_MAX = 0.05
"""... and the chance that any class is called new, which the reference happens not to have, is at most this. A
reference of a few images knows nothing of rare classes."""

_HOUR_S = 3_600


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


def new_classes(reference: Sequence[Block], current: Sequence[Block], *, hours_differ: bool = False) -> list[NewClass]:
    """Classes of the current blocks that the reference lacks, those in most images first.

    Were a class as frequent before as now, all n of its images would be current ones with a chance of
    ``(now / (before + now)) ** n``, by the images of both sides. That is at most NEW_CHANCE_MAX over all the classes
    of both sides (Bonferroni). ``hours_differ``: NEW_BLOCKS_MIN blocks must be of different hours, as where blocks are
    shorter and one parked thing is in many of them. ``other``, where names over the bound are counted, is never new.
    """
    known = {name for block in reference for name in block.summary.class_counts}
    images: dict[str, int] = {}
    blocks: dict[str, int] = {}
    hours: dict[str, set[float]] = {}
    for block in current:
        for name, n in block.summary.class_images.items():
            if n and name not in known and name != OTHER:
                images[name] = images.get(name, 0) + n
                blocks[name] = blocks.get(name, 0) + 1
                hours.setdefault(name, set()).add(block.start // _HOUR_S)
    images_needed = max(NEW_IMAGES_MIN, _images_needed(reference, current, len(known | images.keys())))
    found = [
        NewClass(name, n, blocks[name])
        for name, n in images.items()
        if n >= images_needed and (len(hours[name]) if hours_differ else blocks[name]) >= NEW_BLOCKS_MIN
    ]
    return sorted(found, key=lambda item: (-item.images, item.name))


def _images_needed(reference: Sequence[Block], current: Sequence[Block], classes: int) -> float:
    """Images that chance hardly gives a class of the current side alone."""
    before = sum(block.summary.images for block in reference)
    now = sum(block.summary.images for block in current)
    return log(classes / NEW_CHANCE_MAX) / log1p(before / now) if classes and before and now else inf
