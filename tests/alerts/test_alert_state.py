"""An alert's state as a document."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.alerts.alert_state import AlertState, State

numbers = st.floats(allow_nan=False, allow_infinity=False)
maybe = st.none() | numbers
states = st.builds(
    AlertState,
    state=st.sampled_from(State),
    since=numbers,
    held_s=numbers,
    resolved_s=numbers,
    value=maybe,
    samples=st.integers(0, 2**50),
    detail=st.dictionaries(st.text(max_size=5), numbers, max_size=3),
    sentence=st.text(max_size=20),
    fired_at=maybe,
    acknowledged_by=st.text(max_size=9),
    acknowledged_at=maybe,
    silenced_by=st.text(max_size=9),
    silenced_until=maybe,
    silence_left_s=numbers,
    flapping=st.booleans(),
    fired_ages_s=st.lists(numbers, max_size=3).map(tuple),
    told=st.sampled_from(("", "firing", "flapping")),
)


@given(states)
def test_state_comes_back_from_json_as_it_was(state: AlertState) -> None:
    """A restart loses nothing."""
    assert AlertState.from_dict(json.loads(json.dumps(state.to_dict(), allow_nan=False))) == state


def test_new_alert_is_what_an_empty_document_is() -> None:
    """Keys another release did not write are as in a new alert."""
    assert AlertState.from_dict({}) == AlertState()


def test_keys_of_another_release_are_ignored() -> None:
    """And those both know are kept."""
    state = AlertState.from_dict({"state": "firing", "told": "firing", "mood": "grim", "since": 5})
    assert state == AlertState(State.FIRING, since=5.0, told="firing")


@pytest.mark.parametrize("rubbish", [None, "x", 7, True, [], {}, ["x"], {"x": "y"}, float("nan"), float("inf")])
@pytest.mark.parametrize("key", sorted(AlertState().to_dict()))
def test_value_this_release_can_not_read_is_as_in_a_new_alert(key: str, rubbish: Any) -> None:
    """No document stops the alerts; what can be read is."""
    state = AlertState.from_dict({**AlertState().to_dict(), key: rubbish})
    written = json.loads(json.dumps(state.to_dict(), allow_nan=False))
    assert AlertState.from_dict(written) == state
    others = {name: value for name, value in AlertState().to_dict().items() if name != key}
    assert {name: value for name, value in state.to_dict().items() if name != key} == others
