"""What each batch of exchanges adds to the tests that run, and which images of shadow tests to ask for.

The pipeline awaits ``add`` before a commit, puts the rows into it, and calls ``committed`` after it. Sums are whole and
are restored from the store, so a batch that was not committed is simply added by the next life.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import structlog

from sidecar.experiments.pairs import IOU_MIN, PairSummary, RequestPair, pair_request
from sidecar.recording import PairRow, StoreError, Trials, UnitCut, UnitRow
from sidecar.trials.disagreement import Chosen, Disagreement
from sidecar.trials.pairing import COPY_SUFFIX, WAITING_S, Half, Life, Pairs, Side
from sidecar.trials.units import UnitSums, unit_hash
from sidecar.trials.vectors import Answer, vectors_of
from sidecar.types import Exchange, Prediction

log = structlog.get_logger()

ANSWERS_A_TURN = 100
"""Exchanges that are summed up before the event loop gets its turn."""
EPOCH_MAX = 1 << 31
"""A higher epoch is no test's."""
BOXES_ON_THE_LOOP = 200
"""Boxes of both sides that are matched at once, some 2 ms; more are matched in a thread."""

Lookup = Callable[[str], Awaitable[Sequence[Prediction]]]
"""The recorded predictions of a request."""


@dataclass(frozen=True, slots=True)
class Running:
    """What the tally needs to know of a test."""

    trial_id: str
    kind: Literal["ab", "shadow"]
    salt: str = ""
    unit: str = "request"
    slow_edge_ms: float | None = None
    iou_min: float = IOU_MIN
    samples_per_hour: int = 0


@dataclass(frozen=True, slots=True)
class Tallied:
    """Rows that belong into the commit of what was added."""

    units: Sequence[UnitRow]
    pairs: Sequence[PairRow]
    cuts: Sequence[UnitCut]


@dataclass(frozen=True, slots=True)
class Settled:
    """A copied request of which nothing more is awaited: its images to keep, none as a rule; its body may go then."""

    life: Life
    request_id: str
    headers: tuple[tuple[str, str], ...]
    keep: tuple[tuple[Prediction, Disagreement], ...] = ()


class _Known:
    """A test and its sums."""

    def __init__(self, running: Running) -> None:
        self.running = running
        lasting = running.kind == "ab" and running.unit != "request"
        self.units = UnitSums(running.trial_id) if lasting else None
        self.pairs = Pairs(running.trial_id, running.iou_min) if running.kind == "shadow" else None
        self.chosen = Chosen(running.samples_per_hour)


class Tally:
    """The sums of the tests that it was told of; ``lookup`` is the reader's ``by_request``.

    Call ``configure`` and then ``restore`` before the first ``add``. A test that ended stays until ``forget``, for the
    frames that are still on their way. ``failed`` counts exchanges and pairs that could not be added,
    ``lookup_failures`` answers that could not be looked for in the store.
    """

    def __init__(self, lookup: Lookup, clock: Callable[[], float] = time.monotonic) -> None:
        self._lookup = lookup
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._settled: list[Settled] = []
        self._skipped: Counter[tuple[str, str]] = Counter()
        self._looks_back_until = float("-inf")
        self.failed = 0
        self.lookup_failures = 0

    def configure(self, trials: Iterable[Running]) -> None:
        """These run now. What is known of others stays."""
        for running in trials:
            known = self._known.get(running.trial_id)
            if known is None:
                self._known[running.trial_id] = _Known(running)
            else:
                known.running = running
                known.chosen.per_hour = running.samples_per_hour

    def forget(self, trial_id: str) -> None:
        """Drop the sums of a test; traffic of it is passed over from now on."""
        known = self._known.pop(trial_id, None)
        if known is not None and known.pairs is not None:
            self._skipped.update({("", reason): n for reason, n in known.pairs.skipped.items()})

    async def restore(self, stored: Trials) -> None:
        """Take up what a former life has committed of the tests that are known. Raises StoreError: to go on without it
        would write over it."""
        bounds = await stored.unit_bounds()
        for trial_id, known in list(self._known.items()):
            if known.units is not None:
                known.units.restore(await stored.units(trial_id), bounds.get(trial_id))
            if known.pairs is not None:
                known.pairs.restore(await stored.pairs(trial_id))
        self._looks_back_until = self._clock() + WAITING_S

    async def add(self, sampled: Sequence[tuple[Life, Exchange, Sequence[Prediction]]]) -> Tallied:
        """Add what a batch brought; returns what is to be committed with it. Never raises for what traffic holds."""
        of_units: dict[_Known, list[Answer]] = defaultdict(list)
        halves: list[tuple[_Known, Half]] = []
        for life, exchange, predictions in sampled:
            if not exchange.experiment:
                continue
            known = self._known.get(exchange.experiment)
            if known is None:
                self._skipped["", "unknown_trial"] += 1
            elif known.units is not None and exchange.role in ("control", "treatment") and exchange.unit:
                of_units[known].append((exchange, predictions))
            elif known.pairs is not None and (half := _half_of(life, exchange, predictions)) is not None:
                halves.append((known, half))
        for known, answers in of_units.items():
            for start in range(0, len(answers), ANSWERS_A_TURN):
                self._add_units(known, answers[start : start + ANSWERS_A_TURN])
                await asyncio.sleep(0)
        await self._add_halves(halves)
        return self._changed()

    def committed(self) -> list[Settled]:
        """What ``add`` returned is committed: the requests that are settled by it."""
        for known in self._known.values():
            if known.units is not None:
                known.units.written()
            if known.pairs is not None:
                known.pairs.written()
        settled, self._settled = self._settled, []
        return settled

    def holds(self, request_id: str) -> bool:
        """Whether the body of a copied request may still be wanted; ``committed`` tells when it is settled."""
        return any(known.pairs is not None and request_id in known.pairs for known in self._known.values())

    def write_all(self) -> None:
        """The store was begun afresh: the next commit gets all that is in memory."""
        for known in self._known.values():
            if known.units is not None:
                known.units.write_all()
            if known.pairs is not None:
                known.pairs.write_all()

    def units(self, trial_id: str) -> UnitSums | None:
        """None where the test is not known or has no lasting units."""
        known = self._known.get(trial_id)
        return None if known is None else known.units

    def pairs(self, trial_id: str) -> dict[int, PairSummary]:
        """By epoch, as they are now: copies."""
        known = self._known.get(trial_id)
        if known is None or known.pairs is None:
            return {}
        empty = PairSummary(known.pairs.iou_min)
        return {epoch: summary.merge(empty) for epoch, summary in known.pairs.summaries.items()}

    def waiting(self, trial_id: str) -> int:
        """Answers of a shadow test whose other half has not come yet."""
        known = self._known.get(trial_id)
        return 0 if known is None or known.pairs is None else len(known.pairs)

    @property
    def skipped(self) -> Counter[tuple[str, str]]:
        """Answers that were left out, by (test, reason); the test is empty for those that are not known (any more)."""
        found = self._skipped.copy()
        for trial_id, known in self._known.items():
            if known.pairs is not None:
                found.update({(trial_id, reason): n for reason, n in known.pairs.skipped.items()})
        return found

    def _add_units(self, known: _Known, answers: Sequence[Answer]) -> None:
        """Where one of them is at fault, each is tried by itself."""
        units, running = known.units, known.running
        assert units is not None
        try:
            vectors = vectors_of(answers, running.slow_edge_ms)
            keys = [unit_hash(running.salt, exchange.unit) for exchange, _ in answers]
            epochs = [range(EPOCH_MAX)[exchange.epoch] for exchange, _ in answers]
        except Exception:
            if len(answers) == 1:
                self._note_failure()
            else:
                for answer in answers:
                    self._add_units(known, [answer])
            return
        for (exchange, _), epoch, key, vector in zip(answers, epochs, keys, vectors, strict=True):
            units.add(epoch, exchange.variant, key, vector)

    async def _add_halves(self, halves: Sequence[tuple[_Known, Half]]) -> None:
        now = self._clock()
        alone: list[tuple[_Known, Pairs, Half]] = []
        for known, half in halves:
            pairs = known.pairs
            assert pairs is not None
            both = pairs.meet(half, now)
            if both is None:
                alone.append((known, pairs, half))
            else:
                await self._compare(known, pairs, *both)
        if now < self._looks_back_until:
            for known, pairs, half in alone:
                await self._look_back(known, pairs, half, now)
        for known in self._known.values():
            if known.pairs is not None:
                gone = known.pairs.give_up(now)
                self._settled += [Settled(half.life, half.request_id, half.headers) for half in gone]

    async def _look_back(self, known: _Known, pairs: Pairs, half: Half, now: float) -> None:
        """A former life may have recorded the other half, and waited for this one."""
        if half.request_id not in pairs:
            return
        side: Side = "b" if half.side == "a" else "a"
        try:
            found = await self._lookup(half.request_id + COPY_SUFFIX if side == "b" else half.request_id)
        except StoreError:
            self.lookup_failures += 1
            return
        if found and found[0].experiment == known.running.trial_id:
            both = pairs.meet(Half(half.request_id, side, found, half.life, half.headers), now)
            if both is not None:
                await self._compare(known, pairs, *both)

    async def _compare(self, known: _Known, pairs: Pairs, a: Half, b: Half) -> None:
        keep: list[tuple[Prediction, Disagreement]] = []
        try:
            pair = await _matched(a, b, pairs.iou_min)
            pairs.count(a.predictions[0].epoch, pair)
            images = {image.prediction_id: image for image in a.predictions}
            now = self._clock()
            for image in pair.images:
                if known.chosen.take(image.disagreement, now):
                    keep.append((images[image.prediction_id], Disagreement(image.disagreement)))
        except Exception:
            self._note_failure()
        self._settled.append(Settled(a.life, a.request_id, a.headers, tuple(keep)))

    def _changed(self) -> Tallied:
        units: list[UnitRow] = []
        pairs: list[PairRow] = []
        cuts: list[UnitCut] = []
        for known in self._known.values():
            if known.units is not None:
                rows, cut = known.units.changed()
                units += rows
                cuts += [cut] if cut is not None else []
            if known.pairs is not None:
                pairs += known.pairs.changed()
        return Tallied(units, pairs, cuts)

    def _note_failure(self) -> None:
        self.failed += 1
        if self.failed & (self.failed - 1) == 0:  # the 1st, 2nd, 4th ...: whatever traffic holds, the log stays short
            log.exception("exchange_not_tallied", failed=self.failed)


def _half_of(life: Life, exchange: Exchange, predictions: Sequence[Prediction]) -> Half | None:
    """None for traffic that is no half of a pair."""
    if exchange.role == "serving":
        return Half(exchange.prediction_id, "a", predictions, life, exchange.request_headers)
    if exchange.role == "shadow":
        request_id = exchange.prediction_id.removesuffix(COPY_SUFFIX)
        return Half(request_id, "b", predictions, life, exchange.request_headers)
    return None


async def _matched(a: Half, b: Half, iou_min: float) -> RequestPair:
    if a.boxes + b.boxes > BOXES_ON_THE_LOOP:
        return await asyncio.to_thread(pair_request, a.predictions, b.predictions, iou_min)
    await asyncio.sleep(0)
    return pair_request(a.predictions, b.predictions, iou_min)
