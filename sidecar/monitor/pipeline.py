"""The story of the monitor in one loop: take, decode, summarise, tally, commit, acknowledge, sample."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from sidecar.link import FrameError, Kind, unpack_counts
from sidecar.monitor.buckets import Buckets
from sidecar.monitor.intake import Intake, Received
from sidecar.monitor.sampling import Decision, Life, Read, Sampling
from sidecar.recording import Batch, OutboxItem, PairRow, StoreError, UnitCut, UnitRow, VerdictChange
from sidecar.shipping import unpack_exchanges
from sidecar.summaries import Summary, SummaryKey
from sidecar.types import Exchange, Prediction, RequestCounts

log = structlog.get_logger()

BATCH_S = 0.25
BATCH_ROWS_MAX = 500
FRAMES_MAX = 64
EXCHANGES_A_TURN = 128
"""Exchanges that are read at once before the event loop gets its turn, some 5 ms."""
COMMIT_RETRY_S = 1.0
BUCKET_S = 10
TOTALS_MAX = 10_000
"""Models, versions and roles with a total of their own, 3 KB each; clients may make names up: others share one."""
OTHER = "other"
SAMPLED_AT_ONCE = 500
BOXES_SAMPLED_AT_ONCE = 10_000
"""Predictions, and boxes of them, that rules decide over before the event loop gets its turn: some 5 ms, 15 where
each image is tried for a crowd of just under a hundred boxes."""


Hand = Callable[[SummaryKey, int, Summary], Sequence[OutboxItem]]


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

    async def add(self, sampled: Sequence[Read]) -> Tallied:
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
    sampled: list[Read] = field(default_factory=list)
    verdicts: Sequence[VerdictChange] = ()


class Pipeline:
    """Turns frames into rows, summaries and samples. One task runs ``run``.

    ``commit`` is the store's; ``predictions_of_all`` reads exchanges; ``hand_on`` says what of a closed bucket goes to
    the outbox. ``totals`` are the summaries since the start of this process, by (model, version, role). ``trials`` sums
    up what is of tests, ``verdicts`` has what people said; ``generation`` is the store's: where it grows, what is kept
    in memory is written again. ``uncommitted`` are the predictions of the batch that is with the store now.
    """

    def __init__(
        self,
        intake: Intake,
        commit: Callable[[Batch], Awaitable[None]],
        buckets: Buckets,
        sampling: Sampling,
        predictions_of_all: Callable[[Sequence[Exchange]], list[list[Prediction]]],
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
        self._predictions_of_all = predictions_of_all
        self._hand_on = hand_on
        self._clock = clock
        self._trials = trials
        self._verdicts = verdicts
        self._generation = generation
        self._written_to = generation()
        self.totals: dict[tuple[str, str, str], Summary] = {}
        self.written = 0
        self.uncommitted = 0
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
        await self._sample(taken)

    def _look_at_the_store(self) -> None:
        """One that was begun afresh has nothing of what was summed up since a test began."""
        generation = self._generation()
        if generation != self._written_to:
            self._written_to = generation
            self._buckets.write_epochs()
            if self._trials is not None:
                self._trials.write_all()

    async def _sample(self, taken: Taken) -> None:
        """Ask for the images that are worth keeping, and let go of the others."""
        settled = self._trials.committed() if self._trials is not None else ()
        for request in settled:  # first, so that no rule lets go of what is wanted here
            if request.keep:
                self._sampling.want_for(request.life, request.request_id, request.headers, request.keep)
        for number, part in enumerate(_parts(taken.sampled)):
            if number:
                await asyncio.sleep(0)
            self._sampling.consider(part, self._holds)
        for request in settled:
            self._sampling.let_go(request.life, request.request_id)

    def _holds(self, request_id: str) -> bool:
        return self._trials is not None and self._trials.holds(request_id)

    def probed(self, prediction: Prediction, width: int, height: int, brightness: float) -> None:
        """The input probe measured an image (``brightness`` in 0..1): it counts in the bucket of its prediction."""
        summary = self._probes.setdefault(_key_of_prediction(prediction), Summary())
        summary.add_probe(width, height, brightness)

    async def _collect(self) -> Taken:
        taken = Taken()
        loop = asyncio.get_running_loop()
        ends = loop.time() + BATCH_S
        unread: list[tuple[Life, Exchange]] = []
        while (wait_s := ends - loop.time()) > 0 and len(taken.predictions) + len(unread) < BATCH_ROWS_MAX:
            for received in await self._intake.take(wait_s, FRAMES_MAX):
                unread += self._unpack(received, taken)
                await asyncio.sleep(0)
            # a frame has few exchanges, and to read few at once costs twice as much for each
            while len(unread) >= EXCHANGES_A_TURN:
                await self._read(unread, taken)
        while unread:
            await self._read(unread, taken)
        return taken

    async def _read(self, unread: list[tuple[Life, Exchange]], taken: Taken) -> None:
        """Move some of ``unread`` into ``taken``; then the event loop has its turn."""
        exchanges = unread[:EXCHANGES_A_TURN]
        del unread[:EXCHANGES_A_TURN]
        read = self._predictions_of_all([exchange for _, exchange in exchanges])
        for (life, exchange), predictions in zip(exchanges, read, strict=True):
            taken.predictions += predictions
            taken.sampled.append((life, exchange, predictions))
        await asyncio.sleep(0)

    def _unpack(self, received: Received, taken: Taken) -> list[tuple[Life, Exchange]]:
        """The exchanges of a frame that was not taken yet; its counts go into ``taken``."""
        life = (received.worker, received.epoch)
        if received.frame.sequence <= max(self._intake.positions.get(life, 0), taken.positions.get(life, 0)):
            return []
        taken.positions[life] = received.frame.sequence
        try:
            if received.frame.kind is Kind.COUNTS:
                taken.counts += unpack_counts(received.frame.payload)
                return []
            return [(life, exchange) for exchange in unpack_exchanges(received.frame.payload)]
        except (FrameError, KeyError, TypeError, ValueError) as error:
            self.dropped["pipeline", "bad_frame"] += 1
            log.warning("bad_frame_payload", worker=received.worker, error=str(error))
            return []

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
            whose = (key.model, key.version, key.role)
            if whose not in self.totals and len(self.totals) >= TOTALS_MAX:
                whose = (OTHER, "", key.role)
            self.totals[whose] = self.totals.get(whose, Summary()).merge(delta)
        return dict(deltas)

    async def _commit_until_done(self, batch: Batch) -> None:
        """A store that fails is tried again for as long as it takes: workers keep what is not acknowledged.

        What it calls invalid it would refuse for ever: then some of the batch is dropped, and counted.
        """
        started = time.monotonic()
        self.uncommitted = len(batch.predictions)
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
        self.uncommitted = 0
        self.commit_seconds += time.monotonic() - started

    def _count_dropped(self, stage: str, rows: int) -> None:
        if rows:
            self.dropped[stage, "invalid"] += rows


def _parts(sampled: Iterable[Read]) -> Iterator[list[Read]]:
    """What rules decide over at once; an exchange is never divided."""
    part: list[Read] = []
    images = boxes = 0
    for read in sampled:
        of_read = [len(image.detections.scores) for image in read[2] if image.detections is not None]
        images += len(of_read)
        boxes += sum(of_read)
        if part and (images > SAMPLED_AT_ONCE or boxes > BOXES_SAMPLED_AT_ONCE):
            yield part
            part, images, boxes = [], len(of_read), sum(of_read)
        part.append(read)
    if part:
        yield part


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
