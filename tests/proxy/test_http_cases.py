"""The hostile HTTP/1.1 cases that lie beside the project, over real sockets, in three segmentations."""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.upstream import Upstream, read_answer

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "http" / "cases.jsonl"
SPELLINGS = ("whole", "bytes", "halves")
LONG_BYTES = 5_000
REQUESTS = {
    "head": b"HEAD /p HTTP/1.1\r\nHost: a\r\n\r\n",
    "post": b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "http10": b"GET /p HTTP/1.0\r\nHost: a\r\n\r\n",
}
ENDED_BY_CLOSE = ("empty_close", "half_head", "body_short", "chunk_no_last", "http10/read_until_close")
BODIES = {"http10/read_until_close": b"ABCDE", "chunk_ext_ok": b"Z", "trailers": b"Z", "surplus_byte": b"Z"}
LENIENT = {"reject-405": (405, 501, 400), "reject-501": (501, 400), "reject-413": (413, 400), "reject-431": (431, 400)}


def load(side: str) -> list[Any]:
    if not CASES.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="shared/http/cases.jsonl is not beside the project"))]
    cases = [json.loads(line) for line in CASES.read_text().splitlines()]
    return [pytest.param(case, id=case["name"]) for case in cases if case["side"] == side]


def cut(raw: bytes, spelling: str) -> list[bytes]:
    if spelling == "whole" or len(raw) < 2:
        return [raw]
    if spelling == "halves":
        return [raw[: len(raw) // 2], raw[len(raw) // 2 :]]
    if len(raw) > LONG_BYTES:
        return [raw[at : at + len(raw) // 1000] for at in range(0, len(raw), len(raw) // 1000)]
    return [raw[at : at + 1] for at in range(len(raw))]


async def settle() -> None:
    """Lets both sides of this process come to rest."""
    for _ in range(4):
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("case", load("request"))
async def test_hostile_request_is_answered_as_expected(
    case: dict[str, Any], spelling: str, make_rig: Callable[..., Awaitable[Any]]
) -> None:
    """A request that two parsers might read differently is refused; what passes is sent on in one clear form."""
    raw = zlib.decompress(base64.b64decode(case["message"])).replace(b"SELF", b"sidecar")
    expected = case["expected"]
    rig = await make_rig(limits={"head_timeout_s": 5.0, "idle_timeout_s": 5.0, "keep_alive_s": 0.1})
    reader, writer = await rig.connect()
    replies = bytearray()

    async def collect() -> None:
        while part := await reader.read(1 << 16):
            replies.extend(part)

    reading = asyncio.create_task(collect())
    try:
        for piece in cut(raw, spelling):
            writer.write(piece)
            await writer.drain()
            if spelling != "whole":
                await asyncio.sleep(0)
        if expected == "incomplete":
            await settle()
            writer.write_eof()
    except ConnectionError:
        pass
    try:
        await asyncio.wait_for(reading, 10)
    except ConnectionError:
        pass
    finally:
        writer.close()
    await settle()
    statuses = [int(part[:3]) for part in bytes(replies).split(b"HTTP/1.1 ")[1:]]
    whole = rig.upstream.requests
    if expected.startswith("reject-"):
        status = int(expected[7:])
        assert statuses[-1:] in [[code] for code in LENIENT.get(expected, (status,))] or (
            status == 400 and not statuses
        )
        assert not whole
        if not case["name"].startswith(("chunk_", "trailer_")):
            assert not rig.upstream.raw
    elif expected == "incomplete":
        assert not whole
        assert statuses in ([], [400], [408], [100], [100, 400], [100, 408])
    elif expected == "respond":
        assert not whole
        assert statuses == [200]
    else:
        number = 1
        if expected.startswith("forward-") and expected[8:].isdigit():
            number = int(expected[8:])
        assert len(whole) == number
        assert statuses[:number] == [200] * number
        if expected == "forward-then-reject":
            assert statuses[1:] in ([], [400])
        for received in whole:
            assert received.line.endswith(b" HTTP/1.1")
            assert len(received.values(b"host")) == 1
            assert len(received.values(b"content-length") + received.values(b"transfer-encoding")) <= 1
            for name in (b"connection", b"keep-alive", b"te", b"upgrade", b"http2-settings", b"proxy-connection"):
                assert not received.values(name)
            assert b"1.2.3.4" not in received.head
            assert b"evil" not in received.head


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("case", load("response"))
async def test_hostile_response_is_relayed_as_expected(
    case: dict[str, Any], spelling: str, make_rig: Callable[..., Awaitable[Any]]
) -> None:
    """A response with doubtful framing becomes a 502 or an abort, and no byte of it answers another request."""
    raw = zlib.decompress(base64.b64decode(case["message"]))
    prefix, expected = case["name"].partition("/")[0], case["expected"]
    request = REQUESTS.get(prefix, b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n")
    idle = prefix == "idle"
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nZ"
    answers = [good if idle else raw, good]
    upstream = Upstream(
        reply=lambda received: answers[min(len(upstream.requests) - 1, 1)] or None,
        pieces=lambda answer: cut(answer, spelling) if answer == raw and answer else [answer],
    )
    upstream.close_when = lambda received: len(upstream.requests) == 1 and case["name"] in ENDED_BY_CLOSE
    if "early" in case["name"]:
        upstream.early = raw
    rig = await make_rig(upstream, limits={"idle_timeout_s": 3.0, "first_byte_timeout_s": 3.0})
    reader, writer = await rig.connect()
    writer.write(request)
    method = request.split()[0].decode()
    status, fields, body = 0, {}, b""
    try:
        status, fields, body = await read_answer(reader, method)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        ended = error
    else:
        ended = None
    if expected == "abort":
        assert ended is not None or status == 502
    elif expected == "bad-gateway":
        assert ended is None
        assert status == 502
        assert b"HTTP/1" not in body
    else:
        if status == 502 and expected != "forward":
            return
        assert ended is None, ended
        assert 200 <= status < 500
        if expected == "forward-nobody":
            assert body == b""
            assert b"transfer-encoding" not in fields
            assert status != 204 or b"content-length" not in fields
        if prefix == "http10":
            assert b"transfer-encoding" not in fields
            assert fields[b"connection"] == b"close"
        if case["name"] in BODIES:
            assert body == BODIES[case["name"]]
        assert b"x-int" not in fields
        assert b"x-sum" not in fields
        assert b"keep-alive" not in fields
    if idle:
        for piece in cut(raw, spelling):
            upstream.writers[0].write(piece)
            await settle()
    if method != "POST":
        assert (await rig.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"))[2] == b"Z"
        reuses = expected == "forward" and idle
        assert reuses == (len(upstream.raw) == 1) or expected.startswith("forward")
        if expected in ("bad-gateway", "abort", "forward-drop-conn"):
            assert len(upstream.raw) == 2
    writer.close()
