"""Versions of datasets: what was labeled at a moment, which never changes but for images that are deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aiosqlite

from sidecar.recording.columns import storable
from sidecar.recording.documents import document_of, document_text
from sidecar.recording.loop_rows import VersionItem, VersionRow
from sidecar.recording.pages import checked_limit
from sidecar.recording.samples import labels_of, labels_text
from sidecar.recording.watch_rows import Full
from sidecar.recording.writer import Store

VERSION_ITEMS_MAX = 50_000
VERSIONS_MAX = 1_000
"""Versions of one dataset."""

_VERSION = "version_id, dataset_id, parent_id, name, author, created_at, content, items, counts"
_ITEM = "version_id, sample_id, split, checksum, labels, media_type, path, bytes, width, height, deleted_at"
_INSERT = f"INSERT INTO dataset_versions ({_VERSION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_ITEM = f"INSERT INTO version_items ({_ITEM}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_HOLD = (
    "UPDATE samples SET in_versions = in_versions + 1, split = CASE split WHEN '' THEN ? ELSE split END"
    " WHERE sample_id = ?"
)
_MARK_GONE = (
    "UPDATE version_items SET deleted_at = ? WHERE version_id = ? AND deleted_at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM samples WHERE samples.sample_id = version_items.sample_id)"
)


class Versions:
    """The versions of datasets in a store.

    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> row = VersionRow("v1", "det", "", "first", "ann", 5.0, "ab", 0, {"boxes": 0})
    >>> async def add_twice() -> list[bool]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         added = [await Versions(store).add(row, [], {}) for _ in range(2)]
    ...         await store.close()
    ...         return added
    >>> asyncio.run(add_twice())
    [True, False]
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, row: VersionRow, items: Sequence[VersionItem], splits: Mapping[str, str]) -> bool:
        """Add a version with all its items; safe from a power cut on return. False where it is there already.

        From then on its images are kept, and those that have no split yet get theirs of ``splits``. An image that was
        deleted meanwhile is marked so at once. Other commits wait, for seconds with the largest. Raises Full for more
        than VERSION_ITEMS_MAX or VERSIONS_MAX.
        """
        if len(items) > VERSION_ITEMS_MAX:
            raise Full("items", f"{len(items)} labeled images, and a version has at most {VERSION_ITEMS_MAX}")
        values = _values(row)
        ordered = sorted(items, key=lambda item: item.sample_id)
        item_values = [_item_values(item) for item in ordered]
        held = [storable((splits.get(item.sample_id, ""), item.sample_id)) for item in ordered]

        async def write(connection: aiosqlite.Connection) -> bool:
            if await _count(connection, "version_id", values[0]):
                return False
            if await _count(connection, "dataset_id", values[1]) >= VERSIONS_MAX:
                raise Full("name", f"the dataset has {VERSIONS_MAX} versions, as many as it may have")
            await connection.execute(_INSERT, values)
            await connection.executemany(_INSERT_ITEM, item_values)
            await connection.executemany(_HOLD, held)
            await connection.execute(_MARK_GONE, (row.created_at, values[0]))
            return True

        return await self._store.run(write, durable=True)

    async def all(self, dataset_id: str) -> list[VersionRow]:
        """Those of a dataset, newest first."""
        rows = await self._store.fetch(
            f"SELECT {_VERSION} FROM dataset_versions WHERE dataset_id = ? ORDER BY id DESC", (dataset_id,)
        )
        return [_version_of(row) for row in rows]

    async def get(self, version_id: str) -> VersionRow | None:
        rows = await self._store.fetch(f"SELECT {_VERSION} FROM dataset_versions WHERE version_id = ?", (version_id,))
        return _version_of(rows[0]) if rows else None

    async def items(self, version_id: str, after: str = "", limit: int = 1_000) -> list[VersionItem]:
        """Items by their sample ids, those after ``after``; a page that is not full is the last one."""
        rows = await self._store.fetch(
            f"SELECT {_ITEM} FROM version_items WHERE version_id = ? AND sample_id > ? ORDER BY sample_id LIMIT ?",
            (version_id, after, checked_limit(limit)),
        )
        return [_item_of(row) for row in rows]

    async def deleted(self, version_id: str) -> int:
        """How many of its images were deleted since."""
        rows = await self._store.fetch(
            "SELECT COUNT(deleted_at) FROM version_items WHERE version_id = ?", (version_id,)
        )
        return int(rows[0][0])


async def _count(connection: aiosqlite.Connection, column: str, value: str) -> int:
    rows = await connection.execute_fetchall(f"SELECT COUNT(*) FROM dataset_versions WHERE {column} = ?", (value,))
    return int(next(iter(rows))[0])


def _values(row: VersionRow) -> tuple[Any, ...]:
    return storable(
        (
            row.version_id,
            row.dataset_id,
            row.parent_id,
            row.name,
            row.author,
            row.created_at,
            row.content,
            row.items,
            document_text(row.counts),
        )
    )


def _item_values(item: VersionItem) -> tuple[Any, ...]:
    return storable(
        (
            item.version_id,
            item.sample_id,
            item.split,
            item.checksum,
            labels_text(item.labels),
            item.media_type,
            item.path,
            item.bytes,
            item.width,
            item.height,
            item.deleted_at,
        )
    )


def _version_of(row: Sequence[Any]) -> VersionRow:
    values = list(row)
    values[-1] = document_of(row[-1])
    return VersionRow(*values)


def _item_of(row: Sequence[Any]) -> VersionItem:
    values = list(row)
    values[4] = labels_of(row[4])
    return VersionItem(*values)
