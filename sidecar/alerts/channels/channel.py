"""What a channel is to those who send by it, and how it fails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sidecar.alerts.notice import Notice

REASON_CHARACTERS_MAX = 300
RETRY_AFTER_MAX_S = 3_600.0
_PASSING = frozenset((408, 425, 429))


class SendError(Exception):
    """A notice did not go out. ``reason`` is fit for users and logs: it holds no secret.

    ``passing``: it may well go the next time (no answer, 5xx, too many requests); else it was refused.
    ``retry_after_s`` is how long the receiver asked to wait, 0 where it did not.
    """

    def __init__(self, reason: str, *, passing: bool, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing
        self.retry_after_s = retry_after_s


class Channel(Protocol):
    """One kind of channel. ``target`` is that of an ``Address`` of its kind."""

    def warning(self, target: str) -> str:
        """What must be configured before it can work; empty where nothing is missing."""

    async def send(self, target: str, notice: Notice, notice_id: str) -> None:
        """Send once. ``notice_id`` is the same when a notice is repeated. Raises SendError."""

    async def close(self) -> None:
        """Let go of what it holds."""


def passes(status: int) -> bool:
    """Whether an HTTP answer that is no success may be another one the next time.

    >>> passes(503), passes(429), passes(404), passes(302)
    (True, True, False, False)
    """
    return status >= 500 or status in _PASSING


def said(text: str, secrets: Iterable[str] = ()) -> str:
    """What a server said, fit for a log line: one line, bounded, without ``secrets`` should it echo them.

    >>> said("no\\r\\nsuch user pw1", ["pw1", ""])
    'no such user ***'
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:REASON_CHARACTERS_MAX]
