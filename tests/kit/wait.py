"""Waiting for what another task or process does, with an end to it."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], within_s: float = 30.0) -> None:
    """Return once ``condition()`` holds. Raises TimeoutError after ``within_s``."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is awaited has no event to tell of it
            await asyncio.sleep(0.005)
