"""Firing alerts are posted again and again to receivers that forget."""

import json

import pytest

from sidecar.alerts.delivery import REPOST_S
from sidecar.alerts.notice import Notice
from tests.kit.alert_receivers import HttpReceiver, notice
from tests.kit.sending import channels_to, kinds, settle
from tests.kit.wait import until


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
        await clock.advance_until(lambda: store.row(row).sent_at)
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
