"""The admin port of a monitor: what opens it, and how it is served."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from sidecar import __version__
from sidecar.access import TokenFile
from sidecar.api.app import create_app
from sidecar.api.services import Services
from sidecar.app.admin_config import read_token
from sidecar.app.config import Config
from sidecar.app.tls import tls_context

log = structlog.get_logger()
LINE_BYTES_MAX = 64 * 1024
"""The longest first line of a request: every parameter at its longest, each character written in twelve."""
CONNECTIONS_MAX = 512
"""Connections at a time: whoever opens them need not be anybody yet, and recording needs descriptors too."""
IDLE_S_MAX = 75.0
"""How long a connection may be there without a whole request."""
HANDSHAKE_S_MAX = 10.0
BACKLOG = 128
FINISH_S_MAX = 2.0
"""How long requests may take to end when the sidecar stops, and then once more to be broken off; well below the time
after which the monitor is killed, so that nobody who is slow to send can have that happen."""


class _NoHttp(logging.Filter):
    """Leaves out what aiohttp would say of bytes that are no HTTP: with a trace of everything, the bytes among it,
    which may hold a token. They are answered with 400."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_NO_HTTP = _NoHttp()


class AdminPort:
    """Whatever is wrong with its files once the sidecar runs is logged, and shuts out rather than lets in: recording
    goes on either way."""

    def __init__(self, config: Config) -> None:
        self._admin = config.admin
        self._data_dir = config.data_dir
        self._tls: ssl.SSLContext | None = None

    def access(self) -> dict[str, Any]:
        """The fields of Services that say who is let in."""
        token = None
        try:
            token = read_token(self._admin.token_file)
        except (OSError, ValueError) as error:
            log.error("token_file_not_read", error=str(error))
        return {
            "token": token,
            "tokens": TokenFile(self._data_dir),
            "token_demanded": self._admin.token_demanded,
            "certificates": self._admin.client_ca_file is not None,
            "version": __version__,
        }

    async def serve(self, stack: contextlib.AsyncExitStack, services: Services) -> None:
        """Answer until ``stack`` is unwound."""
        logging.getLogger("aiohttp.server").addFilter(_NO_HTTP)
        runner = web.AppRunner(
            create_app(services),
            access_log=None,
            max_line_size=LINE_BYTES_MAX,
            auto_decompress=False,  # bodies are taken as they are, or refused
            keepalive_timeout=IDLE_S_MAX,
            shutdown_timeout=FINISH_S_MAX,
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        host, port = self._admin.host, self._admin.port
        try:
            self._tls = tls_context(self._admin.tls_cert_file, self._admin.tls_key_file, self._admin.client_ca_file)
            server = await asyncio.get_running_loop().create_server(
                _bounded(runner, services),
                *(host, port),
                ssl=self._tls,
                ssl_handshake_timeout=None if self._tls is None else HANDSHAKE_S_MAX,
                backlog=BACKLOG,
            )
            stack.callback(server.close)  # before the runner's: whoever is there already is let finish
        except OSError as error:
            log.error("admin_port_not_opened", host=host, port=port, error=str(error))

    def renew(self) -> None:
        """Read certificate and key anew, for connections from now on; those of before stay where they can't be used."""
        cert_file, key_file = self._admin.tls_cert_file, self._admin.tls_key_file
        if self._tls is None or cert_file is None or key_file is None:
            return
        try:
            tls_context(cert_file, key_file, None)  # a pair that does not fit must not come into use halfway
            self._tls.load_cert_chain(cert_file, key_file, password="")
        except OSError as error:
            log.error("certificate_not_renewed", error=str(error))


class _TurnedAway(asyncio.Protocol):
    """A connection that there is no room for."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """End it: to read what it wants would be to have it."""
        transport.close()


def _bounded(runner: web.AppRunner, services: Services) -> Callable[[], asyncio.Protocol]:
    """What answers a new connection."""
    served = runner.server
    assert served is not None, "it is set up"

    def answer() -> asyncio.Protocol:
        if len(served.connections) < CONNECTIONS_MAX:
            return served()
        services.turned_away["connections"] += 1
        return _TurnedAway()

    return answer
