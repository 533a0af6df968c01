"""The addresses of an upstream's name, looked up so that a name server that hangs holds up nothing but that name.

The event loop resolves all names with a few threads of one pool: lookups that hang would take them from upstreams that
are well. So each name has at most one lookup under way, in a thread of its own, which nothing waits for at the end.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from time import monotonic
from typing import Any

FRESH_S = 1.0
"""How long a lookup's answer is used for further connections."""
PATIENCE_S = 0.5
"""How long a new answer is waited for where there is an earlier one."""

Lookup = Callable[..., Sequence[tuple[Any, ...]]]


class Name:
    """The name of one upstream. ``lookup`` is ``socket.getaddrinfo`` or answers like it, and may block.

    >>> import asyncio
    >>> asyncio.run(Name("127.0.0.1", 80).addresses())
    ['127.0.0.1']
    """

    def __init__(self, host: str, port: int, lookup: Lookup = socket.getaddrinfo) -> None:
        self.host = host
        self.port = port
        self._lookup = lookup
        self._found: list[str] = [host] if _is_literal(host) else []
        self._found_at = float("inf") if self._found else float("-inf")
        self._looking: asyncio.Future[list[str]] | None = None

    @property
    def found(self) -> list[str]:
        """What was found last; empty where nothing was yet."""
        return self._found

    async def addresses(self) -> list[str]:
        """At least one address, the preferred first. Raises OSError where there is none."""
        if monotonic() - self._found_at < FRESH_S:
            return self._found
        if self._looking is None or self._looking.done():
            self._looking = self._begin()
        try:
            return await asyncio.wait_for(asyncio.shield(self._looking), PATIENCE_S if self._found else None)
        except TimeoutError:
            return self._found

    def _begin(self) -> asyncio.Future[list[str]]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[str]] = loop.create_future()
        future.add_done_callback(_heard)

        def look() -> None:
            try:
                found = self._lookup(self.host, self.port, type=socket.SOCK_STREAM)
                answer: list[str] | OSError = list(dict.fromkeys(str(item[4][0]) for item in found))
            except OSError as error:
                answer = error
            try:
                loop.call_soon_threadsafe(self._settle, future, answer)
            except RuntimeError:  # the loop has ended meanwhile
                return

        threading.Thread(target=look, name=f"lookup {self.host}", daemon=True).start()
        return future

    def _settle(self, future: asyncio.Future[list[str]], answer: list[str] | OSError) -> None:
        if future.done():
            return
        if isinstance(answer, OSError):
            future.set_exception(answer)
        elif not answer:
            future.set_exception(OSError(f"{self.host}: no address"))
        else:
            self._found, self._found_at = answer, monotonic()
            future.set_result(answer)


def _heard(future: asyncio.Future[list[str]]) -> None:
    """Whoever asked may have gone: an answer that nobody took is no fault."""
    if not future.cancelled():
        future.exception()


def _is_literal(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
