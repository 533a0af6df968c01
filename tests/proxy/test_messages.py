"""Messages between real sockets whose parts come at different times: interim, early, with trailers, over bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sidecar.types import Variant
from tests.kit.upstream import Rig, Upstream, read_answer, read_head, until

Make = Callable[..., Awaitable[Rig]]
Listen = Callable[..., Awaitable[int]]
CHUNKED = b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize("minor", [1, 0])
async def test_interim_responses_pass_with_their_fields_to_those_who_know_them(make_rig: Make, minor: int) -> None:
    """Early hints come before the answer, unless the client speaks HTTP/1.0."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n"
    rig = await make_rig(Upstream(reply=lambda got: hints + OK))
    reader, writer = await rig.connect()
    writer.write(b"GET /p HTTP/1.%d\r\nHost: a\r\n\r\n" % minor)
    if minor == 1:
        assert await read_head(reader) == (103, {b"link": b"</a>; rel=preload"})
    assert (await read_head(reader))[0] == 200
    writer.close()


async def test_answer_before_the_end_of_an_upload_passes_at_once(make_rig: Make) -> None:
    """A server that has seen enough is heard; both connections end with that answer, and neither is used again."""
    rig = await make_rig(Upstream(early=b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"))
    reader, writer = await rig.connect()
    writer.write(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
    status, fields, _ = await read_answer(reader)
    assert (status, fields[b"connection"]) == (413, b"close")
    writer.write(b"x" * 100_000)
    assert await reader.read() == b""
    writer.close()
    await until(lambda: 0 in rig.upstream.closed)
    assert rig.upstream.requests == []
    assert rig.tap.exchanges[0].status == 413


async def test_answers_come_in_order_though_the_first_is_slow(make_rig: Make) -> None:
    """Of pipelined requests the second reaches the server once the first is answered."""
    upstream = Upstream(gated=True, reply=lambda got: OK.replace(b"ok", got.line[5:7]))
    rig = await make_rig(upstream)
    reader, writer = await rig.connect()
    writer.write(b"".join(b"GET /%02d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(20)))
    await until(lambda: upstream.requests)
    assert len(upstream.requests) == 1
    upstream.gate.set()
    assert [(await read_answer(reader))[2] for _ in range(20)] == [b"%02d" % number for number in range(20)]
    writer.close()


async def test_trailers_pass_both_ways_while_bodies_stream(make_rig: Make, listen: Listen) -> None:
    """What comes behind a body that is passed on as it comes arrives behind it on the other side."""
    seen: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def model(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n")
        seen.set_result(head + await reader.readuntil(b"X-Count: 1\r\n\r\n"))
        writer.write(b"1\r\nB\r\n0\r\nX-Sum: 2\r\nSet-Cookie: s=1\r\n\r\n")
        await reader.read()

    rig = await make_rig(variants=(Variant("A", f"http://127.0.0.1:{await listen(model)}"),))
    reader, writer = await rig.connect()
    writer.write(CHUNKED + b"TE: trailers\r\nTrailer: X-Count, Authorization\r\n\r\n2\r\nab\r\n")
    answer = await reader.readuntil(b"1\r\nA\r\n")
    assert b"\r\nTrailer: X-Sum\r\n" in answer
    writer.write(b"0\r\nAuthorization: x\r\nX-Count: 1\r\n\r\n")
    passed = await seen
    assert b"\r\nTrailer: X-Count\r\n" in passed
    assert passed.endswith(b"2\r\nab\r\n0\r\nX-Count: 1\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"1\r\nB\r\n0\r\nX-Sum: 2\r\n\r\n"
    writer.close()


@pytest.mark.parametrize(
    ("limit", "raw", "status"),
    [
        ("head_bytes_max", b"GET /p HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        ("head_fields_max", b"GET /p HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 101 + b"\r\n", 431),
        ("target_bytes_max", b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("body_bytes_max", b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741825\r\n\r\n", 413),
        ("body_bytes_max", CHUNKED + b"\r\n40000001\r\n", 413),
        ("chunk_extension_bytes_max", CHUNKED + b"\r\n1;" + b"a" * 5_000, 400),
        ("trailer_bytes_max", CHUNKED + b"\r\n0\r\nX: " + b"a" * 17_000, 431),
    ],
)
async def test_bound_that_a_request_meets_is_counted(make_rig: Make, limit: str, raw: bytes, status: int) -> None:
    """Whoever is told that something was too large is found in the count of that bound."""
    rig = await make_rig()
    assert (await rig.send(raw))[0] == status
    assert rig.proxy.limits_hit == {limit: 1}


@pytest.mark.parametrize(
    ("limit", "raw"),
    [
        ("head_bytes_max", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 40_000),
        ("head_fields_max", b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 101 + b"\r\n"),
        ("interim_responses_max", b"HTTP/1.1 100 X\r\n\r\n" * 17),
        ("chunk_extension_bytes_max", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"a" * 5_000),
        ("trailer_bytes_max", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * 17_000),
    ],
)
async def test_bound_that_a_response_meets_is_counted(make_rig: Make, limit: str, raw: bytes) -> None:
    """The same of what a model server sends."""
    rig = await make_rig(Upstream(reply=lambda got: raw))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError, AssertionError)):
        assert (await rig.send(b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"))[0] != 502
    assert rig.proxy.limits_hit == {limit: 1}


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("rest", [b"Transfer-Encoding: chunked\r\n\r\nx\r\n", b"Content-Length: +1\r\n\r\n"])
async def test_head_that_is_refused_is_answered_without_a_body(make_rig: Make, rest: bytes, pieces: int) -> None:
    """What answers HEAD ends with its fields, also where the request was malformed: its client reads no body."""
    rig = await make_rig()
    reader, writer = await rig.connect()
    raw = b"HEAD /p HTTP/1.1\r\nHost: a\r\n" + rest
    for piece in (raw[: raw.index(b"\r\n\r\n") + 4], raw[raw.index(b"\r\n\r\n") + 4 :]) if pieces == 2 else (raw,):
        writer.write(piece)
        await asyncio.sleep(0.01)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.index(b"\r\n\r\n") == len(answer) - 4
    writer.close()
