"""Splits: no group torn apart, nothing ever moves, whatever order things come in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.datasets import Shares, near, split_items
from sidecar.datasets.near import NEAR_DISTANCE, SAME_DISTANCE, near_groups
from sidecar.recording import Sample
from tests.datasets.making import item, label

CAT = label("cat", 10, 10, 60, 60)
MOVED = label("cat", 12, 10, 62, 60)
ELSEWHERE = label("cat", 200, 100, 260, 160)


@st.composite
def items(draw: st.DrawFn) -> list[Sample]:
    """Items of few units, hours, hashes and boxes, so that much of it belongs together."""
    found = []
    for number in range(draw(st.integers(0, 25))):
        found.append(
            item(
                f"s{number}",
                draw(st.sampled_from([(), (CAT,), (MOVED,), (ELSEWHERE,), (CAT, ELSEWHERE), (ELSEWHERE, MOVED)])),
                unit=draw(st.sampled_from(["", "door", "yard"])),
                at=draw(st.floats(0, 30_000)),
                image_hash=draw(st.sampled_from([None, 0, 0b111, 0b1111111, -1, 1 << 40])),
            )
        )
    return found


@given(items(), st.randoms())
def test_any_order_of_items_gives_the_same_splits(found: list[Sample], random: Random) -> None:
    """Splits depend on what is there, not on how it is listed."""
    mixed = list(found)
    random.shuffle(mixed)
    assert split_items(mixed) == split_items(found)


@given(items(), st.data())
def test_more_items_never_move_those_that_have_a_split(found: list[Sample], data: st.DataObject) -> None:
    """What a version trained on is never tested by a later one."""
    first = data.draw(st.lists(st.sampled_from(found), unique_by=lambda one: one.sample_id)) if found else []
    before = split_items(first).of
    grown = [replace(one, split=before.get(one.sample_id, "")) for one in found]
    after = split_items(grown).of
    assert after.keys() == {one.sample_id for one in found}
    assert before.items() <= after.items()


@given(items())
def test_no_group_is_torn_apart(found: list[Sample]) -> None:
    """One unit's hour and near-duplicates have one split."""
    of = split_items(found).of
    hours = defaultdict(set)
    for one in found:
        if one.unit:
            hours[one.unit, one.at // 3600].add(of[one.sample_id])
    assert all(len(splits) == 1 for splits in hours.values())
    for group in near_groups(found):
        assert len({of[found[place].sample_id] for place in group}) == 1


@given(items())
def test_near_groups_are_what_comparing_each_with_each_gives(found: list[Sample]) -> None:
    """The groups equal those of a plain comparison of all pairs, joined through others."""
    groups = [{place} for place in range(len(found))]
    for a in range(len(found)):
        for b in range(a):
            if _near(found[a], found[b]):
                joined = {place for group in groups if {a, b} & group for place in group}
                groups = [*(group for group in groups if not {a, b} & group), joined]
    expected = {frozenset(group) for group in groups if len(group) > 1}
    assert {frozenset(group) for group in near_groups(found)} == expected


def _near(a: Sample, b: Sample) -> bool:
    if a.image_hash is None or b.image_hash is None or abs(a.at - b.at) > 3600:
        return False
    if ((a.image_hash ^ b.image_hash) & ((1 << 64) - 1)).bit_count() > NEAR_DISTANCE:
        return False
    if not a.unit and not b.unit and ((a.image_hash ^ b.image_hash) & ((1 << 64) - 1)).bit_count() <= SAME_DISTANCE:
        return True
    if not a.labels and not b.labels:
        return not a.unit and not b.unit
    like = {CAT: "here", MOVED: "here", ELSEWHERE: "there"}
    return sorted(like[one] for one in a.labels or ()) == sorted(like[one] for one in b.labels or ())


@pytest.mark.parametrize(("distance", "groups"), [(6, 1), (7, 2)])
def test_hashes_up_to_six_bits_apart_belong_together(distance: int, groups: int) -> None:
    """The bound is inclusive."""
    two = [item("a", [CAT], image_hash=0), item("b", [CAT], image_hash=(1 << distance) - 1)]
    assert split_items(two).groups == groups


@pytest.mark.parametrize(
    "other",
    [
        item("b", [label("dog", 10, 10, 60, 60)], image_hash=5),
        item("b", [ELSEWHERE], image_hash=5),
        item("b", [CAT, ELSEWHERE], image_hash=5),
        item("b", [label("Cat", 10, 10, 60, 60)], image_hash=5),
        item("b", [CAT], image_hash=5, at=3600.5),
        item("b", [CAT], image_hash=None),
    ],
    ids=["class", "place", "one more", "case of the class", "an hour later", "no hash"],
)
def test_images_that_show_something_else_are_no_near_duplicates(other: Sample) -> None:
    """A fixed camera's images have one hash; what is in them tells them apart."""
    other = replace(other, unit="yard")
    assert split_items([item("a", [CAT], image_hash=5, unit="door"), other]).groups == 2


@pytest.mark.parametrize(("bits", "at", "groups"), [(0, 0.0, 1), (1, 3_600.0, 1), (2, 0.0, 2), (0, 3_600.5, 2)])
def test_next_to_equal_images_of_no_unit_belong_together_whatever_their_labels(
    bits: int, at: float, groups: int
) -> None:
    """Two people label one picture unlike: it must not train and test."""
    two = [item("a", [CAT], image_hash=0), item("b", [ELSEWHERE, CAT], image_hash=(1 << bits) - 1, at=at)]
    assert split_items(two).groups == groups


def test_where_boxes_are_too_many_hash_and_time_alone_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """It groups more, never less; kinds that cost little are compared by their boxes still."""
    few = [item(f"f{n}", [label("dog", 90 * n, 0, 90 * n + 50, 50)], unit=f"u{n}", image_hash=5) for n in range(3)]
    crowd = [[label("cat", x + n, 0, x + n + 5, 9) for x in range(0, 300, 6)] for n in (0, 0, 3)]
    many = [item(f"m{n}", boxes, unit=f"v{n}", image_hash=5) for n, boxes in enumerate(crowd)]
    late = item("late", crowd[0], unit="w", image_hash=5, at=7_200.0)
    assert split_items([*few, *many, late]).groups == 3 + 2 + 1
    monkeypatch.setattr(near, "WORK_MAX", 1_000)
    assert split_items([*few, *many, late]).groups == 3 + 1 + 1


def test_swapped_boxes_are_the_same_and_two_on_one_are_not() -> None:
    """The order of labels says nothing; each box needs its like in the other image."""
    both = [item("a", [CAT, ELSEWHERE], image_hash=5), item("b", [ELSEWHERE, MOVED], image_hash=5)]
    assert split_items(both).groups == 1
    twice = [item("a", [CAT, ELSEWHERE], image_hash=5, unit="x"), item("b", [CAT, MOVED], image_hash=5, unit="y")]
    assert split_items(twice).groups == 2


def test_the_same_file_is_one_group_at_any_time() -> None:
    """A picture that is sent again after days does not test what it trained."""
    again = [item("a", [CAT], checksum="f"), item("b", [ELSEWHERE], checksum="f", at=1e6, unit="yard")]
    assert split_items(again).groups == 1


def test_empty_images_of_a_unit_do_not_tie_its_hours_together() -> None:
    """Each hour of a camera that mostly sees nothing keeps its own split."""
    day = [item(f"s{hour}", [], unit="door", image_hash=0, at=hour * 3600.0) for hour in range(24)]
    assert split_items(day).groups == 24


def test_a_split_is_given_to_the_group() -> None:
    """What joins an hour that is tested is tested too."""
    hour = [item(f"s{number}", [CAT], unit="door") for number in range(30)]
    hour[7] = replace(hour[7], split="test")
    found = split_items(hour)
    assert set(found.of.values()) == {"test"}
    assert (found.groups, found.largest, found.conflicts) == (1, 30, 0)


def test_groups_that_come_together_with_different_splits_are_counted_and_stay() -> None:
    """A new image between two old groups moves neither, joins the larger, and is told of."""
    old = [item("a", [CAT], split="train"), item("b", [CAT], split="train"), item("c", [CAT], split="test")]
    hour = [replace(one, unit="door") for one in [*old, item("d", [CAT])]]
    found = split_items(hour)
    assert found.of == {"a": "train", "b": "train", "c": "test", "d": "train"}
    assert found.conflicts == 1


def test_shares_are_reached_over_many_groups() -> None:
    """Of 4,000 groups each split gets its share, within four standard errors."""
    found = split_items([item(f"s{number}") for number in range(4_000)], Shares(0.6, 0.3, 0.1)).of
    for name, share in (("train", 0.6), ("val", 0.3), ("test", 0.1)):
        got = sum(split == name for split in found.values()) / 4_000
        assert abs(got - share) < 4 * np.sqrt(share * (1 - share) / 4_000)


def test_a_share_of_nothing_gets_nothing() -> None:
    """Without a share for val nothing falls to it, and all of one split is all."""
    many = [item(f"s{number}") for number in range(200)]
    assert set(split_items(many, Shares(0.5, 0.0, 0.5)).of.values()) == {"train", "test"}
    assert set(split_items(many, Shares(1.0, 0.0, 0.0)).of.values()) == {"train"}


def test_shares_that_can_not_be_name_every_fault() -> None:
    """Both faults are told at once; a wrong sum is one as well."""
    with pytest.raises(ValueError, match=r"shares\.train: .*\n.*shares\.val: "):
        Shares(-0.1, 1.5, 0.0)
    with pytest.raises(ValueError, match=r"add up to 1, not 0\.9"):
        Shares(0.8, 0.1, 0.0)


def test_fifty_thousand_items_of_a_fixed_camera_are_split_by_what_they_show() -> None:
    """A version at its bound: one hash all over, an object that goes about, an image a minute."""
    draw = np.random.default_rng(1)
    places = draw.uniform(0, 250, (50_000, 2)).tolist()
    many = [
        item(f"s{number}", [label("cat", x, y, x + 50, y + 50)], unit="door", image_hash=7, at=number * 60.0)
        for number, (x, y) in enumerate(places)
    ]
    found = split_items(many)
    assert len(found.of) == 50_000
    assert found.largest < 5_000
    assert set(found.of.values()) == {"train", "val", "test"}
