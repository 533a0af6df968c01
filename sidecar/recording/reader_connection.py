"""The connection a ``Reader`` reads by: read-only, and always to the file that bears the store's name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiosqlite

from sidecar.recording.columns import Row
from sidecar.recording.connection import BUSY_TIMEOUT_MS, STORE_ERRORS
from sidecar.recording.pages import Value
from sidecar.recording.rows import StoreError, reason_of

ROWS_A_TIME = 50
"""Rows that are read before their weight is looked at."""


@dataclass(slots=True, eq=False)
class _Opened:
    """A connection, the file it is to, and how many queries are on their way in it."""

    connection: aiosqlite.Connection
    inode: int
    queries: int = 0
    closing: bool = False

    async def close(self) -> None:
        # once and never twice: the second close of a connection of aiosqlite waits for a thread that is gone
        if not self.closing:
            self.closing = True
            await self.connection.close()


class ReadConnection:
    """Follows the store: where the writer set the file aside and started a fresh one, queries go to that from then on.

    The old connection is closed when no query is on its way in it any more, so that none is left without an answer.
    """

    def __init__(self, path: Path, opened: _Opened) -> None:
        self._path = path
        self._opened = opened
        self._following = asyncio.Lock()
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> ReadConnection:
        """Raises StoreError("missing") where there is no such file."""
        return cls(path, await _connect(path))

    async def close(self) -> None:
        """Queries on their way are answered first. Doing so twice is fine."""
        self._closed = True
        async with self._following:  # who follows at this moment would leave a connection open
            await self._opened.close()

    async def fetch(self, statement: str, parameters: Sequence[Value]) -> list[Row]:
        """The rows of a SELECT. Raises StoreError, and UnicodeEncodeError for text that UTF-8 can't hold."""
        try:
            opened = await self._present()
            opened.queries += 1
            try:
                return [tuple(row) for row in await opened.connection.execute_fetchall(statement, parameters)]
            finally:
                opened.queries -= 1
                if opened is not self._opened and not opened.queries:
                    await opened.close()
        except STORE_ERRORS as error:
            raise StoreError(reason_of(error), str(error)) from error

    async def pinned(self) -> PinnedConnection:
        """Another connection, to the file that bears the store's name now. Raises StoreError."""
        return PinnedConnection(self._path, await _connect(self._path))

    async def _present(self) -> _Opened:
        if self._is_present():
            return self._opened
        async with self._following:
            if not self._is_present():
                old, self._opened = self._opened, await _connect(self._path)
                if not old.queries:
                    await old.close()
            return self._opened

    def _is_present(self) -> bool:
        return self._closed or os.stat(self._path).st_ino == self._opened.inode


class PinnedConnection:
    """Reads one file, for as long as it bears the store's name: after that every query fails."""

    def __init__(self, path: Path, opened: _Opened) -> None:
        self._path = path
        self._opened = opened

    async def close(self) -> None:
        """A query on its way is broken off. Doing so twice is fine."""
        if not self._opened.closing:
            await self._opened.connection.interrupt()
        await self._opened.close()

    async def fetch(
        self,
        statement: str,
        parameters: Sequence[Value],
        weight: Callable[[Row], int] = lambda row: 0,
        weight_max: int = 0,
    ) -> list[Row]:
        """The first rows of a SELECT: until the weights of those that were read come to ``weight_max``, or all.

        Raises StoreError, with the reason missing where the file is the store no more, and UnicodeEncodeError.
        """
        rows: list[Row] = []
        weighed = 0
        try:
            self._check()
            async with self._opened.connection.execute(statement, parameters) as cursor:
                while found := [tuple(row) for row in await cursor.fetchmany(ROWS_A_TIME)]:
                    rows += found
                    weighed += sum(map(weight, found))
                    if weight_max and weighed >= weight_max:
                        break
            self._check()  # what was read from a file that was set aside meanwhile may be damaged
        except STORE_ERRORS as error:
            raise StoreError(reason_of(error), str(error)) from error
        return rows

    def _check(self) -> None:
        try:
            same = os.stat(self._path).st_ino == self._opened.inode
        except FileNotFoundError:
            same = False
        if not same:
            raise StoreError("missing", "the store was set aside while it was read")


async def _connect(path: Path) -> _Opened:
    connection: aiosqlite.Connection | None = None
    try:
        inode = os.stat(path).st_ino  # before it is opened: a file that takes its place meanwhile is followed later
        connection = await aiosqlite.connect(_uri(path), uri=True, isolation_level=None)
        await connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    except BaseException as error:
        if connection is not None:
            await connection.close()
        if isinstance(error, FileNotFoundError):
            raise StoreError("missing", f"there is no {path.name} in {path.parent}") from error
        if isinstance(error, STORE_ERRORS):
            raise StoreError(reason_of(error), str(error)) from error
        raise
    return _Opened(connection, inode)


def _uri(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"
