"""A book of tests over a real store, with a clock that is set by hand and workers that only remember."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import Trial
from sidecar.recording import Batch, Reader, Store, SummaryRow, Trials
from sidecar.trials import Book, Readout, Running, Steward, Tally
from tests.kit.drawing import drawn_summary

NOON = 1_800_000_000.0


class Room:
    """``told`` has what workers were told: (ids under way, what is to serve)."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self.now = NOON
        self.store = store
        self.told: list[tuple[list[str], tuple[str, str] | None]] = []
        self.disk_full = False
        self.rows = Trials(store)
        self.tally = Tally(reader.by_request)
        self.book = Book(self.rows, self._follow, lambda: self.now)
        self.steward = Steward(self.book, Readout(reader, self.tally), lambda: self.now)

    def _follow(self, trials: Sequence[Trial], serve: tuple[str, str] | None, promoted_at: float) -> None:
        if self.disk_full:
            raise OSError(28, os.strerror(28))
        self.told.append(([trial.trial_id for trial in trials], serve))

    async def record(self, trial_id: str, epoch: int, seed: int, revision: int = 1, **arms: dict[str, Any]) -> None:
        """Whole-epoch summaries as drawn requests: ``control={"n": 500}, treatment={"n": 500, "latency_ms": 40}``."""
        rows = []
        for place, (name, of) in enumerate(arms.items()):
            role, _, version = name.partition("_")
            summary = drawn_summary(np.random.default_rng([seed, place]), **of)
            rows.append(SummaryRow(0, 0, "det", version, role, trial_id, epoch, "", revision, summary.encode()))
        await self.store.commit(Batch(summaries=rows))

    def count(self, trial: Trial) -> None:
        """Let the tally count for a shadow test."""
        self.tally.configure([Running(trial.trial_id, "shadow", samples_per_hour=1)])


def ab(name: str = "Night", model: str = "det", **fields: Any) -> Definition:
    """Of A against B at a tenth."""
    return Definition(name, model, "A", **{"treatments": ("B",), "shares": (0.1,), **fields})


def shadow(name: str = "Copy", model: str = "det", **fields: Any) -> ShadowDefinition:
    return ShadowDefinition(name, model, "B", **fields)
