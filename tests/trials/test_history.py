"""How results came to be: worked out of buckets, or as it was kept while a test ran."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from sidecar.experiments.lifecycle import paused, ramped, resumed
from sidecar.monitor.buckets import Buckets
from sidecar.recording import Batch, Reader, SummaryRow
from sidecar.summaries import SummaryKey
from sidecar.trials import Entry, Running, TrialFault, ab_history, over_time, reading, shadow_history
from sidecar.trials import history as histories
from sidecar.trials.history import AUDITED, PART_GONE
from sidecar.trials.over_time import MOMENTS_MAX
from sidecar.trials.steward import SETTLE_S
from tests.kit.drawing import drawn_summary
from tests.kit.trial_traffic import copy, serving, treated
from tests.trials.room import NOON, Room, ab, shadow

EVEN = {"shares": (0.5,)}
METRICS = ("confidence", "latency", "error_rate", "no_detection_rate")


async def arrive(room: Room, trial_id: str, epoch: int, at: float, n: int, seed: int, **of_b: Any) -> None:
    """Traffic of ten seconds, as the monitor's buckets bring it into the store."""
    of_a: dict[str, Any] = {"error_rate": 0.02, **({"feedback": (80, 20)} if "feedback" in of_b else {})}
    arms = [("1", "control", of_a), ("2", "treatment", of_b)]
    deltas = {
        SummaryKey(int(at) // 10 * 10, 10, "det", version, role, trial_id, epoch, "camera" if seed % 2 else ""): (
            drawn_summary(np.random.default_rng([seed, place]), n, **of)
        )
        for place, (version, role, of) in enumerate(arms)
    }
    buckets = Buckets(lambda key: room.store.summary(tuple(key)))
    await buckets.add(deltas)
    await room.store.commit(Batch(summaries=buckets.dirty()))


async def history_of(room: Room, reader: Reader, entry: Entry, metric: str | None = None) -> tuple[Any, Any]:
    found = await room.steward.document(entry)
    return found, await ab_history(entry.trial, reader, found, None, metric, room.now)


async def test_last_point_is_what_the_results_say(room: Room, reader: Reader) -> None:
    """Of every kind of metric, over a change of the split and a pause, with errors and slices."""
    entry = await room.book.begin(ab(metrics=METRICS, **EVEN))
    for step in range(12):
        if step == 4:
            await room.book.change("ab", "night", lambda trial, now: ramped(trial, (0.8,), now, "ramped"))
        if step == 8:
            await room.book.change("ab", "night", paused)
            room.now += 3_600
            await room.book.change("ab", "night", resumed)
        await arrive(
            room, "night", entry.trial.epoch.number, room.now, 120, step, latency_ms=23.0, error_rate=0.03 * (step % 2)
        )
        room.now += 60
    found, history = await history_of(room, reader, entry)
    (comparison,) = history["comparisons"]
    assert set(comparison["metrics"]) == set(METRICS)
    for name in METRICS:
        shown, points = found["metrics"][name], comparison["metrics"][name]["points"]
        last = points[-1]
        assert last["n"] == shown["n"]
        assert last["difference"] == shown["difference"]
        assert [last["low"], last["high"]] == shown["confidence_sequence"]
        assert last["p_value_lowest"] == shown["p_value_always_valid"]
        assert (last["ratio"] is None) == (shown["confidence_sequence_of"] == "difference")
        assert [point["at"] for point in points] == sorted(point["at"] for point in points)
        assert last["at"] == room.now
        lowest = [point["p_value_lowest"] for point in points]
        assert lowest == sorted(lowest, reverse=True)
    assert len(comparison["metrics"]["latency"]["points"]) >= 11
    assert history["srm"][-1]["observed"] == found["srm"]["observed"]
    assert history["srm"][-1]["p_value_lowest"] == found["srm"]["p_value"]
    assert PART_GONE not in history["limitations"]


async def test_bounds_narrow_as_units_come(room: Room, reader: Reader) -> None:
    """Before there are enough units nothing is told; then the sequence holds the true difference and grows narrower."""
    entry = await room.book.begin(ab(metrics=("latency",), **EVEN))
    for step in range(30):
        await arrive(room, "night", 0, room.now, 60, step, latency_ms=20.0)
        room.now += 10
    _, history = await history_of(room, reader, entry)
    points = history["comparisons"][0]["metrics"]["latency"]["points"]
    assert (points[0]["low"], points[0]["n"]) == (
        None,
        {"model_a": 59, "model_b": 60},
    )  # of an error there is no latency
    told = [point for point in points if point["low"] is not None]
    assert all(point["low"] <= 0 <= point["high"] for point in told)
    widths = [point["high"] - point["low"] for point in told]
    assert widths[-1] < 0.6 * widths[0]
    assert history["width_s"] == 10


async def test_a_frozen_test_keeps_the_history_of_its_results(room: Room, reader: Reader) -> None:
    """The last point is at its end, however late it is asked for."""
    entry = await room.book.begin(ab(duration_days=0.01, metrics=("confidence",), **EVEN))
    for step in range(4):
        await arrive(room, "night", 0, room.now, 200, step)
        room.now += 200
    room.now += 864
    await room.steward.round()
    ended = room.now
    room.now += SETTLE_S
    await room.steward.round()
    room.now += 86_400
    found, history = await history_of(room, reader, entry)
    assert (history["frozen"], history["at"]) == (True, found["at"])
    last = history["comparisons"][0]["metrics"]["confidence"]["points"][-1]
    assert (last["at"], last["difference"]) == (ended, found["metrics"]["confidence"]["difference"])


async def test_what_buckets_no_longer_hold_is_said(room: Room, reader: Reader) -> None:
    """Whole epochs stay while buckets go by age: the last point stands alone for all of it."""
    entry = await room.book.begin(ab(metrics=("confidence",), **EVEN))
    await room.record("night", 0, 1, control={"n": 400}, treatment={"n": 400})
    found, history = await history_of(room, reader, entry)
    (point,) = history["comparisons"][0]["metrics"]["confidence"]["points"]
    assert (point["difference"], point["p_value"]) == (found["metrics"]["confidence"]["difference"], None)
    assert PART_GONE in history["limitations"]


async def test_history_of_a_month_is_bounded(room: Room, reader: Reader) -> None:
    """No more than MOMENTS_MAX points, of hours."""
    entry = await room.book.begin(ab(metrics=("confidence",), **EVEN))
    payloads = [drawn_summary(np.random.default_rng(seed), 5).encode() for seed in (1, 2)]
    hour = int(NOON) // 3_600 * 3_600
    rows = [
        SummaryRow(hour + 3_600 * place, 3_600, "det", version, role, "night", 0, "", 1, payload)
        for place in range(30 * 24)
        for (version, role), payload in zip((("1", "control"), ("2", "treatment")), payloads, strict=True)
    ]
    await room.store.commit(Batch(summaries=rows))
    room.now += 30 * 86_400
    _, history = await history_of(room, reader, entry, "confidence")
    points = history["comparisons"][0]["metrics"]["confidence"]["points"]
    assert (len(points), history["width_s"]) == (180, 4 * 3_600)
    assert len(points) <= MOMENTS_MAX


async def test_a_metric_that_the_test_is_not_about_is_refused(room: Room, reader: Reader) -> None:
    """Those it is about are named."""
    entry = await room.book.begin(ab(metrics=("confidence",), **EVEN))
    with pytest.raises(TrialFault, match=r"metric: 'latency' is none of the test's: confidence"):
        await history_of(room, reader, entry, "latency")


async def test_nothing_is_told_before_any_traffic(room: Room, reader: Reader) -> None:
    """No points, and nothing is missing either."""
    entry = await room.book.begin(ab(**EVEN))
    _, history = await history_of(room, reader, entry)
    assert [found["points"] for found in history["comparisons"][0]["metrics"].values()] == [[], [], []]
    assert (history["srm"], history["limitations"]) == ([], [])


async def test_history_does_not_hold_up_the_loop(room: Room, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long is done in a thread: the loop turns all the while."""
    loop, waited = asyncio.get_running_loop(), set()

    def watched(place: Any, name: str) -> None:
        works = getattr(place, name)

        def until_the_loop_turns(*arguments: Any, **named: Any) -> Any:
            turned = threading.Event()
            loop.call_soon_threadsafe(turned.set)
            assert turned.wait(20), f"the loop waits for {name}"
            waited.add(name)
            return works(*arguments, **named)

        monkeypatch.setattr(place, name, until_the_loop_turns)

    entry = await room.book.begin(ab(metrics=METRICS, **EVEN))
    await arrive(room, "night", 0, room.now, 5, 0)
    room.now += 60
    long = [(reading, "results"), (over_time._Growing, "add"), (over_time._Growing, "end"), (histories, "of_moments")]
    for place, name in long:
        watched(place, name)
    await history_of(room, reader, entry)
    assert waited == {name for _, name in long}


async def test_points_of_lasting_units_are_kept_while_the_test_runs(room: Room, reader: Reader) -> None:
    """Their sums are not kept over time: the steward keeps what they came to, ever more seldom, and at the end."""
    entry = await room.book.begin(ab(unit="header:x-camera", duration_days=0.05, metrics=("confidence",), **EVEN))
    room.tally.configure([Running("night", "ab", salt="night", unit="header:x-camera")])
    for step in range(40):
        seen = [
            treated(f"camera {number}", [(0.0, 0.5 + 0.01 * number, "car")], arm="AB"[number % 2], experiment="night")
            for number in range(step, step + 20)
        ]
        await room.tally.add(seen)
        await room.steward.round()
        room.now += 60
    rows = await reader.snapshots_of("night")
    assert 20 < len(rows) < 40
    live = await room.steward.snapshot(entry)
    found = await room.steward.document(entry)
    history = await ab_history(entry.trial, reader, found, live, None, room.now)
    points = history["comparisons"][0]["metrics"]["confidence"]["points"]
    assert [points[-1]["difference"], points[-1]["at"]] == [found["metrics"]["confidence"]["difference"], room.now]
    assert len(points) == len(rows) + 1
    assert history["width_s"] is None
    room.now += 86_400
    await room.steward.round()
    ended = room.now
    room.now += SETTLE_S
    await room.steward.round()
    room.tally.forget("night")
    assert await room.steward.snapshot(entry) is None
    found = await room.steward.document(entry)
    history = await ab_history(entry.trial, reader, found, None, None, room.now)
    last = history["comparisons"][0]["metrics"]["confidence"]["points"][-1]
    assert (last["at"], last["difference"]) == (ended, found["metrics"]["confidence"]["difference"])


async def test_points_of_a_shadow_test_are_kept_while_it_runs(room: Room, reader: Reader) -> None:
    """Its last point is what its results say."""
    entry = await room.book.begin(shadow())
    room.count(entry.trial)
    boxes = [(0.0, 0.75, "car")]
    for step in range(3):
        for number in range(step + 1):
            name = f"r{step}-{number}"
            items = [
                serving(name, boxes, trial="copy", role="serving"),
                copy(name, boxes if number else [], trial="copy"),
            ]
            await room.tally.add(items)
        await room.steward.round()
        room.now += 31
    found = await room.steward.document(entry)
    history = await shadow_history(entry.trial, reader, found, room.now)
    assert [point["images"] for point in history["points"]] == [1, 3, 6, 6]
    last = history["points"][-1]
    assert (last["at"], last["image_rate"]) == (room.now, found["agreement"]["image_rate"])
    assert last["confidence_shift"]["p_value"] == found["confidence_shift"]["always_valid"]["p_value"]


async def test_feedback_of_the_random_sample_has_the_present_alone(room: Room, reader: Reader) -> None:
    """Reviews come when somebody makes them: no earlier point of them is made up."""
    entry = await room.book.begin(ab(metrics=("feedback_score",), **EVEN))
    await arrive(room, "night", 0, room.now, 300, 1, feedback=(90, 10))
    room.now += 60
    found, history = await history_of(room, reader, entry)
    assert len(history["comparisons"][0]["metrics"]["feedback_score"]["points"]) == 1
    reviewed = {
        **found,
        "variants": {name: {**of, "feedback_completeness": 0.5} for name, of in found["variants"].items()},
    }
    history = await ab_history(entry.trial, reader, reviewed, None, None, room.now)
    (point,) = history["comparisons"][0]["metrics"]["feedback_score"]["points"]
    assert (point["at"], point["p_value"]) == (room.now, None)
    assert AUDITED in history["limitations"]
