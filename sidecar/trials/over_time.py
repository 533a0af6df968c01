"""All that a test by request had seen, moment after moment: its buckets, merged one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import structlog

from sidecar.experiments import Epoch
from sidecar.experiments.history import Moment
from sidecar.experiments.lifecycle import Trial
from sidecar.recording import BucketsKept, Reader, SummaryRow
from sidecar.summaries import Summary, SummaryError
from sidecar.trials.audit import Audit, variant_of, variants_by_version
from sidecar.trials.readout import epoch_of_requests

log = structlog.get_logger()

MOMENTS_MAX = 200
"""Moments that a history has at most."""
MOMENTS_FEW = 40
"""Buckets that give fewer moments are too coarse, where there are finer ones."""
ROWS_MAX = 6_000
"""Summaries that one question reads at most: some 0.6 s of a thread."""
ROWS_A_TURN = 500
HOUR_S = 3_600


class Grain(NamedTuple):
    """Every ``together`` buckets of ``width_s`` make one moment."""

    width_s: int
    together: int


def grain_of(kept: Sequence[BucketsKept], since: float, until: float) -> Grain | None:
    """The coarsest buckets that give MOMENTS_FEW moments or more between ``since`` and ``until``, else the finest; of
    those that reach back to the beginning and are not over ROWS_MAX. None where there is none.

    >>> hours, minutes = BucketsKept(3_600, 8, 0), BucketsKept(60, 480, 0)
    >>> grain_of([minutes, hours], 0, 4 * 3_600), grain_of([minutes, hours], 0, 48 * 3_600)
    (Grain(width_s=60, together=2), Grain(width_s=3600, together=1))
    """
    hours = next((one.first for one in kept if one.width_s == HOUR_S), None)
    fit = [
        one
        for one in kept
        if one.rows <= ROWS_MAX and (one.width_s >= HOUR_S or hours is None or one.first < hours + HOUR_S)
    ]
    if not fit:
        return None
    counts = {one.width_s: ceil(max(1.0, until - since) / one.width_s) + 1 for one in fit}
    enough = [width for width, count in counts.items() if count >= MOMENTS_FEW]
    width_s = max(enough) if enough else min(counts)
    return Grain(width_s, ceil(counts[width_s] / MOMENTS_MAX))


async def moments_of(trial: Trial, reader: Reader, until: float) -> tuple[list[Moment], Grain | None]:
    """MOMENTS_MAX at most, the last at ``until``, and what they are made of. Raises StoreError."""
    grain = grain_of(await reader.buckets_kept(trial.trial_id), trial.created_at, until)
    if grain is None:
        return [], None
    growing = _Growing(trial, grain, until)
    after: tuple[int, int] | None = None
    while True:
        rows, after = await reader.buckets_of(trial.trial_id, grain.width_s, after, ROWS_A_TURN)
        await asyncio.to_thread(growing.add, rows)
        if after is None:
            return await asyncio.to_thread(growing.end), grain


class _Growing:
    """Takes rows in the order of time. Epochs that nothing was added to are not worked out again."""

    def __init__(self, trial: Trial, grain: Grain, until: float) -> None:
        self._trial = trial
        self._until = until
        self._span_s = grain.width_s * grain.together
        self._by_version = variants_by_version(trial)
        self._shown: dict[tuple[int, str], Summary] = {}
        self._epochs: dict[int, Epoch] = {}
        self._changed: set[int] = set()
        self._moments: list[Moment] = []
        self._ends: int | None = None

    def add(self, rows: Sequence[SummaryRow]) -> None:
        for row in rows:
            ends = (row.bucket // self._span_s + 1) * self._span_s
            if self._ends is not None and ends > self._ends:
                self._note(min(self._ends, self._until))
            self._ends = ends
            self._add(row)

    def end(self) -> list[Moment]:
        """The moments, the last with all of it."""
        if self._ends is not None:
            self._note(self._until)
        return self._moments

    def _add(self, row: SummaryRow) -> None:
        variant = variant_of(self._trial, row.role, row.version, self._by_version)
        if variant is None:
            return
        try:
            summary = Summary.decode(row.payload)
        except SummaryError as error:
            log.error("summary_unreadable", trial=self._trial.trial_id, bucket=row.bucket, error=str(error))
            return
        key = (row.epoch, variant)
        self._shown[key] = self._shown[key].merge(summary) if key in self._shown else summary
        self._changed.add(row.epoch)

    def _note(self, at: float) -> None:
        for span in self._trial.epochs:
            if span.number in self._changed or (span.number not in self._epochs and span.since <= at):
                self._epochs[span.number] = epoch_of_requests(self._trial, span, self._shown, Audit({}, {}))
        self._changed.clear()
        self._moments.append(Moment(at, tuple(self._epochs[number] for number in sorted(self._epochs))))
