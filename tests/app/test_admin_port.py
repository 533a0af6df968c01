"""The admin port over TLS, with real sockets and certificates."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from sidecar.api import Services
from sidecar.app import admin_port
from sidecar.app.admin_port import AdminPort
from sidecar.app.config import Config
from sidecar.app.supervisor import MONITOR_GRACE_S
from tests.api.conftest import loop, reader, services, store  # noqa: F401 - fixtures
from tests.kit.ports import free_ports

TOKEN = "the-token-of-the-file"
Ask = Callable[..., Awaitable[tuple[int, Any]]]
FINISH_S_MAX = admin_port.FINISH_S_MAX
"""As it is; here it is less."""
REFUSED = (aiohttp.ClientError, ConnectionError)
"""What an asker sees whose certificate is not taken: with TLS 1.3 the connection ends at its first request."""


class Authorities:
    """One authority of the sidecar, one of its clients, one of strangers; ``folder`` has what the sidecar reads."""

    def __init__(self, folder: Path) -> None:
        self.sidecars, self.clients, self.strangers = trustme.CA(), trustme.CA(), trustme.CA()
        self.cert_file, self.key_file, self.client_ca_file = (folder / name for name in ("cert", "key", "ca"))
        self.clients.cert_pem.write_to_path(str(self.client_ca_file))
        self.issue()

    def issue(self) -> bytes:
        """A new certificate for the sidecar, in the place of the one before; gives it."""
        made = self.sidecars.issue_cert("localhost", "127.0.0.1")
        made.private_key_pem.write_to_path(str(self.key_file))
        self.cert_file.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        return ssl.PEM_cert_to_DER_cert(made.cert_chain_pems[0].bytes().decode())

    def context(self, shown: trustme.CA | None = None, name: str = "ann@example.com") -> ssl.SSLContext:
        """Of a client that knows the sidecar's authority, and shows a certificate of another."""
        context = ssl.create_default_context()
        self.sidecars.configure_trust(context)
        if shown is not None:
            shown.issue_cert(name, common_name=name).configure_cert(context)
        return context


@pytest.fixture
def authorities(tmp_path: Path) -> Authorities:
    """Certificates of all kinds."""
    return Authorities(tmp_path)


@pytest.fixture
async def open_port(
    services: Services,  # noqa: F811 - the fixture
    authorities: Authorities,
    tmp_path: Path,
) -> AsyncIterator[Callable[..., Awaitable[tuple[AdminPort, int]]]]:
    """Starts the admin port of a monitor with TLS and what else is given, on a free port."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**admin: Any) -> tuple[AdminPort, int]:
            port = free_ports(1)[0]
            tls = {"tls_cert_file": authorities.cert_file, "tls_key_file": authorities.key_file}
            upstreams = [{"name": "A", "url": "http://127.0.0.1:8000"}]
            made = Config(upstreams=upstreams, data_dir=tmp_path, admin={"port": port, **tls, **admin})
            opened = AdminPort(made)
            access = {name: value for name, value in opened.access().items() if name != "version"}
            await opened.serve(stack, replace(services, **access))
            return opened, port

        yield start


async def whoami(
    port: int, context: ssl.SSLContext | bool, token: str | None = None, **headers: str
) -> tuple[int, Any]:
    """The status of an answer on a new connection, and who the sidecar says it was."""
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    url = f"https://127.0.0.1:{port}/api/v1/whoami"
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
        session.get(url, ssl=context, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def test_port_speaks_tls_and_nothing_else(open_port: Any, authorities: Authorities) -> None:
    """Who knows its authority may ask; who does not is warned, and plain HTTP gets no answer."""
    _, port = await open_port()
    assert (await whoami(port, authorities.context()))[0] == 200
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await whoami(port, True)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"http://127.0.0.1:{port}/api/v1/whoami")


async def test_certificate_alone_opens_where_one_is_demanded(open_port: Any, authorities: Authorities) -> None:
    """Whoever shows one of the clients' authority may do all, under the name in it; nobody else gets an answer."""
    _, port = await open_port(client_ca_file=authorities.client_ca_file)
    status, me = await whoami(port, authorities.context(authorities.clients))
    assert (status, me["by"], me["name"], me["scopes"]) == (200, "certificate", "ann@example.com", ["admin"])
    by_name = await whoami(port, authorities.context(authorities.clients), Host="sidecar.example.com")
    assert by_name[0] == 200, "it may be reached under any name"
    for context in (authorities.context(), authorities.context(authorities.strangers)):
        with pytest.raises(REFUSED):
            await whoami(port, context)


async def test_certificate_and_token_are_both_needed_where_both_are_set(
    open_port: Any, authorities: Authorities, tmp_path: Path
) -> None:
    """Neither stands for the other, and the token says what may be done."""
    (tmp_path / "token").write_text(TOKEN)
    _, port = await open_port(client_ca_file=authorities.client_ca_file, token_file=tmp_path / "token")
    assert (await whoami(port, authorities.context(authorities.clients)))[0] == 401
    status, me = await whoami(port, authorities.context(authorities.clients), TOKEN)
    assert (status, me["by"]) == (200, "token")
    with pytest.raises(REFUSED):
        await whoami(port, authorities.context(), TOKEN)


async def test_renewed_certificate_is_shown_without_a_restart(open_port: Any, authorities: Authorities) -> None:
    """After a reload; a pair that does not fit stays out, and the one before goes on."""
    opened, port = await open_port()

    async def shown() -> bytes:
        _, writing = await asyncio.open_connection("127.0.0.1", port, ssl=authorities.context())
        found: bytes = writing.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writing.close()
        await writing.wait_closed()
        return found

    renewed = authorities.issue()
    assert await shown() != renewed
    opened.renew()
    assert await shown() == renewed
    authorities.sidecars.issue_cert("localhost").private_key_pem.write_to_path(str(authorities.key_file))
    opened.renew()
    assert await shown() == renewed


@pytest.fixture
async def plain_port(
    services: Services,  # noqa: F811 - the fixture
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[int, contextlib.AsyncExitStack]]:
    """An admin port without TLS, and what closes it."""
    monkeypatch.setattr(admin_port, "FINISH_S_MAX", 0.2)
    async with contextlib.AsyncExitStack() as stack:
        port = free_ports(1)[0]
        upstreams = [{"name": "A", "url": "http://127.0.0.1:8000"}]
        await AdminPort(Config(upstreams=upstreams, data_dir=tmp_path, admin={"port": port})).serve(stack, services)
        yield port, stack


async def test_connections_are_bounded_and_those_without_a_request_end(
    plain_port: Any,
    services: Services,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever opens some and says nothing takes the monitor neither its descriptors nor its memory; once they are gone
    others are answered."""
    port, _ = plain_port
    monkeypatch.setattr(admin_port, "CONNECTIONS_MAX", 2)
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    reading, writing = await asyncio.open_connection("127.0.0.1", port)
    assert await asyncio.wait_for(reading.read(), 20) == b""
    writing.close()
    assert services.turned_away["connections"] == 1
    for _, silent in held:
        silent.close()
    await asyncio.sleep(0.1)
    async with aiohttp.ClientSession() as session:
        assert (await session.get(f"http://127.0.0.1:{port}/api/v1/whoami")).status == 200


@pytest.mark.parametrize("sent", [b"", b"GET /api/v1/whoami HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "])
async def test_connection_without_a_whole_request_ends(
    monkeypatch: pytest.MonkeyPatch,
    services: Services,  # noqa: F811 - the fixture
    tmp_path: Path,
    sent: bytes,
) -> None:
    """Nobody sits there for ever, also not with half a request."""
    monkeypatch.setattr(admin_port, "IDLE_S_MAX", 0.2)
    port, upstreams = free_ports(1)[0], [{"name": "A", "url": "http://127.0.0.1:8000"}]
    async with contextlib.AsyncExitStack() as stack:
        await AdminPort(Config(upstreams=upstreams, data_dir=tmp_path, admin={"port": port})).serve(stack, services)
        reading, writing = await asyncio.open_connection("127.0.0.1", port)
        writing.write(sent)
        assert await asyncio.wait_for(reading.read(), 20) == b""
        writing.close()


async def test_stop_waits_for_nobody_for_long(plain_port: Any) -> None:
    """Neither for one who listens, nor for one who began to send and needs no token for that: a monitor that is not
    done in time is killed."""
    port, stack = plain_port
    head = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    asked = (
        b"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        head + b"Content-Length: 50\r\n\r\ntoken=",
        head.replace(b"/login", b"/api/v1/feedback").replace(b"x-www-form-urlencoded", b"json")
        + b"Content-Length: 50\r\n\r\n{",
    )
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in asked]
    for (_, writing), request in zip(connections, asked, strict=True):
        writing.write(request)
    await asyncio.wait_for(connections[0][0].readuntil(b"event: figures"), 20)
    async with asyncio.timeout(20):  # aiohttp's own bound is a minute
        await stack.aclose()
    assert 2 * FINISH_S_MAX < MONITOR_GRACE_S / 2
    for reading, writing in connections:
        await asyncio.wait_for(_to_its_end(reading), 20)
        writing.close()


async def test_what_is_not_compressed_as_it_says_leaves_no_trace_in_the_log(
    plain_port: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused unread: nothing here is unpacked."""
    port, _ = plain_port
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with aiohttp.ClientSession() as session:
        for method, path in (("POST", "datasets"), ("GET", "whoami")):
            url = f"http://127.0.0.1:{port}/api/v1/{path}"
            assert (await session.request(method, url, data=b'{"name": "a"}', headers=headers)).status == 415
    await asyncio.sleep(0.1)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def _to_its_end(reading: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        await reading.read()


@pytest.mark.parametrize("content", [None, b"", b"\xff"])
def test_token_file_that_is_gone_lets_nobody_in(tmp_path: Path, content: bytes | None) -> None:
    """When a monitor starts anew and its token can't be read, the port stays shut rather than open, and the monitor
    records."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    upstreams = [{"name": "A", "url": "http://127.0.0.1:8000"}]
    opened = AdminPort(Config(upstreams=upstreams, data_dir=tmp_path, admin={"token_file": file}))
    assert opened.access()["token"] == TOKEN
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    access = opened.access()
    assert (access["token"], access["token_demanded"]) == (None, True)
