"""apprise, for real: its json:// service against a local receiver."""

import asyncio
import json
import logging

import pytest
import structlog

from sidecar.alerts.channels import Channels, NotifySettings, SendError, apprise_channel
from tests.kit.alert_receivers import HttpReceiver, notice
from tests.kit.wait import until


def channels_to(url: str) -> Channels:
    return Channels(NotifySettings(apprise={"pager": url}))


async def test_notice_goes_out_by_apprise(receiver: HttpReceiver) -> None:
    """The service gets the subject as its title and the lines as its text; templates in them stay as they are."""
    channels = channels_to(f"json://127.0.0.1:{receiver.port}/hook")
    assert channels.warning("apprise:pager") == ""
    await channels.send("apprise:pager", notice(sentence="{{ app_id }} <b>"), "a1-7")
    await channels.close()
    (posted,) = receiver.posted
    document = json.loads(posted.body)
    assert posted.path.startswith("/hook")
    assert document["title"] == "Firing: Errors of det@2"
    assert document["message"].startswith("{{ app_id }} <b>\n3 of 15 requests failed.\n")
    assert document["message"].endswith("\nhttps://sidecar.example/alerts/a1")


async def test_failing_service_shows_no_secret(
    receiver: HttpReceiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A failure passes, and neither its reason nor what is logged at our levels holds the address."""
    receiver.always = 500
    channels = channels_to(f"json://user:hunter2@127.0.0.1:{receiver.port}/s3cret")
    with caplog.at_level(logging.INFO), structlog.testing.capture_logs() as logs, pytest.raises(SendError) as caught:
        await channels.send("apprise:pager", notice(), "a1-7")
    await channels.close()
    assert caught.value.passing
    assert caught.value.reason == "apprise could not deliver to pager (json)"
    logged = [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]  # the receiver's
    told = f"{caught.value.reason} {logged} {logs} {capfd.readouterr()}"
    assert "hunter2" not in told
    assert "s3cret" not in told


async def test_address_that_apprise_does_not_know_is_a_refusal() -> None:
    """An address that no service of apprise understands will not be understood later either."""
    channels = channels_to("nosuchservice://s3cret")
    with pytest.raises(SendError, match=r"does not understand the address of pager \(nosuchservice\)") as caught:
        await channels.send("apprise:pager", notice(), "a1-7")
    await channels.close()
    assert not caught.value.passing


async def test_service_that_hangs_holds_up_nobody(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """apprise blocks in a thread of its own, while the loop goes on, and is given up in time."""
    monkeypatch.setattr(apprise_channel, "TIMEOUT_S", 0.3)
    receiver.script.append("stall")
    channels = channels_to(f"json://127.0.0.1:{receiver.port}/?rto=60")
    sending = asyncio.create_task(channels.send("apprise:pager", notice(), "a1-7"))
    await until(lambda: receiver.posted or sending.done())  # it takes the message on the loop that goes on
    with pytest.raises(SendError, match="did not get through") as caught:
        await asyncio.wait_for(sending, 20)
    receiver.released.set()
    await channels.close()
    assert caught.value.passing


async def test_missing_package_is_a_clear_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the warning, and the error, say how to install it."""
    monkeypatch.setattr(apprise_channel, "installed", lambda: False)
    channels = channels_to("json://127.0.0.1")
    assert channels.warning("apprise:pager") == "apprise is not installed: pip install 'inference-sidecar[notify]'"
    with pytest.raises(SendError, match="pip install"):
        await channels.send("apprise:pager", notice(), "a1-7")
    assert channels.warning("apprise:other") == "no apprise address is called other: add it to notify.apprise"
