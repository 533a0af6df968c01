"""Notifications: the messages that alerts ask for, until they are sent or given up.

An attempt is marked before the message goes out, its outcome after: after a crash between the two the row says that
it may have been sent.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import aiosqlite

from sidecar.recording.columns import storable
from sidecar.recording.documents import document_of, document_text
from sidecar.recording.pages import Conditions, checked_limit
from sidecar.recording.watch_rows import NotificationRow
from sidecar.recording.writer import Store

_NOTIFICATION = (
    "id, alert_id, transition_id, channel, kind, payload, queued_at, started_at, attempts, sent_at, gave_up_at, error"
)
_INSERT = (
    "INSERT INTO notifications (alert_id, transition_id, channel, kind, payload, queued_at, attempts, error)"
    " VALUES (?, ?, ?, ?, ?, ?, 0, '')"
)


async def queue(
    connection: aiosqlite.Connection, rows: Sequence[NotificationRow], transition_id: int | None = None
) -> None:
    """Within a transaction: add ``rows``, as notifications of the transition where one is given."""
    await connection.executemany(
        _INSERT,
        [
            storable(
                (
                    row.alert_id,
                    row.transition_id if transition_id is None else transition_id,
                    row.channel,
                    row.kind,
                    document_text(row.payload),
                    row.queued_at,
                )
            )
            for row in rows
        ],
    )


class Notifications:
    """The notifications in a store. What is written is safe from a power cut on return.

    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> async def counts_of_a_new_store() -> dict[str, int]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         counts = await Notifications(store).counts()
    ...         await store.close()
    ...         return counts
    >>> asyncio.run(counts_of_a_new_store())
    {'waiting': 0, 'sent': 0, 'gave_up': 0}
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self, limit: int, without: Collection[str] = ()) -> list[NotificationRow]:
        """Up to ``limit`` that are neither sent nor given up, oldest first, except for the channels ``without``:
        what waits for a failing channel must not hide what could go out by another.
        """
        where = Conditions()
        where.add("sent_at IS NULL AND gave_up_at IS NULL")
        where.none_of("channel", tuple(without))
        rows = await self._store.fetch(
            f"SELECT {_NOTIFICATION} FROM notifications WHERE {where} ORDER BY id LIMIT ?",
            [*where.parameters, checked_limit(limit)],
        )
        return [_notification_of(row) for row in rows]

    async def started(self, notification_id: int, at: float) -> None:
        """An attempt begins: to be called, and awaited, before the message goes out."""
        await self._update("started_at = ?, attempts = attempts + 1", at, notification_id)

    async def sent(self, notification_id: int, at: float) -> None:
        """The receiver has it."""
        await self._update("sent_at = ?, error = ''", at, notification_id)

    async def failed(self, notification_id: int, at: float, error: str, gave_up: bool) -> None:
        """The attempt failed for sure; with ``gave_up`` it was the last."""
        await self._update(
            "started_at = NULL, error = ?, gave_up_at = ?", error, at if gave_up else None, notification_id
        )

    async def of_alert(self, alert_id: str, limit: int = 100) -> list[NotificationRow]:
        """Those of one alert, newest first. Raises ValueError for a bad limit."""
        rows = await self._store.fetch(
            f"SELECT {_NOTIFICATION} FROM notifications WHERE alert_id = ? ORDER BY id DESC LIMIT ?",
            (alert_id, checked_limit(limit)),
        )
        return [_notification_of(row) for row in rows]

    async def waiting(self) -> int:
        """How many are neither sent nor given up. The cost grows with these alone, whatever was sent before."""
        rows = await self._store.fetch(
            "SELECT COUNT(*) FROM notifications WHERE sent_at IS NULL AND gave_up_at IS NULL"
        )
        return int(rows[0][0])

    async def counts(self) -> dict[str, int]:
        """How many are ``waiting``, ``sent``, ``gave_up``; the last two as far back as they are kept. Reads all."""
        rows = await self._store.fetch(
            "SELECT COUNT(CASE WHEN sent_at IS NULL AND gave_up_at IS NULL THEN 1 END), COUNT(sent_at),"
            " COUNT(CASE WHEN sent_at IS NULL THEN gave_up_at END) FROM notifications"
        )
        return dict(zip(("waiting", "sent", "gave_up"), rows[0], strict=True))

    async def _update(self, assignments: str, *parameters: Any) -> None:
        """Change a row that is open: an outcome is never changed."""

        async def write(connection: aiosqlite.Connection) -> None:
            await connection.execute(
                f"UPDATE notifications SET {assignments} WHERE id = ? AND sent_at IS NULL AND gave_up_at IS NULL",
                storable(parameters),
            )

        await self._store.run(write, durable=True)


def _notification_of(row: Sequence[Any]) -> NotificationRow:
    values = list(row)
    values[5] = document_of(row[5])
    return NotificationRow(*values)
