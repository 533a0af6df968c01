"""Sends what waits in the outbox for one destination, until it is taken."""

from __future__ import annotations

import asyncio
import gzip
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
import structlog

from sidecar.recording import Batch, OutboxItem, Store, StoreError
from sidecar.retrying import backoff_s, retry_after_s
from sidecar.streaming.documents import batch_body, idempotency_key
from sidecar.streaming.retry import NARROWING, Outcome, outcome_of

log = structlog.get_logger()

BATCH_ITEMS_MAX = 200
BATCH_BYTES_MAX = 1 << 20
OUTBOX_BYTES_MAX = 512 << 20
REFUSED_BYTES_MAX = 16 << 20
IDLE_S = 1.0
TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 10.0
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
RETRY_AFTER_MAX_S = 3_600.0
REFUSALS_MAX = 8
STATS_S = 5.0
ANSWER_BYTES_MAX = 300
REFUSED = ".refused"

_STORE_FAILURES = (StoreError, sqlite3.Error, ValueError)  # aiosqlite raises ValueError once closed


@dataclass(slots=True)
class DeliveryStats:
    """The figures of one destination. ``items``, ``bytes`` (payload) and ``oldest_at`` (epoch seconds, None where
    nothing waits) are as of the last look; the rest count documents since the start.

    ``sent`` were taken; ``failed`` counts attempts by batch that were not; ``dropped`` fell to the outbox's bound;
    ``refused`` were set aside; ``failures`` has the failed attempts by reason.
    """

    items: int = 0
    bytes: int = 0
    oldest_at: float | None = None
    sent: int = 0
    failed: int = 0
    dropped: int = 0
    refused: int = 0
    failures: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt. ``status`` is 0 where there was no answer."""

    outcome: Outcome
    status: int
    retry_after_s: float
    reason: str


class Delivery:
    """One destination's sender: run ``run`` as one task; cancel it to stop.

    JSON documents go in gzip-compressed POST batches of at most ``items_max`` and ``bytes_max`` (uncompressed; a larger
    document goes alone), each with an ``Idempotency-Key`` that stays the same until the batch is settled. No answer,
    5xx, 408, 425 and 429 are tried again for as long as it takes, waiting up to ``retry_max_s`` (or what Retry-After
    asks, up to RETRY_AFTER_MAX_S). Other answers are a refusal: one that may lie in a single document is
    narrowed down to it; after ``refusals_max`` refusals the batch goes to ``<name>.refused`` in the store, at most
    REFUSED_BYTES_MAX of it, and is offered once more at the next start.
    """

    def __init__(
        self,
        store: Store,
        destination: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        instance_id: str = "",
        outbox_bytes_max: int = OUTBOX_BYTES_MAX,
        items_max: int = BATCH_ITEMS_MAX,
        bytes_max: int = BATCH_BYTES_MAX,
        timeout_s: float = TIMEOUT_S,
        idle_s: float = IDLE_S,
        retry_first_s: float = RETRY_FIRST_S,
        retry_max_s: float = RETRY_MAX_S,
        refusals_max: int = REFUSALS_MAX,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self.name = destination
        self.stats = DeliveryStats()
        self._store = store
        self._url = url
        self._headers = dict(headers or {})
        self._instance_id = instance_id
        self._outbox_bytes_max = outbox_bytes_max
        self._items_max = items_max
        self._bytes_max = bytes_max
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, CONNECT_TIMEOUT_S))
        self._idle_s = idle_s
        self._retry_first_s = retry_first_s
        self._retry_max_s = retry_max_s
        self._refusals_max = refusals_max
        self._clock = clock
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._limit = items_max
        self._pending: list[tuple[int, OutboxItem]] = []
        self._failures = 0  # of any kind, in a row: for the back-off
        self._refusals = 0  # of the pending batch
        self._looked_at = float("-inf")

    async def run(self) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession(
            timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar(), headers=self._headers
        ) as session:
            returned = False
            while True:
                try:
                    if not returned:
                        await self._return_refused()
                        returned = True
                    pause_s = await self._turn(session)
                except _STORE_FAILURES as error:
                    self._failed("store", 0, str(error))
                    pause_s = self._wait_s(0.0)
                if pause_s > 0:
                    await self._sleep(pause_s)

    async def look(self) -> DeliveryStats:
        """Hold the outbox to its bound and refresh ``stats``."""
        self.stats.dropped += await self._store.outbox_trim(self.name, self._outbox_bytes_max)
        waiting = await self._store.outbox_stats(self.name)
        self.stats.items, self.stats.bytes, self.stats.oldest_at = waiting.items, waiting.bytes, waiting.oldest_at
        return self.stats

    async def _turn(self, session: aiohttp.ClientSession) -> float:
        """Offer one batch; seconds to wait before the next."""
        if asyncio.get_running_loop().time() - self._looked_at >= STATS_S:
            await self._look_now()
        if not self._pending:
            self._pending = await self._next_batch()
        if not self._pending:
            if self.stats.items:
                await self._look_now()
            return self._idle_s
        answer = await self._send(session, [item for _, item in self._pending])
        if answer.outcome is Outcome.DELIVERED:
            return await self._delivered()
        self._failed(answer.reason, answer.status, self._url)
        if answer.outcome is Outcome.REFUSED:
            return await self._refused(answer)
        return self._wait_s(answer.retry_after_s)

    async def _look_now(self) -> None:
        self._looked_at = asyncio.get_running_loop().time()
        await self.look()

    async def _next_batch(self) -> list[tuple[int, OutboxItem]]:
        batch: list[tuple[int, OutboxItem]] = []
        batch_bytes = 0
        for item_id, item in await self._store.outbox_peek(self.name, self._limit):
            batch_bytes += len(item.payload)
            if batch and batch_bytes > self._bytes_max:
                break
            batch.append((item_id, item))
        return batch

    async def _send(self, session: aiohttp.ClientSession, items: list[OutboxItem]) -> Answer:
        body = await asyncio.to_thread(gzip.compress, batch_body(items), 5, mtime=0)
        headers = {
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "Idempotency-Key": idempotency_key(self._instance_id, items),
        }
        try:
            async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
                answer = Answer(
                    outcome_of(response.status),
                    response.status,
                    retry_after_s(response.headers.get("Retry-After", ""), self._clock(), RETRY_AFTER_MAX_S),
                    f"http_{response.status // 100}xx",
                )
                if answer.outcome is Outcome.REFUSED:
                    said = (await response.content.read(ANSWER_BYTES_MAX)).decode("utf-8", "replace")
                    log.warning("stream_refused", destination=self.name, status=answer.status, answer=said)
                return answer
        except TimeoutError:
            return Answer(Outcome.LATER, 0, 0.0, "timeout")
        except (aiohttp.ClientError, OSError):
            return Answer(Outcome.LATER, 0, 0.0, "connection")

    async def _delivered(self) -> float:
        count = len(self._pending)
        await self._store.outbox_done([item_id for item_id, _ in self._pending])
        self.stats.sent += count
        self.stats.items = max(0, self.stats.items - count)
        if self._failures:
            log.info("stream_recovered", destination=self.name, failures=self._failures)
        self._pending, self._failures, self._refusals = [], 0, 0
        self._limit = min(self._items_max, self._limit * 2)
        return 0.0

    async def _refused(self, answer: Answer) -> float:
        if answer.status in NARROWING and len(self._pending) > 1:
            self._limit = (len(self._pending) + 1) // 2
            self._pending = self._pending[: self._limit]
            return backoff_s(1, self._retry_first_s, self._retry_max_s, self._rng.random())
        self._refusals += 1
        if self._refusals < self._refusals_max:
            return self._wait_s(answer.retry_after_s)
        await self._set_aside()
        return 0.0

    async def _set_aside(self) -> None:
        aside = self.name + REFUSED
        items = [OutboxItem(aside, item.key, item.revision, item.payload) for _, item in self._pending]
        await self._store.commit(Batch(outbox=items))
        await self._store.outbox_done([item_id for item_id, _ in self._pending])
        await self._store.outbox_trim(aside, REFUSED_BYTES_MAX)
        self.stats.refused += len(items)
        log.error("stream_set_aside", destination=self.name, documents=len(items), kept_as=aside)
        self._pending, self._failures, self._refusals = [], 0, 0

    async def _return_refused(self) -> None:
        """What was refused before the restart is offered once more: the token or the URL may be right by now."""
        while refused := await self._store.outbox_peek(self.name + REFUSED, self._items_max):
            items = [OutboxItem(self.name, item.key, item.revision, item.payload) for _, item in refused]
            await self._store.commit(Batch(outbox=items))
            await self._store.outbox_done([item_id for item_id, _ in refused])

    def _failed(self, reason: str, status: int, detail: str) -> None:
        self.stats.failed += 1
        self.stats.failures[reason] += 1
        if self._failures == 0:  # once an outage, not once a try
            log.warning("stream_failing", destination=self.name, reason=reason, status=status, detail=detail)
        self._failures += 1

    def _wait_s(self, asked_s: float) -> float:
        own_s = backoff_s(self._failures, self._retry_first_s, self._retry_max_s, self._rng.random())
        return max(own_s, asked_s)
