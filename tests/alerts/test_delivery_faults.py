"""The sender where something fails: receivers, the store, the process itself."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from sidecar.alerts.channels import Channels, NotifySettings, SmtpSettings, WebhookSettings
from sidecar.alerts.delivery import AGE_MAX_S, REFUSALS_MAX
from sidecar.alerts.notice import Notice
from sidecar.recording.notifications import Notifications, queue
from sidecar.recording.watch_rows import NotificationRow
from sidecar.recording.writer import Store
from tests.kit.alert_receivers import HttpReceiver, MailServer, notice
from tests.kit.sending import WALL, channels_to, kinds, settle
from tests.kit.wait import until

ROOT = Path(__file__).resolve().parents[2]


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
            await clock.advance_until(lambda: store.row(2).sent_at, step_s=10.0)  # it may be on its way to a 404 still
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
        await clock.advance_until(lambda: store.row(1).gave_up_at)
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
        await clock.advance_until(lambda: store.row(5).gave_up_at)
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
    async with running(store, channels_to(receiver), drain_s=30.0):
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
        async with asyncio.timeout(30):
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
        await clock.advance_until(lambda: store.row(1).sent_at)
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
        await clock.advance_until(lambda: store.row(1).sent_at)


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
        await clock.advance_until(lambda: server.mails)
        await settle()
    store.stuck.clear()
    async with running(store, channels) as sender:
        await until(lambda: store.row(1).sent_at)
        assert sender.stats.repeated == {"email": 1}
    await server.stop()
    assert len(server.mails) == 2
    assert server.mails[0]["Message-ID"] == server.mails[1]["Message-ID"]
