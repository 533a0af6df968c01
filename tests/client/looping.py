"""The real application with what the improvement loop begins with."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

from sidecar.recording import Store
from tests.api.live_watch import LiveWatch
from tests.api.looped import add_items, add_predictions
from tests.api.serving import served
from tests.kit.trials_at_hand import TrialsAtHand


@contextlib.contextmanager
def looped(folder: Path, watch: LiveWatch, trials: TrialsAtHand) -> Iterator[str]:
    """Where an application is served that has three items of the value queue, one of the audit, and predictions."""

    async def fill() -> None:
        store = await Store.open(folder)
        await add_items(folder, store, 3)
        await add_predictions(store)
        await store.close()

    asyncio.run(fill())
    with served(folder, watch, trials=trials) as found:
        yield found
