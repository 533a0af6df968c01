"""How a reader of the store lives and asks: opened, closed, and what it does where the store is damaged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from sidecar.recording.columns import Row
from sidecar.recording.files import store_path
from sidecar.recording.pages import Value
from sidecar.recording.reader_connection import ReadConnection
from sidecar.recording.rows import StoreError

OnCorrupt = Callable[[], Awaitable[None]]


class StoreReads:
    """A read-only connection to the store in a data folder.

    ``on_corrupt`` is awaited where a read finds the store damaged, before that read's StoreError("corrupt") comes out:
    the writer works from its cache, and may not meet the damage for long. Reads that fail while it is under way wait
    for it too and don't call it again. It must not read by this reader; a StoreError of its own is dropped.
    """

    def __init__(self, connection: ReadConnection, on_corrupt: OnCorrupt | None = None) -> None:
        self.on_corrupt = on_corrupt
        self._connection = connection
        self._telling: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, data_dir: Path, on_corrupt: OnCorrupt | None = None) -> Self:
        """Raises StoreError("missing") where there is no store yet."""
        return cls(await ReadConnection.open(store_path(data_dir)), on_corrupt)

    async def close(self) -> None:
        """Reads on their way are answered first. Doing so twice is fine."""
        await self._connection.close()

    async def _fetch(self, statement: str, parameters: Sequence[Value]) -> list[Row]:
        try:
            return await self._connection.fetch(statement, parameters)
        except UnicodeEncodeError:
            return []  # no text in the store has what UTF-8 can't hold
        except StoreError as error:
            if error.reason == "corrupt":
                await self._tell_of_damage()
            raise

    async def _tell_of_damage(self) -> None:
        if self.on_corrupt is None:
            return
        if self._telling is None or self._telling.done():
            self._telling = asyncio.ensure_future(self.on_corrupt())
        with suppress(StoreError):
            await asyncio.shield(self._telling)  # a reader that gives up does not stop it for the others
