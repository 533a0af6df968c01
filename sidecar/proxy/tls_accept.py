"""A client's connection on a data port that speaks TLS, up to the end of its handshake.

Whoever is still shaking hands counts towards ``connections_max``, has ``tls_handshake_timeout_s`` for it, and holds no
TLS state before its first byte. Plain HTTP is told so in plain HTTP; how the others failed is in ``tls_failed``.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from time import monotonic
from typing import TYPE_CHECKING

from sidecar.proxy.encrypted import Encrypted

if TYPE_CHECKING:
    from sidecar.proxy.relay import Proxy

_HANDSHAKE = 0x16
_HTTP_BEGINS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\r\n")
LEAVE_S = 1.0
"""How long who spoke plain HTTP may take to read the answer and go."""
_PLAIN_HTTP = json.dumps({"error": "plain_http", "detail": "this port speaks HTTPS only"}).encode() + b"\n"
_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
    % (len(_PLAIN_HTTP), _PLAIN_HTTP)
)


class FromClient(Encrypted):
    """``deadline`` (monotonic seconds) is looked at by the proxy's sweep until the handshake is done."""

    def __init__(self, proxy: Proxy, inner: asyncio.Protocol, context: ssl.SSLContext | None) -> None:
        super().__init__(inner)
        self._proxy = proxy
        self._context = context
        self._spoke = self._refused = False
        self._found_idle = 0.0
        self.deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        proxy = self._proxy
        limits = proxy.settings.limits
        self.deadline = monotonic() + limits.tls_handshake_timeout_s
        if self._context is None:
            self._refuse("no_certificate")
        elif len(proxy.handshakes) + len(proxy.downstreams) >= proxy.connections_max:
            proxy.hit("connections_max")
            self._refuse("")
        else:
            proxy.handshakes.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.handshakes.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._spoke:
            self._begin(data)
        if not self._refused:
            super().data_received(data)

    def _begin(self, data: bytes) -> None:
        self._spoke = True
        if data[0] == _HANDSHAKE and self._context is not None:
            self._tls = self._context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        elif data[0] in _HTTP_BEGINS:
            self._fail("plain_http")
            self._proxy.answered(400)
            self._refused = True
            self.deadline = monotonic() + LEAVE_S
            self._wire.write(_ANSWER)
            self._wire.write_eof()  # what still comes is read away, or a reset would eat the answer
        else:
            self._refuse("not_tls")

    def _refuse(self, reason: str) -> None:
        self._fail(reason)
        self._refused = self._spoke = True
        self.abort()

    def _fail(self, reason: str) -> None:
        if reason and not self._refused:
            failed = self._proxy.tls_failed
            failed[reason] = failed.get(reason, 0) + 1

    def _failed(self, reason: str, detail: str) -> None:
        if self._spoke:  # who left without a word has only looked whether somebody listens
            self._fail(reason)
            self._refused = True

    def _handshaken(self) -> None:
        self._proxy.handshakes.discard(self)

    def _ended_unsaid(self) -> bool:
        """A client may leave so; whether its request is whole its framing tells."""
        if not self._open:
            return False
        return bool(self._inner.eof_received())

    def close_idle(self, now: float, idle_s: float) -> None:
        """Who has not said a word yet, and was found so for ``idle_s``, is let go."""
        if not self._spoke:
            self._found_idle = self._found_idle or now
            if now - self._found_idle >= idle_s:
                self.abort()

    def on_deadline(self) -> None:
        """The handshake took too long, or the reading of a refusal."""
        if not self._refused:
            self._proxy.hit("tls_handshake_timeout_s")
            self._refuse("timeout")
        else:
            self.abort()
