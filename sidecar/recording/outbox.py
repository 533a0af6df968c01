"""The messages that wait for a destination: oldest first, of each key only the newest revision."""

from __future__ import annotations

from collections.abc import Sequence

import aiosqlite

from sidecar.recording.rows import OutboxItem, OutboxStats

# A newer revision comes in as a new row: acknowledging the old one, by its id, can't remove what was not sent yet.
_DISCARD_OLDER = "DELETE FROM outbox WHERE destination = ? AND key = ? AND revision < ?"
_INSERT = (
    "INSERT INTO outbox (destination, key, revision, queued_at, payload) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (destination, key) DO NOTHING"
)
TRIM_SLICE_ROWS = 200


async def queue(connection: aiosqlite.Connection, items: Sequence[OutboxItem], now: float) -> None:
    """Within a transaction: add ``items``; a revision no higher than the waiting one of its key is ignored."""
    await connection.executemany(_DISCARD_OLDER, [(item.destination, item.key, item.revision) for item in items])
    await connection.executemany(
        _INSERT, [(item.destination, item.key, item.revision, now, item.payload) for item in items]
    )


async def peek(connection: aiosqlite.Connection, destination: str, limit: int) -> list[tuple[int, OutboxItem]]:
    """The ``limit`` items that have waited longest, with their ids."""
    rows = await connection.execute_fetchall(
        "SELECT id, destination, key, revision, payload FROM outbox WHERE destination = ? ORDER BY id LIMIT ?",
        (destination, limit),
    )
    return [(row[0], OutboxItem(*row[1:])) for row in rows]


async def done(connection: aiosqlite.Connection, ids: Sequence[int]) -> None:
    """Within a transaction: these were delivered."""
    await connection.executemany("DELETE FROM outbox WHERE id = ?", [(item_id,) for item_id in ids])


async def stats(connection: aiosqlite.Connection, destination: str) -> OutboxStats:
    rows = await connection.execute_fetchall(
        "SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0), MIN(queued_at) FROM outbox WHERE destination = ?",
        (destination,),
    )
    return OutboxStats(*next(iter(rows)))


async def trim_slice(connection: aiosqlite.Connection, destination: str, excess_bytes: int) -> tuple[int, int]:
    """Within a transaction: drop the oldest items until ``excess_bytes`` are gone or the slice is done.

    Returns (items, bytes) dropped.
    """
    rows = await connection.execute_fetchall(
        "SELECT id, LENGTH(payload) FROM outbox WHERE destination = ? ORDER BY id LIMIT ?",
        (destination, TRIM_SLICE_ROWS),
    )
    ids: list[int] = []
    freed = 0
    for item_id, payload_bytes in rows:
        if freed >= excess_bytes:
            break
        ids.append(item_id)
        freed += payload_bytes
    await done(connection, ids)
    return len(ids), freed
