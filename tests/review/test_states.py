"""Statuses of items, leases and undo."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sidecar.review import (
    ACTIONS,
    LEASE_S_MAX,
    STATUSES,
    TABLE,
    Held,
    ReviewError,
    after,
    claimable,
    lease_until,
    status_at,
    undoable,
)
from sidecar.review.states import Action, Status

NOW = 1_000.0


@dataclass(frozen=True)
class Event:
    event_id: int
    author: str
    action: str
    undone: int | None = None


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_leaves_what_the_table_says_or_is_refused(status: Status, action: Action) -> None:
    """Of one's own item; a refusal names the status and what can be done instead."""
    held = Held(status, "ann" if status == "in_review" else "", NOW + 60)
    if (status, action) in TABLE:
        assert after(held, action, "ann", NOW) == TABLE[status, action]
    else:
        with pytest.raises(ReviewError, match=rf"status: {action} can't be done to what is {status}, only ") as raised:
            after(held, action, "ann", NOW)
        assert raised.value.field == "status"


def test_the_table_ends_where_it_should() -> None:
    """What is reviewed goes back by undo alone; only what is in review is released; what is rejected stays so."""
    assert {to for (status, _), to in TABLE.items() if status in ("labeled", "rejected")} == {"labeled", "rejected"}
    assert [status for status, action in TABLE if action == "release"] == ["in_review"]
    assert ("rejected", "reject") not in TABLE
    assert {status for status, action in TABLE if action == "claim"} == {"needs_review", "in_review"}


@pytest.mark.parametrize("action", [action for action in ACTIONS if action != "undo"])
def test_what_another_holds_is_left_to_them(action: Action) -> None:
    """Until the lease ran out, to the very end; then it needs review again."""
    held = Held("in_review", "ann", NOW + 90)
    with pytest.raises(ReviewError, match="claimed_by: 'ann' holds it for another 90 s"):
        after(held, action, "bob", NOW)
    assert status_at(held, NOW + 90) == "needs_review"
    if action != "release":
        assert after(held, action, "bob", NOW + 90) == TABLE["needs_review", action]


def test_a_lease_that_ran_out_can_be_claimed_by_all() -> None:
    """Its holder as well, who could prolong it before."""
    held = Held("in_review", "ann", NOW)
    assert claimable(held, "ann", NOW - 1)
    assert not claimable(held, "bob", NOW - 1)
    assert claimable(held, "ann", NOW)
    assert claimable(held, "bob", NOW)
    assert not claimable(Held("labeled"), "bob", NOW)


def test_nobody_in_particular_does_nothing() -> None:
    """The record of who did what needs a name."""
    with pytest.raises(ReviewError, match="by: say who does it"):
        after(Held("needs_review"), "label", "", NOW)


@pytest.mark.parametrize("lease_s", [9.9, LEASE_S_MAX + 1, float("nan"), float("inf"), -5])
def test_a_lease_is_neither_too_short_nor_too_long(lease_s: float) -> None:
    """Ten seconds to a day."""
    with pytest.raises(ReviewError, match=r"lease_s: .* is not within 10 and 86400 seconds"):
        lease_until(NOW, lease_s)


def test_the_last_thing_done_is_taken_back_by_who_did_it() -> None:
    """Undo after undo goes back step by step; undos themselves are passed over."""
    events = [
        Event(1, "ann", "claim"),
        Event(2, "ann", "label"),
        Event(3, "ann", "reject", undone=4),
        Event(4, "ann", "undo"),
    ]
    assert undoable(events, "ann").event_id == 2
    with pytest.raises(ReviewError, match="by: the last thing done was label by 'ann', who alone may undo it"):
        undoable(events, "bob")
    with pytest.raises(ReviewError, match="status: there is nothing to undo"):
        undoable([Event(1, "ann", "label", undone=2), Event(2, "ann", "undo")], "ann")
    with pytest.raises(ReviewError, match="nothing to undo"):
        undoable([], "ann")


class OneItem(RuleBasedStateMachine):
    """Two people, one item, a clock: whatever they do, the book is kept as a store would keep it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.held = Held("needs_review")
        self.events: list[Event] = []
        self.before: dict[int, Held] = {}

    @rule(seconds=st.floats(0.0, 100.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(by=st.sampled_from(["ann", "bob"]), action=st.sampled_from([one for one in ACTIONS if one != "undo"]))
    def act(self, by: str, action: Action) -> None:
        holder = self.held.claimed_by if status_at(self.held, self.now) == "in_review" else ""
        try:
            status = after(self.held, action, by, self.now)
        except ReviewError:
            assert holder != by or (status_at(self.held, self.now), action) not in TABLE
            return
        assert holder in ("", by)
        event = Event(len(self.events) + 1, by, action)
        self.before[event.event_id] = self.held
        self.events.append(event)
        self.held = Held(status, by, self.now + 60) if status == "in_review" else Held(status)

    @rule(by=st.sampled_from(["ann", "bob"]))
    def undo(self, by: str) -> None:
        try:
            event = undoable(self.events, by)
        except ReviewError:
            return
        assert event.author == by
        undo = Event(len(self.events) + 1, by, "undo")
        place = self.events.index(event)
        self.events[place] = Event(event.event_id, by, event.action, undone=undo.event_id)
        self.events.append(undo)
        self.held = self.before[event.event_id]

    @invariant()
    def held_by_one_at_most(self) -> None:
        assert sum(claimable(self.held, by, self.now) for by in ("ann", "bob")) in (
            {1} if status_at(self.held, self.now) == "in_review" else {0, 2}
        )

    @invariant()
    def undone_to_the_end_it_is_as_it_was(self) -> None:
        left = [event for event in self.events if event.undone is None and event.action != "undo"]
        if not left:
            assert self.held == Held("needs_review")


TestOneItem = OneItem.TestCase
