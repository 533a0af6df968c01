"""The table of a job's statuses."""

import itertools

import pytest

from sidecar.training.states import ENDED, OPEN, STATUSES, TABLE, Event, StateError, follow


def test_what_has_ended_stays_as_it_is() -> None:
    """No event follows an end, whatever comes late."""
    for status, event in itertools.product(ENDED, Event):
        with pytest.raises(StateError, match=f"that is {status} can't {event.value}"):
            follow(status, event)


def test_every_open_status_can_be_cancelled_or_reach_every_end() -> None:
    """From each there is a way to each end."""
    assert {*OPEN, *ENDED} == set(STATUSES)
    for status in OPEN:
        reached, new = {status}, {status}
        while new:
            new = {after for (before, _), after in TABLE.items() if before in new} - reached
            reached |= new
        assert set(ENDED) <= reached


def test_a_report_is_for_jobs_that_wait() -> None:
    """What a trainer elsewhere says ends no command of this machine."""
    reports = [event for event in Event if event.value.startswith("report")]
    assert {status for (status, event) in TABLE if event in reports} == {"waiting"}
    assert {status for (status, event) in TABLE if event in (Event.EXIT, Event.EXIT_FAULTY)} == {"running"}
