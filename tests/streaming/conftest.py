"""A monitoring backend on a real port, whose answers a test scripts."""

import asyncio
import gzip
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sidecar.recording import Batch, OutboxItem, Store
from tests.kit.ports import free_ports


class Receiver:
    """Answers with ``script`` first, then 202. Entries: a status, (status, headers), "stall", "cut", or a function of
    the request's documents that gives a status.
    """

    def __init__(self) -> None:
        self.script: deque[Any] = deque()
        self.always: Any = 202
        self.requests: list[dict[str, Any]] = []
        self.documents: list[dict[str, Any]] = []
        self.released = asyncio.Event()
        self._runner: web.AppRunner | None = None
        (self.port,) = free_ports(1)  # it stops and starts again on the same one

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ingest"

    async def start(self) -> None:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/ingest", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()

    async def stop(self) -> None:
        self.released.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()  # aiohttp undoes Content-Encoding
        body = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
        self.requests.append({"headers": dict(request.headers), "body": body, "bytes": len(raw)})
        step = self.script.popleft() if self.script else self.always
        if callable(step):
            step = step(body["documents"])
        if step == "stall":
            await self.released.wait()
            return web.Response(status=500)
        if step == "cut":  # it took the documents, and the answer got lost
            self.documents += body["documents"]
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        status, headers = step if isinstance(step, tuple) else (step, {})
        if status < 300:
            self.documents += body["documents"]
        return web.Response(status=status, headers=headers)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path)
    yield store
    await store.close()


@pytest.fixture
def fill() -> Callable[..., Any]:
    """Puts ``count`` small documents into the outbox of ``hub``."""

    async def fill(store: Store, count: int, first: int = 0, revision: int = 1, destination: str = "hub") -> None:
        items = [
            OutboxItem(destination, f"k{i}", revision, json.dumps({"n": i, "revision": revision}).encode())
            for i in range(first, first + count)
        ]
        await store.commit(Batch(outbox=items))

    return fill
