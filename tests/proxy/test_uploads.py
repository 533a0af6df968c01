"""Clients that send or take slowly leave connections to the others, and are cut off in the end."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from time import monotonic

import pytest

from sidecar.proxy import downstream, relay, stream, uploads, upstream
from sidecar.proxy.downstream import Downstream
from sidecar.proxy.sockets import unsent_bytes
from tests.kit.upstream import Rig, Upstream, read_answer, until

Make = Callable[..., Awaitable[Rig]]
HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
SLOW = HEAD % 1_000 + b"s"
GOOD = HEAD % 4 + b"good"
GET = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
LARGE = 8 << 20
GRACE_S = 100.0
"""Longer than any machine stands still: who is slow before it is over is so by the test."""
WAITS_LONG = {"upstream_connections_max": 4, "upstream_pending_s": 1_000.0}
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def slow_ones(rig: Rig, count: int, message: bytes = SLOW) -> list[Connection]:
    found = []
    for number in range(count):
        reader, writer = await rig.connect()
        writer.write(message)
        await until(lambda number=number: rig.proxy.in_flight == number + 1)
        found.append((reader, writer))
    return found


def large_for_get() -> Upstream:
    large = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE + bytes(LARGE)
    small = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    return Upstream(reply=lambda got: large if got.line.startswith(b"GET") else small)


async def readers(rig: Rig, count: int) -> list[Connection]:
    """Clients that take no more of a large answer for now, the first of them for longest."""
    found, paused = [], pool(rig).clients.readers
    for number in range(len(paused) + 1, len(paused) + 1 + count):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, limit=1_024)
        writer.write(GET)
        await until(lambda number=number: len(paused) == number)
        found.append((reader, writer))
    return found


def pool(rig: Rig) -> upstream.Upstream:
    return rig.proxy.upstreams["A"]


async def waiting(rig: Rig, count: int = 1) -> None:
    await until(lambda: pool(rig).status()["waiting"] == count)


async def test_slow_uploads_leave_connections_to_others(make_rig: Make) -> None:
    """A quarter of the connections at most is held by requests of which little has come; the others wait for more."""
    rig = await make_rig(limits={"upstream_connections_max": 4})
    slow = await slow_ones(rig, 9)
    assert (await rig.send(GOOD))[0] == 200
    assert len(rig.upstream.raw) == 2
    assert rig.proxy.limits_hit == {"early_uploads_max": 8}
    for _, writer in slow:
        writer.close()
    await until(lambda: not rig.proxy.in_flight)
    assert rig.proxy.held.bytes == 0
    assert rig.proxy.upstreams["A"].clients.early == 0


@pytest.mark.parametrize("size", [1_000, 200_000])
async def test_request_that_was_kept_back_goes_on_whole(make_rig: Make, size: int) -> None:
    """Once all of its body has come, or enough of it, the upstream gets it as the client sent it."""
    rig = await make_rig(limits={"upstream_connections_max": 2})
    body = bytes(range(250)) * (size // 250)
    _early, (reader, writer) = await slow_ones(rig, 2, HEAD % size + body[:100])
    assert rig.proxy.held.bytes == 100
    writer.write(body[100:-1])
    await writer.drain()
    await until(lambda: rig.proxy.held.bytes == size - 1 or len(rig.upstream.raw) == 2)
    assert (len(rig.upstream.raw) == 2) == (size > 65_536)
    writer.write(body[-1:])
    assert (await read_answer(reader))[0] == 200
    assert [received.body for received in rig.upstream.requests] == [body]
    assert rig.proxy.held.bytes == 0


async def test_bodies_that_are_kept_back_have_a_bound(make_rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would pass it is answered at once, and its memory is free again."""
    monkeypatch.setattr(uploads, "UPLOAD_GRACE_S", GRACE_S)
    rig = await make_rig(limits={"upstream_connections_max": 1, "upload_held_bytes_max": 50})
    _, (reader, writer) = await slow_ones(rig, 2)
    writer.write(b"x" * 60)
    status, fields, _ = await read_answer(reader)
    assert (status, fields[b"retry-after"], rig.proxy.held.bytes) == (503, b"1", 0)
    assert rig.proxy.limits_hit == {"early_uploads_max": 1, "upload_held_bytes_max": 1}


@pytest.mark.parametrize("others", [0, 1])
async def test_body_that_comes_too_slowly_is_refused(make_rig: Make, others: int) -> None:
    """Though it never falls silent; whether it was passed on or kept back."""
    rig = await make_rig(limits={"upstream_connections_max": 1, "body_grace_s": GRACE_S, "body_bytes_per_s_min": 1_000})
    clients = await slow_ones(rig, 1 + others)
    for upload in pool(rig).clients.uploads:
        upload.began -= 2 * GRACE_S
    for _, writer in clients:
        writer.write(b"s")
    await until(lambda: rig.proxy.limits_hit.get("body_bytes_per_s_min") == len(clients))
    reader, writer = clients[-1]
    status, fields, _ = await read_answer(reader)
    assert (status, fields[b"connection"]) == (408, b"close")
    assert rig.upstream.requests == []


async def test_slow_body_is_taken_where_no_pace_is_asked_for(make_rig: Make) -> None:
    """``body_bytes_per_s_min`` 0 asks for none: only silence ends a body."""
    rig = await make_rig(limits={"body_grace_s": 0.01, "body_bytes_per_s_min": 0})
    reader, writer = await rig.connect()
    writer.write(HEAD % 10)
    for _ in range(10):
        await asyncio.sleep(0.02)
        writer.write(b"s")
    assert (await read_answer(reader))[0] == 200
    assert rig.proxy.limits_hit == {}


async def test_clients_that_take_nothing_leave_connections_to_others(
    make_rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has not taken its answer for longest is cut off where such clients hold more than half of them."""
    monkeypatch.setattr(uploads, "READER_GRACE_S", 0.05)
    rig = await make_rig(large_for_get(), limits={"upstream_connections_max": 2})
    clients = []
    for _ in range(3):
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port, limit=1_024)
        writer.write(GET)
        clients.append((reader, writer))
    assert (await rig.send(GOOD))[0] == 200
    assert rig.proxy.limits_hit["slow_readers_max"] >= 1
    for _, writer in clients:
        writer.transport.abort()
    await until(lambda: not rig.proxy.in_flight)
    assert rig.proxy.upstreams["A"].clients.readers == {}


async def test_bodies_that_begin_fast_and_go_on_slowly_leave_connections_to_others(
    make_rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a whole request waits, the slowest are refused until half of the connections are free of them."""
    monkeypatch.setattr(uploads, "UPLOAD_GRACE_S", GRACE_S)
    monkeypatch.setattr(uploads, "SLOW_BYTES_PER_S", 1 << 30)
    rig = await make_rig(limits=WAITS_LONG)
    slow = [await rig.connect() for _ in range(4)]
    for _, writer in slow:
        writer.write(HEAD % 1_000_000 + bytes(70_000))
    begun = pool(rig).clients.uploads
    await until(lambda: sum(one.holds_connection and of.request_bytes == 70_000 for one, of in begun.items()) == 4)
    good = asyncio.create_task(rig.send(GOOD))
    await waiting(rig)
    for later in (GRACE_S / 2, 2 * GRACE_S):
        assert not rig.proxy.limits_hit.get("slow_uploads_max")
        pool(rig).sweep(monotonic() + later)
    assert (await good)[0] == 200
    assert rig.proxy.limits_hit == {"slow_uploads_max": 2, "upstream_connections_max": 1}
    await until(lambda: sum(reader.at_eof() or bool(reader._buffer) for reader, _ in slow) == 2)
    for _, writer in slow:
        writer.transport.abort()
    await until(lambda: not rig.proxy.in_flight)
    assert rig.proxy.upstreams["A"].clients.uploads == {}


async def test_bodies_that_wait_for_a_connection_are_not_slow(make_rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long their requests queue: nothing is read of them meanwhile, so that time is not their clients'."""
    later = [0.0]
    for module in (downstream, relay, stream, uploads, upstream):
        monkeypatch.setattr(module, "monotonic", lambda: monotonic() + later[0])
    server = Upstream(gated=True)
    limits = {"upstream_connections_max": 1, "upload_early_bytes": 1, "first_byte_timeout_s": 1_000.0}
    rig = await make_rig(server, limits={**WAITS_LONG, **limits})
    under_way = asyncio.create_task(rig.send(GOOD))
    await until(lambda: server.requests)
    queued = [await rig.connect() for _ in range(2)]
    for _, writer in queued:
        writer.write(HEAD % 4 + b"go")
    await waiting(rig, 2)
    later[0] = 100.0
    pool(rig).sweep(monotonic() + later[0])
    server.gate.set()
    assert (await under_way)[0] == 200
    await asyncio.sleep(0.05)  # the sweep finds the next one under way, and its body half there
    for reader, writer in queued:
        writer.write(b"od")
        assert (await read_answer(reader))[0] == 200
    assert list(rig.proxy.limits_hit) == ["upstream_connections_max"]


async def test_clients_that_take_nothing_are_left_alone_while_connections_are_free(make_rig: Make) -> None:
    """Though they hold more than half of the connections, and for long: nobody waits for one."""
    rig = await make_rig(large_for_get(), limits=WAITS_LONG)
    clients = await readers(rig, 3)
    for later in (0.0, 100.0):
        pool(rig).sweep(monotonic() + later)
    assert (len(pool(rig).clients.readers), rig.proxy.limits_hit) == (len(clients), {})


async def test_client_that_goes_on_taking_its_answer_is_not_cut_off(
    make_rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it was the first to be full: the first of those that take nothing is, and half of the connections stay."""
    monkeypatch.setattr(uploads, "SLOW_BYTES_PER_S", 1)
    monkeypatch.setattr(uploads, "READER_GRACE_S", GRACE_S)
    rig = await make_rig(large_for_get(), limits=WAITS_LONG)
    clients = await readers(rig, 1)
    (steady,) = rig.proxy.downstreams
    unsent = [1_000]
    monkeypatch.setattr(Downstream, "unsent", lambda client: unsent[0] if client is steady else 1_000)
    clients += await readers(rig, 3)
    good = asyncio.create_task(rig.send(GOOD))
    await waiting(rig)
    pool(rig).sweep(monotonic())
    unsent[0] = 0
    pool(rig).sweep(monotonic() + 2 * GRACE_S)
    assert (await good)[0] == 200
    assert rig.proxy.limits_hit == {"slow_readers_max": 1, "upstream_connections_max": 1}
    assert len((await read_answer(clients[0][0]))[2]) == LARGE
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await read_answer(clients[1][0])


async def test_those_who_send_slowly_and_those_who_take_slowly_hold_half_together(
    make_rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind alone holds no more than its half; a request that waits finds a connection all the same."""
    monkeypatch.setattr(uploads, "UPLOAD_GRACE_S", GRACE_S)
    monkeypatch.setattr(uploads, "READER_GRACE_S", GRACE_S)
    monkeypatch.setattr(Downstream, "unsent", lambda client: 1_000)  # whatever the kernel, which takes in lumps, holds
    rig = await make_rig(large_for_get(), limits=WAITS_LONG)
    slow = await slow_ones(rig, 2, HEAD % 1_000_000 + bytes(70_000))
    slow += await readers(rig, 2)
    good = asyncio.create_task(rig.send(GOOD))
    await waiting(rig)
    for later in (0.0, 2 * GRACE_S):
        pool(rig).sweep(monotonic() + later)
    assert (await good)[0] == 200
    assert rig.proxy.limits_hit == {"slow_readers_max": 2, "upstream_connections_max": 1}
    assert rig.proxy.in_flight == len(slow) - 2


async def test_slow_bodies_that_are_kept_back_make_room_for_others(make_rig: Make) -> None:
    """Where no room is left the slowest of them is refused, not who comes next."""
    rig = await make_rig(limits={"upstream_connections_max": 4, "upload_held_bytes_max": 100})
    slow = await slow_ones(rig, 5, HEAD % 1_000 + bytes(20))
    for number, upload in enumerate(pool(rig).clients.uploads):
        upload.began -= 1_000 if number == 3 else 100
    reader, writer = await rig.connect()
    writer.write(HEAD % 31 + bytes(30))
    await until(lambda: rig.proxy.limits_hit.get("upload_held_bytes_max"))
    assert rig.proxy.held.bytes == 3 * 20 + 30
    writer.write(b"x")
    assert (await read_answer(reader))[0] == 200
    assert (await read_answer(slow[3][0]))[0] == 408
    assert rig.proxy.limits_hit == {"early_uploads_max": 5, "upload_held_bytes_max": 1}
    assert rig.proxy.in_flight == 4


async def test_slow_body_makes_no_room_for_itself(make_rig: Make) -> None:
    """Who comes slower than all that are kept back is the one that is refused."""
    rig = await make_rig(limits={"upstream_connections_max": 1, "upload_held_bytes_max": 100})
    *_, (reader, writer) = await slow_ones(rig, 3, HEAD % 1_000 + bytes(40))
    list(pool(rig).clients.uploads)[-1].began -= 1_000
    writer.write(bytes(30))
    assert (await read_answer(reader))[0] == 408
    assert (rig.proxy.held.bytes, rig.proxy.in_flight) == (40, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells elsewhere not what it holds")
async def test_what_the_kernel_holds_has_not_reached_the_client() -> None:
    """Or a client that takes all the time would seem to stand still while the kernel has megabytes for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours, theirs = socket.create_connection(listener.getsockname()), listener.accept()[0]
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    transport.write(bytes(LARGE))
    before = unsent_bytes(transport)
    assert transport.get_write_buffer_size() < before <= LARGE
    theirs.setblocking(False)
    taken = 0
    while taken < LARGE:
        taken += len(await asyncio.get_running_loop().sock_recv(theirs, 1 << 20))
    await until(lambda: unsent_bytes(transport) == 0)
    transport.abort()
    assert unsent_bytes(transport) == 0
    theirs.close()
