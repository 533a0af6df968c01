"""What the API asks about tests of versions, answered by the room that runs them."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from sidecar.api.services import Conflict, ControlError, NotThere
from sidecar.api.trials import Check, TrialFigures
from sidecar.app.pair_documents import page_document
from sidecar.app.trial_asking import Asking
from sidecar.app.trialing import UNITS_FEW, Trialing
from sidecar.experiments.asking import DefinitionError
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import DAY_S, Kind, Trial, concluded, paused, promoted, ramped, resumed, stopped
from sidecar.experiments.pairs.kinds import PairKind
from sidecar.recording import Full, read_cursor
from sidecar.trials import (
    Entry,
    SideBySide,
    TrialClash,
    TrialFault,
    TrialMissing,
    TrialNotSaved,
    ab_document,
    ab_history,
    by_units,
    shadow_history,
    shadow_test_document,
)

UNITS_KNOWN_AFTER_S = 3_600.0
"""Before that, few units only mean that it has just begun."""
P = ParamSpec("P")
T = TypeVar("T")
Document = Mapping[str, Any]


def answered(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The faults of a request as the API's errors."""

    @functools.wraps(method)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except DefinitionError as error:
            raise ControlError.of(list(error.faults)) from error
        except TrialMissing as fault:
            raise NotThere(fault.field, fault.message) from fault
        except (TrialClash, TrialNotSaved) as fault:
            raise Conflict(fault.field, fault.message) from fault
        except TrialFault as fault:
            raise ControlError(fault.field, fault.message) from fault
        except Full as full:
            raise Conflict(full.field, full.message) from full

    return asked


class TrialsApi:
    """``api.trials.Trials`` over what runs the tests; ``asking`` reads what is asked for."""

    def __init__(self, trialing: Trialing, asking: Asking, check: Check | None = None) -> None:
        self._trialing = trialing
        self._asking = asking
        self._check = check

    @answered
    async def create_ab_test(self, name: str, model_a_id: str, model_b_id: str, config: Mapping[str, Any]) -> Document:
        definition, points = await self._asking.ab_test(name, model_a_id, model_b_id, config)
        edge = await self._asking.slow_edge_ms(definition, points)
        entry = await self._begin("model_a_id", definition, slow_edge_ms=edge, opened_for=points.text)
        await self._asking.tell_of_stops(entry.trial)
        return self._document(entry)

    @answered
    async def create_shadow_test(
        self, name: str, model_id: str, shadow_model_id: str, config: Mapping[str, Any]
    ) -> Document:
        definition, points = await self._asking.shadow_test(name, model_id, shadow_model_id, config)
        return self._document(await self._begin("model_id", definition, opened_for=points.text))

    async def list(self, kind: Kind, model_id: str | None, status: str | None) -> Sequence[Document]:
        documents = [self._document(entry) for entry in self._trialing.book.all(kind)]
        return [
            document
            for document in documents
            if status in (None, document["status"]) and (model_id is None or _is_of(document, model_id))
        ]

    @answered
    async def get(self, kind: Kind, id: str) -> Document:
        return self._document(self._trialing.book.get(kind, id))

    @answered
    async def results(self, kind: Kind, id: str) -> Document:
        return await self._trialing.steward.document(self._trialing.book.get(kind, id))

    @answered
    async def history(self, kind: Kind, id: str, metric: str | None = None) -> Document:
        steward, reader, now = self._trialing.steward, self._trialing.reader, self._trialing.clock()
        entry = self._trialing.book.get(kind, id)
        results = await steward.document(entry)
        if kind == "shadow":
            return await shadow_history(entry.trial, reader, results, now)
        present = await steward.snapshot(entry) if by_units(entry.trial) else None
        return await ab_history(entry.trial, reader, results, present, metric, now)

    @answered
    async def shadow_pairs(
        self, id: str, kind: PairKind, sampled: bool | None, cursor: str | None, limit: int
    ) -> Document:
        trial = self._trialing.book.get("shadow", id).trial
        before = None if cursor is None else read_cursor(cursor)
        now = self._trialing.clock()
        page = await SideBySide(self._trialing.reader).page(trial, kind, before, limit, now, sampled)
        return await asyncio.to_thread(page_document, page)

    def on_condition(self, check: Check) -> TrialsApi:
        return TrialsApi(self._trialing, self._asking, check)

    @answered
    async def pause(self, kind: Kind, id: str, reason: str = "") -> Document:
        return await self._change(kind, id, lambda trial, now: paused(trial, now, reason))

    @answered
    async def resume(self, kind: Kind, id: str) -> Document:
        return await self._change(kind, id, resumed)

    @answered
    async def ramp(self, kind: Kind, id: str, split: Any) -> Document:
        shares = self._asking.shares(self._trialing.book.get(kind, id).trial, split)
        return await self._change(kind, id, lambda trial, now: ramped(trial, shares, now, "ramped"))

    @answered
    async def stop(self, kind: Kind, id: str, reason: str = "") -> Document:
        return await self._change(kind, id, lambda trial, now: stopped(trial, now, reason))

    @answered
    async def conclude(self, id: str, winner: str | None, note: str = "") -> Document:
        variant = self._variant(self._trialing.book.get("ab", id).trial, winner, "winner") if winner else ""
        return await self._change("ab", id, lambda trial, now: concluded(trial, now, variant, note))

    @answered
    async def promote(self, kind: Kind, id: str, variant: str | None) -> Document:
        trial = self._trialing.book.get(kind, id).trial
        of = trial.definition.variants
        name = self._variant(trial, variant, "variant") if variant else of[0] if kind == "shadow" else of[1]
        return await self._change(kind, id, lambda trial, now: promoted(trial, name, now))

    def figures(self) -> TrialFigures:
        return self._trialing.figures()

    async def _begin(self, field: str, definition: Definition | ShadowDefinition, **fields: Any) -> Entry:
        """``field`` is where the model was named."""
        try:
            return await self._trialing.book.begin(definition, **fields)
        except TrialClash as clash:
            raise TrialClash(field, clash.message) from clash

    async def _change(self, kind: Kind, id: str, step: Callable[[Trial, float], Trial]) -> Document:
        def checked(trial: Trial, now: float) -> Trial:
            if self._check is not None:
                self._check(self._document(self._trialing.book.get(kind, id)))
            return step(trial, now)

        return self._document(await self._trialing.book.change(kind, id, checked))

    def _variant(self, trial: Trial, asked: str, field: str) -> str:
        """A variant by its name or its model id, whichever a person has at hand. Raises TrialFault."""
        document = self._document(self._trialing.book.get(trial.kind, trial.trial_id))
        variants = document["variants"] if trial.kind == "ab" else [document["shadow"]]
        for item in variants:
            if asked in (item["variant"], item["id"]):
                return str(item["variant"])
        there = " or ".join(item["id"] for item in variants)
        raise TrialFault(field, f"{asked!r} is no variant of {trial.trial_id!r}, expected {there}")

    def _document(self, entry: Entry) -> Document:
        trial, now = entry.trial, self._trialing.clock()
        serving = self._trialing.serving(trial.definition.model)
        if trial.kind == "shadow":
            return shadow_test_document(trial, now, serving)
        units = self._trialing.units_last_day.get(trial.trial_id)
        warnings = [*self._asking.ab_warnings(trial), *_unit_warnings(trial, units, now - trial.created_at)]
        waiting_for = self._trialing.steward.waiting_for.get(trial.trial_id, "")
        return ab_document(trial, now, serving, waiting_for=waiting_for, units_last_day=units, warnings=warnings)


def _unit_warnings(trial: Trial, units: int | None, ran_s: float) -> list[str]:
    if not by_units(trial) or not trial.active:
        return []
    if units is None:
        return ["How many units there are is not known yet: they are counted while the test runs."]
    if units < UNITS_FEW and ran_s >= UNITS_KNOWN_AFTER_S:
        when = "within the last day" if ran_s >= DAY_S else "so far"
        return [f"Only {units} units were seen {when}: with under {UNITS_FEW} a day it may never be able to tell."]
    return []


def _is_of(document: Document, model_id: str) -> bool:
    variants = document.get("variants") or [document["shadow"]]
    return document["model"] in ("*", model_id) or any(item["id"] == model_id for item in variants)
