"""Reading the past in buckets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.drift import Level, Period
from sidecar.watch import History, Scope, history
from sidecar.watch.history import cover
from sidecar.watch.scope import Fault
from tests.watch.room import DAY_S, MONDAY, Room, prediction


@given(st.integers(0, 10 * 86_400), st.integers(1, 5 * 86_400), st.sampled_from((10, 60, 3_600, 86_400)))
def test_cover_fills_the_period_without_gap_or_overlap(since: int, length: int, widest: int) -> None:
    """The segments follow on each other, are aligned to their widths and reach from tens of seconds to tens."""
    segments = list(cover(since, since + length, widest))
    assert segments[0][1] == since // 10 * 10
    assert segments[-1][2] == -(-(since + length) // 10) * 10
    for width, start, end in segments:
        assert width <= widest
        assert start % width == end % width == 0
        assert start < end
    assert all(one[2] == other[1] for one, other in itertools.pairwise(segments))


def test_cover_of_a_month_and_a_bit_takes_few_buckets() -> None:
    """Thirty days that begin and end anywhere are under 200 buckets, not 260,000."""
    segments = list(cover(MONDAY + 12_345, MONDAY + 30 * DAY_S + 54_321))
    assert sum((end - start) // width for width, start, end in segments) < 200


async def test_total_is_the_same_whatever_buckets_it_is_made_of(room: Room) -> None:
    """A period that cuts days, hours and minutes holds exactly its own images."""
    rng = np.random.default_rng(1)
    ats = MONDAY + np.sort(rng.uniform(0, 3 * DAY_S, 400)) // 10 * 10
    room.past.add(prediction(at, number, [0]) for number, at in enumerate(ats))
    await room.past.write()
    for _ in range(5):
        since, until = np.sort(rng.integers(0, 25_920, 2)) * 10 + MONDAY
        found = await room.history.total(Scope("det"), Period(since, until + 10))
        assert found.images == int(((ats >= since) & (ats < until + 10)).sum())


async def test_blocks_of_predictions_equal_those_of_summaries(room: Room) -> None:
    """The same days come from either source, to the last count."""
    rng = np.random.default_rng(2)
    for day in range(3):
        room.past.add_day(day, rng, (4, 3, 2, 1))
    await room.past.write()
    period = Period(MONDAY, MONDAY + 3 * DAY_S)
    for level in (Level.DAY, Level.HOUR):
        one = await room.history.blocks(Scope("det"), period, level)
        other = await room.history.blocks_from_predictions(Scope("det"), period, level)
        assert [block.start for block in one] == [block.start for block in other]
        for left, right in zip(one, other, strict=True):
            assert left.summary.class_counts == right.summary.class_counts
            assert left.summary.class_images == right.summary.class_images
            assert left.summary.confidence_histogram == right.summary.confidence_histogram


async def test_copied_and_testers_requests_are_left_out(room: Room) -> None:
    """Shadow and override are not what a model's users see; a slice is read alone where it is asked for."""
    room.past.add(prediction(MONDAY + 5, 1, [0], role=role) for role in ("shadow", "override"))
    room.past.add([prediction(MONDAY + 5, 2, [0], slice="north"), prediction(MONDAY + 5, 3, [0], slice="south")])
    await room.past.write()
    period = Period(MONDAY, MONDAY + DAY_S)
    assert (await room.history.total(Scope("det"), period)).images == 2
    assert (await room.history.total(Scope("det", "", "north"), period)).images == 1
    assert await room.history.slices(Scope("det"), period) == ["north", "south"]


async def test_ends_where_only_hours_are_left_are_taken_out_to_the_hour(room: Room) -> None:
    """A period by the minute of long ago has whole hours at its ends, rather than ends that are silently empty."""
    old = History(room.reader, lambda: MONDAY + DAY_S)
    asked = Period(MONDAY + 3_601, MONDAY + DAY_S + 1_234)
    assert old.fitted(asked) == Period(MONDAY + 3_600, MONDAY + DAY_S + 1_234)
    assert room.history.fitted(asked) == asked


async def test_many_images_are_a_uniform_sample(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more than the bound about as many as it are drawn by hash, the same ones each time."""
    monkeypatch.setattr(history, "IMAGES_MAX", 100)
    room.past.add(prediction(MONDAY + number, number, [0]) for number in range(1_500))
    await room.past.write()
    period = Period(MONDAY, MONDAY + DAY_S)
    blocks = await room.history.images(Scope("det"), period)
    assert 60 <= len(blocks) <= 110
    assert [block.start for block in blocks] == [
        block.start for block in await room.history.images(Scope("det"), period)
    ]
    assert MONDAY + 200 < np.mean([block.start for block in blocks]) < MONDAY + 1_300


async def test_question_over_too_many_summaries_is_refused(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is told with what would be right; nothing is read for minutes on end."""
    monkeypatch.setattr(history, "ROWS_MAX", 3)
    room.past.add(prediction(MONDAY + 60 * number, number, [0]) for number in range(10))
    await room.past.write()
    with pytest.raises(Fault, match="more than 3 summaries to read: ask for a shorter period"):
        await room.history.rows(Scope("det"), MONDAY, MONDAY + 3_600, 60)
