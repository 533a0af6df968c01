"""The addresses of an upstream and their states: every transition of the table, and what it rests on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.proxy.endpoints import REASON_CHARS_MAX, SERVING, TABLE, Endpoint, Endpoints, Event, Place, State
from sidecar.types import Limits

LIMITS = Limits(ejection_failures=3, ejection_s=10.0, ejection_max_s=35.0)
ACTIVE = {Event.CONNECTED, Event.CONNECT_FAILED, Event.CHECK_PASSED, Event.CHECK_FAILED}
MOVES = {
    (State.NEW, Event.CONNECTED): State.UP,
    (State.NEW, Event.CHECK_PASSED): State.UP,
    (State.NEW, Event.CHECK_FAILED): State.DOWN,
    (State.UP, Event.CONNECT_FAILED): State.DOWN,
    (State.UP, Event.CHECK_FAILED): State.DOWN,
    (State.UP, Event.FAILED_TOO_OFTEN): State.EJECTED,
    (State.DOWN, Event.CONNECTED): State.UP,
    (State.DOWN, Event.CHECK_PASSED): State.UP,
    (State.EJECTED, Event.CONNECT_FAILED): State.DOWN,
    (State.EJECTED, Event.CHECK_FAILED): State.DOWN,
    (State.EJECTED, Event.BACK_OFF_OVER): State.TRIAL,
    (State.EJECTED, Event.NEEDED): State.TRIAL,
    (State.TRIAL, Event.CONNECT_FAILED): State.DOWN,
    (State.TRIAL, Event.CHECK_FAILED): State.DOWN,
    (State.TRIAL, Event.SUCCEEDED): State.UP,
    (State.TRIAL, Event.FAILED_TOO_OFTEN): State.EJECTED,
}
"""All that change something; every other event leaves a state as it is."""


def addresses(number: int, limits: Limits = LIMITS, up: bool = True) -> tuple[Endpoints, list[Endpoint]]:
    """That many addresses, which are up."""
    pool = Endpoints([Place(f"10.0.0.{n + 1}", 80, "m") for n in range(number)], limits)
    if up:
        for endpoint in pool:
            pool.tell(endpoint, Event.CHECK_PASSED, 0.0)
    return pool, list(pool)


def fail(pool: Endpoints, endpoint: Endpoint, now: float, times: int = LIMITS.ejection_failures) -> None:
    for _ in range(times):
        pool.tell(endpoint, Event.FAILED, now)


@pytest.mark.parametrize("event", list(Event), ids=lambda event: event.value)
@pytest.mark.parametrize("state", list(State), ids=lambda state: state.value)
def test_every_event_in_every_state_leads_where_the_theory_says(state: State, event: Event) -> None:
    """The table is total, and moves nothing that is not said here."""
    endpoint = Endpoint(Place("10.0.0.1", 80, "m"))
    endpoint.state = state
    endpoint.take(event, 0.0, LIMITS)
    assert endpoint.state is MOVES.get((state, event), state) is TABLE[state][event]


def test_only_what_was_tried_actively_moves_between_up_and_down() -> None:
    """What becomes of a request never takes an address down, nor brings one up that takes no connection."""
    for (state, event), to in MOVES.items():
        if State.DOWN in (state, to) or state is State.NEW:
            assert event in ACTIVE


def test_an_address_is_ejected_at_the_bound_and_not_before() -> None:
    """Failures count in a row: a success between them begins anew."""
    pool, (first, _) = addresses(2)
    fail(pool, first, 0.0, 2)
    pool.tell(first, Event.SUCCEEDED, 0.0)
    fail(pool, first, 0.0, 2)
    assert first.state is State.UP
    pool.tell(first, Event.FAILED, 0.0)
    assert (first.state, first.ejections) == (State.EJECTED, 1)


def test_the_last_healthy_address_is_never_ejected() -> None:
    """Neither the only one, nor the last that is up beside one that is down, away or on trial."""
    pool, (only,) = addresses(1)
    fail(pool, only, 0.0, 50)
    assert only.state is State.UP
    for event in (Event.CHECK_FAILED, Event.FAILED_TOO_OFTEN):
        pool, (first, last) = addresses(2)
        first.take(event, 0.0, LIMITS)
        fail(pool, last, 0.0, 50)
        first.take(Event.BACK_OFF_OVER, 0.0, LIMITS)
        fail(pool, last, 0.0, 50)
        assert last.state is State.UP


def test_without_a_bound_nothing_is_ejected() -> None:
    """ejection_failures 0 turns it off."""
    pool, (first, _) = addresses(2, replace(LIMITS, ejection_failures=0))
    fail(pool, first, 0.0, 50)
    assert first.state is State.UP


def test_each_ejection_soon_after_lasts_twice_as_long_up_to_the_bound() -> None:
    """And one long after the last begins at the first length again."""
    pool, (first, _) = addresses(2)
    now, lengths = 0.0, []
    for _ in range(4):
        fail(pool, first, now)
        lengths.append(first.away_until - now)
        now = first.away_until
        assert pool.choose(now) is first  # on trial, which fails at once
    assert lengths == [10.0, 20.0, 35.0, 35.0]
    pool.tell(first, Event.SUCCEEDED, now)
    fail(pool, first, now + 36.0)
    assert first.away_until == now + 46.0


def test_an_ejected_address_gets_nothing_before_its_time_and_then_one_request() -> None:
    """While that one is under way the others serve; its success brings all back."""
    pool, (first, second) = addresses(2)
    fail(pool, first, 0.0)
    assert [pool.choose(9.9) for _ in range(3)] == [second] * 3
    assert pool.choose(10.0) is first
    first.outstanding = 1
    second.outstanding = 7
    assert pool.choose(10.0) is second
    first.outstanding = 0
    pool.tell(first, Event.SUCCEEDED, 10.1)
    assert (first.state, pool.choose(10.1)) == (State.UP, first)


def test_a_trial_that_fails_ejects_at_once() -> None:
    """One failure is enough, and the time away is doubled."""
    pool, (first, second) = addresses(2)
    fail(pool, first, 0.0)
    assert pool.choose(10.0) is first
    pool.tell(first, Event.FAILED, 10.0)
    assert (first.state, first.away_until, pool.choose(10.0)) == (State.EJECTED, 30.0, second)


def test_where_no_other_is_left_an_ejected_address_serves_again() -> None:
    """It takes connections, which one that is down does not; and with every one down the least bad is tried."""
    pool, (first, second) = addresses(2)
    fail(pool, first, 0.0)
    pool.tell(second, Event.CONNECT_FAILED, 0.0)
    assert pool.up
    assert (pool.choose(0.0), first.state) == (first, State.TRIAL)
    pool.tell(first, Event.CHECK_FAILED, 0.0)
    assert not pool.up
    assert pool.choose(0.0) in (first, second)


def test_an_address_that_never_served_comes_after_all_that_do() -> None:
    """As the second family of a name whose server listens on one: it is not called down either."""
    pool, (first, second) = addresses(2, up=False)
    pool.tell(first, Event.CONNECT_FAILED, 0.0, "connection refused")
    pool.tell(second, Event.CHECK_PASSED, 0.0)
    assert [pool.choose(0.0) for _ in range(3)] == [second] * 3
    assert (first.state, first.reason) == (State.NEW, "connection refused")


def test_an_address_that_takes_no_connection_and_is_the_only_one_of_its_name_is_down() -> None:
    """Where nothing else may be the same server there is nothing to wait for: several URLs are several names."""
    pool = Endpoints([Place("10.0.0.1", 80, "one"), Place("10.0.0.1", 81, "one"), Place("10.0.0.1", 80, "two")], LIMITS)
    for endpoint in pool:
        pool.tell(endpoint, Event.CONNECT_FAILED, 0.0, "connection refused")
    assert [endpoint.state for endpoint in pool] == [State.DOWN] * 3


def test_an_address_has_the_reason_of_its_last_fault_until_it_is_up() -> None:
    """The latest of those that follow each other, of bounded length; of an ejection how it came about."""
    pool, (first, _) = addresses(2)
    assert first.told(0.0)["reason"] == ""
    for reason in ("the health path answered 404", "x" * 999):
        pool.tell(first, Event.CHECK_FAILED, 0.0, reason)
        assert first.reason[:28] == reason[:28]
    assert len(first.told(0.0)["reason"]) == REASON_CHARS_MAX
    pool.tell(first, Event.CHECK_PASSED, 0.0)
    assert first.reason == ""
    fail(pool, first, 0.0)
    assert first.told(1.0) == {
        **{"address": "10.0.0.1:80", "state": "ejected", "reason": "requests failed: 3 in a row"},
        **{"in_flight": 0, "failures": 0, "ejections": 1, "retry_s": 9.0},
    }
    pool.choose(10.0)
    pool.tell(first, Event.FAILED, 10.0)
    assert (first.state, first.reason) == (State.EJECTED, "the request on trial failed")
    pool.choose(30.0)
    pool.tell(first, Event.SUCCEEDED, 30.0)
    assert first.reason == ""


def test_load_goes_to_the_address_with_the_least_under_way_and_ties_take_turns() -> None:
    """Whoever is slow gets less."""
    pool, endpoints = addresses(3)
    assert [pool.choose(0.0) for _ in range(6)] == endpoints * 2
    endpoints[0].outstanding = 5
    chosen = [pool.choose(0.0) for _ in range(4)]
    assert chosen == [endpoints[1], endpoints[2]] * 2


def test_what_was_tried_already_is_passed_over() -> None:
    """None is left once all were."""
    pool, (first, second) = addresses(2)
    assert pool.choose(0.0, [first]) is second
    assert pool.choose(0.0, [first, second]) is None
    assert Endpoints([], LIMITS).choose(0.0) is None


def test_addresses_that_a_name_keeps_keep_their_state() -> None:
    """Those that are gone are given to be drained, and what is heard of them later changes nothing else."""
    told: list[tuple[str, State]] = []
    places = [Place(f"10.0.0.{n}", 80, "m") for n in (1, 2, 3)]
    pool = Endpoints(places[:2], LIMITS, lambda endpoint, before: told.append((endpoint.place.address, before)))
    first, second = pool
    pool.tell(first, Event.CHECK_PASSED, 0.0)
    pool.tell(second, Event.CHECK_PASSED, 0.0)
    assert pool.follow([places[2], places[1]]) == [first]
    assert [(one.place.address, one.state) for one in pool] == [("10.0.0.3", State.NEW), ("10.0.0.2", State.UP)]
    fail(pool, first, 0.0, 9)
    pool.tell(first, Event.CONNECT_FAILED, 0.0)
    assert told == [("10.0.0.1", State.NEW), ("10.0.0.2", State.NEW)]


def test_a_name_of_many_addresses_is_bounded() -> None:
    """What is over the bound is not used."""
    pool = Endpoints([], replace(LIMITS, upstream_addresses_max=2))
    pool.follow([Place(f"10.0.0.{n}", 80, "m") for n in range(9)])
    assert len(pool) == 2


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(list(Event)), st.floats(0, 60)), max_size=60))
def test_whatever_happens_someone_is_chosen_and_ejection_leaves_one_that_serves(
    story: list[tuple[int, Event, float]],
) -> None:
    """An address goes away only beside one that is up, and only up to the bound; some address is always given."""
    pool, endpoints = addresses(3, replace(LIMITS, ejection_failures=2))
    now = 0.0
    for which, event, passed_s in story:
        now += passed_s
        if event is Event.FAILED_TOO_OFTEN:
            continue  # never told from outside
        endpoint = endpoints[which]
        before = endpoint.state
        pool.tell(endpoint, event, now)
        if endpoint.state is State.EJECTED and before is not State.EJECTED:
            assert any(other.state is State.UP for other in endpoints if other is not endpoint)
            assert now < endpoint.away_until <= now + LIMITS.ejection_max_s
        chosen = pool.choose(now)
        assert chosen is not None
        assert chosen.state in SERVING or not pool.up
