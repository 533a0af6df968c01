"""Where a client asks, whom it trusts and what it shows of itself; and that nobody sees its token."""

from __future__ import annotations

import math
import os
import ssl
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from sidecar.client import AsyncClient, Client, ConnectionFailed, InvalidRequest
from sidecar.client.settings import URL, address
from tests.api.live_watch import LiveWatch
from tests.api.serving import served
from tests.client.scripted import Script

SECRET = "sct_a-very-secret-token"


@pytest.fixture
def ca() -> trustme.CA:
    """Whom the test's certificates are of."""
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> Path:
    """Its own certificate."""
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def own(ca: trustme.CA, tmp_path: Path) -> tuple[Path, Path]:
    """A client's certificate and its key."""
    made = ca.issue_cert("ann@example.com")
    cert, key = tmp_path / "own.pem", tmp_path / "own.key"
    made.cert_chain_pems[0].write_to_path(str(cert))
    made.private_key_pem.write_to_path(str(key))
    return cert, key


@pytest.fixture
def tls_url(ca: trustme.CA, ca_file: Path, tmp_path: Path, watch: LiveWatch) -> Iterator[str]:
    """Where the application is served to who shows a certificate of the same authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(ca_file))
    context.verify_mode = ssl.CERT_REQUIRED
    ca.issue_cert("127.0.0.1").configure_cert(context)
    with served(tmp_path / "data", watch, tls=context) as url:
        yield url


async def test_both_clients_speak_mutual_tls(tls_url: str, ca_file: Path, own: tuple[Path, Path]) -> None:
    """With the authority's file and an own certificate; paths may be text."""
    cert, key = own
    with Client(tls_url, ca_file=ca_file, cert_file=cert, key_file=key) as client:
        assert client.status().version
    async with AsyncClient(tls_url, ca_file=str(ca_file), cert_file=str(cert), key_file=str(key)) as aio:
        assert (await aio.status()).version


def test_server_that_is_not_trusted_is_not_spoken_to(tls_url: str, ca_file: Path, own: tuple[Path, Path]) -> None:
    """Nor does a server speak to a client without a certificate."""
    for given in ({}, {"ca_file": ca_file}):
        with Client(tls_url, sleep=lambda _: None, **given) as client, pytest.raises(ConnectionFailed):
            client.status()


@pytest.mark.parametrize("argument", ["ca_file", "cert_file", "key_file"])
def test_file_that_is_not_there_is_named(argument: str, ca_file: Path, own: tuple[Path, Path]) -> None:
    """ssl alone would not say which."""
    files = {"ca_file": ca_file, "cert_file": own[0], "key_file": own[1]}
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pem"):
        Client("https://127.0.0.1:1", **{**files, argument: Path("nowhere.pem")})


def test_files_that_do_not_fit_are_named(ca_file: Path, own: tuple[Path, Path], tmp_path: Path) -> None:
    """A key without its certificate, a file without certificates, a key of another certificate, an encrypted one."""
    cert, key = own
    other = tmp_path / "other.key"
    trustme.CA().issue_cert("x").private_key_pem.write_to_path(str(other))
    cases: list[tuple[dict[str, Path], str]] = [
        ({"key_file": key}, "key_file: is of use only with cert_file"),
        ({"ca_file": key}, "ca_file: .*own.key holds no certificates"),
        ({"cert_file": cert, "key_file": other}, "cert_file: .*own.pem and its key do not go together"),
    ]
    for files, said in cases:
        with pytest.raises(InvalidRequest, match=said):
            Client("https://127.0.0.1:1", **files)


def test_without_a_url_all_comes_from_the_environment(
    script: Script, monkeypatch: pytest.MonkeyPatch, ca_file: Path
) -> None:
    """What is given as an argument goes first."""
    monkeypatch.setenv("SIDECAR_URL", script.url)
    monkeypatch.setenv("SIDECAR_TOKEN", SECRET)
    script.will_give({})
    script.will_give({})
    with Client() as client:
        client.status()
    with Client(token="other") as client:
        client.status()
    assert [headers["Authorization"] for _, _, headers, _ in script.asked] == [f"Bearer {SECRET}", "Bearer other"]
    monkeypatch.setenv("SIDECAR_CA_FILE", str(ca_file))
    assert address(None, None, None, None, None).tls is not None
    monkeypatch.delenv("SIDECAR_URL")
    assert address(None, None, None, None, None).url == URL


def test_sidecar_of_this_machine_is_asked_without_a_proxy(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the environment names for the world outside would not find it, and would see the token."""
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for url in (script.url, script.url.replace("127.0.0.1", "localhost")):
        script.will_give({"ok": True})
        with Client(url, sleep=lambda _: None) as client:
            assert client.status().ok is True
    with Client("http://sidecar.example.com", sleep=lambda _: None) as client, pytest.raises(ConnectionFailed):
        client.status()


def test_token_of_the_environment_goes_nowhere_else(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client with an address of its own does not give it the token that belongs to another."""
    monkeypatch.setenv("SIDECAR_URL", "https://production.example.com")
    monkeypatch.setenv("SIDECAR_TOKEN", SECRET)
    script.will_give({})
    with Client(script.url) as client:
        client.status()
    assert "Authorization" not in script.asked[0][2]


@pytest.mark.parametrize(
    "url", ["ftp://x", "http://", "http://[::1", "http://x:99999", "http://u:p@x", "http://x/?a=b", ""]
)
def test_url_that_is_none_is_refused_at_once(url: str) -> None:
    """It names the argument; a password in it would get into errors."""
    with pytest.raises(InvalidRequest) as raised:
        Client(url)
    assert [fault.field for fault in raised.value.errors] == ["base_url"]
    assert ":p@" not in str(raised.value)


@pytest.mark.parametrize("url", ["127.0.0.1:{port}", "http://127.0.0.1:{port}/", "http://127.0.0.1:{port}"])
def test_scheme_and_slash_may_be_left_out(script: Script, url: str) -> None:
    """As on the command line."""
    script.will_give({})
    with Client(url.format(port=script.server.server_port)) as client:
        client.status()
    assert script.calls == ["GET /api/v1/status"]


def test_prefix_of_a_proxy_is_kept(script: Script) -> None:
    """Where the admin port is behind another server."""
    script.will_give({})
    with Client(f"{script.url}/sidecars/7/") as client:
        client.status()
    assert script.calls == ["GET /sidecars/7/api/v1/status"]


@pytest.mark.parametrize("token", ["a b", "ä", "a\nb", "", " "])
def test_token_that_is_none_is_refused_without_being_shown(token: str) -> None:
    """An HTTP library would show it in its error."""
    with pytest.raises(InvalidRequest) as raised:
        Client("http://x", token=f"{SECRET}{token}{SECRET}" if token.strip() else token)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_newline_at_the_end_of_a_token_is_no_part_of_it(script: Script) -> None:
    """As it comes from a file."""
    script.will_give({})
    with Client(script.url, token=f"{SECRET}\n") as client:
        client.status()
    assert script.asked[0][2]["Authorization"] == f"Bearer {SECRET}"


def test_token_is_in_no_text(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in what a client shows of itself nor in any error, with all its causes and locals that are shown."""
    client: Any = Client(script.url, token=SECRET, sleep=lambda _: None)
    shown = [repr(client), str(client), str(vars(client)), repr(address("http://x", SECRET, None, None, None))]
    script.will_give({"type": "about:blank", "detail": "no"}, 401)
    for _ in range(2):  # refused, and then no answer at all
        try:
            client.status()
        except Exception as error:
            shown.append("".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()))
    assert len(shown) == 6
    assert [text for text in shown if SECRET in text] == []
    assert os.environ.get("SIDECAR_TOKEN") is None


@pytest.mark.parametrize("timeout_s", [0, -1, math.nan, math.inf, None, "5", True])
def test_timeout_that_can_not_be_waited_is_refused_at_once(timeout_s: Any) -> None:
    """Every call would fail of it with an error of its own."""
    with pytest.raises(InvalidRequest) as raised:
        Client("http://x", timeout_s=timeout_s)
    assert [fault.field for fault in raised.value.errors] == ["timeout_s"]


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "socks://127.0.0.1:1", "http://127.0.0.1:xx"])
async def test_proxy_that_can_not_be_used_hinders_only_what_is_far(
    script: Script, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """A sidecar of this machine is asked; for another it is told, rather than by whatever the HTTP library raises."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    script.will_give({"ok": True})
    with Client(script.url) as client:
        assert client.status().ok
    for kind in (Client, AsyncClient):
        with pytest.raises(InvalidRequest, match="base_url: the proxy that the environment names"):
            kind("http://sidecar.example.com")


def test_certificates_of_the_environment_matter_over_https_alone(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not there is told with the variable's name."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    script.will_give({"ok": True})
    with Client(script.url) as client:
        assert client.status().ok
    with pytest.raises(InvalidRequest, match=r"ca_file: .* SSL_CERT_FILE"):
        Client("https://sidecar.example.com")
