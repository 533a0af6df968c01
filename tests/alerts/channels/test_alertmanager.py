"""Alertmanager's API v2."""

import json
from datetime import datetime

import pytest

from sidecar.alerts.channels import Channels, NotifySettings, SendError
from sidecar.alerts.channels.alertmanager import FIRING_S, TEST_S, alert
from tests.kit.alert_receivers import HttpReceiver, notice

NOW = 1_764_000_100.0


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def channels_to(**alertmanagers: str) -> Channels:
    settings = NotifySettings(alertmanagers=alertmanagers, allowed_hosts=("127.0.0.1",))
    return Channels(settings, clock=lambda: NOW)


async def test_alert_is_posted_as_api_v2_takes_it(receiver: HttpReceiver) -> None:
    """An array of alerts with labels, annotations and times goes to /api/v2/alerts below the configured address."""
    await channels_to(main=receiver.url + "/prefix/").send("alertmanager", notice(), "a1-7")
    (posted,) = receiver.posted
    assert posted.path == "/prefix/api/v2/alerts"
    (posted_alert,) = json.loads(posted.body)
    assert posted_alert["labels"] == {
        "alertname": "Errors",
        "alert_id": "a1",
        "model": "det",
        "version": "2",
        "severity": "warning",
    }
    assert posted_alert["annotations"]["summary"] == "Firing: Errors of det@2"
    assert posted_alert["annotations"]["description"].startswith("error_rate of det@2 was 20 % over 15m.\n")
    assert seconds(posted_alert["startsAt"]) == notice().starts_at
    assert seconds(posted_alert["endsAt"]) == NOW + FIRING_S
    assert posted_alert["generatorURL"] == notice().link


@pytest.mark.parametrize("kind", ["resolved", "settled"])
def test_ended_alert_ends_now_under_the_same_labels(kind: str) -> None:
    """What ended has an end that is not ahead, and is known by the labels it fired under."""
    ended = alert(notice(kind=kind), NOW)
    assert seconds(ended["endsAt"]) == NOW
    assert ended["labels"] == alert(notice(), NOW)["labels"]
    assert seconds(alert(notice(kind=kind, ends_at=NOW - 5), NOW)["endsAt"]) == NOW - 5
    assert seconds(alert(notice(kind=kind, ends_at=NOW + 500), NOW)["endsAt"]) == NOW


@pytest.mark.parametrize("kind", ["firing", "resolved", "flapping", "settled", "test"])
@pytest.mark.parametrize("starts_at", [0.0, NOW - 86_400, NOW + 86_400])
def test_times_in_disorder_are_put_in_order(kind: str, starts_at: float) -> None:
    """A clock that was set never makes an alert that ends before it begins, which would be refused."""
    posted = alert(notice(kind=kind, starts_at=starts_at, ends_at=NOW - 2 * 86_400), NOW)
    assert seconds(posted["startsAt"]) <= seconds(posted["endsAt"])


@pytest.mark.parametrize("name", ["", " ", "\u202e\n", "\x00\x1b"])
def test_name_that_shows_nothing_gives_way_to_the_id(name: str) -> None:
    """Every alert there has an alertname, whatever it is called here."""
    labels = alert(notice(name=name), NOW)["labels"]
    assert (labels["alertname"], labels["alert_id"]) == ("a1", "a1")


def test_alerts_of_one_name_are_two_there() -> None:
    """Two alerts of the same name on the same model are told apart, so that the end of one does not end the other."""
    assert alert(notice(), NOW)["labels"] != alert(notice(alert_id="a2"), NOW)["labels"]


def test_test_notice_is_another_alert() -> None:
    """A test neither ends nor renews the alert it tries, and is over soon."""
    tried = alert(notice(kind="test"), NOW)
    assert tried["labels"]["test"] == "true"
    assert seconds(tried["endsAt"]) == NOW + TEST_S


async def test_firing_alerts_go_in_one_request(receiver: HttpReceiver) -> None:
    """All that fires is told again in one post."""
    channels = channels_to(prod=receiver.url)
    await channels.post_firing("alertmanager:prod", [notice(), notice(name="Drift", alert_id="a2")])
    (posted,) = receiver.posted
    assert [item["labels"]["alertname"] for item in json.loads(posted.body)] == ["Errors", "Drift"]


async def test_name_chooses_the_alertmanager(receiver: HttpReceiver) -> None:
    """By name; without one the only one, or the one called main."""
    await channels_to(prod=receiver.url + "/only").send("alertmanager", notice(), "1")
    both = channels_to(prod=receiver.url + "/prod", main=receiver.url + "/main")
    await both.send("alertmanager", notice(), "2")
    await both.send("alertmanager:prod", notice(), "3")
    paths = [posted.path.removesuffix("/api/v2/alerts") for posted in receiver.posted]
    assert paths == ["/only", "/main", "/prod"]


async def test_what_is_not_configured_is_warned_of_and_refused() -> None:
    """Warning and error both say what to set."""
    assert channels_to().warning("alertmanager") == "no Alertmanager is configured: set notify.alertmanagers"
    assert "called prod" in channels_to(main="http://am.example").warning("alertmanager:prod")
    assert "allowed_hosts" in channels_to(main="http://10.0.0.1").warning("alertmanager")
    with pytest.raises(SendError, match=r"notify\.alertmanagers"):
        await channels_to().send("alertmanager", notice(), "1")
    with pytest.raises(ValueError, match="is no Alertmanager"):
        await channels_to().post_firing("slack:#a", [notice()])
