"""Previews over a real store, against what the monitor did on the same traffic."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from sidecar.alerts import State
from sidecar.recording import Alerts
from sidecar.watch import Book, Fault, Ledger, Previews, Rounds, Scope, Seasons, StoredSummaries
from sidecar.watch import preview as preview_module
from sidecar.watch.book import Faults
from sidecar.watch.preview_grid import grid_of, width_for
from tests.watch.room import DAY_S, MONDAY, Room, prediction
from tests.watch.test_book import Mail

DET = Scope("det")
LOW: dict[str, Any] = {
    "metric": "avg_confidence",
    "operator": "lt",
    "threshold": 0.7,
    "window": "1m",
    "for": "20s",
    "min_samples": 5,
}


@pytest.fixture
def previews(room: Room) -> Previews:
    room.clock.now = MONDAY
    return Previews(room.history, room.normal, StoredSummaries(room.reader), room.clock.wall)


async def traffic(room: Room, score: float, length_s: float, every_s: float = 2.0, **changes: Any) -> None:
    """Images of one confidence from now on, until now is ``length_s`` later."""
    now = room.clock.now
    room.past.add(prediction(now + every_s * n, n, [0], score, **changes) for n in range(int(length_s / every_s)))
    await room.past.write(rows=False)
    room.clock.go(length_s)


async def test_preview_fires_when_the_monitor_fired(room: Room, previews: Previews) -> None:
    """Firing and resolving are where the rounds of the monitor had them, to the round."""
    book = Book(Alerts(room.store), Mail(), room.clock.wall)
    rounds = Rounds(
        book,
        Ledger(room.load),
        room.normal,
        Seasons(room.load),
        {},
        lambda: 0,
        lambda: 0,
        clock=room.clock.wall,
        monotonic=room.clock.monotonic,
    )
    entry = await book.create(DET, "Low", LOW, [])
    for score in [0.9] * 12 + [0.4] * 15 + [0.9] * 20 + [0.3] * 12:
        await traffic(room, score, 10.0)
        await rounds.round()
    page = await Alerts(room.store).transitions(entry.row.alert_id)
    began = [row.at for row in reversed(page.items) if row.to_state == "firing"]
    ended = [row.at for row in reversed(page.items) if row.from_state == "firing"]
    found = await previews.preview(DET, LOW, "1d")
    assert [firing.since for firing in found.replayed.firings] == began
    assert [firing.until for firing in found.replayed.firings[:-1]] == ended
    assert found.replayed.state is State.FIRING
    assert found.step_s == 10
    assert found.sentence.startswith("Would have fired 2 times in the past ")
    assert found.sentence.endswith("now it would be firing.")


async def test_week_is_looked_at_by_the_minute_and_aged_parts_by_the_hour(room: Room, previews: Previews) -> None:
    """Where retention left only hours the looks are hourly, and the answer says until when."""
    for _ in range(6):
        await traffic(room, 0.9, DAY_S, every_s=120.0)
    room.clock.now = MONDAY + 3 * DAY_S
    await traffic(room, 0.4, 3_600.0, every_s=10.0)
    room.clock.now = MONDAY + 6 * DAY_S
    condition = LOW | {"window": "15m", "for": "0s"}
    found = await previews.preview(DET, condition, "6d")
    (firing,) = found.replayed.firings
    assert found.step_s == 60
    assert MONDAY + 3 * DAY_S < firing.since <= MONDAY + 3 * DAY_S + 900
    assert firing.until is not None
    assert MONDAY + 3 * DAY_S + 3_600 < firing.until <= MONDAY + 3 * DAY_S + 3_600 + 1_200
    coarse = Previews(room.history, room.normal, StoredSummaries(room.reader), room.clock.wall)
    room.history._fine_since = lambda: MONDAY + 4 * DAY_S
    aged = await coarse.preview(DET, condition, "6d")
    (firing,) = aged.replayed.firings
    assert (firing.since, firing.until) == (MONDAY + 3 * DAY_S + 3_600, MONDAY + 3 * DAY_S + 7_200)
    assert any(said.startswith("Until 2024-01-05 00:00 UTC it was looked at once an hour") for said in aged.limitations)
    assert len(aged.replayed.points) <= 700


async def test_too_many_summaries_are_read_wider(
    room: Room, previews: Previews, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound on what is read makes the look coarser, never endless; where nothing fits it is refused."""
    await traffic(room, 0.9, DAY_S, every_s=120.0)
    monkeypatch.setattr(preview_module, "ROWS_MAX", 100)
    found = await previews.preview(DET, LOW, "1d")
    assert found.step_s == 3_600
    assert any("too many summaries for a finer look" in said for said in found.limitations)
    monkeypatch.setattr(preview_module, "ROWS_MAX", 10)
    room.clock.go(61)
    with pytest.raises(Fault) as refused:
        await previews.preview(DET, LOW | {"window": "2m"}, "1d")
    assert refused.value.field == "period"


async def test_threshold_is_compared_with_the_blend_of_what_was_served(room: Room, previews: Previews) -> None:
    """Two versions with baselines of their own: a split that changes fires nothing, a version that fell does."""
    for version, score in (("1", 0.9), ("2", 0.5)):
        room.clock.now = MONDAY
        await traffic(room, score, DAY_S, every_s=300.0, version=version)
        await room.normal.freeze(f"det@{version}", "24h", "normal", False)
    await traffic(room, 0.5, 7_200.0, every_s=10.0, version="2")  # the split has changed, no version has
    condition = LOW | {"compare": "baseline_ratio", "threshold": 0.9, "for": "0s", "window": "30m"}
    calm = await previews.preview(DET, condition, "1d")
    assert calm.replayed.fired == 0
    assert calm.replayed.points[-1].low == pytest.approx(0.45, abs=0.01)
    await traffic(room, 0.3, 7_200.0, every_s=10.0, version="2")
    room.clock.go(1)
    fell = await previews.preview(DET, condition, "23h")
    assert fell.replayed.fired == 1
    assert any("baseline" in said for said in fell.limitations)


async def test_anomaly_is_judged_by_what_was_known_on_the_day(room: Room, previews: Previews) -> None:
    """What is usual is learnt from the hours before; a fall after days of sameness fires, with its limits to draw."""
    rng = np.random.default_rng(3)
    for _ in range(5 * 24):
        await traffic(room, 0.85 + 0.02 * rng.random(), 3_600.0, every_s=120.0)
    await traffic(room, 0.3, 7_200.0, every_s=60.0)
    condition = {"metric": "avg_confidence", "operator": "anomaly", "window": "1h", "min_samples": 10}
    found = await previews.preview(DET, condition, "4d")
    assert found.replayed.fired == 1
    assert found.replayed.firings[0].since > MONDAY + 5 * DAY_S
    last = found.replayed.points[-1]
    assert last.low is not None
    assert last.high is not None
    assert last.low < 0.86 < last.high
    assert found.replayed.points[0].low is None, "before three days nothing is usual"


async def test_past_is_read_once_for_several_conditions(
    room: Room, previews: Previews, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a minute another threshold or window is judged on what was read; later it is read anew."""
    await traffic(room, 0.8, 3_600.0)
    first = await previews.preview(DET, LOW, "1d")
    reads: list[int] = []
    real = previews._source.pages
    monkeypatch.setattr(previews._source, "pages", lambda version: (reads.append(1), real(version))[1])
    second = await previews.preview(DET, LOW | {"threshold": 0.95, "window": "5m"}, "1d")
    assert (first.replayed.fired, second.replayed.fired, reads) == (0, 1, [])
    room.clock.go(61)
    await previews.preview(DET, LOW, "1d")
    assert reads


async def test_what_grows_with_the_period_is_made_beside_the_loop(
    room: Room, previews: Previews, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grids, sums and looks are thousands and tens of megabytes: the monitor records meanwhile."""
    made: dict[str, set[bool]] = {}

    def noted(name: str) -> Any:
        real = getattr(preview_module, name)

        def make(*args: Any, **kwargs: Any) -> Any:
            made.setdefault(name, set()).add(threading.current_thread() is threading.main_thread())
            return real(*args, **kwargs)

        return make

    names = ("grid_of", "RunningSums", "_add_page", "_looks", "_replayed")
    await traffic(room, 0.9, 3_600.0, every_s=60.0)
    for name in names:
        monkeypatch.setattr(preview_module, name, noted(name))
    await previews.preview(DET, LOW, "1d")
    assert made == {name: {False} for name in names}


async def test_slice_and_version_are_looked_at_alone(room: Room, previews: Previews) -> None:
    """What another version or slice did is no part of it."""
    start = room.clock.now
    await traffic(room, 0.3, 3_600.0, version="2", slice="cam-1")
    room.clock.now = start
    await traffic(room, 0.9, 3_600.0)
    fired = {
        str(scope): (await previews.preview(scope, LOW, "1d")).replayed.fired
        for scope in (Scope("det", "1"), Scope("det", "2"), Scope("det", "", "cam-1"), Scope("det", "1", "cam-1"))
    }
    assert list(fired.values()) == [0, 1, 1, 0]


async def test_model_without_a_record_has_nothing_to_look_at(room: Room, previews: Previews) -> None:
    """No traffic, or none before the period's end: an answer without points, not a fault."""
    found = await previews.preview(DET, LOW, "7d")
    assert (found.replayed.points, found.replayed.fired) == ((), 0)
    assert found.sentence.startswith("Nothing is recorded of det in ")


@pytest.mark.parametrize(
    ("condition", "period", "field"),
    [
        ({"metric": "significant_drift", "operator": "gt", "threshold": 0, "window": "7d"}, "7d", "condition.metric"),
        ({"metric": "dropped", "operator": "gt", "threshold": 0, "window": "15m"}, "7d", "condition.metric"),
        ({"metric": "guardrail_stops", "operator": "gt", "threshold": 0, "window": "1h"}, "7d", "condition.metric"),
        (LOW | {"threshold": 70}, "7d", "condition.threshold"),
        (LOW, "31d", "period"),
        (LOW, "soon", "period"),
    ],
)
async def test_what_has_no_preview_is_refused_by_field(
    previews: Previews, condition: dict[str, Any], period: str, field: str
) -> None:
    """Metrics that are not of summaries, faulty conditions and periods that can't be are named."""
    with pytest.raises((Fault, Faults)) as refused:
        await previews.preview(DET, condition, period)
    error = refused.value
    assert (error.field if isinstance(error, Fault) else error.faults[0][0]) == field


@pytest.mark.parametrize(
    ("length_s", "window_s", "width_s"),
    [(3_600, 900, 10), (DAY_S, 3_600, 60), (7 * DAY_S, 60, 60), (30 * DAY_S, 900, 60), (7 * DAY_S, 30 * DAY_S, 3_600)],
)
def test_grid_is_bounded_and_covers_the_period(length_s: float, window_s: float, width_s: int) -> None:
    """However long it is there are some ten thousand looks at most, the last one now, each over a whole window."""
    until = MONDAY + 100 * DAY_S + 17
    assert width_for(length_s, window_s) == width_s
    grid = grid_of(until - length_s, until, window_s, width_s, 0.0)
    assert len(grid.times) < 12_000
    assert len(grid.starts) < 14_000
    assert grid.times[-1] == until
    assert (np.diff(grid.times) > 0).all()
    assert (grid.covered_s[grid.times > grid.hours_until] >= window_s - 1e-6).all()
    assert (np.diff(grid.starts) > 0).all()


def test_grid_of_a_time_of_which_hours_alone_are_kept_says_so() -> None:
    """All of it is looked at by the hour, up to its end and no further."""
    until = MONDAY + 10 * DAY_S + 1_800
    grid = grid_of(until - DAY_S, until, 900, 60, until + 40 * DAY_S)
    assert [width for width, _, _ in grid.parts] == [3_600]
    assert grid.hours_until >= until
    assert grid.starts[-1] < until
