"""The results of tests as of now, from the store and the tally."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sidecar.experiments import Results, results
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import EpochSpan, Trial, running_s
from sidecar.experiments.pairs import PairReport, PairSummary, merge_pairs, report_of
from sidecar.recording import Reader
from sidecar.summaries import ExponentialHistogram
from sidecar.trials.audit import AuditedRow, First, audit_of
from sidecar.trials.points import Points
from sidecar.trials.readout import by_units, epochs_of, failover_of
from sidecar.trials.units import UnitSums, unit_hash

POINTS_CHANGED = "an operating point changed"
"""The reason of an epoch that was opened for that."""


class Sums(Protocol):
    """What is kept in memory of tests that are not frozen."""

    def units(self, trial_id: str) -> UnitSums | None:
        """None where the test has no lasting units."""

    def pairs(self, trial_id: str) -> Mapping[int, PairSummary]:
        """By epoch."""


@dataclass(frozen=True, slots=True)
class Read:
    """The results of an A/B test; of its present epoch the units by variant and control's 95th percentile of latency
    (NaN where it has not answered)."""

    results: Results
    present_units: Mapping[str, int]
    control_p95_ms: float


class Readout:
    """Reads out what a test came to so far. Raises StoreError."""

    def __init__(self, reader: Reader, sums: Sums) -> None:
        self._reader = reader
        self._sums = sums

    async def results(self, trial: Trial, lowest: Mapping[str, float], now: float) -> Read:
        """Of an A/B test; ``lowest`` are the lowest p-values so far."""
        definition = trial.definition
        assert isinstance(definition, Definition)
        rows = await self._reader.epoch_summaries(trial.trial_id)
        audited = await self._reader.audited(trial.trial_id)
        units = self._sums.units(trial.trial_id) if by_units(trial) else None
        seen = None if not by_units(trial) else [] if units is None else units.arms()
        firsts = None if not by_units(trial) else _firsts(trial, audited, units)

        def worked_out() -> Read:
            audit = audit_of(trial, audited, firsts)
            epochs = epochs_of(trial, rows, seen, audit)
            present = [arm for epoch in epochs if epoch.number == trial.epoch.number for arm in epoch.arms]
            found = results(
                definition.variants,
                epochs,
                definition.metrics,
                elapsed_s=running_s(trial, now),
                tuning=definition.tuning,
                guardrails=definition.guardrails,
                effect_relative=definition.effect,
                lowest=lowest,
                notes=tuple(audit.notes()),
                failover=failover_of(trial, rows),
            )
            latency = ExponentialHistogram()
            for arm in present:
                latency = latency.merge(arm.latency) if arm.name == definition.control else latency
            units = {name: sum(arm.units for arm in present if arm.name == name) for name in definition.variants}
            return Read(found, units, latency.quantile(0.95))

        return await asyncio.to_thread(worked_out)

    def report(self, trial: Trial) -> PairReport:
        """Of a shadow test: what the shadow says against what serves."""
        definition = trial.definition
        assert isinstance(definition, ShadowDefinition)
        pairs = self._sums.pairs(trial.trial_id)
        since = first_comparable(trial).number
        points = Points.of_text(trial.opened_for)
        serving = next((name for name in points.versions if name != definition.shadow), "serving")
        return report_of(
            merge_pairs((pairs[number] for number in sorted(pairs) if number >= since), definition.iou_min),
            points.model_id(definition.model, serving),
            points.model_id(definition.model, definition.shadow),
        )


def first_comparable(trial: Trial) -> EpochSpan:
    """The epoch from which on a shadow test's pairs can be added up: what counts as a box changed there, what was
    compared before is of other boxes."""
    return next((epoch for epoch in reversed(trial.epochs) if epoch.reason == POINTS_CHANGED), trial.epochs[0])


def _firsts(trial: Trial, audited: Sequence[AuditedRow], units: UnitSums | None) -> dict[str, First]:
    """Where the units whose images were reviewed were seen first, by name."""
    salt = trial.salt
    hashes = {row.unit: unit_hash(salt, row.unit) for row in audited if row.verdict}
    found = {} if units is None else units.firsts(hashes.values())
    return {name: found[key] for name, key in hashes.items() if key in found}
