"""Tokens and what each scope may do, over real connections and a real file."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientError
from aiohttp.test_utils import TestClient

from sidecar.access import SCOPES, Scope, TokenFile
from sidecar.access import file as file_module
from sidecar.api import Services, guard
from sidecar.api.door import COOKIE
from sidecar.api.handlers import ROUTES

Http = TestClient[Any, Any]
FIXED = "the-token-of-the-file"


def bearer(secret: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def tokens(services: Services) -> TokenFile:
    """The file of tokens in the data folder."""
    return TokenFile(services.data_dir)


@pytest.fixture
async def shut(services: Services, tokens: TokenFile, serve: Callable[[Services], Awaitable[Http]]) -> Http:
    """The application where a token is demanded."""
    return await serve(replace(services, token=FIXED, tokens=tokens))


@pytest.fixture
async def open_(services: Services, tokens: TokenFile, serve: Callable[[Services], Awaitable[Http]]) -> Http:
    """The application on loopback, where none is."""
    return await serve(replace(services, tokens=tokens))


async def test_token_is_made_used_and_revoked(shut: Http) -> None:
    """The secret is told once; until it is revoked it opens what its scopes say."""
    made = await (
        await shut.post("/api/v1/tokens", json={"name": "ci", "scopes": ["read"]}, headers=bearer(FIXED))
    ).json()
    assert made["token"].startswith("sct_")
    listed = await (await shut.get("/api/v1/tokens", headers=bearer(FIXED))).json()
    assert [item["id"] for item in listed["items"]] == [made["id"]]
    assert "token" not in listed["items"][0]
    assert "hash" not in listed["items"][0]
    me = await (await shut.get("/api/v1/whoami", headers=bearer(made["token"]))).json()
    assert (me["name"], me["scopes"], me["by"]) == ("ci", ["read"], "token")
    revoked = await (await shut.delete(f"/api/v1/tokens/{made['id']}", headers=bearer(FIXED))).json()
    assert revoked["status"] == "revoked"
    answer = await shut.get("/api/v1/status", headers=bearer(made["token"]))
    assert (answer.status, (await answer.json())["detail"]) == (401, "the token was revoked")


@pytest.mark.parametrize("scope", SCOPES)
async def test_every_endpoint_asks_for_its_scope(shut: Http, tokens: TokenFile, scope: Scope) -> None:
    """Over the whole table: what a token's scope does not allow is a 403 that names the scope, before anything is
    looked at."""
    _, secret = tokens.create("t", (scope,), time.time(), None)
    for route in ROUTES:
        path = "".join("x" if part.startswith("{") else part for part in _parts(route.path))
        if path.endswith("/live"):
            continue  # allowed, it would stream for ever
        answer = await shut.request(route.method, path, headers={**bearer(secret), "Content-Type": "application/json"})
        allowed = scope == "admin" or route.needs == scope or (scope == "review" and route.needs == "read")
        assert (answer.status != 403) == allowed, (route.method, path)
        if not allowed:
            assert f"needs the scope {route.needs}" in (await answer.json())["detail"]


def _parts(path: str) -> list[str]:
    return path.replace("{", "\0{").replace("}", "}\0").split("\0")


async def test_pages_and_metrics_need_to_read(shut: Http, tokens: TokenFile) -> None:
    """A token for feedback opens neither the dashboard nor the metrics."""
    _, secret = tokens.create("app", ("feedback",), time.time(), None)
    for path in ("/", "/metrics", "/api/v1/openapi.json", "/api/v1/nothing"):
        assert (await shut.get(path, headers=bearer(secret))).status == 403


async def test_expired_token_is_refused_and_said_so(shut: Http, tokens: TokenFile) -> None:
    """Who has it learns why it does not work any more."""
    _, secret = tokens.create("old", ("admin",), 1.0, time.time() - 1)
    answer = await shut.get("/api/v1/status", headers=bearer(secret))
    assert (answer.status, (await answer.json())["detail"]) == (401, "the token has expired")


async def test_loopback_stays_open_but_judges_what_is_shown(open_: Http, tokens: TokenFile) -> None:
    """Making a token locks nobody out at home; one that is shown there has its scopes and no more."""
    _, secret = tokens.create("app", ("feedback",), time.time(), None)
    assert (await open_.get("/api/v1/status")).status == 200
    assert (await (await open_.get("/api/v1/whoami")).json())["by"] == "loopback"
    assert (await open_.get("/api/v1/status", headers=bearer(secret))).status == 403
    assert (await open_.get("/api/v1/status", headers=bearer("wrong"))).status == 401


async def test_session_ends_with_its_token(shut: Http, tokens: TokenFile) -> None:
    """Who logged in with a token is out once it is revoked, and never stays longer than it lasts."""
    token, secret = tokens.create("ann", ("review",), time.time(), time.time() + 3600)
    answer = await shut.post("/login", data={"token": secret}, allow_redirects=False)
    assert answer.status == 303
    assert int(answer.cookies[COOKIE]["max-age"]) <= 3600
    cookie = {"Cookie": f"{COOKIE}={answer.cookies[COOKIE].value}"}
    shut.session.cookie_jar.clear()
    me = await (await shut.get("/api/v1/whoami", headers=cookie)).json()
    assert (me["name"], me["by"]) == ("ann", "session")
    assert (await shut.post("/api/v1/datasets", json={"name": "x"}, headers=cookie)).status == 403
    tokens.revoke(token.id, time.time())
    assert (await shut.get("/api/v1/whoami", headers=cookie)).status == 401


async def test_stream_ends_with_its_token(shut: Http, tokens: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who listens is cut off soon after the token was revoked; who listens with another goes on."""
    monkeypatch.setattr(guard, "HELD_EVERY_S", 0.05)
    (revoked, first), (_, second) = (tokens.create(name, ("read",), time.time(), None) for name in ("a", "b"))
    ended = await shut.get("/api/v1/live", headers=bearer(first))
    going_on = await shut.get("/api/v1/live", headers=bearer(second))
    assert (ended.status, going_on.status) == (200, 200)
    tokens.revoke(revoked.id, time.time())
    with pytest.raises(ClientError):
        await asyncio.wait_for(ended.content.read(), 20)
    await asyncio.wait_for(going_on.content.readuntil(b"event: figures"), 20)
    going_on.close()


async def test_token_that_can_not_read_does_not_log_in(shut: Http, tokens: TokenFile) -> None:
    """The dashboard shows things: a token for feedback alone has nothing to do there."""
    _, secret = tokens.create("app", ("feedback",), time.time(), None)
    assert (await shut.post("/login", data={"token": secret}, allow_redirects=False)).status == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a", "scopes": ["write"]}, "scopes.0"),
        ({"name": "a", "scopes": []}, "scopes"),
        ({"name": "a", "expires_at": 1}, "expires_at"),
        ({"name": "a", "expires_at": "tomorrow"}, "expires_at"),
        ({"name": "a", "expires_in": "soon"}, "expires_in"),
        ({"name": "a", "expires_in": "0s"}, "expires_in"),
        ({"name": "a", "expires_in": "1d", "expires_at": 9e9}, "expires_in"),
        ({"name": "a", "hash": "x"}, "hash"),
    ],
)
async def test_faulty_token_names_its_field(shut: Http, body: dict[str, Any], field: str) -> None:
    """And nothing is made."""
    answer = await shut.post("/api/v1/tokens", json=body, headers=bearer(FIXED))
    assert answer.status == 422
    assert [fault["field"] for fault in (await answer.json())["errors"]] == [field]
    assert (await (await shut.get("/api/v1/tokens", headers=bearer(FIXED))).json())["items"] == []


async def test_token_may_end_after_a_while(shut: Http) -> None:
    """A length of time is as good as a time."""
    before = time.time()
    answer = await shut.post("/api/v1/tokens", json={"name": "a", "expires_in": "90d"}, headers=bearer(FIXED))
    assert before + 90 * 86_400 <= (await answer.json())["expires_at"] <= time.time() + 90 * 86_400


async def test_making_a_token_takes_no_idempotency_key(shut: Http) -> None:
    """Its answer can't be given again: the secret in it is kept nowhere."""
    headers = {**bearer(FIXED), "Idempotency-Key": "k1"}
    answer = await shut.post("/api/v1/tokens", json={"name": "a"}, headers=headers)
    assert answer.status == 422
    assert [fault["field"] for fault in (await answer.json())["errors"]] == ["Idempotency-Key"]
    assert (await (await shut.get("/api/v1/tokens", headers=bearer(FIXED))).json())["items"] == []


async def test_no_secret_and_no_hash_is_told_anywhere(
    shut: Http, services: Services, tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in logs, nor in answers of any kind, nor where a part of the program is printed."""
    caplog.set_level(logging.DEBUG)
    token, secret = tokens.create("ci", ("read",), time.time(), None)
    told = [repr(replace(services, token=FIXED)), repr(replace(services, token=FIXED).door), repr(token)]
    for given in (secret, FIXED, f"{secret}x"):
        for path in ("/api/v1/status", "/api/v1/whoami", "/api/v1/settings", "/api/v1/tokens", "/metrics", "/nothing"):
            told.append(await (await shut.get(path, headers=bearer(given))).text())
    tokens.path.write_text(tokens.path.read_text() + "}")
    told.append(await (await shut.get("/api/v1/tokens", headers=bearer(FIXED))).text())
    told += [record.getMessage() + str(record.exc_text) for record in caplog.records]
    assert "can't be used" in "".join(told), "nothing was logged"
    for word in (secret, FIXED, token.hash):
        assert all(word not in text for text in told)


async def test_unknown_token_id_is_a_404(shut: Http) -> None:
    """Nothing was revoked."""
    assert (await shut.delete("/api/v1/tokens/00000000", headers=bearer(FIXED))).status == 404


async def test_damaged_file_lets_only_the_fixed_token_in(shut: Http, tokens: TokenFile) -> None:
    """What can't be read lets nobody in; the operator's own token still does."""
    _, secret = tokens.create("ci", ("read",), time.time(), None)
    tokens.path.write_text("{")
    assert (await shut.get("/api/v1/status", headers=bearer(secret))).status == 503
    assert (await shut.get("/api/v1/status", headers=bearer(FIXED))).status == 200
    assert (await shut.get("/api/v1/tokens", headers=bearer(FIXED))).status == 503


async def test_writer_that_hangs_is_told_and_counted(
    shut: Http, tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command line that was halted while it wrote makes others try again, not wait for ever."""
    monkeypatch.setattr(file_module, "LOCK_S_MAX", 0.05)
    token, _ = tokens.create("ci", ("read",), time.time(), None)
    with tokens.path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answers = [
            await shut.post("/api/v1/tokens", json={"name": "a"}, headers=bearer(FIXED)),
            await shut.delete(f"/api/v1/tokens/{token.id}", headers=bearer(FIXED)),
        ]
    assert [(answer.status, answer.headers["Retry-After"]) for answer in answers] == [(503, "5")] * 2
    page = await (await shut.get("/metrics", headers=bearer(FIXED))).text()
    assert 'sidecar_admin_turned_away_total{bound="token_file"} 2.0' in page


async def test_refusals_are_counted_in_the_metrics(shut: Http) -> None:
    """By reason, so that an attempt to guess shows."""
    await shut.get("/api/v1/status")
    await shut.get("/api/v1/status", headers=bearer("wrong"))
    page = await (await shut.get("/metrics", headers=bearer(FIXED))).text()
    assert 'sidecar_admin_refused_total{reason="missing"} 1.0' in page
    assert 'sidecar_admin_refused_total{reason="unknown_token"} 1.0' in page
