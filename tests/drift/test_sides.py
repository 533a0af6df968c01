"""Which blocks of two sides are compared, and how much they hold."""

from collections.abc import Callable
from math import isnan

import numpy as np
import pytest

from sidecar.drift import Block, Level, SideSize
from sidecar.drift.sides import Sides
from sidecar.summaries import merge_all

HOUR_S, DAY_S = 3_600.0, 86_400.0
MakeBlock = Callable[..., Block]


def hours(make_block: MakeBlock, *starts: int) -> list[Block]:
    return [make_block(hour * HOUR_S, {"car": 1 + hour}) for hour in starts]


def test_hours_are_dealt_within_their_hour_of_the_day(make_block: MakeBlock) -> None:
    """Blocks of hours that one side lacks are left out; the others bear their hour as stratum."""
    reference = hours(make_block, *range(5), 24, 25, 26)
    current = hours(make_block, 48, 49, 50, 53, 72, 73, 74)
    sides = Sides.of(reference, current, Level.HOUR, False)
    assert (sides.tested, sides.matched, sides.counted) == (True, True, (6, 6))
    assert sides.deal().stratum.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]
    assert sides.deal().current.tolist() == [False] * 6 + [True] * 6


@pytest.mark.parametrize("level", [Level.DAY, Level.IMAGE])
def test_days_and_images_are_dealt_freely(make_block: MakeBlock, level: Level) -> None:
    """They have no hour of the day."""
    sides = Sides.of(hours(make_block, *range(8)), hours(make_block, *range(30, 37)), level, True)
    assert (sides.matched, sides.counted, set(sides.deal().stratum.tolist())) == (False, (8, 7), {0})


def test_independent_hours_are_dealt_freely(make_block: MakeBlock) -> None:
    """What was declared independent needs no match."""
    sides = Sides.of(hours(make_block, *range(6)), hours(make_block, *range(30, 36)), Level.HOUR, True)
    assert (sides.tested, sides.matched) == (True, False)


def test_with_too_few_blocks_in_common_all_are_shown(make_block: MakeBlock) -> None:
    """The distance is of everything there is; only the count is of what could have been tested."""
    sides = Sides.of(hours(make_block, *range(8)), hours(make_block, 25, 26, 33), Level.HOUR, False)
    assert (sides.tested, sides.counted, len(sides.blocks)) == (False, (2, 2), 11)


def test_sizes_add_up_as_merging_does(make_block: MakeBlock) -> None:
    """Without merging summaries, which would cost more than the test."""
    blocks = [
        make_block(0, {"car": 4}, per_image=[4, 0], confidence=0.8, requests=5),
        make_block(1, {"car": 2, "dog": 1}, per_image=[1, 1, 1, 0, 0], confidence=0.5, requests=2),
    ]
    size, merged = SideSize.of(blocks), merge_all(block.summary for block in blocks)
    assert size.to_dict() == {
        "images": merged.images,
        "detections": merged.detections,
        "requests": 7,
        "blocks": 2,
    }
    assert size.avg_confidence == pytest.approx(merged.avg_confidence)
    assert size.detections_per_image == 1.0


def test_images_without_detections_have_no_average_confidence(make_block: MakeBlock) -> None:
    """NaN, while detections per image is zero."""
    size = SideSize.of([make_block(0, {}, per_image=[0, 0])])
    assert isnan(size.avg_confidence)
    assert size.detections_per_image == 0.0
    assert np.isnan(SideSize.of([]).detections_per_image)
