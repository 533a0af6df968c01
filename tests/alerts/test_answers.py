"""Acknowledging and silencing."""

from math import inf, nan

import pytest

from sidecar.alerts.alert_state import AlertState, State
from sidecar.alerts.answers import BY_CHARACTERS_MAX, SILENCE_S_MAX, AnswerError, acknowledge, resumed, silence

FIRING = AlertState(State.FIRING, told="firing")


def test_acknowledging_writes_down_who_and_when() -> None:
    """Nothing else changes."""
    state = acknowledge(FIRING, " ada ", 50.0)
    assert (state.acknowledged_by, state.acknowledged_at, state.acknowledged) == ("ada", 50.0, True)
    assert (state.state, state.told) == (State.FIRING, "firing")


@pytest.mark.parametrize("state", [State.INACTIVE, State.PENDING, State.RESOLVED])
def test_only_a_firing_alert_can_be_acknowledged(state: State) -> None:
    """The error says what it is instead."""
    with pytest.raises(
        AnswerError, match=f"state: the alert is {state}, only a firing one can be acknowledged"
    ) as caught:
        acknowledge(AlertState(state), "ada", 50.0)
    assert caught.value.field == "state"


@pytest.mark.parametrize("by", ["", "  ", "x" * (BY_CHARACTERS_MAX + 1), None])
def test_acknowledging_needs_somebody(by: str) -> None:
    """A name, and not a novel."""
    with pytest.raises(AnswerError, match="by: expected who it is, 1 to 200 characters"):
        acknowledge(FIRING, by, 50.0)


def test_silence_counts_down_what_is_left_from_now() -> None:
    """The wall time is for show."""
    state = silence(FIRING, 1_600.0, 1_000.0, "ada")
    assert (state.silenced_until, state.silence_left_s, state.silenced_by) == (1_600.0, 600.0, "ada")
    assert state.silenced


def test_silence_can_be_ended() -> None:
    """None ends it, and who silenced it is gone too."""
    assert silence(silence(FIRING, 1_600.0, 1_000.0, "ada"), None, 1_100.0) == FIRING


@pytest.mark.parametrize("until", [1_000.0, 999.0, nan, inf, -inf])
def test_silence_until_the_past_is_refused(until: float) -> None:
    """Now is too late as well; what is no time is none to come."""
    with pytest.raises(AnswerError, match="until: expected a time that is yet to come"):
        silence(FIRING, until, 1_000.0)


def test_silence_has_a_bound() -> None:
    """An alert nobody wants to hear should be disabled, where everybody sees it."""
    assert silence(FIRING, 1_000.0 + SILENCE_S_MAX, 1_000.0).silenced
    with pytest.raises(AnswerError, match="until: expected a time within 90d"):
        silence(FIRING, 1_001.0 + SILENCE_S_MAX, 1_000.0)
    with pytest.raises(AnswerError, match="by: "):
        silence(FIRING, 1_600.0, 1_000.0, "x" * 201)


@pytest.mark.parametrize(
    ("now", "left_s"),
    [(1_000.0, 600.0), (1_200.0, 400.0), (1_600.0, 0.0), (90_000.0, 0.0), (0.0, 600.0)],
)
def test_silence_after_a_restart_ends_at_its_time_or_earlier(now: float, left_s: float) -> None:
    """The time the process was away counts; a clock that was set back meanwhile adds nothing."""
    assert resumed(silence(FIRING, 1_600.0, 1_000.0), now).silence_left_s == left_s


def test_state_without_a_silence_is_resumed_as_it_was() -> None:
    """A remainder without an end is none."""
    assert resumed(FIRING, 5.0) == FIRING
    assert resumed(AlertState(silence_left_s=50.0), 5.0) == AlertState()
