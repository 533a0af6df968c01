"""Sums per lasting unit."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sidecar.experiments import PER_UNIT_NAMES, per_unit_moments
from sidecar.recording import UnitRow
from sidecar.summaries import Moments
from sidecar.trials.units import HASH_MAX, SUM_MAX, Seen, UnitSums, unit_hash

WIDTH = len(PER_UNIT_NAMES)
Added = tuple[int, str, int, list[int]]
ADDED: st.SearchStrategy[list[Added]] = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["control", "b", "c"]),
        st.integers(0, 12),
        st.lists(st.integers(0, 1 << 40), min_size=WIDTH, max_size=WIDTH),
    ),
    max_size=40,
)
Row = tuple[int, int, str, int, int, list[int], list[int]]


def vector(*values: int) -> NDArray[np.int64]:
    return np.array([*values, *[0] * (WIDTH - len(values))], np.int64)


def told(seen: list[Seen]) -> list[Row]:
    return [
        (one.epoch, one.first, one.arm, one.moved, one.moments.n, one.moments.sums, one.moments.products)
        for one in seen
    ]


def slowly(added: list[Added]) -> list[Row]:
    """The same as ``UnitSums.arms``, unit by unit."""
    sums: dict[tuple[int, str, int], list[int]] = {}
    for epoch, arm, unit, values in added:
        before = sums.get((epoch, arm, unit), [0] * WIDTH)
        sums[epoch, arm, unit] = [have + more for have, more in zip(before, values, strict=True)]
    first = {unit: min((epoch, arm) for epoch, arm, other in sums if other == unit) for *_, unit in sums}
    moments: dict[tuple[int, int, str], Moments] = defaultdict(per_unit_moments)
    moved: dict[tuple[int, int, str], int] = defaultdict(int)
    for (epoch, arm, unit), values in sums.items():
        first_epoch, first_arm = first[unit]
        if arm == first_arm:
            moments[epoch, first_epoch, arm].add(np.array([values], object))
        else:
            moved[epoch, first_epoch, arm] += 1
    return [
        (*key, moved.get(key, 0), moments[key].n, moments[key].sums, moments[key].products)
        for key in sorted({*moments, *moved})
    ]


@given(ADDED)
def test_arms_are_what_a_look_at_each_unit_finds(added: list[Added]) -> None:
    """By epoch, epoch of first sight and arm: exact moments of those that stayed, and how many moved."""
    units = UnitSums("t")
    for epoch, arm, unit, values in added:
        units.add(epoch, arm, unit, np.array(values, np.int64))
    assert told(units.arms()) == slowly(added)


@given(ADDED)
def test_order_in_which_requests_come_does_not_matter(added: list[Added]) -> None:
    """Frames of several workers come in any order."""
    one, other = UnitSums("t"), UnitSums("t")
    for units, order in ((one, added), (other, added[::-1])):
        for epoch, arm, unit, values in order:
            units.add(epoch, arm, unit, np.array(values, np.int64))
    assert told(one.arms()) == told(other.arms())


@given(ADDED)
def test_shards_by_unit_merge_to_the_whole(added: list[Added]) -> None:
    """Eight processes that share the units among them find what one finds."""
    whole, shards = UnitSums("t"), [UnitSums("t") for _ in range(8)]
    for epoch, arm, unit, values in added:
        for units in (whole, shards[unit % 8]):
            units.add(epoch, arm, unit, np.array(values, np.int64))
    merged: dict[tuple[int, int, str], tuple[int, Moments]] = {}
    for one in (one for shard in shards for one in shard.arms()):
        moved, moments = merged.get((one.epoch, one.first, one.arm), (0, per_unit_moments()))
        merged[one.epoch, one.first, one.arm] = moved + one.moved, moments.merge(one.moments)
    assert told([Seen(*key, moments, moved) for key, (moved, moments) in sorted(merged.items())]) == told(whole.arms())


@given(ADDED, st.integers(1, 12))
def test_units_that_are_kept_are_exact_whatever_was_cut(added: list[Added], rows_max: int) -> None:
    """Over the bound units go whole and stay away, so those within it are as if there were no bound."""
    units = UnitSums("t", rows_max=rows_max)
    for epoch, arm, unit, values in added:
        units.add(epoch, arm, unit, np.array(values, np.int64))
        assert len(units) <= rows_max
    kept = [item for item in added if item[2] <= units.bound]
    assert told(units.arms()) == slowly(kept)


def test_what_is_left_out_is_counted() -> None:
    """Units over the bound are ignored, and what share is kept is told."""
    units = UnitSums("t", rows_max=10)
    for unit in range(11):
        units.add(0, "a", unit << 59, vector(1))
    assert (len(units), units.bound < 10 << 59, units.left_out) == (9, True, 0)
    units.add(0, "a", HASH_MAX, vector(1))
    assert (len(units), units.left_out) == (9, 1)
    assert units.kept_share == pytest.approx((units.bound + 1) / 2**63)


def test_changed_rows_and_cuts_restore_to_the_same() -> None:
    """What is written between two commits is enough to go on from, cuts included."""
    shelf: dict[tuple[int, str, int], UnitRow] = {}
    bound: int | None = None
    rng = np.random.default_rng(1)
    units = UnitSums("t", rows_max=40)
    for _ in range(12):
        for _ in range(15):
            units.add(int(rng.integers(3)), "ab"[int(rng.integers(2))], int(rng.integers(1 << 62)), vector(1, 2))
        rows, cut = units.changed()
        units.written()
        shelf.update({(row.epoch, row.arm, row.unit): row for row in rows})
        if cut is not None:
            bound = cut.above
            shelf = {key: row for key, row in shelf.items() if row.unit <= bound}
    assert units.changed() == ([], None)
    after = UnitSums("t", rows_max=40)
    after.restore(shelf.values(), bound)
    assert (told(after.arms()), after.bound) == (told(units.arms()), units.bound)
    assert after.changed() == ([], None)


def test_all_is_written_again_where_the_store_is_gone() -> None:
    """A fresh store gets every row and the bound."""
    units = UnitSums("t", rows_max=10)
    for unit in range(11):
        units.add(0, "a", unit, vector(1))
    units.written()
    units.write_all()
    rows, cut = units.changed()
    assert len(rows) == len(units) == 9
    assert cut is not None
    assert cut.above == units.bound


def test_lower_bound_than_before_the_restart_is_written() -> None:
    """A release that keeps fewer rows cuts what it restores."""
    units = UnitSums("t", rows_max=4)
    units.restore([UnitRow("t", 0, "a", unit, vector(1).tobytes()) for unit in range(9)], None)
    _, cut = units.changed()
    assert cut is not None
    assert (len(units), cut.above) == (3, units.bound)


def test_row_over_the_bound_does_not_come_back() -> None:
    """A part of a unit that was left out would pass for the whole."""
    units = UnitSums("t")
    units.restore([UnitRow("t", 0, "a", unit, vector(1).tobytes()) for unit in (5, 6)], 5)
    assert (len(units), units.bound) == (1, 5)


def test_row_of_another_form_is_counted_and_passed_over() -> None:
    """Sums of another release never stop the monitor."""
    units = UnitSums("t")
    units.restore([UnitRow("t", 0, "a", 7, b"short"), UnitRow("t", 0, "a", 8, vector(3).tobytes())], None)
    assert (units.unreadable, len(units), units.arms()[0].moments.sums[0]) == (1, 1, 3)


def test_sums_end_where_they_would_turn_negative() -> None:
    """No traffic makes a sum wrap around."""
    units = UnitSums("t")
    for _ in range(5):
        units.add(0, "a", 1, np.full(WIDTH, SUM_MAX, np.int64))
    assert units.arms()[0].moments.sums == [SUM_MAX] * WIDTH


def test_units_are_named_by_salt_and_unit() -> None:
    """Another test draws other units where some must go."""
    assert unit_hash("salt", "camera") != unit_hash("other", "camera")
    assert 0 <= unit_hash("salt", "ka\udcffmera") <= HASH_MAX
