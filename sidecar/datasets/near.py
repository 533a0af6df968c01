"""Which images are near-duplicates of each other, so that none of them trains what another one tests.

Near-duplicates were taken within an hour, their difference hashes are at most ``NEAR_DISTANCE`` of 64 bits apart, and
they show the same: each labelled box has its like in the other image, of the same class with an overlap (IoU) over
``SAME_IOU``. A whole-image hash alone calls all images of a fixed camera the same, whatever comes and goes in them,
and without the hour two of its images that chance made alike would tie any two days together: since groups are joined
through others, a split of that camera's images would be all of them or none.

Images of no unit that are next to equal (``SAME_DISTANCE``) are near-duplicates whatever their labels say: nothing else
keeps them together, and two people label one picture unlike. Where comparing boxes would take too long (``WORK_MAX``)
they aren't, and hash and time alone decide: that groups more, never less.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sidecar.recording import Sample

NEAR_DISTANCE = 6
"""Bits of 64 in which the hashes of near-duplicates may differ."""
NEAR_S = 3_600.0
SAME_DISTANCE = 1
"""Bits in which the hashes of one picture that was sent twice may differ."""
SAME_IOU = 0.8
SHIFT_MAX = 0.25
"""How far an edge may be from that of its like, in widths or heights of either: an IoU over 0.8 leaves no more."""
COMPARED_MAX = 4_000_000
"""Pairs of boxes that are compared at a time: bounds memory, not the work."""
WORK_MAX = 100_000_000
"""Pairs of boxes that are compared in all: some seconds."""
_BITS = (1 << 64) - 1


def near_groups(items: Sequence[Sample]) -> list[list[int]]:
    """The groups of two or more near-duplicates, as positions in ``items``; joined through others where need be.

    Images without objects are compared only where they are of no unit: those of one camera all look alike, its
    background is in its other images anyhow, and one such image an hour would tie all its hours together.

    >>> from dataclasses import replace
    >>> a = Sample("a", "a", "m", "1", 0.0, (), 1.0, "labeled", "image/png", "a", 9, 4, 3, image_hash=0b1111)
    >>> near_groups([a, replace(a, image_hash=0), replace(a, image_hash=_BITS), replace(a, at=3601.0)])
    [[0, 1]]
    """
    alike = defaultdict(list)
    for place, item in enumerate(items):
        if item.image_hash is not None and (item.labels or not item.unit):
            alike[tuple(sorted(one.label for one in item.labels or ()))].append(place)
    groups = []
    work = WORK_MAX
    # the cheap ones first, so that one crowded kind leaves the others' boxes be compared
    for names, places in sorted(alike.items(), key=lambda kind: (len(kind[1]) ** 2 * len(kind[0]) ** 2, kind[0])):
        found, work = _groups_of(items, places, names, NEAR_DISTANCE, work)
        groups += found
    without_unit = [place for place, item in enumerate(items) if item.image_hash is not None and not item.unit]
    groups += _groups_of(items, without_unit, (), SAME_DISTANCE, 0)[0]
    return [group for group in joined(len(items), groups) if len(group) > 1]


def joined(count: int, groups: Iterable[Sequence[int]]) -> list[list[int]]:
    """All of ``count`` positions in groups: those that share a position are one.

    >>> joined(5, [[0, 2], [2, 4]])
    [[0, 2, 4], [1], [3]]
    """
    parents = list(range(count))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    for places in groups:
        for place in places[1:]:
            first, second = sorted((root(places[0]), root(place)))
            parents[second] = first
    found = defaultdict(list)
    for place in range(count):
        found[root(place)].append(place)
    return list(found.values())


def _groups_of(
    items: Sequence[Sample], places: Sequence[int], names: tuple[str, ...], distance: int, work: int
) -> tuple[list[list[int]], int]:
    """The groups among ``places`` and what is left of ``work``."""
    if len(places) < 2:
        return [], work
    places = sorted(places, key=lambda place: items[place].at)
    kind = _Kind([items[place] for place in places], names, distance, work)
    found = kind.groups()
    return [[places[one] for one in group] for group in found], kind.work


class _TooMuchWork(Exception):
    pass


class _Kind:
    """Items with objects of the same classes, by time. Each is compared once with those that have no group yet."""

    def __init__(self, items: Sequence[Sample], names: tuple[str, ...], distance: int, work: int) -> None:
        self._distance = distance
        self.work = work
        self._boxes_count = bool(names)
        self._at = np.array([item.at for item in items], np.float64)
        self._hashes = np.array([(item.image_hash or 0) & _BITS for item in items], np.uint64)
        labels = [sorted(item.labels or (), key=lambda one: one.label) if names else [] for item in items]
        boxes = [[one.box for one in found] for found in labels]
        self._boxes = np.array(boxes, np.float64).reshape(len(items), len(names), 4)
        least, most = self._boxes.min(axis=1, initial=np.inf), self._boxes.max(axis=1, initial=-np.inf)
        self._around = [least[:, 0].copy(), least[:, 1].copy(), most[:, 2].copy(), most[:, 3].copy()]
        self._same_class = np.array([[a == b for b in names] for a in names], bool).reshape(len(names), len(names))
        self._free = np.ones(len(items), bool)

    def groups(self) -> list[list[int]]:
        try:
            return self._groups()
        except _TooMuchWork:
            self.work = 0
            self._boxes_count = False
            self._free[:] = True
            return self._groups()

    def _groups(self) -> list[list[int]]:
        found = []
        for first in range(len(self._free)):
            if self._free[first]:
                self._free[first] = False
                group = [first]
                for one in group:  # it grows meanwhile
                    group += self._take_like(one, first)
                if len(group) > 1:
                    found.append(group)
        return found

    def _take_like(self, one: int, first: int) -> list[int]:
        """The near-duplicates of ``one`` that are free, which then are not. None before ``first`` is free."""
        start = max(first, int(np.searchsorted(self._at, self._at[one] - NEAR_S, "left")))
        end = int(np.searchsorted(self._at, self._at[one] + NEAR_S, "right"))
        if not self._free[start:end].any():
            return []
        close = np.bitwise_count(self._hashes[start:end] ^ self._hashes[one]) <= self._distance
        like = np.flatnonzero(close & self._free[start:end]) + start
        if self._boxes_count and len(like):
            like = self._showing_the_same(one, like)
        self._free[like] = False
        return [int(place) for place in like]

    def _showing_the_same(self, one: int, others: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of ``others`` that have a like box for each of ``one``, and the other way round."""
        boxes = self._boxes[one]
        shift = SHIFT_MAX * np.tile((boxes[:, 2:] - boxes[:, :2]).max(axis=0), 2) + 1e-6
        for edge in range(4):  # cheap, and true of all that are the same
            around = self._around[edge]
            others = others[np.abs(around[others] - around[one]) <= shift[edge]]
        self.work -= len(others) * len(boxes) ** 2
        if self.work < 0:
            raise _TooMuchWork
        kept = np.zeros(len(others), bool)
        step = max(1, COMPARED_MAX // len(boxes) ** 2)
        for start in range(0, len(others), step):
            part = self._boxes[others[start : start + step]]
            like = (_overlaps(boxes, part) > SAME_IOU) & self._same_class
            here, there = like.any(axis=2), like.any(axis=1)
            kept[start : start + step] = np.all(here, axis=1) & np.all(there, axis=1)
        return others[kept]


def _overlaps(one: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union [n, k, k] of each box of ``one`` [k, 4] with each of ``others`` [n, k, 4]."""
    a, b = one[None, :, None, :], others[:, None, :, :]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.prod(np.maximum(sides, 0.0), axis=-1)
    union = _areas(a) + _areas(b) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))
