"""Tokens as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from sidecar.cli.tables import row, table, text
from sidecar.cli.text import moment

_STYLES = {"live": "green", "expired": "dim", "revoked": "dim"}
Token = Mapping[str, Any]


def tokens_table(tokens: Sequence[Token], console: Console) -> None:
    """Tokens, one a row."""
    shown = table("id", "name", "scopes", "status", "ends", "last used", whole=("id", "status", "ends", "last used"))
    for token in tokens:
        scopes, status = ", ".join(token["scopes"]), text(token["status"], _STYLES.get(token["status"], "bold"))
        row(shown, token["id"], token["name"], scopes, status, end_text(token), _minute(token["last_used_at"], "never"))
    console.print(shown)


def end_text(token: Token) -> str:
    """When it ended or will.

    >>> end_text({"revoked_at": None, "expires_at": None}), end_text({"revoked_at": 0.0, "expires_at": 1.0})
    ('never', '1970-01-01 00:00')
    """
    return _minute(token["expires_at"] if token["revoked_at"] is None else token["revoked_at"], "never")


def made_text(token: Token) -> str:
    """What a token that was just made is for.

    >>> made_text({"id": "3f9c2e71", "name": "ci", "scopes": ["read"], "revoked_at": None, "expires_at": None})
    'token ci (3f9c2e71) for read, until it is revoked'
    """
    until = "it is revoked" if token["expires_at"] is None else end_text(token)
    return f"token {token['name']} ({token['id']}) for {', '.join(token['scopes'])}, until {until}"


def _minute(at: float | None, none: str) -> str:
    return none if at is None else moment(at)[:16]
