"""Who asks, once that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sidecar.access.scopes import Scope, allows

Means = Literal["loopback", "token", "session", "certificate"]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks and what they may. ``by`` is how that became known, ``id`` tells one asker from another, ``name`` is for
    people; ``expires_at`` (epoch seconds) is when it ends, None: it does not."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    by: Means
    expires_at: float | None = None

    def allows(self, needed: Scope) -> bool:
        """Whether what needs ``needed`` may be done.

        >>> Asker("a", "app", ("feedback",), "token").allows("read"), LOOPBACK.allows("admin")
        (False, True)
        """
        return allows(self.scopes, needed)


LOOPBACK = Asker("loopback", "loopback", ("admin",), "loopback")
"""Whoever asks where no token is demanded."""
CERTIFICATE = Asker("certificate", "client certificate", ("admin",), "certificate")
"""Whoever showed a certificate, where no token is demanded beside it."""
