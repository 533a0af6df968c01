"""The sender, against real receivers, on a clock that only the test moves: what is sent, in which order, how often."""

import json
from dataclasses import replace

import pytest

from sidecar.alerts.delivery import BATCH_S, KEYS_MAX, ROWS_MAX, SENDS_MAX, Sender
from tests.kit.alert_receivers import HttpReceiver, notice
from tests.kit.sending import WALL, MemoryStore, channels_to, kinds, settle
from tests.kit.wait import until


async def test_queued_notice_is_sent_and_recorded(running, store, receiver) -> None:
    """A waiting row goes out once and is recorded as sent."""
    row = store.add("webhook:a")
    async with running(store, channels_to(receiver)) as sender:
        await until(lambda: store.row(row).sent_at)
        assert (kinds(receiver), store.row(row).attempts) == (["firing"], 1)
        assert sender.stats.sent == {"webhook": 1}
        assert not sender.stats.repeated


async def test_new_row_goes_out_on_wake_without_waiting(running, store, receiver) -> None:
    """``wake`` makes the sender look at once, the clock standing still."""
    async with running(store, channels_to(receiver)) as sender:
        await settle()
        row = store.add("webhook:a")
        sender.wake()
        await until(lambda: store.row(row).sent_at)


async def test_new_row_goes_out_without_wake_in_time(running, store, clock, receiver) -> None:
    """A wake that was lost costs a few seconds, not the message."""
    async with running(store, channels_to(receiver)):
        await settle()
        row = store.add("webhook:a")
        await clock.advance(10.0)
        await until(lambda: store.row(row).sent_at)


async def test_nothing_goes_out_before_its_start_is_committed(running, store, receiver) -> None:
    """While the store has not taken the start of an attempt there is none."""
    store.stuck.add("started")
    store.add("webhook:a")
    async with running(store, channels_to(receiver)):
        await settle()
        assert receiver.posted == []


async def test_messages_of_one_channel_stay_in_order_through_a_failure(running, store, clock, receiver) -> None:
    """A resolved message waits behind the firing one that failed, and both arrive."""
    receiver.script.append(500)
    store.add("webhook:a", notice())
    store.add("webhook:a", notice(kind="resolved"))
    async with running(store, channels_to(receiver)) as sender:
        await until(lambda: store.row(1).error)
        await settle()
        assert kinds(receiver) == ["firing"]
        await clock.advance_until(lambda: store.row(2).sent_at)
        assert kinds(receiver) == ["firing", "firing", "resolved"]
        assert (sender.stats.failed, sender.stats.sent) == ({"webhook": 1}, {"webhook": 2})
    ids = [posted.headers["webhook-id"] for posted in receiver.posted]
    assert ids == ["a1-1", "a1-1", "a1-2"]


async def test_messages_of_one_receiver_stay_in_order_however_it_is_written(running, store, clock, receiver) -> None:
    """Two ways of writing one Alertmanager are one queue: it rests as one, and the end waits behind the beginning."""
    receiver.script.append(500)
    for written in ("alertmanager", "alertmanager:main", " Alertmanager :main"):
        store.add(written, notice(alert_id=written.strip()))
    async with running(store, channels_to(receiver)) as sender:
        await until(lambda: store.row(1).error)
        await settle()
        assert len(receiver.posted) == 1
        await clock.advance_until(lambda: store.row(3).sent_at)
    ids = [json.loads(posted.body)[0]["labels"]["alert_id"] for posted in receiver.posted]
    assert ids == ["alertmanager", "alertmanager", "alertmanager:main", "Alertmanager :main"]
    assert sender.stats.sent == {"alertmanager": 3}


async def test_many_waiting_on_one_channel_are_fetched_by_the_page(running, store, receiver) -> None:
    """250 messages are sent in order, for a few looks into the store rather than one each."""
    rows = [store.add("webhook:a", notice(alert_id=f"a{number}")) for number in range(2 * ROWS_MAX + 50)]
    async with running(store, channels_to(receiver)):
        await until(lambda: store.row(rows[-1]).sent_at, 90)
    ids = [json.loads(posted.body)["data"]["alert_id"] for posted in receiver.posted]
    assert ids == [f"a{number}" for number in range(len(rows))]
    assert store.looks < 20


async def test_page_is_fetched_anew_once_it_is_old(running, store, clock, receiver) -> None:
    """What was fetched a while ago may have changed, and other channels want their turn."""
    receiver.script.append("slow")
    for _ in range(3):
        store.add("webhook:a")
    async with running(store, channels_to(receiver)):
        await until(lambda: receiver.posted)
        looks = store.looks
        await clock.advance(BATCH_S)
        store.rows[1] = replace(store.rows[1], gave_up_at=WALL)
        receiver.released.set()
        await until(lambda: store.row(3).sent_at)
    assert len(receiver.posted) == 2
    assert store.looks >= looks + 2


async def test_new_configuration_holds_for_the_rest_of_a_page(running, store, receiver) -> None:
    """What was fetched before goes out by the new channels, each message once, also what leads elsewhere now."""
    other = HttpReceiver()
    await other.start()
    receiver.script.append("slow")
    for number in range(4):
        store.add("alertmanager", notice(alert_id=f"a{number}"))
    async with running(store, channels_to(receiver)) as sender:
        await until(lambda: receiver.posted)
        sender.configure(channels_to(other, alertmanagers={"next": other.url}))
        await settle()
        assert (len(receiver.posted), other.posted) == (1, [])
        store.rows[1] = replace(store.rows[1], gave_up_at=WALL)  # the page is fetched anew, and so knows of it
        receiver.released.set()
        await until(lambda: store.row(4).sent_at)
    ids = [json.loads(posted.body)[0]["labels"]["alert_id"] for posted in (*receiver.posted, *other.posted)]
    assert ids == ["a0", "a2", "a3"]
    assert len(receiver.posted) == 1
    await other.stop()


async def test_ways_of_writing_that_are_remembered_are_bounded(running, store, receiver) -> None:
    """More of them than are kept are served all the same."""
    rows = [store.add("webhook:" + " " * number + "a") for number in range(500)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sidecar.alerts.delivery.KEYS_MAX", 20)
        async with running(store, channels_to(receiver)) as sender:
            await until(lambda: store.row(rows[-1]).sent_at, 90)
    assert KEYS_MAX > 20
    assert len(sender._keys) <= 20 + ROWS_MAX
    assert len(receiver.posted) == 500


async def test_failing_channel_is_tried_after_growing_rests(running, store, clock, receiver) -> None:
    """The attempts come after 1, 2 and 4 seconds, none earlier."""
    receiver.always = 503
    store.add("webhook:a")
    async with running(store, channels_to(receiver)):
        await until(lambda: store.row(1).error)
        for rest, attempts in ((1.0, 1), (2.0, 2), (4.0, 3)):
            await clock.advance(rest - 0.01)
            assert store.row(1).attempts == attempts
            await clock.advance(0.02)
            await until(lambda attempts=attempts: store.row(1).attempts == attempts + 1 and not store.row(1).started_at)


async def test_retry_after_is_waited_for(running, store, clock, receiver) -> None:
    """A receiver that asks for 90 seconds gets them."""
    receiver.script.append((429, {"Retry-After": "90"}))
    store.add("webhook:a")
    async with running(store, channels_to(receiver)):
        await until(lambda: store.row(1).error)
        await clock.advance(89.0)
        assert store.row(1).attempts == 1
        await clock.advance(2.0)
        await until(lambda: store.row(1).sent_at)


async def test_failing_and_hanging_channels_hold_up_no_other(running, store, receiver) -> None:
    """Messages by other channels go out while one hangs and one fails, even behind a page full of theirs."""
    failing = HttpReceiver()
    await failing.start()
    failing.always = "stall"
    settings = {"slack": {"*": failing.url}}
    for _ in range(ROWS_MAX + 10):
        store.add("slack:#down")
    row = store.add("webhook:a")
    async with running(store, channels_to(receiver, **settings)):
        await until(lambda: store.row(row).sent_at and failing.posted)
        assert len(failing.posted) == 1
    await failing.stop()


async def test_sends_at_a_time_are_bounded_and_one_a_channel(running, store, clock, receiver) -> None:
    """With more channels than may send at once the bound holds, and all messages arrive in the end, in order."""
    receiver.always = "stall"
    for channel in "abcdefghijkl":
        store.add(f"webhook:{channel}")
        store.add(f"webhook:{channel}", notice(kind="resolved"))
    async with running(store, channels_to(receiver)) as sender:
        await until(lambda: len(receiver.posted) == SENDS_MAX)
        await settle()
        assert sorted(posted.path for posted in receiver.posted) == [f"/{channel}" for channel in "abcdefgh"]
        receiver.always = 200
        receiver.released.set()
        await until(lambda: sender.stats.sent["webhook"] == 8)
        await clock.advance_until(lambda: sender.stats.sent["webhook"] == 24)
    assert [kinds(receiver, f"/{channel}")[-2:] for channel in "al"] == [["firing", "resolved"]] * 2


async def test_test_of_a_channel_tells_what_came_of_it(receiver) -> None:
    """An empty text where the receiver took it; else why not, also for channels that are not configured or wrong."""
    sender = Sender(MemoryStore(), channels_to(receiver))
    tried = notice(kind="test")
    assert await sender.test("webhook:a", tried) == ""
    assert kinds(receiver) == ["test"]
    receiver.always = 403
    assert await sender.test("webhook:a", tried) == f"{receiver.url} answered 403"
    assert await sender.test("slack:#ops", tried) == (
        "no Slack webhook is configured for #ops: set notify.slack, by channel or for '*'"
    )
    assert "slack:#ml-alerts" in await sender.test("pigeon", tried)
    assert "add it to notify.allowed_hosts" in await sender.test("webhook:http://169.254.169.254/", tried)


async def test_test_of_a_hanging_channel_ends(receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that says nothing does not keep the person who asked waiting."""
    monkeypatch.setattr("sidecar.alerts.delivery.TEST_TIMEOUT_S", 0.2)
    receiver.always = "stall"
    assert await Sender(MemoryStore(), channels_to(receiver)).test("webhook:a", notice()) == "no answer within 0.2 s"
