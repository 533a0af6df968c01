"""A/B tests and shadow tests in memory, for an application under test.

What is asked for is read, lived through, judged and told by the product's own code; only traffic, configuration and
the disk are missing: ``digits`` and ``det`` are served by A (version 1), and there are B (2) and C (3).
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sidecar.api import Conflict, ControlError, NotThere, TrialFigures
from sidecar.api.trials import Check
from sidecar.app.pair_documents import page_document
from sidecar.app.trialing import answered_by_control
from sidecar.experiments import Arm, Epoch, results
from sidecar.experiments.asking import (
    DefinitionError,
    check_variants,
    read_ab_config,
    read_shadow_config,
    read_split,
)
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.history import Moment
from sidecar.experiments.lifecycle import (
    Kind,
    LifecycleError,
    Trial,
    begun,
    concluded,
    paused,
    promoted,
    ramped,
    resumed,
    running_s,
    stopped,
    trial_id_of,
)
from sidecar.experiments.pairs import PairSummary, report_of
from sidecar.experiments.pairs.kinds import PairKind, is_of
from sidecar.recording import read_cursor
from sidecar.summaries import Summary
from sidecar.trials import (
    Points,
    SidePage,
    SidePair,
    TrialFault,
    ab_document,
    pairs_document,
    results_document,
    shadow_test_document,
    split_of,
)
from sidecar.trials.history import metrics_asked, of_moments
from sidecar.trials.over_time import Grain
from sidecar.trials.snapshots import shadow_snapshot
from tests.kit.drawing import drawn_summary

NOW = 1_700_000_040.0
MODELS = ("det", "digits")
VERSIONS = {"A": "1", "B": "2", "C": "3"}
RESERVED_IDS = ("metrics",)

Document = Mapping[str, Any]


class TrialsAtHand:
    """``kept`` are all tests by id, oldest first; ``traffic`` gives an A/B test requests, ``pairs`` are what shadow
    tests compared, ``side_by_side`` what they did box by box; ``now`` is the time."""

    def __init__(self) -> None:
        self.kept: dict[str, Trial] = {}
        self.pairs: dict[str, PairSummary] = {}
        self.side_by_side: dict[str, list[SidePair]] = {}
        self.now = NOW
        self._check: Check | None = None
        self._arms: dict[str, list[Epoch]] = {}
        self._frozen: dict[str, Document] = {}

    def traffic(self, test_id: str, n: int, share: float, *, seed: int = 0, **of_b: Any) -> None:
        """``n`` requests in an epoch of their own with so much of B, see ``drawn_summary``."""
        n_b, rng = round(n * share), np.random.default_rng(seed)
        drawn: tuple[Summary, Summary] = (drawn_summary(rng, n - n_b), drawn_summary(rng, n_b, **of_b))
        arms = [Arm.of_summary(name, summary) for name, summary in zip("AB", drawn, strict=True)]
        self._arms.setdefault(test_id, []).append(Epoch(arms[0], (arms[1],), (1 - share, share)))

    async def create_ab_test(self, name: str, model_a_id: str, model_b_id: str, config: Mapping[str, Any]) -> Document:
        faults: list[tuple[str, str]] = []
        ids = [("model_a_id", model_a_id), ("model_b_id", model_b_id)]
        ids += [("config.treatments", item) for item in config.get("treatments", ())]
        model, variants = _resolved(ids, faults)
        told = variants if len(variants) == len(ids) else ["A", "B"]
        fields = _gathered(faults, lambda: read_ab_config(config, told))
        if not faults:
            _gathered(faults, lambda: check_variants(variants, [field for field, _ in ids]))
        if faults or fields is None:
            raise ControlError.of(faults)
        return self._begin(Definition(name, model, variants[0], tuple(variants[1:]), **fields))

    async def create_shadow_test(
        self, name: str, model_id: str, shadow_model_id: str, config: Mapping[str, Any]
    ) -> Document:
        faults: list[tuple[str, str]] = []
        model, variants = _resolved([("model_id", model_id), ("shadow_model_id", shadow_model_id)], faults)
        fields = _gathered(faults, lambda: read_shadow_config(config))
        if faults or fields is None:
            raise ControlError.of(faults)
        return self._begin(ShadowDefinition(name, model, variants[1], **fields))

    async def list(self, kind: Kind, model_id: str | None, status: str | None) -> Sequence[Document]:
        return [
            self._document(trial)
            for trial in reversed(self.kept.values())
            if trial.kind == kind and status in (None, trial.status) and model_id in (None, trial.definition.model)
        ]

    async def get(self, kind: Kind, id: str) -> Document:
        return self._document(self._trial(kind, id))

    async def results(self, kind: Kind, id: str) -> Document:
        trial = self._trial(kind, id)
        if id in self._frozen:
            return self._frozen[id]
        found = self._pairs_found(trial) if kind == "shadow" else self._ab_found(trial)
        if not trial.active:
            self._frozen[id] = found
        return found

    async def history(self, kind: Kind, id: str, metric: str | None = None) -> Document:
        trial, found = self._trial(kind, id), await self.results(kind, id)
        if kind == "shadow":
            points = [{"at": self.now, **shadow_snapshot(found)}] if found["counts"]["requests"] else []
            kept = {name: found[name] for name in ("id", "name", "status", "frozen", "at")}
            return {**kept, "points": points, "limitations": []}
        try:
            metrics = metrics_asked(trial, metric)
        except TrialFault as fault:
            raise ControlError(fault.field, fault.message) from fault
        arms = self._arms.get(id, [])
        moments = [Moment(trial.created_at + place, arms[:place]) for place in range(1, len(arms) + 1)]
        return of_moments(trial, moments, Grain(60, 1), found, metrics, self.now)

    async def shadow_pairs(
        self, id: str, kind: PairKind, sampled: bool | None, cursor: str | None, limit: int
    ) -> Document:
        self._trial("shadow", id)
        if cursor is not None:
            read_cursor(cursor)
        pairs = [pair for pair in self.side_by_side.get(id, []) if is_of(pair.matching, kind)]
        pairs = [pair for pair in pairs if sampled in (None, pair.sample_id is not None)]
        return page_document(SidePage(pairs[:limit], len(pairs), None))

    async def pause(self, kind: Kind, id: str, reason: str) -> Document:
        return self._change(kind, id, lambda trial: paused(trial, self.now, reason))

    async def resume(self, kind: Kind, id: str) -> Document:
        return self._change(kind, id, lambda trial: resumed(trial, self.now))

    async def ramp(self, kind: Kind, id: str, split: Any) -> Document:
        definition = self._trial(kind, id).definition
        if isinstance(definition, ShadowDefinition):
            shares: tuple[float, ...] = (split,)
        else:
            try:
                shares = read_split(split, definition.variants)
            except ValueError as error:
                raise ControlError("traffic_split", str(error)) from error
        return self._change(kind, id, lambda trial: ramped(trial, shares, self.now, "ramped"))

    async def stop(self, kind: Kind, id: str, reason: str) -> Document:
        return self._change(kind, id, lambda trial: stopped(trial, self.now, reason))

    async def conclude(self, id: str, winner: str | None, note: str) -> Document:
        variant = self._variant("ab", id, winner, "winner") if winner else ""
        return self._change("ab", id, lambda trial: concluded(trial, self.now, variant, note))

    async def promote(self, kind: Kind, id: str, variant: str | None) -> Document:
        variants = self._trial(kind, id).definition.variants
        chosen = self._variant(kind, id, variant, "variant") if variant else variants[0 if kind == "shadow" else 1]
        return self._change(kind, id, lambda trial: promoted(trial, chosen, self.now))

    def figures(self) -> TrialFigures:
        under_way = [trial for trial in self.kept.values() if trial.active]
        counts = {trial.trial_id: self._summary(trial).counts for trial in under_way if trial.kind == "shadow"}
        return {
            "active": [share for trial in under_way for share in _shares_of(trial)],
            "under_way": {trial.trial_id: trial.status for trial in under_way},
            "failover": [pair for trial in under_way for pair in answered_by_control(trial)],
            "statuses": Counter(trial.status for trial in self.kept.values()),
            "pairs": {test_id: found.images for test_id, found in counts.items()},
            "agreement": {test_id: found.agreeing / found.images for test_id, found in counts.items() if found.images},
            "skipped": {(test_id, "no_shadow"): 2 for test_id in counts},
            "units_left_out": {trial.trial_id: 0 for trial in under_way if trial.kind == "ab"},
            "guardrail_stops": 1,
            "rounds": 12,
            "round_seconds": 0.25,
        }

    def on_condition(self, check: Check) -> TrialsAtHand:
        """The same tests."""
        conditional = copy.copy(self)
        conditional._check = check
        return conditional

    def _begin(self, definition: Definition | ShadowDefinition) -> Document:
        for other in self.kept.values():
            if other.active and other.definition.model == definition.model:
                raise Conflict("model", f"{other.trial_id!r} is {other.status} on {definition.model!r}: stop it first")
        test_id = trial_id_of(definition.name, [*self.kept, *RESERVED_IDS])
        points = Points(VERSIONS, dict.fromkeys(VERSIONS, 0.5))
        self.kept[test_id] = begun(test_id, definition, self.now, opened_for=points.text)
        return self._document(self.kept[test_id])

    def _change(self, kind: Kind, id: str, step: Callable[[Trial], Trial]) -> Document:
        trial = self._trial(kind, id)
        if self._check is not None:
            self._check(self._document(trial))
        try:
            self.kept[id] = step(trial)
        except LifecycleError as error:
            fault = Conflict if error.field == "status" else ControlError
            raise fault(error.field, error.message) from error
        return self._document(self.kept[id])

    def _trial(self, kind: Kind, id: str) -> Trial:
        if id not in self.kept or self.kept[id].kind != kind:
            raise NotThere("id", f"no {'A/B' if kind == 'ab' else 'shadow'} test has the id {id!r}")
        return self.kept[id]

    def _variant(self, kind: Kind, id: str, asked: str, field: str) -> str:
        definition = self._trial(kind, id).definition
        for name in definition.variants:
            if asked in (name, f"{definition.model}@{VERSIONS[name]}"):
                return name
        raise ControlError(field, f"{asked!r} is no variant of {id!r}, expected {' or '.join(definition.variants)}")

    def _serving(self, trial: Trial) -> str:
        """What was promoted last for its model, else version 1."""
        model = trial.definition.model
        of_model = [one for one in self.kept.values() if one.promoted and one.definition.model == model]
        latest = max(of_model, key=lambda one: one.promoted_at or 0.0, default=None)
        return f"{model}@{VERSIONS[latest.promoted] if latest else '1'}"

    def _document(self, trial: Trial) -> Document:
        if trial.kind == "shadow":
            return shadow_test_document(trial, self.now, self._serving(trial))
        return ab_document(trial, self.now, self._serving(trial), waiting_for="150 units an arm")

    def _ab_found(self, trial: Trial) -> Document:
        definition = trial.definition
        assert isinstance(definition, Definition)
        found = results(
            *(definition.variants, self._arms.get(trial.trial_id, []), definition.metrics),
            elapsed_s=running_s(trial, self.now),
            tuning=definition.tuning,
            guardrails=definition.guardrails,
            effect_relative=definition.effect,
        )
        return results_document(trial, found, self.now, not trial.active)

    def _pairs_found(self, trial: Trial) -> Document:
        model = trial.definition.model
        report = report_of(self._summary(trial), f"{model}@1", f"{model}@{VERSIONS[trial.definition.variants[0]]}")
        facts = {"waiting": 1, "skipped": {"no_shadow": 2}}
        return pairs_document(trial, report, facts, self.now, not trial.active)

    def _summary(self, trial: Trial) -> PairSummary:
        return self.pairs.get(trial.trial_id, PairSummary())


def _resolved(ids: Sequence[tuple[str, str]], faults: list[tuple[str, str]]) -> tuple[str, list[str]]:
    """The model, and the variants of those (field, model id) that mean one; of the first a name alone is A."""
    models, variants = [], []
    for place, (field, model_id) in enumerate(ids):
        model, _, version = model_id.partition("@")
        found = [name for name, of in VERSIONS.items() if of == (version or ("1" if place == 0 else ""))]
        if model not in MODELS or not found:
            faults.append((field, f"no model or upstream is called {model_id!r}"))
            continue
        models.append(model)
        variants += found
    return models[0] if models else "", variants


def _gathered(faults: list[tuple[str, str]], read: Callable[[], Any]) -> Any:
    try:
        return read()
    except DefinitionError as error:
        faults += error.faults
    return None


def _shares_of(trial: Trial) -> list[tuple[str, str, str, str, float]]:
    definition = trial.definition
    shares = trial.epoch.shares if trial.kind == "shadow" else split_of(trial.epoch.shares)
    return [
        (trial.trial_id, trial.kind, definition.model, name, share)
        for name, share in zip(definition.variants, shares, strict=True)
    ]
