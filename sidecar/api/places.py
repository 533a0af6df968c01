"""Room for questions that cost much: a few are worked on at a time, some wait for that, the rest is turned away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sidecar.api.problems import Problem

RETRY_AFTER_S = 2


class Places:
    """``most`` of the questions that ``name`` is the bound of (``services.BOUNDS``) are held, ``at_a_time`` of them
    worked on. ``turned_away`` counts those there was no room for; ``words`` say what they are.

    >>> Places("histories", Counter(), "questions about the past", most=16, at_a_time=2).held
    0
    """

    def __init__(self, name: str, turned_away: Counter[str], words: str, *, most: int, at_a_time: int) -> None:
        self._name = name
        self._turned_away = turned_away
        self._words = words
        self._most = most
        self._turn = asyncio.Semaphore(at_a_time)
        self.held = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A place, once it is one's turn. Raises a 503 Problem where there is none."""
        if self.held >= self._most:
            self._turned_away[self._name] += 1
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            raise Problem(503, f"{self._most} {self._words} are under way; try again", headers=headers)
        self.held += 1
        try:
            async with self._turn:
                yield
        finally:
            self.held -= 1
