"""TLS to upstreams: real servers with certificates of authorities of their own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sidecar.proxy.tls import upstream_context
from sidecar.types import ListenTls, UpstreamTls, Variant
from tests.kit.certificates import Authority
from tests.kit.ports import free_ports
from tests.kit.upstream import Received, Rig, Upstream, read_answer, until

MakeRig = Callable[..., Awaitable[Rig]]
POST = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
TO_THE_END = b"HTTP/1.1 200 OK\r\n\r\nuntil the end"


@dataclass
class Server:
    """A server that speaks TLS; ``names`` are those it was asked for by SNI."""

    upstream: Upstream
    port: int
    names: list[str | None] = field(default_factory=list)

    def variant(self, host: str = "localhost", **tls: object) -> Variant:
        return Variant("A", f"https://{host}:{self.port}", tls=replace(UpstreamTls(), **tls))


Serve = Callable[..., Awaitable[Server]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "servers")


@pytest.fixture
def clients(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "clients")


@pytest.fixture
async def serve(authority: Authority) -> AsyncIterator[Serve]:
    """Starts a server with a certificate for ``hosts``, that wants one of ``clients``."""
    started: list[tuple[asyncio.Server, Upstream]] = []

    async def start(*hosts: str, clients: Authority | None = None, upstream: Upstream | None = None) -> Server:
        context = authority.server_context(authority.issue("server", *hosts), clients)
        (port,) = free_ports(1)
        made = Server(upstream or Upstream(), port)
        context.sni_callback = lambda _, name, __: made.names.append(name)
        listening = await asyncio.start_server(made.upstream.serve, "127.0.0.1", port, ssl=context, limit=1 << 22)
        started.append((listening, made.upstream))
        return made

    yield start
    for listening, upstream in started:
        for writer in upstream.writers.values():
            writer.transport.abort()
        listening.close()


def own(authority: Authority) -> str:
    return str(authority.ca_file)


async def test_https_from_end_to_end(make_rig: MakeRig, serve: Serve, authority: Authority, clients: Authority) -> None:
    """A client over TLS reaches an upstream over TLS, each by its own authority; SNI asks for the URL's name."""
    server = await serve()
    rig = await make_rig(variants=(server.variant(ca_file=own(authority)),), tls=clients.issue())
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", rig.port, ssl=clients.client_context(), server_hostname="localhost"
    )
    for _ in range(2):
        writer.write(POST)
        assert (await read_answer(reader))[::2] == (200, b"ok")
    assert {(received.body, received.connection) for received in server.upstream.requests} == {(b"body", 0)}
    assert set(server.names) == {"localhost"}
    writer.close()


async def test_certificate_of_a_stranger_is_a_502_with_the_reason(
    make_rig: MakeRig, serve: Serve, clients: Authority
) -> None:
    """Where the upstream's certificate is not of the authority it must be of, no byte of the request is sent to it."""
    server = await serve()
    rig = await make_rig(variants=(server.variant(ca_file=own(clients)),))
    status, _, body = await rig.send(POST)
    assert (status, server.upstream.requests) == (502, [])
    assert b"its certificate is not accepted: " in body
    assert rig.proxy.upstreams["A"].up is False


async def test_name_in_the_certificate_is_checked(make_rig: MakeRig, serve: Serve, authority: Authority) -> None:
    """A certificate for another name is refused; ``server_name`` says which name it must have, and is asked for."""
    server = await serve("model.internal")
    rig = await make_rig(variants=(server.variant(ca_file=own(authority)),))
    status, _, body = await rig.send(POST)
    assert (status, b"ostname mismatch" in body) == (502, True)
    other = await make_rig(variants=(server.variant(ca_file=own(authority), server_name="model.internal"),))
    assert (await other.send(POST))[0] == 200
    assert server.names[-1] == "model.internal"


async def test_certificate_is_not_checked_where_told_so(make_rig: MakeRig, serve: Serve) -> None:
    """With ``verify`` false whoever answers is spoken to, and the worker says so of itself."""
    server = await serve("somebody.else")
    rig = await make_rig(variants=(server.variant(verify=False),))
    assert (await rig.send(POST))[0] == 200
    (source,) = rig.proxy.tls_sources()
    assert (source.figures()["use"], source.figures()["verifies"]) == ("upstream A", False)


async def test_upstream_gets_the_certificate_it_asks_for(
    make_rig: MakeRig, serve: Serve, authority: Authority, clients: Authority
) -> None:
    """An upstream that demands certificates of its clients is shown ours, also by its health check; without one it
    refuses, which is a 502 and never a second attempt."""
    server = await serve(clients=clients)
    shown = clients.issue("worker")
    mutual = server.variant(ca_file=own(authority), cert_file=shown.cert_file, key_file=shown.key_file)
    rig = await make_rig(variants=(mutual,), health_path="/health")
    assert rig.proxy.upstreams["A"].up is True
    assert (await rig.send(POST))[0] == 200
    (source,) = rig.proxy.tls_sources()
    assert source.validity is not None
    count = len(server.upstream.requests)
    bare = await make_rig(variants=(server.variant(ca_file=own(authority)),))
    status, _, body = await bare.send(POST)
    assert (status, len(server.upstream.requests)) == (502, count)
    assert b"upstream" in body


async def test_health_is_checked_by_the_same_trust(make_rig: MakeRig, serve: Serve, authority: Authority) -> None:
    """An upstream whose certificate is not accepted is down by its health check, not only by requests."""
    server = await serve()
    rig = await make_rig(variants=(server.variant(),), health_path="/health")
    assert (rig.proxy.upstreams["A"].up, server.upstream.requests) == (False, [])
    rig = await make_rig(variants=(server.variant(ca_file=own(authority)),), health_path="/health")
    assert rig.proxy.upstreams["A"].up is True


async def test_plain_http_behind_an_https_url_is_a_quick_502(make_rig: MakeRig) -> None:
    """A server that does not speak TLS is told apart at once, with words for whoever wrote the URL."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", free_ports(1)[0])
    variant = Variant("A", f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    rig = await make_rig(variants=(variant,))
    status, _, body = await rig.send(POST)
    assert (status, b"TLS with the upstream failed: wrong version number" in body) == (502, True)
    server.close()


async def test_handshake_that_hangs_is_a_504(make_rig: MakeRig) -> None:
    """An upstream that accepts and then says nothing is given up after ``connect_timeout_s``, which is counted."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", free_ports(1)[0])
    variant = Variant("A", f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    rig = await make_rig(variants=(variant,), limits={"connect_timeout_s": 0.1})
    assert (await rig.send(POST))[0] == 504
    assert rig.proxy.limits_hit["connect_timeout_s"] >= 1
    server.close()


@pytest.mark.parametrize("is_cut", [False, True])
async def test_answer_without_a_length_is_whole_only_with_close_notify(
    make_rig: MakeRig, serve: Serve, authority: Authority, is_cut: bool
) -> None:
    """What ends with the connection may have been cut off by anybody, unless TLS says that it ended."""
    server = await serve()
    upstream = server.upstream

    def reply(received: Received) -> bytes:
        if is_cut:
            writer = upstream.writers[received.connection]
            asyncio.get_running_loop().call_later(0.05, writer.transport.abort)
        return TO_THE_END

    upstream.reply, upstream.close_when = reply, lambda _: not is_cut
    rig = await make_rig(variants=(server.variant(ca_file=own(authority)),))
    if is_cut:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await rig.send(POST)
    else:
        assert (await rig.send(POST))[2] == b"until the end"
    await until(lambda: rig.tap.exchanges)
    assert rig.tap.exchanges[0].error == ("truncated" if is_cut else "")


async def test_new_trust_holds_for_new_connections_at_once(
    make_rig: MakeRig, serve: Serve, authority: Authority, clients: Authority
) -> None:
    """Settings that trust another authority retire what was connected under the one before."""
    server = await serve()
    rig = await make_rig(variants=(server.variant(ca_file=own(clients)),))
    assert (await rig.send(POST))[0] == 502
    right = replace(rig.proxy.settings, version=2, variants=(server.variant(ca_file=own(authority)),))
    assert rig.proxy.apply(right)
    assert (await rig.send(POST))[0] == 200
    assert rig.proxy.apply(replace(right, version=3, variants=(server.variant(ca_file=own(clients)),)))
    assert (await rig.send(POST))[0] == 502


async def test_authority_in_a_file_that_changes_is_taken_up(
    make_rig: MakeRig, serve: Serve, authority: Authority, clients: Authority, tmp_path: Path
) -> None:
    """An upstream's authority may be replaced in its file; until a good one is there, why is shown with the 502."""
    server = await serve()
    trusted = tmp_path / "trusted.pem"
    rig = await make_rig(variants=(server.variant(ca_file=str(trusted)),))
    status, _, body = await rig.send(POST)
    assert (status, str(trusted).encode() in body) == (502, True)
    trusted.write_bytes(authority.ca_file.read_bytes())
    (source,) = rig.proxy.tls_sources()
    source.check(at_once=True)
    assert (await rig.send(POST))[0] == 200


def test_context_of_a_client_certificate_alone_trusts_the_machine(clients: Authority) -> None:
    """A certificate to show says nothing of whom to believe: without ``ca_file`` that is whom the machine believes."""
    shown: ListenTls = clients.issue("worker")
    context = upstream_context(UpstreamTls(cert_file=shown.cert_file, key_file=shown.key_file))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


async def test_half_close_ends_a_tunnel_to_an_upstream_over_tls(
    make_rig: MakeRig, serve: Serve, authority: Authority
) -> None:
    """TLS knows no half of a connection: the client gets an end, and never bytes that were not decrypted."""
    switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    server = await serve(upstream=Upstream(reply=lambda got: switched))
    rig = await make_rig(variants=(server.variant(ca_file=own(authority)),))
    reader, writer = await rig.connect()
    writer.write(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    writer.write_eof()
    assert await reader.read() == b""
    await until(lambda: rig.proxy.in_flight == 0)
    writer.close()
