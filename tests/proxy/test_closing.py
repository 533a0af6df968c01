"""The end of client connections: nothing that was written is lost, and a drain gives time for another request."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator

import pytest

from sidecar.proxy import downstream
from tests.kit.upstream import Rig, Upstream, read_answer, until

Make = Callable[..., Awaitable[Rig]]
SIZE = 120_000
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE + bytes(SIZE)
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: %b\r\n\r\n"


@contextlib.contextmanager
def narrow_client(rig: Rig, wish: bytes) -> Iterator[socket.socket]:
    """A client that has asked and reads nothing, over a connection that takes less than the answer."""
    (server,) = rig.proxy._servers
    server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        client.connect(("127.0.0.1", rig.port))
        client.sendall(REQUEST % wish)
        client.setblocking(False)
        yield client


def unsent(rig: Rig) -> int:
    return sum(client._transport.get_write_buffer_size() for client in rig.proxy.downstreams)


async def test_answer_that_is_taken_late_is_whole(make_rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that closes after an answer waits for the client to take it, longer than for its farewell."""
    monkeypatch.setattr(downstream, "LINGER_S", 0.02)
    rig = await make_rig(Upstream(reply=lambda got: ANSWER))
    with narrow_client(rig, b"close") as client:
        await until(lambda: rig.proxy.book.requests and unsent(rig))
        await asyncio.sleep(0.2)
        taken = b""
        while received := await asyncio.get_running_loop().sock_recv(client, 1 << 20):
            taken += received
    assert taken.endswith(b"\r\n\r\n" + bytes(SIZE))
    assert rig.proxy.limits_hit == {}


async def test_client_that_takes_nothing_is_let_go(make_rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that stops reading its last answer is given up after ``idle_timeout_s``, which is counted."""
    monkeypatch.setattr(downstream, "LINGER_S", 0.02)
    rig = await make_rig(Upstream(reply=lambda got: ANSWER), limits={"idle_timeout_s": 0.1})
    with narrow_client(rig, b"close"):
        await until(lambda: rig.proxy.limits_hit.get("idle_timeout_s"))
        await until(lambda: not rig.proxy.downstreams)
    assert rig.proxy.limits_hit == {"idle_timeout_s": 1}


async def test_idle_client_has_time_for_another_request_in_a_drain(make_rig: Make) -> None:
    """Its answer closes the connection, so that no request meets its end on the way."""
    rig = await make_rig()
    reader, writer = await rig.connect()
    writer.write(REQUEST % b"keep-alive")
    await read_answer(reader)
    rig.proxy.draining = True
    rig.proxy.close_idle(60.0)
    writer.write(REQUEST % b"keep-alive")
    _, fields, body = await read_answer(reader)
    assert (fields[b"connection"], body) == (b"close", b"ok")
    assert await reader.read() == b""
    writer.close()


async def test_request_that_crosses_the_end_of_its_connection_is_not_passed_on(
    make_rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client can tell: the connection ends in order and without a byte of an answer."""
    monkeypatch.setattr(downstream, "LINGER_S", 60.0)
    rig = await make_rig()
    reader, writer = await rig.connect()
    await until(lambda: rig.proxy.downstreams)
    rig.proxy.close_idle()
    writer.write(REQUEST % b"keep-alive")
    await until(lambda: any(client._lingered for client in rig.proxy.downstreams))
    assert await reader.read() == b""
    writer.close()
    await until(lambda: not rig.proxy.downstreams)
    assert not rig.upstream.raw


async def test_client_that_takes_nothing_more_holds_no_connection_that_others_get(make_rig: Make) -> None:
    """Its last answer was whole when it filled what may be written: the server's connection is another's by then, and
    is read."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + bytes(40_000)
    rig = await make_rig(Upstream(reply=lambda got: answer), limits={"upstream_connections_max": 1})
    with narrow_client(rig, b"keep-alive") as client:
        client.sendall(REQUEST % b"keep-alive" * 9)
        await until(lambda: any(one.write_paused and one._stream is None for one in rig.proxy.downstreams))
        assert (await rig.send(REQUEST % b"close"))[0] == 200
