"""TLS on the data port: clients with real certificates over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.proxy.tls_accept import FromClient
from sidecar.types import Variant
from tests.kit.certificates import Authority
from tests.kit.upstream import WAIT_S, Rig, Upstream, read_answer, until

MakeRig = Callable[..., Awaitable[Rig]]
GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


def post(body: bytes) -> bytes:
    return b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


@pytest.fixture
def make_tls_rig(make_rig: MakeRig, authority: Authority) -> MakeRig:
    async def make(*args: Any, **settings: Any) -> Rig:
        return await make_rig(*args, tls=authority.issue(), **settings)

    return make


async def connect(rig: Rig, context: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", rig.port, ssl=context, server_hostname="localhost", limit=1 << 22)


def in_a_thread(rig: Rig, context: ssl.SSLContext, request: bytes) -> Awaitable[tuple[bytes, bool]]:
    """What comes until the end of the connection, and whether that was said by close_notify."""

    def ask() -> tuple[bytes, bool]:
        answer = b""
        with (
            socket.create_connection(("127.0.0.1", rig.port), timeout=WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as sock,
        ):
            sock.sendall(request)
            try:
                while part := sock.recv(1 << 16):
                    answer += part
            except (ssl.SSLError, ConnectionError):
                return answer, False
            return answer, True

    return asyncio.to_thread(ask)


async def test_client_over_tls_is_relayed_to_a_plain_upstream(make_tls_rig: MakeRig, authority: Authority) -> None:
    """Bodies of all sizes pass, several on one connection; the upstream hears that the client spoke HTTPS."""
    rig = await make_tls_rig(
        Upstream(reply=lambda got: post(got.body).replace(b"POST /predict HTTP/1.1", b"HTTP/1.1 200 OK"))
    )
    context = authority.client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    reader, writer = await connect(rig, context)
    for body in (b"", b"x", os.urandom(16_385), os.urandom(3 << 20)):
        writer.write(post(body))
        assert (await read_answer(reader))[::2] == (200, body)
        assert rig.upstream.requests[-1].body == body
        assert rig.upstream.requests[-1].values(b"x-forwarded-proto") == [b"https"]
    spoken: ssl.SSLObject = writer.get_extra_info("ssl_object")
    assert (spoken.version(), spoken.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
    assert {received.connection for received in rig.upstream.requests} == {0}
    writer.close()


async def test_requests_in_one_record_are_answered_in_order(make_tls_rig: MakeRig, authority: Authority) -> None:
    """Pipelined requests that were encrypted together are answered one after the other."""
    rig = await make_tls_rig(
        Upstream(reply=lambda got: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + got.line[5:7])
    )
    reader, writer = await connect(rig, authority.client_context())
    writer.write(b"".join(GET.replace(b"/a", b"/%d" % number) for number in range(10, 15)))
    assert [(await read_answer(reader))[2] for _ in range(5)] == [b"10", b"11", b"12", b"13", b"14"]
    writer.close()


async def test_records_that_come_byte_by_byte_are_read(make_tls_rig: MakeRig, authority: Authority) -> None:
    """However the network cuts handshake and records, the request arrives and is answered."""
    rig = await make_tls_rig()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = authority.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    reader, writer = await rig.connect()

    async def complete(step: Callable[[], Any]) -> Any:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    writer.write(bytes((byte,)))
                    await asyncio.sleep(0)
                incoming.write(await asyncio.wait_for(reader.read(1 << 16), WAIT_S))

    await complete(tls.do_handshake)
    tls.write(post(b"body"))
    assert (await complete(lambda: tls.read(1 << 16))).startswith(b"HTTP/1.1 200")
    assert rig.upstream.requests[-1].body == b"body"
    writer.close()


async def test_whole_answer_ends_with_close_notify(make_tls_rig: MakeRig, authority: Authority) -> None:
    """A client that reads to the end of the connection can tell that nothing was cut off."""
    rig = await make_tls_rig()
    answer, ended = await in_a_thread(rig, authority.client_context(), GET.replace(b"1.1", b"1.0"))
    assert (answer.split(b"\r\n\r\n")[1], ended) == (b"ok", True)
    await until(lambda: not rig.proxy.downstreams)


async def test_cut_off_answer_ends_without_close_notify(make_tls_rig: MakeRig, authority: Authority) -> None:
    """A response that the upstream broke off must not look whole, even to a client that has no other sign of it."""
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    rig = await make_tls_rig(Upstream(reply=lambda _: cut, close_when=lambda _: True))
    answer, ended = await in_a_thread(rig, authority.client_context(), GET.replace(b"1.1", b"1.0"))
    assert (b"abc" in answer, ended) == (True, False)


async def test_slow_reader_gets_all_of_a_large_answer(make_tls_rig: MakeRig, authority: Authority) -> None:
    """A client that does not read stops the upstream's connection instead of filling memory, and loses nothing."""
    body = os.urandom(16 << 20)
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    rig = await make_tls_rig(Upstream(reply=lambda _: reply))
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", rig.port, ssl=authority.client_context(), server_hostname="localhost", limit=1 << 16
    )
    writer.write(GET)
    await until(lambda: rig.proxy.downstreams)
    (downstream,) = rig.proxy.downstreams
    await until(lambda: downstream.write_paused)
    assert downstream._transport.get_write_buffer_size() < 2 << 20
    assert (await read_answer(reader))[2] == body
    writer.close()


async def test_upload_waits_for_an_upstream_that_does_not_read(
    make_tls_rig: MakeRig, authority: Authority, listen: Any
) -> None:
    """What the upstream does not take stays with the client, encrypted or not."""
    gate = asyncio.Event()

    async def read_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await reader.readuntil(b"\r\n\r\n")
        taken = await reader.readexactly(32 << 20)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + taken[-5:])

    rig = await make_tls_rig(variants=(Variant("A", f"http://127.0.0.1:{await listen(read_late)}"),))
    reader, writer = await connect(rig, authority.client_context())
    writer.write(post(bytes(32 << 20))[:-5] + b"ended")
    await until(lambda: rig.proxy.downstreams)
    (downstream,) = rig.proxy.downstreams
    await until(lambda: downstream._holds)
    for _ in range(500):
        await asyncio.sleep(0)
    transport = downstream._transport
    assert isinstance(transport, FromClient)
    assert transport._incoming.pending < 1 << 20
    gate.set()
    assert (await read_answer(reader))[2] == b"ended"
    writer.close()


async def test_websocket_passes_through_tls(make_tls_rig: MakeRig, authority: Authority, listen: Any) -> None:
    """After the upgrade bytes pass both ways as they are, and the end of one side ends the other."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        while part := await reader.read(1 << 16):
            writer.write(part)
        writer.close()

    rig = await make_tls_rig(variants=(Variant("A", f"http://127.0.0.1:{await listen(echo)}"),))
    reader, writer = await connect(rig, authority.client_context())
    fields = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"
    writer.write(b"GET /ws HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    for size in (5, 100_000):
        sent = os.urandom(size)
        writer.write(sent)
        assert await asyncio.wait_for(reader.readexactly(size), WAIT_S) == sent
    writer.close()
    await until(lambda: not rig.proxy.downstreams)


async def test_plain_http_is_told_so_at_once(make_tls_rig: MakeRig) -> None:
    """Who speaks HTTP to the TLS port gets an answer that says why, nothing reaches the upstream, and it is counted."""
    rig = await make_tls_rig()
    status, _, body = await rig.send(post(b"x" * 100_000))
    assert (status, b"plain_http" in body) == (400, True)
    assert (rig.proxy.tls_failed, rig.upstream.requests) == ({"plain_http": 1}, [])
    await until(lambda: not rig.proxy.handshakes)


@pytest.mark.parametrize(("sent", "reason"), [(b"\x00\x01", "not_tls"), (b"\x16\x03\x01\x00\x05hello", "handshake")])
async def test_what_is_no_tls_is_closed(make_tls_rig: MakeRig, sent: bytes, reason: str) -> None:
    """Bytes that are no handshake end the connection, counted by what they were."""
    rig = await make_tls_rig()
    reader, writer = await rig.connect()
    writer.write(sent)
    with contextlib.suppress(ConnectionError):
        await asyncio.wait_for(reader.read(), WAIT_S)
    await until(lambda: not rig.proxy.handshakes)
    assert rig.proxy.tls_failed == {reason: 1}
    writer.close()


async def test_old_versions_of_tls_are_refused(make_tls_rig: MakeRig, authority: Authority) -> None:
    """TLS 1.1 is not spoken; 1.2 is."""
    rig = await make_tls_rig()
    context = authority.client_context()
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await connect(rig, context)
    await until(lambda: rig.proxy.tls_failed)
    assert rig.proxy.tls_failed == {"handshake": 1}
    server = rig.proxy.tls and rig.proxy.tls.context
    assert server is not None
    assert server.minimum_version == ssl.TLSVersion.TLSv1_2, "though OpenSSL's policy alone refuses 1.1 here"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    reader, writer = await connect(rig, context)
    writer.write(GET)
    assert (await read_answer(reader))[0] == 200
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.2"
    writer.close()


async def test_handshake_that_does_not_end_is_given_up(make_tls_rig: MakeRig) -> None:
    """Who begins a handshake and falls silent is closed after ``tls_handshake_timeout_s``, which is counted."""
    rig = await make_tls_rig(limits={"tls_handshake_timeout_s": 0.05})
    reader, writer = await rig.connect()
    writer.write(b"\x16\x03\x01")
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
    assert (rig.proxy.limits_hit, rig.proxy.tls_failed) == ({"tls_handshake_timeout_s": 1}, {"timeout": 1})
    writer.close()


async def test_handshakes_count_towards_the_connections(make_tls_rig: MakeRig) -> None:
    """Clients that only shake hands can't be more than ``connections_max``; who looks whether somebody listens and
    leaves is no failure."""
    rig = await make_tls_rig(limits={"connections_max": 1})
    _, first = await rig.connect()
    await until(lambda: rig.proxy.handshakes)
    reader, second = await rig.connect()
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
    assert rig.proxy.limits_hit == {"connections_max": 1}
    first.close()
    await until(lambda: not rig.proxy.handshakes)
    assert rig.proxy.tls_failed == {}
    second.close()


async def test_half_closed_client_still_gets_its_answer(make_tls_rig: MakeRig, authority: Authority) -> None:
    """A client may end its side after the request, by the end of the stream, and still reads the answer."""
    upstream = Upstream(gated=True)
    rig = await make_tls_rig(upstream)

    def ask() -> bytes:
        with socket.create_connection(("127.0.0.1", rig.port), timeout=WAIT_S) as plain:
            tls = authority.client_context().wrap_socket(plain, server_hostname="localhost")
            tls.sendall(GET)
            socket.socket.shutdown(tls, socket.SHUT_WR)
            received = tls.recv(1 << 16)
            tls.close()
            return received

    asking = asyncio.create_task(asyncio.to_thread(ask))
    await until(lambda: upstream.requests)
    upstream.gate.set()
    assert (await asking).endswith(b"ok")
