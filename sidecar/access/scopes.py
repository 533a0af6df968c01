"""What a token is for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, get_args

Scope = Literal["read", "feedback", "review", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
IMPLIED: dict[Scope, frozenset[Scope]] = {
    "read": frozenset({"read"}),
    "feedback": frozenset({"feedback"}),
    "review": frozenset({"review", "read"}),
    "admin": frozenset(SCOPES),
}
"""What each scope allows. ``feedback`` does not read: it may be given to an application in users' hands."""


def allows(scopes: Collection[Scope], needed: Scope) -> bool:
    """Whether a token of ``scopes`` may do what needs ``needed``.

    >>> allows(("admin",), "feedback"), allows(("feedback",), "read"), allows(("review",), "read"), allows((), "read")
    (True, False, True, False)
    """
    return any(needed in IMPLIED[scope] for scope in scopes)


def scopes_from(names: Iterable[str]) -> tuple[Scope, ...]:
    """Scopes by their names, each once, in the order of SCOPES. Raises ValueError where one is unknown or none is left.

    >>> scopes_from(["feedback", "read", "read"])
    ('read', 'feedback')
    """
    wanted = set(names)
    unknown = sorted(wanted - set(SCOPES))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none, expected {', '.join(SCOPES)}")
    if not wanted:
        raise ValueError(f"must not be empty, expected some of {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in wanted)
