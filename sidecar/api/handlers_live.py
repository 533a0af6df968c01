"""The endpoints of live figures: a stream of server-sent events (WHATWG HTML, section 9.2), and one moment."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from typing import Any

from aiohttp import web

from sidecar.api.live import LISTENERS_MAX, TICK_S, LiveFigures
from sidecar.api.problems import Problem
from sidecar.api.routes import Call, Route, there
from sidecar.api.schemas_live import Live, LiveQuery, SnapshotQuery

LIVE = web.AppKey("live", LiveFigures)
BEHIND_S_MAX = 10.0
"""How long a listener may leave what was sent unread before it is cut off."""
SOCKET_BYTES = 64 * 1024
"""What the kernel keeps for a listener, so that one who does not read is noticed."""
HEARTBEAT = b": still here\n"
"""A comment. No empty line ends it: some clients would take that for an event."""
HEARTBEAT_S = 15.0
"""How often at least something is sent, so that nothing on the way takes the connection for dead; and how often it is
looked whether the asker may still read."""


async def live(call: Call) -> web.StreamResponse:
    """The figures of the moment as server-sent events: an event ``figures`` every so many seconds, whose data is a
    Live. It does not end by itself."""
    query: LiveQuery = call.query
    figures = call.request.app[LIVE]
    await _check_known(call, query.model)
    with figures.place(call.request):
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        try:
            await response.prepare(call.request)
            _keep_little(call.request)
            await _relay(call, response, figures, query)
            await response.write_eof()
        except TimeoutError:
            call.services.turned_away["live_behind"] += 1
            _abort(call.request)
        except OSError:  # of the connection, wherever it is met: the listener left
            _abort(call.request)
    return response


async def _check_known(call: Call, model: str | None) -> None:
    """Raises ControlError for a model that nobody knows: its figures would stay empty for ever. The store is not asked
    about what has traffic."""
    seen = call.services.totals.summaries()
    if model is None or any(model in (name, f"{name}@{version}") for name, version, _ in seen):
        return
    await there(call.services.models).check(model, "model")


def _keep_little(request: web.Request) -> None:
    """Bound what the kernel takes for a listener: else megabytes would be sent before one who does not read is seen."""
    connection = request.get_extra_info("socket")
    if connection is not None:
        # a copy of the descriptor, since the socket that uvloop shows has no options
        with socket.socket(fileno=os.dup(connection.fileno())) as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)


async def _relay(call: Call, response: web.StreamResponse, figures: LiveFigures, query: LiveQuery) -> None:
    """Until the sidecar stops, or the asker may not read any more. Raises TimeoutError where what was sent is left
    unread, ConnectionError where nobody is there."""
    due = sent = looked = read = time.monotonic()
    async for _ in figures.ticks():
        now = time.monotonic()
        transport = call.request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the listener left")
        if now - looked >= HEARTBEAT_S:
            looked = now
            if not await _is_admitted(call):
                return
        if transport.get_write_buffer_size():
            if now - read >= BEHIND_S_MAX:
                raise TimeoutError
            continue
        read = now
        if now >= due - TICK_S / 2:
            due = max(due + query.interval_s, now)
            sent = now
            await _send(response, figures.event(query.interval_s, query.model))
        elif now - sent >= HEARTBEAT_S:
            sent = now
            await _send(response, HEARTBEAT)


async def _send(response: web.StreamResponse, piece: bytes) -> None:
    async with asyncio.timeout(BEHIND_S_MAX):
        await response.write(piece)


async def _is_admitted(call: Call) -> bool:
    """Whether who asked still may: a token may have been revoked since."""
    try:
        asker = await call.services.door.admit(call.request)
    except Problem:
        return False
    return asker is not None and asker.allows("read")


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def live_snapshot(call: Call) -> dict[str, Any]:
    """The figures of the moment, once."""
    query: SnapshotQuery = call.query
    await _check_known(call, query.model)
    return call.request.app[LIVE].snapshot(query.model)


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/live",
        "Live figures as server-sent events",
        live,
        query=LiveQuery,
        media_type="text/event-stream",
        statuses={503: f"{LISTENERS_MAX} listen already."},
        endless=True,
    ),
    Route("GET", "/api/v1/live/snapshot", "Live figures, once", live_snapshot, query=SnapshotQuery, gives=Live),
)
