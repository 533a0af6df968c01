"""The relay between real sockets: what a client and an upstream see of each other, and what is recorded."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from sidecar.types import Experiment, Pin, Variant
from tests.kit.upstream import Rig, Upstream, read_answer, read_head, until

Make = Callable[..., Awaitable[Rig]]
POST = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
GET = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_prediction_request_is_recorded_with_its_id(make_rig: Make) -> None:
    """A request to a prediction route gets an id in its answer and one exchange; other traffic only counts."""
    rig = await make_rig(pins=(Pin("random_sample", 1.0),))
    _, fields, _ = await rig.send(POST)
    await rig.send(GET)
    (exchange,) = rig.tap.exchanges
    assert exchange.prediction_id == fields[b"x-prediction-id"].decode()
    assert (exchange.model, exchange.version, exchange.role) == ("det", "1", "serving")
    assert (exchange.request_head, exchange.response_body, exchange.error) == (b"abc", b"ok", "")
    assert exchange.pinned == ("random_sample",)
    assert rig.proxy.ring.take(exchange.prediction_id) == [b"abc"]
    assert sorted((row.model, row.requests) for row in rig.proxy.book.take()) == [("", 1), ("det", 1)]


async def test_keep_alive_connection_serves_many_requests_over_one_upstream_connection(make_rig: Make) -> None:
    """Both sides are kept alive between requests."""
    rig = await make_rig()
    reader, writer = await rig.connect()
    for _ in range(5):
        writer.write(POST)
        assert (await read_answer(reader))[2] == b"ok"
    writer.close()
    assert len(rig.upstream.raw) == 1


async def test_post_on_a_dying_reused_connection_is_not_sent_twice(make_rig: Make) -> None:
    """A POST that meets a connection which closes without an answer becomes a 502, a GET is replayed once."""
    upstream = Upstream()
    upstream.reply = lambda got: None if len(upstream.requests) == 2 else b"HTTP/1.1 204 No Content\r\n\r\n"
    rig = await make_rig(upstream)
    assert (await rig.send(POST))[0] == 204
    assert (await rig.send(POST))[0] == 502
    assert len(upstream.requests) == 2
    assert rig.tap.exchanges[-1].error == "reset"
    upstream.requests.clear()
    assert (await rig.send(GET))[0] == 204
    assert (await rig.send(GET))[0] == 204
    assert len(upstream.requests) == 3


async def test_unreachable_upstream_is_answered_and_the_client_kept(make_rig: Make) -> None:
    """A refused connection is a short 502, after which the same client connection still works."""
    rig = await make_rig(variants=(Variant("A", "http://127.0.0.1:1"),))
    reader, writer = await rig.connect()
    for _ in range(2):
        writer.write(POST)
        status, _, body = await read_answer(reader)
        assert status == 502
        assert b'"error": "upstream_unreachable"' in body
    writer.close()
    assert [exchange.error for exchange in rig.tap.exchanges] == ["connect", "connect"]
    assert not rig.proxy.upstreams["A"].up


async def test_silent_upstream_is_answered_by_504(make_rig: Make) -> None:
    """No first byte within its bound: 504, and the upstream connection is not used again."""
    rig = await make_rig(Upstream(gated=True), limits={"first_byte_timeout_s": 0.05})
    assert (await rig.send(POST))[0] == 504
    assert rig.tap.exchanges[0].error == "timeout"
    assert rig.proxy.limits_hit == {"first_byte_timeout_s": 1}
    await until(lambda: not rig.proxy.upstreams["A"].connections)


async def test_requests_over_the_pending_bound_are_turned_away(make_rig: Make) -> None:
    """One connection, one waiter: the third request gets a 503 with Retry-After at once."""
    rig = await make_rig(Upstream(gated=True), limits={"upstream_connections_max": 1, "upstream_pending_max": 1})
    first = asyncio.create_task(rig.send(POST))
    await until(lambda: rig.upstream.requests)
    second = asyncio.create_task(rig.send(POST))
    await until(lambda: rig.proxy.in_flight == 2)
    status, fields, _ = await rig.send(POST)
    assert (status, fields[b"retry-after"]) == (503, b"1")
    rig.upstream.gate.set()
    assert [(await task)[0] for task in (first, second)] == [200, 200]


async def test_request_that_waits_for_a_connection_is_counted_once(make_rig: Make) -> None:
    """Whatever becomes of others meanwhile."""
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    upstream = Upstream(gated=True, reply=lambda got: answer)
    rig = await make_rig(upstream, limits={"upstream_connections_max": 1})
    asked = [asyncio.create_task(rig.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")) for _ in range(4)]
    await until(lambda: upstream.requests and rig.proxy.in_flight == 4)
    upstream.gate.set()
    assert [status for status, _, _ in await asyncio.gather(*asked)] == [200] * 4
    assert rig.proxy.limits_hit == {"upstream_connections_max": 3}


@pytest.mark.parametrize("line", [b"OPTIONS * HTTP/1.0\r\n", b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"])
async def test_client_that_wants_its_connection_closed_gets_that_of_the_proxy_too(make_rig: Make, line: bytes) -> None:
    """Where it answers itself: to Max-Forwards of nothing."""
    rig = await make_rig()
    reader, writer = await rig.connect()
    writer.write(line + b"Max-Forwards: 0\r\n\r\n")
    status, fields, _ = await read_answer(reader, "OPTIONS")
    assert (status, fields[b"connection"], await reader.read()) == (200, b"close", b"")
    assert not rig.upstream.requests
    writer.close()


async def test_client_that_leaves_is_recorded_and_its_upstream_connection_closed(make_rig: Make) -> None:
    """The work of a client that went away is not left running on a pooled connection."""
    rig = await make_rig(Upstream(gated=True))
    _, writer = await rig.connect()
    writer.write(POST)
    await until(lambda: rig.upstream.requests)
    reset = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    writer.transport.abort()
    await until(lambda: rig.tap.exchanges)
    assert (rig.tap.exchanges[0].error, rig.tap.exchanges[0].status) == ("client_gone", 0)
    assert rig.proxy.in_flight == 0


async def test_client_that_half_closes_still_gets_its_answer(make_rig: Make) -> None:
    """An end of file after a whole request says only that no other will follow."""
    rig = await make_rig()
    reader, writer = await rig.connect()
    writer.write(POST)
    writer.write_eof()
    assert (await read_answer(reader))[0] == 200
    assert await reader.read() == b""
    writer.close()


async def test_expectation_is_met_before_the_body_comes(make_rig: Make) -> None:
    """100 Continue goes out at once; the final answer follows the body."""
    rig = await make_rig()
    reader, writer = await rig.connect()
    writer.write(b"POST /predict HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert (await read_head(reader))[0] == 100
    writer.write(b"abc")
    assert (await read_answer(reader))[0] == 200
    writer.close()
    assert rig.upstream.requests[0].values(b"expect") == []


async def test_large_bodies_pass_both_ways_unchanged(make_rig: Make) -> None:
    """Megabytes pass under backpressure; a response over its bound is relayed but not shipped."""
    content = bytes(range(256)) * 16_384
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content
    rig = await make_rig(Upstream(reply=lambda got: answer), limits={"tap_response_bytes_max": 1 << 20})
    head = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(content)
    assert (await rig.send(head, content))[2] == content
    assert rig.upstream.requests[0].body == content
    (exchange,) = rig.tap.exchanges
    assert exchange.response_too_large
    assert (exchange.response_body, exchange.response_bytes) == (b"", len(content))
    assert rig.proxy.captured_bytes == 0


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_that_comes_with_its_head_is_sent_and_kept_whole(make_rig: Make, chunked: bool) -> None:
    """Head and body in one segment: upstream, record and image have the body's bytes and no others."""
    rig = await make_rig(pins=(Pin("random_sample", 1.0),))
    body = bytes(range(256)) * 160
    framing, sent = b"Content-Length: %d" % len(body), body
    if chunked:
        framing, sent = b"Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    message = b"POST /predict HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n%b" % (framing, sent)
    for _ in range(2):
        assert (await rig.send(message))[2] == b"ok"
    assert [got.body for got in rig.upstream.requests] == [body, body]
    for exchange in rig.tap.exchanges:
        assert (type(exchange.request_head), exchange.request_head) == (bytes, body[:2048])
        assert (exchange.request_bytes, b"".join(rig.proxy.ring.take(exchange.prediction_id))) == (len(body), body)


async def test_websocket_is_tunnelled(make_rig: Make) -> None:
    """After a 101 to a websocket upgrade bytes pass both ways as they are."""
    reply = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhi"
    rig = await make_rig(Upstream(reply=lambda got: reply))
    reader, writer = await rig.connect()
    writer.write(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    status, fields = await read_head(reader)
    assert (status, fields[b"upgrade"], await reader.readexactly(2)) == (101, b"websocket", b"hi")
    writer.write(b"frame\r\n\r\n")
    await until(lambda: rig.upstream.raw[0].endswith(b"frame\r\n\r\n"))
    writer.close()


@pytest.mark.parametrize(("split", "variant", "role"), [(1e-9, "A", "control"), (1.0, "B", "treatment")])
async def test_experiment_sends_units_to_their_side(make_rig: Make, split: float, variant: str, role: str) -> None:
    """A unit goes to its side and path, one without to control, a tester where they say; the query is kept."""
    rig = await make_rig()
    first = rig.proxy.settings.variants[0]
    experiment = Experiment("e", "A", ("B",), (split,), unit="header:X-Camera", salt="s", epoch=2, override="X-Variant")
    settings = replace(
        rig.proxy.settings,
        version=2,
        variants=(first, replace(first, name="B", version="2", path="/other")),
        experiments=(experiment,),
    )
    assert rig.proxy.apply(settings)
    assert not rig.proxy.apply(settings)
    await rig.send(POST.replace(b"/predict", b"/predict?a=1").replace(b"\r\n\r\n", b"\r\nX-Camera: c7\r\n\r\n"))
    await rig.send(POST)
    await rig.send(POST.replace(b"\r\n\r\n", b"\r\nX-Camera: c7\r\nx-variant: B\r\n\r\n"))
    one, other, tester = rig.tap.exchanges
    assert (one.variant, one.role, one.unit, one.epoch) == (variant, role, "c7", 2)
    assert (other.variant, other.role, other.unit) == ("A", "excluded", "")
    assert (tester.variant, tester.role, tester.unit, tester.experiment) == ("B", "override", "", "e")
    path = b"/other?a=1" if variant == "B" else b"/predict?a=1"
    assert rig.upstream.requests[0].line == b"POST " + path + b" HTTP/1.1"


@pytest.mark.parametrize(("trusted", "expected"), [((), b"127.0.0.1"), (("127.0.0.0/8",), b"9.9.9.9, 127.0.0.1")])
async def test_forwarded_fields_of_untrusted_clients_are_replaced(
    make_rig: Make, trusted: tuple[str, ...], expected: bytes
) -> None:
    """Only a trusted proxy may say who was before it."""
    rig = await make_rig(trusted_proxies=trusted)
    await rig.send(GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 9.9.9.9\r\nVia: 1.1 edge\r\n\r\n"))
    received = rig.upstream.requests[0]
    assert received.values(b"x-forwarded-for") == [expected]
    assert received.values(b"via") == [b"1.1 edge, 1.1 sidecar"]
    assert received.values(b"host") == [b"a"]


async def test_draining_proxy_answers_with_close(make_rig: Make) -> None:
    """While it drains a proxy still serves, and tells each client to go elsewhere."""
    rig = await make_rig()
    rig.proxy.draining = True
    reader, writer = await rig.connect()
    writer.write(GET)
    assert (await read_answer(reader))[1][b"connection"] == b"close"
    assert await reader.read() == b""
    writer.close()
