"""The sender, against real receivers, on a clock that only the test moves."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from sidecar.alerts.channels import Channels, NotifySettings, SmtpSettings, WebhookSettings
from sidecar.alerts.delivery import AGE_MAX_S, BATCH_S, KEYS_MAX, REFUSALS_MAX, REPOST_S, ROWS_MAX, SENDS_MAX, Sender
from sidecar.alerts.notice import Notice
from sidecar.recording.notifications import Notifications, queue
from sidecar.recording.watch_rows import NotificationRow
from sidecar.recording.writer import Store
from tests.kit.alert_receivers import HttpReceiver, MailServer, notice
from tests.kit.sending import WALL, Clock, MemoryStore, Most, settle
from tests.kit.wait import until

ROOT = Path(__file__).resolve().parents[2]


def channels_to(receiver: HttpReceiver, **settings: Any) -> Channels:
    """``webhook:a`` to ``webhook:z`` lead to the receiver's /a to /z, ``alertmanager`` to its root."""
    webhooks = {name: WebhookSettings(f"{receiver.url}/{name}", "secret") for name in "abcdefghijklmnopqrstuvwxyz"}
    defaults = {"webhooks": webhooks, "alertmanagers": {"main": receiver.url}, "allowed_hosts": ("127.0.0.1",)}
    return Channels(NotifySettings(**{**defaults, **settings}))


def kinds(receiver: HttpReceiver, path: str = "/a") -> list[str]:
    return [json.loads(posted.body)["data"]["kind"] for posted in receiver.posted if posted.path == path]


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    receiver = HttpReceiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def running(clock: Clock) -> Callable[..., Any]:
    """Runs a sender for as long as the ``async with`` lasts."""

    @asynccontextmanager
    async def running(store: Any, channels: Channels, **options: Any) -> AsyncIterator[Sender]:
        timing = {
            "clock": clock.wall,
            "monotonic": clock.monotonic,
            "sleep": clock.sleep,
            "rng": Most(),
            "drain_s": 0.0,
        }
        sender = Sender(store, channels, **{**timing, **options})
        task = asyncio.create_task(sender.run())
        try:
            yield sender
            assert not task.done(), "the sender ended"
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return running


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
        await clock.advance(1.0)
        await until(lambda: store.row(2).sent_at)
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
        await clock.advance(1.0)
        await until(lambda: store.row(3).sent_at)
    ids = [json.loads(posted.body)[0]["labels"]["alert_id"] for posted in receiver.posted]
    assert ids == ["alertmanager", "alertmanager", "alertmanager:main", "Alertmanager :main"]
    assert sender.stats.sent == {"alertmanager": 3}


async def test_many_waiting_on_one_channel_are_fetched_by_the_page(running, store, receiver) -> None:
    """250 messages are sent in order, for a few looks into the store rather than one each."""
    rows = [store.add("webhook:a", notice(alert_id=f"a{number}")) for number in range(2 * ROWS_MAX + 50)]
    async with running(store, channels_to(receiver)):
        await until(lambda: store.row(rows[-1]).sent_at)
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
            await until(lambda: store.row(rows[-1]).sent_at)
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
        await until(lambda: store.row(row).sent_at)
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
        await clock.advance(1.0)
        await until(lambda: sender.stats.sent["webhook"] == 24)
    assert [kinds(receiver, f"/{channel}")[-2:] for channel in "al"] == [["firing", "resolved"]] * 2


async def test_refusal_repeated_too_often_is_given_up(running, store, clock, receiver) -> None:
    """After eight refusals a message is given up, counted and logged, and the next one is tried."""
    receiver.always = 404
    store.add("webhook:a")
    store.add("webhook:a", notice(kind="resolved"))
    with structlog.testing.capture_logs() as logs:
        async with running(store, channels_to(receiver)) as sender:
            for _ in range(100):
                if store.row(1).gave_up_at:
                    break
                await clock.advance(300.0)
            assert (store.row(1).attempts, kinds(receiver)[:8]) == (REFUSALS_MAX, ["firing"] * REFUSALS_MAX)
            assert "answered 404" in store.row(1).error
            assert sender.stats.gave_up == {"webhook": 1}
            assert sender.stats.refused["webhook"] >= REFUSALS_MAX
            receiver.always = 200
            await clock.advance(300.0)
            await until(lambda: store.row(2).sent_at)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["notification_given_up"]


async def test_passing_failures_are_retried_for_three_days(running, store, clock, receiver) -> None:
    """An outage of under three days loses nothing, however many attempts that takes; a longer one is given up."""
    receiver.always = 500
    store.add("webhook:a")
    async with running(store, channels_to(receiver)) as sender:
        for _ in range(200):
            if store.row(1).attempts > REFUSALS_MAX:
                break
            await clock.advance(300.0)
        assert store.row(1).attempts > REFUSALS_MAX
        await clock.advance(WALL + AGE_MAX_S - 1.0 - clock.wall())
        assert store.row(1).gave_up_at is None
        await clock.advance(301.0)
        await until(lambda: store.row(1).gave_up_at)
        assert sender.stats.gave_up == {"webhook": 1}


async def test_old_message_is_tried_before_it_is_given_up(running, store, receiver) -> None:
    """What waited while the process was away for a week still goes out: a firing is late rather than lost."""
    store.add("webhook:a", at=WALL - 7 * 86_400)
    async with running(store, channels_to(receiver)):
        await until(lambda: store.row(1).sent_at)


async def test_unconfigured_channel_waits_for_its_configuration(running, store, clock, receiver) -> None:
    """A channel that is not configured is told once, looked at each minute, and served as soon as it is configured."""
    store.add("webhook:a")
    store.add("slack:#ops")
    with structlog.testing.capture_logs() as logs:
        async with running(store, channels_to(receiver, webhooks={})) as sender:
            await until(lambda: store.row(1).error and store.row(2).error)
            looks = store.looks
            for _ in range(30):
                await clock.advance(10.0)
            assert store.looks - looks < 100
            assert (store.row(1).attempts, store.row(1).started_at) == (0, None)
            assert store.row(1).error == "no webhook is called a: add it to notify.webhooks"
            assert not sender.stats.failed
            sender.configure(channels_to(receiver))
            await until(lambda: store.row(1).sent_at)
            assert store.row(1).error == ""
    assert [entry["event"] for entry in logs].count("notification_waits") == 2


async def test_unconfigured_channel_is_given_up_after_three_days(running, store, clock, receiver) -> None:
    """Nobody configured it: all that is too old is given up, what is younger goes on waiting."""
    for _ in range(5):
        store.add("slack:#ops")
    store.add("slack:#ops", at=WALL + 3_600)
    async with running(store, channels_to(receiver)) as sender:
        await until(lambda: store.row(1).error)
        await clock.advance(AGE_MAX_S - 60)
        assert store.row(1).gave_up_at is None
        await clock.advance(120)
        await until(lambda: store.row(5).gave_up_at)
        assert sender.stats.gave_up == {"slack": 5}
        assert store.row(6).gave_up_at is None


async def test_sender_killed_between_send_and_record_repeats_once(running, store, receiver) -> None:
    """A message whose record was lost goes out once more under the same id, counted; no message is lost."""
    store.stuck.add("sent")
    store.add("webhook:a")
    store.add("webhook:a", notice(kind="resolved"))
    async with running(store, channels_to(receiver)):
        await until(lambda: receiver.posted)
        await settle()
    store.stuck.clear()
    async with running(store, channels_to(receiver)) as second:
        await until(lambda: store.row(2).sent_at)
        assert (second.stats.repeated, second.stats.sent) == ({"webhook": 1}, {"webhook": 2})
    assert kinds(receiver) == ["firing", "firing", "resolved"]
    assert [posted.headers["webhook-id"] for posted in receiver.posted] == ["a1-1", "a1-1", "a1-2"]


async def test_sender_that_is_stopped_lets_a_send_under_way_end(running, store, receiver) -> None:
    """An orderly stop records what is being sent, so that nothing is repeated later, and begins no other."""
    receiver.script.append("slow")
    store.add("webhook:a")
    store.add("webhook:a")
    async with running(store, channels_to(receiver), drain_s=5.0):
        await until(lambda: receiver.posted)
        asyncio.get_running_loop().call_later(0.05, receiver.released.set)
    assert store.row(1).sent_at == WALL
    assert (store.row(2).attempts, len(receiver.posted)) == (0, 1)


@pytest.mark.parametrize(
    ("point", "arrivals", "repeated"), [("sent", ["a1-1", "a1-1", "a1-2"], 1), ("started", ["a1-1", "a1-2"], 1)]
)
async def test_killed_process_repeats_at_most_one_message_and_loses_none(
    point: str, arrivals: list[str], repeated: int, receiver: HttpReceiver, tmp_path: Path
) -> None:
    """With the real store, a process that dies around a send: the next one sends what may be missing, nothing else."""
    store = await Store.open(tmp_path)
    rows = [
        NotificationRow(0, "a1", None, "webhook:ops", kind, notice(kind=kind).to_dict(), WALL)
        for kind in ("firing", "resolved")
    ]
    await store.run(lambda connection: queue(connection, rows), durable=True)
    await store.close()

    async def sending(point: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "tests.kit.crashing_sender", str(tmp_path), receiver.url + "/a", point]
        done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout.strip().rpartition("\n")[2]

    assert await sending(point) == (70, "")
    assert await sending("never") == (0, str(repeated))
    assert [posted.headers["webhook-id"] for posted in receiver.posted] == arrivals
    assert await sending("never") == (0, "0")
    assert len(receiver.posted) == len(arrivals)


async def test_real_store_keeps_what_came_of_each_message(running, receiver, tmp_path: Path) -> None:
    """With the real store, sent, failed and given-up messages end as rows that say so."""
    store = await Store.open(tmp_path)
    notifications = Notifications(store)
    payloads = [
        ("webhook:a", notice().to_dict()),
        ("webhook:b", {"kind": "nonsense"}),
        ("slack:#ops", notice().to_dict()),
    ]
    rows = [NotificationRow(0, "a1", None, channel, "firing", payload, WALL) for channel, payload in payloads]
    await store.run(lambda connection: queue(connection, rows), durable=True)
    async with running(notifications, channels_to(receiver)):
        async with asyncio.timeout(10):
            while (await notifications.counts()) != {"waiting": 1, "sent": 1, "gave_up": 1}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            while not (await notifications.of_alert("a1"))[0].error:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    slack, broken, sent = await notifications.of_alert("a1")
    await store.close()
    assert (sent.attempts, sent.error, sent.sent_at) == (1, "", WALL)
    assert (broken.error, broken.gave_up_at) == ("what was stored of the message can't be read", WALL)
    assert slack.error.startswith("no Slack webhook is configured")


async def test_record_that_fails_is_written_again_not_sent_again(running, store, clock, receiver) -> None:
    """While the store is away after a send, its record is retried; the message does not go out twice."""
    store.broken.add("sent")
    store.add("webhook:a")
    async with running(store, channels_to(receiver)):
        await until(lambda: receiver.posted)
        for _ in range(5):
            await clock.advance(60.0)
        store.broken.clear()
        await clock.advance(300.0)
        await until(lambda: store.row(1).sent_at)
    assert len(receiver.posted) == 1


@pytest.mark.parametrize("method", ["open", "started"])
async def test_store_that_comes_back_gets_its_messages_sent(method: str, running, store, clock, receiver) -> None:
    """A store that is away for a while ends neither the sender nor a message."""
    store.broken.add(method)
    store.add("webhook:a")
    async with running(store, channels_to(receiver)):
        for _ in range(4):
            await clock.advance(30.0)
        assert receiver.posted == []
        store.broken.clear()
        await clock.advance(300.0)
        await until(lambda: store.row(1).sent_at)


async def test_unreadable_row_is_given_up_and_holds_up_no_other(running, store, receiver) -> None:
    """What was stored by mistake is given up with a reason; the channel goes on."""
    store.add("webhook:a")
    store.rows[0] = replace(store.rows[0], payload={"kind": "firing", "at": "yesterday"})
    store.add("webhook:a", notice(kind="resolved"))
    async with running(store, channels_to(receiver)):
        await until(lambda: store.row(2).sent_at)
    assert store.row(1).gave_up_at
    assert kinds(receiver) == ["resolved"]


async def test_fault_in_a_channel_is_a_failure_without_its_words(running, store, clock, receiver) -> None:
    """An exception that nobody foresaw is retried, and its text, which may hold a secret, goes nowhere."""

    class Faulty(Channels):
        async def send(self, channel: str, notice: Notice, notice_id: str) -> None:
            raise RuntimeError("https://hooks.example/s3cret")

    store.add("webhook:a")
    with structlog.testing.capture_logs() as logs:
        settings = NotifySettings(webhooks={"a": WebhookSettings(receiver.url)}, allowed_hosts=("127.0.0.1",))
        async with running(store, Faulty(settings)) as sender:
            await until(lambda: store.row(1).error)
            assert store.row(1).error == "it could not be sent (RuntimeError)"
            assert await sender.test("webhook:a", notice(kind="test")) == "it could not be sent (RuntimeError)"
            sender.configure(channels_to(receiver))
            await until(lambda: store.row(1).sent_at)
    assert "notification_fault" in {entry["event"] for entry in logs}
    assert "s3cret" not in str(logs)


async def test_logs_and_rows_hold_no_secret(running, store, clock, receiver) -> None:
    """Neither webhook paths nor keys stand in what is logged or stored of failures, of whatever kind."""
    secret = "s3cret"
    settings = {
        "slack": {"*": f"{receiver.url}/{secret}"},
        "webhooks": {
            "a": WebhookSettings(f"{receiver.url}/{secret}", secret),
            "b": WebhookSettings(f"http://[::1/{secret}"),
        },
    }
    channels = [
        "slack:#a",
        "webhook:a",
        "webhook:b",
        f"webhook:http://10.0.0.1/{secret}",
        f"webhook:http://a b/{secret}",
    ]
    receiver.script.extend([500, "cut", 404, (302, {"Location": f"/{secret}"})])
    rows = [store.add(channel) for channel in channels]
    with structlog.testing.capture_logs() as logs:
        async with running(store, channels_to(receiver, **settings)):
            await until(lambda: all(store.row(row).error for row in rows))
            for _ in range(12):
                await clock.advance(300.0)
    assert len(logs) >= 4
    assert secret not in str(logs)
    assert secret not in str([row.error for row in store.rows])


async def test_mail_goes_out_after_the_server_was_busy_and_a_repeat_is_recognisable(running, store, clock) -> None:
    """By SMTP: 451, then taken; and after a crash before the record the same Message-ID comes again."""
    server = MailServer()
    await server.start()
    server.script.append("451 busy")
    channels = Channels(NotifySettings(smtp=SmtpSettings("127.0.0.1", "sidecar@company.com", server.port)))
    store.stuck.add("sent")
    store.add("email:team@company.com")
    async with running(store, channels):
        await until(lambda: store.row(1).error)
        await clock.advance(1.0)
        await until(lambda: server.mails)
        await settle()
    store.stuck.clear()
    async with running(store, channels) as sender:
        await until(lambda: store.row(1).sent_at)
        assert sender.stats.repeated == {"email": 1}
    await server.stop()
    assert len(server.mails) == 2
    assert server.mails[0]["Message-ID"] == server.mails[1]["Message-ID"]


def posted_alerts(receiver: HttpReceiver) -> list[list[str]]:
    found = [json.loads(posted.body) for posted in receiver.posted if posted.path == "/api/v2/alerts"]
    return [[alert["labels"]["alertname"] for alert in alerts] for alerts in found]


async def test_firing_alerts_are_posted_again_each_minute(running, store, clock, receiver) -> None:
    """While alerts fire their Alertmanager hears of them each minute, in one request; other channels don't."""
    drift = notice(name="Drift", alert_id="a2")
    firing = [("alertmanager", notice()), ("alertmanager", drift), ("webhook:a", notice())]
    async with running(store, channels_to(receiver), firing=lambda: list(firing)) as sender:
        await until(lambda: sender.stats.reposted["alertmanager"] == 2)
        await clock.advance(REPOST_S - 1)
        assert posted_alerts(receiver) == [["Errors", "Drift"]]
        del firing[1]
        await clock.advance(2)
        await until(lambda: sender.stats.reposted["alertmanager"] == 3)
        firing.clear()
        for _ in range(5):
            await clock.advance(REPOST_S)
        assert posted_alerts(receiver) == [["Errors", "Drift"], ["Errors"]]
        assert kinds(receiver) == []


@pytest.mark.parametrize("written", ["alertmanager", " alertmanager", "Alertmanager:main", "alertmanager :main"])
async def test_firing_alert_is_posted_again_however_its_channel_is_written(written: str, running, store, receiver):
    """Case and spaces make it no unknown kind that Alertmanager forgets after five minutes."""
    async with running(store, channels_to(receiver), firing=lambda: [(written, notice())]) as sender:
        await until(lambda: sender.stats.reposted)
    assert sender.stats.reposted == {"alertmanager": 1}


async def test_firing_alert_is_posted_once_to_a_server_of_two_names(running, store, receiver) -> None:
    """An alert that names one Alertmanager in two ways is told to it again once a minute, not twice."""
    firing = [("alertmanager", notice()), ("alertmanager:main", notice())]
    async with running(store, channels_to(receiver), firing=lambda: firing) as sender:
        await until(lambda: sender.stats.reposted["alertmanager"])
        await settle()
    assert posted_alerts(receiver) == [["Errors"]]


@pytest.mark.parametrize(
    ("fires_by", "ends_by"),
    [
        ("alertmanager", "alertmanager"),
        ("alertmanager", "alertmanager:main"),
        ("alertmanager:main", "alertmanager"),
        ("Alertmanager:main", "alertmanager : main"),
    ],
)
async def test_firing_alert_does_not_overtake_its_end(
    fires_by: str, ends_by: str, running, store, clock, receiver
) -> None:
    """While a re-post is under way the message that ends the alert waits, so that the end comes last."""
    receiver.script.append("stall")
    firing = [(fires_by, notice())]
    async with running(store, channels_to(receiver), firing=lambda: list(firing)) as sender:
        await until(lambda: receiver.posted)
        firing.clear()
        row = store.add(ends_by, notice(kind="resolved"))
        sender.wake()
        await settle()
        assert len(receiver.posted) == 1
        receiver.released.set()
        await settle()
        await clock.advance(1.0)
        await until(lambda: store.row(row).sent_at)
        for _ in range(3):
            await clock.advance(REPOST_S)
    ends = [json.loads(posted.body)[0]["endsAt"] for posted in receiver.posted]
    assert len(ends) == 2
    assert ends[1] < ends[0]


async def test_repost_waits_while_a_message_is_under_way(running, store, clock, receiver) -> None:
    """An Alertmanager gets one request at a time: what is told again waits for the next minute."""
    receiver.script.append("slow")
    firing: list[tuple[str, Notice]] = []
    row = store.add("alertmanager", notice(kind="resolved"))
    async with running(store, channels_to(receiver), firing=lambda: list(firing)) as sender:
        await until(lambda: receiver.posted)
        firing.append(("alertmanager", notice(name="Drift")))
        await clock.advance(REPOST_S + 1)
        assert len(receiver.posted) == 1
        receiver.released.set()
        await until(lambda: store.row(row).sent_at)
        await clock.advance(REPOST_S + 1)
        await until(lambda: sender.stats.reposted["alertmanager"] == 1)


async def test_repost_waits_for_what_is_under_way_by_the_old_configuration(running, store, clock, receiver) -> None:
    """An Alertmanager that has a new name gets one request at a time all the same."""
    receiver.script.append("slow")
    firing: list[tuple[str, Notice]] = []
    row = store.add("alertmanager", notice(kind="resolved"))
    async with running(store, channels_to(receiver), firing=lambda: list(firing)) as sender:
        await until(lambda: receiver.posted)
        sender.configure(channels_to(receiver, alertmanagers={"next": receiver.url}))
        firing.append(("alertmanager", notice(name="Drift", alert_id="a2")))
        await clock.advance(REPOST_S + 1)
        assert len(receiver.posted) == 1
        receiver.released.set()
        await until(lambda: store.row(row).sent_at)
        await clock.advance(REPOST_S + 1)
        await until(lambda: sender.stats.reposted["alertmanager"] == 1)


async def test_repost_that_fails_rests_and_goes_on(running, store, clock, receiver) -> None:
    """A failing Alertmanager is counted, a failing callback logged; the next minute tells all again."""
    receiver.always = 500
    calls = 0

    def firing() -> list[tuple[str, Notice]]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("not now")
        return [("alertmanager", notice()), ("alertmanager:unknown", notice())]

    async with running(store, channels_to(receiver), firing=firing) as sender:
        await until(lambda: sender.stats.failed["alertmanager"] == 1)
        await clock.advance(REPOST_S)
        row = store.add("webhook:a")
        receiver.always = 200
        await clock.advance(REPOST_S)
        await until(lambda: store.row(row).sent_at and sender.stats.reposted["alertmanager"] == 1)


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
