"""An upstream of several addresses between real sockets: load, health, ejection and names that change."""

from __future__ import annotations

import asyncio
import functools
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from sidecar.proxy import names, upstream
from sidecar.proxy.endpoints import State
from sidecar.proxy.names import Name
from sidecar.types import Limits, Shadow, Variant
from tests.kit.faulty import OK, Faulty, reset
from tests.kit.ports import free_ports
from tests.kit.upstream import WAIT_S, Rig, read_answer, until

Make = Callable[..., Awaitable[Rig]]
Listen = Callable[..., Awaitable[int]]
POST = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\n\r\nno model"


def at(*ports: int) -> Variant:
    urls = tuple(f"http://127.0.0.1:{port}" for port in ports)
    return Variant("A", urls[0], version="1", urls=urls)


def states(rig: Rig) -> list[str]:
    return [one["state"] for one in rig.proxy.upstreams["A"].status()["addresses"]]


class Addresses:
    """What a name resolves to, and servers at one port of several loopback addresses."""

    def __init__(self) -> None:
        self.now: list[str] = []
        self.answers = threading.Event()
        self.answers.set()
        self.servers: dict[str, Faulty] = {}
        self.listeners: list[asyncio.Server] = []
        (self.port,) = free_ports(1)  # of each address

    def __call__(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        self.answers.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.now]

    async def serve(self, address: str) -> Faulty:
        made = self.servers[address] = Faulty()
        listener = await asyncio.start_server(made, address, self.port)
        self.listeners.append(listener)
        return made


@pytest.fixture
async def named(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The name ``model.test`` of every upstream that is made."""
    found = Addresses()
    monkeypatch.setattr(upstream, "Name", functools.partial(Name, lookup=found))
    monkeypatch.setattr(names, "FRESH_S", 0.0)
    monkeypatch.setattr(names, "PATIENCE_S", 60.0)
    yield found
    found.answers.set()
    for listener in found.listeners:
        listener.close()


async def test_load_is_spread_over_the_addresses(make_rig: Make, listen: Listen) -> None:
    """One after the other in turn, over connections that are kept for each."""
    servers = [Faulty(), Faulty(), Faulty()]
    rig = await make_rig(variants=(at(*[await listen(server) for server in servers]),))
    await until(lambda: all(server.accepted for server in servers))
    checks = [server.accepted for server in servers]
    for _ in range(9):
        assert (await rig.send(POST))[0] == 200
    assert [server.begun for server in servers] == [3, 3, 3]
    assert [server.accepted - before for server, before in zip(servers, checks, strict=True)] == [1, 1, 1]


async def test_a_slow_address_gets_less(make_rig: Make, listen: Listen) -> None:
    """While a request is under way there, others go where none is."""
    gate = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"abc")
        await gate.wait()
        writer.write(OK)

    quick = Faulty()
    rig = await make_rig(variants=(at(await listen(slow), await listen(quick)),))
    held = asyncio.create_task(rig.send(POST))
    await until(lambda: rig.proxy.in_flight)
    assert [(await rig.send(POST))[0] for _ in range(6)] == [200] * 6
    assert quick.whole == 6
    gate.set()
    assert (await held)[0] == 200


async def test_an_address_that_answers_503_is_ejected_and_comes_back(make_rig: Make, listen: Listen) -> None:
    """After its failures in a row clients see none any more; once it is well it serves again."""
    bad, good = Faulty(answer=BUSY), Faulty()
    limits = {"ejection_failures": 3, "ejection_s": 0.05}
    rig = await make_rig(variants=(at(await listen(bad), await listen(good)),), limits=limits)
    seen = []
    while states(rig) != ["ejected", "up"]:
        seen.append((await rig.send(POST))[0])
    assert seen.count(503) == 3
    bad.answer = OK
    healed = bad.begun
    while bad.begun < healed + 3:
        assert (await rig.send(POST))[0] == 200
        await asyncio.sleep(0.002)
    assert states(rig) == ["up", "up"]
    assert rig.proxy.upstreams["A"].status()["ejections"] == 1


@pytest.mark.parametrize("stage", ["request", "response_head"])
async def test_an_address_that_resets_is_ejected(make_rig: Make, listen: Listen, stage: str) -> None:
    """No request goes there for as long as it is away."""
    bad, good = Faulty(stage), Faulty()
    limits = {"ejection_failures": 2, "ejection_s": 1000.0}
    rig = await make_rig(variants=(at(await listen(bad), await listen(good)),), limits=limits)
    statuses = [(await rig.send(POST))[0] for _ in range(12)]
    assert (statuses.count(502), bad.begun, states(rig)) == (2, 2, ["ejected", "up"])


async def test_an_address_that_stalls_is_ejected(make_rig: Make, listen: Listen) -> None:
    """What takes longer than the first byte may is a failure of that address."""

    async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"abc")
        for client in rig.proxy.downstreams:
            client.deadline = 0.0  # and its time is up
        await reader.read()

    limits = {"ejection_failures": 2, "ejection_s": 1000.0, "first_byte_timeout_s": 1000.0}
    rig = await make_rig(variants=(at(await listen(stalls), await listen(Faulty())),), limits=limits)
    statuses = [(await rig.send(POST))[0] for _ in range(10)]
    assert (statuses.count(504), states(rig)) == (2, ["ejected", "up"])


async def test_clients_that_leave_eject_nothing(make_rig: Make, listen: Listen) -> None:
    """It is no fault of the server's, and nothing is counted as under way with it any more."""
    waits = Faulty()
    gate = asyncio.Event()

    async def holds(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"abc")
        waits.begun += 1
        await gate.wait()

    rig = await make_rig(
        variants=(at(await listen(holds), await listen(holds)),), limits={"ejection_failures": 1, "ejection_s": 1000.0}
    )
    for number in range(4):
        _, writer = await rig.connect()
        writer.write(POST)
        await until(lambda number=number: waits.begun == number + 1)  # type: ignore[misc]
        reset(writer)
        await until(lambda: not rig.proxy.in_flight)
    gate.set()
    assert states(rig) == ["up", "up"]
    assert [endpoint.outstanding for endpoint in rig.proxy.upstreams["A"].endpoints] == [0, 0]


async def test_each_address_is_checked_by_its_health_path(make_rig: Make, listen: Listen) -> None:
    """One that does not answer it gets no traffic until it does."""
    bad, good = Faulty(answer=BUSY), Faulty()
    variant = at(await listen(bad), await listen(good))
    rig = await make_rig(variants=(variant,), health_path="/ready", limits={"ejection_failures": 0})
    assert states(rig) == ["down", "up"]
    before = bad.begun
    assert [(await rig.send(POST))[0] for _ in range(4)] == [200] * 4
    assert bad.begun == before
    bad.answer = OK
    await rig.proxy.upstreams["A"].check_health()
    assert states(rig) == ["up", "up"]
    assert [(await rig.send(POST))[0] for _ in range(4)] == [200] * 4
    assert bad.begun == before + 1 + 2
    bad.answer = BUSY
    await rig.proxy.upstreams["A"].check_health()
    assert states(rig) == ["down", "up"]


async def test_a_name_that_changes_is_followed_and_old_addresses_drain(make_rig: Make, named: Addresses) -> None:
    """A request under way at an address that is gone is answered; its connection is not used again."""
    old = await named.serve("127.0.0.2")
    new = await named.serve("127.0.0.3")
    named.now = ["127.0.0.2"]
    rig = await make_rig(variants=(Variant("A", f"http://model.test:{named.port}"),))
    reader, writer = await rig.connect()
    writer.write(POST[:-1])
    await until(lambda: old.begun)
    named.now = ["127.0.0.3"]
    await rig.proxy.upstreams["A"].check_health()
    assert [one.place.address for one in rig.proxy.upstreams["A"].endpoints] == ["127.0.0.3"]
    writer.write(POST[-1:])
    assert (await read_answer(reader))[0] == 200
    assert (await rig.send(POST))[0] == 200
    assert (old.begun, new.begun) == (1, 1)
    await until(lambda: len(rig.proxy.upstreams["A"].connections) == 1)
    writer.close()


async def test_a_server_that_moved_is_found_by_the_first_that_is_refused(make_rig: Make, named: Addresses) -> None:
    """Between two looks at the name, which is asked again before the request is given up."""
    new = await named.serve("127.0.0.3")
    named.now = ["127.0.0.2"]
    rig = await make_rig(variants=(Variant("A", f"http://model.test:{named.port}"),))
    named.now = ["127.0.0.3"]
    assert (await rig.send(POST))[0] == 200
    assert new.whole == 1


async def test_a_name_server_that_hangs_or_forgets_changes_nothing(
    make_rig: Make, named: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The addresses that were known serve on, and requests don't wait for it."""
    monkeypatch.setattr(names, "PATIENCE_S", 0.05)
    server = await named.serve("127.0.0.2")
    named.now = ["127.0.0.2"]
    rig = await make_rig(variants=(Variant("A", f"http://model.test:{named.port}"),))
    named.answers.clear()
    await rig.proxy.upstreams["A"].check_health()
    assert (await rig.send(POST))[0] == 200
    named.now = []
    named.answers.set()
    await rig.proxy.upstreams["A"].check_health()
    assert (await rig.send(POST))[0] == 200
    assert (server.whole, states(rig)) == (2, ["up"])


async def test_a_name_of_two_families_of_which_one_is_served_is_up(make_rig: Make, named: Addresses) -> None:
    """Nothing is lost on the other, which is not called down: it never was up."""
    server = await named.serve("127.0.0.2")
    named.now = ["127.0.0.9", "127.0.0.2"]
    rig = await make_rig(variants=(Variant("A", f"http://model.test:{named.port}"),))
    assert [(await rig.send(POST))[0] for _ in range(4)] == [200] * 4
    assert (server.whole, states(rig), rig.proxy.upstreams["A"].up) == (4, ["new", "up"], True)


async def test_addresses_over_the_bound_are_counted(make_rig: Make, named: Addresses) -> None:
    """And not used."""
    await named.serve("127.0.0.2")
    named.now = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
    variant = Variant("A", f"http://model.test:{named.port}")
    rig = await make_rig(variants=(variant,), limits={"upstream_addresses_max": 2})
    assert len(states(rig)) == 2
    assert rig.proxy.limits_hit["upstream_addresses_max"] >= 1


async def test_where_no_more_connections_may_be_an_idle_one_of_another_address_serves(
    make_rig: Make, listen: Listen
) -> None:
    """Rather than a wait for one to the address whose turn it is."""
    servers = [Faulty(), Faulty()]
    rig = await make_rig(
        variants=(at(*[await listen(server) for server in servers]),), limits={"upstream_connections_max": 1}
    )
    assert [(await rig.send(POST))[0] for _ in range(4)] == [200] * 4
    assert sorted(server.begun for server in servers) == [0, 4]


async def test_addresses_that_settings_change_drop_no_request(make_rig: Make, listen: Listen) -> None:
    """Who is under way at the old ones is answered there, who comes then is at the new ones."""
    old, new = Faulty(), Faulty()
    first, second = await listen(old), await listen(new)
    rig = await make_rig(variants=(at(first),))
    reader, writer = await rig.connect()
    writer.write(POST[:-1])
    await until(lambda: old.begun)
    rig.proxy.apply(replace(rig.proxy.settings, version=2, variants=(at(second),)))
    assert (await rig.send(POST))[0] == 200
    writer.write(POST[-1:])
    assert (await read_answer(reader))[0] == 200
    assert (old.whole, new.whole) == (1, 1)
    writer.close()


async def test_host_is_the_own_name_of_the_address_that_serves(make_rig: Make, listen: Listen) -> None:
    """Where a variant asks for it: its servers need not share one."""
    heads: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        writer.close()

    ports = [await listen(keep), await listen(keep)]
    rig = await make_rig(variants=(replace(at(*ports), host="upstream"),))
    await rig.send(POST)
    await rig.send(POST)
    hosts = [line for head in heads for line in head.split(b"\r\n") if line.startswith(b"Host:")]
    assert hosts == [b"Host: 127.0.0.1:%d" % port for port in ports]


async def test_copies_go_where_checks_find_the_server_well(make_rig: Make, listen: Listen) -> None:
    """A shadow's pool has no checks of its own; what fails there ejects nothing that serves."""
    bad, good = Faulty("request"), Faulty()
    ports = [await listen(bad), await listen(good)]
    variants = (at(await listen(Faulty())), replace(at(*ports), name="B"))
    shadow = Shadow("s", "B", 1.0)
    rig = await make_rig(
        variants=variants, shadows=(shadow,), limits={"ejection_failures": 1, "ejection_s": 1000.0}, default="A"
    )
    pool = rig.proxy.shadows.pools[0]
    for number in range(4):
        await rig.send(POST)
        await until(lambda number=number: len(rig.tap.exchanges) == 2 * number + 2)  # type: ignore[misc]
    assert [endpoint.state for endpoint in pool.endpoints] == [State.EJECTED, State.UP]
    assert [endpoint.state for endpoint in rig.proxy.upstreams["B"].endpoints] == [State.UP, State.UP]


async def test_a_server_that_speaks_first_is_open_and_one_that_closed_is_not(listen: Listen) -> None:
    """A fresh connection is looked at before anything is sent over it."""

    async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\r\n")
        await reader.read()

    for handler, is_open in ((greets, True), (Faulty("accept"), False)):
        port = await listen(handler)
        pool = upstream.Upstream(at(port), Limits(), "", lambda limit: None, lambda: None)
        (endpoint,) = pool.endpoints
        connection = upstream.UpstreamConnection(pool, endpoint)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda made=connection: made, "127.0.0.1", port)  # type: ignore[misc]
        transport.pause_reading()  # what came in stays with the kernel, as in the moment after connecting
        await until(lambda one=connection: not one.usable())  # type: ignore[misc]
        assert connection.open() is is_open
        connection.abort()
        await asyncio.sleep(0)


@pytest.mark.parametrize("stage", ["before", "within"])
async def test_an_exchange_over_the_total_bound_is_ended(make_rig: Make, listen: Listen, stage: str) -> None:
    """By a 504, or by cutting off what has begun; however steadily bytes come."""
    asked = asyncio.Event()

    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"abc")
        asked.set()
        if stage == "within":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"x")
                await asyncio.sleep(0.005)
        await reader.read()

    rig = await make_rig(variants=(at(await listen(drips)),), limits={"total_timeout_s": 1000.0})
    reader, writer = await rig.connect()
    writer.write(POST)
    await asyncio.wait_for(asked.wait(), WAIT_S)
    if stage == "within":
        await reader.readuntil(b"\r\n\r\n")
    (client,) = rig.proxy.downstreams
    for later in (900.0, 1001.0):
        assert "total_timeout_s" not in rig.proxy.limits_hit
        client.check_total(monotonic() + later)
    if stage == "within":
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.read(), WAIT_S)
    else:
        assert (await read_answer(reader))[0] == 504
    writer.close()
    assert (rig.tap.exchanges[0].error, rig.proxy.limits_hit["total_timeout_s"]) == ("timeout", 1)
