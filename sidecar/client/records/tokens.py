"""Records of tokens.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.results import Record, Time


class Token(Record):
    """A token, never its secret. ``status`` is what it is worth now."""

    id: str
    name: str
    scopes: list[Literal["read", "feedback", "review", "admin"]]
    status: Literal["live", "expired", "revoked"]
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None
    last_used_at: Time | None


class NewToken(Token):
    """A token that was just made. ``token`` is its secret, which is shown this once."""

    token: str


class Whoami(Record):
    """Who asks. ``by``: a token, a session of the dashboard, a client's certificate, or nothing but being here.
    ``expires_at`` is when that ends; null: it does not."""

    id: str
    name: str
    scopes: list[Literal["read", "feedback", "review", "admin"]]
    by: Literal["loopback", "token", "session", "certificate"]
    expires_at: Time | None
