"""A relay in this process over a scripted upstream, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from sidecar.proxy.relay import Proxy
from sidecar.types import Limits, ProxySettings, RoutePattern, Variant
from tests.kit.upstream import Recorded, Rig, Upstream

ROUTES = (
    RoutePattern(("POST",), "/predict", "plain", model="det"),
    RoutePattern(("POST",), "/v1/models/{model}/versions/{version:int}:predict", "plain"),
)


@pytest.fixture
async def make_rig() -> AsyncIterator[Callable[..., Awaitable[Rig]]]:
    """Builds a relay over a scripted upstream; keyword arguments are fields of ProxySettings, ``limits`` a dict."""
    rigs: list[tuple[Rig, asyncio.Server]] = []

    async def make(upstream: Upstream | None = None, limits: dict[str, Any] | None = None, **settings: Any) -> Rig:
        upstream = upstream or Upstream()
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, limit=1 << 22)
        upstream.port = server.sockets[0].getsockname()[1]
        variant = Variant("A", f"http://127.0.0.1:{upstream.port}", version="1")
        fields: dict[str, Any] = {
            "version": 1,
            "variants": (variant,),
            "default": "A",
            "routes": ROUTES,
            "limits": replace(Limits(health_interval_s=1000.0), **(limits or {})),
            **settings,
        }
        tap = Recorded()
        proxy = Proxy(ProxySettings(**fields), tap, sweep_s=0.01)
        listener = await proxy.create_server()
        rig = Rig(proxy, upstream, tap, listener.sockets[0].getsockname()[1])
        rigs.append((rig, server))
        return rig

    yield make
    for rig, server in rigs:
        await rig.proxy.close()
        rig.upstream.gate.set()
        for writer in rig.upstream.writers.values():
            writer.transport.abort()
        server.close()


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def listen() -> AsyncIterator[Callable[[Handler], Awaitable[int]]]:
    """Serves connections by a handler on a port of its own, which it gives; what is left is aborted at the end."""
    servers: list[asyncio.Server] = []
    writers: list[asyncio.StreamWriter] = []

    async def start(handler: Handler) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await handler(reader, writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 22)
        servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    yield start
    for server in servers:
        server.close()
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)
