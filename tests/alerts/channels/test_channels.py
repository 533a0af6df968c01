"""All channels together."""

import subprocess
import sys

import pytest

from sidecar.alerts.channels import Channels, NotifySettings, SendError, SmtpSettings, WebhookSettings
from tests.kit.alert_receivers import notice

CHANNELS = ["email:a@b.example", "slack:#a", "webhook:ops", "alertmanager", "alertmanager:x", "apprise:x"]


@pytest.mark.parametrize("channel", CHANNELS)
async def test_channel_that_is_not_configured_says_what_to_set(channel: str) -> None:
    """With no configuration at all each kind warns of the setting it lacks, and a send fails with the same words."""
    channels = Channels(NotifySettings())
    assert "notify." in channels.warning(channel)
    with pytest.raises(SendError) as caught:
        await channels.send(channel, notice(), "1")
    assert (caught.value.reason, caught.value.passing) == (channels.warning(channel), False)


async def test_what_is_no_channel_is_an_error_that_shows_the_forms() -> None:
    """A bad address warns and fails with the forms that would be right."""
    channels = Channels(NotifySettings())
    assert "slack:#ml-alerts" in channels.warning("pigeon:1")
    with pytest.raises(SendError, match="slack:#ml-alerts"):
        await channels.send("pigeon:1", notice(), "1")


@pytest.mark.parametrize(
    ("alertmanagers", "channel", "resolved"),
    [
        ({"prod": "http://am"}, "alertmanager", "alertmanager:prod"),
        ({"prod": "http://am"}, " Alertmanager : prod", "alertmanager:prod"),
        ({"prod": "http://am", "main": "http://b"}, "alertmanager", "alertmanager:main"),
        ({"prod": "http://am", "main": "http://am/"}, "alertmanager:main", "alertmanager:prod"),
        ({"prod": "http://am"}, "alertmanager:other", "alertmanager:other"),
        ({}, "alertmanager", "alertmanager"),
        ({}, "slack:ops", "slack:#ops"),
        ({}, "slack:@mia", "slack:@mia"),
        ({}, "Webhook:ops", "webhook:ops"),
        ({}, "pigeon", "pigeon"),
    ],
)
def test_channels_that_lead_to_one_receiver_are_one(alertmanagers: dict[str, str], channel: str, resolved: str) -> None:
    """However it is written, and by whatever name of the same server."""
    assert Channels(NotifySettings(alertmanagers=alertmanagers)).resolved(channel) == resolved


def test_settings_show_no_secret() -> None:
    """The repr of the settings, which may end in a log, holds neither URLs nor passwords."""
    settings = NotifySettings(
        smtp=SmtpSettings("mail.example", "a@b.example", password="s3cret"),
        slack={"*": "https://hooks.slack.com/s3cret"},
        webhooks={"ops": WebhookSettings("https://ops.example/s3cret", "s3cret")},
        alertmanagers={"main": "https://am.example/s3cret"},
        apprise={"pager": "json://s3cret"},
    )
    assert "s3cret" not in repr(settings)


def test_allowed_host_that_is_none_is_refused() -> None:
    """A wrong entry is a fault of the configuration, not something that silently never matches."""
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/8"):
        Channels(NotifySettings(allowed_hosts=("10.0.0.0/8",)))


def test_apprise_is_imported_only_when_it_is_used() -> None:
    """The monitor does not carry apprise's forty megabytes unless somebody is told by it."""
    code = (
        "import sys, sidecar.alerts.channels as c; c.Channels(c.NotifySettings()); sys.exit('apprise' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
