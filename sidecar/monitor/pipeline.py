"""The story of the monitor in one loop: take, decode, summarise, tally, commit, acknowledge, sample."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from sidecar.link import FrameError, Kind, unpack_counts, unpack_exchanges
from sidecar.monitor.buckets import Buckets
from sidecar.monitor.intake import Intake, Received
from sidecar.monitor.sampling import Decision, Sampling
from sidecar.recording import Batch, OutboxItem, PairRow, StoreError, UnitCut, UnitRow, VerdictChange
from sidecar.summaries import Summary, SummaryKey
from sidecar.types import Exchange, Prediction, RequestCounts

log = structlog.get_logger()

BATCH_S = 0.25
BATCH_ROWS_MAX = 500
FRAMES_MAX = 64
COMMIT_RETRY_S = 1.0
BUCKET_S = 10


Hand = Callable[[SummaryKey, int, Summary], Sequence[OutboxItem]]
Life = tuple[int, int]
"""A worker and its epoch."""


class Tallied(Protocol):
    """Rows of tests that belong into a commit."""

    @property
    def units(self) -> Sequence[UnitRow]: ...
    @property
    def pairs(self) -> Sequence[PairRow]: ...
    @property
    def cuts(self) -> Sequence[UnitCut]: ...


class Settled(Protocol):
    """A copied request of which nothing more is awaited: its images to keep; its body may go then."""

    @property
    def life(self) -> Life: ...
    @property
    def request_id(self) -> str: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def keep(self) -> Sequence[tuple[Prediction, Decision]]: ...


class Trials(Protocol):
    """Sums of A/B tests and shadow tests."""

    async def add(self, sampled: Sequence[tuple[Life, Exchange, Sequence[Prediction]]]) -> Tallied:
        """Add what a batch brought; what is to be committed with it. Called in each turn."""

    def committed(self) -> Sequence[Settled]:
        """What ``add`` returned is committed, or was refused for ever."""

    def holds(self, request_id: str) -> bool:
        """Whether the body of a copied request may be wanted later."""

    def write_all(self) -> None:
        """The store was begun afresh: all that is in memory is to be committed again."""


class Verdicts(Protocol):
    """What people said of predictions, on its way into the summaries."""

    def take(self) -> Sequence[VerdictChange]:
        """Changes that no summary holds yet; each is given once. They are committed with the summaries."""


@dataclass(slots=True)
class Taken:
    """What one turn of the loop has taken in and not yet committed."""

    predictions: list[Prediction] = field(default_factory=list)
    counts: list[RequestCounts] = field(default_factory=list)
    positions: dict[Life, int] = field(default_factory=dict)
    sampled: list[tuple[Life, Exchange, Sequence[Prediction]]] = field(default_factory=list)
    verdicts: Sequence[VerdictChange] = ()


class Pipeline:
    """Turns frames into rows, summaries and samples. One task runs ``run``.

    ``commit`` is the store's; ``predictions_of`` reads an exchange; ``hand_on`` says what of a closed bucket goes to
    the outbox. ``totals`` are the summaries since the start of this process, by (model, version, role). ``trials`` sums
    up what is of tests, ``verdicts`` has what people said; ``generation`` is the store's: where it grows, what is kept
    in memory is written again.
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
        *,
        trials: Trials | None = None,
        verdicts: Verdicts | None = None,
        generation: Callable[[], int] = lambda: 0,
    ) -> None:
        self._intake = intake
        self._commit = commit
        self._buckets = buckets
        self._sampling = sampling
        self._predictions_of = predictions_of
        self._hand_on = hand_on
        self._clock = clock
        self._trials = trials
        self._verdicts = verdicts
        self._generation = generation
        self._written_to = generation()
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
        self._look_at_the_store()
        if self._verdicts is not None:
            taken.verdicts = self._verdicts.take()
        deltas = self._summarise(taken)
        for key, probe in self._probes.items():
            deltas[key] = deltas[key].merge(probe) if key in deltas else probe
        self._probes = {}
        await self._buckets.add(deltas)
        closed = self._buckets.closed(self._clock())
        outbox = [item for key, revision, summary in closed for item in self._hand_on(key, revision, summary)]
        batch = Batch(taken.predictions, self._buckets.dirty(), taken.positions, outbox)
        batch.verdicts_counted = [(change.generation, change.change_id) for change in taken.verdicts]
        if self._trials is not None:
            tallied = await self._trials.add(taken.sampled)
            batch = replace(batch, units=tallied.units, pairs=tallied.pairs, cuts=tallied.cuts)
        if batch.summaries or outbox or taken.positions or _rows_of_trials(batch):
            await self._commit_until_done(batch)
            self._buckets.clean()
        self._buckets.streamed(closed)
        self._buckets.evict(self._clock())
        self._intake.acknowledge(taken.positions)
        self.written += len(taken.predictions)
        self._sample(taken)

    def _look_at_the_store(self) -> None:
        """One that was begun afresh has nothing of what was summed up since a test began."""
        generation = self._generation()
        if generation != self._written_to:
            self._written_to = generation
            self._buckets.write_epochs()
            if self._trials is not None:
                self._trials.write_all()

    def _sample(self, taken: Taken) -> None:
        """Ask for the images that are worth keeping, and let go of the others."""
        settled = self._trials.committed() if self._trials is not None else ()
        for request in settled:  # first, so that no rule lets go of what is wanted here
            if request.keep:
                self._sampling.want_for(request.life, request.request_id, request.headers, request.keep)
        for life, exchange, predictions in taken.sampled:
            held = self._trials is not None and self._trials.holds(exchange.prediction_id)
            self._sampling.consider(life, exchange, predictions, held)
        for request in settled:
            self._sampling.let_go(request.life, request.request_id)

    def probed(self, prediction: Prediction, width: int, height: int, brightness: float) -> None:
        """The input probe measured an image (``brightness`` in 0..1): it counts in the bucket of its prediction."""
        summary = self._probes.setdefault(_key_of_prediction(prediction), Summary())
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
            deltas[_key_of(count, count.bucket)].add_counts(count)
        for change in taken.verdicts:
            deltas[_key_of(change, change.bucket)].add_feedback(change.kind, change.n)
        grouped: dict[SummaryKey, list[Prediction]] = defaultdict(list)
        for prediction in taken.predictions:
            grouped[_key_of_prediction(prediction)].append(prediction)
        for key, predictions in grouped.items():
            deltas[key].add_predictions(predictions)
        for key, delta in deltas.items():
            total = self.totals.get((key.model, key.version, key.role), Summary())
            self.totals[key.model, key.version, key.role] = total.merge(delta)
        return dict(deltas)

    async def _commit_until_done(self, batch: Batch) -> None:
        """A store that fails is tried again for as long as it takes: workers keep what is not acknowledged.

        What it calls invalid it would refuse for ever: then some of the batch is dropped, and counted.
        """
        started = time.monotonic()
        lighter = _lighter(batch)
        tried = batch
        while True:
            try:
                await self._commit(tried)
                break
            except StoreError as error:
                self.commit_failures[error.reason] += 1
                log.error("commit_failed", reason=error.reason, error=str(error))
                if error.reason == "invalid" and lighter:
                    tried = lighter.pop(0)
                    continue
                await asyncio.sleep(COMMIT_RETRY_S)
        self._count_dropped("store", len(batch.predictions) - len(tried.predictions))
        self._count_dropped("trials", _rows_of_trials(batch) - _rows_of_trials(tried))
        self.commit_seconds += time.monotonic() - started

    def _count_dropped(self, stage: str, rows: int) -> None:
        if rows:
            self.dropped[stage, "invalid"] += rows


def _rows_of_trials(batch: Batch) -> int:
    return len(batch.units) + len(batch.pairs) + len(batch.cuts)


def _lighter(batch: Batch) -> list[Batch]:
    """What is left to try where a batch is refused for what is in it: without the sums of tests, which are written
    again with the next that is added to them; without its predictions; without either."""
    without_sums = replace(batch, units=(), pairs=(), cuts=())
    found = []
    if _rows_of_trials(batch):
        found.append(without_sums)
    if batch.predictions:
        found.append(replace(batch, predictions=()))
    if _rows_of_trials(batch) and batch.predictions:
        found.append(replace(without_sums, predictions=()))
    return found


def _key_of_prediction(prediction: Prediction) -> SummaryKey:
    return _key_of(prediction, int(prediction.at) // BUCKET_S * BUCKET_S)


def _key_of(counted: Prediction | RequestCounts | VerdictChange, bucket: int) -> SummaryKey:
    return SummaryKey(
        bucket=bucket,
        width_s=BUCKET_S,
        model=counted.model,
        version=counted.version,
        role=counted.role,
        experiment=counted.experiment,
        epoch=counted.epoch,
        slice=counted.slice,
    )
