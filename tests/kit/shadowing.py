"""A relay with a shadow test, for the tests of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sidecar.types import Exchange, Shadow, Variant
from tests.kit.upstream import Rig, Upstream, until

Make = Callable[..., Awaitable[Rig]]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Listen = Callable[[Handler], Awaitable[int]]
SHADOW = Shadow("new-model", "B", 1.0, "det", "salt", 3)
POST = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"


def post(body: bytes) -> bytes:
    return b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def chunked(*chunks: bytes) -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


async def shadowing(
    make_rig: Make, port: int, upstream: Upstream | None = None, shadow: Shadow = SHADOW, **fields: Any
) -> Rig:
    """A relay over ``upstream`` whose variant B listens at ``port`` and is a shadow."""
    rig = await make_rig(upstream, **fields)
    (first,) = rig.proxy.settings.variants
    variants = (first, Variant("B", f"http://127.0.0.1:{port}", version="2"))
    assert rig.proxy.apply(replace(rig.proxy.settings, version=2, variants=variants, shadows=(shadow,)))
    return rig


async def pair(rig: Rig) -> tuple[Exchange, Exchange]:
    """The serving and the shadow exchange, once both are recorded."""
    await until(lambda: len(rig.tap.exchanges) == 2)
    first, second = sorted(rig.tap.exchanges, key=lambda exchange: exchange.role)
    assert (first.role, second.role) == ("serving", "shadow")
    return first, second


def nothing_left(rig: Rig) -> bool:
    return (rig.proxy.shadows.in_flight, rig.proxy.shadows.bytes, rig.proxy.captured_bytes) == (0, 0, 0)


def unmarked(exchange: Exchange) -> bool:
    return (exchange.role, exchange.experiment, exchange.epoch) == ("serving", "", 0)


HELD_BYTES = 450_000


async def half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that sends HELD_BYTES of a larger answer, and then nothing."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(HELD_BYTES))
    await asyncio.sleep(60)
