"""What the API takes and gives about tokens."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from sidecar.access import SCOPES, Scope
from sidecar.access.tokens import LASTS_S_MAX
from sidecar.api.schemas import Body, Name, Out, Time
from sidecar.api.schemas_judged import duration
from sidecar.durations import duration_text, parse_duration


def _lasts_s(value: Any) -> float:
    seconds = parse_duration(value)
    if not 0 < seconds <= LASTS_S_MAX:
        raise ValueError(f"must be over 0s and at most {duration_text(LASTS_S_MAX)}")
    return seconds


_LASTS = duration("from now on, such as 90d", LASTS_S_MAX, some=True)
Lasts = Annotated[float, BeforeValidator(_lasts_s), WithJsonSchema(_LASTS)]


class TokenBody(Body):
    """A token to make. ``expires_at``: epoch seconds or RFC 3339; or ``expires_in``, from now on, such as ``90d``.
    Without either it does not expire."""

    name: Name = Field(description="what it is for, such as the application that bears it")
    scopes: list[Scope] = Field(["read"], min_length=1, max_length=len(SCOPES))
    expires_at: Time | None = None
    expires_in: Lasts | None = None


class TokenOut(Out):
    """A token, never its secret. ``status`` is what it is worth now."""

    id: str
    name: str
    scopes: list[Scope]
    status: Literal["live", "expired", "revoked"]
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    last_used_at: float | None = Field(description="to within five minutes; null: never")


class NewToken(TokenOut):
    """A token that was just made. ``token`` is its secret, which is shown this once."""

    token: str


class TokensOut(Out):
    """All tokens that are kept, newest first, 1,000 at most."""

    items: list[TokenOut]


class Whoami(Out):
    """Who asks. ``by``: a token, a session of the dashboard, a client's certificate, or nothing but being here.
    ``expires_at`` is when that ends; null: it does not."""

    id: str
    name: str
    scopes: list[Scope]
    by: Literal["loopback", "token", "session", "certificate"]
    expires_at: float | None
