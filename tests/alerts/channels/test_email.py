"""Mail, against real SMTP servers on local ports."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
import trustme

from sidecar.alerts.channels import Channels, NotifySettings, SendError, SmtpSettings, email
from tests.kit.alert_receivers import MailServer, notice

PASSWORD = "hunter2-s3cret"
LOGIN = ("sidecar", PASSWORD)
TO = "email:team@company.com"
Start = Callable[..., Any]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    servers: list[MailServer] = []

    async def start(**options: Any) -> MailServer:
        server = MailServer(**options)
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()


def channels_to(server: MailServer, **options: Any) -> Channels:
    return Channels(NotifySettings(smtp=SmtpSettings("127.0.0.1", "sidecar@company.com", server.port, **options)))


async def failure_of(channels: Channels) -> SendError:
    with pytest.raises(SendError) as caught:
        await channels.send(TO, notice(), "a1-7")
    return caught.value


async def test_mail_arrives_as_text_and_html(start: Start) -> None:
    """The mail has its addresses, the subject, a plain text, the same as HTML, and is marked as automatic."""
    server = await start()
    await channels_to(server).send(TO, notice(), "a1-7")
    (mail,), (envelope,) = server.mails, server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("sidecar@company.com", ["team@company.com"])
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "sidecar@company.com",
        "team@company.com",
        "Firing: Errors of det@2",
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.timestamp() == notice().at
    text = mail.get_body(("plain",)).get_content()
    assert text.splitlines() == [
        "error_rate of det@2 was 20 % over 15m.",
        "3 of 15 requests failed.",
        "Rule: error_rate above 5 % over 15m",
        "Since: 2025-11-24 16:00:00 UTC",
        "https://sidecar.example/alerts/a1",
    ]
    html = mail.get_body(("html",)).get_content()
    assert "<p>3 of 15 requests failed.</p>" in html
    assert '<a href="https://sidecar.example/alerts/a1">' in html


async def test_repeat_is_the_same_mail(start: Start) -> None:
    """A repeated notice has the same Message-ID, another one has another, and all of an alert form one thread."""
    server = await start()
    channels = channels_to(server)
    await channels.send(TO, notice(), "a1-7")
    await channels.send(TO, notice(), "a1-7")
    await channels.send(TO, notice(kind="resolved"), "a1-8")
    first, second, third = server.mails
    assert first["Message-ID"] == second["Message-ID"] != third["Message-ID"]
    assert first["Message-ID"].endswith("@company.com>")
    assert first["References"] == second["References"] == third["References"]
    assert first["Date"] == second["Date"]


async def test_hostile_names_make_neither_headers_nor_markup(start: Start) -> None:
    """Line breaks, tags, halves of surrogate pairs and very long text from outside stay text."""
    server = await start()
    hostile = notice(
        alert_id="a\r\nX-Evil: 1",
        name="E\r\nBcc: evil@example.com\r\n\r\nbody",
        sentence="<script>alert(1)</script>\r\n.\r\nMAIL FROM:<x>\ud800",
        context=("é" * 5_000, "zeile\x00ü"),
        link="javascript:alert(1)",
    )
    await channels_to(server).send(TO, hostile, "x\r\nX-Evil: 2")
    (mail,), (envelope,) = server.mails, server.envelopes
    assert envelope.rcpt_tos == ["team@company.com"]
    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None
    assert mail["Subject"] == "Firing: E Bcc: evil@example.com body of det@2"
    html = mail.get_body(("html",)).get_content()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "href" not in html
    assert "zeile ü" in mail.get_body(("plain",)).get_content()


@pytest.mark.parametrize("mode", ["auto", "starttls"])
async def test_starttls_is_used_and_the_login_goes_through_it(
    mode: str, start: Start, tls: ssl.SSLContext, ca_file: str
) -> None:
    """Where the server offers STARTTLS, the password and the mail go encrypted."""
    server = await start(tls=tls, login=LOGIN)
    await channels_to(server, tls=mode, ca_file=ca_file, username=LOGIN[0], password=PASSWORD).send(TO, notice(), "1")
    assert (len(server.mails), server.encrypted, server.logins) == (1, [True], 1)


async def test_tls_from_the_first_byte(start: Start, tls: ssl.SSLContext, ca_file: str) -> None:
    """``tls`` speaks to a server that expects TLS at once."""
    server = await start(tls=tls, tls_from_the_start=True)
    await channels_to(server, tls="tls", ca_file=ca_file).send(TO, notice(), "1")
    assert len(server.mails) == 1


async def test_required_starttls_that_is_not_offered_is_a_refusal(start: Start) -> None:
    """``starttls`` sends nothing to a server without it."""
    server = await start()
    error = await failure_of(channels_to(server, tls="starttls"))
    assert not error.passing
    assert "STARTTLS" in error.reason
    assert server.mails == []


async def test_password_is_not_sent_in_the_clear_unless_told(start: Start) -> None:
    """``auto`` gives no password to a server without TLS; ``off`` says that this is meant."""
    server = await start(login=LOGIN)
    error = await failure_of(channels_to(server, username=LOGIN[0], password=PASSWORD))
    assert not error.passing
    assert "notify.smtp.tls to off" in error.reason
    assert server.logins == 0
    await channels_to(server, tls="off", username=LOGIN[0], password=PASSWORD).send(TO, notice(), "1")
    assert (server.logins, server.encrypted) == (1, [False])


async def test_unknown_certificate_is_not_accepted(start: Start, tls: ssl.SSLContext) -> None:
    """A server whose certificate nobody vouches for gets neither mail nor password."""
    server = await start(tls=tls, login=LOGIN)
    error = await failure_of(channels_to(server, username=LOGIN[0], password=PASSWORD))
    assert "certificate that can't be verified" in error.reason
    assert (server.mails, server.logins) == ([], 0)


async def test_wrong_password_is_a_refusal_that_does_not_show_it(start: Start) -> None:
    """The reason has the code, and neither the password nor its base64."""
    server = await start(login=("sidecar", "other"))
    with structlog.testing.capture_logs() as logs:
        error = await failure_of(channels_to(server, tls="off", username=LOGIN[0], password=PASSWORD))
    assert not error.passing
    assert "refused the login (535)" in error.reason
    told = f"{error.reason} {logs} {SmtpSettings('h', 's@x', password=PASSWORD)!r}"
    assert PASSWORD not in told
    assert base64.b64encode(PASSWORD.encode()).decode() not in told


async def test_server_that_is_busy_takes_the_mail_the_next_time(start: Start) -> None:
    """A 4xx answer passes: the same mail is taken later."""
    server = await start()
    server.script.append("451 4.3.0 busy, come back")
    channels = channels_to(server)
    error = await failure_of(channels)
    assert error.passing
    assert error.reason == "the mail server 127.0.0.1 answered 451 4.3.0 busy, come back"
    await channels.send(TO, notice(), "a1-7")
    assert len(server.mails) == 1


async def test_server_that_refuses_is_quoted(start: Start) -> None:
    """A 5xx answer to the mail or to its recipient is a refusal."""
    server = await start()
    server.script.append("554 5.7.1 spam")
    error = await failure_of(channels_to(server))
    assert (error.passing, "554 5.7.1 spam" in error.reason) == (False, True)
    server.recipients_refused = "550 5.1.1 no such user"
    error = await failure_of(channels_to(server))
    assert (error.passing, "550 5.1.1 no such user" in error.reason) == (False, True)


async def test_server_that_is_away_or_silent_passes(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection and a server that says nothing are failures that pass, each within its time."""
    server = await start()
    await server.stop()
    await asyncio.sleep(0)
    assert (await failure_of(channels_to(server))).passing

    monkeypatch.setattr(email, "TIMEOUT_S", 0.2)
    quiet = asyncio.Event()
    silent = await asyncio.start_server(lambda reader, writer: quiet.wait(), "127.0.0.1", 0)
    server.port = silent.sockets[0].getsockname()[1]
    error = await failure_of(channels_to(server))
    quiet.set()
    silent.close()
    assert error.passing
    assert "did not answer in time" in error.reason


async def test_server_that_hangs_at_the_farewell_has_the_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the server took the mail, a QUIT without an answer is no failure: the mail must not go out twice."""
    monkeypatch.setattr(email, "QUIT_TIMEOUT_S", 0.1)
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        replies = {b"EHLO": b"250 hi\r\n", b"DATA": b"354 go\r\n"}
        while line := await reader.readline():
            seen.append(line[:4])
            if line[:4] == b"QUIT":
                continue
            if line[:4] == b"DATA":
                writer.write(replies[b"DATA"])
                await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    smtp = SmtpSettings("127.0.0.1", "sidecar@company.com", server.sockets[0].getsockname()[1])
    await Channels(NotifySettings(smtp=smtp)).send(TO, notice(), "1")
    server.close()
    assert seen[-1] == b"QUIT"


async def test_sender_that_is_no_address_is_an_error_not_a_crash(start: Start) -> None:
    """A sender that can't stand in a header is told as the reason."""
    server = await start()
    smtp = SmtpSettings("127.0.0.1", "a\r\nb@@x", server.port)
    error = await failure_of(Channels(NotifySettings(smtp=smtp)))
    assert not error.passing
    assert server.mails == []


async def test_certificates_that_can_not_be_read_are_named(start: Start) -> None:
    """A missing file of certificates is a fault of the configuration, by its field."""
    error = await failure_of(channels_to(await start(), ca_file="/nowhere/ca.pem"))
    assert (error.passing, error.reason) == (
        False,
        "notify.smtp.ca_file: '/nowhere/ca.pem' can't be read as certificates",
    )


async def test_mail_without_a_server_is_warned_of_and_refused() -> None:
    """Without notify.smtp the warning says what to set."""
    channels = Channels(NotifySettings())
    assert channels.warning(TO) == "no SMTP server is configured: set notify.smtp.host"
    assert (await failure_of(channels)).reason == channels.warning(TO)
