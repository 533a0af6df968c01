"""Tests of versions, put together: clock, units, stops, what is counted and what is forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.app.control import Control
from sidecar.app.load import load_config
from sidecar.app.state import load_state
from sidecar.app.trialing import SteadyClock, Trialing
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import stopped
from sidecar.recording import Batch, Reader, Store
from sidecar.trials.steward import SETTLE_S
from tests.kit.trial_traffic import copy, serving, treated

NOW = 1_800_000_000.0
BOX = [(0.0, 0.9, "car")]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def trialing(tmp_path: Path, clock: Clock) -> AsyncIterator[Trialing]:
    store, reader = await Store.open(tmp_path), await Reader.open(tmp_path)
    upstreams = [{"name": name, "url": f"http://{name.lower()}"} for name in "AB"]
    config = load_config(None, {"upstreams": upstreams, "data_dir": tmp_path})
    control = Control(config, load_state(tmp_path), lambda settings: None)
    found = Trialing(config, store, reader, control, clock=clock)
    await found.restore()
    yield found
    await reader.close()
    await store.close()


def test_steady_clock_only_goes_forward() -> None:
    """A wall clock that is set back or far ahead after the start changes nothing about what has passed."""
    passed = 5.0
    clock = SteadyClock(wall=lambda: NOW, monotonic=lambda: passed)
    assert clock() == NOW
    passed = 65.0
    assert clock() == NOW + 60


async def test_traffic_is_tallied_from_a_tests_begin_until_it_is_frozen(trialing: Trialing, clock: Clock) -> None:
    """Late answers of an ended test still count; of a frozen one they are passed over and counted as such."""
    await trialing.book.begin(ShadowDefinition("Copy", "det", "B", share=1.0))
    await trialing.tally.add([serving("p1", BOX, trial="copy"), copy("p1", BOX, trial="copy")])
    await trialing.book.change("shadow", "copy", stopped)
    await trialing.tally.add([serving("p2", BOX, trial="copy"), copy("p2", BOX, trial="copy")])
    assert trialing.tally.pairs("copy")[0].counts.images == 2
    clock.now += SETTLE_S
    await trialing.look_after()
    assert trialing.book.get("shadow", "copy").results is not None
    assert trialing.tally.pairs("copy") == {}
    await trialing.tally.add([serving("p3", BOX, trial="copy")])
    assert trialing.tally.skipped["", "unknown_trial"] == 1


async def test_pairs_under_way_are_told(trialing: Trialing) -> None:
    """How many wait for their other half, in the report and in the figures of /metrics."""
    await trialing.book.begin(ShadowDefinition("Copy", "det", "B", share=1.0))
    halves = [serving("p1", BOX, trial="copy"), copy("p1", BOX, trial="copy"), serving("p2", BOX, trial="copy")]
    await trialing.tally.add(halves)
    assert trialing.pair_facts("copy") == {"waiting": 1, "skipped": {}}
    figures = trialing.figures()
    assert (figures["pairs"], figures["agreement"]) == ({"copy": 1}, {"copy": 1.0})


async def test_few_units_are_counted_while_a_test_runs(trialing: Trialing, clock: Clock) -> None:
    """Distinct cameras of the last day, not requests; those of before the test do not count."""
    await trialing.book.begin(Definition("Cameras", "det", "A", ("B",), (0.5,), unit="header:x-camera"))
    sampled = [
        treated(f"camera-{i % 7}", BOX, request_id=f"p{i}", experiment="cameras", started_at=NOW) for i in range(20)
    ]
    old = replace(sampled[0][2][0], prediction_id="old", request_id="old", unit="camera-99", at=NOW - 5)
    store = trialing.rows._store
    await store.commit(Batch(predictions=[old, *(prediction for _, _, made in sampled for prediction in made)]))
    clock.now += 1
    await trialing.look_after()
    assert trialing.units_last_day == {"cameras": 7}


async def test_stops_are_told_by_model_and_time(trialing: Trialing, clock: Clock) -> None:
    """Only those by a guardrail; of all models where none is named."""
    await trialing.book.begin(Definition("One", "det", "A", ("B",), (0.5,)))
    await trialing.book.change("ab", "one", lambda trial, now: stopped(trial, now, "guardrail: B: too slow"))
    await trialing.book.begin(Definition("Two", "det", "A", ("B",), (0.5,)))
    await trialing.book.change("ab", "two", lambda trial, now: stopped(trial, now, "enough"))
    expected = [(NOW, "A/B test 'One' was stopped (B: too slow).")]
    assert trialing.stops("", NOW - 10, NOW) == trialing.stops("det", NOW - 10, NOW) == expected
    assert trialing.stops("gate", NOW - 10, NOW) == []
    assert trialing.stops("", NOW + 1, NOW + 10) == []
