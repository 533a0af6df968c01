"""``/livez`` and ``/readyz`` on the supervisor's own port: small enough never to be the thing that fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable

REQUEST_BYTES_MAX = 8_192
REQUEST_TIMEOUT_S = 5.0
PROBES_MAX = 64
"""Probe connections served at once; more are closed unanswered."""


class Probes:
    """Answers 200 or 503 with a line of JSON that says why. ``readiness`` returns (ready, facts)."""

    def __init__(self, readiness: Callable[[], tuple[bool, dict[str, object]]]) -> None:
        self._readiness = readiness
        self._open = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        self._server = await asyncio.start_server(self._serve, host, port, limit=REQUEST_BYTES_MAX)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= PROBES_MAX:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_TIMEOUT_S)
                writer.write(self._answer(head.split(b"\r\n", 1)[0]))
                await asyncio.wait_for(writer.drain(), REQUEST_TIMEOUT_S)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _answer(self, line: bytes) -> bytes:
        method, _, rest = line.partition(b" ")
        path = rest.split(b" ", 1)[0].split(b"?", 1)[0]
        if method not in {b"GET", b"HEAD"}:
            return _response(405, "Method Not Allowed", {"error": "method", "expected": "GET"})
        if path == b"/livez":
            return _response(200, "OK", {"alive": True})
        if path != b"/readyz":
            return _response(404, "Not Found", {"error": "path", "expected": "/livez or /readyz"})
        ready, facts = self._readiness()
        return _response(*((200, "OK") if ready else (503, "Service Unavailable")), {"ready": ready, **facts})


def _response(status: int, reason: str, facts: dict[str, object]) -> bytes:
    body = json.dumps(facts).encode() + b"\n"
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
