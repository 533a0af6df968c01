"""Who is answered, over real connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api import Services, create_app, pages
from sidecar.api.door import COOKIE, FIXED, FIXED_ASKER, Door

Http = TestClient[Any, Any]
TOKEN = "a-token-of-some-length"


@pytest.fixture
async def locked(services: Services, serve: Any) -> Http:
    """The application with a token."""
    client: Http = await serve(replace(services, token=TOKEN))
    return client


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status", "/static/any/base/page.js", "/alerts", "/nope"])
async def test_foreign_host_without_token_is_refused_everywhere(http: Http, path: str) -> None:
    """A rebound name reaches no handler."""
    answer = await http.get(path, headers={"Host": "attacker.example:8081"})
    assert answer.status == 421


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1:9", "[::1]:9", "LOCALHOST"])
async def test_loopback_names_are_answered(http: Http, host: str) -> None:
    """localhost and addresses can't be rebound."""
    assert (await http.get("/api/v1/status", headers={"Host": host})).status == 200


async def test_allowed_host_is_answered(services: Services, serve: Any) -> None:
    """A name the operator gave is as good."""
    client = await serve(replace(services, allowed_hosts=("box.lan",)))
    assert (await client.get("/api/v1/status", headers={"Host": "box.lan:8081"})).status == 200


@pytest.mark.parametrize("origin", ["http://attacker.example", "null", "http://127.0.0.1:1", "http://[bad"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_foreign_origin_is_refused(http: Http, method: str, origin: str) -> None:
    """Another site's page can neither read nor write."""
    answer = await http.request(method, "/api/v1/ab-tests/x/promote", headers={"Origin": origin}, json={})
    assert answer.status == 403


async def test_own_origin_is_answered(http: Http) -> None:
    """The dashboard's own requests pass."""
    origin = str(http.make_url("/")).rstrip("/")
    assert (await http.get("/api/v1/status", headers={"Origin": origin})).status == 200


async def test_what_another_sites_page_fetches_into_itself_is_refused(http: Http) -> None:
    """It could not see it, and would hold places of those who may; a link to the dashboard can be followed."""

    async def status(site: str, mode: str, dest: str, method: str = "GET") -> int:
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
        return (await http.request(method, "/api/v1/status", headers=headers)).status

    for site in ("cross-site", "same-site"):
        assert await status(site, "no-cors", "image") == 403
        assert await status(site, "navigate", "iframe") == 403
        assert await status(site, "navigate", "document", "POST") == 403
        assert await status(site, "navigate", "document") == 200
    assert await status("same-origin", "cors", "empty") == 200
    assert await status("none", "navigate", "document") == 200


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"token=\xff", "", 401),
        (b"token=%ff%00", "", 401),
        (b"token=x", "; charset=nope", 401),
        (b"", "", 401),
        (b"&".join([b"token=x"] * 100), "", 400),
        (b"token=" + b"x" * 70_000, "", 413),
    ],
)
async def test_login_with_anything_at_all_is_no_fault_of_the_sidecar(
    locked: Http, content: bytes, kind: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever sends it is nobody yet: it is refused, and the log is not filled."""
    headers = {"Content-Type": f"application/x-www-form-urlencoded{kind}"}
    assert (await locked.post("/login", data=content, headers=headers)).status == status
    assert caplog.records == []


async def test_login_form_that_does_not_come_is_not_waited_for(locked: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody without a token holds a request for long."""
    monkeypatch.setattr(pages, "FORM_S_MAX", 0.05)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"token="
        await asyncio.sleep(60)

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await asyncio.wait_for(locked.post("/login", data=slowly(), headers=headers), 30)
    assert (answer.status, answer.content_type) == (408, "application/problem+json")


async def test_form_post_is_no_json_and_refused(http: Http) -> None:
    """What a cross-site form could send is not taken for JSON."""
    answer = await http.post("/api/v1/ab-tests/x/stop", data="{}", headers={"Content-Type": "text/plain"})
    assert answer.status == 415


async def test_long_body_is_refused(http: Http) -> None:
    """Bodies have a bound."""
    answer = await http.post("/api/v1/ab-tests", json={"name": "a" * 100_000})
    assert (answer.status, answer.content_type) == (413, "application/problem+json")


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 60, b""])
async def test_body_that_is_no_json_is_a_400(http: Http, body: bytes) -> None:
    """Broken JSON of any kind gets a problem, never a 500."""
    headers = {"Content-Type": "application/json"}
    answer = await http.post("/api/v1/ab-tests/x/stop", data=body, headers=headers)
    assert (answer.status, answer.content_type) == (400, "application/problem+json")


@pytest.mark.parametrize(
    "path", ["/metrics", "/api/v1/status", "/api/v1/openapi.json", "/api/v1/samples/s1/image", "/x"]
)
async def test_token_is_needed_everywhere(locked: Http, path: str) -> None:
    """Without the token nothing is told, not even what exists."""
    answer = await locked.get(path)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await locked.get(path, headers={"Authorization": "Bearer wrong"})).status == 401
    assert (await locked.get(path, headers={"Authorization": f"Basic {TOKEN}"})).status == 401


async def test_bearer_token_opens_and_any_host_will_do(locked: Http) -> None:
    """With a token a service name of a cluster may be the host."""
    headers = {"Authorization": f"bearer {TOKEN}", "Host": "sidecar.svc"}
    assert (await locked.get("/metrics", headers=headers)).status == 200


async def test_login_trades_the_token_for_a_strict_cookie(locked: Http) -> None:
    """The form sets a cookie that opens the page; another site never sends it."""
    answer = await locked.get("/", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login")
    assert b'id="refused"' not in await (await locked.get("/login")).read()
    refused = await locked.post("/login", data={"token": "wrong"})
    assert refused.status == 401
    assert b'id="refused" hidden' not in await refused.read()
    answer = await locked.post("/login", data={"token": TOKEN}, allow_redirects=False)
    assert answer.status == 303
    cookie = answer.headers["Set-Cookie"]
    assert "SameSite=Strict" in cookie
    assert "HttpOnly" in cookie
    assert TOKEN not in cookie
    value = cookie.split(";")[0].partition("=")[2]
    assert (await locked.get("/api/v1/status", headers={"Cookie": f"{COOKIE}={value}"})).status == 200


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        ".",
        "..",
        "9999999999.",
        f"9999999999.{FIXED}.",
        f"9999999999.{FIXED}.{'0' * 64}",
        f"9999999999.nobody.{'0' * 64}",
        Door(TOKEN, clock=lambda: 0.0).session_of(FIXED_ASKER)[0],
        Door("another", clock=time.time).session_of(FIXED_ASKER)[0],
        "é.é",
    ],
)
async def test_forged_or_ended_cookie_does_not_open(locked: Http, cookie: str) -> None:
    """A session that was not made with the token, or is over, is none."""
    headers = {"Cookie": f"{COOKIE}={cookie}"}
    assert (await locked.get("/api/v1/status", headers=headers)).status == 401


def test_empty_token_is_a_mistake(services: Services) -> None:
    """An empty token would be an open door that looks shut."""
    with pytest.raises(ValueError, match="token"):
        create_app(replace(services, token=" "))
