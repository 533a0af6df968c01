"""A shadow test between real sockets: what the shadow gets, what is recorded, and what the client never notices."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sidecar.types import Experiment, Pin, RoutePattern
from tests.kit.shadowing import POST, SHADOW, Listen, Make, chunked, nothing_left, pair, post, shadowing, unmarked
from tests.kit.upstream import Upstream, read_answer, until

BIG = bytes(range(256)) * 32_768


async def test_copy_is_an_exchange_of_its_own_and_marks_the_serving_one(make_rig: Make, listen: Listen) -> None:
    """The copy is recorded with role shadow under the request's id, its version and its own answer and times."""
    second = Upstream(reply=lambda got: b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nnew")
    rig = await shadowing(make_rig, await listen(second.serve), slice_by="route")
    _, fields, body = await rig.send(POST.replace(b"/predict", b"/predict?key=secret"))
    assert body == b"ok"
    serving, shadow = await pair(rig)
    assert serving.prediction_id == fields[b"x-prediction-id"].decode()
    assert shadow.prediction_id == f"{serving.prediction_id}-shadow"
    for exchange in (serving, shadow):
        assert (exchange.experiment, exchange.epoch, exchange.unit) == ("new-model", 3, "")
        assert (exchange.model, exchange.dialect, exchange.slice) == ("det", "plain", "/predict")
        assert (exchange.method, exchange.path, exchange.query) == ("POST", "/predict", "key=REDACTED")
        assert (exchange.request_head, exchange.request_bytes, exchange.pinned) == (b"abc", 3, ())
        assert (exchange.status, exchange.error, exchange.settings_version) == (200, "", 2)
    assert (serving.variant, serving.version, serving.response_body) == ("A", "1", b"ok")
    assert (shadow.variant, shadow.version, shadow.response_body) == ("B", "2", b"new")
    assert shadow.response_headers == (("content-type", "text/plain"),)
    assert shadow.latency_ms == shadow.upstream_ms >= shadow.first_byte_ms > 0
    rows = {(row.role, row.version, row.experiment, row.epoch): row.requests for row in rig.proxy.book.take()}
    assert rows == {("serving", "1", "new-model", 3): 1, ("shadow", "2", "new-model", 3): 1}
    assert nothing_left(rig)


async def test_copy_has_the_request_s_fields_and_says_that_it_is_one(make_rig: Make, listen: Listen) -> None:
    """The shadow gets the same line and fields, with one of its own; its path and host follow its variant."""
    second = Upstream()
    rig = await shadowing(make_rig, await listen(second.serve))
    request = POST.replace(b"\r\n\r\n", b"\r\nX-Camera: c7\r\nX-Sidecar-Shadow: forged\r\nAuthorization: t\r\n\r\n")
    await rig.send(request)
    await until(lambda: second.requests)
    original, copy = rig.upstream.requests[0].head, second.requests[0].head
    assert rig.upstream.requests[0].values(b"x-sidecar-shadow") == []
    assert second.requests[0].values(b"x-sidecar-shadow") == [b"new-model"]
    expected = {line for line in original.split(b"\r\n") if not line.startswith(b"X-Sidecar-Shadow")}
    assert set(copy.split(b"\r\n")) == expected | {b"X-Sidecar-Shadow: new-model"}
    variants = rig.proxy.settings.variants
    moved = replace(variants[1], path="/v2/other", host="upstream")
    rig.proxy.apply(replace(rig.proxy.settings, version=3, variants=(variants[0], moved)))
    await rig.send(POST.replace(b"/predict", b"/predict?a=1"))
    await until(lambda: len(second.requests) == 2)
    assert second.requests[1].line == b"POST /v2/other?a=1 HTTP/1.1"
    assert second.requests[1].values(b"host") == [moved.url.removeprefix("http://").encode()]


BODIES = {
    "length": (post(b"abc"), b"abc"),
    "empty": (post(b""), b""),
    "chunked": (chunked(b"ab", b"c" * 5_000, b"d"), b"ab" + b"c" * 5_000 + b"d"),
    "chunked_empty": (chunked(), b""),
    "chunked_many": (chunked(*[b"xyz"] * 3_000), b"xyz" * 3_000),
    "larger_than_socket_buffers": (post(BIG), BIG),
    "chunked_larger_than_socket_buffers": (chunked(*[BIG[at : at + 70_001] for at in range(0, len(BIG), 70_001)]), BIG),
}


@pytest.mark.parametrize("pieces", ["whole", "pieces"])
@pytest.mark.parametrize("name", BODIES)
async def test_shadow_gets_the_identical_body(make_rig: Make, listen: Listen, name: str, pieces: str) -> None:
    """However the body came, the shadow gets the same bytes, their length stated."""
    raw, body = BODIES[name]
    second = Upstream()
    rig = await shadowing(make_rig, await listen(second.serve))
    step = len(raw) if pieces == "whole" else max(1, len(raw) // 40)
    reader, writer = await rig.connect()
    for at in range(0, len(raw), step):
        writer.write(raw[at : at + step])
        await writer.drain()
        if pieces == "pieces":
            await asyncio.sleep(0.001)
    assert (await read_answer(reader))[0] == 200
    writer.close()
    serving, shadow = await pair(rig)
    assert rig.upstream.requests[0].body == second.requests[0].body == body
    assert second.requests[0].values(b"content-length") == [b"%d" % len(body)]
    assert second.requests[0].values(b"transfer-encoding") == []
    assert shadow.request_bytes == serving.request_bytes == len(body)
    assert shadow.request_head == serving.request_head == body[:2_048]
    assert nothing_left(rig)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_requests_without_a_body_are_copied_too(make_rig: Make, listen: Listen, method: str) -> None:
    """A GET or HEAD of a prediction route reaches the shadow as it is."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + (b"ok" if method == "GET" else b"")
    second = Upstream(reply=lambda got: answer)
    routes = (RoutePattern(("GET", "HEAD"), "/predict", "plain", "det"),)
    rig = await shadowing(make_rig, await listen(second.serve), Upstream(reply=lambda got: answer), routes=routes)
    await rig.send(f"{method} /predict HTTP/1.1\r\nHost: a\r\n\r\n".encode(), method=method)
    _, shadow = await pair(rig)
    assert (shadow.method, shadow.status, shadow.response_body) == (method, 200, b"ok" if method == "GET" else b"")
    assert second.requests[0].line == f"{method} /predict HTTP/1.1".encode()
    assert second.requests[0].values(b"content-length") == []


async def test_copies_share_connections_of_their_own(make_rig: Make, listen: Listen) -> None:
    """One kept-alive connection carries the copies; a variant that also serves is not served over it."""
    second = Upstream()
    rig = await shadowing(make_rig, await listen(second.serve))
    routes = (*rig.proxy.settings.routes, RoutePattern(("POST",), "/b", "plain", "x", "B"))
    rig.proxy.apply(replace(rig.proxy.settings, version=3, routes=routes))
    for _ in range(3):
        await rig.send(POST)
        await until(lambda: nothing_left(rig))
    assert len(second.raw) == 1
    await rig.send(POST.replace(b"/predict", b"/b"))
    assert len(second.raw) == 2
    assert len(rig.proxy.upstreams["B"].connections) == 1


async def test_only_the_drawn_share_is_copied_and_marked(make_rig: Make, listen: Listen) -> None:
    """Each request is copied by its own draw; one that is not copied is an ordinary one."""
    second = Upstream()
    rig = await shadowing(make_rig, await listen(second.serve), shadow=replace(SHADOW, share=0.5))
    for _ in range(40):
        await rig.send(POST)
    await until(lambda: rig.proxy.shadows.in_flight == 0)
    shadows = {exchange.prediction_id for exchange in rig.tap.exchanges if exchange.role == "shadow"}
    serving = [exchange for exchange in rig.tap.exchanges if exchange.role == "serving"]
    assert 5 < len(shadows) < 35
    for exchange in serving:
        assert unmarked(exchange) == (f"{exchange.prediction_id}-shadow" not in shadows)


@pytest.mark.parametrize(
    "experiment",
    [Experiment("e", "A", ("B",), (0.0,)), Experiment("e", "A", ("B",), (0.0,), "header:x-camera", "det")],
    ids=["control", "excluded"],
)
async def test_requests_of_an_experiment_are_not_copied(make_rig: Make, listen: Listen, experiment: Experiment) -> None:
    """Where an A/B test claims the model, its roles stay what they are and no copy goes."""
    second = Upstream()
    rig = await shadowing(make_rig, await listen(second.serve))
    rig.proxy.apply(replace(rig.proxy.settings, version=3, experiments=(experiment,)))
    await rig.send(POST)
    (exchange,) = rig.tap.exchanges
    assert exchange.experiment == "e"
    assert not second.raw


async def test_websocket_and_other_traffic_is_not_copied(make_rig: Make, listen: Listen) -> None:
    """Neither an upgrade on a prediction route nor what is no prediction reaches the shadow."""
    second = Upstream()
    routes = (RoutePattern(("GET",), "/predict", "plain", "det"),)
    rig = await shadowing(make_rig, await listen(second.serve), routes=routes)
    upgrade = b"GET /predict HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    await rig.send(upgrade)
    await rig.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
    assert unmarked(rig.tap.exchanges[0])
    assert not second.raw


@pytest.mark.parametrize(
    ("pins", "copied", "kept"),
    [((), True, True), ((), False, False), ((Pin("random_sample", 1.0),), False, True)],
    ids=["copied", "not_copied", "pinned_by_a_rule"],
)
async def test_body_of_a_copied_request_is_pinned_until_it_is_released(
    make_rig: Make, listen: Listen, pins: tuple[Pin, ...], copied: bool, kept: bool
) -> None:
    """A pair's image can be asked for later than others'; where no copy went, only a sampling rule pins it."""
    rig = await shadowing(make_rig, await listen(Upstream().serve), pins=pins)
    if not copied:
        limits = replace(rig.proxy.settings.limits, shadow_in_flight_max=0)
        rig.proxy.apply(replace(rig.proxy.settings, version=3, limits=limits))
    await rig.send(POST)
    prediction_id = rig.tap.exchanges[0].prediction_id.removesuffix("-shadow")
    after = asyncio.get_running_loop().time() + rig.proxy.settings.limits.ring_age_s + 1
    rig.proxy.ring.expire(after)
    assert rig.proxy.ring.take(prediction_id) == ([b"abc"] if kept else "aged")
    rig.proxy.ring.release(prediction_id, after)
    assert rig.proxy.ring.take(prediction_id) == "aged"
    assert rig.proxy.ring.bytes == 0


@pytest.mark.parametrize("change", ["ended", "moved"])
async def test_copies_under_way_outlive_a_change_of_settings(make_rig: Make, listen: Listen, change: str) -> None:
    """A test that ends lets its copies end as they were; the connections that nobody needs are closed."""
    second, third = Upstream(gated=True), Upstream()
    rig = await shadowing(make_rig, await listen(second.serve), limits={"upstream_idle_s": 60.0})
    port = await listen(third.serve)
    await rig.send(POST)
    await until(lambda: second.requests)
    settings = rig.proxy.settings
    if change == "ended":
        settings = replace(settings, version=3, shadows=())
    else:
        moved = replace(settings.variants[1], url=f"http://127.0.0.1:{port}", version="3")
        settings = replace(settings, version=3, variants=(settings.variants[0], moved))
    rig.proxy.apply(settings)
    await rig.send(POST)
    second.gate.set()
    await until(lambda: nothing_left(rig))
    shadows = {(exchange.version, exchange.status) for exchange in rig.tap.exchanges if exchange.role == "shadow"}
    assert shadows == ({("2", 200)} if change == "ended" else {("2", 200), ("3", 200)})
    assert len(third.requests) == (0 if change == "ended" else 1)
    await until(lambda: second.closed)


async def test_request_that_was_chosen_before_its_test_ended_is_not_copied(make_rig: Make, listen: Listen) -> None:
    """A body that comes in while the test ends is passed on without a copy, unmarked."""
    second = Upstream()
    rig = await shadowing(make_rig, await listen(second.serve))
    reader, writer = await rig.connect()
    writer.write(post(b"abcd")[:-1])
    await until(lambda: rig.upstream.raw)
    rig.proxy.apply(replace(rig.proxy.settings, version=3, shadows=()))
    writer.write(b"d")
    assert (await read_answer(reader))[0] == 200
    writer.close()
    assert unmarked(rig.tap.exchanges[0])
    assert not second.raw
