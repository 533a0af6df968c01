"""What batches add to A/B tests, and what is passed over."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np

from sidecar.experiments import PER_UNIT_NAMES
from sidecar.trials.tally import ANSWERS_A_TURN, Running, Tallied, Tally
from sidecar.trials.units import unit_hash
from sidecar.types import Detections
from tests.kit.trial_traffic import AB, SHADOW, Sampled, added, copy, serving, tally_of, treated

CAR = [(0.0, 0.75, "car")]


def sums(tally: Tally, name: str, trial_id: str = "ab") -> dict[tuple[int, str], tuple[int, int]]:
    """By (epoch, arm): how many units there are, and the sum of ``name`` over them."""
    units = tally.units(trial_id)
    assert units is not None
    place = PER_UNIT_NAMES.index(name)
    return {(one.epoch, one.arm): (one.moments.n, one.moments.sums[place]) for one in units.arms()}


def broken(item: Sampled) -> Sampled:
    """Detections that no dialect makes."""
    life, exchange, predictions = item
    bad = Detections(np.zeros((0, 4), np.float32), cast("np.ndarray", None), np.zeros(0, np.int32), ())
    return life, exchange, [replace(prediction, detections=bad) for prediction in predictions]


async def test_requests_add_up_by_unit_and_variant() -> None:
    """A unit's sums are of the variant that served it, control's included, and by epoch."""
    tally = tally_of(AB)
    items = [treated("cam-1", CAR, arm="A"), treated("cam-1", CAR, [], arm="A"), treated("cam-2", CAR)]
    tallied, _ = await added(tally, *items, treated("cam-2", CAR, epoch=1))
    assert sums(tally, "images") == {(0, "A"): (1, 3), (0, "B"): (1, 1), (1, "B"): (1, 1)}
    assert sums(tally, "requests")[0, "A"] == (1, 2)
    assert {(row.trial_id, row.epoch, row.arm, row.unit) for row in tallied.units} == {
        ("ab", 0, "A", unit_hash("salt", "cam-1")),
        ("ab", 0, "B", unit_hash("salt", "cam-2")),
        ("ab", 1, "B", unit_hash("salt", "cam-2")),
    }


async def test_only_what_changed_is_written() -> None:
    """A commit grows with its batch and not with the test."""
    tally = tally_of(AB)
    await added(tally, treated("cam-1", CAR))
    tallied, _ = await added(tally, treated("cam-2", CAR))
    assert [row.unit for row in tallied.units] == [unit_hash("salt", "cam-2")]
    assert await added(tally) == (Tallied([], [], []), [])


async def test_all_is_written_again_where_the_store_is_gone() -> None:
    """A fresh store gets whatever is in memory, of every test."""
    tally = tally_of(AB, SHADOW)
    await added(tally, treated("cam-1", CAR), serving("r", CAR), copy("r", CAR))
    tally.write_all()
    tallied, _ = await added(tally, treated("cam-2", CAR))
    assert (len(tallied.units), len(tallied.pairs)) == (2, 1)


async def test_traffic_outside_the_analysis_adds_nothing() -> None:
    """Requests that were excluded, a tester's, and plain ones are of no arm."""
    tally = tally_of(AB)
    outside = [treated("", CAR, role=role, experiment="ab") for role in ("excluded", "override")]
    await added(tally, *outside, treated("cam", CAR, experiment="", role="serving"))
    assert (sums(tally, "requests"), tally.skipped) == ({}, {})


async def test_test_by_requests_keeps_no_sums() -> None:
    """Where each request is a unit, summaries have all there is."""
    tally = tally_of(replace(AB, unit="request"))
    tallied, _ = await added(tally, treated("p", CAR))
    assert (tally.units("ab"), tallied.units, tally.skipped) == (None, [], {})


async def test_edge_of_slow_requests_may_come_later() -> None:
    """What was counted before it was known stays untimed."""
    tally = tally_of(replace(AB, slow_edge_ms=None))
    await added(tally, treated("cam", CAR, upstream_ms=20.0))
    tally.configure([AB])
    await added(tally, treated("cam", CAR, upstream_ms=20.0))
    assert (sums(tally, "timed"), sums(tally, "requests")) == ({(0, "B"): (1, 1)}, {(0, "B"): (1, 2)})


async def test_late_frames_of_a_test_that_ended_count_until_it_is_forgotten() -> None:
    """Frames are under way for a while; after that they are passed over, counted."""
    tally = tally_of(AB, SHADOW)
    tally.configure([])
    await added(tally, treated("cam", CAR), serving("r", CAR))
    assert (sums(tally, "requests"), tally.waiting("s")) == ({(0, "B"): (1, 1)}, 1)
    tally.forget("ab")
    tally.forget("s")
    await added(tally, treated("cam", CAR), serving("q", CAR))
    assert (tally.units("ab"), tally.pairs("s"), tally.skipped) == (None, {}, {("", "unknown_trial"): 2})


async def test_test_that_is_forgotten_amid_a_batch_stops_nothing() -> None:
    """A person may delete a test at any moment."""
    tally = tally_of(AB)

    class Forgetful(list[Sampled]):
        """Sampled traffic, at whose end the test is gone."""

        def __iter__(self) -> Iterator[Sampled]:
            yield from super().__iter__()
            tally.forget("ab")

    await tally.add(Forgetful([treated(f"cam-{number}", CAR) for number in range(ANSWERS_A_TURN + 1)]))
    assert tally.units("ab") is None


async def test_fault_in_one_exchange_costs_only_itself() -> None:
    """Whatever traffic holds, the rest of its batch counts."""
    tally = tally_of(AB, SHADOW)
    units = [treated("cam-1", CAR), broken(treated("cam-2", CAR)), treated("cam-3", CAR)]
    pairs = [serving("r", CAR), copy("r", CAR), serving("q", CAR), broken(copy("q", CAR))]
    _, settled = await added(tally, *units, *pairs)
    assert sums(tally, "requests") == {(0, "B"): (2, 2)}
    assert tally.pairs("s")[0].counts.requests == 1
    assert (tally.failed, len(settled)) == (2, 2)


async def test_units_of_two_tests_stay_apart() -> None:
    """Each test has its own salt and its own sums."""
    tally = tally_of(AB, Running("other", "ab", "pepper", "client"))
    await added(tally, treated("cam", CAR), treated("cam", CAR, experiment="other"))
    assert sums(tally, "requests") == sums(tally, "requests", "other") == {(0, "B"): (1, 1)}
