"""A store with predictions behind the real application, served in the loop of the test, and both clients of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sidecar.api import Services
from sidecar.client import AsyncClient, Client
from sidecar.recording import Batch, Reader, Store, SummaryRow
from tests.api.live import START, LiveControl, LiveTotals, make_prediction, make_summary
from tests.api.live_watch import LiveWatch
from tests.api.running import running
from tests.kit.trials_at_hand import TrialsAtHand

MINUTE = int(START) // 60 * 60


class World(NamedTuple):
    """A store with 30 predictions, served, and both clients of it."""

    store: Store
    services: Services
    aio: AsyncClient
    sync: Client
    stack: AsyncExitStack

    async def both(self, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        """What each client's method gives; files are told apart by ``{}`` in their names."""
        mine, theirs = ([str(part).format(of) if "{}" in str(part) else part for part in args] for of in "as")
        return [
            await getattr(self.aio, method)(*mine, **kwargs),
            await asyncio.to_thread(lambda: getattr(self.sync, method)(*theirs, **kwargs)),
        ]


@asynccontextmanager
async def stored(tmp_path: Path) -> AsyncIterator[World]:
    """Served in this loop, so that a test reaches what is behind it."""
    async with AsyncExitStack() as stack:
        folder = tmp_path / "data"
        folder.mkdir()
        store = await Store.open(folder)
        stack.push_async_callback(store.close)
        reader = await Reader.open(folder)
        stack.push_async_callback(reader.close)
        made = [make_prediction(number, version=str(number % 2)) for number in range(30)]
        summary = make_summary(made)
        rows = [
            SummaryRow(MINUTE, 60, "det", "1", "serving", "", 0, "", 1, summary.encode()),
            SummaryRow(MINUTE + 60, 60, "det", "1", "serving", "", 0, "", 1, type(summary)().encode()),
        ]
        await store.commit(Batch(made, rows, {(0, 1): 1}))
        totals = LiveTotals({("det", "1", "serving"): summary})
        services = Services(reader, totals, LiveControl(), LiveWatch(), TrialsAtHand(), folder)
        _, runner = await stack.enter_async_context(running(services))
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        aio = await stack.enter_async_context(AsyncClient(url))
        sync = stack.enter_context(Client(url))
        yield World(store, services, aio, sync, stack)
