"""Which items train, which choose among models (val) and which test: by hash, and never a group torn apart.

A group is what was seen by one unit (a camera) in one hour, and near-duplicates join groups. An item that has a split
keeps it for ever and gives it to its group, so that a later version never tests what an earlier one trained on.
Shares are those of groups: with few groups the shares of images may be far from them.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from sidecar.datasets.near import joined, near_groups
from sidecar.hashing import unit_interval
from sidecar.recording import Sample

SPLITS = ("train", "val", "test")
HOUR_S = 3_600
_SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Shares:
    """The share of the groups that each split gets; together they are 1. Raises ValueError with every fault.

    >>> Shares(train=0.5, val=0.0, test=0.5).of(0.4999), Shares(train=0.5, val=0.0, test=0.5).of(0.5)
    ('train', 'test')
    """

    train: float = 0.8
    val: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        faults = [
            f"shares.{name}: must be a number from 0 to 1, not {getattr(self, name)!r}"
            for name in SPLITS
            if not 0 <= getattr(self, name) <= 1
        ]
        total = self.train + self.val + self.test
        if not faults and abs(total - 1) > _SUM_TOLERANCE:
            faults.append(f"shares: train, val and test must add up to 1, not {total:g}")
        if faults:
            raise ValueError("\n".join(faults))

    def of(self, draw: float) -> str:
        """The split of a group whose draw in [0, 1) is ``draw``."""
        wanted = [name for name in SPLITS if getattr(self, name) > 0]
        reached = 0.0
        for name in wanted:
            reached += getattr(self, name)
            if draw < reached:
                return name
        return wanted[-1]


DEFAULT_SHARES = Shares()


@dataclass(frozen=True, slots=True)
class Splits:
    """``of`` has the split of each sample id. ``largest`` is the number of items in the largest of ``groups``.

    ``conflicts`` counts the groups whose items had different splits before they came together: those items keep
    theirs, since what was trained on stays trained on.
    """

    of: dict[str, str]
    groups: int
    largest: int
    conflicts: int


def split_items(items: Sequence[Sample], shares: Shares = DEFAULT_SHARES) -> Splits:
    """The split of every item. The order of ``items`` changes nothing.

    >>> from dataclasses import replace
    >>> item = Sample("a", "a", "m", "1", 7200.0, (), 1.0, "labeled", "image/png", "a", 9, 4, 3, unit="door")
    >>> other = replace(item, sample_id="b", at=7300.0)
    >>> item = replace(item, split="val")
    >>> split_items([other, item])
    Splits(of={'a': 'val', 'b': 'val'}, groups=1, largest=2, conflicts=0)
    """
    items = sorted(items, key=lambda item: item.sample_id)
    groups = _groups(items)
    of: dict[str, str] = {}
    conflicts = 0
    for places in groups:
        members = [items[place] for place in places]
        kept = Counter(item.split for item in members if item.split in SPLITS)
        conflicts += len(kept) > 1
        if kept:
            chosen = min(kept, key=lambda name: (-kept[name], SPLITS.index(name)))
        else:
            chosen = shares.of(unit_interval("split", min(_seed(item) for item in members)))
        of |= {item.sample_id: item.split if item.split in SPLITS else chosen for item in members}
    largest = max((len(places) for places in groups), default=0)
    return Splits(dict(sorted(of.items())), len(groups), largest, conflicts)


def _seed(item: Sample) -> str:
    """What the group of an item is drawn by, where nothing else joins it."""
    return f"{item.unit}\0{math.floor(item.at / HOUR_S)}" if item.unit else item.sample_id


def _groups(items: Sequence[Sample]) -> list[list[int]]:
    """The positions of each group's items: of one unit and hour, the very same file, or near-duplicates."""
    same: dict[Hashable, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        if item.unit:
            same["unit", item.unit, math.floor(item.at / HOUR_S)].append(place)
        if item.checksum:
            same["file", item.checksum].append(place)
    return joined(len(items), [*same.values(), *near_groups(items)])
