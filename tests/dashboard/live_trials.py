"""Tests of versions in memory: the real life of a test and the real documents, of traffic that the test draws."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sidecar.api import Conflict, ControlError, NotThere
from sidecar.experiments import METRICS, Epoch, results
from sidecar.experiments.asking import DefinitionError, read_ab_config, read_shadow_config, read_split
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import (
    LifecycleError,
    Trial,
    begun,
    concluded,
    paused,
    promoted,
    ramped,
    resumed,
    stopped,
    trial_id_of,
)
from sidecar.experiments.pairs import PairReport, PairSummary, report_of
from sidecar.trials.documents import ab_document, pairs_document, results_document, shadow_test_document
from sidecar.trials.points import Points

VARIANTS = {"det@1": "A", "det@2": "B", "det@3": "C"}
POINTS = Points({variant: model_id[4:] for model_id, variant in VARIANTS.items()})

Document = dict[str, Any]


@dataclass
class LiveTrials:
    """``kept`` are the tests by id, ``epochs`` what an A/B test of an id saw, ``reports`` what a shadow test did;
    ``facts`` are the pairs left out. The test may set all of them."""

    kept: dict[str, Trial] = field(default_factory=dict)
    epochs: dict[str, Sequence[Epoch]] = field(default_factory=dict)
    reports: dict[str, PairReport] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    waiting_for: str = ""
    warnings: Sequence[str] = ()

    def add(self, definition: Definition | ShadowDefinition, at: float | None = None) -> Trial:
        """A test that began at ``at`` (now)."""
        began = time.time() if at is None else at
        trial = begun(trial_id_of(definition.name, self.kept), definition, began, opened_for=POINTS.text)
        self.kept[trial.trial_id] = trial
        return trial

    def step(self, trial_id: str, step: Callable[..., Trial], *arguments: Any, **named: Any) -> Trial:
        """Make of a test what a function of the life of tests makes of it."""
        self.kept[trial_id] = step(self.kept[trial_id], *arguments, **named)
        return self.kept[trial_id]

    async def create_ab_test(self, name: str, model_a_id: str, model_b_id: str, config: Mapping[str, Any]) -> Document:
        faults = [
            (key, f"there is no {model_id!r}")
            for key, model_id in (("model_a_id", model_a_id), ("model_b_id", model_b_id))
            if model_id not in VARIANTS
        ]
        variants = [
            VARIANTS.get(model_id, model_id) for model_id in (model_a_id, model_b_id, *config.get("treatments", ()))
        ]
        try:
            fields = read_ab_config(config, variants)
        except DefinitionError as error:
            faults += error.faults
        if faults:
            raise ControlError.of(faults)
        self._check_free()
        return self._document(self.add(Definition(name, "det", variants[0], tuple(variants[1:]), **fields)))

    async def create_shadow_test(
        self, name: str, model_id: str, shadow_model_id: str, config: Mapping[str, Any]
    ) -> Document:
        try:
            fields = read_shadow_config(config)
        except DefinitionError as error:
            raise ControlError.of(error.faults) from error
        if shadow_model_id not in VARIANTS:
            raise ControlError("shadow_model_id", f"there is no {shadow_model_id!r}")
        self._check_free()
        return self._document(self.add(ShadowDefinition(name, "det", VARIANTS[shadow_model_id], **fields)))

    async def ab_tests(self, model_id: str | None, status: str | None) -> Sequence[Document]:
        return self._all("ab")

    async def shadow_tests(self, model_id: str | None, status: str | None) -> Sequence[Document]:
        return self._all("shadow")

    async def ab_test(self, trial_id: str) -> Document:
        return self._document(self._get(trial_id))

    async def shadow_test(self, trial_id: str) -> Document:
        return self._document(self._get(trial_id))

    async def ab_test_results(self, trial_id: str) -> Document:
        trial = self._get(trial_id)
        definition = trial.definition
        assert isinstance(definition, Definition)
        found = results(
            definition.variants,
            self.epochs.get(trial_id, ()),
            definition.metrics,
            elapsed_s=86_400.0,
            guardrails=definition.guardrails,
        )
        return results_document(trial, found, time.time(), not trial.active)

    async def shadow_test_results(self, trial_id: str) -> Document:
        trial = self._get(trial_id)
        report = self.reports.get(trial_id) or report_of(PairSummary(), "det@1", "det@2")
        return pairs_document(trial, report, self.facts, time.time(), not trial.active)

    async def ab_test_metrics(self) -> Sequence[Document]:
        return [metric.to_dict() for metric in METRICS.values()]

    async def pause(self, kind: str, trial_id: str) -> Document:
        return self._act(trial_id, paused, time.time())

    async def resume(self, kind: str, trial_id: str) -> Document:
        return self._act(trial_id, resumed, time.time())

    async def ramp(self, kind: str, trial_id: str, split: Any) -> Document:
        trial = self._get(trial_id)
        try:
            shares = read_split(split, ("A", *trial.definition.variants[trial.kind == "ab" :]))
        except ValueError as error:
            raise ControlError("traffic_split" if kind == "ab" else "share", str(error)) from error
        return self._act(trial_id, ramped, shares, time.time(), "changed by a person")

    async def stop(self, kind: str, trial_id: str, reason: str) -> Document:
        return self._act(trial_id, stopped, time.time(), reason)

    async def conclude(self, kind: str, trial_id: str, winner: str | None, note: str) -> Document:
        return self._act(trial_id, concluded, time.time(), winner or "", note)

    async def promote(self, kind: str, trial_id: str, variant: str | None) -> Document:
        return self._act(trial_id, promoted, variant or self._get(trial_id).definition.variants[-1], time.time())

    def _get(self, trial_id: str) -> Trial:
        if trial_id not in self.kept:
            raise NotThere("id", f"no test has the id {trial_id!r}")
        return self.kept[trial_id]

    def _all(self, kind: str) -> list[Document]:
        found = [trial for trial in self.kept.values() if trial.kind == kind]
        return [self._document(trial) for trial in sorted(found, key=lambda trial: -trial.created_at)]

    def _act(self, trial_id: str, step: Callable[..., Trial], *arguments: Any) -> Document:
        self._get(trial_id)
        try:
            return self._document(self.step(trial_id, step, *arguments))
        except LifecycleError as error:
            raise Conflict(error.field, error.message) from error

    def _check_free(self) -> None:
        for trial in self.kept.values():
            if trial.active:
                raise Conflict("model", f"test {trial.trial_id!r} is {trial.status} on 'det': stop it first")

    def _document(self, trial: Trial) -> Document:
        now = time.time()
        if trial.kind == "shadow":
            return shadow_test_document(trial, now, self.warnings)
        return ab_document(trial, now, waiting_for=self.waiting_for, warnings=self.warnings)

    def rename(self, trial_id: str, name: str) -> None:
        """Call a test something else."""
        trial = self.kept[trial_id]
        self.kept[trial_id] = replace(trial, definition=replace(trial.definition, name=name))
