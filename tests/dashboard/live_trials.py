"""Tests of versions in memory, whose past a test of the page makes up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sidecar.experiments import Epoch
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import Trial, begun, trial_id_of
from sidecar.experiments.pairs import PairReport
from sidecar.trials import Points, ab_document, pairs_document, shadow_test_document
from tests.kit.trials_at_hand import VERSIONS, TrialsAtHand

Document = Mapping[str, Any]


class LiveTrials(TrialsAtHand):
    """Also: ``reports`` are what shadow tests found, ``facts`` the pairs they left out; ``warnings`` are of every test,
    ``waiting_for`` is what ramps wait for. The time is that of the start of the test."""

    def __init__(self) -> None:
        super().__init__()
        self.now = time.time()
        self.reports: dict[str, PairReport] = {}
        self.facts: dict[str, Any] = {}
        self.warnings: Sequence[str] = ()
        self.waiting_for = ""

    def add(self, definition: Definition | ShadowDefinition, at: float | None = None) -> Trial:
        """A test that began at ``at`` (now)."""
        trial_id = trial_id_of(definition.name, self.kept)
        began = self.now if at is None else at
        self.kept[trial_id] = begun(trial_id, definition, began, opened_for=Points(VERSIONS).text)
        return self.kept[trial_id]

    def step(self, trial_id: str, step: Callable[..., Trial], *arguments: Any) -> None:
        """Make of a test what a function of the life of tests makes of it."""
        self.kept[trial_id] = step(self.kept[trial_id], *arguments)

    def saw(self, trial_id: str, *epochs: Epoch) -> None:
        """What an A/B test saw, in place of what it saw before."""
        self._arms[trial_id] = list(epochs)

    def _document(self, trial: Trial) -> Document:
        if trial.kind == "shadow":
            return shadow_test_document(trial, self.now, self._serving(trial), self.warnings)
        facts = {"waiting_for": self.waiting_for, "warnings": self.warnings}
        return ab_document(trial, self.now, self._serving(trial), **facts)

    def _pairs_found(self, trial: Trial) -> Document:
        if trial.trial_id not in self.reports:
            return super()._pairs_found(trial)
        return pairs_document(trial, self.reports[trial.trial_id], self.facts, self.now, not trial.active)
