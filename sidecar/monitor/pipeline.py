"""The story of the monitor in one loop: take, decode, summarise, commit, acknowledge, sample."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from sidecar.link import FrameError, Kind, unpack_counts, unpack_exchanges
from sidecar.monitor.buckets import Buckets
from sidecar.monitor.intake import Intake, Received
from sidecar.monitor.sampling import Sampling
from sidecar.recording import Batch, OutboxItem, StoreError
from sidecar.summaries import Summary, SummaryKey
from sidecar.types import Exchange, Prediction, RequestCounts

log = structlog.get_logger()

BATCH_S = 0.25
BATCH_ROWS_MAX = 500
FRAMES_MAX = 64
COMMIT_RETRY_S = 1.0
BUCKET_S = 10


Hand = Callable[[SummaryKey, int, Summary], Sequence[OutboxItem]]


@dataclass(slots=True)
class Taken:
    """What one turn of the loop has taken in and not yet committed."""

    predictions: list[Prediction] = field(default_factory=list)
    counts: list[RequestCounts] = field(default_factory=list)
    positions: dict[tuple[int, int], int] = field(default_factory=dict)
    sampled: list[tuple[tuple[int, int], Exchange, list[Prediction]]] = field(default_factory=list)


class Pipeline:
    """Turns frames into rows, summaries and samples. One task runs ``run``.

    ``commit`` is the store's; ``predictions_of`` reads an exchange; ``hand_on`` says what of a closed bucket goes to
    the outbox. ``totals`` are the summaries since the start of this process, by (model, version, role).
    """

    def __init__(
        self,
        intake: Intake,
        commit: Callable[[Batch], Awaitable[None]],
        buckets: Buckets,
        sampling: Sampling,
        predictions_of: Callable[[Exchange], list[Prediction]],
        hand_on: Hand,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._intake = intake
        self._commit = commit
        self._buckets = buckets
        self._sampling = sampling
        self._predictions_of = predictions_of
        self._hand_on = hand_on
        self._clock = clock
        self.totals: dict[tuple[str, str, str], Summary] = {}
        self.written = 0
        self.commit_failures: Counter[str] = Counter()
        self.commit_seconds = 0.0
        self.dropped: Counter[tuple[str, str]] = Counter()
        self._probes: dict[SummaryKey, Summary] = {}
        self._finishing = False

    async def run(self) -> None:
        """Until ``finish``; a turn that has begun is seen to its end."""
        while not self._finishing:
            await self.turn()

    def finish(self) -> None:
        """The turn under way is the last."""
        self._finishing = True

    async def turn(self) -> None:
        """Take what arrives within a quarter of a second, at most 500 rows of it, and see it to the end."""
        taken = await self._collect()
        deltas = self._summarise(taken)
        for key, probe in self._probes.items():
            deltas[key] = deltas[key].merge(probe) if key in deltas else probe
        self._probes = {}
        await self._buckets.add(deltas)
        closed = self._buckets.closed(self._clock())
        outbox = [item for key, revision, summary in closed for item in self._hand_on(key, revision, summary)]
        rows = self._buckets.dirty()
        if rows or outbox or taken.positions:
            await self._commit_until_done(Batch(taken.predictions, rows, taken.positions, outbox))
            self._buckets.clean()
        self._buckets.streamed(closed)
        self._buckets.evict(self._clock())
        self._intake.acknowledge(taken.positions)
        self.written += len(taken.predictions)
        for life, exchange, predictions in taken.sampled:
            self._sampling.consider(life, exchange, predictions)

    def probed(self, prediction: Prediction, width: int, height: int, brightness: float) -> None:
        """The input probe measured an image (``brightness`` in 0..1): it counts in the bucket of its prediction."""
        summary = self._probes.setdefault(_key_of(prediction), Summary())
        summary.add_probe(width, height, brightness)

    async def _collect(self) -> Taken:
        taken = Taken()
        loop = asyncio.get_running_loop()
        ends = loop.time() + BATCH_S
        while (wait_s := ends - loop.time()) > 0 and len(taken.predictions) < BATCH_ROWS_MAX:
            for received in await self._intake.take(wait_s, FRAMES_MAX):
                self._read(received, taken)
                await asyncio.sleep(0)
        return taken

    def _read(self, received: Received, taken: Taken) -> None:
        life = (received.worker, received.epoch)
        if received.frame.sequence <= max(self._intake.positions.get(life, 0), taken.positions.get(life, 0)):
            return
        taken.positions[life] = received.frame.sequence
        try:
            if received.frame.kind is Kind.COUNTS:
                taken.counts += unpack_counts(received.frame.payload)
                return
            for exchange in unpack_exchanges(received.frame.payload):
                predictions = self._predictions_of(exchange)
                taken.predictions += predictions
                taken.sampled.append((life, exchange, predictions))
        except (FrameError, KeyError, TypeError, ValueError) as error:
            self.dropped["pipeline", "bad_frame"] += 1
            log.warning("bad_frame_payload", worker=received.worker, error=str(error))

    def _summarise(self, taken: Taken) -> dict[SummaryKey, Summary]:
        deltas: dict[SummaryKey, Summary] = defaultdict(Summary)
        for count in taken.counts:
            deltas[_key_of_counts(count)].add_counts(count)
        grouped: dict[SummaryKey, list[Prediction]] = defaultdict(list)
        for prediction in taken.predictions:
            grouped[_key_of(prediction)].append(prediction)
        for key, predictions in grouped.items():
            deltas[key].add_predictions(predictions)
        for key, delta in deltas.items():
            total = self.totals.get((key.model, key.version, key.role), Summary())
            self.totals[key.model, key.version, key.role] = total.merge(delta)
        return dict(deltas)

    async def _commit_until_done(self, batch: Batch) -> None:
        """A store that fails is tried again for as long as it takes: workers keep what is not acknowledged."""
        started = time.monotonic()
        while True:
            try:
                await self._commit(batch)
                break
            except StoreError as error:
                self.commit_failures[error.reason] += 1
                log.error("commit_failed", reason=error.reason, error=str(error))
                if error.reason == "invalid" and batch.predictions:  # it would be refused for ever
                    self.dropped["store", "invalid"] += len(batch.predictions)
                    batch.predictions = ()
                    continue
                await asyncio.sleep(COMMIT_RETRY_S)
        self.commit_seconds += time.monotonic() - started


def _key_of(prediction: Prediction) -> SummaryKey:
    return SummaryKey(
        bucket=int(prediction.at) // BUCKET_S * BUCKET_S,
        width_s=BUCKET_S,
        model=prediction.model,
        version=prediction.version,
        role=prediction.role,
        experiment=prediction.experiment,
        epoch=prediction.epoch,
        slice=prediction.slice,
    )


def _key_of_counts(count: RequestCounts) -> SummaryKey:
    return SummaryKey(
        bucket=count.bucket,
        width_s=BUCKET_S,
        model=count.model,
        version=count.version,
        role=count.role,
        experiment=count.experiment,
        epoch=count.epoch,
        slice=count.slice,
    )
