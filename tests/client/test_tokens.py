"""Tokens by both clients, over a real file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sidecar.access import TokenFile
from sidecar.client import AsyncClient, Client, InvalidRequest, NotFound, Unauthorized
from tests.api.live_watch import LiveWatch
from tests.api.serving import served

FIXED = "the-token-of-the-file"
DAY_S = 86_400.0


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[str]:
    """Where an application is served that demands a token."""
    with served(tmp_path, LiveWatch(), token=FIXED) as url:
        yield url


def test_token_is_made_shown_once_and_revoked(shut: str) -> None:
    """What it is for is what it may do, until it is revoked."""
    with Client(shut, token=FIXED) as ops:
        made = ops.create_token("ci", scopes=("read", "feedback"), expires="90d")
        assert made.expires_at - made.created_at == pytest.approx(90 * DAY_S)
        (listed,) = ops.tokens()
        assert (listed.id, listed.name, listed.status) == (made.id, "ci", "live")
        assert "token" not in listed
        with Client(shut, token=made.token) as ci:
            me = ci.whoami()
            assert (me.name, me.scopes, me.by, me.expires_at) == ("ci", ["read", "feedback"], "token", made.expires_at)
            with pytest.raises(Unauthorized, match="needs the scope admin"):
                ci.tokens()
            assert ops.revoke_token(made.id).status == "revoked"
            with pytest.raises(Unauthorized, match="revoked"):
                ci.whoami()
        with pytest.raises(NotFound):
            ops.revoke_token("00000000")


@pytest.mark.parametrize(
    ("expires", "days"),
    [(None, None), (timedelta(days=2), 2), ("2d", 2), ("a time", 2)],
)
def test_end_of_a_token_may_be_given_in_any_way(shut: str, expires: timedelta | str | None, days: int | None) -> None:
    """A length of time as text or timedelta, a time, or none."""
    at = datetime.now(UTC) + timedelta(days=2)
    with Client(shut, token=FIXED) as ops:
        made = ops.create_token("ci", "read", at if expires == "a time" else expires)
        lasts_s = None if made.expires_at is None else made.expires_at - made.created_at
        assert lasts_s == (None if days is None else pytest.approx(days * DAY_S, abs=300))


def test_what_is_wrong_is_told_by_its_field(shut: str, tmp_path: Path) -> None:
    """And nothing is made."""
    with Client(shut, token=FIXED) as ops:
        for given, field in (
            ({"name": ""}, "name"),
            ({"name": "a", "scopes": ["write"]}, "scopes.0"),
            ({"name": "a", "expires": "yesterday"}, "expires_at"),
            ({"name": "a", "expires": datetime(2100, 1, 1)}, "expires_at"),
            ({"name": "a", "expires": timedelta(days=-1)}, "expires_in"),
        ):
            with pytest.raises(InvalidRequest) as refused:
                ops.create_token(**given)
            assert [error.field for error in refused.value.errors] == [field]
    assert TokenFile(tmp_path).tokens() == ()


async def test_async_client_does_the_same(shut: str) -> None:
    """The four calls, awaited."""
    async with AsyncClient(shut, token=FIXED) as ops:
        made = await ops.create_token("ci")
        assert [token.id for token in await ops.tokens()] == [made.id]
        assert (await ops.whoami()).scopes == ["admin"]
        assert (await ops.revoke_token(made.id)).status == "revoked"
