"""The endpoints of tokens."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from sidecar.access import Token, TokenFile, TokenFileError, TokensFull, TokensLocked, scopes_from
from sidecar.api import schemas_tokens as schemas
from sidecar.api.problems import Problem, invalid_field
from sidecar.api.routes import Call, Route, there

_log = logging.getLogger(__name__)


async def tokens(call: Call) -> dict[str, Any]:
    """Tokens that were made, newest first, without their secrets."""
    now = time.time()
    return {"items": [token.document(now) for token in reversed(_read(call))]}


async def create_token(call: Call) -> dict[str, Any]:
    """Make a token. Its secret is in this answer and kept nowhere."""
    body: schemas.TokenBody = call.body
    now = time.time()
    expires_at = body.expires_at if body.expires_in is None else now + body.expires_in
    if body.expires_at is not None and body.expires_in is not None:
        raise invalid_field("expires_in", "goes in place of expires_at, not beside it")
    if expires_at is not None and expires_at <= now:
        raise invalid_field("expires_at", "must be in the future")
    scopes = scopes_from(body.scopes)
    try:
        token, secret = await asyncio.to_thread(_file(call).create, body.name, scopes, now, expires_at)
    except TokensFull as error:
        raise Problem(409, str(error)) from error
    except (TokenFileError, OSError) as error:
        raise _unusable(call, error) from error
    return {**token.document(now), "token": secret}


async def revoke_token(call: Call) -> dict[str, Any]:
    """End a token, and the sessions that were begun with it. It stays in the list."""
    now = time.time()
    try:
        token = await asyncio.to_thread(_file(call).revoke, call.path["token_id"], now)
    except (TokenFileError, OSError) as error:
        raise _unusable(call, error) from error
    if token is None:
        raise Problem(404, f"no token has the id {call.path['token_id']!r}")
    return token.document(now)


async def whoami(call: Call) -> dict[str, Any]:
    """Who asks, as the sidecar sees it."""
    asker = call.asker
    assert asker is not None, "the door lets nobody else in here"
    return {name: getattr(asker, name) for name in ("id", "name", "scopes", "by", "expires_at")}


def _file(call: Call) -> TokenFile:
    return there(call.services.tokens)


def _read(call: Call) -> tuple[Token, ...]:
    try:
        return _file(call).tokens()
    except (TokenFileError, OSError) as error:
        raise _unusable(call, error) from error


def _unusable(call: Call, error: Exception) -> Problem:
    _log.error("the file of tokens can't be used: %s", error)
    if isinstance(error, TokensLocked):
        call.services.turned_away["token_file"] += 1
        return Problem(503, "tokens are being written by another; try again", headers={"Retry-After": "5"})
    return Problem(503, "tokens can't be read or kept; the sidecar's log says why")


ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/whoami", "Who asks", whoami, gives=schemas.Whoami),
    Route("GET", "/api/v1/tokens", "Tokens", tokens, gives=schemas.TokensOut, scope="admin"),
    Route(
        "POST",
        "/api/v1/tokens",
        "Make a token",
        create_token,
        body=schemas.TokenBody,
        gives=schemas.NewToken,
        is_secret=True,
    ),
    Route("DELETE", "/api/v1/tokens/{token_id}", "Revoke a token", revoke_token, gives=schemas.TokenOut),
)
"""A feedback-only token may not ask who it is: it reads nothing."""
