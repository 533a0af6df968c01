"""Webhooks, verified as a receiver would by the Standard Webhooks specification."""

import base64
import hashlib
import hmac
import json

import pytest
import structlog

from sidecar.alerts.channels import Channels, NotifySettings, SendError, WebhookSettings
from sidecar.alerts.channels.webhook import signing_key
from tests.kit.alert_receivers import HttpReceiver, Posted, notice

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def channels_to(url: str, secret: str = SECRET, now: float = 1_764_000_100.7) -> Channels:
    settings = NotifySettings(webhooks={"ops": WebhookSettings(url, secret)}, allowed_hosts=("127.0.0.1",))
    return Channels(settings, clock=lambda: now)


def verified(posted: Posted, key: bytes) -> bool:
    """The receiver's side of the specification, by the standard library alone."""
    signed = b".".join(
        (posted.headers["webhook-id"].encode(), posted.headers["webhook-timestamp"].encode(), posted.body)
    )
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    versions = [part.split(",", 1) for part in posted.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(given, expected) for version, given in versions)


async def test_webhook_is_signed_as_the_standard_says(receiver: HttpReceiver) -> None:
    """A receiver that knows the secret can verify id, time and body, and no other secret fits."""
    await channels_to(receiver.url + "/hook").send("webhook:ops", notice(), "a1-7")
    (posted,) = receiver.posted
    assert (posted.headers["webhook-id"], posted.headers["webhook-timestamp"]) == ("a1-7", "1764000100")
    assert verified(posted, b"0123456789abcdef01234567")
    assert not verified(posted, b"another key")


async def test_document_has_all_of_the_notice(receiver: HttpReceiver) -> None:
    """The body has type, timestamp and data, as the module's docstring shows them."""
    await channels_to(receiver.url).send("webhook:ops", notice(value=float("nan")), "a1-7")
    document = json.loads(receiver.posted[0].body)
    assert (document["type"], document["timestamp"]) == ("alert.firing", "2025-11-24T16:01:00.000Z")
    expected = {**notice(value=None).to_dict(), "subject": "Firing: Errors of det@2"}
    assert document["data"] == expected


async def test_repeat_has_the_same_id_and_a_new_time(receiver: HttpReceiver) -> None:
    """A receiver can tell a repeated message by its id, while its timestamp stays fresh."""
    await channels_to(receiver.url).send("webhook:ops", notice(), "a1-7")
    await channels_to(receiver.url, now=1_764_009_999.0).send("webhook:ops", notice(), "a1-7")
    first, second = receiver.posted
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.body == second.body


async def test_secret_that_is_no_base64_is_taken_as_text(receiver: HttpReceiver) -> None:
    """Any text can be the secret; its bytes are the key."""
    await channels_to(receiver.url, secret="correct horse").send("webhook:ops", notice(), "a1-7")
    assert verified(receiver.posted[0], b"correct horse")


async def test_direct_url_goes_unsigned(receiver: HttpReceiver) -> None:
    """A URL in the address has no secret: its messages carry id and time, but no signature."""
    await channels_to("http://unused.example").send(f"webhook:{receiver.url}/direct", notice(), "a1-7")
    (posted,) = receiver.posted
    assert posted.path == "/direct"
    assert posted.headers["webhook-id"] == "a1-7"
    assert "webhook-signature" not in posted.headers


async def test_answer_of_a_direct_url_is_not_quoted(receiver: HttpReceiver) -> None:
    """Who may name any URL can't read by it what stands behind; the operator's own receivers are quoted."""
    receiver.always = (403, {}, "inner words")
    channels = channels_to(receiver.url)
    with pytest.raises(SendError) as direct:
        await channels.send(f"webhook:{receiver.url}", notice(), "a1-7")
    with pytest.raises(SendError) as named:
        await channels.send("webhook:ops", notice(), "a1-7")
    assert "inner words" not in direct.value.reason
    assert "inner words" in named.value.reason


def test_what_is_not_configured_or_not_allowed_is_warned_of() -> None:
    """A name that is not configured, a secret that is none and a private address are told before anything is sent."""
    channels = channels_to("http://10.0.0.1/hook", secret="whsec_!")
    assert channels.warning("webhook:other") == "no webhook is called other: add it to notify.webhooks"
    assert channels.warning("webhook:ops") == "the webhook's secret begins with whsec_ but no base64 follows"
    assert "add it to notify.allowed_hosts" in channels.warning("webhook:http://10.0.0.1/s3cret")
    assert "s3cret" not in channels.warning("webhook:http://10.0.0.1/s3cret")
    assert channels.warning("webhook:https://ops.example/hook") == ""


@pytest.mark.parametrize(
    ("secret", "doubts"),
    [
        (SECRET, []),
        ("", []),
        ("whsec_!", []),
        ("a long enough passphrase, with spaces", []),
        (SECRET.removeprefix("whsec_"), ["webhook_secret_ambiguous"]),
        ("0123456789abcdef" * 2, ["webhook_secret_ambiguous"]),
        ("A" * 400, []),
        ("correct horse", ["webhook_secret_short"]),
        ("whsec_QQ==", ["webhook_secret_short"]),
    ],
)
def test_doubtful_secret_is_logged_once_without_itself(secret: str, doubts: list[str]) -> None:
    """One that others would take for base64, or that is short, is used, and said with the webhook's name."""
    with structlog.testing.capture_logs() as logs:
        channels = channels_to("https://ops.example", secret=secret)
        for _ in range(3):
            channels.warning("webhook:ops")
    assert [entry["event"] for entry in logs] == doubts
    assert all((entry["webhook"], entry["log_level"]) == ("ops", "warning") for entry in logs)
    assert not secret or secret not in str(logs)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64", "whsec_abc"])
def test_broken_secret_is_an_error(secret: str) -> None:
    """A prefix that promises base64 and does not keep it is not signed with by chance."""
    with pytest.raises(ValueError, match="no base64 follows"):
        signing_key(secret)
