from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.recording import AlertRow, Alerts, Change, NotificationRow, Notifications, Store

TOLD = NotificationRow(0, "a1", None, "email:team@company.com", "firing", {"sentence": "..."}, 5.0)


async def queued(store: Store, row: AlertRow, *rows: NotificationRow) -> Notifications:
    alerts = Alerts(store)
    if await alerts.get(row.alert_id) is None:
        await alerts.create(row)
    present = await alerts.get(row.alert_id)
    assert present is not None
    assert await alerts.record([Change(present, notifications=rows)]) == []
    return Notifications(store)


async def test_open_ones_come_oldest_first_and_whole(store: Store, make_alert) -> None:
    """What was queued first comes first, whatever its clock said."""
    rows = [replace(TOLD, queued_at=float(9 - number), kind=str(number)) for number in range(5)]
    notifications = await queued(store, make_alert(), *rows)
    found = await notifications.open(3)
    assert found == [replace(row, id=item.id) for row, item in zip(rows, found, strict=False)]
    with pytest.raises(ValueError, match=r"^limit:"):
        await notifications.open(0)


async def test_channel_that_is_left_out_does_not_hide_the_others(store: Store, make_alert) -> None:
    """However much waits for a failing channel, the limit is there for the rest."""
    notifications = await queued(store, make_alert(), *[TOLD] * 20, replace(TOLD, channel="slack:#x"))
    assert {row.channel for row in await notifications.open(5)} == {TOLD.channel}
    assert [row.channel for row in await notifications.open(5, without={TOLD.channel})] == ["slack:#x"]
    assert await notifications.open(5, without=(TOLD.channel, "slack:#x")) == []


async def test_sent_and_given_up_leave_the_open_ones(store: Store, make_alert) -> None:
    """An attempt is marked before it is made; a failure waits for the next one, an outcome is final."""
    notifications = await queued(store, make_alert(), *[TOLD] * 3)
    first, second, third = [row.id for row in await notifications.open(10)]
    await notifications.started(first, 6.0)
    assert (await notifications.open(1))[0] == replace(TOLD, id=first, started_at=6.0, attempts=1)
    await notifications.failed(first, 7.0, "refused", False)
    assert (await notifications.open(1))[0] == replace(TOLD, id=first, attempts=1, error="refused")
    await notifications.started(first, 8.0)
    await notifications.sent(first, 9.0)
    await notifications.started(second, 8.0)
    await notifications.failed(second, 9.5, "no such address", True)
    assert [row.id for row in await notifications.open(10)] == [third]
    for late in (notifications.sent(second, 99.0), notifications.failed(first, 99.0, "late", True)):
        await late
    assert await notifications.of_alert("a1", 10) == [
        replace(TOLD, id=third),
        replace(TOLD, id=second, attempts=1, gave_up_at=9.5, error="no such address"),
        replace(TOLD, id=first, attempts=2, started_at=8.0, sent_at=9.0),
    ]
    assert await notifications.counts() == {"waiting": 1, "sent": 1, "gave_up": 1}


async def test_notifications_of_an_alert_come_newest_first(store: Store, make_alert) -> None:
    """Those of others are left out, and no more come than were asked for."""
    notifications = await queued(store, make_alert(), *[replace(TOLD, kind=str(number)) for number in range(5)])
    await queued(store, make_alert(2), replace(TOLD, alert_id="a2"))
    assert [row.kind for row in await notifications.of_alert("a1", 2)] == ["4", "3"]
    assert len(await notifications.of_alert("a2")) == 1
    assert await notifications.of_alert("caf\udce9") == []


async def test_attempt_without_outcome_is_known_after_a_restart(store: Store, make_alert, tmp_path: Path) -> None:
    """A message that was begun and not recorded as sent is open, with the time it was begun."""
    notifications = await queued(store, make_alert(), TOLD, TOLD)
    (first, _) = await notifications.open(2)
    await notifications.started(first.id, 6.0)
    await store.close()
    reopened = await Store.open(tmp_path)
    try:
        found = await Notifications(reopened).open(2)
        assert [(row.started_at, row.attempts) for row in found] == [(6.0, 1), (None, 0)]
    finally:
        await reopened.close()


async def test_ids_are_never_used_again(store: Store, make_alert) -> None:
    """A receiver that goes by the id takes no new message for an old one, even after retention."""
    notifications = await queued(store, make_alert(), TOLD)
    (row,) = await notifications.open(1)
    await notifications.sent(row.id, 5.0)
    await store.retain(now=1e9, age_s=1e12, bytes_max=1 << 40)
    assert await notifications.of_alert("a1") == []
    await queued(store, make_alert(), TOLD)
    assert (await notifications.open(1))[0].id > row.id


async def test_each_step_is_committed_in_full(store: Store, make_alert, commits: list[str]) -> None:
    """Beginning, sending and failing are each safe from a power cut before the next step."""
    notifications = await queued(store, make_alert(), TOLD)
    (row,) = await notifications.open(1)
    await notifications.started(row.id, 6.0)
    await notifications.failed(row.id, 6.0, "caf\udce9", False)
    await notifications.sent(row.id, 6.0)
    assert commits == ["FULL"] * 5


async def test_error_of_any_bytes_is_stored(store: Store, make_alert) -> None:
    """What a mail server answered need not be UTF-8."""
    notifications = await queued(store, make_alert(), TOLD)
    (row,) = await notifications.open(1)
    await notifications.failed(row.id, 6.0, "554 caf\udce9", True)
    assert (await notifications.of_alert("a1"))[0].error == "554 caf?"


async def test_store_set_aside_goes_on_with_the_same_notifications(store: Store, make_alert, damage_store) -> None:
    """A step of a message that went with the damaged store is no error."""
    notifications = await queued(store, make_alert(), TOLD)
    (row,) = await notifications.open(1)
    await damage_store()
    await notifications.sent(row.id, 6.0)
    assert len(store.health.set_aside) == 1
    assert await notifications.counts() == {"waiting": 0, "sent": 0, "gave_up": 0}


async def test_waiting_are_counted_without_reading_what_is_done(store: Store, make_alert) -> None:
    """Those that are neither sent nor given up, by an index that has them side by side."""
    notifications = await queued(store, make_alert(), *[TOLD] * 5)
    assert await notifications.waiting() == 5
    first, second, *_ = [row.id for row in await notifications.open(10)]
    await notifications.sent(first, 6.0)
    await notifications.failed(second, 6.0, "no such address", True)
    assert await notifications.waiting() == (await notifications.counts())["waiting"] == 3
    statements: list[str] = []
    await store._connection.set_trace_callback(statements.append)
    await notifications.waiting()
    await store._connection.set_trace_callback(lambda statement: None)
    ((*_, step),) = await store.fetch(f"EXPLAIN QUERY PLAN {statements[-1]}")
    assert step.startswith("SEARCH notifications USING COVERING INDEX")
    assert step.endswith("(sent_at=? AND gave_up_at=?)")
