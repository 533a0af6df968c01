"""The life of a test."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.experiments import lifecycle
from sidecar.experiments.definition import Definition, Ramp, ShadowDefinition
from sidecar.experiments.lifecycle import Action, LifecycleError, Status, Trial

DAY_S = 86_400.0
ASKED = Definition("Test", "det", "A", ("B",), (0.1,), ramp=Ramp((0.1, 0.25, 0.5)))

DO: dict[Action, Callable[[Trial, float], Trial]] = {
    "pause": lifecycle.paused,
    "resume": lifecycle.resumed,
    "ramp": lambda trial, now: lifecycle.ramped(trial, (0.5,), now, "by hand"),
    "complete": lifecycle.completed,
    "stop": lambda trial, now: lifecycle.stopped(trial, now, "enough"),
    "conclude": lambda trial, now: lifecycle.concluded(trial, now, "B", "clearly"),
    "promote": lambda trial, now: lifecycle.promoted(trial, "B", now),
}


def in_status(status: Status) -> Trial:
    trial = lifecycle.begun("test", ASKED, 0.0)
    ways: dict[Status, Trial] = {
        "running": trial,
        "paused": lifecycle.paused(trial, 10.0),
        "completed": lifecycle.completed(trial, 10.0),
        "stopped": lifecycle.stopped(trial, 10.0),
        "concluded": lifecycle.concluded(trial, 10.0),
    }
    return ways[status]


@pytest.mark.parametrize("status", get_args(Status))
@pytest.mark.parametrize("action", get_args(Action))
def test_every_action_does_what_the_table_says(status: Status, action: Action) -> None:
    """And where the table says nothing, it is refused with what can be done."""
    trial = in_status(status)
    expected = lifecycle.TABLE.get((status, action))
    if expected is not None:
        assert DO[action](trial, 20.0).status == expected
        return
    with pytest.raises(LifecycleError, match=f"'test' is {status}: it can't {action}, only "):
        DO[action](trial, 20.0)


def test_every_change_of_split_opens_an_epoch() -> None:
    """A pause too: then treatments get nothing, and afterwards what they had."""
    trial = lifecycle.begun("test", ASKED, 0.0)
    trial = lifecycle.ramped(trial, (0.25,), 10.0, "ramp")
    trial = lifecycle.resumed(lifecycle.paused(trial, 20.0), 30.0)
    trial = lifecycle.reopened(trial, 40.0, "an operating point changed", "B: 0.3")
    assert [(span.number, span.since, span.shares, span.reason) for span in trial.epochs] == [
        (0, 0.0, (0.1,), "begun"),
        (1, 10.0, (0.25,), "ramp"),
        (2, 20.0, (0.0,), "paused"),
        (3, 30.0, (0.25,), "resumed"),
        (4, 40.0, (0.25,), "an operating point changed"),
    ]
    assert trial.opened_for == "B: 0.3"


def test_a_pause_does_not_use_up_the_duration() -> None:
    """Seven days of traffic, however long the pause was."""
    trial = lifecycle.paused(lifecycle.begun("test", ASKED, 0.0), 2 * DAY_S)
    assert lifecycle.ends_at(trial, 3 * DAY_S) is None
    trial = lifecycle.resumed(trial, 10 * DAY_S)
    assert lifecycle.running_s(trial, 11 * DAY_S) == 3 * DAY_S
    assert lifecycle.ends_at(trial, 11 * DAY_S) == 15 * DAY_S
    assert not lifecycle.is_due(trial, 15 * DAY_S - 1)
    assert lifecycle.is_due(trial, 15 * DAY_S)


def test_a_test_without_a_duration_never_is_due() -> None:
    """It runs until somebody stops it."""
    trial = lifecycle.begun("test", ShadowDefinition("s", "*", "B", duration_days=None), 0.0)
    assert (lifecycle.is_due(trial, 1e9), lifecycle.ends_at(trial, 1e9), trial.kind) == (False, None, "shadow")


def test_an_end_keeps_when_and_why() -> None:
    """What ended stays as it was."""
    done = lifecycle.completed(lifecycle.begun("test", ASKED, 0.0), 7 * DAY_S)
    assert (done.ended_at, done.reason) == (7 * DAY_S, "its 7 days are over")
    assert lifecycle.running_s(done, 99 * DAY_S) == 7 * DAY_S
    with pytest.raises(LifecycleError, match="it can't be reopened"):
        lifecycle.reopened(done, 8 * DAY_S, "x", "")


def test_promoting_an_active_test_concludes_it_for_that_variant() -> None:
    """One that has ended keeps how it ended."""
    trial = lifecycle.begun("test", ASKED, 0.0)
    won = lifecycle.promoted(trial, "B", 5.0)
    assert (won.status, won.decision, won.promoted, won.promoted_at, won.ended_at) == ("concluded", "B", "B", 5.0, 5.0)
    later = lifecycle.promoted(lifecycle.stopped(trial, 5.0, "enough"), "B", 9.0)
    assert (later.status, later.reason, later.ended_at, later.promoted_at) == ("stopped", "enough", 5.0, 9.0)


@pytest.mark.parametrize("variant", ["C", ""])
def test_only_a_variant_of_the_test_can_be_promoted(variant: str) -> None:
    """The error says which there are."""
    with pytest.raises(LifecycleError, match=r"^variant: .* A, B"):
        lifecycle.promoted(lifecycle.begun("test", ASKED, 0.0), variant, 5.0)


def test_a_conclusion_is_for_a_variant_or_for_none() -> None:
    """Anything else names the field."""
    trial = lifecycle.begun("test", ASKED, 0.0)
    assert lifecycle.concluded(trial, 5.0).decision == ""
    with pytest.raises(LifecycleError, match=r"^winner: 'C' is not among A, B"):
        lifecycle.concluded(trial, 5.0, "C")


def test_a_ramp_goes_step_by_step_and_ends() -> None:
    """Proportions of several treatments stay, so that no unit changes from one to another."""
    asked = Definition("n", "*", "A", ("B", "C"), (0.025, 0.075), ramp=Ramp((0.1, 0.4)))
    trial = lifecycle.begun("test", asked, 0.0)
    following = lifecycle.next_shares(trial)
    assert following == (0.1, 0.3)
    assert lifecycle.next_shares(lifecycle.ramped(trial, following, 10.0, "ramp")) is None
    assert lifecycle.next_shares(lifecycle.paused(trial, 1.0)) is None


def test_a_planned_ramp_goes_on_from_a_split_that_was_set_by_hand() -> None:
    """Never down: what is planned and lower is left out."""
    trial = lifecycle.ramped(lifecycle.begun("test", ASKED, 0.0), (0.3,), 10.0, "by hand")
    assert lifecycle.next_shares(trial) == (0.5,)


def test_a_split_of_other_arms_is_refused() -> None:
    """One share for each treatment."""
    with pytest.raises(LifecycleError, match="2 shares for 1 treatments"):
        lifecycle.ramped(lifecycle.begun("test", ASKED, 0.0), (0.1, 0.1), 5.0, "x")


def test_epochs_are_bounded() -> None:
    """What opens epochs for ever is told so, and can still be stopped."""
    trial = lifecycle.begun("test", ASKED, 0.0)
    for number in range(lifecycle.EPOCHS_MAX - 1):
        trial = lifecycle.ramped(trial, (0.2,), float(number), "x")
    with pytest.raises(LifecycleError, match="200 epochs already"):
        lifecycle.ramped(trial, (0.3,), 5_000.0, "x")
    assert lifecycle.stopped(trial, 5_000.0).status == "stopped"


def test_what_takes_traffic_away_is_never_refused_for_the_number_of_epochs() -> None:
    """A pause, and a treatment that does harm."""
    asked = replace(ASKED, treatments=("B", "C"), shares=(0.1, 0.1))
    trial = lifecycle.begun("test", asked, 0.0)
    for number in range(lifecycle.EPOCHS_MAX - 1):
        trial = lifecycle.ramped(trial, (0.2, 0.2), float(number), "x")
    without = lifecycle.taken_out(trial, ["C"], 5_000.0, "harm")
    assert (without.status, without.epoch.shares) == ("running", (0.2, 0.0))
    assert lifecycle.taken_out(without, ["B"], 6_000.0, "harm").status == "stopped"
    assert lifecycle.paused(trial, 5_000.0).status == "paused"


def test_ids_are_made_of_names_and_differ() -> None:
    """Short enough to type, even where the name is not."""
    assert lifecycle.trial_id_of("v1 vs. v2!", []) == "v1-vs-v2"
    assert lifecycle.trial_id_of("v1 vs. v2!", ["v1-vs-v2", "v1-vs-v2-2"]) == "v1-vs-v2-3"
    assert len(lifecycle.trial_id_of("x" * 500, [])) == lifecycle.ID_CHARACTERS_MAX


@given(
    st.lists(st.tuples(st.sampled_from(get_args(Action)), st.sampled_from([-DAY_S, 0.0, 60.0, 3_600.0, DAY_S]))),
    st.floats(0, 2 * DAY_S),
)
def test_whatever_is_done_the_record_stays_whole(actions: list[tuple[Action, float]], after_s: float) -> None:
    """Clocks that jump a day either way included: epochs are numbered in order, time is never negative, an end is
    final, and JSON keeps it all."""
    trial, now = lifecycle.begun("test", ASKED, 0.0), 0.0
    for action, passed_s in actions:
        now += passed_s
        before = trial
        try:
            trial = DO[action](trial, now)
        except LifecycleError:
            continue
        if not before.active:
            assert (trial.epochs, trial.ended_at) == (before.epochs, before.ended_at)
    assert [span.number for span in trial.epochs] == list(range(len(trial.epochs)))
    assert all(earlier.since <= later.since for earlier, later in pairwise(trial.epochs))
    latest = max(now + after_s, trial.epoch.since, trial.ended_at or 0.0)
    assert 0 <= lifecycle.running_s(trial, latest) <= latest
    assert Trial.from_dict(json.loads(json.dumps(trial.to_dict()))) == trial
