"""The monitor process: its parts put together, started in order, stopped in the reverse.

``python -m sidecar.app.monitor`` reads a line of JSON from standard input (the configuration and the link's path),
further lines are reloads, and the end of input is the order to finish.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import setproctitle
import structlog
import uvloop

from sidecar.api.idempotency import Once
from sidecar.api.services import Services
from sidecar.app.admin_port import AdminPort
from sidecar.app.config import Config, config_of_running
from sidecar.app.control import Control
from sidecar.app.figures import Figures
from sidecar.app.giving_way import ask_for_short_slices
from sidecar.app.logs import set_up_logs
from sidecar.app.loop import Loop
from sidecar.app.reading import Reading
from sidecar.app.state import load_state
from sidecar.app.trial_asking import Asking
from sidecar.app.trialing import Trialing
from sidecar.app.trials_api import TrialsApi
from sidecar.app.watch_api import WatchApi
from sidecar.app.watching import Watching
from sidecar.monitor.backfill import backfill_days
from sidecar.monitor.buckets import KEPT_S, Buckets
from sidecar.monitor.intake import Intake
from sidecar.monitor.pipeline import Pipeline
from sidecar.monitor.sampling import Sampling, Wanted
from sidecar.recording import ClockAgreement, IdempotencyKeys, OutboxItem, Reader, Store, StoreError, SummaryRow
from sidecar.streaming import Delivery, summary_item
from sidecar.summaries import Summary, SummaryKey

log = structlog.get_logger()

RETAIN_EVERY_S = 30.0
STORE_RETRY_S = 1.0
HELLO_BYTES_MAX = 16 << 20
LAST_FRAMES_S = 5.0
"""How long the last commit may take once the workers have gone."""


class Monitor:
    """The monitor of one sidecar. ``link`` is the path of the socket that the workers connect to."""

    def __init__(self, config: Config, link: Path) -> None:
        self._config = config
        self._link = link
        self._admin_port = AdminPort(config)
        self._tasks: list[asyncio.Task[None]] = []
        self._control: Control | None = None
        self._figures: Figures | None = None
        self._unsaved: Config | None = None
        self._pipeline_life: asyncio.Task[None] | None = None
        self._instance_id = f"{socket.gethostname()}:{config.listen.port}"

    async def run(self, finished: asyncio.Event) -> None:
        """Until ``finished``."""
        async with contextlib.AsyncExitStack() as stack:
            store = await _open_store(self._config.data_dir, finished)
            if store is None:
                return
            stack.push_async_callback(store.close)
            reader = await Reader.open(self._config.data_dir)
            stack.push_async_callback(reader.close)
            intake, pipeline = await self._start(stack, store, reader)
            # What stands now stays: walking it again at every full collection held the event loop for tens of ms.
            gc.collect()
            gc.freeze()
            await finished.wait()
            await self._record_the_rest(intake, pipeline)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _start(self, stack: contextlib.AsyncExitStack, store: Store, reader: Reader) -> tuple[Intake, Pipeline]:
        try:
            load = functools.partial(_summaries, reader)
            await backfill_days(await reader.first_hour(), time.time(), load, store.commit)
        except StoreError as error:  # what is recorded from now on is worth more than the past by the day
            log.error("days_not_backfilled", reason=error.reason)
        positions = await store.positions()
        buckets = Buckets(store.summary)
        buckets.restore(await store.open_summaries(int(time.time()) - KEPT_S))
        config = self._config  # from here to the intake nothing awaits: no reload comes between
        control = Control(config, load_state(config.data_dir), lambda settings: intake.apply(settings))
        reading = Reading(control.config)
        loop = Loop(config, store, reader, control)
        trialing = Trialing(
            *(control.config, store, reader, control),
            gone=buckets.forget,
            tell=lambda trial: watching.tell_of_stops(trial),
        )

        def configure(changed: Config) -> None:
            loop.configure(changed)
            reading.configure(changed)
            watching.configure(changed)
            trialing.configure(changed)

        control.on_change = configure

        def keep(wanted: Wanted, body: bytes) -> None:
            probe = wanted.probe
            measured = None if probe is None else functools.partial(pipeline.probed, probe)
            loop.keeper.offer(wanted.keep, wanted.headers, body, measured)

        sampling = Sampling(
            loop.engine.decide_all,
            keep,
            lambda worker, epoch, name: intake.want(worker, epoch, name),
            lambda worker, epoch, name: intake.release(worker, epoch, name),
            loop.engine.admit,
            lambda prediction, why: loop.engine.not_kept(prediction, why.reasons),
        )
        intake = Intake(
            *(self._link, control.compiled(), positions, sampling.image, sampling.missing), on_ask=loop.answer_feedback
        )
        self._control = control
        pipeline = Pipeline(
            *(intake, store.commit, buckets, sampling, reading.predictions_of_all, self._hand_on),
            trials=trialing.tally,
            verdicts=loop.feedback.verdicts,
            generation=lambda: store.generation,
        )
        deliveries = [
            Delivery(
                *(store, item.name, item.url, item.headers),
                instance_id=self._instance_id,
                outbox_bytes_max=item.outbox_bytes_max,
            )
            for item in config.stream
        ]
        counting = (store, intake, pipeline, sampling, loop.keeper, deliveries, trialing.tally)
        figures = self._figures = Figures(*counting, config.retention)
        watching = Watching(config, store, reader, figures, stops=trialing.stops, named=loop.known.pairs)
        await watching.restore()
        await trialing.restore()
        await loop.restore()
        reader.on_corrupt = functools.partial(_heal, store)
        stack.push_async_callback(watching.close)
        asking = Asking(trialing, watching, watching.tell_of_stops, loop.known.pairs)
        trials = TrialsApi(trialing, asking)
        access = self._admin_port.access()
        services = Services(*(reader, figures, control, WatchApi(watching), trials, config.data_dir), **access)
        services.once = Once(IdempotencyKeys(store), time.time)
        loop.offer(services, trialing.serving)
        await self._admin_port.serve(stack, services)
        await intake.start()
        stack.push_async_callback(intake.stop)
        stack.push_async_callback(loop.keeper.close)
        self._pipeline_life = asyncio.create_task(_run_or_die(pipeline))
        self._keep_running("retention", lambda: self._retain(store, loop))
        for name, work in (*watching.parts(), *trialing.parts(), *loop.parts()):
            self._keep_running(name, work)
        for delivery in deliveries:
            self._keep_running(f"delivery {delivery.name}", delivery.run)
        return intake, pipeline

    async def _record_the_rest(self, intake: Intake, pipeline: Pipeline) -> None:
        """See what the workers still ship into the store. Where the supervisor was killed they are still serving."""
        limits = self._config.limits
        ends = time.monotonic() + limits.drain_delay_s + limits.drain_grace_s + LAST_FRAMES_S
        while not intake.is_quiet and time.monotonic() < ends:  # noqa: ASYNC110 - two rooms' states, no one event
            await asyncio.sleep(0.02)
        pipeline.finish()
        if self._pipeline_life is not None:
            done, _ = await asyncio.wait({self._pipeline_life}, timeout=LAST_FRAMES_S)
            if not done:
                log.error("frames_not_recorded", reason="the store did not take them in time")
                self._pipeline_life.cancel()

    def _hand_on(self, key: SummaryKey, revision: int, summary: Summary) -> Sequence[OutboxItem]:
        """A closed bucket as an item for every backend."""
        return [summary_item(stream.name, self._instance_id, key, revision, summary) for stream in self._config.stream]

    async def _retain(self, store: Store, loop: Loop) -> None:
        """Keep the store within its bounds, for ever."""
        clocks = ClockAgreement(time.time(), time.monotonic())
        retention = self._config.retention
        retained_at = time.monotonic()
        while True:
            await asyncio.sleep(STORE_RETRY_S)
            if self._unsaved is not None:
                self.reload(self._unsaved)
            if store.health.reason != "full" and time.monotonic() - retained_at < RETAIN_EVERY_S:
                continue
            retained_at = time.monotonic()
            sure = clocks.agree(time.time(), time.monotonic())
            age_s = retention.age_days * 86_400 if sure else float("inf")
            try:
                retained = await store.retain(time.time(), age_s, retention.bytes_max)
                loop.feedback.expired += retained.pending_dropped
                if self._figures is not None:
                    self._figures.removed["feedback", "room"] += retained.feedback_dropped
            except StoreError as error:
                log.error("retention_failed", reason=error.reason)

    def _keep_running(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """A part that fails is logged and started again: none of them may take the others down."""

        async def keep() -> None:
            while True:
                try:
                    await work()
                except asyncio.CancelledError:
                    raise
                except Exception as error:
                    log.exception("part_failed", part=name)
                    if self._figures is not None:
                        self._figures.part_failures[name] = f"{type(error).__name__}: {error}"[:200], time.monotonic()
                await asyncio.sleep(1.0)

        self._tasks.append(asyncio.create_task(keep()))

    def reload(self, config: Config) -> None:
        """The supervisor read a new configuration."""
        self._config = config
        self._admin_port.renew()
        if self._control is None:
            return
        try:
            self._control.reload(config)
            self._unsaved = None
        except OSError as error:  # a full disk, say: workers go on as they were until it can be saved
            self._unsaved = config
            log.error("reload_not_saved", error=str(error))


async def _heal(store: Store) -> None:
    """A reader met damage that the writer, which works from its cache, may not see by itself."""
    await store.check()


async def _summaries(reader: Reader, width_s: int, since: float, until: float) -> Sequence[SummaryRow]:
    return await reader.summaries(since=since, until=until, width_s=width_s)


async def _run_or_die(pipeline: Pipeline) -> None:
    """A fault in the pipeline ends the process: what it had taken and not committed is still with the workers, who
    send it again to the next life. To go on here would acknowledge past it."""
    try:
        await pipeline.run()
    except Exception:
        log.exception("pipeline_failed")
        os._exit(os.EX_SOFTWARE)


async def _open_store(data_dir: Path, finished: asyncio.Event) -> Store | None:
    """The store, tried for as long as it takes: the proxy goes on meanwhile, and its workers keep what they can."""
    while not finished.is_set():
        try:
            return await Store.open(data_dir)
        except (StoreError, OSError) as error:
            log.error("store_not_opened", error=str(error))
            await asyncio.sleep(STORE_RETRY_S)
    return None


async def _main() -> None:
    finished = asyncio.Event()
    reader = asyncio.StreamReader(limit=HELLO_BYTES_MAX)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, finished.set)
    config, link = _hello(await reader.readline())
    ask_for_short_slices()  # now that it is nice, and before it has threads
    set_up_logs(config.log_format, "monitor")
    monitor = Monitor(config, link)
    orders = asyncio.create_task(_follow_orders(reader, monitor, finished))
    await monitor.run(finished)
    orders.cancel()


def _hello(line: bytes) -> tuple[Config, Path]:
    hello = json.loads(line)
    return config_of_running(hello["config"], hello.get("came_from", {})), Path(hello["link"])


async def _follow_orders(reader: asyncio.StreamReader, monitor: Monitor, finished: asyncio.Event) -> None:
    try:
        while line := await reader.readline():
            try:
                monitor.reload(_hello(line)[0])
            except Exception:
                log.exception("reload_failed")
    finally:
        finished.set()


def main() -> None:
    """The process."""
    setproctitle.setproctitle("sidecar: monitor")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    uvloop.run(_main())


if __name__ == "__main__":
    main()
