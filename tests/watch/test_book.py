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

    def canonical(self, channel: str) -> str:
        return channel.strip().lower()


def book_of(room: Room) -> Book:
    return Book(Alerts(room.store), Mail(), room.clock.wall, lambda: "https://here", lambda: room.store.generation)


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
    await book.update(entry.row.alert_id, name="Confidence")
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


async def test_channels_that_come_and_go_while_it_fires_are_told(room: Room, book: Book) -> None:
    """Who is taken off the list hears the end, who is put on it hears of the firing, the others hear nothing."""
    entry = await make(book, notify=["email:a@b.c", "email:stays@b.c"])
    await fire(book, entry)
    await book.update(entry.row.alert_id, notify=["email:stays@b.c", "email:new@b.c"])
    rows = await Notifications(room.store).of_alert(entry.row.alert_id)
    told = {(row.channel, row.kind) for row in rows}
    assert told == {
        ("email:a@b.c", "firing"),
        ("email:stays@b.c", "firing"),
        ("email:a@b.c", "resolved"),
        ("email:new@b.c", "firing"),
    }
    assert len(rows) == 4


async def test_refused_edit_changes_nothing(room: Room, book: Book) -> None:
    """A name that is taken neither ends the firing nor tells anybody."""
    entry = await make(book)
    await make(book, name="Other")
    await fire(book, entry)
    with pytest.raises(Clash, match="name: "):
        await book.update(entry.row.alert_id, name="Other", condition=LOW | {"threshold": 0.5})
    assert book.get(entry.row.alert_id).state.state is State.FIRING
    assert book.get(entry.row.alert_id).condition.threshold == 0.7
    assert len(await Notifications(room.store).of_alert(entry.row.alert_id)) == 1


async def test_end_by_hand_is_told_in_spite_of_a_silence_which_goes_on(room: Room, book: Book) -> None:
    """It is the last chance to tell those who heard of the firing; an edited rule stays silenced."""
    entry = await make(book)
    await fire(book, entry)
    await book.silence(entry.row.alert_id, room.clock.now + 600, "ada")
    await book.update(entry.row.alert_id, condition=LOW | {"threshold": 0.5})
    assert [row.kind for row in await Notifications(room.store).of_alert(entry.row.alert_id)] == ["resolved", "firing"]
    assert book.get(entry.row.alert_id).state.silenced


async def test_alerts_outlive_a_store_that_was_set_aside(room: Room, book: Book) -> None:
    """What is in memory goes into the fresh store; what fires is told again, since nobody knows what was sent."""
    entry = await make(book)
    await fire(book, entry)
    await room.store._start_afresh(room.store._connection)
    await book.reinstate()
    again = book_of(room)
    await again.restore()
    (found,) = again.all()
    assert (found.row.name, found.state.state, found.state.told) == ("Low", State.FIRING, "")
    await book.acknowledge(entry.row.alert_id, "ada")


@pytest.mark.parametrize(
    ("scope", "metric", "field", "says"),
    [
        (Scope("det"), "dropped", "model_id", "leave the model empty"),
        (Scope(""), "error_rate", "model_id", "without one there are dropped, backlog, guardrail_stops"),
        (Scope("det", "2"), "guardrail_stops", "model_id", "name the model alone"),
        (Scope("det", "", "cam-1"), "guardrail_stops", "slice", "leave it out"),
    ],
)
async def test_metric_is_watched_of_what_it_is_of(book: Book, scope: Scope, metric: str, field: str, says: str) -> None:
    """A rule that could never be measured is a fault, at the field to change."""
    condition = {"metric": metric, "operator": "gt", "threshold": 0, "window": "1h"}
    with pytest.raises(Faults) as caught:
        await make(book, scope=scope, condition=condition)
    ((where, message),) = caught.value.faults
    assert where == field
    assert says in message


async def test_stops_are_watched_of_one_model_or_of_all(book: Book) -> None:
    """With a model its own tests count, without one those of all models."""
    condition = {"metric": "guardrail_stops", "operator": "gt", "threshold": 0, "window": "1h"}
    assert [(await make(book, scope=Scope(model), condition=condition)).row.model for model in ("", "det")] == [
        "",
        "det",
    ]
