"""What of alerts is saved together, put back together, or not at all."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidecar.recording import (
    ALERTS_MAX,
    AlertRow,
    Alerts,
    Change,
    NotificationRow,
    Notifications,
    Store,
    StoreError,
    Taken,
    TransitionRow,
)
from sidecar.recording.files import store_path

FIRED = TransitionRow(0, "a1", 1_700_000_100.0, "pending", "firing", 0.5, "Errors 1: 50 % of requests failed")
TOLD = NotificationRow(0, "a1", None, "email:team@company.com", "firing", {"sentence": "..."}, 1_700_000_100.0)


def firing(row: AlertRow, **changes: Any) -> AlertRow:
    return replace(row, state={"state": "firing", "held_s": 300.0}, **changes)


async def test_definition_and_state_are_saved_together(store: Store, make_alert, commits: list[str]) -> None:
    """One transaction, safe from a power cut, has the new rule, the state it ends in, and who is told of it."""
    alerts, old = Alerts(store), make_alert()
    await alerts.create(old)
    edited = replace(old, name="Faults", condition={"metric": "slow_rate"}, enabled=False, updated_at=9.0)
    assert await alerts.save_with_state(edited, Change(firing(old), FIRED, [TOLD])) == []
    assert commits == ["FULL"] * 2
    assert await alerts.get("a1") == firing(edited, state_revision=1)
    (transition,) = (await alerts.transitions()).items
    assert [row.transition_id for row in await Notifications(store).open(10)] == [transition.id]


@pytest.mark.parametrize("fault", ["taken", "stale", "deleted", "unstorable"])
async def test_of_definition_and_state_neither_is_saved_where_one_cannot_be(
    store: Store, make_alert, fault: str
) -> None:
    """A name that is taken, a state that was overtaken, a row that can't be stored: nothing at all is written."""
    alerts, old = Alerts(store), make_alert()
    await alerts.create(old)
    await alerts.create(make_alert(2))
    edited = replace(old, name="Errors 2" if fault == "taken" else "Faults", enabled=False)
    change = Change(firing(old), replace(FIRED, at=float("nan")) if fault == "unstorable" else FIRED, [TOLD])
    if fault == "stale":
        assert await alerts.record([Change(replace(old, state={"by": "ann"}))]) == []
    if fault == "deleted":
        await alerts.delete("a1", 1.0)
    before = await alerts.all()
    if fault == "taken":
        with pytest.raises(Taken):
            await alerts.save_with_state(edited, change)
    elif fault == "unstorable":
        with pytest.raises(StoreError):
            await alerts.save_with_state(edited, change)
    else:
        assert await alerts.save_with_state(edited, change) == ["a1"]
    assert await alerts.all() == before
    assert (await alerts.transitions()).items == []
    assert await Notifications(store).open(10) == []


async def test_state_of_another_alert_is_not_saved_with_a_definition(store: Store, make_alert) -> None:
    """A caller's mistake is named before anything is written."""
    with pytest.raises(ValueError, match=r"^change: .*'a2'.*'a1'"):
        await Alerts(store).save_with_state(make_alert(1), Change(make_alert(2)))


async def test_alert_is_deleted_together_with_its_last_change(store: Store, make_alert, commits: list[str]) -> None:
    """Its end is a transition and a notification in the transaction that deletes it; overtaken, all of it is left."""
    alerts, row = Alerts(store), make_alert()
    await alerts.create(row)
    assert await alerts.record([Change(replace(row, state={"by": "ann"}))]) == []
    last = Change(firing(row), FIRED, [TOLD])
    assert await alerts.delete_with(last, 5.0) == ["a1"]
    assert [found.state for found in await alerts.all()] == [{"by": "ann"}]
    assert (await alerts.transitions()).items == []
    last = replace(last, row=replace(last.row, state_revision=1))
    assert await alerts.delete_with(last, 5.0) == []
    assert commits == ["FULL"] * 4
    assert await alerts.all() == []
    assert len((await alerts.transitions()).items) == 1
    assert len(await Notifications(store).open(10)) == 1
    assert await alerts.delete_with(last, 6.0) == ["a1"]
    assert await store.fetch("SELECT deleted_at FROM alerts") == [(5.0,)]


async def test_alerts_in_memory_are_put_back_after_their_store_was_set_aside(
    store: Store, make_alert, damage_store, commits: list[str]
) -> None:
    """Where the generation has grown, they come back with their states, and rounds go on from these."""
    alerts = Alerts(store)
    await alerts.create(make_alert(1))
    await alerts.create(make_alert(2, origin="default"))
    await alerts.record([Change(firing(make_alert(1)))])
    held = await alerts.all()
    await damage_store()
    assert await alerts.all() == []
    assert store.generation == 1
    await alerts.reinstate(held)
    assert await alerts.all() == held
    assert await alerts.default_names("yolo") == {"Errors 2"}
    assert await alerts.record([Change(replace(held[0], state={}))]) == []
    await alerts.reinstate([])


async def test_reinstating_leaves_what_is_there(store: Store, make_alert, commits: list[str]) -> None:
    """An id or a name that the store has stays as it is, a deleted alert stays deleted; the rest comes in at once."""
    alerts = Alerts(store)
    present = [make_alert(1, state={"by": "ann"}), make_alert(2, name="Errors 5")]
    for row in [*present, make_alert(3)]:
        await alerts.create(row)
    await alerts.delete("a3", 1.0)
    done = len(commits)
    await alerts.reinstate([make_alert(number, state_revision=7) for number in (1, 3, 4, 5)])
    assert commits[done:] == ["FULL"]
    assert await alerts.all() == [*present, make_alert(4, state_revision=7)]


async def test_reinstating_goes_past_the_bound(store: Store, make_alert) -> None:
    """Alerts that were made before the rest came back keep none of them out."""
    alerts = Alerts(store)
    await alerts.create(make_alert(ALERTS_MAX))
    await alerts.reinstate([make_alert(number) for number in range(ALERTS_MAX)])
    assert len(await alerts.all()) == ALERTS_MAX + 1


WRITER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from sidecar.recording import AlertRow, Alerts, Change, NotificationRow, Store, TransitionRow

async def main():
    alerts = Alerts(await Store.open(Path(sys.argv[1])))
    row = AlertRow("a1", "m", "1", "", "Errors", {}, (), "user", True, 0.0, 0.0, {"number": 0})
    await alerts.create(row)
    for number in range(1_000_000):
        row = replace(row, state={"number": number + 1}, state_revision=number)
        fired = TransitionRow(0, "a1", float(number), "pending", "firing", 0.5, "")
        told = NotificationRow(0, "a1", None, "webhook:x", "firing", {}, float(number))
        assert await alerts.record([Change(row, fired, [told])]) == []
        print(number + 1, flush=True)

asyncio.run(main())
"""


async def test_killed_writer_leaves_state_transition_and_notification_together(tmp_path: Path, kill_writer) -> None:
    """After kill -9 no state is without its transition and its notification, and nothing that was answered is lost."""
    told = kill_writer(WRITER, 30)
    store = await Store.open(tmp_path)
    try:
        assert store.health.set_aside == ()
        (row,) = await Alerts(store).all()
        with sqlite3.connect(store_path(tmp_path)) as connection:
            counts = connection.execute(
                "SELECT (SELECT COUNT(*) FROM transitions), (SELECT COUNT(*) FROM notifications)"
            ).fetchone()
        connection.close()
        assert row.state["number"] == row.state_revision >= told
        assert counts == (row.state_revision, row.state_revision)
    finally:
        await store.close()
