"""Alerts and the ways of changing them, on a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from sidecar.alerts import AlertState, State
from sidecar.recording import Alerts, Notifications
from sidecar.watch import Book, Clash, Fault, Faults, Missing, Scope
from tests.watch.room import Room

LOW = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}


class Mail:
    """Channels that know mail only."""

    def fault(self, channel: str) -> str:
        return "" if channel.startswith("email:") else f"{channel!r} is no channel"

    def warning(self, channel: str) -> str:
        return "no SMTP server is configured"


def book_of(room: Room) -> Book:
    return Book(Alerts(room.store), Mail, room.clock.wall, lambda: "https://here")


@pytest.fixture
async def book(room: Room) -> AsyncIterator[Book]:
    return book_of(room)


async def make(book: Book, name: str = "Low", **changes: Any):
    given = {"scope": Scope("det"), "condition": LOW, "notify": ["email:team@company.com"]} | changes
    return await book.create(given.pop("scope"), name, given.pop("condition"), given.pop("notify"), **given)


async def fire(book: Book, entry: Any) -> None:
    """As a round would, with its notice."""
    state = AlertState(State.FIRING, since=1.0, value=0.5, sentence="It is 0.5.", fired_at=1.0, told="firing")
    async with book.lock:
        await book.record([(entry, state, None, "firing")])


async def test_alert_survives_a_restart_as_it_was(room: Room, book: Book) -> None:
    """Rule, state and revision come back; what was written last is what holds."""
    entry = await make(book)
    await fire(book, entry)
    await book.acknowledge(entry.row.alert_id, "ada")
    again = book_of(room)
    await again.restore()
    (found,) = again.all()
    assert found.condition == entry.condition
    assert found.state == entry.state
    assert found.state.acknowledged_by == "ada"
    await again.silence(found.row.alert_id, room.clock.now + 60, "ada")


async def test_every_fault_of_a_request_is_told_at_once(book: Book) -> None:
    """Condition and channels are judged together, and nothing is half-created."""
    with pytest.raises(Faults) as caught:
        await make(book, condition={"metric": "p99_latency", "operator": "lt", "window": "1h"}, notify=["pigeon:x"])
    fields = {field for field, _ in caught.value.faults}
    assert {"notify.0", "condition.metric"} <= fields
    assert book.all() == []


async def test_model_metric_without_a_model_is_a_fault(book: Book) -> None:
    """The sidecar itself has no confidence."""
    with pytest.raises(Faults, match="model_id: avg_confidence is of a model"):
        await make(book, scope=Scope(""))


async def test_name_that_is_taken_is_a_clash(book: Book) -> None:
    """Two rules of one name could not be told apart in a mail; on another slice it is free."""
    await make(book)
    with pytest.raises(Clash, match="name: "):
        await make(book)
    await make(book, scope=Scope("det", "", "north"))


async def test_acknowledging_what_does_not_fire_is_a_clash(book: Book) -> None:
    """So is an alert that is not there, and a silence that is over before it began."""
    entry = await make(book)
    with pytest.raises(Clash, match="alert_id: the alert is inactive"):
        await book.acknowledge(entry.row.alert_id, "ada")
    with pytest.raises(Fault, match="until: expected a time that is yet to come"):
        await book.silence(entry.row.alert_id, 5.0, "ada")
    with pytest.raises(Missing, match="alert_id: no alert"):
        await book.acknowledge("nope", "ada")


@pytest.mark.parametrize("how", ["delete", "disable", "change"])
async def test_firing_alert_that_ends_by_hand_is_announced_as_resolved(room: Room, book: Book, how: str) -> None:
    """Whoever heard that it fires hears that it no longer does, and the transition is kept."""
    entry = await make(book)
    await fire(book, entry)
    alert_id = entry.row.alert_id
    if how == "delete":
        await book.delete(alert_id)
    elif how == "disable":
        await book.update(alert_id, enabled=False)
    else:
        await book.update(alert_id, condition=LOW | {"threshold": 0.5})
    sent = await Notifications(room.store).of_alert(alert_id)
    assert [row.kind for row in sent] == ["resolved", "firing"]
    page = await Alerts(room.store).transitions(alert_id)
    assert [(row.from_state, row.to_state) for row in page.items] == [("firing", "inactive")]
    if how != "delete":
        assert book.get(alert_id).state.state is State.INACTIVE
        await book.silence(alert_id, room.clock.now + 60, "")  # the revision in hand is the store's


async def test_renaming_keeps_the_state(room: Room, book: Book) -> None:
    """An edit that does not touch the rule leaves a firing alert firing."""
    entry = await make(book)
    await fire(book, entry)
    await book.update(entry.row.alert_id, name="Confidence", notify=["email:other@company.com"])
    again = book_of(room)
    await again.restore()
    (found,) = again.all()
    assert (found.row.name, found.state.state) == ("Confidence", State.FIRING)
    assert len(await Notifications(room.store).of_alert(entry.row.alert_id)) == 1


async def test_alert_deleted_behind_the_book_is_dropped(room: Room, book: Book) -> None:
    """A state that no longer fits the store is never forced upon it."""
    entry = await make(book)
    await Alerts(room.store).delete(entry.row.alert_id, 5.0)
    async with book.lock:
        await book.record([(entry, replace(entry.state, value=0.1), None, "")])
    assert book.all() == []


async def test_rule_of_another_release_is_left_alone(room: Room, book: Book) -> None:
    """A metric this release does not know is said and skipped; the others are evaluated."""
    entry = await make(book)
    other = await make(book, name="Other")
    await Alerts(room.store).save(replace(entry.row, condition={"metric": "from_the_future"}))
    again = book_of(room)
    await again.restore()
    assert [found.row.alert_id for found in again.all()] == [other.row.alert_id]
