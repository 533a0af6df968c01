"""Which requests are sent again where an upstream fails, proved by upstreams that count what reaches them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import pytest

from sidecar.types import Variant
from tests.kit.faulty import BODY, STAGES, Faulty
from tests.kit.ports import free_ports
from tests.kit.upstream import Rig, read_answer

Make = Callable[..., Awaitable[Rig]]
Listen = Callable[[Faulty], Awaitable[int]]
POST = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
SMALL_POST = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
GET = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
PUT = b"PUT /models/det HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"


async def over(make_rig: Make, ports: list[int], **limits: float) -> Rig:
    """A relay in front of servers at these ports."""
    urls = tuple(f"http://127.0.0.1:{port}" for port in ports)
    return await make_rig(variants=(Variant("A", urls[0], version="1", urls=urls),), limits=limits)


async def outcome(rig: Rig, request: bytes) -> int:
    """The status of the answer; 0 where it was cut off."""
    try:
        return (await rig.send(request))[0]
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0


@pytest.mark.parametrize("request_", [POST, SMALL_POST], ids=["large", "small"])
@pytest.mark.parametrize("good", [0, 1], ids=["fresh", "reused"])
@pytest.mark.parametrize("stage", STAGES)
async def test_post_is_never_sent_twice_wherever_its_connection_is_reset(
    make_rig: Make, listen: Listen, stage: str, good: int, request_: bytes
) -> None:
    """At every stage, over a fresh connection or a reused one, with another address at hand: one server got a byte of
    it at most, and that once."""
    servers = [Faulty(stage, good) for _ in range(3)]
    rig = await over(make_rig, [await listen(server) for server in servers])
    for _ in range(good * len(servers)):
        assert await outcome(rig, request_) == 200
    assert await outcome(rig, request_) in {0, 200, 502}
    await asyncio.sleep(0)
    assert sum(server.begun for server in servers) - good * len(servers) <= 1
    assert rig.proxy.in_flight == 0


async def test_post_goes_to_another_address_where_the_first_refuses_the_connection(
    make_rig: Make, listen: Listen
) -> None:
    """No byte of it was sent, so it is answered; and the next does not go there any more."""
    server = Faulty()
    gone = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", free_ports(1)[0])
    port = gone.sockets[0].getsockname()[1]
    rig = await over(make_rig, [port, await listen(server)])
    gone.close()
    await gone.wait_closed()
    assert [await outcome(rig, POST) for _ in range(4)] == [200] * 4
    assert server.begun == 4
    states = {one["address"]: one["state"] for one in rig.proxy.upstreams["A"].status()["addresses"]}
    assert states[f"127.0.0.1:{port}"] == "down"
    assert rig.proxy.upstreams["A"].up
    assert [exchange.error for exchange in rig.tap.exchanges] == [""] * 4


async def test_post_goes_to_another_address_where_the_first_closes_at_once(make_rig: Make, listen: Listen) -> None:
    """A server that ends the connection before anything was sent has got nothing of it."""
    closing, server = Faulty("accept"), Faulty()
    rig = await over(make_rig, [await listen(closing), await listen(server)])
    statuses = [await outcome(rig, SMALL_POST) for _ in range(6)]
    assert closing.begun + server.begun <= 6
    assert statuses.count(200) == server.whole >= 3
    assert closing.whole == 0 or statuses.count(502) == closing.whole


async def test_post_that_all_addresses_refuse_is_one_502(make_rig: Make) -> None:
    """Each is tried once."""
    rig = await over(make_rig, [1, 2])
    assert await outcome(rig, POST) == 502
    assert rig.tap.exchanges[0].error == "connect"
    assert not rig.proxy.upstreams["A"].up


@pytest.mark.parametrize("request_", [GET, PUT], ids=["GET", "PUT"])
async def test_idempotent_request_is_sent_again_once_if_its_connection_was_reused(
    make_rig: Make, listen: Listen, request_: bytes
) -> None:
    """And the second connection is a fresh one, on which it isn't sent a third time."""
    server = Faulty("request", good=1)
    rig = await over(make_rig, [await listen(server)])
    assert await outcome(rig, request_) == 200
    assert (await outcome(rig, request_), server.begun, server.accepted) == (200, 3, 3)
    server.good = 0
    assert (await outcome(rig, request_), server.begun) == (502, 4 + 1)


async def test_idempotent_request_is_not_sent_again_once_a_byte_of_the_answer_came(
    make_rig: Make, listen: Listen
) -> None:
    """However little of it."""
    server = Faulty("response_head", good=1)
    rig = await over(make_rig, [await listen(server)])
    assert await outcome(rig, GET) == 200
    assert (await outcome(rig, GET), server.begun) == (502, 2)


async def test_request_that_waits_for_a_connection_does_not_get_one_that_is_closing(
    make_rig: Make, listen: Listen
) -> None:
    """An answer and the end of its connection in one packet: who waited for it, a POST, is served over another."""

    async def answers_and_closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"abc")
        await asyncio.sleep(0.02)
        with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as at_once:
            at_once.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            at_once.shutdown(socket.SHUT_WR)
        writer.close()

    rig = await over(make_rig, [await listen(answers_and_closes)], upstream_connections_max=1)  # type: ignore[arg-type]
    connections = [await rig.connect() for _ in range(5)]
    for _, writer in connections:
        writer.write(SMALL_POST)
    assert [(await read_answer(reader))[0] for reader, _ in connections] == [200] * 5
    for _, writer in connections:
        writer.close()
