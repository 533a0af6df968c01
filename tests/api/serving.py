"""The real application in a thread, for clients that wait for their answers."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from sidecar.access import TokenFile
from sidecar.api import Services, create_app
from sidecar.api.idempotency import Once
from sidecar.recording import IdempotencyKeys, Reader, Store
from tests.api.live import LiveControl, LiveTotals
from tests.api.live_watch import LiveWatch
from tests.api.looped import begin_loop, with_loop
from tests.kit.trials_at_hand import TrialsAtHand


@contextlib.contextmanager
def served(
    folder: Path,
    watch: LiveWatch,
    token: str | None = None,
    trials: TrialsAtHand | None = None,
    tls: ssl.SSLContext | None = None,
    totals: LiveTotals | None = None,
) -> Iterator[str]:
    """The URL of an application over the store in ``folder``, ``watch``, ``trials`` and ``totals``, until the block
    ends."""
    ready, finished = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    url = ""

    async def serve() -> None:
        nonlocal url
        store = await Store.open(folder)
        reader = await Reader.open(folder)
        asked = (LiveControl(), watch, trials or TrialsAtHand())
        bare = Services(reader, totals or LiveTotals(), *asked, folder, tokens=TokenFile(folder), version="0.1.0")
        services = with_loop(bare, begin_loop(folder, store, reader))
        services.once = Once(IdempotencyKeys(store), time.time)
        runner = web.AppRunner(create_app(replace(services, token=token)), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        url = f"{'http' if tls is None else 'https'}://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await finished.wait()
        await runner.cleanup()
        await reader.close()
        await store.close()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(60)
    assert url, "the application did not start"
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(finished.set)
        thread.join(20)
