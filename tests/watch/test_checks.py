"""The continuous monitor."""

from __future__ import annotations

import numpy as np
import pytest

from sidecar.app.watch_config import DriftConfig
from sidecar.recording import DriftChecks, StoreError
from sidecar.watch import Checks, Scope
from sidecar.watch.checks import CATCH_UP_MAX
from tests.watch.room import DAY_S, MONDAY, Room

WEEK_S = 7 * DAY_S
EPOCH_WEEK = MONDAY + 3 * DAY_S  # a Thursday: windows are aligned to the epoch


async def fill(room: Room, days: int, changed_from: int) -> None:
    rng = np.random.default_rng(7)
    for day in range(days):
        room.past.add_day(day, rng, (1, 3, 2, 5) if day >= changed_from else (4, 3, 2, 0.1))
    await room.past.write()


async def test_each_ended_window_is_checked_once(room: Room) -> None:
    """Windows do not overlap, the first begins after the baseline, and a check is kept with its report."""
    await fill(room, 31, changed_from=17)
    await room.normal.freeze("det", "2024-01-01:2024-01-10", "default", False)
    room.clock.now = MONDAY + 32 * DAY_S
    assert await room.checks.run_due(WEEK_S, False) == 3
    assert await room.checks.run_due(WEEK_S, False) == 0
    page = await DriftChecks(room.store).page("det")
    assert [(row.since, row.report["verdict"]) for row in reversed(page.items)] == [
        (EPOCH_WEEK + WEEK_S, "no_drift"),
        (EPOCH_WEEK + 2 * WEEK_S, "drift"),
        (EPOCH_WEEK + 3 * WEEK_S, "drift"),
    ]
    assert page.items[0].report["alpha"] == 0.001
    assert page.items[0].report["blocks"]["permutations"] == 9_999
    assert room.checks.latest[Scope("det", "1")].since == EPOCH_WEEK + 3 * WEEK_S
    assert room.checks.scores()["det", "1", "", "class"] > 0.1


async def test_restart_goes_on_where_it_stood(room: Room) -> None:
    """What was checked is not checked again by the next life, which knows the latest finding at once."""
    await fill(room, 31, changed_from=99)
    await room.normal.freeze("det", "2024-01-01:2024-01-10", "default", False)
    room.clock.now = MONDAY + 32 * DAY_S
    await room.checks.run_due(WEEK_S, False)
    again = Checks(room.history, room.normal, DriftChecks(room.store), room.independent.__contains__, room.clock.wall)
    await again.restore()
    assert again.latest == room.checks.latest
    assert await again.run_due(WEEK_S, False) == 0


async def test_long_absence_is_caught_up_with_within_a_bound(room: Room) -> None:
    """After a month away the last few windows are checked, not all of them."""
    await fill(room, 31, changed_from=99)
    await room.normal.freeze("det", "2024-01-01:2024-01-10", "default", False)
    room.clock.now = MONDAY + 31 * DAY_S + 60
    assert await room.checks.run_due(DAY_S, False) == CATCH_UP_MAX


async def test_slices_are_checked_against_their_own_past(room: Room) -> None:
    """One camera that changed is found although the others hide it."""
    rng = np.random.default_rng(8)
    for day in range(24):
        for name in ("north", "south", "west"):
            changed = name == "north" and day >= 10
            room.past.add_day(day, rng, (1, 3, 2, 5) if changed else (4, 3, 2, 0.1), slice=name)
    await room.past.write()
    await room.normal.freeze("det", "2024-01-01:2024-01-10", "default", False)
    room.clock.now = EPOCH_WEEK + 2 * WEEK_S + 60
    await room.checks.run_due(WEEK_S, True)
    verdicts = {scope.slice: row.report["verdict"] for scope, row in room.checks.latest.items()}
    assert verdicts["north"] == "drift"
    assert verdicts["south"] == verdicts["west"] == "no_drift"


async def test_version_without_a_baseline_is_told_by_which_it_is_judged(room: Room) -> None:
    """Its predecessor's, by name in the sentence and in what is kept; of a slice, the predecessor's past of it."""
    rng = np.random.default_rng(9)
    for day in range(24):
        room.past.add_day(day, rng, (4, 3, 2, 0.1), version="1" if day < 10 else "2", slice="north")
    await room.past.write()
    await room.normal.freeze("det@1", "2024-01-01:2024-01-10", "default", False)
    room.clock.now = EPOCH_WEEK + 2 * WEEK_S + 60
    await room.checks.run_due(WEEK_S, True)
    whole = room.checks.latest[Scope("det", "2")].report
    assert whole["sentence"].startswith("No drift from the baseline of det@1: ")
    assert whole["reference"]["baseline"] == "default"
    part = room.checks.latest[Scope("det", "2", "north")].report
    assert part["sentence"].startswith("No drift from the baseline period of det@1: ")
    assert {report["reference"]["model_id"] for report in (whole, part)} == {"det@1"}
    asked = await room.drift.check("det@2", "default", "2024-01-11:2024-01-24", by_slice=True)
    assert [one["slice"] for one in asked["slices"]] == ["north"]


async def test_window_without_images_is_no_finding(room: Room) -> None:
    """Silence is for alerts on rates: the monitor neither fails nor reports drift."""
    await fill(room, 10, changed_from=99)
    await room.normal.freeze("det", "2024-01-01:2024-01-10", "default", False)
    room.clock.now = MONDAY + 32 * DAY_S
    assert await room.checks.run_due(WEEK_S, False) == 0
    assert room.checks.figures.failed == 0


async def test_defaults_can_find_drift_at_all(room: Room) -> None:
    """Two weeks against one allow relabelings enough for the monitor's alpha of 0.001; one against one do not."""
    defaults = DriftConfig()
    await fill(room, 40, changed_from=17)
    room.clock.now = MONDAY + 40 * DAY_S
    (row,) = await room.normal.freeze_due(defaults.baseline_period)
    assert row.until - row.since == 14 * DAY_S
    await room.checks.run_due(defaults.window, False)
    assert room.checks.latest[Scope("det", "1")].report["verdict"] == "drift"


async def test_clock_that_was_ahead_stops_no_checks(room: Room) -> None:
    """What was checked of the future does not count once the clock is right again."""
    await fill(room, 31, changed_from=99)
    await room.normal.freeze("det", "2024-01-01:2024-01-10", "default", False)
    room.clock.now = MONDAY + 60 * DAY_S
    room.checks._done[Scope("det", "1")] = room.clock.now
    room.clock.now = MONDAY + 32 * DAY_S
    assert await room.checks.run_due(WEEK_S, False) == 3


async def test_week_of_too_few_days_is_not_compared_by_the_hour(room: Room) -> None:
    """Traffic that rests at the weekend has five days a week: too few, rather than drift that is none."""
    rng = np.random.default_rng(12)
    for day in range(35):
        if day % 7 < 5:
            room.past.add_day(day, rng, (4, 3, 2, 0.1))
    await room.past.write()
    await room.normal.freeze("det", "2024-01-01:2024-01-14", "default", False)
    room.clock.now = MONDAY + 36 * DAY_S
    await room.checks.run_due(WEEK_S, False)
    assert room.checks.latest[Scope("det", "1")].report["verdict"] == "too_few_blocks"
    assert room.checks.latest[Scope("det", "1")].report["blocks"]["level"] == "day"


async def test_failure_of_the_store_is_made_up_for(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window whose check could not be kept is checked again."""
    await fill(room, 31, changed_from=99)
    await room.normal.freeze("det", "2024-01-01:2024-01-10", "default", False)
    room.clock.now = MONDAY + 32 * DAY_S
    real = room.checks._checks.put

    async def away(*_: object) -> None:
        raise StoreError("full", "no room")

    monkeypatch.setattr(room.checks._checks, "put", away)
    with pytest.raises(StoreError):
        await room.checks.run_due(WEEK_S, False)
    monkeypatch.setattr(room.checks._checks, "put", real)
    assert await room.checks.run_due(WEEK_S, False) == 3
