"""The end of a worker: what it still waits for, and how long that takes at most.

Its supervisor waits as long as ``longest_s`` says, so that nothing of it is cut short. This module is the supervisor's
too and imports nothing that takes time.
"""

from __future__ import annotations

import asyncio
import socket
from time import monotonic
from typing import TYPE_CHECKING

from sidecar.proxy.listener import drop_new

if TYPE_CHECKING:
    from sidecar.proxy.relay import Proxy
    from sidecar.types import Limits

ACCEPTED_S = 0.02
"""Whom the kernel has accepted already is served by then."""
SHAKING_HANDS_S = 0.5
"""Handshakes of TCP that had begun before new connections were dropped are done by then, and accepted: longer than a
round trip takes over any link but the worst. Who comes meanwhile tries again by itself, a second later."""
LAST_LOOKS_S = 0.5
"""So long before what is in flight is ended, idle clients have been let go in order."""
LAST_WORDS_S = 0.1
"""For the answers that tell who waits that there comes none."""
TAP_FLUSH_S = 2.0
"""For what is still to be shipped to the monitor, which outlives the workers."""
_LOOK_S = 0.02


def longest_s(delay_s: float, grace_s: float) -> float:
    """What a drain takes at most, of ``limits.drain_delay_s`` and ``drain_grace_s``, which are given in full."""
    return delay_s + ACCEPTED_S + SHAKING_HANDS_S + grace_s + LAST_WORDS_S + TAP_FLUSH_S


async def let_in_the_last(listener: socket.socket) -> None:
    """Before the end of a listener that nobody takes over: nobody new, but who is shaking hands still comes in."""
    if drop_new(listener):
        await asyncio.sleep(SHAKING_HANDS_S)


async def finish_requests(proxy: Proxy, limits: Limits) -> int:
    """Until no client is left, for ``drain_grace_s``; idle ones are let go once that disturbs none of them. Then
    whoever still waits gets an answer of 503, where none had begun. Returns how many those were."""
    deadline = monotonic() + limits.drain_grace_s
    idle_s = min(limits.drain_idle_s, limits.drain_grace_s / 2)
    while (proxy.downstreams or proxy.handshakes) and monotonic() < deadline:
        if not proxy.in_flight or monotonic() > deadline - idle_s - LAST_LOOKS_S:
            proxy.close_idle(idle_s)
        await asyncio.sleep(_LOOK_S)
    return await _end_the_rest(proxy)


async def _end_the_rest(proxy: Proxy) -> int:
    left = proxy.in_flight
    if left:
        proxy.hit("drain_grace_s")
        for downstream in list(proxy.downstreams):
            downstream.end_in_drain()
        await asyncio.sleep(LAST_WORDS_S)
    return left
