"""Freezing what is normal."""

from __future__ import annotations

import numpy as np
import pytest

from sidecar.drift import Level
from sidecar.watch import Clash, Fault, Missing, Scope
from sidecar.watch.normal import AUTO
from tests.watch.room import DAY_S, MONDAY, Room, prediction

WEEK = "2024-01-01:2024-01-07"


async def fill(room: Room, days: int = 7, **changes: object) -> None:
    rng = np.random.default_rng(6)
    for day in range(days):
        room.past.add_day(day, rng, (4, 3, 2, 1), **changes)
    await room.past.write()


async def test_frozen_period_tells_what_is_normal(room: Room) -> None:
    """Class mix, confidence, detections per image and latency are there to read."""
    await fill(room)
    row = await room.normal.freeze("det", WEEK, "default", False)
    assert (row.model, row.version, row.origin) == ("det", "1", "user")
    assert row.figures["images"] == 7 * 120
    assert row.figures["avg_confidence"] == pytest.approx(0.8, abs=1e-6)
    assert row.figures["detections_per_image"] == 3
    assert row.figures["class_shares"]["car"] == pytest.approx(0.4, abs=0.05)
    assert row.figures["p95_latency_ms"] == pytest.approx(20, rel=0.05)
    assert [found.name for found in await room.normal.rows("det@1")] == ["default"]


async def test_baseline_keeps_the_levels_it_has_few_blocks_of(room: Room) -> None:
    """A week keeps its days and hours; its ten thousand minutes are left out."""
    await fill(room)
    row = await room.normal.freeze("det", WEEK, "default", False)
    side = await room.normal.side(row)
    days, hours = await side.blocks(Level.DAY), await side.blocks(Level.HOUR)
    assert days is not None
    assert hours is not None
    assert (len(days), len(hours)) == (7, 7 * 12)
    assert await side.blocks(Level.MINUTE) is None


async def test_taken_name_is_replaced_only_when_asked(room: Room) -> None:
    """A baseline somebody relies on does not change under them."""
    await fill(room)
    first = await room.normal.freeze("det@1", WEEK, "default", False)
    with pytest.raises(Clash, match=r"name: det@1 has a baseline 'default': ask to replace it"):
        await room.normal.freeze("det@1", "2024-01-02:2024-01-03", "default", False)
    second = await room.normal.freeze("det@1", "2024-01-02:2024-01-03", "default", True)
    rows = await room.normal.rows()
    assert [row.since for row in rows] == [second.since]
    assert first.since != second.since


async def test_several_versions_in_the_period_must_be_told_apart(room: Room) -> None:
    """A baseline of two versions would be normal for neither."""
    await fill(room)
    room.past.add([prediction(MONDAY, 1, [0], version="2")])
    await room.past.write()
    with pytest.raises(Fault, match=r"model_id: 'det' has several versions in that period: name one, det@1 or det@2"):
        await room.normal.freeze("det", WEEK, "default", False)


async def test_empty_period_is_no_baseline(room: Room) -> None:
    """The fault says when there are predictions; a baseline that is not there can't be deleted."""
    await fill(room)
    with pytest.raises(Fault, match=r"period: no predictions of det@1 in 2023-01-01:2023-01-31; there are some from"):
        await room.normal.freeze("det@1", "2023-01-01:2023-01-31", "x", False)
    with pytest.raises(Fault, match="period: "):
        await room.normal.freeze("det@1", "soon", "x", False)
    with pytest.raises(Missing, match="baseline_id: "):
        await room.normal.delete("nope")


async def test_first_days_are_frozen_by_themselves_once_they_are_over(room: Room) -> None:
    """Not before the period has ended, not twice, and from the start of a day on."""
    await fill(room, 9)
    room.clock.now = MONDAY + 6.5 * DAY_S
    assert await room.normal.freeze_due(7 * DAY_S) == []
    room.clock.now = MONDAY + 7.1 * DAY_S
    (row,) = await room.normal.freeze_due(7 * DAY_S)
    assert (row.name, row.origin, row.since, row.until) == (AUTO, "auto", MONDAY, MONDAY + 7 * DAY_S)
    assert await room.normal.freeze_due(7 * DAY_S) == []


async def test_later_version_is_judged_by_its_predecessors_baseline(room: Room) -> None:
    """What a new version does is not normal by itself; versions from before normal was defined get their own."""
    await fill(room, 9)
    for version, day in (("early", 1), ("late", 8)):
        room.past.add(prediction(MONDAY + day * DAY_S + n, n, [0], version=version) for n in range(100))
    await room.past.write()
    room.clock.now = MONDAY + 60 * DAY_S
    frozen = await room.normal.freeze_due(7 * DAY_S)
    assert sorted(row.version for row in frozen) == ["1", "early"]
    of_late = await room.normal.of(Scope("det", "late"))
    assert of_late is not None
    assert of_late.version in {"1", "early"}
    own = await room.normal.of(Scope("det", "1"))
    assert own is not None
    assert own.version == "1"


async def test_quiet_beginning_is_no_baseline(room: Room) -> None:
    """A handful of trial requests before the traffic comes is passed over for the first period with images enough."""
    room.past.add([prediction(MONDAY, 1, [3])])
    room.past.add(prediction(MONDAY + 8 * DAY_S + 60 * n, n, [0]) for n in range(100))
    await room.past.write()
    (row,) = await room.normal.freeze_due(7 * DAY_S)
    assert row.since == MONDAY + 7 * DAY_S
    assert row.figures["images"] == 100
