"""Looks after tests that run: ends them when their time is over, stops harm, goes on with a planned ramp, freezes.

Each round reads the results of every test that runs, so that p-values are looked at whether a person does or not. What
those of lasting units and shadow tests came to is kept now and then: their sums are not kept over time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import structlog

from sidecar.durations import duration_text
from sidecar.experiments import slow_edge
from sidecar.experiments.definition import Definition
from sidecar.experiments.lifecycle import (
    DAY_S,
    Trial,
    completed,
    is_due,
    next_shares,
    ramped,
    taken_out,
)
from sidecar.experiments.results import Results
from sidecar.recording import StoreError
from sidecar.trials.book import Book, Entry
from sidecar.trials.documents import pairs_document, results_document
from sidecar.trials.faults import TrialFault
from sidecar.trials.reading import Read, Readout
from sidecar.trials.readout import by_units
from sidecar.trials.snapshots import Snapshots, ab_snapshot, shadow_snapshot

log = structlog.get_logger()

ROUND_S = 10.0
SETTLE_S = 60.0
"""How long after its end a test is frozen: what was under way then has been recorded."""
HOUR_S = 3_600.0
EDGE_REQUESTS = 1_000
"""Control's answers that the edge of slow_rate is taken from where there were none before the test."""
GUARDRAIL = "guardrail: "
"""What the reason of a stop by a guardrail begins with."""


@dataclass(slots=True)
class StewardFigures:
    """Since the start: ``rounds``, the ``seconds`` they took, variants stopped by guardrails, ``failed`` by reason."""

    rounds: int = 0
    seconds: float = 0.0
    guardrail_stops: int = 0
    failed: Counter[str] = field(default_factory=Counter)


class Steward:
    """``clock`` must be the book's; ``facts`` tells of a shadow test how many requests wait for their other half and
    how many were skipped, for its document."""

    def __init__(
        self,
        book: Book,
        readout: Readout,
        clock: Callable[[], float],
        facts: Callable[[str], Mapping[str, Any]] = lambda trial_id: {},
        interval_s: float = ROUND_S,
    ) -> None:
        self.interval_s = interval_s
        self._started_at = clock()
        self._book = book
        self._readout = readout
        self._clock = clock
        self._facts = facts
        self._snapshots = Snapshots(book.rows)
        self.figures = StewardFigures()
        self.waiting_for: dict[str, str] = {}

    async def round(self) -> None:
        """Look after every test once. A fault in one stops no other."""
        started = time.perf_counter()
        for entry in self._book.all():
            try:
                await self._look_after(entry)
            except (StoreError, TrialFault) as error:
                self.figures.failed["store" if isinstance(error, StoreError) else error.field] += 1
                log.error("test_not_looked_after", trial=entry.trial.trial_id, error=str(error))
            except Exception:
                self.figures.failed["fault"] += 1
                log.exception("test_not_looked_after", trial=entry.trial.trial_id)
        self._snapshots.forget_but(self._book.entries.__contains__)
        self.figures.rounds += 1
        self.figures.seconds += time.perf_counter() - started

    async def document(self, entry: Entry) -> Mapping[str, Any]:
        """The results of a test as they are given out: frozen ones, or as of now. Raises StoreError."""
        trial, now = entry.trial, self._clock()
        if entry.results is not None:
            return entry.results if trial.kind == "shadow" else {"failover": 0, **entry.results}
        if trial.kind == "shadow":
            return pairs_document(trial, self._readout.report(trial), self._facts(trial.trial_id), now, False)
        read = await self._readout.results(trial, entry.lowest, now)
        await self._book.note_lowest(entry, read.results.lowest)
        return results_document(trial, read.results, now, False)

    async def _look_after(self, entry: Entry) -> None:
        trial, now = entry.trial, self._clock()
        if not trial.active:
            # after a restart, workers still ship what they had kept meanwhile
            if entry.results is None and now >= max(trial.ended_at or 0.0, self._started_at) + SETTLE_S:
                await self._freeze(entry)
            return
        if is_due(trial, now):
            await self._book.change(trial.kind, trial.trial_id, _completed_if_due)
            return
        if trial.status != "running":
            return
        if trial.kind == "shadow":
            if await self._snapshots.due(trial.trial_id, trial.created_at, now):
                await self._keep(trial, shadow_snapshot(await self.document(entry)), now)
            return
        read = await self._readout.results(trial, entry.lowest, now)
        await self._book.note_lowest(entry, read.results.lowest)
        if by_units(trial) and await self._snapshots.due(trial.trial_id, trial.created_at, now):
            await self._keep(trial, ab_snapshot(read.results), now)
        await self._fix_edge(trial, read)
        if not await self._guard(trial, read.results):
            await self._ramp(trial, read, now)

    async def snapshot(self, entry: Entry) -> Mapping[str, Any] | None:
        """What an A/B test comes to now; None of one that is frozen. Raises StoreError."""
        if entry.results is not None:
            return None
        return ab_snapshot((await self._readout.results(entry.trial, entry.lowest, self._clock())).results)

    async def _freeze(self, entry: Entry) -> None:
        trial = entry.trial
        document = await self.document(entry)
        if trial.kind == "ab" and by_units(trial):  # its units are forgotten now
            snapshot = await self.snapshot(entry)
            await self._keep(trial, snapshot or {}, trial.ended_at or 0.0)
        await self._book.freeze(entry, {**document, "frozen": True})

    async def _keep(self, trial: Trial, snapshot: Mapping[str, Any], at: float) -> None:
        """Of a test without any traffic nothing is kept."""
        if snapshot.get("requests") or any(snapshot.get("srm", {}).get("observed", {}).values()):
            await self._snapshots.keep(trial.trial_id, at, snapshot)

    async def _fix_edge(self, trial: Trial, read: Read) -> None:
        """Where nothing was known of control before the test, its first answers say what is slow."""
        control = next(iter(read.results.variants.values()))
        if trial.slow_edge_ms is None and control.requests >= EDGE_REQUESTS and read.control_p95_ms > 0:
            edge = slow_edge(read.control_p95_ms)
            await self._book.change("ab", trial.trial_id, lambda trial, now: replace(trial, slow_edge_ms=edge))

    async def _guard(self, trial: Trial, results: Results) -> bool:
        """Whether a guardrail stopped a variant."""
        harmful = {
            comparison.treatment: next(reading for reading in comparison.guardrails if reading.decision == "harmful")
            for comparison in results.comparisons
            if any(reading.decision == "harmful" for reading in comparison.guardrails)
            and trial.epoch.shares[trial.definition.variants.index(comparison.treatment) - 1] > 0
        }
        if not harmful:
            return False
        reason = GUARDRAIL + "; ".join(f"{name}: {reading.reason}" for name, reading in harmful.items())
        await self._book.change("ab", trial.trial_id, lambda trial, now: _without(trial, harmful, now, reason))
        self.figures.guardrail_stops += len(harmful)
        log.warning("guardrail_stopped", trial=trial.trial_id, reason=reason)
        return True

    async def _ramp(self, trial: Trial, read: Read, now: float) -> None:
        shares = next_shares(trial)
        waiting = "" if shares is None else what_ramp_waits_for(trial, read, now)
        self.waiting_for[trial.trial_id] = waiting
        if shares is None or waiting:
            return
        chosen: tuple[float, ...] = shares

        def step(trial: Trial, now: float) -> Trial:
            if next_shares(trial) != chosen:  # somebody was quicker
                return trial
            return ramped(trial, chosen, now, f"planned ramp to {sum(chosen):.4g}")

        await self._book.change("ab", trial.trial_id, step)


def _without(trial: Trial, variants: Collection[str], now: float, reason: str) -> Trial:
    return taken_out(trial, variants, now, reason) if trial.status == "running" else trial


def what_ramp_waits_for(trial: Trial, read: Read, now: float) -> str:
    """Why a planned ramp does not go on yet; empty where it may."""
    definition = trial.definition
    assert isinstance(definition, Definition)
    assert definition.ramp is not None
    left_s = definition.ramp.hours * HOUR_S - max(0.0, now - trial.epoch.since)
    if left_s > 0:
        return f"{duration_text(_rounded_s(left_s))} more at this step"
    given = (1.0, *trial.epoch.shares)  # a treatment that was taken out gets no units, nor has it to be safe
    for name, share in zip(definition.variants, given, strict=True):
        if share > 0 and read.present_units[name] < definition.ramp.units:
            return f"units of {name}: {read.present_units[name]:,} of {definition.ramp.units:,}"
    for comparison, share in zip(read.results.comparisons, trial.epoch.shares, strict=True):
        for reading in comparison.guardrails:
            if share > 0 and reading.decision != "safe":
                return f"{comparison.treatment}: {reading.reason}"
    return ""


def _rounded_s(seconds: float) -> int:
    """As coarse as a person needs it: hours from two days on, minutes from two minutes on."""
    step = 3_600 if seconds >= 2 * DAY_S else 60 if seconds >= 120 else 1
    return ceil(seconds / step) * step


def stops_of(trial: Trial) -> list[tuple[float, str]]:
    """(when, sentence) of each stop of a variant by a guardrail."""
    name = trial.definition.name
    found = [
        (epoch.since, f"A/B test {name!r} took a variant out ({epoch.reason.removeprefix(GUARDRAIL)}).")
        for epoch in trial.epochs
        if epoch.reason.startswith(GUARDRAIL)
    ]
    if trial.reason.startswith(GUARDRAIL) and trial.ended_at is not None:
        found.append((trial.ended_at, f"A/B test {name!r} was stopped ({trial.reason.removeprefix(GUARDRAIL)})."))
    return found


def _completed_if_due(trial: Trial, now: float) -> Trial:
    return completed(trial, now) if is_due(trial, now) else trial
