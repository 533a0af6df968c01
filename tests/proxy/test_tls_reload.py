"""Certificate files that change while a worker serves with them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization as form

from sidecar.proxy.certificate import CertificateError, validity
from sidecar.proxy.tls import FromFiles, Watch, listening
from sidecar.types import ListenTls
from tests.kit.certificates import DAYS, Authority, shown
from tests.kit.upstream import Rig, read_answer, until

MakeRig = Callable[..., Awaitable[Rig]]
GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
Said = list[tuple[str, str, dict[str, str]]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


@pytest.fixture
def files(authority: Authority) -> ListenTls:
    return authority.issue()


@pytest.fixture
def source(files: ListenTls) -> FromFiles:
    made = listening(files)
    assert made is not None
    return made


class Client:
    """One connection; ``certificate`` is the one that it was shown."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)

    @classmethod
    async def to(cls, rig: Rig, authority: Authority) -> Client:
        context = authority.client_context()
        return cls(*await asyncio.open_connection("127.0.0.1", rig.port, ssl=context, server_hostname="localhost"))

    async def ask(self) -> int:
        self.writer.write(GET)
        return (await read_answer(self.reader))[0]


async def test_renewal_under_load_drops_nothing(make_rig: MakeRig, authority: Authority, files: ListenTls) -> None:
    """While the certificate is renewed a kept connection goes on under the old one, new ones begin to see the new one,
    and not one request fails."""
    rig = await make_rig(tls=files)
    watch = asyncio.create_task(Watch(rig.proxy.tls_sources, lambda *_: True).run(check_s=0.01))
    old = shown(files)
    kept = await Client.to(rig, authority)
    statuses: list[int] = []
    seen: list[bytes] = []

    async def keep_asking() -> None:
        while True:
            statuses.append(await kept.ask())
            client = await Client.to(rig, authority)
            seen.append(client.certificate)
            statuses.append(await client.ask())
            client.writer.close()

    asking = asyncio.create_task(keep_asking())
    await until(lambda: len(seen) >= 3)
    authority.issue()
    new = shown(files)
    await until(lambda: seen[-3:] == [new] * 3)
    asking.cancel()
    watch.cancel()
    assert set(statuses) == {200}
    assert seen == [old] * seen.count(old) + [new] * seen.count(new)
    assert kept.certificate == old != new
    assert rig.proxy.tls is not None
    assert (rig.proxy.tls.renewed, rig.proxy.tls_failed) == (1, {})
    kept.writer.close()


def spoil(how: str, files: ListenTls, authority: Authority) -> None:
    """Puts something in the place of the files that can't be used."""
    cert, key = Path(files.cert_file), Path(files.key_file)
    if how == "garbage":
        cert.write_text("-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n")
    elif how == "other_key":
        authority.issue("other")
        os.replace(key.with_name("other.key"), key)
    elif how == "gone":
        cert.unlink()
    else:
        key.write_bytes(_locked(key))


@pytest.mark.parametrize("bad", ["garbage", "other_key", "gone", "locked"])
async def test_bad_pair_changes_nothing_and_is_told_once(
    make_rig: MakeRig, authority: Authority, files: ListenTls, bad: str
) -> None:
    """Files that can't be used leave the certificate before in force; why is said once, shown, and taken back later."""
    rig = await make_rig(tls=files)
    source = rig.proxy.tls
    assert source is not None
    said: Said = []
    watch = Watch(rig.proxy.tls_sources, lambda *news: said.append(news) is None)
    old = shown(files)
    spoil(bad, files, authority)
    for _ in range(4):
        await watch.look()
    assert [(level, event, fields["use"]) for level, event, fields in said] == [
        ("error", "certificate_not_taken", "listen")
    ]
    assert source.fault == said[0][2]["reason"] != ""
    assert files.cert_file in source.fault
    assert "PRIVATE" not in source.fault
    client = await Client.to(rig, authority)
    assert (client.certificate, await client.ask()) == (old, 200)
    client.writer.close()
    authority.issue()
    await watch.look(at_once=True)
    assert (source.fault, said[-1][1], len(said)) == ("", "certificate_taken", 2)
    client = await Client.to(rig, authority)
    assert client.certificate == shown(files) != old
    client.writer.close()


def _locked(key: Path) -> bytes:
    """The key under a passphrase, which nobody is there to type."""
    plain = form.load_pem_private_key(key.read_bytes(), None)
    locked = form.BestAvailableEncryption(b"secret")
    return plain.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked)


def test_files_are_read_when_at_rest(source: FromFiles, authority: Authority) -> None:
    """A look that finds files changed waits for the next, which finds them the same: the pair may be half written."""
    before = source.context
    authority.issue()
    source.check()
    assert source.context is before
    authority.issue()
    source.check()
    assert source.context is before
    source.check()
    assert source.context is not before
    assert source.renewed == 1


async def test_news_that_nobody_heard_is_said_again(source: FromFiles, files: ListenTls, authority: Authority) -> None:
    """While the monitor is away what there is to tell of the files waits for it."""
    heard: list[bool] = [False, True]
    said: Said = []

    def say(*news: Any) -> bool:
        said.append(news)
        return heard.pop(0)

    watch = Watch(lambda: [source], say)
    spoil("gone", files, authority)
    for _ in range(4):
        await watch.look(at_once=True)
    assert [event for _, event, _ in said] == ["certificate_not_taken"] * 2


async def test_worker_without_a_certificate_serves_once_there_is_one(
    make_rig: MakeRig, authority: Authority, tmp_path: Path
) -> None:
    """A worker that starts while the pair can't be used turns clients away at once, until it can."""
    files = ListenTls(str(tmp_path / "tls" / "server.pem"), str(tmp_path / "tls" / "server.key"))
    rig = await make_rig(tls=files)
    with pytest.raises(ConnectionError):
        await Client.to(rig, authority)
    assert rig.proxy.tls_failed == {"no_certificate": 1}
    authority.issue()
    said: Said = []
    await Watch(rig.proxy.tls_sources, lambda *news: said.append(news) is None).look(at_once=True)
    assert [event for _, event, _ in said] == ["certificate_taken"]
    client = await Client.to(rig, authority)
    assert await client.ask() == 200
    client.writer.close()


def test_validity_is_read_of_the_certificate(source: FromFiles) -> None:
    """What a worker tells of its certificate's life is what stands in it."""
    assert source.validity is not None
    begin, end = source.validity
    assert end - begin > 0
    ends = datetime.now(UTC) + timedelta(days=DAYS)
    assert abs(end - ends.timestamp()) < 60


def test_validity_agrees_with_a_library(authority: Authority) -> None:
    """Read by hand and by the library, the times are the same, for years of two digits and of four."""
    for year in (2030, 2049, 2050, 2999):
        made = authority.ca.issue_cert("a", not_after=datetime(year, 3, 1, 12, 30, 5, tzinfo=UTC))
        pem = made.cert_chain_pems[0].bytes()
        read = x509.load_pem_x509_certificate(pem)
        assert validity(pem.decode()) == (
            read.not_valid_before_utc.timestamp(),
            read.not_valid_after_utc.timestamp(),
        )


@pytest.mark.parametrize("cut", [0, 30, 100])
def test_certificate_that_is_cut_off_is_refused(authority: Authority, cut: int) -> None:
    """A file that was written halfway is a fault with words, whatever is missing."""
    pem = authority.ca.issue_cert("a").cert_chain_pems[0].bytes().decode()
    lines = pem.splitlines()
    short = "\n".join([lines[0], "".join(lines[1:-1])[: cut - cut % 4], lines[-1]])
    for text in (pem[: len(pem) // 2], short):
        with pytest.raises(CertificateError):
            validity(text)
