"""The application served as the product serves it: a client that goes away does not cancel what answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from sidecar.api import Services, create_app


@asynccontextmanager
async def running(services: Services) -> AsyncIterator[tuple[aiohttp.ClientSession, web.AppRunner]]:
    """A session to the application on a free port of loopback, and what runs it."""
    runner = web.AppRunner(create_app(services), access_log=None, auto_decompress=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
            yield session, runner
    finally:
        await runner.cleanup()
