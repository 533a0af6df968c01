"""Feedback on the data port: a real client, relay, tap and intake; only what answers the question is written here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from sidecar.types import FeedbackPath
from tests.kit.upstream import Rig, read_answer, read_head, until

BODY = b'{"prediction_id":"0190","feedback_type":"correct"}'
PREDICT = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
JSON = b"Content-Type: application/json; charset=utf-8\r\n"
PLAIN = b"Content-Type: text/plain\r\n"

MakeDesk = Callable[..., Awaitable[Any]]


def post(body: bytes = BODY, fields: bytes = JSON, target: bytes = b"/feedback") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n" % (target, fields, len(body))
    return head + body


CHUNKED = b"POST /feedback HTTP/1.1\r\nHost: a\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n"


def detail_of(answer: tuple[int, dict[bytes, bytes], bytes]) -> str:
    """The detail of a problem, which must be one."""
    status, fields, body = answer
    assert fields[b"content-type"] == b"application/problem+json"
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    return str(problem["detail"])


async def test_feedback_is_answered_by_the_monitor_and_relayed_to_nobody(make_desk: MakeDesk) -> None:
    """The body goes to the monitor as it came; status, media type and body of its reply go to the client."""
    desk = await make_desk()
    status, fields, body = await desk.rig.send(post(target=b"/feedback?from=app"))
    assert (status, body) == (200, b'{"id":"f1"}')
    assert fields[b"content-type"] == b"application/json"
    assert fields[b"cache-control"] == b"no-store"
    assert b"x-prediction-id" not in fields
    desk.reply = (422, "application/problem+json", b'{"detail":"no"}')
    assert (await desk.rig.send(post()))[::2] == (422, b'{"detail":"no"}')
    assert desk.asked == [BODY, BODY]
    assert desk.intake.asked == {200: 1, 422: 1}
    assert desk.rig.upstream.requests == []
    assert desk.rig.tap.exchanges == []
    (row,) = desk.rig.proxy.book.take()
    assert (row.model, row.statuses) == ("", {200: 1, 422: 1})
    assert desk.rig.proxy.in_flight == desk.rig.proxy.desk.bytes == len(desk.rig.proxy.desk.asks) == 0


async def test_everything_is_relayed_while_the_path_is_closed(make_rig: Callable[..., Awaitable[Rig]]) -> None:
    """Without the setting the path is the model server's; with it, only exactly that path is not."""
    rig = await make_rig()
    assert (await rig.send(post()))[2] == b"ok"
    opened = await make_rig(feedback=FeedbackPath("/feedback"))
    for target in (b"/feedback/", b"/feedback/x", b"/Feedback", b"/%66eedback", b"/"):
        assert (await opened.send(post(target=target)))[2] == b"ok"
    assert [len(rig.upstream.requests), len(opened.upstream.requests)] == [1, 5]


async def test_body_may_come_in_any_pieces(make_desk: MakeDesk) -> None:
    """Chunked or byte by byte, the monitor gets the same body."""
    desk = await make_desk()
    chunked = CHUNKED + b"5;a=b\r\n" + BODY[:5] + b"\r\n%x\r\n" % len(BODY[5:]) + BODY[5:] + b"\r\n0\r\nX-T: 1\r\n\r\n"
    assert (await desk.rig.send(chunked))[0] == 200
    for raw in (post(), chunked):
        assert (await desk.rig.send(*(raw[at : at + 1] for at in range(len(raw)))))[0] == 200
    assert desk.asked == [BODY] * 3


async def test_pipelined_requests_are_answered_in_order(make_desk: MakeDesk) -> None:
    """Feedback that waits for the monitor holds back what was sent after it, and nothing else."""
    desk = await make_desk()
    desk.gate.clear()
    reader, writer = await desk.rig.connect()
    writer.write(PREDICT + post() + PREDICT + post(b"[]"))
    assert (await read_answer(reader))[2] == b"ok"
    await until(lambda: desk.asked)
    assert (await desk.rig.send(PREDICT))[2] == b"ok"
    assert len(desk.rig.upstream.requests) == 2
    desk.gate.set()
    assert [(await read_answer(reader))[2] for _ in range(3)] == [b'{"id":"f1"}', b"ok", b'{"id":"f1"}']
    assert desk.asked == [BODY, b"[]"]
    writer.close()


async def test_expectation_is_met_unless_the_head_is_refused(make_desk: MakeDesk) -> None:
    """100 Continue goes out for a body that is wanted; one that is not is refused before it is sent."""
    desk = await make_desk()
    reader, writer = await desk.rig.connect()
    expecting = post(fields=JSON + b"Expect: 100-continue\r\n")[: -len(BODY)]
    writer.write(expecting)
    assert (await read_head(reader))[0] == 100
    writer.write(BODY)
    assert (await read_answer(reader))[0] == 200
    writer.write(expecting.replace(b"/json", b"/xml"))
    status, fields = await read_head(reader)
    assert (status, fields[b"connection"]) == (415, b"close")
    writer.close()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (CHUNKED + b"zz\r\n", 400),
        (CHUNKED + b"3\r\nabcX\r\n0\r\n\r\n", 400),
        (CHUNKED + b"3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n", 400),
        (CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n") + b"abc", 400),
        (post().replace(b"Length: ", b"Length: +"), 400),
        (CHUNKED + b"3\r\n" + b"x" * 70_000, 400),
        (CHUNKED + b"ffff\r\n" + b"x" * 65_535 + b"\r\n2\r\nxx\r\n0\r\n\r\n", 413),
        (post(bytes(65_537))[:-1], 413),  # once all of it is there the connection may go on
    ],
)
@pytest.mark.parametrize("pieces", [1, 3])
async def test_broken_or_too_large_body_is_refused_and_nothing_asked(
    make_desk: MakeDesk, raw: bytes, status: int, pieces: int
) -> None:
    """Framing is as strict as everywhere; the connection ends, for what follows can't be trusted."""
    desk = await make_desk()
    reader, writer = await desk.rig.connect()
    size = -(-len(raw) // pieces)
    for at in range(0, len(raw), size):
        writer.write(raw[at : at + size])
        await asyncio.sleep(0.005)
    assert (await read_answer(reader))[0] == status
    assert await reader.read() == b""
    writer.close()
    assert desk.asked == desk.rig.upstream.requests == []
    assert desk.rig.proxy.in_flight == desk.rig.proxy.desk.bytes == 0
    assert desk.rig.proxy.limits_hit.get("feedback_bytes_max", 0) == (status == 413)


async def test_body_of_exactly_the_bound_is_taken(make_desk: MakeDesk) -> None:
    """The bound is the last size that passes."""
    desk = await make_desk()
    assert (await desk.rig.send(post(bytes(65_536))))[0] == 200
    assert desk.asked == [bytes(65_536)]


@pytest.mark.parametrize("method", [b"GET", b"PUT", b"DELETE", b"PATCH"])
async def test_other_methods_are_refused_and_not_relayed(make_desk: MakeDesk, method: bytes) -> None:
    """What can be done here is said; the connection lives on, body or not."""
    desk = await make_desk()
    answers = await desk.converse(b"%b /feedback HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" % method, PREDICT)
    assert [status for status, _, _ in answers] == [405, 200]
    assert answers[0][1][b"allow"] == b"POST, OPTIONS"
    assert method.decode() in detail_of(answers[0])
    assert len(desk.rig.upstream.requests) == 1
    head = await desk.rig.send(b"HEAD /feedback HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", method="HEAD")
    assert head[0] == 405


@pytest.mark.parametrize(
    "fields",
    [
        b"",
        PLAIN,
        JSON + PLAIN,
        JSON + b"Content-Encoding: gzip\r\n",
    ],
)
async def test_what_is_not_plain_json_is_refused(make_desk: MakeDesk, fields: bytes) -> None:
    """A media type that a form on any page could send never reaches the monitor; the connection lives on."""
    desk = await make_desk()
    refused, taken = await desk.converse(post(fields=fields), post())
    assert (refused[0], taken[0]) == (415, 200)
    assert "Content-" in detail_of(refused)
    assert desk.asked == [BODY]


async def test_path_follows_the_settings(make_desk: MakeDesk) -> None:
    """A reload that moves or closes the path counts from the next request on."""
    desk = await make_desk()
    settings = desk.rig.proxy.settings
    desk.rig.proxy.apply(replace(settings, version=2, feedback=FeedbackPath("/flag")))
    assert [(await desk.rig.send(post(target=path)))[2] for path in (b"/feedback", b"/flag")] == [b"ok", b'{"id":"f1"}']
    desk.rig.proxy.apply(replace(settings, version=3, feedback=FeedbackPath()))
    assert (await desk.rig.send(post(target=b"/flag")))[2] == b"ok"
