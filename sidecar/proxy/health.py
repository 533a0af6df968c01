"""The active health check of an upstream."""

from __future__ import annotations

import asyncio
import ssl

from sidecar.proxy.names import Name


async def is_healthy(
    name: Name, port: int, tls: ssl.SSLContext | None, authority: bytes, path: bytes, timeout_s: float
) -> bool:
    """Whether the server accepts a connection and, where there is a ``path``, answers a GET by 2xx or 3xx in time."""
    try:
        async with asyncio.timeout(timeout_s):
            server_hostname = name.host if tls else None
            reader, writer = await name.first(
                lambda address: asyncio.open_connection(address, port, ssl=tls, server_hostname=server_hostname)
            )
            try:
                return not path or await _ask(reader, writer, authority, path)
            finally:
                writer.transport.abort()
    except (OSError, ValueError, TimeoutError):
        return False


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authority: bytes, path: bytes) -> bool:
    writer.write(b"GET %b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % (path, authority))
    words = (await reader.readline()).split()
    return len(words) > 1 and words[0].startswith(b"HTTP/1.") and words[1][:1] in (b"2", b"3")
