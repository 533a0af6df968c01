"""Looking up the names of upstreams."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from sidecar.proxy import names
from sidecar.proxy.names import Name
from tests.kit.upstream import until


class Server:
    """A name server that answers when it is told to. ``asked`` counts lookups."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = threading.Event()
        self.answer: list[str] | OSError = ["10.0.0.1", "10.0.0.2", "10.0.0.1"]

    def __call__(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        self.asked += 1
        self.answers.wait(60)
        if isinstance(self.answer, OSError):
            raise self.answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.answer]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.answers.set()


async def test_addresses_come_in_the_servers_order_each_once(server: Server) -> None:
    """And further connections within a second ask no more."""
    server.answers.set()
    name = Name("hub", 80, server)
    assert await name.addresses() == ["10.0.0.1", "10.0.0.2"] == await name.addresses()
    assert server.asked == 1


async def test_a_literal_address_is_never_looked_up(server: Server) -> None:
    """Of either family."""
    for host in ("127.0.0.1", "::1", "fe80::1%eth0"):
        assert await Name(host, 80, server).addresses() == [host]
    assert server.asked == 0


async def test_a_name_that_hangs_has_one_lookup_under_way(server: Server) -> None:
    """However many connections gave up on it, and the event loop's own lookups go on beside."""
    name = Name("hang", 80, server)
    for _ in range(20):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(name.addresses(), 0.01)
    await until(lambda: server.asked)
    assert server.asked == 1
    found = await asyncio.wait_for(asyncio.get_running_loop().getaddrinfo("localhost", 80), 30)
    assert found
    server.answers.set()
    assert await name.addresses() == ["10.0.0.1", "10.0.0.2"]


async def test_while_a_lookup_hangs_the_last_answer_serves(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that went away takes no upstream with it."""
    monkeypatch.setattr(names, "FRESH_S", 0.0)
    monkeypatch.setattr(names, "PATIENCE_S", 0.01)
    server.answers.set()
    name = Name("hub", 80, server)
    first = await name.addresses()
    server.answers.clear()
    assert await name.addresses() == first
    await until(lambda: server.asked == 2)


async def test_a_name_without_an_address_is_an_os_error(server: Server) -> None:
    """As a connection that is refused is; the next connection asks anew."""
    server.answers.set()
    server.answer = socket.gaierror(-2, "Name or service not known")
    name = Name("nope", 80, server)
    for _ in range(2):
        with pytest.raises(OSError, match="Name or service not known"):
            await name.addresses()
    assert server.asked == 2
