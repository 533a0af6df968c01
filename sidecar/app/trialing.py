"""Tests of versions, put together: the book, the tally of what traffic shows, the steward, the configuration's."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog

from sidecar.api.trials import TrialFigures
from sidecar.app.config import Config
from sidecar.app.control import Control
from sidecar.app.declared import Declarations, Tell
from sidecar.app.trial_ids import points_of
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import DAY_S, Trial
from sidecar.recording import Reader, Store, StoreError, Trials
from sidecar.trials import Book, Points, Readout, Running, Steward, Tally, by_units, split_of, stops_of

log = structlog.get_logger()

COUNT_UNITS_EVERY_S = 600.0
COUNT_FEW_UNITS_EVERY_S = 60.0
UNITS_FEW = 300
"""Under so many lasting units a day a test may never be able to tell."""
RECONCILE_RETRY_S = 5.0


class SteadyClock:
    """Epoch seconds that only go forward: the wall clock as of the start, and what has passed since."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._offset = wall() - monotonic()

    def __call__(self) -> float:
        return self._offset + self._monotonic()


class Trialing:
    """Over an open store. Run each of ``parts()`` as a task after ``restore``; ``tally`` belongs into the pipeline.
    ``gone`` hears of tests that had to make room for others; ``tell`` makes the alert that tells a declared test's
    channels of stops by guardrails."""

    def __init__(
        self,
        config: Config,
        store: Store,
        reader: Reader,
        control: Control,
        clock: Callable[[], float] | None = None,
        gone: Callable[[str], None] = lambda trial_id: None,
        tell: Tell | None = None,
    ) -> None:
        self.config = config
        self.control = control
        self.reader = reader
        self.clock = clock or SteadyClock()
        self.rows = Trials(store)
        self.tally = Tally(reader.by_request)
        self.book = Book(self.rows, control.follow, self.clock, self._follow_book)
        self.steward = Steward(self.book, Readout(reader, self.tally), self.clock, self.pair_facts)
        self.units_last_day: dict[str, int | None] = {}
        self._declarations = Declarations(self.book, control, tell)
        self._reconfigured = asyncio.Event()
        self._reconfigured.set()
        self._store = store
        self._generation = store.generation
        self._gone = gone
        self._counted: set[str] = set()
        self._known: set[str] = set()
        self._count_units_at: dict[str, float] = {}

    async def restore(self) -> None:
        """Take up what a former life left. Raises StoreError."""
        await self.book.restore(self.control.state.trials)
        self._follow_book()
        await self.tally.restore(self.rows)
        try:
            self.control.follow(self.book.active())
            self.book.promote_since(self.control.state.promoted_at)
            await self.reconcile()
            self._reconfigured.clear()
        except OSError as error:  # it is tried again
            log.error("configuration_not_followed", error=str(error))

    def parts(self) -> Sequence[tuple[str, Callable[[], Awaitable[None]]]]:
        """What has to run, by name; none of them ends by itself."""
        return (("tests", self._look_after), ("declared tests", self._follow_configuration))

    def configure(self, config: Config) -> None:
        """A new configuration, already checked."""
        self.config = config
        self._reconfigured.set()

    async def reconcile(self) -> None:
        """Make the tests follow the configuration. Raises StoreError and OSError."""
        await self._declarations.reconcile(self.config)

    def serving(self, model: str) -> str:
        """The model id of what serves ``model`` where no test claims it."""
        variant = self.control.serving(model)
        return points_of(self.config, model, (variant,)).model_id(model, variant)

    def stops(self, model: str, since: float, until: float) -> list[tuple[float, str]]:
        """(when, sentence) of each stop by a guardrail within [since, until]; of all models where ``model`` is ""."""
        return [
            (at, sentence)
            for entry in self.book.all("ab")
            if model in ("", entry.trial.definition.model) or entry.trial.definition.model == "*"
            for at, sentence in stops_of(entry.trial)
            if since <= at <= until
        ]

    def pair_facts(self, trial_id: str) -> Mapping[str, Any]:
        """Of a shadow test: requests that wait for their other half, and those skipped, by reason."""
        skipped = {reason: count for (of, reason), count in self.tally.skipped.items() if of == trial_id}
        return {"waiting": self.tally.waiting(trial_id), "skipped": skipped}

    def figures(self) -> TrialFigures:
        """For /metrics."""
        steward, tally = self.steward.figures, self.tally
        trials = [entry.trial for entry in self.book.all()]
        under_way = [trial for trial in trials if trial.active]
        pairs = {trial.trial_id: list(tally.pairs(trial.trial_id).values()) for trial in under_way}
        compared = {
            trial.trial_id: sum(one.counts.images for one in pairs[trial.trial_id])
            for trial in under_way
            if trial.kind == "shadow"
        }
        agreeing = {of: sum(one.counts.agreeing for one in pairs[of]) for of in compared}
        units = {trial.trial_id: tally.units(trial.trial_id) for trial in under_way}
        return {
            "active": [share for trial in under_way for share in _shares_of(trial)],
            "under_way": {trial.trial_id: trial.status for trial in under_way},
            "failover": [pair for trial in under_way for pair in answered_by_control(trial)],
            "statuses": Counter(trial.status for trial in trials),
            "pairs": compared,
            "agreement": {of: agreeing[of] / images for of, images in compared.items() if images},
            "skipped": dict(tally.skipped),
            "units_left_out": {of: sums.left_out for of, sums in units.items() if sums is not None},
            "guardrail_stops": steward.guardrail_stops,
            "rounds": steward.rounds,
            "round_seconds": steward.seconds,
        }

    def _follow_book(self) -> None:
        """The tally counts for tests under way, and for ended ones until they are frozen."""
        counted = [entry.trial for entry in self.book.entries.values() if entry.trial.active or entry.results is None]
        self.tally.configure([_running(trial) for trial in counted])
        for trial_id in self._counted - {trial.trial_id for trial in counted}:
            self.tally.forget(trial_id)
        for trial_id in self._known - set(self.book.entries):  # its id may be given to another
            self._gone(trial_id)
        self._counted, self._known = {trial.trial_id for trial in counted}, set(self.book.entries)

    async def look_after(self) -> None:
        """One round over all tests."""
        if self._store.generation != self._generation:
            generation = self._store.generation
            await self.book.reinstate()
            self._generation = generation
        await self.book.write_again()
        await self._count_units()
        await self.steward.round()
        self._follow_book()

    async def _look_after(self) -> None:
        while True:
            await self.look_after()
            await asyncio.sleep(self.steward.interval_s)

    async def _count_units(self) -> None:
        """How many lasting units there are says whether a test can ever tell; counting them takes up to seconds."""
        for trial in self.book.active():
            of = trial.trial_id
            if not by_units(trial) or time.monotonic() < self._count_units_at.get(of, 0.0):
                continue
            model = None if trial.definition.model == "*" else trial.definition.model
            now = self.clock()
            try:
                units = await self.reader.units_seen(model, max(now - DAY_S, trial.created_at), now)
            except StoreError as error:
                log.error("units_not_counted", trial=of, reason=error.reason)
                continue
            self.units_last_day[of] = units
            few = units is None or units < UNITS_FEW
            self._count_units_at[of] = time.monotonic() + (COUNT_FEW_UNITS_EVERY_S if few else COUNT_UNITS_EVERY_S)

    async def _follow_configuration(self) -> None:
        while True:
            await self._reconfigured.wait()
            self._reconfigured.clear()
            try:
                await self.reconcile()
            except (StoreError, OSError) as error:
                log.error("configuration_not_followed", error=str(error))
                self._reconfigured.set()
                await asyncio.sleep(RECONCILE_RETRY_S)


def _running(trial: Trial) -> Running:
    definition = trial.definition
    if isinstance(definition, ShadowDefinition):
        return Running(
            trial.trial_id,
            "shadow",
            iou_min=definition.iou_min,
            samples_per_hour=definition.samples_per_hour if trial.active else 0,
        )
    assert isinstance(definition, Definition)
    return Running(trial.trial_id, "ab", salt=trial.salt, unit=definition.unit, slow_edge_ms=trial.slow_edge_ms)


def answered_by_control(trial: Trial) -> list[tuple[str, str, str]]:
    """(id, control, treatment) of each treatment with a share that control answers for while it is down."""
    definition = trial.definition
    if not isinstance(definition, Definition) or not definition.failover:
        return []
    shares = zip(definition.treatments, trial.epoch.shares, strict=True)
    return [(trial.trial_id, definition.control, treatment) for treatment, share in shares if share > 0]


def _shares_of(trial: Trial) -> list[tuple[str, str, str, str, float]]:
    """(id, kind, model, variant, share) of each variant."""
    definition = trial.definition
    shares = trial.epoch.shares if trial.kind == "shadow" else split_of(trial.epoch.shares)
    points = Points.of_text(trial.opened_for)
    return [
        (trial.trial_id, trial.kind, definition.model, points.model_id(definition.model, name), share)
        for name, share in zip(definition.variants, shares, strict=True)
    ]
