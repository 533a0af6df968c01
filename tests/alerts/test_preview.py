"""An alert taken through the past, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import get_args

import numpy as np
import pytest

from sidecar.alerts import Condition, Figures, Look, Reading, RunningSums, State, judged, limits_of, read, replay, step
from sidecar.alerts.alert_state import AlertState
from sidecar.alerts.condition import NoData
from sidecar.alerts.facts import Facts
from sidecar.alerts.metrics import measured
from sidecar.alerts.preview import FIRINGS_MAX, POINTS_MAX
from sidecar.alerts.preview_words import preview_sentence, replayed_limits
from sidecar.drift import Seasonal
from sidecar.drift.seasonal import HOUR_OF_THE_DAY
from sidecar.summaries import Summary
from tests.watch.room import MONDAY, prediction

HIGH = Condition("error_rate", "gt", 0.05, 900.0)


def looks_of(values: Sequence[float], samples: int = 50, step_s: float = 60.0) -> list[Look]:
    return [Look(1_000.0 + step_s * n, 900.0, Reading(value, samples)) for n, value in enumerate(values)]


def test_replay_goes_the_way_the_monitor_goes() -> None:
    """Whatever is seen, an alert is in the same state at the same time as one that was stepped round by round."""
    rng = np.random.default_rng(7)
    for for_s in (0.0, 120.0, 480.0):
        for no_data in get_args(NoData):
            condition = Condition("error_rate", "gt", 0.05, 900.0, for_s=for_s, no_data=no_data)
            looks = [
                Look(look.at, 900.0, Reading(look.reading.value, int(rng.choice([5, 50], p=[0.2, 0.8]))))
                for look in looks_of(np.repeat(rng.choice([0.0, 0.2], 60), 5).tolist())
            ]
            state, began, ended = AlertState(), [], []
            for place, look in enumerate(looks):
                outcome, reading = judged(condition, look.reading, None, look.window_s)
                made = step(state, condition, outcome, reading, now=look.at, elapsed_s=60.0 if place else 0.0)
                state = made.state
                if made.transition and made.transition.to_state is State.FIRING:
                    began.append(look.at)
                if made.transition and made.transition.from_state is State.FIRING:
                    ended.append(look.at)
            replayed = replay(condition, looks)
            assert [firing.since for firing in replayed.firings] == began
            assert [firing.until for firing in replayed.firings if firing.until is not None] == ended
            assert replayed.state is state.state
            assert replayed.fired == len(began) > 0


def test_firing_has_its_worst_value_and_what_it_would_have_told() -> None:
    """The worst is the greatest of what must stay below, with its time; the sentence is of the beginning."""
    replayed = replay(HIGH, looks_of([0.0, 0.1, 0.4, 0.2, 0.0]), "det")
    (firing,) = replayed.firings
    assert (firing.since, firing.until, firing.peak_value, firing.peak_at) == (1_060.0, 1_240.0, 0.4, 1_120.0)
    assert firing.sentence == "error_rate of det was 10 % over 15m (threshold: above 5 %)."
    assert replayed.firing_s == 180.0
    low = Condition("avg_confidence", "lt", 0.7, 900.0)
    (firing,) = replay(low, looks_of([0.9, 0.6, 0.5, 0.65])).firings
    assert (firing.until, firing.peak_value) == (None, 0.5)


def test_looks_without_samples_are_gaps_and_counted() -> None:
    """Too few samples are no point to draw and no judgement; they fire only an alert that says so."""
    looks = [
        *looks_of([0.5] * 3, samples=3),
        Look(2_000.0, 900.0, Reading(0.0, 50)),
        Look(2_060.0, 900.0, Reading(nan)),
    ]
    replayed = replay(HIGH, looks)
    assert [point.value for point in replayed.points] == [None, None, None, 0.0, None]
    assert (replayed.fired, replayed.looks, dict(replayed.unjudged)) == (0, 5, {"too few samples": 4})
    assert replayed_limits(replayed) == [
        "It could not be judged at all times (80 % of the time too few samples); meanwhile it kept its state."
    ]
    (firing,) = replay(Condition("error_rate", "gt", 0.05, 900.0, no_data="fire"), looks[:3]).firings
    assert (firing.peak_value, firing.until) == (None, None)


def test_points_are_few_and_none_that_fires_is_lost() -> None:
    """Of many looks so many are drawn as can be, and the one breach among them is there."""
    values = [0.01] * 10_000
    values[4_321] = 0.9
    replayed = replay(HIGH, looks_of(values))
    assert len(replayed.points) <= POINTS_MAX
    assert max(point.value or 0 for point in replayed.points) == 0.9
    assert replayed.fired == 1


def test_firings_are_counted_beyond_those_that_are_listed() -> None:
    """The list is bounded and holds the latest; the count and the length are of all."""
    replayed = replay(HIGH, looks_of([0.0, 0.2] * 300, step_s=10_000.0))
    assert (len(replayed.firings), replayed.fired) == (FIRINGS_MAX, 300)
    assert replayed.firings[-1].since == 1_000.0 + 599 * 10_000.0
    assert f"The latest {FIRINGS_MAX} firings are listed." in replayed_limits(replayed)
    assert not replayed.flapped


def test_alert_that_would_flap_says_so() -> None:
    """Three firings within an hour are told as one, which somebody who sets a threshold wants to know."""
    replayed = replay(HIGH, looks_of([0.0, 0.2] * 6))
    assert replayed.flapped
    assert any("flapped" in said for said in replayed_limits(replayed))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([0.0] * 5, "Would not have fired in the past week; now it would be quiet."),
        ([0.0, 0.2, 0.2], "Would have fired once in the past week, 1 minute in all; now it would be firing."),
        ([0.2, 0.0, 0.2, 0.0], "Would have fired 2 times in the past week, 2 minutes in all; now it would be quiet."),
    ],
)
def test_result_is_a_sentence(values: list[float], sentence: str) -> None:
    """How often, how long, and how it would stand now."""
    assert preview_sentence(replay(HIGH, looks_of(values)), "the past week", until_now=True) == sentence


def test_past_that_was_never_judged_is_no_quiet_one() -> None:
    """An alert that never had enough to go by would have told nothing, which is not to say that all was well."""
    replayed = replay(HIGH, looks_of([0.0] * 4, samples=2))
    said = preview_sentence(replayed, "the past week", until_now=True)
    assert said == "Could not be judged at any time in the past week: too few samples."
    assert not replayed_limits(replayed)


@pytest.mark.parametrize(
    ("condition", "limits"),
    [
        (Condition("error_rate", "gte", 0.05, 900.0), (None, 0.05)),
        (Condition("error_rate", "lt", 0.05, 900.0), (0.05, None)),
        (Condition("error_rate", "gt", 2.0, 900.0, compare="baseline_ratio"), (None, 0.02)),
        (Condition("error_rate", "gt", 0.1, 900.0, compare="baseline_difference"), (None, 0.11)),
        (Condition("p99_latency_ms", "gt", 2.0, 900.0, compare="baseline_ratio"), (None, None)),
        (
            Condition("error_rate", "anomaly", None, 3_600.0, sensitivity=2.0),
            (None, pytest.approx(0.02 + 2 * 0.028, 0.1)),
        ),
    ],
)
def test_limits_are_where_the_judgement_turns(condition: Condition, limits: tuple[float | None, float | None]) -> None:
    """What is drawn as threshold is what a value is held against, in the metric's unit."""
    usual = Seasonal(HOUR_OF_THE_DAY, dict.fromkeys(range(24), 0.02), 0.01, 100)
    given = (Reading(0.2, 50), {"error_rate": 0.01}, 900.0, usual, 5_000.0)
    assert limits_of(condition, *given) == limits


def test_running_sums_are_the_totals_of_their_bins() -> None:
    """Any run of bins has the figures, classes and versions' shares that adding them up gives."""
    rng = np.random.default_rng(1)
    sums, parts = RunningSums(20, "car", ("1", "2")), []
    for place in range(20):
        summary = Summary()
        drawn = [prediction(MONDAY, n, rng.integers(0, 3, 2), rng.random()) for n in range(rng.integers(0, 6))]
        summary.add_predictions(drawn)
        parts.append(Figures.of(summary))
        sums.add(place, str(1 + place % 2), parts[-1])
    sums.close()
    for low, high in ((0, 20), (3, 9), (5, 5)):
        found, added = sums.between(low, high), Figures.total(parts[low:high])
        assert np.array_equal(found.vector, added.vector)
        share = Condition("class_share", "gt", 0.1, 900.0, class_name="car")
        reading = measured(share, Facts(found, 900.0))
        assert reading == read(share, Facts(added, 900.0))[1] or added.detections == 0 or reading.samples < 30
        odd = [part.images for place, part in enumerate(parts) if low <= place < high and place % 2]
        assert sums.weights("2", low, high)[0] == sum(odd)
    assert sums.weights("3", 0, 20) == (0, 0)
