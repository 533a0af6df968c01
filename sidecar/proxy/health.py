"""The active health check of one address of an upstream, and why a connection to it did not come about."""

from __future__ import annotations

import asyncio
import os
from typing import cast

from sidecar.proxy.encrypted import HandshakeError
from sidecar.proxy.endpoints import Event, Place
from sidecar.proxy.tls import FromFiles, connect

LINE_BYTES_MAX = 64 << 10
"""What has no end of a line by then is no answer."""


async def check(
    place: Place, tls: FromFiles | None, authority: bytes, path: bytes, timeout_s: float
) -> tuple[Event, str]:
    """Whether the server accepts a connection and, where there is a ``path``, answers a GET by 2xx or 3xx in time: what
    happened, and why where it did not."""
    probe = _Probe(b"GET %b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % (path, authority) if path else b"")
    try:
        async with asyncio.timeout(timeout_s):
            await connect(lambda: probe, place.address, place.port, place.host, tls)
            fault = _fault_of_answer(await probe.line) if path else ""
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        if not probe.connected:
            return failed_to_connect(error)
        fault = "the health path did not answer in time"
    finally:
        probe.end()
    return (Event.CHECK_FAILED, fault) if fault else (Event.CHECK_PASSED, "")


def failed_to_connect(error: Exception) -> tuple[Event, str]:
    """What an attempt to connect that ended so says of an address, and why in few words.

    >>> failed_to_connect(ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"))
    (<Event.CONNECT_FAILED: 'connect_failed'>, 'connection refused')
    >>> failed_to_connect(HandshakeError("wrong version number"))[0] is Event.CHECK_FAILED  # it took a connection
    True
    """
    if isinstance(error, HandshakeError):
        return Event.CHECK_FAILED, error.reason
    if isinstance(error, TimeoutError):
        return Event.CONNECT_FAILED, "no connection came about in time"
    number = error.errno if isinstance(error, OSError) else None
    return Event.CONNECT_FAILED, os.strerror(number).lower() if number else str(error) or type(error).__name__


def _fault_of_answer(line: bytes) -> str:
    """What is wrong with an answer that begins so; empty where nothing is.

    >>> _fault_of_answer(b"HTTP/1.1 404 Not Found"), _fault_of_answer(b"HTTP/1.0 204 No Content")
    ('the health path answered 404', '')
    """
    if not line:
        return "the connection ended before the health path was answered"
    words = line.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not (words[1].isdigit() and len(words[1]) == 3):
        return "the health path was not answered in HTTP/1"
    return "" if words[1][:1] in (b"2", b"3") else f"the health path answered {words[1].decode()}"


class _Probe(asyncio.Protocol):
    """Sends a request and keeps the first line of what comes, or what there is of it at the end."""

    def __init__(self, request: bytes) -> None:
        self.line: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._request = request
        self._head = b""
        self._transport: asyncio.Transport | None = None

    @property
    def connected(self) -> bool:
        return self._transport is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self.line.done():
            return
        self._head += data
        line, end, _ = self._head.partition(b"\n")
        if end or len(line) > LINE_BYTES_MAX:
            self.line.set_result(line)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.line.done():
            self.line.set_result(self._head)

    def end(self) -> None:
        if self._transport is not None:
            self._transport.abort()
