"""What the steps of the demo's loop have in common: how they are told, and how they wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Protocol, TypeVar

from sidecar.client import ConnectionFailed

T = TypeVar("T")

POLL_S = 0.5


class Say(Protocol):
    """Tells people of a step: its name, what came of it."""

    def __call__(self, step: str, text: str) -> None: ...


class StepFailed(Exception):
    """A step did not come true; the text says which and what was seen instead."""


async def until(
    read: Callable[[], Awaitable[T | None]], within_s: float, failed: Callable[[], str], poll_s: float = POLL_S
) -> T:
    """The first that ``read`` gives besides None. Raises StepFailed with what ``failed`` says, after ``within_s``.

    A sidecar that does not answer is asked again.
    """
    ends = time.monotonic() + within_s
    while True:
        try:
            found = await read()
        except ConnectionFailed:
            found = None
        if found is not None:
            return found
        if time.monotonic() >= ends:
            raise StepFailed(f"{failed()} (after {within_s:g} s)")
        await asyncio.sleep(poll_s)


async def all_of(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Until all of them have ended; where one fails, the others are ended and that is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def percent(share: float | None) -> str:
    """
    >>> percent(0.384), percent(float("nan")), percent(None)
    ('38 %', '?', '?')
    """
    return "?" if share is None or share != share else f"{100 * share:.0f} %"
