"""Feedback on the data port while the monitor is slow, away or lost, or the client is."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import replace
from typing import Any

from tests.kit.upstream import read_answer, until
from tests.proxy.test_feedback import BODY, CHUNKED, JSON, PREDICT, MakeDesk, detail_of, post


def give_time(desk: Any) -> None:
    """From now on a reply may take longer than it will."""
    settings = desk.rig.proxy.settings
    limits = replace(settings.limits, feedback_timeout_s=1000.0)
    assert desk.rig.proxy.apply(replace(settings, version=settings.version + 1, limits=limits))


async def test_feedback_without_a_monitor_is_told_to_come_back(make_desk: MakeDesk) -> None:
    """At once, with the connection kept; predictions notice nothing, and the monitor's return is enough."""
    desk = await make_desk(monitor=False, limits={"feedback_timeout_s": 1000.0})
    refused, predicted = await desk.converse(post(), PREDICT)
    assert (refused[0], refused[1][b"retry-after"], predicted[0]) == (503, b"1", 200)
    assert "not there" in detail_of(refused)
    await desk.monitor()
    assert (await desk.rig.send(post()))[0] == 200


async def test_monitor_that_dies_answers_every_open_question(make_desk: MakeDesk) -> None:
    """Each waiting client is told at once, in its turn, and its connection serves on with the next monitor."""
    desk = await make_desk(limits={"feedback_timeout_s": 1000.0})
    desk.gate.clear()
    waiting = [asyncio.create_task(desk.converse(post(), post(), PREDICT)) for _ in range(5)]
    await until(lambda: len(desk.asked) == 5)
    await desk.intake.stop()
    for answers in await asyncio.gather(*waiting):
        assert [status for status, _, _ in answers] == [503, 503, 200]
        assert "lost" in detail_of(answers[0])
        assert answers[0][1][b"retry-after"] == b"1"
    assert (len(desk.rig.proxy.desk.asks), desk.rig.proxy.desk.bytes, desk.rig.proxy.in_flight) == (0, 0, 0)
    desk.gate.set()
    await desk.monitor()
    assert (await desk.rig.send(post()))[0] == 200


async def test_monitor_that_does_not_reply_in_time_is_not_waited_for(make_desk: MakeDesk) -> None:
    """The client is told to come back, the bound is counted, and the late reply answers nobody else."""
    desk = await make_desk(limits={"feedback_timeout_s": 0.05})
    desk.gate.clear()
    reader, writer = await desk.rig.connect()
    writer.write(post())
    late = await read_answer(reader)
    assert (late[0], late[1][b"retry-after"]) == (503, b"1")
    assert "in time" in detail_of(late)
    assert desk.rig.proxy.limits_hit == {"feedback_timeout_s": 1}
    desk.reply = (201, "application/json", b"{}")
    give_time(desk)
    writer.write(post(b"[]"))
    desk.gate.set()
    answer = await read_answer(reader)
    assert (answer[0], desk.asked) == (201, [BODY, b"[]"])
    await until(lambda: desk.intake.asked[201] == 2)
    writer.write(PREDICT)
    assert (await read_answer(reader))[2] == b"ok"
    writer.close()


async def test_questions_over_their_bound_are_turned_away(make_desk: MakeDesk) -> None:
    """One place: the second question gets a 503 at once, the first its reply."""
    desk = await make_desk(limits={"asks_max": 1})
    desk.gate.clear()
    first = asyncio.create_task(desk.rig.send(post()))
    await until(lambda: desk.asked)
    assert "as may" in detail_of(await desk.rig.send(post()))
    assert desk.rig.proxy.limits_hit == {"asks_max": 1}
    desk.gate.set()
    assert (await first)[0] == 200


async def test_bodies_under_way_are_bounded_in_bytes(make_desk: MakeDesk) -> None:
    """Clients that never end their bodies hold no more than the buffer, and what they held is free when they go."""
    desk = await make_desk(limits={"feedback_buffer_bytes_max": 100})
    _, holding = await desk.rig.connect()
    holding.write(CHUNKED + b"50\r\n" + bytes(80))
    await until(lambda: desk.rig.proxy.desk.bytes == 80)
    status, fields, _ = await desk.rig.send(post())
    assert (status, fields[b"retry-after"]) == (503, b"1")
    assert desk.rig.proxy.limits_hit == {"feedback_buffer_bytes_max": 1}
    holding.close()
    await until(lambda: desk.rig.proxy.desk.bytes == 0)
    assert (await desk.rig.send(post()))[0] == 200


async def test_slow_body_is_given_up_however_it_trickles(make_desk: MakeDesk) -> None:
    """The deadline is that of the whole body: a byte now and then does not move it."""
    desk = await make_desk(limits={"idle_timeout_s": 0.1})
    reader, writer = await desk.rig.connect()
    writer.write(post()[: -len(BODY)])

    async def trickle() -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await asyncio.sleep(0.02)

    trickling = asyncio.create_task(trickle())
    assert (await read_answer(reader))[0] == 408
    trickling.cancel()
    writer.close()
    assert desk.rig.proxy.limits_hit == {"idle_timeout_s": 1}
    assert desk.asked == []


async def test_client_that_leaves_costs_nothing_more(make_desk: MakeDesk) -> None:
    """In the middle of its body nothing is asked; after it the monitor answers, and nobody is told."""
    desk = await make_desk()
    _, writer = await desk.rig.connect()
    writer.write(post()[:-1])
    await until(lambda: desk.rig.proxy.desk.bytes)
    writer.close()
    await until(lambda: not desk.rig.proxy.in_flight)
    assert desk.asked == []
    desk.gate.clear()
    _, writer = await desk.rig.connect()
    writer.write(post())
    await until(lambda: desk.asked)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    await until(lambda: not desk.rig.proxy.in_flight)
    assert (desk.rig.proxy.desk.bytes, len(desk.rig.proxy.desk.asks)) == (0, 0)
    desk.gate.set()
    assert (await desk.rig.send(post()))[0] == 200
    assert [row.errors for row in desk.rig.proxy.book.take()] == [{"body": 1, "client_gone": 1}]


async def test_client_that_half_closes_still_gets_its_reply(make_desk: MakeDesk) -> None:
    """An end of file after the whole body says only that nothing will follow; within it, that the body is broken."""
    desk = await make_desk()
    for cut, expected in ((0, 200), (1, 400)):
        reader, writer = await desk.rig.connect()
        writer.write(post()[: len(post()) - cut])
        writer.write_eof()
        assert (await read_answer(reader))[0] == expected
        assert await reader.read() == b""
        writer.close()
    assert desk.asked == [BODY]


async def test_question_that_waits_behind_a_stuck_link_is_dropped_with_its_client(make_desk: MakeDesk) -> None:
    """While the monitor reads nothing, what waits is bounded by those who wait, not by how many came."""
    desk = await make_desk(limits={"feedback_timeout_s": 0.1})
    link = desk.tap._link
    assert link is not None
    link.pause_writing()
    for _ in range(3):
        assert (await desk.rig.send(post()))[0] == 503
    assert not desk.rig.proxy.desk.asks.waiting
    link.resume_writing()
    give_time(desk)
    assert (await desk.rig.send(post(b"last")))[0] == 200
    assert desk.asked == [b"last"]


async def test_address_over_its_allowance_is_told_how_long_to_wait(make_desk: MakeDesk) -> None:
    """Each client address has its own; a refused request is not asked, and its connection lives on."""
    desk = await make_desk(feedback={"per_minute": 2}, trusted_proxies=("127.0.0.1",))
    answers = await desk.converse(post(), post(), post(), PREDICT)
    assert [status for status, _, _ in answers] == [200, 200, 429, 200]
    assert 15 <= int(answers[2][1][b"retry-after"]) <= 30
    assert "as much feedback as it may" in detail_of(answers[2])
    other = post(fields=JSON + b"X-Forwarded-For: 10.1.2.3\r\n")
    assert (await desk.rig.send(other))[0] == 200
    assert len(desk.asked) == 3
    assert desk.rig.proxy.limits_hit == {"feedback_per_minute": 1}


async def test_addresses_are_remembered_within_a_bound(make_desk: MakeDesk) -> None:
    """Where more addresses come than are kept, the oldest is forgotten, counted."""
    desk = await make_desk(
        feedback={"per_minute": 1}, trusted_proxies=("127.0.0.1",), limits={"feedback_addresses_max": 2}
    )
    for number in range(3):
        assert (await desk.rig.send(post(fields=JSON + b"X-Forwarded-For: 10.1.2.%d\r\n" % number)))[0] == 200
    assert desk.rig.proxy.limits_hit == {"feedback_addresses_max": 1}


async def test_draining_proxy_answers_feedback_and_closes(make_desk: MakeDesk) -> None:
    """Feedback that is under way is no idle connection: it gets its reply, then the connection ends."""
    desk = await make_desk()
    desk.gate.clear()
    reader, writer = await desk.rig.connect()
    writer.write(post())
    await until(lambda: desk.asked)
    desk.rig.proxy.draining = True
    desk.rig.proxy.close_idle()
    assert desk.rig.proxy.in_flight == 1
    desk.gate.set()
    status, fields, _ = await read_answer(reader)
    assert (status, fields[b"connection"]) == (200, b"close")
    assert await reader.read() == b""
    writer.close()
