"""Receivers of alerts on real local ports, whose answers a test scripts, and a notice to send them."""

from __future__ import annotations

import asyncio
import email
import email.policy
import functools
import ssl
import warnings
from collections import deque
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from sidecar.alerts.notice import Notice
from tests.kit.ports import free_ports


def notice(**changes: Any) -> Notice:
    """A firing one, with ``changes``."""
    firing = Notice(
        kind="firing",
        alert_id="a1",
        name="Errors",
        model="det",
        version="2",
        slice="",
        metric="error_rate",
        value=0.2,
        condition_text="error_rate above 5 % over 15m",
        sentence="error_rate of det@2 was 20 % over 15m.",
        context=("3 of 15 requests failed.",),
        starts_at=1_764_000_000.0,
        at=1_764_000_060.0,
        link="https://sidecar.example/alerts/a1",
    )
    return replace(firing, **changes)


@dataclass
class Posted:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes


class HttpReceiver:
    """Answers with ``script`` first, then ``always``. A step is a status, (status, headers), (status, headers, text),
    "stall" (no answer, 500 in the end), "slow" (200 once ``released`` is set), "stall body" (200, then nothing) or
    "cut" (takes the request, closes the connection).
    """

    def __init__(self) -> None:
        self.script: deque[Any] = deque()
        self.always: Any = 200
        self.posted: list[Posted] = []
        self.released = asyncio.Event()
        (self.port,) = free_ports(1)  # it stops and starts again on the same one
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=tls).start()

    async def stop(self) -> None:
        self.released.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.posted.append(Posted(request.path_qs, headers, await request.read()))
        step = self.script.popleft() if self.script else self.always
        if step in ("stall", "slow"):
            await self.released.wait()
            return web.Response(status=500 if step == "stall" else 200)
        if step == "stall body":
            response = web.StreamResponse(headers={"Content-Length": "10"})
            await response.prepare(request)
            await self.released.wait()
            return response
        if step == "cut":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        status, headers, text = (*step, {}, "")[:3] if isinstance(step, tuple) else (step, {}, "")
        return web.Response(status=status, headers=headers, text=text or "")


@dataclass
class MailServer:
    """An SMTP server. ``script`` has the replies to the next mails ("451 busy"); then all are taken.

    With ``login`` (user, password) it wants that login.
    """

    tls: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    tls_from_the_start: bool = False
    script: deque[str] = field(default_factory=deque)
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    recipients_refused: str = ""
    logins: int = 0
    port: int = 0

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        starttls = None if self.tls_from_the_start else self.tls
        direct = self.tls if self.tls_from_the_start else None
        (self.port,) = free_ports(1)  # nobody else takes it once it stops
        protocol = functools.partial(self._protocol, loop, starttls)
        self._server = await loop.create_server(protocol, "127.0.0.1", self.port, ssl=direct)

    async def stop(self) -> None:
        self._server.close()

    def _protocol(self, loop: asyncio.AbstractEventLoop, starttls: ssl.SSLContext | None) -> SMTP:
        with warnings.catch_warnings():  # a login without TLS is what some tests are about
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(
                self,
                hostname="mail.example",
                tls_context=starttls,
                auth_required=self.login is not None,
                auth_require_tls=False,
                authenticator=self._authenticate if self.login else None,
                loop=loop,
            )

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipients_refused:
            return self.recipients_refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = self.script.popleft() if self.script else "250 OK"
        if reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
            self.envelopes.append(envelope)
            self.encrypted.append(session.ssl is not None or self.tls_from_the_start)
        return reply

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        assert self.login is not None
        self.logins += 1
        user, password = self.login
        good = (given.login.decode(), given.password.decode()) == (user, password)
        return AuthResult(success=good, handled=False)
