"""What is kept of a token, and how a secret is held against it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

from sidecar.access.scopes import Scope

PREFIX = "sct_"
"""Begins every secret, so that scanners of repositories and logs know one when they see it."""
SECRET_BYTES = 32
NAME_CHARS_MAX = 200
LASTS_S_MAX = 36_500 * 86_400.0
"""The longest time that a token lasts, where it ends at all."""
TOLD = ("id", "name", "created_at", "expires_at", "revoked_at", "last_used_at")


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. Times are epoch seconds; ``hash`` is the SHA-256 of the secret, in hex.

    ``last_used_at`` is noted some minutes apart only; None: it was never used.
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    hash: str = field(repr=False)
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None

    def is_live(self, now: float) -> bool:
        """Whether it lets anybody in.

        >>> Token("a", "ci", ("read",), "", 0.0, expires_at=10.0).is_live(10.0)
        False
        """
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def document(self, now: float) -> dict[str, Any]:
        """What may be told of it.

        >>> Token("a", "ci", ("read",), "secret", 0.0, expires_at=10.0).document(5.0)["status"]
        'live'
        """
        status = "revoked" if self.revoked_at is not None else "live" if self.is_live(now) else "expired"
        told = {name: getattr(self, name) for name in TOLD}
        return {**told, "scopes": list(self.scopes), "status": status}


def name_from(text: str) -> str:
    """The name of a token, without blanks around it. Raises ValueError where it can't be one.

    >>> name_from(" ci ")
    'ci'
    """
    name = text.strip()
    if not name or len(name) > NAME_CHARS_MAX or not name.isprintable():
        raise ValueError(f"must be one line of 1 to {NAME_CHARS_MAX} printable characters")
    return name


def new_secret() -> str:
    """A secret of 256 bits.

    >>> len(new_secret()), new_secret()[:4]
    (47, 'sct_')
    """
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def secret_hash(secret: str) -> str:
    """What is kept of a secret; any text has one, so that nothing typed can fail here.

    >>> secret_hash("sct_x") == secret_hash("sct_x"), len(secret_hash("\\udc80"))
    (True, 64)
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def same_hash(one: str, other: str) -> bool:
    """Compare two hashes in a time that does not depend on where they differ."""
    return hmac.compare_digest(one, other)
