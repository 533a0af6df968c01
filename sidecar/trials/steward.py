"""Looks after tests that run: ends them when their time is over, stops harm, goes on with a planned ramp, freezes.

Each round reads the results of every test that runs, so that p-values are looked at whether a person does or not.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from sidecar.experiments import slow_edge
from sidecar.experiments.definition import Definition
from sidecar.experiments.lifecycle import (
    Trial,
    completed,
    is_due,
    next_shares,
    ramped,
    stopped,
)
from sidecar.experiments.results import Results
from sidecar.recording import StoreError
from sidecar.trials.book import Book, Entry
from sidecar.trials.documents import pairs_document, results_document
from sidecar.trials.faults import TrialFault
from sidecar.trials.reading import Read, Readout

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
        self._book = book
        self._readout = readout
        self._clock = clock
        self._facts = facts
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
        self.figures.rounds += 1
        self.figures.seconds += time.perf_counter() - started

    async def document(self, entry: Entry) -> Mapping[str, Any]:
        """The results of a test as they are given out: frozen ones, or as of now. Raises StoreError."""
        trial, now = entry.trial, self._clock()
        if entry.results is not None:
            return entry.results
        if trial.kind == "shadow":
            return pairs_document(trial, self._readout.report(trial), self._facts(trial.trial_id), now, False)
        read = await self._readout.results(trial, entry.lowest, now)
        await self._book.note_lowest(entry, read.results.lowest)
        return results_document(trial, read.results, now, False)

    async def _look_after(self, entry: Entry) -> None:
        trial, now = entry.trial, self._clock()
        if not trial.active:
            if entry.results is None and trial.ended_at is not None and now >= trial.ended_at + SETTLE_S:
                await self._book.freeze(entry, {**await self.document(entry), "frozen": True})
            return
        if is_due(trial, now):
            await self._book.change(trial.kind, trial.trial_id, _completed_if_due)
            return
        if trial.kind != "ab" or trial.status != "running":
            return
        read = await self._readout.results(trial, entry.lowest, now)
        await self._book.note_lowest(entry, read.results.lowest)
        await self._fix_edge(trial, read)
        if not await self._guard(trial, read.results):
            await self._ramp(trial, read, now)

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
        await self._book.change("ab", trial.trial_id, lambda trial, now: without(trial, harmful, now, reason))
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


def without(trial: Trial, variants: Mapping[str, Any], now: float, reason: str) -> Trial:
    """The test without these treatments: stopped where none is left that gets traffic."""
    if trial.status != "running":
        return trial
    shares = tuple(
        0.0 if name in variants else share
        for name, share in zip(trial.definition.variants[1:], trial.epoch.shares, strict=True)
    )
    return ramped(trial, shares, now, reason) if any(shares) else stopped(trial, now, reason)


def what_ramp_waits_for(trial: Trial, read: Read, now: float) -> str:
    """Why a planned ramp does not go on yet; empty where it may."""
    definition = trial.definition
    assert isinstance(definition, Definition)
    assert definition.ramp is not None
    hours = definition.ramp.hours - max(0.0, now - trial.epoch.since) / HOUR_S
    if hours > 0:
        return f"{hours:.3g} more hours at this step"
    given = (1.0, *trial.epoch.shares)  # a treatment that was taken out gets no units, nor has it to be safe
    for name, share in zip(definition.variants, given, strict=True):
        if share > 0 and read.present_units[name] < definition.ramp.units:
            return f"units of {name}: {read.present_units[name]:,} of {definition.ramp.units:,}"
    for comparison, share in zip(read.results.comparisons, trial.epoch.shares, strict=True):
        for reading in comparison.guardrails:
            if share > 0 and reading.decision != "safe":
                return f"{comparison.treatment}: {reading.reason}"
    return ""


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
