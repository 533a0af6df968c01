"""What a sender needs in its tests: a clock that stands still, and a store in memory."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

from sidecar.alerts.channels import Channels, NotifySettings, WebhookSettings
from sidecar.alerts.notice import Notice
from sidecar.recording.watch_rows import NotificationRow
from tests.kit.alert_receivers import HttpReceiver, notice

WALL = 1_764_000_100.0
TURNS = 12
"""Of the loop, until all that waits for no clock and no socket rests."""


class Clock:
    """Stands still until it is moved; who sleeps on it wakes when its time has come."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return WALL + self.now - 1_000.0

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if seconds <= 0:
            woken.set_result(None)
        self._sleepers.append((self.now + seconds, woken))
        await woken
        await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Once what goes on rests: who has looked at the clock must sleep before it moves, or would oversleep. And let
        what that wakes come to rest."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self.now += seconds
        for at, woken in self._sleepers:
            if at <= self.now and not woken.done():
                woken.set_result(None)
        self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[1].done()]
        await settle()

    async def advance_until(self, condition: Callable[[], object], step_s: float = 0.1, within_s: float = 30.0) -> None:
        """In small steps: who waits anew while others still work is woken too. Raises TimeoutError after ``within_s``
        of real time."""
        async with asyncio.timeout(within_s):
            while not condition():
                await self.advance(step_s)
                await asyncio.sleep(0.005)


class Most(random.Random):
    """Draws the most there is, so that waits are whole seconds."""

    def random(self) -> float:
        return 1.0


@dataclass
class MemoryStore:
    """What the store does, in memory. ``broken`` names the methods that fail, ``stuck`` those that never return."""

    rows: list[NotificationRow] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    looks: int = 0

    def add(self, channel: str, message: Notice | None = None, at: float = WALL, **changes: Any) -> int:
        message = message or notice()
        row = NotificationRow(
            len(self.rows) + 1, message.alert_id, None, channel, message.kind, message.to_dict(), at, **changes
        )
        self.rows.append(row)
        return row.id

    def row(self, row_id: int) -> NotificationRow:
        return self.rows[row_id - 1]

    async def open(self, limit: int, without: Collection[str] = ()) -> list[NotificationRow]:
        await self._enter("open")
        self.looks += 1
        return [row for row in self.rows if _is_open(row) and row.channel not in without][:limit]

    async def started(self, notification_id: int, at: float) -> None:
        await self._enter("started")
        self._change(notification_id, started_at=at, attempts=self.row(notification_id).attempts + 1)

    async def sent(self, notification_id: int, at: float) -> None:
        await self._enter("sent")
        self._change(notification_id, sent_at=at, error="")

    async def failed(self, notification_id: int, at: float, error: str, gave_up: bool) -> None:
        await self._enter("failed")
        self._change(notification_id, started_at=None, error=error, gave_up_at=at if gave_up else None)

    async def _enter(self, name: str) -> None:
        await asyncio.sleep(0)
        if name in self.broken:
            raise OSError("database is locked")
        if name in self.stuck:
            await asyncio.Event().wait()

    def _change(self, notification_id: int, **changes: Any) -> None:
        if _is_open(self.row(notification_id)):
            self.rows[notification_id - 1] = replace(self.row(notification_id), **changes)


def _is_open(row: NotificationRow) -> bool:
    return row.sent_at is None and row.gave_up_at is None


async def settle() -> None:
    """Let what goes on without a clock, requests to the local receiver among it, come to rest."""
    for _ in range(TURNS):
        await asyncio.sleep(0.001)


def channels_to(receiver: HttpReceiver, **settings: Any) -> Channels:
    """``webhook:a`` to ``webhook:z`` lead to the receiver's /a to /z, ``alertmanager`` to its root."""
    webhooks = {name: WebhookSettings(f"{receiver.url}/{name}", "secret") for name in "abcdefghijklmnopqrstuvwxyz"}
    defaults = {"webhooks": webhooks, "alertmanagers": {"main": receiver.url}, "allowed_hosts": ("127.0.0.1",)}
    return Channels(NotifySettings(**{**defaults, **settings}))


def kinds(receiver: HttpReceiver, path: str = "/a") -> list[str]:
    return [json.loads(posted.body)["data"]["kind"] for posted in receiver.posted if posted.path == path]
