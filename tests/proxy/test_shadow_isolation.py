"""Whatever the shadow does, its client never notices: not in the answer's bytes, not in its time, not in its life."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from dataclasses import replace
from time import monotonic

import pytest

from sidecar.types import Exchange
from tests.kit.shadowing import (
    HELD_BYTES,
    POST,
    Handler,
    Listen,
    Make,
    chunked,
    half_an_answer,
    nothing_left,
    pair,
    post,
    shadowing,
)
from tests.kit.upstream import WAIT_S, Rig, Upstream, read_answer, until

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Model: a\r\nContent-Length: 4\r\n\r\ntrue"
BIG = bytes(1 << 23)
TIMEOUT_S = 1000.0
LIMITS = {"shadow_timeout_s": TIMEOUT_S, "tap_response_bytes_max": 1 << 20}
_RESET = struct.pack("ii", 1, 0)
_ID = re.compile(rb"X-Prediction-Id: [0-9a-f]{32}")


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads all there is and says nothing."""
    while await reader.read(1 << 16):
        pass


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads nothing."""
    writer.transport.pause_reading()  # type: ignore[attr-defined] - a WriteTransport by its type, a socket's by nature
    await asyncio.sleep(60)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def halfway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"SSH-2.0-OpenSSH\r\n")


async def switch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nmore")


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte of an answer now and then."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.01)


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An answer without an end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        await writer.drain()


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers by 413 before the body is read, and closes."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()


FAULTS: dict[str, tuple[Handler | None, int, str]] = {
    "down": (None, 502, "connect"),
    "hangs": (hang, 504, "timeout"),
    "reads_nothing": (deaf, 504, "timeout"),
    "resets": (reset, 502, "reset"),
    "closes": (close, 502, "reset"),
    "closes_halfway": (halfway, 200, "truncated"),
    "talks_nonsense": (nonsense, 502, "protocol"),
    "switches_protocols": (switch, 502, "protocol"),
    "answers_slowly": (drip, 200, "timeout"),
    "answers_hugely": (flood, 200, ""),
    "refuses_early": (refuse, 413, ""),
}


async def raw_answer(rig: Rig, request: bytes) -> bytes:
    """The very bytes of an answer, but for the id."""
    reader, writer = await rig.connect()
    writer.write(request)
    async with asyncio.timeout(WAIT_S):
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(4)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    assert _ID.search(head) is not None
    return _ID.sub(b"X-Prediction-Id: ID", head + body)


async def shadow_of(rig: Rig) -> Exchange:
    return (await pair(rig))[1]


@pytest.mark.parametrize("body", [b"abc", BIG], ids=["small", "larger_than_socket_buffers"])
@pytest.mark.parametrize("name", FAULTS)
async def test_answer_is_the_same_and_as_soon_whatever_the_shadow_does(
    make_rig: Make, listen: Listen, name: str, body: bytes
) -> None:
    """The client gets the bytes it would get without a shadow, and waits for none that hangs: its copy is under way
    until its time is over, long after the answer. Both are recorded."""
    handler, status, error = FAULTS[name]
    expected = await raw_answer(await make_rig(Upstream(reply=lambda got: ANSWER)), post(body))
    port = await listen(handler) if handler is not None else 1
    rig = await shadowing(make_rig, port, Upstream(reply=lambda got: ANSWER), limits=LIMITS)
    assert await raw_answer(rig, post(body)) == expected
    if error == "timeout":
        begun = 0 if status == 504 else status
        await until(lambda: [copy.status for copy in rig.proxy.shadows._copies] == [begun])
        assert [exchange.role for exchange in rig.tap.exchanges] == ["serving"]
        rig.proxy.shadows.sweep(monotonic() + TIMEOUT_S)
    serving, shadow = await pair(rig)
    assert (serving.status, serving.error, serving.experiment) == (200, "", "new-model")
    early = (
        name in ("resets", "closes", "closes_halfway") and body is BIG
    )  # the kernel may drop what came before a reset
    assert early or (shadow.status, shadow.error) == (status, error)
    assert early is False or shadow.error in ("reset", "truncated")
    assert shadow.response_too_large == (name == "answers_hugely")
    assert (shadow.role, shadow.experiment, shadow.epoch) == ("shadow", "new-model", 3)
    assert nothing_left(rig)
    assert rig.proxy.in_flight == 0


async def test_answer_comes_while_the_shadow_hangs(make_rig: Make, listen: Listen) -> None:
    """Many requests over one connection are answered while not one of their copies is."""
    second = Upstream(gated=True)
    rig = await shadowing(make_rig, await listen(second.serve))
    reader, writer = await rig.connect()
    for _ in range(10):
        writer.write(POST)
        assert (await read_answer(reader))[2] == b"ok"
    assert rig.proxy.shadows.in_flight == 10
    assert [exchange.role for exchange in rig.tap.exchanges] == ["serving"] * 10
    second.gate.set()
    await until(lambda: nothing_left(rig))
    writer.close()
    assert [exchange.role for exchange in rig.tap.exchanges[10:]] == ["shadow"] * 10


async def test_answers_of_copies_leave_room_to_keep_what_clients_get(make_rig: Make, listen: Listen) -> None:
    """Copies keep no more than half of the capture budget, and what they took is given back."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + bytes(400_000)
    limits = {"tap_bytes_max": 1_000_000, "shadow_timeout_s": TIMEOUT_S}
    rig = await shadowing(make_rig, await listen(half_an_answer), Upstream(reply=lambda got: answer), limits=limits)
    await rig.send(POST)
    await until(lambda: rig.proxy.captured_bytes == HELD_BYTES)
    await rig.send(POST)
    await until(lambda: rig.proxy.limits_hit.get("capture_budget") == 1)
    await rig.send(POST)
    await until(lambda: rig.proxy.limits_hit.get("capture_budget") == 2)
    rig.proxy.shadows.sweep(monotonic() + TIMEOUT_S)
    await until(lambda: nothing_left(rig))
    serving = [exchange for exchange in rig.tap.exchanges if exchange.role == "serving"]
    assert [len(exchange.response_body) for exchange in serving] == [400_000] * 3
    shadows = [exchange.response_too_large for exchange in rig.tap.exchanges if exchange.role == "shadow"]
    assert sorted(shadows) == [False, True, True]


async def test_client_that_leaves_after_its_request_leaves_the_copy_alone(make_rig: Make, listen: Listen) -> None:
    """The copy of a whole request is answered and recorded though nobody waits for the original."""
    second = Upstream(gated=True)
    rig = await shadowing(make_rig, await listen(second.serve), Upstream(gated=True))
    _, writer = await rig.connect()
    writer.write(POST)
    await until(lambda: second.requests)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
    await until(lambda: rig.tap.exchanges)
    second.gate.set()
    serving, shadow = await pair(rig)
    assert (serving.error, serving.experiment) == ("client_gone", "new-model")
    assert (shadow.status, shadow.error, shadow.response_body) == (200, "", b"ok")


@pytest.mark.parametrize("request_", [post(b"abcd")[:-1], chunked(b"abcd")[:-5]], ids=["length", "chunked"])
async def test_client_that_leaves_within_its_body_is_not_copied(
    make_rig: Make, listen: Listen, request_: bytes
) -> None:
    """Half a request never reaches the shadow."""
    second = Upstream()
    rig = await shadowing(make_rig, await listen(second.serve))
    _, writer = await rig.connect()
    writer.write(request_)
    await until(lambda: rig.upstream.raw)
    writer.transport.abort()
    await until(lambda: rig.tap.exchanges)
    assert (rig.tap.exchanges[0].error, rig.tap.exchanges[0].experiment) == ("body", "")
    assert not second.raw
    assert (rig.proxy.ring.bytes, rig.proxy.shadows.in_flight) == (0, 0)


async def test_upload_that_is_answered_early_is_not_copied(make_rig: Make, listen: Listen) -> None:
    """An upload whose answer has begun before its end says nothing of what a model makes of the whole."""
    second = Upstream()
    early = Upstream(early=b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nno")
    rig = await shadowing(make_rig, await listen(second.serve), early)
    reader, writer = await rig.connect()
    writer.write(post(b"abcd")[:-1])
    await reader.readuntil(b"\r\n\r\nno")
    writer.write(b"d")
    await until(lambda: rig.upstream.requests)
    assert rig.proxy.shadows.in_flight == 0
    rig.upstream.writers[0].write(b"!!")
    assert await reader.readexactly(2) == b"!!"
    writer.close()
    assert (rig.tap.exchanges[0].error, rig.tap.exchanges[0].experiment) == ("", "")
    assert not second.raw


async def test_request_that_reaches_no_upstream_is_not_copied(make_rig: Make, listen: Listen) -> None:
    """Where what serves is down there is nothing to compare with."""
    second = Upstream()
    rig = await shadowing(make_rig, await listen(second.serve))
    first, shadow = rig.proxy.settings.variants
    down = replace(first, url="http://127.0.0.1:1")
    rig.proxy.apply(replace(rig.proxy.settings, version=3, variants=(down, shadow)))
    assert (await rig.send(POST))[0] == 502
    assert rig.tap.exchanges[0].experiment == ""
    assert not second.raw
