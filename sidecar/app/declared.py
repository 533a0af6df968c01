"""Tests of the configuration are begun, ramped and stopped as the file says, and left alone where it says as before."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from sidecar.app.config import Config
from sidecar.app.control import Control
from sidecar.app.state import Declared
from sidecar.app.trial_ids import points_of
from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import Trial, ramped, reopened, stopped
from sidecar.recording import Full
from sidecar.trials import Book, Points, TrialFault
from sidecar.trials.reading import POINTS_CHANGED

log = structlog.get_logger()

Asked = Definition | ShadowDefinition
Tell = Callable[[Trial], Awaitable[None]]
"""Makes the alert that tells a test's channels of stops by guardrails."""


class Declarations:
    """Makes the book follow the configuration. Run ``reconcile`` at the start and after every reload."""

    def __init__(self, book: Book, control: Control, tell: Tell | None = None) -> None:
        self._tell = tell
        self._book = book
        self._control = control

    async def reconcile(self, config: Config) -> None:
        """Raises StoreError."""
        await self._stop_impossible(config)
        await self._follow_points(config)
        declared = dict(self._control.state.declared)
        asked: dict[str, Asked] = {item.name: item.definition for item in config.experiments}
        asked |= {item.name: item.definition for item in config.shadows}
        for name in [name for name in declared if name not in asked]:
            await self._stop(declared.pop(name).trial_id, "it is no longer in the configuration")
        for name, definition in asked.items():
            text = json.dumps(definition.to_dict(), sort_keys=True)
            known = declared.get(name)
            if known is not None and known.definition == text:
                continue
            try:
                trial_id = await self._take_up(config, definition, known)
            except (TrialFault, Full) as fault:  # it is tried again at the next reload
                log.error("declared_test_not_followed", name=name, reason=str(fault))
                continue
            if trial_id is not None:
                declared[name] = Declared(definition=text, trial_id=trial_id)
        self._control.declare(declared)

    async def _take_up(self, config: Config, definition: Asked, known: Declared | None) -> str | None:
        """The id of the test that now is as declared; None where it can't be, which is said and tried again."""
        entry = None if known is None else self._book.entries.get(known.trial_id)
        if entry is not None and entry.trial.active:
            trial = entry.trial
            if trial.status == "running" and _but_for_shares(trial.definition) == _but_for_shares(definition):
                await self._book.change(trial.kind, trial.trial_id, lambda trial, now: _split(trial, definition, now))
                return trial.trial_id
            await self._stop(trial.trial_id, "it was changed in the configuration")
        if isinstance(definition, Definition):
            serving = self._control.elsewhere(definition.model, definition.control)
            if serving:
                reason = f"{definition.control} does not serve now, {serving} does: control must be what serves"
                log.error("declared_test_not_begun", name=definition.name, reason=reason)
                return None
        points = points_of(config, definition.model, self._points_of_whom(definition))
        begun = await self._book.begin(definition, origin="config", opened_for=points.text)
        if isinstance(definition, Definition) and definition.notify and self._tell is not None:
            await self._tell(begun.trial)
        return begun.trial.trial_id

    def _points_of_whom(self, definition: Asked) -> tuple[str, ...]:
        """A shadow is compared with what serves."""
        if isinstance(definition, Definition):
            return definition.variants
        return (self._control.serving(definition.model), definition.shadow)

    async def _stop_impossible(self, config: Config) -> None:
        """What can't go on as it was begun: an upstream is gone or is another version, or something else serves."""
        names = {item.name for item in config.upstreams}
        for trial in self._book.active():
            compared = Points.of_text(trial.opened_for).versions
            gone = sorted(({*trial.definition.variants, *compared}) - names)
            if gone:
                await self._stop(trial.trial_id, f"there is no upstream {', '.join(gone)} any more")
                continue
            now = points_of(config, trial.definition.model, tuple(compared)).versions
            changed = [name for name in compared if now[name] != compared[name]]
            if changed:
                told = ", ".join(f"{name} was version {compared[name]!r}, now {now[name]!r}" for name in changed)
                await self._stop(trial.trial_id, told)
            elif trial.kind == "shadow" and compared:
                serving = self._control.serving(trial.definition.model)
                if serving not in compared:
                    await self._stop(trial.trial_id, f"{serving} serves now")

    async def _follow_points(self, config: Config) -> None:
        """A changed operating point changes what is counted, so it opens an epoch."""
        for trial in self._book.active():
            before = Points.of_text(trial.opened_for)
            after = points_of(config, trial.definition.model, tuple(before.versions))
            if before.versions and after.text != before.text:
                await self._reopen(trial, after.text)

    async def _reopen(self, trial: Trial, opened_for: str) -> None:
        reason = POINTS_CHANGED
        try:
            await self._book.change(
                trial.kind, trial.trial_id, lambda trial, now: reopened(trial, now, reason, opened_for)
            )
        except TrialFault as fault:  # it has as many epochs as there may be
            await self._stop(trial.trial_id, f"{reason}: {fault.message}")

    async def _stop(self, trial_id: str, reason: str) -> None:
        entry = self._book.entries.get(trial_id)
        if entry is not None and entry.trial.active:
            await self._book.change(
                entry.trial.kind,
                trial_id,
                lambda trial, now: stopped(trial, now, reason) if trial.active else trial,
            )


def _but_for_shares(definition: Asked) -> Asked:
    if isinstance(definition, Definition):
        return replace(definition, shares=())
    return replace(definition, share=0.0)


def _split(trial: Trial, definition: Asked, now: float) -> Trial:
    """The declared split, in an epoch of its own."""
    if trial.status != "running" or trial.epoch.shares == definition.shares:
        return trial
    return ramped(trial, definition.shares, now, "the split was changed in the configuration")
