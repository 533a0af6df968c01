"""An answer that is a file which lives only until it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

SEND_S_MAX = 3_600.0
"""How long whoever asked may take to read a file; then the connection is closed."""


class LentFile(web.FileResponse):
    """The file at ``path``; ``lent`` is closed once it is sent, or can't be."""

    def __init__(self, path: Path, headers: Mapping[str, str], lent: AsyncExitStack) -> None:
        super().__init__(path, headers=headers)
        self._lent = lent

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it. aiohttp calls this once for every answer, after the middlewares have seen it."""
        async with self._lent:
            try:
                async with asyncio.timeout(SEND_S_MAX):
                    return await super().prepare(request)
            except TimeoutError as error:
                raise ConnectionResetError(f"the file was not read within {SEND_S_MAX:g} s") from error
