"""Judges what a relay does with a hostile message, by what the sockets of the upstream and of the client received."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import h11

from tests.kit.http_answers import Answer, read_answers
from tests.kit.upstream import WAIT_S, Received, Rig, Upstream, until

Make = Callable[..., Awaitable[Rig]]
SPELLINGS = ("whole", "bytes", "halves")
LONG_BYTES = 5_000
PROMPT_S = WAIT_S
"""Refusals come within this time; the bounds of silence are longer."""
REQUESTS = {
    "head": b"HEAD /p HTTP/1.1\r\nHost: a\r\n\r\n",
    "post": b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "http10": b"GET /p HTTP/1.0\r\nHost: a\r\n\r\n",
    "te": b"GET /p HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: trailers\r\n\r\n",
}
GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nGOOD"
STALE = tuple(b"connection proxy-connection keep-alive te upgrade http2-settings proxy-authorization".split())
LENIENT = {405: (405, 501, 400), 501: (501, 400), 413: (413, 400), 431: (431, 400)}
"""Where the standard leaves the status open."""


@dataclass(frozen=True)
class Case:
    """One message. What is ``None`` or empty of the last fields is not asked.

    ``target``, ``host``, ``body`` and ``trailers`` are the first message's as passed on, ``lines`` the lines (lower
    case) that it must have, ``lacks`` bytes that may reach nobody. ``closes``: the upstream closes after it; ``fresh``:
    nothing else may go over its connection.
    """

    name: str
    raw: bytes
    expected: str
    why: str
    target: bytes | None = None
    host: bytes | None = None
    body: bytes | None = None
    trailers: bytes | None = None
    lines: tuple[bytes, ...] = ()
    lacks: tuple[bytes, ...] = ()
    closes: bool = False
    fresh: bool = False


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


async def judge_request(case: Case, spelling: str, make_rig: Make) -> None:
    """Sends the message in pieces and holds what came of it against ``case``."""
    suffix = case.expected.removeprefix("forward").removeprefix("-")
    number = int(suffix) if suffix.isdigit() else 1
    rig = await make_rig(Upstream(reply=_echo), limits={"head_timeout_s": 60.0, "idle_timeout_s": 60.0})
    kept = number if suffix.isdigit() or not suffix else 0
    replies = await _converse(rig, cut(case.raw, spelling), kept, case.expected in ("incomplete", "respond"))
    await settle()
    answers, left = read_answers(replies, ["GET"])
    assert left == b""
    finals = [answer for answer in answers if answer.status >= 200]
    assert all(answer.status == 100 for answer in answers if answer not in finals)
    statuses, got = [answer.status for answer in finals], rig.upstream.requests
    assert not any(word in bytes(raw) for word in case.lacks for raw in rig.upstream.raw.values())
    if case.expected.startswith("reject-"):
        await _judge_refusal(case, int(case.expected[7:]), finals, rig)
    elif case.expected == "incomplete":
        assert not got
        assert statuses in ([], [400], [408])
        await _upstream_left(rig)
    elif case.expected == "respond":
        assert not rig.upstream.raw
        assert statuses == [200]
    else:
        assert len(got) == number
        assert [(answer.status, answer.body) for answer in finals[:number]] == [(200, _named(one)) for one in got]
        assert statuses[number:] in ([[], [400]] if suffix == "then-reject" else [[]])
        if suffix == "close":
            assert finals[0].values(b"connection") == [b"close"]
        for received in got:
            _judge_passed(received)
        _judge_first(case, got[0])


async def _upstream_left(rig: Rig) -> None:
    """Each connection to the upstream is closed."""
    await until(lambda: len(rig.upstream.closed) == len(rig.upstream.raw))


async def _judge_refusal(case: Case, status: int, finals: list[Answer], rig: Rig) -> None:
    statuses = [answer.status for answer in finals]
    assert statuses in [[code] for code in LENIENT.get(status, (status,))] or (status == 400 and not statuses)
    assert all(answer.values(b"connection") == [b"close"] for answer in finals)
    assert not rig.upstream.requests
    if case.name.startswith(("chunk_", "trailer_")):
        await _upstream_left(rig)
    else:
        assert not rig.upstream.raw


def _judge_passed(received: Received) -> None:
    """What holds of every message that an upstream gets: one form, framed in one way."""
    assert received.line.endswith(b" HTTP/1.1")
    assert received.line.count(b" ") == 2
    assert len(received.values(b"host")) == 1
    assert len(received.values(b"content-length") + received.values(b"transfer-encoding")) <= 1
    assert received.values(b"transfer-encoding") in ([], [b"chunked"])
    assert [name for name in STALE if received.values(name)] == []
    assert received.values(b"via")[0].endswith(b" sidecar")
    assert received.values(b"x-forwarded-for") == [b"127.0.0.1"]
    assert b"1.2.3.4" not in received.head
    assert b"evil" not in received.head


def _judge_first(case: Case, received: Received) -> None:
    read = _as_h11_reads(case.raw)
    if read is not None:
        method, target, body = read
        assert received.line.split()[0] == method
        assert received.body == body
        if target.startswith(b"/"):
            assert received.line.split()[1] == target
    assert case.target in (None, received.line.split()[1])
    assert case.host in (None, *received.values(b"host"))
    assert case.body in (None, received.body)
    assert case.trailers in (None, received.trailers)
    assert set(case.lines) <= {line.lower() for line in received.head.split(b"\r\n")}


def _as_h11_reads(raw: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Method, target and body of the first message, where another parser takes it as well."""
    connection, body = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20), b""
    try:
        connection.receive_data(raw)
        head = connection.next_event()
        while isinstance(event := connection.next_event(), h11.Data):
            body += bytes(event.data)
    except h11.RemoteProtocolError:
        return None
    return (head.method, head.target, body) if isinstance(head, h11.Request) else None


def _named(received: Received) -> bytes:
    return received.line.split()[1][:40]


def _echo(received: Received) -> bytes:
    """An answer that names what it is for, so that answers in another order would show."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(_named(received)) + _named(received)


async def _converse(rig: Rig, pieces: list[bytes], kept: int, ends: bool) -> bytes:
    """All that a client receives which sends ``pieces``, and then an end of file if it ``ends``.

    After ``kept`` answers the connection is to stay open, and nothing more may come; 0: the proxy is to close it.
    """
    reader, writer = await rig.connect()
    replies = bytearray()

    async def collect() -> None:
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(1 << 16):
                replies.extend(part)
                if 0 < kept <= replies.count(b"HTTP/1.1 200 OK\r\n") and not read_answers(bytes(replies), ["GET"])[1]:
                    break

    reading = asyncio.create_task(collect())
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0)
        if ends:
            await settle()
            writer.write_eof()
    try:
        await asyncio.wait_for(reading, PROMPT_S)
        await settle()
        if kept:
            assert not reader.at_eof()
            with contextlib.suppress(TimeoutError):
                replies.extend(await asyncio.wait_for(reader.read(1 << 16), 0.005))
    finally:
        writer.close()
    return bytes(replies)


async def judge_response(case: Case, spelling: str, make_rig: Make) -> None:
    """Answers a request by the message in pieces, asks again on both sides, and holds all that against ``case``."""
    prefix, raw = case.name.partition("/")[0], case.raw
    request, idle = REQUESTS.get(prefix, GET), prefix == "idle"
    first = GOOD if idle else raw
    upstream = Upstream(
        reply=lambda received: first if len(upstream.requests) == 1 else GOOD,
        pieces=lambda answer: cut(answer, spelling) if answer is raw else [answer],
    )
    upstream.close_when = lambda received: case.closes and len(upstream.requests) == 1
    if "early" in case.name:
        upstream.early = raw
    rig = await make_rig(upstream, limits={"idle_timeout_s": 60.0, "first_byte_timeout_s": 60.0, "keep_alive_s": 75.0})
    method = request.split()[0].decode()
    if idle:
        assert (await rig.send(request))[2] == b"GOOD"
        for piece in cut(raw, spelling):
            if not upstream.writers[0].is_closing():
                upstream.writers[0].write(piece)
            await settle()
        replies, answers, left = b"", [], b""
    else:
        # what comes after the next request was sent can't be told from its answer: so surplus is to come before
        once = "early" in case.name or case.expected == "forward-drop-conn"
        asks = [request] if once else [request, NEXT]
        replies = await _ask(rig, asks, method)
        answers, left = read_answers(replies, [method, "GET"])
    finals = [answer for answer in answers if answer.status >= 200]
    assert not any(word in replies for word in case.lacks)
    if not idle:
        _judge_answer(case, asks, finals, left)
        await until(lambda: upstream.early or upstream.answered or 0 in upstream.closed)  # and no surplus is to come
    upstream.early = b""
    assert (await rig.send(NEXT))[2] == b"GOOD"
    await settle()
    fresh = len(upstream.raw) > 1
    if case.fresh or case.expected in ("bad-gateway", "abort", "forward-drop-conn"):
        assert fresh
        await until(lambda: 0 in upstream.closed)


async def _ask(rig: Rig, requests: list[bytes], method: str) -> bytes:
    """What a client receives that sends ``requests`` at once and then reads to the end."""
    reader, writer = await rig.connect()
    replies = b""
    try:
        writer.write(b"".join(requests))
        writer.write_eof()
        async with asyncio.timeout(PROMPT_S):
            with contextlib.suppress(ConnectionError):
                while part := await reader.read(1 << 16):
                    replies += part
    finally:
        writer.close()
    return replies


def _judge_answer(case: Case, asked: list[bytes], finals: list[Answer], left: bytes) -> None:
    prefix, expected, method = case.name.partition("/")[0], case.expected, asked[0].split()[0].decode()
    first = finals[0] if finals else None
    if expected == "abort" and first is None:
        return
    if expected in ("abort", "bad-gateway") or (first is not None and first.status == 502 and expected != "forward"):
        assert first is not None
        assert (first.status, left) == (502, b"")
        assert first.body.startswith(b'{"error"') or method == "HEAD"
        return
    assert first is not None
    assert left == b""
    once = len(asked) == 1 or first.values(b"connection") == [b"close"]
    assert [one.body for one in finals[1:]] == ([] if once else [b"GOOD"])
    if expected == "forward-nobody":
        assert first.values(b"transfer-encoding") == []
        assert first.status != 204 or first.values(b"content-length") == []
    if prefix == "http10":
        assert first.values(b"transfer-encoding") == []
        assert first.values(b"connection") == [b"close"]
    read = _answer_as_h11_reads(case.raw, method, case.closes)
    if read is not None:
        assert (first.status, first.body) == read
    assert case.body in (None, first.body)
    assert case.trailers in (None, first.trailers)
    lines = [b"%b: %b" % (name, value.lower()) for name, value in first.fields]
    assert set(case.lines) <= set(lines)
    assert all(first.values(name) == [] for name in (b"keep-alive", b"upgrade", b"x-int", b"x-sum"))


def _answer_as_h11_reads(raw: bytes, method: str, closes: bool) -> tuple[int, bytes] | None:
    connection, body = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20), b""
    connection.send(h11.Request(method=method, target="/p", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    try:
        connection.receive_data(raw)
        if closes:
            connection.receive_data(b"")
        while isinstance(head := connection.next_event(), h11.InformationalResponse):
            pass
        while isinstance(event := connection.next_event(), h11.Data):
            body += bytes(event.data)
    except h11.RemoteProtocolError:
        return None
    return (head.status_code, body) if isinstance(head, h11.Response) else None
