"""Clients and servers that send faster than the other side takes: reading is held, nothing is lost, nothing hangs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from sidecar.proxy import connection, downstream
from sidecar.proxy.downstream import Downstream
from sidecar.types import Variant
from tests.kit.ports import free_ports
from tests.kit.upstream import Rig, Upstream, read_answer, until

Make = Callable[..., Awaitable[Rig]]
GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 120000\r\n\r\n" + bytes(120_000)


def narrow(rig: Rig) -> socket.socket:
    """A client that takes less than an answer."""
    (server,) = rig.proxy._servers
    server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    client.connect(("127.0.0.1", rig.port))
    return client


def only(rig: Rig) -> Downstream:
    (client,) = rig.proxy.downstreams
    return client


async def test_rest_of_a_pipelined_body_is_read(make_rig: Make) -> None:
    """The second request's body had begun to come while the first waited for its answer."""
    upstream = Upstream(gated=True)
    rig = await make_rig(upstream)
    reader, writer = await rig.connect()
    body = bytes(3_000_000)
    head = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    writer.write(head % 3 + b"abc" + head % len(body) + body[:1_000])
    await until(lambda: upstream.requests and only(rig)._buffer)
    upstream.gate.set()
    assert (await read_answer(reader))[0] == 200
    writer.write(body[1_000:])
    assert (await read_answer(reader))[0] == 200
    assert [len(got.body) for got in upstream.requests] == [3, len(body)]
    writer.close()


async def test_client_that_reads_nothing_is_not_read_either(make_rig: Make) -> None:
    """What it goes on sending waits with it, not in memory."""
    rig = await make_rig(Upstream(reply=lambda got: ANSWER))
    with narrow(rig) as client:
        client.sendall(GET % 1)
        client.setblocking(False)
        await until(lambda: rig.proxy.downstreams and only(rig).write_paused and only(rig)._stream is None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await asyncio.get_running_loop().sock_sendall(client, b"GET /" + b"a" * (8 << 20))
        assert len(only(rig)._buffer) <= 1 << 20


async def test_client_that_is_told_to_go_on_and_reads_nothing_holds_the_server(
    make_rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its buffer had no room for "100 Continue": the answer waits with the server, not in memory."""
    body = bytes(32 << 20)
    rig = await make_rig(
        Upstream(reply=lambda got: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    )
    write, filling = Downstream.write, bytes(200_000)

    def write_to_the_brim(self: Downstream, parts: list[bytes]) -> None:
        if parts[0].startswith(b"HTTP/1.1 100"):
            self._transport.write(filling)
        write(self, parts)

    monkeypatch.setattr(Downstream, "write", write_to_the_brim)
    with narrow(rig) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        client.setblocking(False)
        await until(lambda: rig.proxy.downstreams and only(rig).write_paused)
        await asyncio.get_running_loop().sock_sendall(client, b"x")
        await until(lambda: rig.upstream.requests)
        await asyncio.sleep(0.3)
        assert only(rig)._transport.get_write_buffer_size() < 4 << 20
        left = len(filling) + len(body)
        while left > 0:
            left -= len(await asyncio.get_running_loop().sock_recv(client, 1 << 20))


async def test_request_behind_an_answer_that_is_still_taken_is_not_late(make_rig: Make) -> None:
    """Its head is there, so no bound on heads is met."""
    rig = await make_rig(Upstream(reply=lambda got: ANSWER))
    with narrow(rig) as client:
        client.sendall(GET % 1 + GET % 2)
        client.setblocking(False)
        await until(lambda: rig.proxy.downstreams and only(rig).write_paused and only(rig)._stream is None)
        only(rig).on_deadline()
        taken = b""
        while len(taken) < 2 * len(ANSWER):
            taken += await asyncio.get_running_loop().sock_recv(client, 1 << 20)
    assert taken.count(b"HTTP/1.1 200 OK") == 2
    assert rig.proxy.limits_hit == {}


async def test_request_behind_an_answer_that_nobody_takes_ends_with_it(
    make_rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is bounded is how long the client takes nothing."""
    monkeypatch.setattr(downstream, "LINGER_S", 0.05)
    rig = await make_rig(Upstream(reply=lambda got: ANSWER))
    with narrow(rig) as client:
        client.sendall(GET % 1 + GET % 2)
        await until(lambda: rig.proxy.downstreams and only(rig).write_paused and only(rig)._stream is None)
        settings = rig.proxy.settings
        limits = replace(settings.limits, idle_timeout_s=0.1)
        rig.proxy.apply(replace(settings, version=2, limits=limits))
        only(rig).deadline = 0.0
        await until(lambda: not rig.proxy.downstreams)
    assert rig.proxy.limits_hit == {"idle_timeout_s": 1}
    assert len(rig.upstream.requests) == 1


async def test_requests_before_a_half_close_are_all_answered(make_rig: Make) -> None:
    """A client may send them at once, close its side and then read."""
    upstream = Upstream(reply=lambda got: ANSWER)
    rig = await make_rig(upstream)
    with narrow(rig) as client:
        client.sendall(b"".join(GET % number for number in range(3)))
        client.shutdown(socket.SHUT_WR)
        client.setblocking(False)
        await until(lambda: rig.proxy.downstreams and only(rig).write_paused)
        await asyncio.sleep(0.05)
        taken = b""
        while received := await asyncio.get_running_loop().sock_recv(client, 1 << 20):
            taken += received
    assert taken.count(b"HTTP/1.1 200 OK") == len(upstream.requests) == 3
    assert taken.endswith(bytes(120_000))


async def test_server_that_reads_nothing_holds_the_client(make_rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first part of a body on: it waits with the client, not in memory."""
    made = connection.UpstreamConnection.connection_made

    def with_little_room(self: connection.UpstreamConnection, transport: asyncio.BaseTransport) -> None:
        made(self, transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        writer.close()

    monkeypatch.setattr(connection.UpstreamConnection, "connection_made", with_little_room)
    server = await asyncio.start_server(mute, "127.0.0.1", free_ports(1)[0], limit=1_024)
    rig = await make_rig(variants=(Variant("A", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"),))
    (listener,) = rig.proxy._servers
    listener.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    with socket.create_connection(("127.0.0.1", rig.port)) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 300000000\r\n\r\n" + bytes(250_000))
        client.setblocking(False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                for _ in range(64):
                    await asyncio.get_running_loop().sock_sendall(client, bytes(1 << 20))
        (pool,) = rig.proxy.upstreams.values()
        (one,) = pool.connections
        assert one._transport.get_write_buffer_size() < 4 << 20
    server.close()


async def test_connection_that_is_idle_keeps_nothing(make_rig: Make) -> None:
    """Neither what was read with its last requests nor a long head that was sent on."""
    rig = await make_rig()
    (listener,) = rig.proxy._servers
    listener.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    reader, writer = await rig.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"a" * 30_000) * 4)
    for _ in range(4):
        assert (await read_answer(reader))[0] == 200
    assert (only(rig)._buffer, only(rig).composed) == (b"", None)
    writer.close()
