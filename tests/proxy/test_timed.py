"""Which version an exchange is recorded under, and what counts as the model server's time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tests.kit.shadowing import Listen, pair, shadowing
from tests.kit.upstream import Rig, Upstream, read_answer, until
from tests.proxy.test_pressure import narrow, only

Make = Callable[..., Awaitable[Rig]]
AWAY_S = 0.4
LEAST_MS = 300.0
"""Of the time that a client was away: some is over before the other side is waited for."""


@pytest.mark.parametrize("copied", [False, True])
async def test_time_that_a_client_takes_to_send_is_not_the_server_s(
    make_rig: Make, listen: Listen, copied: bool
) -> None:
    """So a copy, which has its body whole, has no advantage over what serves."""
    rig = await shadowing(make_rig, await listen(Upstream().serve)) if copied else await make_rig()
    reader, writer = await rig.connect()
    writer.write(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
    await until(lambda: rig.proxy.in_flight)
    await asyncio.sleep(AWAY_S)
    writer.write(b"def")
    assert (await read_answer(reader))[0] == 200
    await until(lambda: len(rig.tap.exchanges) == 1 + copied)
    serving = (await pair(rig))[0] if copied else rig.tap.exchanges[0]
    assert serving.latency_ms - serving.upstream_ms >= LEAST_MS
    assert serving.upstream_ms > 0
    writer.close()


async def test_time_that_a_client_takes_to_read_is_not_the_server_s(make_rig: Make) -> None:
    """While its answer waits for it nothing more is asked of the server."""
    body = bytes(4 << 20)
    rig = await make_rig(
        Upstream(reply=lambda got: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    )
    with narrow(rig) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        await until(lambda: rig.proxy.downstreams and only(rig).write_paused)
        await asyncio.sleep(AWAY_S)
        client.setblocking(False)
        left = len(body)
        while left > 0:
            left -= len(await asyncio.get_running_loop().sock_recv(client, 1 << 20))
    await until(lambda: rig.tap.exchanges)
    (exchange,) = rig.tap.exchanges
    assert exchange.latency_ms - exchange.upstream_ms >= LEAST_MS
    assert exchange.upstream_ms > 0


async def test_request_is_recorded_under_the_version_that_it_was_sent_to(make_rig: Make) -> None:
    """Settings that come while it is under way are the next one's; one that waits for a connection goes by them."""
    upstream = Upstream(gated=True)
    rig = await make_rig(upstream, limits={"upstream_connections_max": 1})
    (variant,) = rig.proxy.settings.variants
    post = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    clients = [await rig.connect() for _ in range(2)]
    for number, (_, writer) in enumerate(clients):
        writer.write(post)
        await until(lambda number=number: rig.proxy.in_flight == number + 1)
    await until(lambda: len(upstream.requests) == 1)
    changed = replace(variant, version="changed")
    assert rig.proxy.apply(replace(rig.proxy.settings, version=2, variants=(changed,)))
    upstream.gate.set()
    for reader, writer in clients:
        assert (await read_answer(reader))[0] == 200
        writer.close()
    assert [exchange.version for exchange in rig.tap.exchanges] == [variant.version, "changed"]
