"""What is known of an address that does not serve: its state, the reason, and what the log says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.proxy.address_log import LINES_MAX, LINES_S, AddressLog
from sidecar.proxy.endpoints import Endpoint, Endpoints, Event, Place
from sidecar.types import Limits, UpstreamTls, Variant
from tests.kit.certificates import Authority
from tests.kit.faulty import OK, Faulty
from tests.kit.ports import free_ports
from tests.kit.upstream import Rig, until

Make = Callable[..., Awaitable[Rig]]
Listen = Callable[..., Awaitable[int]]
POST = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def at(*ports: int, scheme: str = "http", **tls: Any) -> Variant:
    urls = tuple(f"{scheme}://127.0.0.1:{port}" for port in ports)
    return Variant("A", urls[0], version="1", urls=urls, tls=UpstreamTls(**tls))


def found(rig: Rig) -> list[tuple[str, str]]:
    return [(one["state"], one["reason"]) for one in rig.proxy.upstreams["A"].status()["addresses"]]


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (NOT_FOUND, "the health path answered 404"),
        (b"HTTP/1.1 5035 no\r\n\r\n", "the health path was not answered in HTTP/1"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the health path was not answered in HTTP/1"),
        (b"x" * 70_000, "the health path was not answered in HTTP/1"),
        (b"", "the connection ended before the health path was answered"),
        (None, "the health path did not answer in time"),
    ],
)
async def test_a_server_whose_health_path_fails_from_the_start_is_down_with_the_reason(
    make_rig: Make, listen: Listen, answer: bytes | None, reason: str
) -> None:
    """It takes connections, so nobody may say that it never did; what it sends of its own is not repeated."""

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer or b"")
        writer.close()

    handler = says_nothing if answer is None else answers
    ports = [await listen(handler), await listen(Faulty(answer=OK))]
    limits = {"connect_timeout_s": 2.0} if answer is None else {}
    rig = await make_rig(variants=(at(*ports),), health_path="/live", limits=limits)
    await until(lambda: found(rig)[0][1])
    assert found(rig) == [("down", reason), ("up", "")]


async def test_a_server_whose_certificate_is_not_accepted_is_down_with_the_reason(
    make_rig: Make, tmp_path: Path
) -> None:
    """From the start, with a health path and without, and for requests as for checks; an authority that can't be read
    is told too."""
    own = Authority(tmp_path / "servers")
    context = own.server_context(own.issue("server", "127.0.0.1"))
    server = await asyncio.start_server(says_nothing, "127.0.0.1", free_ports(1)[0], ssl=context)
    port = server.sockets[0].getsockname()[1]
    stranger, nothing = str(Authority(tmp_path / "other").ca_file), tmp_path / "empty.pem"
    nothing.write_text("")
    for ca_file, words in ((stranger, "its certificate is not accepted: "), (str(nothing), "empty.pem")):
        for health_path in ("", "/live"):
            variant = at(port, scheme="https", ca_file=ca_file)
            rig = await make_rig(variants=(variant,), health_path=health_path)
            assert [state for state, _ in found(rig)] == ["down"]
            assert words in found(rig)[0][1]
            assert (await rig.send(POST))[0] == 502
            assert words in found(rig)[0][1]
    server.close()


async def test_a_server_that_refuses_or_comes_back_is_told_with_and_without_a_reason(
    make_rig: Make, listen: Listen
) -> None:
    """Several URLs are several servers: one that takes no connection from the start is down, not new."""
    (port,) = free_ports(1)
    rig = await make_rig(variants=(at(port, await listen(Faulty())),))
    assert found(rig) == [("down", "connection refused"), ("up", "")]
    server = await asyncio.start_server(Faulty(), "127.0.0.1", port)
    await rig.proxy.upstreams["A"].check_health()
    assert found(rig) == [("up", ""), ("up", "")]
    server.close()


async def test_a_server_that_fails_at_requests_is_ejected_with_the_reason(make_rig: Make, listen: Listen) -> None:
    """How many in a row they were."""
    ports = [await listen(Faulty("request")), await listen(Faulty())]
    rig = await make_rig(variants=(at(*ports),), limits={"ejection_failures": 2, "ejection_s": 1000.0})
    for _ in range(6):
        await rig.send(POST)
    assert found(rig) == [("ejected", "requests failed: 2 in a row"), ("up", "")]


class Log:
    """What was said, and whether anybody hears it."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, str]]] = []
        self.hits: list[str] = []
        self.heard = True
        self.of = AddressLog(self, self.hits.append)
        self.pool = Endpoints([Place(f"10.0.0.{n}", 80, f"m{n}") for n in (1, 2)], Limits(), self.changed)
        self.now = 0.0
        for endpoint in self.pool:
            self.tell(endpoint, Event.CHECK_PASSED)

    def __call__(self, level: str, event: str, fields: dict[str, str]) -> bool:
        if self.heard:
            self.lines.append((level, event, fields))
        return self.heard

    def changed(self, *_: Any) -> None:
        self.look()

    def look(self) -> None:
        self.of.look("A", self.pool, self.now)

    def tell(self, endpoint: Endpoint, event: Event, reason: str = "") -> None:
        self.pool.tell(endpoint, event, self.now, reason)


def test_each_change_of_an_address_is_said_once() -> None:
    """Down and ejected with the reason as a warning, up again as an information; that it is up from the start, that it
    is tried again, and that a trial failed, is not said."""
    log = Log()
    first, _ = log.pool
    at_first = {"upstream": "A", "address": "10.0.0.1:80"}
    for _ in range(3):
        log.tell(first, Event.CHECK_FAILED, "connection refused")
        log.look()
    assert log.lines == [("warning", "upstream_address_down", {**at_first, "reason": "connection refused"})]
    log.tell(first, Event.CHECK_PASSED)
    assert log.lines[1:] == [("info", "upstream_address_up", at_first)]
    for _ in range(5):
        log.tell(first, Event.FAILED)
    assert log.lines[2:] == [
        ("warning", "upstream_address_ejected", {**at_first, "reason": "requests failed: 5 in a row"})
    ]
    log.now = 11.0
    log.pool.choose(log.now)
    log.tell(first, Event.FAILED)
    assert len(log.lines) == 3


def test_what_nobody_heard_is_said_later_as_things_stand_then() -> None:
    """As before the monitor is there; what was over by then is not said."""
    log = Log()
    first, second = log.pool
    log.heard = False
    log.tell(first, Event.CHECK_FAILED, "connection refused")
    log.tell(second, Event.CHECK_FAILED, "connection refused")
    log.tell(second, Event.CHECK_PASSED)
    log.heard = True
    log.look()
    log.look()
    assert [(event, fields["address"]) for _, event, fields in log.lines] == [("upstream_address_down", "10.0.0.1:80")]


def test_an_address_that_flaps_does_not_flood_the_log() -> None:
    """So many lines and no more within the time, which is counted; the next says how things stand then."""
    log = Log()
    first, _ = log.pool
    for _ in range(500):
        log.tell(first, Event.CHECK_FAILED, "connection refused")
        log.tell(first, Event.CHECK_PASSED)
    log.tell(first, Event.CHECK_FAILED, "the last")
    assert len(log.lines) == LINES_MAX
    assert log.hits
    assert set(log.hits) == {"upstream_log_lines_max"}
    log.now = LINES_S
    log.look()
    log.look()
    assert [fields["reason"] for _, _, fields in log.lines[LINES_MAX:]] == ["the last"]


def test_addresses_and_upstreams_that_are_gone_are_forgotten() -> None:
    """An address that comes back is told of anew."""
    log = Log()
    first, second = log.pool
    log.tell(first, Event.CHECK_FAILED, "connection refused")
    log.pool.follow([second.place])
    log.look()
    log.pool.follow([first.place, second.place])
    again = next(iter(log.pool))
    log.tell(again, Event.CHECK_FAILED, "connection refused")
    log.of.keep(())
    log.look()
    assert [event for _, event, _ in log.lines] == ["upstream_address_down"] * 3
