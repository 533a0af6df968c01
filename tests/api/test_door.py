"""Who is let in, at times and after waits that the tests set."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from sidecar.access import Asker, TokenFile
from sidecar.access.slowing import WAITING_ALL_MAX, WAITING_MAX
from sidecar.api import door as door_module
from sidecar.api.door import COOKIE, SESSION_S, USED_EVERY_S, Door
from sidecar.api.problems import Problem

FIXED = "the-token-of-the-file"
NOON = 1_800_000_000.0


@dataclass
class Times:
    """A clock, and a sleep whose waits are noted; they end at once, or when ``gate`` opens."""

    now: float = NOON
    waits: list[float] = field(default_factory=list)
    gate: asyncio.Event | None = None

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if self.gate is not None:
            await self.gate.wait()


@pytest.fixture
def times() -> Times:
    """The time of the door."""
    return Times()


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    """A file of tokens."""
    return TokenFile(tmp_path)


@pytest.fixture
def door(times: Times, tokens: TokenFile) -> Door:
    """A door that demands a token."""
    return Door(FIXED, tokens, True, clock=times.clock, steady=times.clock, sleep=times.sleep)


async def status_of(attempt: Any) -> int:
    """200, or the status of its problem."""
    try:
        await attempt
    except Problem as problem:
        return problem.status
    return 200


def with_cookie(value: str) -> Any:
    """A request that shows a session."""
    return make_mocked_request("GET", "/api/v1/status", headers={"Cookie": f"{COOKIE}={value}"})


async def test_each_wrong_token_waits_twice_as_long(door: Door, times: Times) -> None:
    """Wherever the token ended up: made up, expired or revoked. A right one does not wait in between."""
    assert door.tokens is not None
    _, expired = door.tokens.create("old", ("read",), NOON - 10, NOON - 1)
    token, revoked = door.tokens.create("gone", ("read",), NOON - 10, None)
    door.tokens.revoke(token.id, NOON - 1)
    for secret in ("wrong", expired, revoked):
        assert await status_of(door.try_secret(secret, "10.0.0.1")) == 401
        assert (await door.try_secret(FIXED, "10.0.0.1")).scopes == ("admin",)
    assert times.waits == pytest.approx([0.1, 0.2, 0.4])
    assert {why: count for why, count in door.refused.items() if count} == {
        "unknown_token": 1,
        "expired": 1,
        "revoked": 1,
    }
    times.now += 3_600
    await status_of(door.try_secret("wrong", "10.0.0.1"))
    assert times.waits[-1] == pytest.approx(0.1), "an hour later it is forgotten"


async def test_over_the_bound_nothing_is_looked_at(door: Door, times: Times) -> None:
    """With too many wrong tokens waiting an address gets 429 at once, even for a right one, and others do not."""
    times.gate = asyncio.Event()
    guesses = [asyncio.create_task(status_of(door.try_secret("wrong", "10.0.0.1"))) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await door.try_secret(FIXED, "10.0.0.1")
    assert (refused.value.status, door.refused["slowed"]) == (429, 1)
    assert int(refused.value.headers["Retry-After"]) >= 1
    assert (await door.try_secret(FIXED, "10.0.0.2")).id == "file"
    guesses[0].cancel()  # nobody waits for that answer any more: the place is free again
    await asyncio.gather(guesses[0], return_exceptions=True)
    assert (await door.try_secret(FIXED, "10.0.0.1")).id == "file"
    times.gate.set()
    assert await asyncio.gather(*guesses[1:]) == [401] * (WAITING_MAX - 1)
    assert len(times.waits) == WAITING_MAX


async def test_answers_that_wait_are_bounded_and_right_tokens_from_elsewhere_still_open(
    door: Door, times: Times
) -> None:
    """A thousand addresses hold no more connections than a few, and lock nobody out."""
    times.gate = asyncio.Event()
    guesses = [
        asyncio.create_task(status_of(door.try_secret("wrong", f"10.0.{n // 256}.{n % 256}"))) for n in range(1000)
    ]
    await asyncio.sleep(0)
    assert len(times.waits) == WAITING_ALL_MAX
    assert (await door.try_secret(FIXED, "10.9.9.9")).id == "file"
    assert await status_of(door.try_secret(FIXED, "10.0.3.231")) == 429, "its failure was answered at once"
    times.now += 0.1
    assert (await door.try_secret(FIXED, "10.0.3.231")).id == "file", "as long as that would have waited"
    times.gate.set()
    statuses = await asyncio.gather(*guesses)
    assert (statuses.count(401), statuses.count(429)) == (WAITING_ALL_MAX, 1000 - WAITING_ALL_MAX)


@pytest.mark.parametrize(("lasts_s", "session_s"), [(None, SESSION_S), (600.0, 600), (2 * SESSION_S, SESSION_S)])
async def test_session_lasts_no_longer_than_its_token(
    door: Door, times: Times, lasts_s: float | None, session_s: int
) -> None:
    """Twelve hours, or until the token ends; not a second more."""
    assert door.tokens is not None
    _, secret = door.tokens.create("ann", ("review",), NOON, None if lasts_s is None else NOON + lasts_s)
    cookie, told_s = door.session_of(await door.try_secret(secret, ""))
    assert told_s == session_s
    times.now = NOON + session_s - 1
    asker = await door.admit(with_cookie(cookie))
    assert asker is not None
    assert (asker.name, asker.scopes, asker.by) == ("ann", ("review",), "session")
    times.now = NOON + session_s
    assert await door.admit(with_cookie(cookie)) is None
    await door.close()


async def test_session_ends_with_its_token(door: Door, tmp_path: Path) -> None:
    """Whoever revoked it, this process or another; and a token made anew does not open it again."""
    assert door.tokens is not None
    token, secret = door.tokens.create("ann", ("read",), NOON, None)
    cookie, _ = door.session_of(await door.try_secret(secret, ""))
    assert await door.admit(with_cookie(cookie)) is not None
    await door.close()
    TokenFile(tmp_path).revoke(token.id, NOON)
    assert await door.admit(with_cookie(cookie)) is None
    door.tokens.create("ann", ("read",), NOON, None)
    assert await door.admit(with_cookie(cookie)) is None


def _later(cookie: str) -> str:
    until, _, rest = cookie.partition(".")
    return f"{int(until) + 1}.{rest}"


def _of_another(cookie: str) -> str:
    until, _, rest = cookie.partition(".")
    return f"{until}.file.{rest.partition('.')[2]}"


@pytest.mark.parametrize("change", [_later, _of_another, str.upper, lambda cookie: cookie[:-1]])
async def test_session_can_not_be_changed(door: Door, change: Callable[[str], str]) -> None:
    """Neither its end nor whose it is."""
    assert door.tokens is not None
    _, secret = door.tokens.create("ann", ("read",), NOON, None)
    cookie, _ = door.session_of(await door.try_secret(secret, ""))
    assert await door.admit(with_cookie(change(cookie))) is None
    await door.close()


async def test_who_reads_the_file_of_tokens_can_not_make_a_session(door: Door, times: Times, tokens: TokenFile) -> None:
    """What is kept of a token, in a backup say, opens nothing: sessions are signed with more, which no file holds. So
    they end when the sidecar stops; those of the token in ``admin.token_file``, which is kept elsewhere, do not."""
    token, secret = tokens.create("ann", ("admin",), NOON, None)
    head = f"{int(NOON) + 60}.{token.id}"
    forged = hmac.new(token.hash.encode(), f"sidecar session {head}".encode(), hashlib.sha256).hexdigest()
    assert await door.admit(with_cookie(f"{head}.{forged}")) is None
    cookies = [door.session_of(await door.try_secret(shown, ""))[0] for shown in (secret, FIXED)]
    started_anew = Door(FIXED, tokens, True, clock=times.clock)
    assert [await started_anew.admit(with_cookie(cookie)) is not None for cookie in cookies] == [False, True]
    assert [await door.admit(with_cookie(cookie)) is not None for cookie in cookies] == [True, True]
    await door.close()


async def test_uses_that_are_remembered_are_bounded(
    door: Door, times: Times, tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens that come and go for years leave nothing behind."""
    monkeypatch.setattr(door_module, "TOKENS_MAX", 3)
    for index in range(10):
        _, secret = tokens.create(f"t{index}", ("read",), NOON, None)
        await door.try_secret(secret, "")
    assert len(door._noted) <= 3
    await door.close()
    assert all(token.last_used_at == NOON for token in tokens.tokens())


async def test_use_of_a_token_is_noted_now_and_then(door: Door, times: Times, tokens: TokenFile) -> None:
    """Some minutes apart, so that a scraper does not have the file written all the time; by sessions as well."""
    token, secret = tokens.create("ci", ("read",), NOON, None)

    async def used(after_s: float) -> float | None:
        times.now = NOON + after_s
        await door.try_secret(secret, "")
        await door.close()
        kept = tokens.by_id(token.id)
        assert kept is not None
        return kept.last_used_at

    assert await used(1) == NOON + 1
    inode = tokens.path.stat().st_ino
    assert await used(USED_EVERY_S) == NOON + 1
    assert tokens.path.stat().st_ino == inode
    assert await used(USED_EVERY_S + 1) == NOON + USED_EVERY_S + 1
    cookie, _ = door.session_of(Asker(token.id, "ci", ("read",), "token"))
    times.now = NOON + 3_600
    await door.admit(with_cookie(cookie))
    await door.close()
    assert [token.last_used_at for token in tokens.tokens()] == [NOON + 3_600]


async def test_token_opens_where_its_use_can_not_be_kept(
    door: Door, tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A full or read-only disk locks nobody out, and is told in the log."""
    _, secret = tokens.create("ci", ("read",), NOON, None)
    lock = tokens.path.with_suffix(".lock")
    lock.unlink()
    lock.mkdir()
    assert (await door.try_secret(secret, "")).name == "ci"
    await door.close()
    assert stat.S_ISDIR(lock.stat().st_mode)
    assert "can't be kept" in caplog.text
    assert secret not in caplog.text


async def test_damaged_file_asks_for_a_login_and_refuses_it(
    door: Door, tokens: TokenFile, caplog: pytest.LogCaptureFixture
) -> None:
    """What can't be read does not look like a sidecar without tokens; the log says why, once and not each time."""
    bare = Door(None, tokens, False)
    assert not bare.asks
    tokens.path.write_text("{")
    assert bare.asks
    assert [await status_of(bare.try_secret("sct_x", "")) for _ in range(3)] == [503] * 3
    assert bare.refused["unreadable"] == 3
    assert [str(tokens.path) in record.getMessage() for record in caplog.records] == [True]
    assert (await door.try_secret(FIXED, "")).by == "token"
