"""Which images retention takes, and in what order. Labeled ones and those in versions of datasets are never taken, nor
one that a reviewer has at the moment."""

from __future__ import annotations

import aiosqlite

from sidecar.recording.rows import Sample
from sidecar.recording.samples import LIGHT_COLUMNS, sample_of

_WAITING = ("status = 'needs_review'", "status = 'in_review' AND claimed_until <= :now")
RUNGS: tuple[tuple[str, ...], ...] = (
    ("status = 'rejected' AND drawn = 0", "status = 'rejected' AND drawn = 1"),
    tuple(f"{waiting} AND drawn = 0" for waiting in _WAITING),
    tuple(f"{waiting} AND drawn = 1" for waiting in _WAITING),
)
"""Rejected images first, then those that wait for a review by their value, then those of the audit, which estimates
rest on. Each condition is one range of the index samples_evictable."""
_EVICTABLE = "in_versions = 0 AND status <> 'labeled'"  # the condition of that index


async def oldest(
    connection: aiosqlite.Connection, rung: tuple[str, ...], before: float, now: float, limit: int
) -> list[Sample]:
    """The oldest images of ``rung`` that were taken before ``before``, without their detections."""
    parts = " UNION ALL ".join(
        f"SELECT * FROM (SELECT id, at FROM samples WHERE {_EVICTABLE} AND {condition} AND at < :before"
        " ORDER BY at LIMIT :limit)"
        for condition in rung
    )
    rows = await connection.execute_fetchall(
        f"SELECT {LIGHT_COLUMNS} FROM samples WHERE id IN (SELECT id FROM ({parts} ORDER BY at LIMIT :limit))"
        " ORDER BY at",
        {"before": before, "now": now, "limit": limit},
    )
    return [sample_of(row) for row in rows]


async def total_bytes(connection: aiosqlite.Connection) -> int:
    """What all images take."""
    return await _sum(connection, "1 = 1")


async def used_bytes(connection: aiosqlite.Connection) -> tuple[int, int]:
    """What all images take, and what they take with the pages in use of the database."""
    pages = await connection.execute_fetchall(
        "SELECT (page_count - freelist_count) * page_size"
        " FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()"
    )
    images = await total_bytes(connection)
    return images, images + int(next(iter(pages))[0])


async def kept_bytes(connection: aiosqlite.Connection) -> int:
    """What those take that are never evicted."""
    return await total_bytes(connection) - await _sum(connection, _EVICTABLE)


async def _sum(connection: aiosqlite.Connection, condition: str) -> int:
    rows = await connection.execute_fetchall(f"SELECT COALESCE(SUM(bytes), 0) FROM samples WHERE {condition}")
    return int(next(iter(rows))[0])
