"""All tests in memory and every way of changing them: durable first, then followed by the workers, then answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from sidecar.experiments.definition import Definition, ShadowDefinition
from sidecar.experiments.lifecycle import Kind, LifecycleError, Trial, begun, trial_id_of
from sidecar.recording import StoreError, TrialRow, Trials
from sidecar.trials.faults import TrialClash, TrialFault, TrialMissing, TrialNotSaved

log = structlog.get_logger()

Step = Callable[[Trial, float], Trial]
Follow = Callable[[Sequence[Trial], tuple[str, str] | None, float], None]
"""Makes the workers follow the tests under way; with (model, variant) that is to serve from now on, and when it was
promoted (0.0 where it wasn't). Raises OSError where it could not be saved, and then nothing has changed."""
RESERVED_IDS = ("metrics",)
"""Words that stand where an id would in an address."""


@dataclass(slots=True)
class Entry:
    """A test as it stands. ``lowest`` are the lowest p-values so far, ``results`` the document it was frozen with."""

    trial: Trial
    lowest: dict[str, float] = field(default_factory=dict)
    results: Mapping[str, Any] | None = None

    @property
    def row(self) -> TrialRow:
        trial, definition = self.trial, self.trial.definition
        return TrialRow(
            *(trial.trial_id, trial.kind, definition.name, definition.model, trial.status),
            *(trial.created_at, trial.ended_at, trial.to_dict(), dict(self.lowest), self.results),
        )


class Book:
    """The tests of one sidecar. ``follow`` hands those under way to the workers; ``changed`` hears of every change."""

    def __init__(
        self, trials: Trials, follow: Follow, clock: Callable[[], float], changed: Callable[[], None] = lambda: None
    ) -> None:
        self.lock = asyncio.Lock()
        self.entries: dict[str, Entry] = {}
        self.rows = trials
        self._follow = follow
        self._unwritten: set[str] = set()
        self._clock = clock
        self._changed = changed

    async def restore(self, under_way: Sequence[Mapping[str, Any]] = ()) -> None:
        """Take up what the store has, and those ``under_way`` (documents of what workers follow) that it has lost."""
        for row in await self.rows.all():
            entry = _entry_of(row)
            if entry is not None:
                self.entries[row.trial_id] = entry
        for document in under_way:
            trial = _trial_of(document)
            if trial is not None and trial.trial_id not in self.entries:
                log.warning("test_taken_up_again", trial=trial.trial_id)
                entry = self.entries[trial.trial_id] = Entry(trial)
                await self.rows.put(entry.row)

    async def reinstate(self) -> None:
        """Put everything into a store that was begun anew."""
        async with self.lock:
            for entry in self.entries.values():
                await self.rows.put(entry.row)

    def all(self, kind: Kind | None = None) -> list[Entry]:
        """Newest first."""
        found = [entry for entry in self.entries.values() if kind in (None, entry.trial.kind)]
        return sorted(found, key=lambda entry: entry.trial.created_at, reverse=True)

    def active(self) -> list[Trial]:
        """Those under way, paused ones too."""
        return [entry.trial for entry in self.entries.values() if entry.trial.active]

    def get(self, kind: Kind, trial_id: str) -> Entry:
        """Raises TrialMissing."""
        entry = self.entries.get(trial_id)
        if entry is None or entry.trial.kind != kind:
            hint = ""
            if entry is not None:
                hint = f"; it is that of {'an A/B test' if kind == 'shadow' else 'a shadow test'}"
            elif trial_id_of(trial_id, ()) in self.entries:
                hint = f"; there is {trial_id_of(trial_id, ())!r}"
            raise TrialMissing("id", f"no {'A/B' if kind == 'ab' else 'shadow'} test has the id {trial_id!r}{hint}")
        return entry

    async def begin(
        self,
        definition: Definition | ShadowDefinition,
        *,
        origin: str = "api",
        slow_edge_ms: float | None = None,
        opened_for: str = "",
    ) -> Entry:
        """A test that runs from now on. Raises TrialClash, TrialNotSaved, Full and StoreError."""
        async with self.lock:
            self._check_free(definition.model)
            trial_id = trial_id_of(definition.name, [*self.entries, *RESERVED_IDS])
            trial = begun(
                *(trial_id, definition, self._clock()),
                origin=origin,
                slow_edge_ms=slow_edge_ms,
                opened_for=opened_for,
            )
            entry = Entry(trial)
            gone = await self.rows.put(entry.row)
            if gone is not None:
                self.entries.pop(gone, None)
            self.entries[trial_id] = entry
            try:
                self._follow(self.active(), None, 0.0)
            except OSError as error:
                del self.entries[trial_id]
                await self._undo(trial_id)
                raise TrialNotSaved("settings", f"could not be saved: {error.strerror}") from error
        self._changed()
        log.info("test_began", trial=trial_id, model=definition.model)
        return entry

    async def change(self, kind: Kind, trial_id: str, step: Step) -> Entry:
        """What ``step`` makes of the test; it may raise LifecycleError. Raises TrialMissing, TrialClash, TrialFault,
        TrialNotSaved and StoreError, and then nothing has changed."""
        async with self.lock:
            entry = self.get(kind, trial_id)
            before = entry.trial
            try:
                after = step(before, self._clock())
            except LifecycleError as error:
                fault = TrialClash if error.field == "status" else TrialFault
                raise fault(error.field, error.message) from error
            if after == before:
                return entry
            if not before.active and after.promoted_at != before.promoted_at:
                self._check_free(after.definition.model)  # what serves must not change under a test
            await self._put(entry, after)
            entry.trial = after  # no wait from here on: whoever reads that it ended finds its traffic gone
            promoted_at = after.promoted_at if after.promoted_at != before.promoted_at else None
            try:
                self._follow(self.active(), _served_after(before, after), promoted_at or 0.0)
            except OSError as error:
                entry.trial = before
                await self._undo(trial_id)
                raise TrialNotSaved("settings", f"could not be saved: {error.strerror}") from error
        self._changed()
        why = after.reason or (after.epoch.reason if after.epoch != before.epoch else "")
        promoted = after.promoted if promoted_at else ""
        if replace(after, slow_edge_ms=before.slow_edge_ms) != before:  # what is slow is learned, nobody changed it
            told = {name: said for name, said in (("why", why), ("promoted", promoted)) if said}
            log.info("test_changed", trial=trial_id, status=after.status, **told)
        return entry

    def promote_since(self, since: float) -> None:
        """Follow promotions later than ``since`` (epoch seconds): a crash came between their being written and being
        followed. Raises OSError."""
        late = [trial for trial in self._trials_in_memory() if trial.promoted and (trial.promoted_at or 0.0) > since]
        for trial in sorted(late, key=lambda trial: trial.promoted_at or 0.0):
            self._follow(self.active(), (trial.definition.model, trial.promoted), trial.promoted_at or 0.0)

    async def write_again(self) -> None:
        """Make the store as it is in memory where undoing a change had failed. Raises StoreError."""
        async with self.lock:
            for trial_id in list(self._unwritten):
                await self._write(trial_id)

    async def note_lowest(self, entry: Entry, lowest: Mapping[str, float]) -> None:
        """Keep the lowest p-values so far; in the store too where one fell."""
        fallen = {name: p for name, p in lowest.items() if p < entry.lowest.get(name, 1.0)}
        if fallen:
            entry.lowest.update(fallen)
            await self.rows.put_lowest(entry.trial.trial_id, entry.lowest)

    async def freeze(self, entry: Entry, results: Mapping[str, Any]) -> None:
        """Keep what an ended test came to, for good."""
        async with self.lock:
            entry.results = results
            try:
                await self.rows.put(entry.row)
            except Exception:
                entry.results = None
                raise

    def _trials_in_memory(self) -> list[Trial]:
        return [entry.trial for entry in self.entries.values()]

    async def _undo(self, trial_id: str) -> None:
        """The store is to have the test as it is in memory, or not at all; where that fails it is tried again."""
        self._unwritten.add(trial_id)
        try:
            await self._write(trial_id)
        except StoreError as error:
            log.error("test_not_undone", trial=trial_id, reason=error.reason)

    async def _write(self, trial_id: str) -> None:
        entry = self.entries.get(trial_id)
        if entry is None:
            await self.rows.delete(trial_id)
        else:
            await self.rows.put(entry.row)
        self._unwritten.discard(trial_id)

    async def _put(self, entry: Entry, trial: Trial) -> None:
        try:
            await self.rows.put(replace(entry, trial=trial).row)
        except asyncio.CancelledError:  # the store may have it
            self._unwritten.add(trial.trial_id)
            raise

    def _check_free(self, model: str) -> None:
        """One test at a time on the same traffic."""
        for trial in self.active():
            theirs = trial.definition.model
            if theirs == model or "*" in (theirs, model):
                what = "A/B test" if trial.kind == "ab" else "shadow test"
                of = "all models" if theirs == "*" else repr(theirs)
                raise TrialClash("model", f"{what} {trial.trial_id!r} is {trial.status} on {of}: stop it first")


def _served_after(before: Trial, after: Trial) -> tuple[str, str] | None:
    """(model, variant) that serves once this change is made; None where it changes nothing about that.

    Who ended an A/B test without promoting gets control back, whatever served before.
    """
    model = after.definition.model
    if after.promoted and after.promoted_at != before.promoted_at:
        return model, after.promoted
    if before.active and not after.active and isinstance(after.definition, Definition):
        return model, after.definition.control
    return None


def _entry_of(row: TrialRow) -> Entry | None:
    trial = _trial_of(row.document)
    return None if trial is None else Entry(trial, dict(row.lowest), row.results)


def _trial_of(document: Mapping[str, Any]) -> Trial | None:
    """None, and said, where another release wrote what this one can't read."""
    try:
        return Trial.from_dict(document)
    except (KeyError, TypeError, ValueError) as error:
        log.error("test_unreadable", trial=document.get("trial_id"), error=str(error))
        return None
