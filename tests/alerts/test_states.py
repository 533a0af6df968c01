"""Alerts from round to round."""

import json
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

from sidecar.alerts.alert_state import AlertState, Outcome, State
from sidecar.alerts.answers import acknowledge, silence
from sidecar.alerts.facts import Reading
from sidecar.alerts.flapping import FLAP_WINDOW_S
from sidecar.alerts.states import NOTICES, RESOLVED_S, TABLE, Event, Transition, step
from tests.kit.alert_rounds import AT_ONCE, IN_A_MINUTE, READINGS, Alert

B, OK, NONE, HELD = Outcome.BREACH, Outcome.OK, Outcome.NO_DATA, Outcome.HELD


def test_table_has_an_answer_to_everything() -> None:
    """Every state and event has a row, and nothing else has."""
    assert set(TABLE) == {(state, event) for state in State for event in Event}
    believed = ("", "firing", "flapping")
    assert set(NOTICES) == {(told, so) for told in believed for so in believed}


def test_nothing_known_changes_no_state() -> None:
    """Whatever the state, to hold is to hold."""
    assert all(TABLE[state, Event.HOLD] is state for state in State)


def test_breach_without_a_time_fires_at_once() -> None:
    """It is never pending; ok resolves it, and after a while it is inactive."""
    alert = Alert().rounds(B, B, OK, OK)
    assert alert.states == ["firing", "firing", "resolved", "resolved"]
    assert alert.notices == ["firing", "resolved"]
    alert.rounds(*[OK] * (int(RESOLVED_S // 10) - 1))
    assert alert.states[-2:] == ["resolved", "inactive"]
    assert [(str(t.from_state), str(t.to_state)) for t in alert.transitions] == [
        ("inactive", "firing"), ("firing", "resolved"), ("resolved", "inactive"),
    ]  # fmt: skip


def test_breach_fires_once_it_has_lasted() -> None:
    """60 s from the first breach: six rounds later, not five."""
    alert = Alert(IN_A_MINUTE).rounds(*[B] * 6)
    assert (alert.states[-1], alert.notices) == ("pending", [])
    alert.round(B)
    assert (alert.states[-1], alert.notices, alert.state.held_s) == ("firing", ["firing"], 60.0)


def test_breach_that_ends_early_never_fires() -> None:
    """And begins to count from nothing the next time."""
    alert = Alert(IN_A_MINUTE).rounds(*[B] * 6, OK, *[B] * 6)
    assert "firing" not in alert.states
    assert alert.states[6] == "inactive"
    assert alert.notices == []


def test_resolved_alert_that_is_breached_again_is_pending_again() -> None:
    """It takes its time as it did before."""
    alert = Alert(IN_A_MINUTE).rounds(*[B] * 7, OK, B)
    assert alert.states[-2:] == ["resolved", "pending"]
    alert.rounds(OK)
    assert alert.states[-1] == "inactive"


def test_pause_in_the_data_holds_everything() -> None:
    """With keep, an hour without data neither fires what is pending nor resolves what fires, nor counts."""
    alert = Alert(IN_A_MINUTE).rounds(*[B] * 4)
    alert.rounds(*[NONE] * 360)
    assert (alert.states[-1], alert.state.held_s) == ("pending", 30.0)
    alert.rounds(B, B)
    assert alert.states[-1] == "pending"
    alert.rounds(B, *[NONE] * 360)
    assert (alert.states[-1], alert.notices) == ("firing", ["firing"])
    alert.rounds(OK, *[NONE] * 360)
    assert alert.states[-1] == "resolved"


@pytest.mark.parametrize(("no_data", "like"), [("ok", OK), ("fire", B)])
def test_no_data_counts_as_the_condition_says(no_data: Any, like: Outcome) -> None:
    """As well, or as a breach, in every state."""
    for before in ([], [B], [B] * 7, [*[B] * 7, OK]):
        silent = Alert(replace(IN_A_MINUTE, no_data=no_data)).rounds(*before, *[NONE] * 8)
        spoken = Alert(IN_A_MINUTE).rounds(*before, *[like] * 8)
        assert (silent.states, silent.notices) == (spoken.states, spoken.notices)


@pytest.mark.parametrize("no_data", ["keep", "ok", "fire"])
def test_held_round_holds_whatever_no_data_means(no_data: Any) -> None:
    """A round in which the clock can't be trusted is none; what was last seen still stands."""
    for before in ([OK], [B], [B] * 7, [*[B] * 7, OK]):
        alert = Alert(replace(IN_A_MINUTE, no_data=no_data)).rounds(*before)
        seen, notices = alert.state, list(alert.notices)
        alert.rounds(*[HELD] * 200)
        assert (alert.state.state, alert.state.held_s) == (seen.state, seen.held_s)
        assert (alert.state.value, alert.state.sentence) == (seen.value, seen.sentence)
        assert alert.notices == notices


def test_transition_says_what_was_seen() -> None:
    """Wall time, states, value and a sentence; no number where there was none."""
    done = Alert().round(B)
    sentence = "error_rate of det was 20 % over 15m (threshold: above 5 %)."
    assert done.transition == Transition(1_010.0, State.INACTIVE, State.FIRING, 0.2, sentence)
    assert (done.state.value, done.state.samples, done.state.since, done.state.fired_at) == (0.2, 50, 1_010.0, 1_010.0)
    silent = Alert(replace(AT_ONCE, no_data="fire")).round(NONE)
    assert silent.transition is not None
    assert silent.transition.value is None
    assert silent.state.sentence.endswith("The alert counts that as a breach.")


def test_detail_keeps_what_is_a_number() -> None:
    """The state is a JSON document; NaN is none."""
    reading = Reading(0.2, 50, {"ratio": nan, "baseline": 0.1})
    state = step(AlertState(), AT_ONCE, B, reading, now=5.0, elapsed_s=10.0).state
    assert state.detail == {"baseline": 0.1}
    json.dumps(state.to_dict(), allow_nan=False)


def test_silence_stops_notices_and_not_transitions() -> None:
    """Fired and resolved in silence: all of it is on record, nobody was told, nobody is told later."""
    alert = Alert()
    alert.state = silence(alert.state, alert.now + 100, alert.now)
    alert.rounds(B, B, OK, *[OK] * 20)
    assert [str(t.to_state) for t in alert.transitions] == ["firing", "resolved"]
    assert alert.notices == []
    assert alert.state.silenced_until is None


def test_firing_that_outlasts_the_silence_is_told_when_it_ends() -> None:
    """Never a lost firing: the round that ends the silence gives the notice, once."""
    alert = Alert()
    alert.state = silence(alert.state, alert.now + 100, alert.now)
    alert.rounds(*[B] * 9)
    assert alert.notices == []
    assert alert.round(B).notice == "firing"
    assert alert.rounds(B, B, OK).notices == ["firing", "resolved"]


def test_silence_ended_by_hand_gives_the_notice_in_the_next_round() -> None:
    """As one that ran out does."""
    alert = Alert()
    alert.state = silence(alert.state, alert.now + 10_000, alert.now)
    alert.rounds(B, B)
    alert.state = silence(alert.state, None, alert.now)
    assert alert.round(B).notice == "firing"


def test_end_in_silence_of_what_was_told_is_told_afterwards() -> None:
    """Receivers are not left with a firing that is none."""
    alert = Alert().rounds(B)
    alert.state = silence(alert.state, alert.now + 100, alert.now)
    alert.rounds(*[OK] * 9)
    assert alert.notices == ["firing"]
    assert alert.rounds(OK, OK).notices == ["firing", "resolved"]


def test_what_was_told_and_still_fires_after_a_silence_is_not_told_twice() -> None:
    """It was announced, and nothing is new."""
    alert = Alert().rounds(B)
    alert.state = silence(alert.state, alert.now + 50, alert.now)
    assert alert.rounds(*[B] * 20).notices == ["firing"]


@pytest.mark.parametrize("jump_s", [86_400.0, -86_400.0])
def test_clock_set_forward_or_back_moves_no_silence(jump_s: float) -> None:
    """A silence of 100 s is one of ten rounds, whatever the wall clock says meanwhile."""
    alert = Alert()
    alert.state = silence(alert.state, alert.now + 100, alert.now)
    alert.rounds(B, B)
    alert.now += jump_s
    alert.rounds(*[B] * 7)
    assert alert.notices == []
    assert alert.round(B).notice == "firing"


def test_acknowledged_alert_is_told_no_more_until_it_fires_anew() -> None:
    """Acknowledged in silence: its end brings no notice; the next firing does."""
    alert = Alert()
    alert.state = silence(alert.state, alert.now + 50, alert.now)
    alert.rounds(B)
    alert.state = acknowledge(alert.state, "ada", alert.now)
    alert.rounds(*[B] * 9)
    assert alert.notices == []
    assert alert.state.acknowledged_by == "ada"
    alert.rounds(OK)
    assert (alert.state.acknowledged, alert.notices) == (False, [])
    assert alert.rounds(B).notices == ["firing"]


def test_acknowledged_alert_still_says_when_it_is_resolved() -> None:
    """Good news of what was told is always due."""
    alert = Alert().rounds(B)
    alert.state = acknowledge(alert.state, "ada", alert.now)
    assert alert.rounds(B, OK).notices == ["firing", "resolved"]


def test_third_firing_within_the_hour_is_one_notice_for_all() -> None:
    """Then none, but every transition, until an hour passed without a new firing: one that it settled."""
    alert = Alert().rounds(*[B, OK] * 12)
    assert alert.notices == ["firing", "resolved", "firing", "resolved", "flapping"]
    assert len(alert.transitions) == 24
    assert alert.state.flapping
    quiet = int(FLAP_WINDOW_S // 10)
    alert.rounds(*[OK] * (quiet - 2))
    assert alert.notices[-1] == "flapping"
    alert.rounds(OK)
    assert alert.notices[-1] == "settled"
    assert not alert.state.flapping
    assert alert.rounds(*[OK] * 400).notices.count("settled") == 1


def test_alert_that_settles_into_firing_says_firing() -> None:
    """It has fired for an hour without a break: that is no flapping, and its end is told again."""
    alert = Alert().rounds(*[B, OK] * 5, *[B] * 361)
    assert alert.notices[-2:] == ["flapping", "firing"]
    assert alert.rounds(OK).notices[-1] == "resolved"


def test_firings_far_apart_do_not_flap() -> None:
    """Three in more than an hour are three."""
    alert = Alert()
    for _ in range(4):
        alert.rounds(B, *[OK] * 180)
    assert alert.notices == ["firing", "resolved"] * 4


def test_flapping_that_began_in_silence_is_told_when_the_silence_ends() -> None:
    """If it still flaps then."""
    alert = Alert()
    alert.state = silence(alert.state, alert.now + 200, alert.now)
    alert.rounds(*[B, OK] * 15)
    assert alert.notices == ["flapping"]


def test_alert_without_channels_is_told_once_there_is_one() -> None:
    """What nobody could hear does not count as told: who is added while it fires hears of it, once."""
    alert = Alert(heard=False).rounds(B, B, B)
    assert (alert.notices, alert.states[-1], alert.state.told) == ([], "firing", "")
    alert.heard = True
    assert alert.round(B).notice == "firing"
    assert alert.rounds(B, OK).notices == ["firing", "resolved"]


def test_what_came_and_went_unheard_is_not_told() -> None:
    """Nor is what ended told twice: a channel that is added later hears only of what is so."""
    alert = Alert(heard=False).rounds(B, OK)
    alert.heard = True
    assert alert.rounds(OK, OK).notices == []


def test_end_that_nobody_heard_is_told_to_whoever_is_added() -> None:
    """What was told stays told while there are no channels."""
    alert = Alert().rounds(B)
    alert.heard = False
    alert.rounds(OK, OK)
    assert (alert.notices, alert.state.told) == (["firing"], "firing")
    alert.heard = True
    assert alert.rounds(OK, OK).notices == ["firing", "resolved"]


def test_condition_that_was_made_to_last_longer_keeps_what_fires() -> None:
    """A change of the rule resolves nothing by itself."""
    alert = Alert().rounds(B)
    alert.condition = replace(AT_ONCE, for_s=3_600.0)
    assert alert.rounds(B, B).states[-1] == "firing"


@pytest.mark.parametrize("elapsed_s", [-5.0, nan, inf, -inf])
def test_time_that_is_none_counts_as_no_time(elapsed_s: float) -> None:
    """Nothing a clock says breaks a round."""
    state = AlertState(State.PENDING, held_s=30.0, silence_left_s=50.0, silenced_until=9.0, fired_ages_s=(5.0,))
    after = step(state, IN_A_MINUTE, B, READINGS[B], now=5.0, elapsed_s=elapsed_s).state
    assert (after.held_s, after.silence_left_s, after.fired_ages_s) == (30.0, 50.0, (5.0,))
