"""Every bound of the copies holds and is counted, and beyond it requests are served as if there were no shadow."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import pytest

from tests.kit.shadowing import HELD_BYTES, POST, Listen, Make, half_an_answer, nothing_left, post, shadowing, unmarked
from tests.kit.upstream import Rig, Upstream, read_answer, until

BODY = bytes(100_000)


async def hanging(make_rig: Make, listen: Listen, limits: dict[str, Any]) -> tuple[Rig, Upstream]:
    second = Upstream(gated=True)
    return await shadowing(make_rig, await listen(second.serve), limits=limits), second


async def test_copies_over_the_number_in_flight_do_not_go(make_rig: Make, listen: Listen) -> None:
    """With two under way the third request is served uncopied and unmarked; later ones are copied again."""
    rig, second = await hanging(make_rig, listen, {"shadow_in_flight_max": 2})
    for _ in range(3):
        assert (await rig.send(POST))[0] == 200
    assert rig.proxy.limits_hit == {"shadow_in_flight_max": 1}
    assert [unmarked(exchange) for exchange in rig.tap.exchanges] == [False, False, True]
    second.gate.set()
    await until(lambda: nothing_left(rig))
    await rig.send(POST)
    await until(lambda: len(second.requests) == 3)


async def test_copies_over_the_bytes_in_flight_do_not_go(make_rig: Make, listen: Listen) -> None:
    """The bodies of copies under way never hold more than their bound; a small one still fits."""
    rig, second = await hanging(make_rig, listen, {"shadow_bytes_max": 150_000})
    await rig.send(post(BODY))
    await rig.send(post(BODY))
    await rig.send(POST)
    assert rig.proxy.limits_hit == {"shadow_bytes_max": 1}
    assert rig.proxy.shadows.bytes == len(BODY) + 3
    assert [unmarked(exchange) for exchange in rig.tap.exchanges] == [False, True, False]
    second.gate.set()
    await until(lambda: nothing_left(rig))


async def test_body_that_the_ring_let_go_is_not_copied(make_rig: Make, listen: Listen) -> None:
    """A body that was too large to be kept has no copy."""
    second = Upstream()
    rig = await shadowing(make_rig, await listen(second.serve), limits={"ring_bytes_max": 50_000})
    assert (await rig.send(post(BODY)))[0] == 200
    assert rig.upstream.requests[0].body == BODY
    assert rig.proxy.limits_hit == {"shadow_body_gone": 1}
    assert unmarked(rig.tap.exchanges[0])
    assert not second.raw


async def test_full_pool_of_the_shadow_drops_the_copy(make_rig: Make, listen: Listen) -> None:
    """One connection, nobody may wait: the second copy is dropped and counted, its request unmarked."""
    rig, second = await hanging(make_rig, listen, {"upstream_connections_max": 1, "upstream_pending_max": 1})
    for _ in range(3):
        await rig.send(POST)
        await until(lambda: second.requests)
    assert rig.proxy.limits_hit["shadow_upstream_pending_max"] == 1
    assert "upstream_pending_max" not in rig.proxy.limits_hit
    assert [unmarked(exchange) for exchange in rig.tap.exchanges] == [False, False, True]
    assert rig.proxy.shadows.in_flight == 2
    second.gate.set()
    await until(lambda: nothing_left(rig))
    assert len(second.requests) == 2


async def test_copy_that_waits_too_long_for_a_connection_is_recorded(make_rig: Make, listen: Listen) -> None:
    """A copy that is under way ends with a record, whatever ends it: its request is marked already."""
    limits = {"upstream_connections_max": 1, "upstream_pending_s": 1000.0, "shadow_timeout_s": 10_000.0}
    rig, second = await hanging(make_rig, listen, limits)
    await rig.send(POST)
    await until(lambda: second.requests)
    await rig.send(POST)
    rig.proxy.shadows.sweep(monotonic() + 900.0)
    assert (len(rig.tap.exchanges), rig.proxy.shadows.in_flight) == (2, 2)
    rig.proxy.shadows.sweep(monotonic() + 1001.0)
    await until(lambda: len(rig.tap.exchanges) == 3)
    shadow = rig.tap.exchanges[2]
    assert (shadow.role, shadow.status, shadow.error, shadow.upstream_ms) == ("shadow", 503, "overloaded", 0.0)
    assert rig.proxy.limits_hit["shadow_upstream_pending_s"] == 1


async def test_copy_that_takes_too_long_is_ended_and_counted(make_rig: Make, listen: Listen) -> None:
    """The whole life of a copy is bounded, and its connection is closed with it."""
    rig, second = await hanging(make_rig, listen, {"shadow_timeout_s": 1000.0})
    await rig.send(POST)
    await until(lambda: second.requests)
    rig.proxy.shadows.sweep(monotonic() + 900.0)
    assert rig.proxy.shadows.in_flight == 1
    rig.proxy.shadows.sweep(monotonic() + 1001.0)
    await until(lambda: len(rig.tap.exchanges) == 2)
    assert (rig.tap.exchanges[1].status, rig.tap.exchanges[1].error) == (504, "timeout")
    assert rig.proxy.limits_hit == {"shadow_timeout_s": 1}
    second.gate.set()
    await until(lambda: second.closed)
    assert nothing_left(rig)


async def test_copies_under_way_are_dropped_and_counted_when_the_proxy_closes(make_rig: Make, listen: Listen) -> None:
    """The end of a drain ends the copies without a record of them."""
    rig = await shadowing(make_rig, await listen(half_an_answer))
    for _ in range(2):
        await rig.send(POST)
    await until(lambda: rig.proxy.captured_bytes == 2 * HELD_BYTES)
    await rig.proxy.close()
    assert rig.proxy.limits_hit == {"shadow_dropped_at_drain": 2}
    assert [exchange.role for exchange in rig.tap.exchanges] == ["serving", "serving"]
    assert nothing_left(rig)


@pytest.mark.parametrize("clients", [20])
async def test_bounds_hold_under_many_clients(make_rig: Make, listen: Listen, clients: int) -> None:
    """Under load each request is answered, at most the bound is under way, and each is copied or counted."""
    second = Upstream(pieces=lambda raw: [raw[:10], raw[10:]])
    rig = await shadowing(make_rig, await listen(second.serve), limits={"shadow_in_flight_max": 3})
    highest = 0

    async def client() -> None:
        nonlocal highest
        reader, writer = await rig.connect()
        for _ in range(20):
            writer.write(POST)
            assert (await read_answer(reader))[2] == b"ok"
            highest = max(highest, rig.proxy.shadows.in_flight)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    await until(lambda: nothing_left(rig))
    copied = [exchange for exchange in rig.tap.exchanges if exchange.role == "shadow"]
    marked = [exchange for exchange in rig.tap.exchanges if exchange.role == "serving" and not unmarked(exchange)]
    assert len(copied) == len(marked) == clients * 20 - rig.proxy.limits_hit.get("shadow_in_flight_max", 0)
    assert {f"{exchange.prediction_id}-shadow" for exchange in marked} == {item.prediction_id for item in copied}
    assert 0 < highest <= 3
