"""The end of a listener in a drain, and how long a drain may take."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from sidecar.proxy import drain
from sidecar.proxy.drain import finish_requests, let_in_the_last, longest_s
from tests.kit.upstream import Rig, Upstream, read_answer, until

Make = Callable[..., Awaitable[Rig]]
LATE_S = 0.2


async def test_handshake_over_a_long_way_is_not_cut_off_by_a_drain(
    make_rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who began to connect before new clients were dropped is served, though the last packet comes a while later."""
    assert drain.SHAKING_HANDS_S > LATE_S
    monkeypatch.setattr(drain, "SHAKING_HANDS_S", 60.0)
    rig = await make_rig()
    listener = socket.create_server(("127.0.0.1", 0))
    # a kernel that waits for the first byte takes the client's end of a handshake only with that, as if it came late
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 10)
    await rig.proxy.create_server(sock=listener)
    reader, writer = await asyncio.open_connection(*listener.getsockname())

    letting_in = asyncio.create_task(let_in_the_last(listener))
    await asyncio.sleep(LATE_S)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await until(lambda: rig.proxy.downstreams)
    assert not letting_in.done()
    letting_in.cancel()
    rig.proxy.stop_accepting()
    assert (await read_answer(reader))[0] == 200
    writer.close()


async def test_request_that_a_drain_has_no_time_for_is_told(make_rig: Make) -> None:
    """By a 503, and counted; an answer that has begun is cut off."""
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    upstream = Upstream(reply=lambda got: half if got.line.startswith(b"GET /begun") else None, gated=True)
    rig = await make_rig(upstream, limits={"drain_grace_s": 0.3})
    clients = [await rig.connect() for _ in range(2)]
    for (_, writer), path in zip(clients, (b"/begun", b"/waits"), strict=True):
        writer.write(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path)
    await until(lambda: len(upstream.requests) == 2)
    begun = next(got.connection for got in upstream.requests if got.line.startswith(b"GET /begun"))
    upstream.writers[begun].write(half)
    assert await clients[0][0].readuntil(b"half")
    rig.proxy.draining = True
    assert await finish_requests(rig.proxy, rig.proxy.settings.limits) == 2
    status, fields, content = await read_answer(clients[1][0])
    assert (status, fields[b"connection"], fields[b"retry-after"]) == (503, b"close", b"1")
    assert b"drain_grace_s" in content
    with pytest.raises(ConnectionResetError):
        await clients[0][0].readexactly(1)
    assert rig.proxy.limits_hit == {"drain_grace_s": 1}


def test_longest_drain_holds_delay_and_grace_in_full() -> None:
    """The supervisor waits for it: what is shaken hands with and flushed comes on top of what was promised."""
    assert longest_s(3.0, 20.0) > 3.0 + 20.0 + 2.0
