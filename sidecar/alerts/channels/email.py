"""Mail by SMTP."""

from __future__ import annotations

import asyncio
import hashlib
import html
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

import aiosmtplib

from sidecar.alerts.channels.channel import SendError, said
from sidecar.alerts.channels.settings import NotifySettings, SmtpSettings
from sidecar.alerts.channels.targets import Guard
from sidecar.alerts.channels.wording import lines_of, plain, utc
from sidecar.alerts.notice import Notice

TIMEOUT_S = 30.0
"""For a whole mail."""
REPLY_TIMEOUT_S = 15.0
QUIT_TIMEOUT_S = 2.0
_LACKS = (aiosmtplib.SMTPNotSupported, aiosmtplib.SMTPException)
"""How the library says that a server offers no STARTTLS, AUTH or SMTPUTF8: by the bare base class too."""
_START_TLS = {"auto": None, "starttls": True, "tls": False, "off": False}


class EmailChannel:
    """One connection a mail: alerts are few, and a connection kept open would be dead when it is needed.

    The server's host comes from the operator's configuration file, never from who creates an alert; most mail relays
    are private addresses. So it is not guarded as webhooks are.
    """

    def __init__(self, settings: NotifySettings, guard: Guard, clock: Callable[[], float]) -> None:
        self._smtp = settings.smtp

    def warning(self, target: str) -> str:
        """What must be configured; empty where a server is."""
        return "" if self._smtp else "no SMTP server is configured: set notify.smtp.host"

    async def send(self, target: str, notice: Notice, notice_id: str) -> None:
        """Hand one mail to the server. Raises SendError: 4xx answers and lost connections pass, 5xx are refusals."""
        if self._smtp is None:
            raise SendError(self.warning(target), passing=False)
        try:
            mail = mail_of(self._smtp.sender, target, notice, notice_id)
            async with asyncio.timeout(TIMEOUT_S):
                await _deliver(self._smtp, mail, target)
        except TimeoutError:
            raise SendError(f"the mail server {self._smtp.host} did not answer in time", passing=True) from None
        except (aiosmtplib.SMTPException, OSError, ValueError, MessageError) as error:
            raise _failure(self._smtp, error) from None

    async def close(self) -> None:
        """Nothing is held."""


def mail_of(sender: str, recipient: str, notice: Notice, notice_id: str) -> EmailMessage:
    """The mail, as plain text and as simple HTML. All of it is made of ``notice``: a repeat is the same mail.

    The Message-ID comes from ``notice_id``, and all mails of one alert refer to one id, so that they form a thread.
    """
    domain = sender.rpartition("@")[2]
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = Mailbox(addr_spec=sender)
    mail["To"] = Mailbox(addr_spec=recipient)
    mail["Subject"] = plain(notice.subject)
    mail["Date"] = utc(notice.at)
    mail["Message-ID"] = _message_id(f"notice {notice_id}", domain)
    mail["References"] = _message_id(f"alert {notice.alert_id}", domain)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's out-of-office answers it
    lines, link = lines_of(notice), plain(notice.link)
    mail.set_content("\n".join([*lines, *([link] if link else [])]) + "\n")
    mail.add_alternative(_html(plain(notice.subject), lines, link), subtype="html")
    return mail


def _message_id(name: str, domain: str) -> str:
    """A hash, so that nothing of ``name`` has to be fit for a header."""
    return f"<{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:32]}@{domain}>"


def _html(subject: str, lines: list[str], link: str) -> str:
    body = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    if link.startswith(("http://", "https://")):
        body += f'<p><a href="{html.escape(link)}">Open the alert</a></p>'
    return f"<!doctype html><html><body><h3>{html.escape(subject)}</h3>{body}</body></html>\n"


async def _deliver(smtp: SmtpSettings, mail: EmailMessage, recipient: str) -> None:
    client = aiosmtplib.SMTP(
        hostname=smtp.host,
        port=smtp.port,
        timeout=REPLY_TIMEOUT_S,
        use_tls=smtp.tls == "tls",
        start_tls=_START_TLS[smtp.tls],
        tls_context=None if smtp.tls == "off" else await asyncio.to_thread(_tls_context, smtp.ca_file),
        local_hostname=_own_name(),
    )
    try:
        await client.connect()
        if smtp.username:
            await _log_in(client, smtp)
        await client.send_message(mail, sender=smtp.sender, recipients=[recipient])
        # The server has it. A farewell that fails must not make it go out again.
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            await client.quit(timeout=QUIT_TIMEOUT_S)
    finally:
        client.close()


async def _log_in(client: aiosmtplib.SMTP, smtp: SmtpSettings) -> None:
    if smtp.tls == "auto" and client.get_transport_info("sslcontext") is None:
        # Whoever sits between could have taken the offer of TLS out to read the password.
        raise SendError(
            f"the mail server {smtp.host} offers no TLS, and the password is not sent without it; "
            "where that is meant, set notify.smtp.tls to off",
            passing=False,
        )
    await client.login(smtp.username, smtp.password)


def _tls_context(ca_file: str) -> ssl.SSLContext:
    """Reads certificates from disk. Raises SendError where the file is none of them."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError:
        raise SendError(f"notify.smtp.ca_file: {ca_file!r} can't be read as certificates", passing=False) from None


def _own_name() -> str:
    """For EHLO, as RFC 5321 (4.1.4) has it, without asking the DNS, which may hang."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _failure(smtp: SmtpSettings, error: Exception) -> SendError:
    server = f"the mail server {smtp.host}"
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            return _failure(smtp, error.recipients[0])
        case aiosmtplib.SMTPAuthenticationError():  # without its words: some servers echo what they were sent
            return SendError(f"{server} refused the login ({error.code})", passing=error.code < 500)
        case aiosmtplib.SMTPResponseException():
            words = said(error.message, (smtp.password,))
            return SendError(f"{server} answered {error.code} {words}".rstrip(), passing=not 500 <= error.code < 600)
        case aiosmtplib.SMTPException() if type(error) in _LACKS:
            return SendError(f"{server} lacks what is needed: {said(error.message)}", passing=False)
        case ssl.SSLCertVerificationError():
            return SendError(f"{server} shows a certificate that can't be verified", passing=True)
        case ssl.SSLError():
            return SendError(f"{server} can't be reached by TLS", passing=True)
        case TimeoutError():
            return SendError(f"{server} did not answer in time", passing=True)
        case ValueError() | MessageError():
            return SendError(f"the mail can't be sent: {said(str(error), (smtp.password,))}", passing=False)
        case _:
            return SendError(f"{server} can't be reached: {said(str(error), (smtp.password,))}", passing=True)
