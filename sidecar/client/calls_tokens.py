"""The calls about tokens: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sidecar.client.calls import Call, length_text, listing, param, reading, segment
from sidecar.client.records import NewToken, Token, Whoami
from sidecar.client.results import Records
from sidecar.durations import parse_duration

TOKENS = "/api/v1/tokens"
Expires = str | datetime | timedelta


def whoami() -> Call[Whoami]:
    """Who asks."""
    return Call("GET", "/api/v1/whoami", reading(Whoami))


def tokens() -> Call[Records[Token]]:
    """Tokens that were made."""
    return Call("GET", TOKENS, listing(Token))


def create_token(name: str, scopes: Sequence[str] | str, expires: Expires | None) -> Call[NewToken]:
    """Make a token. It is not made again where no answer comes: nobody would know the secret of the first."""
    wanted = [scopes] if isinstance(scopes, str) else list(scopes)
    return Call("POST", TOKENS, reading(NewToken), body={"name": name, "scopes": wanted, **_end(expires)}, keyed=False)


def revoke_token(token_id: str) -> Call[Token]:
    """End a token."""
    return Call("DELETE", f"{TOKENS}/{segment(token_id, 'token_id')}", reading(Token), repeatable=True)


def _end(expires: Expires | None) -> dict[str, Any]:
    """When a token ends, as the API takes it: a length of time from now on, or a time.

    >>> _end("90d"), _end("2030-01-01T00:00:00Z"), _end(timedelta(hours=1)), _end(None)
    ({'expires_in': '90d'}, {'expires_at': '2030-01-01T00:00:00Z'}, {'expires_in': '1h'}, {})
    """
    if expires is None:
        return {}
    if isinstance(expires, datetime):
        return {"expires_at": param("expires_at", expires)}
    if isinstance(expires, timedelta):
        return {"expires_in": length_text(expires, "expires_in")}
    try:
        parse_duration(expires)
    except ValueError:
        return {"expires_at": expires}
    return {"expires_in": expires}
