"""Sends the notifications that wait in the store, each by its channel, until it is taken or given up.

An attempt is committed before the message goes out and its outcome after. So a crash between the two leaves a row that
says it may have been sent: it goes out once more, under the same id. No crash loses one.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import structlog

from sidecar.alerts.channels import Channels, SendError, parse_address
from sidecar.alerts.channels.address import redacted
from sidecar.alerts.channels.standing import RETRY_FIRST_S, RETRY_MAX_S, Standings
from sidecar.alerts.notice import Notice
from sidecar.alerts.waiting import NotificationStore, OpenNotification
from sidecar.retrying import backoff_s

log = structlog.get_logger()

SENDS_MAX = 8
"""Sends at a time, one a channel."""
ROWS_MAX = 100
"""Rows that are fetched at once. Those of one channel are sent one after another before the store is asked again ..."""
BATCH_S = 5.0
"""... unless that takes longer: then another channel may have its turn, and what was fetched may be out of date."""
KEYS_MAX = 2_000
"""Ways of writing channels that are remembered; over it those that nothing is sent by are learnt anew."""
SEND_TIMEOUT_S = 60.0
"""Over every channel's own limit: the last one."""
IDLE_S = 10.0
"""Between two looks into the store when nobody calls ``wake``."""
UNCONFIGURED_S = 60.0
AGE_MAX_S = 3 * 86_400.0
REFUSALS_MAX = 8
REPOST_S = 60.0
"""Firing alerts are posted to Alertmanager this often, well within the five minutes it keeps them."""
TEST_TIMEOUT_S = 30.0
TESTS_MAX = 4
DRAIN_S = 2.0
"""What sends under way have to end in when ``run`` is cancelled."""
_ALERTMANAGER = "alertmanager"


@dataclass(slots=True)
class SenderStats:
    """Counts since the start, by kind of channel (``email``, ...; ``unknown`` for what is none).

    ``failed`` counts attempts, the ``refused`` among them; ``repeated`` rows that went out again because a crash left
    open whether they had; ``gave_up`` rows that will not go out; ``reposted`` firing alerts told to Alertmanager again.
    """

    sent: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    gave_up: Counter[str] = field(default_factory=Counter)
    reposted: Counter[str] = field(default_factory=Counter)


class Sender:
    """Run ``run`` as one task; cancel it to stop.

    Messages of one channel go out in the order they were queued, those of different channels at the same time,
    SENDS_MAX at most. A channel that fails rests (see ``Standings``) and holds up no other. A message is given up
    after REFUSALS_MAX refusals, or where it fails at an age of over AGE_MAX_S. One whose channel is not configured
    waits for that as long.

    ``alertmanager`` and ``alertmanager:main`` may be one server, and are then one channel: what is said of channels
    here is said of what ``Channels.resolved`` gives, the key.

    ``firing`` gives (channel, notice) of each alert that fires (or flaps) now. Those of Alertmanagers are posted again
    every REPOST_S, never while another message of the same channel is under way, so that none overtakes its end.
    """

    def __init__(
        self,
        store: NotificationStore,
        channels: Channels,
        *,
        firing: Callable[[], list[tuple[str, Notice]]] | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
        drain_s: float = DRAIN_S,
    ) -> None:
        self.stats = SenderStats()
        self._store = store
        self._channels = channels
        self._firing = firing
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._drain_s = drain_s
        self._standings = Standings(self._rng)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._keys: dict[str, str] = {}
        self._stopping = False
        self._woken = asyncio.Event()
        self._tests = asyncio.Semaphore(TESTS_MAX)
        self._repost_at = -inf
        self._store_failures = 0

    def wake(self) -> None:
        """There is something new in the store."""
        self._woken.set()

    def configure(self, channels: Channels) -> None:
        """Send by these from the next attempt on, and try at once what rests. The caller closes the old ones."""
        self._channels = channels
        self._standings.clear()
        self.wake()

    async def test(self, channel: str, notice: Notice) -> str:
        """Send ``notice`` now, past the store. Returns "" where it was taken, else why it was not."""
        channels = self._channels
        warning = channels.warning(channel)
        if warning:
            return warning
        try:
            async with asyncio.timeout(TEST_TIMEOUT_S), self._tests:
                await channels.send(channel, notice, f"test-{self._rng.getrandbits(64):016x}")
        except SendError as error:
            return error.reason
        except TimeoutError:
            return f"no answer within {TEST_TIMEOUT_S:g} s"
        except Exception as error:
            return _unexpected(channel, error).reason
        return ""

    async def run(self) -> None:
        """Until cancelled. Sends under way then get ``drain_s`` to end; what does not goes out at the next start."""
        try:
            while True:
                self._woken.clear()
                await self._pause(await self._turn())
        finally:
            await self._stop()

    async def _turn(self) -> float:
        """Start what can be started; seconds until there may be more."""
        now = self._monotonic()
        try:
            self._start_reposts(now)
            await self._start_sends(now)
        except Exception as error:  # the store's, of whatever kind: a sender that ends would lose firings
            return self._store_failed(error)
        self._store_failures = 0
        due_at = min(self._standings.next_at(now), self._repost_at if self._firing else inf)
        return min(IDLE_S, max(0.0, due_at - now))

    async def _start_sends(self, now: float) -> None:
        # Again without the channels just started, because ROWS_MAX rows of one would hide the others; and without what
        # turned out to be another way of writing one that is left alone.
        while len(self._tasks) < SENDS_MAX:
            left_alone = self._left_alone(now)
            written = {channel for channel, key in self._keys.items() if key in left_alone}
            rows = await self._store.open(ROWS_MAX, written)
            if not rows:
                return
            waiting: dict[str, list[OpenNotification]] = {}
            for row in rows:
                waiting.setdefault(self._key(row.channel), []).append(row)
            for key in waiting:
                if key not in left_alone and len(self._tasks) < SENDS_MAX:
                    self._start(key, self._deliver_all(key, waiting[key]))

    def _start_reposts(self, now: float) -> None:
        if self._firing is None or now < self._repost_at:
            return
        self._repost_at = now + REPOST_S
        by_key: dict[str, dict[str, Notice]] = {}
        try:
            firing = self._firing()
        except Exception as error:  # whoever fails to tell must not keep what is queued from going out
            log.error("notification_firing_unknown", error=f"{type(error).__name__}: {error}")
            return
        for channel, notice in firing:
            if _kind(channel) == _ALERTMANAGER:
                by_key.setdefault(self._key(channel), {})[notice.alert_id] = notice
        for key in by_key.keys() - self._left_alone(now):  # those come again in REPOST_S
            if len(self._tasks) < SENDS_MAX and not self._channels.warning(key):
                self._start(key, self._repost(key, list(by_key[key].values())))

    def _key(self, channel: str) -> str:
        """What ``channel`` leads to. What is under way keeps its key, should a new configuration lead elsewhere."""
        key = self._keys.get(channel)
        if key is None or key not in self._tasks:
            if len(self._keys) >= KEYS_MAX:
                self._keys = {written: key for written, key in self._keys.items() if key in self._tasks}
            key = self._keys[channel] = self._channels.resolved(channel)
        return key

    def _left_alone(self, now: float) -> set[str]:
        """The keys by which nothing is started: something is under way, or they rest."""
        return self._tasks.keys() | self._standings.resting(now)

    def _start(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._finished(key, done))

    def _finished(self, key: str, task: asyncio.Task[None]) -> None:
        del self._tasks[key]
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._standings.failed(key, self._monotonic())
            self._store_failed(error)
        self._woken.set()

    async def _deliver_all(self, key: str, rows: Sequence[OpenNotification]) -> None:
        """One after another, until one fails or anything has changed: what is left is fetched again."""
        channels, until = self._channels, self._monotonic() + BATCH_S
        for row in rows:
            await self._deliver(key, row)
            now = self._monotonic()
            if self._stopping or now >= until or channels is not self._channels or self._standings.rests(key, now):
                return

    async def _deliver(self, key: str, row: OpenNotification) -> None:
        channels = self._channels
        warning = channels.warning(row.channel)
        if warning:
            await self._not_configured(key, row, warning)
            return
        try:
            notice = Notice.from_dict(row.payload)
        except (ValueError, TypeError, AttributeError):
            await self._give_up(row, "what was stored of the message can't be read")
            return
        if row.started_at is not None:  # by an earlier process: this one leaves no attempt unrecorded
            self.stats.repeated[_kind(row.channel)] += 1
            log.info("notification_repeated", channel=_shown(row.channel), alert_id=row.alert_id)
        await self._store.started(row.id, self._clock())
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await channels.send(row.channel, notice, f"{row.alert_id}-{row.id}")
        except SendError as error:
            await self._failed(key, row, error)
        except Exception as error:
            await self._failed(key, row, _unexpected(row.channel, error))
        else:
            await self._sent(key, row)

    async def _sent(self, key: str, row: OpenNotification) -> None:
        self.stats.sent[_kind(row.channel)] += 1
        await self._record(lambda: self._store.sent(row.id, self._clock()))
        self._recovered(key)

    async def _failed(self, key: str, row: OpenNotification, error: SendError) -> None:
        self._note_failure(key, error)
        refusals = 0 if error.passing else self._standings.refused(key, row.id)
        if refusals >= REFUSALS_MAX or self._is_old(row):
            await self._give_up(row, error.reason)
        else:
            await self._record(lambda: self._store.failed(row.id, self._clock(), error.reason, False))

    async def _not_configured(self, key: str, row: OpenNotification, warning: str) -> None:
        """No failure: it waits for the configuration, which can be loaded anew at any time."""
        if self._is_old(row):
            await self._give_up(row, warning)
            return
        if row.error != warning:  # once, not each time it is looked at
            log.warning("notification_waits", channel=_shown(row.channel), alert_id=row.alert_id, reason=warning)
            await self._record(lambda: self._store.failed(row.id, self._clock(), warning, False))
        self._standings.rest(key, self._monotonic() + UNCONFIGURED_S)

    async def _give_up(self, row: OpenNotification, reason: str) -> None:
        self.stats.gave_up[_kind(row.channel)] += 1
        log.error("notification_given_up", channel=_shown(row.channel), alert_id=row.alert_id, reason=reason)
        await self._record(lambda: self._store.failed(row.id, self._clock(), reason, True))

    async def _repost(self, key: str, notices: list[Notice]) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._channels.post_firing(key, notices)
        except SendError as error:
            self._note_failure(key, error)
        except Exception as error:
            self._note_failure(key, _unexpected(key, error))
        else:
            self.stats.reposted[_kind(key)] += len(notices)
            self._recovered(key)

    async def _record(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write an outcome, however long that takes: the message must not go out again because the store was away."""
        failures = 0
        while True:
            try:
                await write()
                return
            except Exception as error:
                failures += 1
                self._store_failed(error)
                await self._sleep(backoff_s(failures, RETRY_FIRST_S, RETRY_MAX_S, self._rng.random()))

    def _note_failure(self, key: str, error: SendError) -> None:
        self.stats.failed[_kind(key)] += 1
        self.stats.refused[_kind(key)] += not error.passing
        if self._standings.failed(key, self._monotonic(), error.retry_after_s) == 1:  # once an outage
            log.warning("notification_failing", channel=_shown(key), reason=error.reason, passing=error.passing)

    def _recovered(self, key: str) -> None:
        failures = self._standings.succeeded(key)
        if failures:
            log.info("notification_recovered", channel=_shown(key), failures=failures)

    def _store_failed(self, error: BaseException) -> float:
        self._store_failures += 1
        if self._store_failures == 1:
            log.error("notification_store_failing", error=f"{type(error).__name__}: {error}")
        return backoff_s(self._store_failures, RETRY_FIRST_S, RETRY_MAX_S, self._rng.random())

    def _is_old(self, row: OpenNotification) -> bool:
        return self._clock() - row.queued_at >= AGE_MAX_S

    async def _pause(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(self._woken.wait()), asyncio.ensure_future(self._sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _stop(self) -> None:
        self._stopping = True
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=self._drain_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _kind(channel: str) -> str:
    try:
        return parse_address(channel).kind
    except ValueError:
        return "unknown"


def _shown(channel: str) -> str:
    """For logs."""
    try:
        return parse_address(channel).shown
    except ValueError:
        return redacted(channel)


def _unexpected(channel: str, error: Exception) -> SendError:
    """A fault of ours or of a library. Its own words are left out: they may hold a URL or a password."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else ""
    log.error("notification_fault", channel=_shown(channel), error=type(error).__name__, place=place)
    return SendError(f"it could not be sent ({type(error).__name__})", passing=True)
