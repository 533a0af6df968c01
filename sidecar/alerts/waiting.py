"""What the sender asks of the store in which notifications wait."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol


class OpenNotification(Protocol):
    """A row that is neither sent nor given up. ``started_at`` (epoch seconds): an attempt began whose outcome nobody
    recorded. ``payload`` is what ``Notice.to_dict`` gave.
    """

    @property
    def id(self) -> int: ...
    @property
    def alert_id(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def payload(self) -> Mapping[str, Any]: ...
    @property
    def queued_at(self) -> float: ...
    @property
    def started_at(self) -> float | None: ...
    @property
    def error(self) -> str: ...


class NotificationStore(Protocol):
    """Where notifications wait. What is written is durable on return. All of it may raise while the store is away."""

    async def open(self, limit: int, without: Collection[str] = ()) -> Sequence[OpenNotification]:
        """Up to ``limit`` open rows, oldest first, but none of the channels ``without``."""

    async def started(self, notification_id: int, at: float, /) -> None:
        """An attempt begins."""

    async def sent(self, notification_id: int, at: float, /) -> None:
        """The receiver has it."""

    async def failed(self, notification_id: int, at: float, error: str, gave_up: bool, /) -> None:
        """The attempt failed; with ``gave_up`` it was the last."""
