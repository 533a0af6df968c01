"""Sums per lasting unit (a camera, a user) of an A/B test: bounded, and exact for every unit that is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import structlog
from numpy.typing import NDArray

from sidecar.experiments import PER_UNIT_NAMES, PER_UNIT_SCALES, per_unit_moments
from sidecar.recording import UnitCut, UnitRow
from sidecar.summaries import Moments
from sidecar.trials.exact import moments_by_group

log = structlog.get_logger()

ROWS_MAX = 50_000
"""Rows (a unit in an arm of an epoch) that are kept of a trial; over it the units with the highest hashes go."""
KEPT_SHARE = 0.9
"""What is left after that, so that not every new unit makes others go."""
HASH_MAX = (1 << 63) - 1
SUM_MAX = 1 << 62
"""No sum grows beyond it, so that none turns negative."""
_ADDED_MAX = 1 << 61
_FIRST_ROWS = 64
_WIDTH = len(PER_UNIT_NAMES)
_STORED = np.dtype("<i8")

Key = tuple[int, int, int]
"""epoch, the arm's place in the list of names, hash of the unit"""


def unit_hash(salt: str, unit: str) -> int:
    """63 bits that have nothing to do with the draw by which a unit is assigned: who goes first must not depend on
    the arm.

    >>> unit_hash("salt", "camera-7") == unit_hash("salt", "camera-7"), unit_hash("a", "bc") == unit_hash("ab", "c")
    (True, False)
    """
    words = "\0".join(("unit", salt, unit)).encode("utf-8", "surrogateescape")
    return int.from_bytes(blake2b(words, digest_size=8).digest(), "big") >> 1


@dataclass(frozen=True, slots=True)
class Seen:
    """Units that were in ``arm`` in ``epoch`` and seen first in epoch ``first``.

    ``moments`` are of those that were in the same arm then; ``moved`` counts the others. ``assigned`` is how many were
    seen here first.
    """

    epoch: int
    first: int
    arm: str
    moments: Moments
    moved: int

    @property
    def assigned(self) -> int:
        return self.moments.n if self.first == self.epoch else 0


class UnitSums:
    """Sums of PER_UNIT_NAMES by (epoch, arm, unit), at most ``rows_max`` of them.

    Where there are more, units with the highest hashes are forgotten in all arms and epochs. The ``bound`` only falls,
    so whoever is within it was never left out, and is a random sample of all; ``left_out`` counts what came of others.
    """

    def __init__(self, trial_id: str, rows_max: int = ROWS_MAX) -> None:
        self.trial_id = trial_id
        self.rows_max = rows_max
        self.bound = HASH_MAX
        self.left_out = 0
        self.unreadable = 0
        self._index: dict[Key, int] = {}
        self._names: list[str] = []
        self._keys = np.zeros((_FIRST_ROWS, 3), np.int64)
        self._sums = np.zeros((_FIRST_ROWS, _WIDTH), np.int64)
        self._dirty = np.zeros(_FIRST_ROWS, np.bool_)
        self._cut = False

    def __len__(self) -> int:
        return len(self._index)

    @property
    def kept_share(self) -> float:
        """What part of all units is kept, 0..1."""
        return (self.bound + 1) / (HASH_MAX + 1)

    def add(self, epoch: int, arm: str, unit: int, vector: NDArray[np.int64]) -> None:
        """Count ``vector``, int64 [PER_UNIT_NAMES], none negative, of the unit with the hash ``unit``."""
        if unit > self.bound:
            self.left_out += 1
            return
        row = self._row(epoch, arm, unit)
        self._sums[row] = np.minimum(self._sums[row] + np.clip(vector, 0, _ADDED_MAX), SUM_MAX)
        self._dirty[row] = True
        if len(self._index) > self.rows_max:
            self._forget_highest()

    def changed(self) -> tuple[list[UnitRow], UnitCut | None]:
        """What is to be written: rows as they are now, and the units to forget."""
        places = np.flatnonzero(self._dirty)
        rows = [
            UnitRow(self.trial_id, epoch, self._names[arm], unit, sums.tobytes())
            for (epoch, arm, unit), sums in zip(
                self._keys[places].tolist(), self._sums[places].astype(_STORED), strict=True
            )
        ]
        return rows, UnitCut(self.trial_id, self.bound) if self._cut else None

    def written(self) -> None:
        """All that ``changed`` returned is committed."""
        self._dirty[:] = False
        self._cut = False

    def write_all(self) -> None:
        """All of it is to be written: the store that had it is gone."""
        self._dirty[: len(self._index)] = True
        self._cut = self.bound < HASH_MAX

    def restore(self, rows: Iterable[UnitRow], bound: int | None) -> None:
        """Take up what a former life has committed. A row of another form is counted and passed over."""
        self.bound = HASH_MAX if bound is None else min(self.bound, bound)
        for row in rows:
            if len(row.sums) != _WIDTH * _STORED.itemsize:
                self.unreadable += 1
            elif row.unit <= self.bound:
                place = self._row(row.epoch, row.arm, row.unit)
                self._sums[place] = np.clip(np.frombuffer(row.sums, _STORED), 0, SUM_MAX)
        if self.unreadable:
            log.error("unit_sums_unreadable", trial=self.trial_id, rows=self.unreadable)
        if len(self._index) > self.rows_max:
            self._forget_highest()

    def arms(self) -> list[Seen]:
        """Every epoch's arms, by when their units were seen first; sorted by (epoch, first, arm).

        A unit that was in two arms in its first epoch, which no split makes, is of the one whose name comes first.
        """
        if not self._index:
            return []
        names = sorted(self._names)
        epoch, arm, unit = self._keys[: len(self._index)].T
        arm = np.array([names.index(name) for name in self._names], np.int64)[arm]
        first_epoch, first_arm = _first_of_units(epoch, arm, unit, len(names))
        epochs = np.unique(epoch)
        group = np.searchsorted(epochs, epoch) * len(epochs) + np.searchsorted(epochs, first_epoch)
        group = group * len(names) + arm
        stayed = arm == first_arm
        moved = _counts(group[~stayed])
        kept = np.flatnonzero(stayed)
        kept = kept[np.argsort(group[kept], kind="stable")]
        with_units, starts = np.unique(group[kept], return_index=True)
        sums = moments_by_group(PER_UNIT_NAMES, PER_UNIT_SCALES, self._sums[kept], starts.tolist())
        moments = dict(zip(with_units.tolist(), sums, strict=True))
        found = []
        for code in sorted({*moments, *moved}):
            pair, arm_code = divmod(code, len(names))
            in_epoch, first = divmod(pair, len(epochs))
            found.append(
                Seen(
                    int(epochs[in_epoch]),
                    int(epochs[first]),
                    names[arm_code],
                    moments.get(code) or per_unit_moments(),
                    moved.get(code, 0),
                )
            )
        return found

    def firsts(self, units: Iterable[int]) -> dict[int, tuple[int, str]]:
        """Of those of ``units`` that are kept: the epoch in which each was seen first, and its arm then.

        >>> sums = UnitSums("t"); ones = np.ones(len(PER_UNIT_NAMES), np.int64)
        >>> sums.add(1, "B", 7, ones); sums.add(0, "A", 7, ones); sums.firsts([7, 8])
        {7: (0, 'A')}
        """
        keys = self._keys[: len(self._index)]
        wanted = np.isin(keys[:, 2], np.array(list(units), np.int64))
        found: dict[int, tuple[int, str]] = {}
        for epoch, arm, unit in keys[wanted].tolist():
            seen = (epoch, self._names[arm])
            found[unit] = min(found.get(unit, seen), seen)
        return found

    def _row(self, epoch: int, arm: str, unit: int) -> int:
        if arm not in self._names:
            self._names.append(arm)
        key = (epoch, self._names.index(arm), unit)
        row = self._index.get(key)
        if row is None:
            row = len(self._index)
            if row == len(self._sums):
                for name in _ARRAYS:
                    array = getattr(self, name)
                    setattr(self, name, np.concatenate([array, np.zeros_like(array)]))
            self._keys[row] = key  # first: it refuses what is no 64-bit number
            self._index[key] = row
        return row

    def _forget_highest(self) -> None:
        hashes = self._keys[: len(self._index), 2]
        allowed = int(self.rows_max * KEPT_SHARE)
        # all rows of a unit go together, so that what is left of it is never a part
        self.bound = int(np.partition(hashes, allowed)[allowed]) - 1
        self._cut = True
        places = np.flatnonzero(hashes <= self.bound)
        for name in _ARRAYS:
            array = getattr(self, name)
            compacted = np.zeros_like(array)
            compacted[: len(places)] = array[places]
            setattr(self, name, compacted)
        self._index = {
            (epoch, arm, unit): row for row, (epoch, arm, unit) in enumerate(self._keys[: len(places)].tolist())
        }


_ARRAYS = ("_keys", "_sums", "_dirty")
"""Arrays of which the first rows are in use, one for each key of the index."""


def _counts(codes: NDArray[np.int64]) -> dict[int, int]:
    values, counts = np.unique(codes, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _first_of_units(
    epoch: NDArray[np.int64], arm: NDArray[np.int64], unit: NDArray[np.int64], arms: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each row, the epoch and the arm in which its unit was seen first."""
    order = np.argsort(unit)
    in_order = unit[order]
    starts = np.flatnonzero(np.concatenate([[True], in_order[1:] != in_order[:-1]]))
    firsts = np.minimum.reduceat((epoch * arms + arm)[order], starts)
    first = np.empty_like(epoch)
    first[order] = np.repeat(firsts, np.diff(np.append(starts, len(unit))))
    return first // arms, first % arms
