"""What must hold of any sequence of rounds and of what people do in between."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sidecar.alerts.alert_state import AlertState, Outcome, State
from sidecar.alerts.answers import acknowledge, silence
from sidecar.alerts.condition import Condition
from tests.kit.alert_rounds import AT_ONCE, Alert

B, OK, NONE, HELD = Outcome.BREACH, Outcome.OK, Outcome.NO_DATA, Outcome.HELD

conditions = st.builds(
    lambda for_s, no_data: replace(AT_ONCE, for_s=for_s, no_data=no_data),
    st.sampled_from((0.0, 10.0, 60.0)),
    st.sampled_from(("keep", "ok", "fire")),
)
rounds = st.lists(
    st.tuples(
        st.sampled_from((B, B, OK, OK, NONE, HELD)),
        st.sampled_from((0.0, 1.0, 10.0, 60.0, 3_000.0)),
        st.sampled_from(("", "", "", "", "acknowledge", "silence", "unsilence", "restart", "deafen")),
    ),
    max_size=60,
)


def answered(alert: Alert, answer: str) -> None:
    """What a person, or the end of the process, does before a round; ``deafen`` takes or gives all channels."""
    if answer == "acknowledge" and alert.state.state is State.FIRING:
        alert.state = acknowledge(alert.state, "ada", alert.now)
    elif answer == "silence":
        alert.state = silence(alert.state, alert.now + 100.0, alert.now)
    elif answer == "deafen":
        alert.heard = not alert.heard
    elif answer == "unsilence":
        alert.state = silence(alert.state, None, alert.now)
    elif answer == "restart":
        alert.state = AlertState.from_dict(json.loads(json.dumps(alert.state.to_dict(), allow_nan=False)))


@given(conditions, rounds)
def test_invariants_hold_of_any_sequence(condition: Condition, sequence: list[tuple[Outcome, float, str]]) -> None:
    """Firing after its time only; changes are transitions; no firing is untold; notices open and close in turn."""
    alert = Alert(condition)
    for outcome, elapsed_s, answer in sequence:
        answered(alert, answer)
        before = alert.state
        done = alert.round(outcome, elapsed_s)
        after = done.state
        assert (done.transition is not None) == (before.state is not after.state)
        if done.transition:
            assert (done.transition.from_state, done.transition.to_state) == (before.state, after.state)
            assert after.since == alert.now
        if after.state is State.FIRING and before.state is not State.FIRING:
            assert after.held_s >= condition.for_s
        if outcome is HELD or (outcome is NONE and condition.no_data == "keep"):
            assert (after.state, after.held_s) == (before.state, before.held_s)
        if after.state is not State.FIRING:
            assert not after.acknowledged
        if after.silenced or not alert.heard:
            assert not done.notice
            assert after.told == before.told
        elif not after.acknowledged:
            so = "flapping" if after.flapping else "firing" if after.state is State.FIRING else ""
            assert after.told == so, "whoever can be told knows what is so"
        assert len(after.fired_ages_s) <= 3
        assert after.held_s >= 0
    assert_alternating(alert.notices)


def assert_alternating(notices: list[str]) -> None:
    """A closing notice follows an opening one, and firing follows firing only by way of resolved or flapping."""
    follows = {
        "": {"firing", "flapping"},
        "firing": {"resolved", "flapping"},
        "flapping": {"settled", "firing"},
        "resolved": {"firing", "flapping"},
        "settled": {"firing", "flapping"},
    }
    for one, next_one in zip(["", *notices], notices, strict=False):
        assert next_one in follows[one], notices


@given(conditions, rounds, st.integers(0, 60))
def test_restart_anywhere_changes_nothing(
    condition: Condition, sequence: list[tuple[Outcome, float, str]], restart_at: int
) -> None:
    """Stepped, written down, read again and stepped on: the same states, transitions and notices as without."""
    straight, restarted = Alert(condition), Alert(condition)
    for number, (outcome, elapsed_s, answer) in enumerate(sequence):
        for alert in (straight, restarted):
            answered(alert, answer.replace("restart", ""))
        if number == restart_at:
            answered(restarted, "restart")
        assert straight.round(outcome, elapsed_s) == restarted.round(outcome, elapsed_s)


@given(conditions, rounds, st.floats(-1e9, 1e9))
def test_wall_clock_decides_nothing(
    condition: Condition, sequence: list[tuple[Outcome, float, str]], offset_s: float
) -> None:
    """The same rounds under any other wall clock have the same states and notices."""
    one, other = Alert(condition), Alert(condition)
    for number, (outcome, elapsed_s, answer) in enumerate(sequence):
        for alert in (one, other):
            answered(alert, answer)
            alert.round(outcome, elapsed_s)
        if number == len(sequence) // 2:
            other.now += round(offset_s)
    assert (one.states, one.notices) == (other.states, other.notices)
