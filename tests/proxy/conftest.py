"""A relay in this process over a scripted upstream, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvloop

from sidecar.monitor.intake import Intake
from sidecar.proxy import relay
from sidecar.proxy.relay import Proxy
from sidecar.proxy.tap import Tap
from sidecar.types import FeedbackPath, Limits, ProxySettings, RoutePattern, Variant
from tests.kit.ports import free_ports
from tests.kit.upstream import Recorded, Rig, Upstream, read_answer, until

ROUTES = (
    RoutePattern(("POST",), "/predict", "plain", model="det"),
    RoutePattern(("POST",), "/v1/models/{model}/versions/{version:int}:predict", "plain"),
)
PATIENT = Limits(
    health_interval_s=1000.0,
    connect_timeout_s=30.0,
    upstream_pending_s=30.0,
    upstream_idle_s=60.0,
    head_timeout_s=60.0,
    tls_handshake_timeout_s=60.0,
    body_grace_s=60.0,
    feedback_timeout_s=30.0,
    ring_age_s=60.0,
    pin_age_s=300.0,
)
"""No time is up because the machine had other things to do: a test of what is up in time sets that bound itself."""


@pytest.fixture
async def make_rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Awaitable[Rig]]]:
    """Builds a relay over a scripted upstream, whose addresses have all been checked once; keyword arguments are fields
    of ProxySettings, ``limits`` a dict."""
    monkeypatch.setattr(relay, "FIRST_CHECKS_S", 60.0)
    rigs: list[tuple[Rig, asyncio.Server]] = []

    async def make(upstream: Upstream | None = None, limits: dict[str, Any] | None = None, **settings: Any) -> Rig:
        upstream = upstream or Upstream()
        (upstream.port,) = free_ports(1)
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", upstream.port, limit=1 << 22)
        variant = Variant("A", f"http://127.0.0.1:{upstream.port}", version="1")
        fields: dict[str, Any] = {
            "version": 1,
            "variants": (variant,),
            "default": "A",
            "routes": ROUTES,
            "limits": replace(PATIENT, **(limits or {})),
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

        (port,) = free_ports(1)
        servers.append(await asyncio.start_server(serve, "127.0.0.1", port, limit=1 << 22))
        return port

    yield start
    for server in servers:
        server.close()
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)


@dataclass
class Desk:
    """A relay with the path /feedback open, its tap and the monitor's end of the link, which answers by ``reply``."""

    rig: Rig
    tap: Tap
    path: Path
    intake: Intake
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[bytes] = field(default_factory=list)
    reply: tuple[int, str, bytes] = (200, "application/json", b'{"id":"f1"}')

    async def on_ask(self, body: bytes) -> tuple[int, str, bytes]:
        self.asked.append(body)
        await self.gate.wait()
        return self.reply

    async def monitor(self) -> None:
        """Starts a monitor, in place of one that is gone, and waits for the worker to find it."""
        self.intake = Intake(self.path, self.rig.proxy.settings, {}, lambda *_: None, lambda *_: None, self.on_ask)
        await self.intake.start()
        await until(lambda: self.tap.connected)

    async def converse(self, *requests: bytes) -> list[tuple[int, dict[bytes, bytes], bytes]]:
        """The answers to requests that are written at once over one connection, which must stay open."""
        reader, writer = await self.rig.connect()
        try:
            writer.write(b"".join(requests))
            answers = [await read_answer(reader) for _ in requests]
            assert not reader.at_eof()
            return answers
        finally:
            writer.close()


@pytest.fixture
async def make_desk(make_rig: Callable[..., Awaitable[Rig]], tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Builds a Desk whose monitor answers at once; ``monitor=False``: it is away."""
    desks: list[Desk] = []

    async def make(*, monitor: bool = True, feedback: dict[str, Any] | None = None, **settings: Any) -> Desk:
        opened = FeedbackPath(**{"path": "/feedback", "per_minute": 0, **(feedback or {})})
        rig = await make_rig(feedback=opened, **settings)
        proxy, path = rig.proxy, tmp_path / "link"
        clock = asyncio.get_running_loop().time
        tap = Tap(
            *(str(path), 0, 1, 1 << 20, proxy.book, proxy.ring, proxy.desk.asks, dict, proxy.apply, lambda: 1, clock)
        )
        tap.start()
        desk = Desk(rig, tap, path, Intake(path, proxy.settings, {}, lambda *_: None, lambda *_: None))
        desk.gate.set()
        desks.append(desk)
        if monitor:
            await desk.monitor()
        return desk

    yield make
    for desk in desks:
        await desk.tap.close(0.0)
        await desk.intake.stop()


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that workers run on: its transports differ from asyncio's in when they pause, close and tell of it."""
    return {"uvloop": uvloop.new_event_loop}
