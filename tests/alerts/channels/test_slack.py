"""Slack's incoming webhooks."""

import json
import re

import pytest

from sidecar.alerts.channels import Channels, NotifySettings, SendError
from sidecar.alerts.channels.slack import inert, message
from tests.kit.alert_receivers import HttpReceiver, notice


def channels_to(receiver: HttpReceiver, **names: str) -> Channels:
    urls = {
        key.replace("any", "*").replace("ml_alerts", "#ml-alerts"): receiver.url + path for key, path in names.items()
    }
    return Channels(NotifySettings(slack=urls, allowed_hosts=("127.0.0.1",)))


async def test_message_goes_to_the_webhook_of_its_channel(receiver: HttpReceiver) -> None:
    """The channel's own URL is taken before that of all others, with or without the #."""
    channels = channels_to(receiver, any="/any", ml_alerts="/ml")
    for channel in ("slack:#ml-alerts", "slack:ml-alerts", "slack:#ops", "slack:@mia"):
        await channels.send(channel, notice(), "a1-7")
    assert [posted.path for posted in receiver.posted] == ["/ml", "/ml", "/any", "/any"]
    named = [json.loads(posted.body)["channel"] for posted in receiver.posted]
    assert named == ["#ml-alerts", "#ml-alerts", "#ops", "@mia"]


async def test_message_says_what_happened_and_where_to_look(receiver: HttpReceiver) -> None:
    """The text has the subject, what was seen, the rule and a link."""
    await channels_to(receiver, any="/").send("slack:#ops", notice(), "a1-7")
    assert json.loads(receiver.posted[0].body)["text"].split("\n") == [
        "*Firing: Errors of det@\u200b2*",
        "error_rate of det@\u200b2 was 20 % over 15m.",
        "3 of 15 requests failed.",
        "Rule: error_rate above 5 % over 15m",
        "Since: 2025-11-24 16:00:00 UTC",
        "<https://sidecar.example/alerts/a1|Open the alert>",
    ]


async def test_text_from_outside_makes_no_markup(receiver: HttpReceiver) -> None:
    """Names and sentences can neither mention people nor make links, and line breaks in them make no lines."""
    hostile = notice(
        name="<!channel> & <https://evil.example|x>", sentence="a\nb\ud800", context=(), link="https://x/|y>z"
    )
    await channels_to(receiver, any="/").send("slack:#ops", hostile, "a1-7")
    text = json.loads(receiver.posted[0].body)["text"]
    assert text.startswith(
        "*Firing: &lt;\u200b!channel&gt; &amp; &lt;https://evil.example|x&gt; of det@\u200b2*\na b\nRule:"
    )
    assert text.endswith("<https://x/%7Cy&gt;z|Open the alert>")


@pytest.mark.parametrize(
    ("hostile", "live"),
    [
        ("@all", r"@(all|channel|here|mia)\b"),
        ("@channel now", r"@(all|channel|here|mia)\b"),
        ("<!channel>", "<!|&lt;!"),
        ("<@mia>", "@mia"),
        ("[pay](http://evil.example)", r"[\[\]]"),
        ("![x](http://evil.example/x.png)", r"[\[\]]"),
        ("`code` and ```block```", "`"),
        ("*bold* **bold**", r"\*"),
        ("~gone~", "~"),
        ("_it_ __b__ _", r"(?<!\w)_|_(?!\w)"),
    ],
)
def test_what_mattermost_would_make_of_a_name_is_dead(hostile: str, live: str) -> None:
    """No mention, link or markup of anybody's making is left, in the subject, what was seen, or the context."""
    text = message("#ops", notice(name=hostile, sentence=hostile, context=(hostile,), link=""))["text"]
    subject, *lines = text.split("\n")
    for line in (subject[1:-1], *lines):
        assert not re.search(live, line), line


def test_words_and_addresses_stay_readable() -> None:
    """Names of metrics are as they were, and what was replaced looks alike."""
    assert inert("error_rate of a_b_c was 20 % [0, 1]") == "error_rate of a_b_c was 20 % \uff3b0, 1\uff3d"
    assert inert("team@company.com").replace("\u200b", "") == "team@company.com"


async def test_what_slack_says_is_told_without_the_url(receiver: HttpReceiver) -> None:
    """Slack's word for the failure is in the reason, the webhook's secret path is not."""
    receiver.always = (404, {}, "channel_not_found")
    with pytest.raises(SendError, match="answered 404: channel_not_found") as caught:
        await channels_to(receiver, any="/services/T0/s3cret").send("slack:#ops", notice(), "a1-7")
    assert "s3cret" not in caught.value.reason
    assert not caught.value.passing


def test_channel_without_a_webhook_is_warned_of(receiver: HttpReceiver) -> None:
    """The warning says what to set."""
    channels = channels_to(receiver, ml_alerts="/ml")
    assert channels.warning("slack:#ml-alerts") == ""
    assert channels.warning("slack:#ops").endswith("set notify.slack, by channel or for '*'")
