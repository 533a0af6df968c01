"""Upgrades to WebSocket between a real client and a real server, through the relay; every other upgrade is refused."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from sidecar.types import Variant
from tests.kit.ports import free_ports
from tests.kit.upstream import WAIT_S, Rig, Upstream, read_answer, read_head, until

Make = Callable[..., Awaitable[Rig]]
BOXES = Subprotocol("boxes")
UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


async def echo(connection: ServerConnection) -> None:
    """Sends each message back, and closes with a code of its own when it is told ``bye``."""
    async for message in connection:
        if message == "bye":
            await connection.close(4000, "as asked")
        else:
            await connection.send(message)


def admit(connection: ServerConnection, request: Request) -> Response | None:
    return connection.respond(403, "not you\n") if request.path == "/closed" else None


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serve(echo, "127.0.0.1", free_ports(1)[0], process_request=admit, subprotocols=[BOXES]) as running:
        yield running


@pytest.fixture
async def rig(server: Server, make_rig: Make) -> Rig:
    port = server.sockets[0].getsockname()[1]
    return await make_rig(variants=(Variant("A", f"http://127.0.0.1:{port}"),))


def dial(rig: Rig, path: str = "/ws") -> connect:
    return connect(f"ws://127.0.0.1:{rig.port}{path}", subprotocols=[BOXES], open_timeout=WAIT_S)


async def test_messages_pass_both_ways_until_the_client_closes(rig: Rig) -> None:
    """Text, bytes, fragments, megabytes and pings arrive as they were sent, compressed as both sides agreed."""
    picture = os.urandom(1_000_000)
    async with dial(rig) as client:
        assert client.subprotocol == BOXES
        assert "permessage-deflate" in str(client.response and client.response.headers)
        for message in ("hello", b"\x00\xff", "", "x" * 70_000):
            await client.send(message)
            assert await client.recv() == message
        await client.send(part for part in ("in ", "three ", "parts"))
        assert await client.recv() == "in three parts"
        await asyncio.wait_for(await client.ping(), WAIT_S)
        await client.send(picture)
        assert await client.recv() == picture
    assert client.close_code == 1000
    await until(lambda: rig.proxy.in_flight == 0)
    assert not rig.proxy.upstreams["A"].connections


async def test_many_messages_keep_their_order(rig: Rig) -> None:
    """Frames that are sent without waiting come back in order."""
    async with dial(rig) as client:
        for number in range(500):
            await client.send(str(number))
        assert [await client.recv() for _ in range(500)] == [str(number) for number in range(500)]


async def test_server_that_closes_tells_the_client_why(rig: Rig) -> None:
    """The close frame of the server, with its code, passes before the connection ends."""
    async with dial(rig) as client:
        await client.send("bye")
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4000, "as asked")


async def test_upgrade_that_the_server_refuses_is_an_answer_like_any(rig: Rig) -> None:
    """A 403 in place of a 101 reaches the client with its body."""
    with pytest.raises(InvalidStatus) as caught:
        await dial(rig, "/closed")
    assert caught.value.response.status_code == 403
    assert caught.value.response.body == b"not you\n"


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket, h2c", b"TLS/1.3", b"websocket/13"])
async def test_other_upgrades_are_not_passed_on(make_rig: Make, upgrade: bytes) -> None:
    """The server sees a plain request; a 101 that it sends all the same is a 502, and nothing behind it passes."""
    rig = await make_rig(Upstream(reply=lambda got: SWITCHED + b"raw bytes"))
    status, _, body = await rig.send(UPGRADE.replace(b"websocket", upgrade))
    assert status == 502
    assert b"raw" not in body
    assert rig.upstream.requests[0].values(b"upgrade") == []


async def test_client_that_half_closes_its_tunnel_still_reads_to_the_end(make_rig: Make) -> None:
    """The last bytes of a client and its end of file reach the server, whose last bytes reach the client."""
    rig = await make_rig(Upstream(reply=lambda got: SWITCHED))
    reader, writer = await rig.connect()
    writer.write(UPGRADE)
    assert (await read_head(reader))[0] == 101
    writer.write(b"the last\r\n\r\n")
    writer.write_eof()
    await until(lambda: 0 in rig.upstream.closed)
    assert rig.upstream.raw[0].endswith(b"the last\r\n\r\n")
    assert await reader.read() == SWITCHED
    writer.close()
    await until(lambda: rig.proxy.in_flight == 0)


async def test_silent_tunnel_ends(make_rig: Make) -> None:
    """A tunnel over which nothing passes is closed after its bound, which is counted."""
    rig = await make_rig(Upstream(reply=lambda got: SWITCHED), limits={"tunnel_idle_s": 0.05})
    reader, writer = await rig.connect()
    writer.write(UPGRADE)
    assert (await read_head(reader))[0] == 101
    with pytest.raises(ConnectionResetError):
        await reader.read()
    assert rig.proxy.limits_hit == {"tunnel_idle_s": 1}
    assert rig.proxy.in_flight == 0
    writer.close()


async def test_upgrade_waits_for_its_turn_in_a_pipeline(make_rig: Make) -> None:
    """A request before the upgrade is answered first; what comes behind the upgrade belongs to the tunnel."""
    rig = await make_rig(Upstream(reply=lambda got: SWITCHED if b"/ws" in got.line else _ok(got.line)))
    reader, writer = await rig.connect()
    writer.write(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n" + UPGRADE + b"frame\r\n\r\n")
    assert (await read_answer(reader))[2] == b"GET /first HTTP/1.1"
    assert (await read_head(reader))[0] == 101
    await until(lambda: any(raw.endswith(b"\r\n\r\nframe\r\n\r\n") for raw in rig.upstream.raw.values()))
    writer.close()


def _ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
