"""Rounds of evaluation: every alert is read, stepped and, where something came of it, committed, all at once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any, Literal

import structlog

from sidecar.alerts import (
    METRICS,
    AlertState,
    Facts,
    JumpWatch,
    Outcome,
    Reading,
    State,
    Tick,
    default_alerts,
    read,
    sidecar_alerts,
    step,
)
from sidecar.alerts.notice import NoticeKind
from sidecar.drift import Seasonal
from sidecar.recording import Alerts, BaselineRow, DriftCheckRow, StoreError, TransitionRow
from sidecar.watch.blend import baseline_of, normal_of
from sidecar.watch.book import Book, Entry
from sidecar.watch.ledger import Ledger
from sidecar.watch.losses import Losses
from sidecar.watch.normal import Normal
from sidecar.watch.scope import Clash, Scope
from sidecar.watch.seasons import Seasons

log = structlog.get_logger()

KEEP_EVERY_S = 60.0
"""How often the reading of an alert that does not change its state is written down."""
ROUND_S_MAX = 120.0
"""A round that takes longer is given up: something it waits for hangs, and changes by people wait for it."""
AHEAD_S_MAX = 60.0
"""A check of a window that ends later was made while the clock was ahead."""
ALERTS_A_TURN = 50
"""Alerts that are judged before the event loop gets its turn."""
DEFAULTS_MODELS_MAX = 50
"""Models that get the default alerts by themselves."""

Result = tuple[Entry, AlertState, TransitionRow | None, NoticeKind | Literal[""]]


@dataclass(slots=True)
class RoundFigures:
    """Since the start: ``rounds``, the ``seconds`` spent on them, and what was put off, by reason."""

    rounds: int = 0
    seconds: float = 0.0
    skipped: Counter[str] = field(default_factory=Counter)


class Rounds:
    """Evaluates the book's alerts. ``latest`` are the latest drift checks by scope; ``dropped`` and ``backlog`` ask
    the sidecar how much it has lost since the start and how much waits now. ``wake`` is told of new notifications.
    ``stops`` gives the guardrail stops of a model ("": of all) from one instant to another, each with its sentence."""

    def __init__(
        self,
        book: Book,
        ledger: Ledger,
        normal: Normal,
        seasons: Seasons,
        latest: Mapping[Scope, DriftCheckRow],
        dropped: Callable[[], int],
        backlog: Callable[[], int],
        wake: Callable[[], None] = lambda: None,
        interval_s: float = 10.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        stops: Callable[[str, float, float], Sequence[tuple[float, str]]] = lambda model, since, until: (),
    ) -> None:
        self._book = book
        self._ledger = ledger
        self._normal = normal
        self._seasons = seasons
        self._latest = latest
        self._dropped = dropped
        self._backlog = backlog
        self._wake = wake
        self._clock = clock
        self._monotonic = monotonic
        self._stops = stops
        self._clocks = JumpWatch(elapsed_max_s=max(60.0, 2 * interval_s))
        self._losses = Losses()
        self.figures = RoundFigures()

    async def give_defaults(
        self, models: Iterable[str], window_s: float, for_s: float, notify: Sequence[str], alerts_made: Alerts
    ) -> None:
        """The default alerts of the first DEFAULTS_MODELS_MAX models, and of the sidecar itself, that were never made:
        one that was deleted stays so."""
        before = await alerts_made.default_models() - {""}
        room = max(0, DEFAULTS_MODELS_MAX - len(before))
        new = [model for model in models if model not in before]
        wanted = [("", sidecar_alerts(window_s, for_s))]
        wanted += [(model, default_alerts(window_s, for_s)) for model in (*before.intersection(models), *new[:room])]
        self.figures.skipped["default_models"] += len(new[room:])
        for model, alerts in wanted:
            known = await alerts_made.default_names(model)
            for alert in alerts:
                if alert.name not in known:
                    try:
                        await self._book.create(Scope(model), alert.name, alert.condition, notify, origin="default")
                    except Clash as clash:  # somebody's own alert bears the name, or there are too many
                        self.figures.skipped["default_clash"] += 1
                        log.info("default_alert_not_made", model=model, name=alert.name, reason=str(clash))

    async def round(self) -> None:
        """Evaluate every enabled alert once. A round that fails as a whole is made up for by the next: what time it
        stood for is counted then."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(ROUND_S_MAX):
                await self._learn()
                async with self._book.lock:
                    await self._evaluate()
        except StoreError as error:
            self.figures.skipped["store"] += 1
            log.error("alerts_not_evaluated", reason=error.reason)
        except TimeoutError:
            self.figures.skipped["timeout"] += 1
            log.error("alerts_not_evaluated", reason=f"a round took more than {ROUND_S_MAX:g} s")
        self.figures.rounds += 1
        self.figures.seconds += time.perf_counter() - started

    async def _learn(self) -> None:
        """Seasons take time to read: not while others wait for the book."""
        unusual = [entry for entry in self._book.all() if entry.row.enabled and entry.condition.operator == "anomaly"]
        if unusual:
            now, normals = self._clock(), await self._normal.by_model()
            asked = [(one.scope, one.condition, self._normal_for(one, normals, now)) for one in unusual]
            await self._seasons.learn(asked, now)

    async def _evaluate(self) -> None:
        now, at = self._clock(), self._monotonic()
        tick = self._clocks.observe(now, at)
        if tick.jumped:
            log.warning("clock_jumped", settled_in="the length of each alert's window")
        self._losses.look(self._dropped(), at)
        entries = [entry for entry in self._book.all() if entry.row.enabled]
        normals = await self._normal.by_model()
        await self._ledger.refresh(self._wanted(entries, normals), now)
        results: list[Result] = []
        for place, entry in enumerate(entries):
            outcome, reading = self._judged(entry, normals, tick, now, at)
            made = step(
                entry.state,
                entry.condition,
                outcome,
                reading,
                now=now,
                elapsed_s=tick.elapsed_s,
                of=_name_of(entry.scope),
                heard=bool(entry.row.notify),
            )
            results.append((entry, made.state, _row(entry, made.transition), made.notice))
            if place % ALERTS_A_TURN == ALERTS_A_TURN - 1:
                await asyncio.sleep(0)
        await self._settle(results, at)
        self._clocks.consumed()

    def _judged(
        self, entry: Entry, normals: Mapping[str, Sequence[BaselineRow]], tick: Tick, now: float, at: float
    ) -> tuple[Outcome, Reading]:
        """One alert. A fault in judging it holds it where it is, and stops no other."""
        if not tick.trusts(entry.condition.window_s):
            self.figures.skipped["clock_jump"] += 1
            return Outcome.HELD, Reading(nan)
        try:
            normal_is_of = baseline_of(entry.scope, [row.version for row in normals.get(entry.scope.model, ())])
            return self._read(entry, self._normal_for(entry, normals, now), normal_is_of, now, at)
        except Exception:
            self.figures.skipped["failed"] += 1
            log.exception("alert_not_judged", alert_id=entry.row.alert_id, name=entry.row.name)
            return Outcome.HELD, Reading(nan)

    async def _settle(self, results: list[Result], at: float) -> None:
        """Commit what must not be lost; keep the rest in memory until KEEP_EVERY_S have passed."""
        kept = [
            (entry, state, transition, notice)
            for entry, state, transition, notice in results
            if transition or notice or state.state is State.PENDING or at - entry.kept_at >= KEEP_EVERY_S
        ]
        if kept:
            # nothing is taken for true that is not written: where this fails the next round tries again
            await self._book.record(kept, context=self._context)
        for entry, state, transition, _ in kept:
            is_there = entry.row.alert_id in self._book.entries
            if is_there and transition and State.FIRING in (transition.from_state, transition.to_state):
                log.warning(f"alert_{state.state}", name=entry.row.name, of=_name_of(entry.scope), what=state.sentence)
        written = {id(entry) for entry, *_ in kept}
        for entry, state, _, _ in results:
            if id(entry) in written:
                entry.kept_at = at
            else:
                entry.state = state
        if any(notice for *_, notice in kept):
            self._wake()

    def _read(
        self, entry: Entry, baseline: Mapping[str, Any] | None, normal_is_of: str, now: float, at: float
    ) -> tuple[Outcome, Reading]:
        condition, scope = entry.condition, entry.scope
        figures, covered_s = self._ledger.window(scope, condition.window_s, now)
        check = self.check_of(scope, now, condition.window_s)
        stops: Sequence[tuple[float, str]] | None = None
        if METRICS[condition.metric].source == "trials":
            stops = self._stops(scope.model, now - condition.window_s, now)
        facts = Facts(
            figures=figures,
            window_s=covered_s,
            baseline=baseline,
            drift=None if check is None else check.report,
            drift_age_s=0.0 if check is None else max(0.0, now - check.until),
            sidecar={"dropped": self._losses.increase(condition.window_s, at), "backlog": self._backlog()},
            stops=stops,
            baseline_of=normal_is_of,
            drift_of="" if check is None else _name_of(_scope_of(check)),
            drift_baseline_of="" if check is None else _reference_of(check),
        )
        seasonal: Seasonal | None = None
        if condition.operator == "anomaly":
            seasonal = self._seasons.of(scope, condition)
        return read(condition, facts, seasonal, at=now)

    def _normal_for(
        self, entry: Entry, rows: Mapping[str, Sequence[BaselineRow]], now: float
    ) -> Mapping[str, Any] | None:
        """The figures that are normal for an alert's scope; of all versions of a model, in the proportions of now."""
        scope = entry.scope

        def served(version: str) -> tuple[int, int]:
            figures, _ = self._ledger.window(scope._replace(version=version), entry.condition.window_s, now)
            return figures.images, figures.requests

        return normal_of(scope, [(row.version, row.figures) for row in rows.get(scope.model, ())], served)

    @staticmethod
    def _wanted(entries: Sequence[Entry], rows: Mapping[str, Sequence[BaselineRow]]) -> list[tuple[Scope, float]]:
        """The windows to have figures of: each alert's own, and its versions' where their normals are blended."""
        wanted = []
        for entry in entries:
            if METRICS[entry.condition.metric].source != "summaries":
                continue
            wanted.append((entry.scope, entry.condition.window_s))
            own = rows.get(entry.scope.model, ())
            if not entry.scope.version and len(own) > 1:
                wanted += [(entry.scope._replace(version=row.version), entry.condition.window_s) for row in own]
        return wanted

    def check_of(self, scope: Scope, now: float, age_s: float) -> DriftCheckRow | None:
        """The latest drift check of a scope; of several versions' recent ones the worst, else the newest."""
        rows = [
            row
            for key, row in self._latest.items()
            if key.model == scope.model
            and scope.version in ("", key.version)
            and key.slice == scope.slice
            and row.until <= now + AHEAD_S_MAX
        ]
        recent = [row for row in rows if now - row.until <= age_s]
        if recent:
            return max(recent, key=_gravity)
        return max(rows, key=lambda row: row.until, default=None)

    def _context(self, entry: Entry) -> Sequence[str]:
        """The classes that moved, beside any alert of a model that drifted."""
        now = self._clock()
        check = self.check_of(entry.scope, now, max(entry.condition.window_s, 3_600.0))
        if check is None or check.report.get("verdict") != "drift" or METRICS[entry.condition.metric].source == "drift":
            return ()
        return (str(check.report.get("sentence", "")),)


def _gravity(row: DriftCheckRow) -> tuple[bool, int, float]:
    report = row.report
    corrected = [score.get("corrected") or 0.0 for score in report.get("scores", {}).values()]
    return bool(report.get("significant_drift")), len(report.get("new_classes", ())), max(corrected, default=0.0)


def _scope_of(check: DriftCheckRow) -> Scope:
    return Scope(check.model, check.version, check.slice)


def _reference_of(check: DriftCheckRow) -> str:
    """Whose baseline a check was made with, where it is another version's; "" also where an older release made it."""
    whose = str((check.report.get("reference") or {}).get("model_id") or "")
    return whose if whose != _scope_of(check).model_id else ""


def _name_of(scope: Scope) -> str:
    return f"{scope.model_id}, {scope.slice}" if scope.slice else scope.model_id


def _row(entry: Entry, transition: Any) -> TransitionRow | None:
    if transition is None:
        return None
    return TransitionRow(
        0,
        entry.row.alert_id,
        transition.at,
        transition.from_state,
        transition.to_state,
        transition.value,
        transition.sentence,
    )
