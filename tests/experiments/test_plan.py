"""How long an experiment takes."""

from collections.abc import Callable
from math import inf, isinf

import pytest

from sidecar.experiments import METRICS, Epoch, Tuning
from sidecar.experiments.epochs import pairs_of
from sidecar.experiments.plan import plan_for, power_at, units_needed, units_needed_for_ratio

MakeEpoch = Callable[..., Epoch]
TUNING = Tuning()


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_units_needed_have_the_power_that_was_asked(power: float) -> None:
    """And one unit fewer has not."""
    units = units_needed(0.1, 4.0, TUNING, power)
    assert power_at(units, 0.1, 4.0, TUNING) >= power > power_at(units - 1, 0.1, 4.0, TUNING)


def test_half_the_effect_takes_about_four_times_the_units() -> None:
    """A little more, for more looks."""
    assert 3.8 < units_needed(0.05, 4.0, TUNING) / units_needed(0.1, 4.0, TUNING) < 5


def test_peeking_costs_less_than_twice_the_units_of_a_fixed_horizon() -> None:
    """(1.96 + 0.84)^2 v / d^2 for the fixed one."""
    fixed = 7.849 * 4.0 / 0.1**2
    assert 1.3 < units_needed(0.1, 4.0, TUNING) / fixed < 2.1


def test_what_can_t_be_found_takes_for_ever() -> None:
    """No effect, no variance known, no event, no share."""
    assert isinf(units_needed(0.0, 4.0, TUNING))
    assert isinf(units_needed(0.1, float("nan"), TUNING))
    assert isinf(units_needed(1e-9, 4.0, TUNING))
    assert isinf(units_needed_for_ratio(1.5, 0.0, 0.5, TUNING))
    assert isinf(units_needed_for_ratio(1.0, 0.01, 0.5, TUNING))
    assert isinf(units_needed_for_ratio(1.5, 0.01, 0.0, TUNING))


@pytest.mark.parametrize("ratio", [2.0, 0.5])
def test_a_rare_event_takes_more_units_the_rarer_it_is(ratio: float) -> None:
    """Ten times as rare, ten times as many; a small share more still."""
    often, rarely = (units_needed_for_ratio(ratio, rate, 0.5, TUNING) for rate in (0.01, 0.001))
    assert rarely / often == pytest.approx(10, rel=0.02)
    assert units_needed_for_ratio(ratio, 0.01, 0.01, TUNING) > 5 * often


def test_a_plan_says_how_much_longer(make_epoch: MakeEpoch) -> None:
    """At the pace so far, in words."""
    found = plan_for(METRICS["latency"], pairs_of([make_epoch(600)], "B", "latency"), TUNING, 3_600.0, 0.05)
    assert found.units > found.units_seen == 600
    assert found.seconds == pytest.approx((found.units - 600) * 6)
    assert found.text.startswith("To find a difference of 5 % in latency in 80 % of cases takes about ")
    assert found.text.endswith(" at this pace.")
    document = found.to_dict()
    assert document["units_left"] == document["units"] - 600
    assert plan_for(METRICS["latency"], pairs_of([make_epoch(600)], "B", "latency"), TUNING, 0.0).seconds == inf


def test_a_plan_that_is_met_says_so(make_epoch: MakeEpoch) -> None:
    """Nothing is left."""
    found = plan_for(METRICS["latency"], pairs_of([make_epoch(9_000)], "B", "latency"), TUNING, 60.0, 0.2)
    assert (found.seconds, found.to_dict()["units_left"]) == (0.0, 0)
    assert found.text == "There are enough units to find a difference of 20 % in latency in 80 % of cases."


def test_a_plan_without_data_says_it_can_t_be_told() -> None:
    """And is JSON-able all the same."""
    found = plan_for(METRICS["confidence"], [], TUNING, 60.0)
    assert found.text == "It can't be told yet how long it takes to find a difference of 5 % in confidence."
    document = found.to_dict()
    assert (document["effect"], document["units"], document["units_left"], document["seconds"]) == (None,) * 4


def test_a_rate_is_planned_by_events(make_epoch: MakeEpoch) -> None:
    """Half as many errors again, from 2 %."""
    epoch = make_epoch(4_000, error_rate=0.02)
    found = plan_for(METRICS["error_rate"], pairs_of([epoch], "B", "error_rate"), TUNING, 60.0)
    assert found.effect_relative == 0.5
    assert 4_000 < found.units < 40_000
