"""Rows become blocks; blocks are matched, bounded and counted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sidecar.drift import (
    BLOCKS_MIN,
    BLOCKS_SIDE_MAX,
    INDEPENDENT_LADDER,
    LADDER,
    Block,
    Level,
    blocks_of,
    enough,
    hour_of_day,
    image_blocks,
    with_probes,
)
from sidecar.drift.blocks import comparable, latest
from sidecar.summaries import RequestTotals, Summary, SummaryError, SummaryKey
from sidecar.types import Prediction

HOUR_S, DAY_S = 3_600.0, 86_400.0
MakeBlock = Callable[..., Block]


def row(bucket: int, width_s: int, summary: Summary, slice_: str = "") -> tuple[SummaryKey, Summary]:
    return SummaryKey(bucket, width_s, "m", "1", "serving", "", 0, slice_), summary


def test_levels_know_their_width_and_how_they_are_counted() -> None:
    """The names are what reports and baselines carry."""
    assert [(str(level), level.width_s, level.plural) for level in Level] == [
        ("day", 86_400, "days"),
        ("hour", 3_600, "hours"),
        ("minute", 60, "minutes"),
        ("ten_seconds", 10, "spans of ten seconds"),
        ("image", 0, "images"),
    ]
    assert LADDER == (Level.DAY, Level.HOUR, Level.MINUTE)
    assert INDEPENDENT_LADDER == (Level.IMAGE, Level.TEN_SECONDS, Level.MINUTE)


def test_rows_of_a_day_become_one_block(make_block: MakeBlock) -> None:
    """Rows of any slice and width that fall into a day are merged, days ordered by their start."""
    one = make_block(0, {"car": 1}).summary
    rows = [row(86_400, 3_600, one), row(7_200, 3_600, one), row(0, 60, one, "cam"), row(86_340, 10, one)]
    blocks = blocks_of(rows, Level.DAY)
    assert [(block.start, block.summary.images) for block in blocks] == [(0.0, 3), (DAY_S, 1)]
    assert one.images == 1, "merging leaves the rows alone"


def test_blocks_in_which_nothing_was_seen_are_left_out(make_block: MakeBlock) -> None:
    """Images, requests or probed images make a block; an empty bucket doesn't."""
    probed = Summary()
    probed.add_probe(640, 480, 0.5)
    rows = [
        row(0, 60, Summary()),
        row(60, 60, make_block(0, {"car": 1}).summary),
        row(120, 60, Summary(RequestTotals(requests=3))),
        row(180, 60, probed),
    ]
    blocks = blocks_of(rows, Level.MINUTE)
    assert [block.start for block in blocks] == [60.0, 120.0, 180.0]
    assert [block.start for block in with_probes(blocks)] == [180.0]


@pytest.mark.parametrize("width_s", [86_400, 7, 0, -60])
def test_rows_that_do_not_fill_a_block_are_refused(width_s: int) -> None:
    """A day can't be cut into hours, nor an hour be filled with sevens."""
    with pytest.raises(SummaryError, match=f"buckets of {width_s} s do not fill blocks of 3600 s"):
        blocks_of([row(0, width_s, Summary())], Level.HOUR)


def test_at_image_level_each_row_is_a_block(make_block: MakeBlock) -> None:
    """Two images of one moment stay two."""
    one = make_block(0, {"car": 1}).summary
    assert len(blocks_of([row(5, 0, one), row(5, 0, one)], Level.IMAGE)) == 2


def test_images_become_blocks_in_the_order_of_time(make_prediction: Callable[..., Prediction]) -> None:
    """Images that could not be read have nothing to compare."""
    unread = replace(make_prediction(3.0, []), detections=None, undecodable="shape")
    blocks = image_blocks([make_prediction(9.0, [0.9]), make_prediction(5.0, []), unread])
    assert [(block.start, block.summary.detections) for block in blocks] == [(5.0, 0), (9.0, 1)]


def test_six_days_a_side_are_enough(make_block: MakeBlock) -> None:
    """Five are too few; so are six of which one has no image."""
    days = [make_block(day * DAY_S, {"car": 1}) for day in range(BLOCKS_MIN)]
    assert enough(days, days, Level.DAY)
    assert not enough(days[1:], days, Level.DAY)
    assert not enough(days, [*days[1:], Block(0.0, Summary(RequestTotals(requests=9)))], Level.DAY)


def test_enough_for_alpha_is_more(make_block: MakeBlock) -> None:
    """Seven days against seven can't be significant at 0.001; their hours, or eight days, can."""
    days = [make_block(day * DAY_S, {"car": 1}) for day in range(15)]
    hours = [make_block(hour * 3_600.0, {"car": 1}) for hour in range(14 * 24)]
    assert not enough(days[:7], days[7:14], Level.DAY, alpha=0.001)
    assert enough(days[:7], days[7:14], Level.DAY, alpha=0.05)
    assert enough(days[:7], days[7:], Level.DAY, alpha=0.001)
    assert enough(hours[:168], hours[168:], Level.HOUR, alpha=0.001)
    assert not enough(hours[:6], hours[24:30], Level.HOUR, alpha=0.05)
    assert enough(hours[:6], hours[24:30], Level.HOUR, alpha=0.05, independent=True)
    assert not enough(days[:5], days, Level.DAY, alpha=0.5)


def test_hours_count_where_both_sides_have_them(make_block: MakeBlock) -> None:
    """Six hours of a morning can't be compared with six of a night, unless images are independent."""
    morning = [make_block(hour * HOUR_S, {"car": 1}) for hour in range(6, 12)]
    night = [make_block(DAY_S + hour * HOUR_S, {"car": 1}) for hour in range(6)]
    next_morning = [make_block(block.start + DAY_S, {"car": 1}) for block in morning]
    assert enough(morning, next_morning, Level.HOUR)
    assert not enough(morning, night, Level.HOUR)
    assert enough(morning, night, Level.HOUR, independent=True)
    assert enough(morning, night, Level.IMAGE)


@pytest.mark.parametrize(("start", "hour"), [(0.0, 0), (3_599.9, 0), (3_600.0, 1), (86_399.0, 23), (-1.0, 23)])
def test_the_hour_of_the_day_is_utc(start: float, hour: int) -> None:
    """From the start of a block."""
    assert hour_of_day(Block(start, Summary())) == hour


def test_a_side_with_too_many_blocks_gives_its_latest(make_block: MakeBlock) -> None:
    """What is left out is counted, and the rest still has its match on the other side."""
    one = make_block(0, {"car": 1}).summary
    many = [Block(minute * 60.0, one) for minute in range(BLOCKS_SIDE_MAX + 30)]
    few = [Block(hour * HOUR_S, one) for hour in range(48)]
    chosen = comparable(many, few, matched=False)
    assert (len(chosen.reference), chosen.reference[0].start, chosen.left_out) == (BLOCKS_SIDE_MAX, 1_800.0, 30)
    # the 33 latest hours have all hours of the day but for those before the first full one
    matched = comparable(many, few[:6], matched=True)
    assert {hour_of_day(block) for block in matched.reference} == {hour_of_day(block) for block in matched.current}


def test_the_order_of_blocks_does_not_depend_on_the_order_given(make_block: MakeBlock) -> None:
    """Blocks of one moment are told apart by what they hold."""
    blocks: list[Any] = [make_block(1.0, {"car": n}) for n in (3, 1, 2)] + [make_block(0.0, {"car": 9})]
    assert latest(blocks) == latest(blocks[::-1])
    assert latest(blocks)[0].start == 0.0
