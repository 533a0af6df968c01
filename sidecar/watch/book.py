"""All alerts in memory: their rules, where they stand, and every way of changing them.

One lock is held by a round of evaluation and by each change, so that neither works on what the other has outdated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol
from urllib.parse import quote
from uuid import uuid4

import structlog

from sidecar.alerts import (
    METRICS,
    AlertState,
    AnswerError,
    Condition,
    ConditionError,
    Notice,
    State,
    acknowledge,
    condition_document,
    notice_of,
    parse_condition,
    resumed,
    silence,
)
from sidecar.alerts.notice import NoticeKind
from sidecar.recording import AlertRow, Alerts, Change, Full, NotificationRow, StoreError, Taken, TransitionRow
from sidecar.watch.scope import Clash, Fault, Missing, Scope

log = structlog.get_logger()

OF_THE_SIDECAR = ("sidecar", "trials")
"""Sources of metrics that an alert without a model can watch."""


class Faults(Exception):
    """Several parts of a request are wrong: (field, message) each."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in faults))
        self.faults = tuple(faults)


class ChannelCheck(Protocol):
    """What of the channels the book needs: whether an address makes sense, and its one form."""

    def fault(self, channel: str) -> str:
        """Why this is no channel; empty where it is one."""

    def canonical(self, channel: str) -> str:
        """The one way of writing it, so that one channel is never two queues."""


@dataclass(slots=True)
class Entry:
    """An alert as it stands. ``kept`` is the state the store has, ``kept_at`` when it was written (monotonic)."""

    row: AlertRow
    condition: Condition
    state: AlertState
    kept_at: float = 0.0

    @property
    def scope(self) -> Scope:
        return Scope(self.row.model, self.row.version, self.row.slice)

    def with_state(self, state: AlertState) -> AlertRow:
        """The row with this state, based on the revision in hand."""
        return replace(self.row, state=state.to_dict())


class Book:
    """The alerts of one sidecar. ``link`` leads people to the dashboard, "" where no address is configured.
    ``generation`` is the store's: it grows when a damaged one was set aside, and what is in memory is all there is.
    """

    def __init__(
        self,
        alerts: Alerts,
        channels: ChannelCheck,
        clock: Callable[[], float],
        link: Callable[[], str] = lambda: "",
        generation: Callable[[], int] = lambda: 0,
    ) -> None:
        self.lock = asyncio.Lock()
        self.entries: dict[str, Entry] = {}
        self._alerts = alerts
        self._channels = channels
        self._clock = clock
        self._link = link
        self._generation = generation

    async def restore(self) -> None:
        """Take up all alerts as the store has them."""
        for row in await self._alerts.all():
            entry = _entry_of(row)
            if entry is not None:
                self.entries[row.alert_id] = replace(entry, state=resumed(entry.state, self._clock()))

    async def reinstate(self) -> None:
        """Put everything into a store that was begun anew. What fires is told again: nobody knows what was sent."""
        async with self.lock:
            for entry in self.entries.values():
                entry.state = replace(entry.state, told="") if entry.state.told else entry.state
            await self._alerts.reinstate([entry.with_state(entry.state) for entry in self.entries.values()])

    def all(self) -> list[Entry]:
        return list(self.entries.values())

    def get(self, alert_id: str) -> Entry:
        """Raises Missing."""
        if alert_id not in self.entries:
            raise Missing("alert_id", f"no alert has the id {alert_id!r}")
        return self.entries[alert_id]

    async def create(
        self,
        scope: Scope,
        name: str,
        condition: Mapping[str, Any] | Condition,
        notify: Sequence[str],
        *,
        enabled: bool = True,
        origin: Literal["user", "default"] = "user",
    ) -> Entry:
        """A new alert, saved before this returns. Raises Faults, or Clash where the name is taken or there are as many
        alerts as there may be."""
        faults = self._notify_faults(notify)
        parsed = condition if isinstance(condition, Condition) else _parsed(condition, faults)
        if faults or parsed is None:
            raise Faults(faults)
        check_model(scope, parsed)
        now = self._clock()
        row = AlertRow(
            alert_id=uuid4().hex,
            model=scope.model,
            version=scope.version,
            slice=scope.slice,
            name=name,
            condition=condition_document(parsed),
            notify=self._canonical(notify),
            origin=origin,
            enabled=enabled,
            created_at=now,
            updated_at=now,
            state=AlertState(since=now).to_dict(),
        )
        async with self.lock:
            try:
                await self._alerts.create(row)
            except Taken as error:
                raise Clash("name", error.message) from error
            except Full as error:
                raise Clash("alerts", error.message) from error
            entry = self.entries[row.alert_id] = Entry(row, parsed, AlertState(since=now))
        return entry

    async def update(
        self,
        alert_id: str,
        *,
        name: str | None = None,
        condition: Mapping[str, Any] | None = None,
        notify: Sequence[str] | None = None,
        enabled: bool | None = None,
        is_edit: bool = True,
    ) -> Entry:
        """Change what is given, all of it or nothing. A new condition, and being disabled, start from inactive.

        Whoever was told that it fires is told its end: all channels where it ends, those that are taken off the list;
        those that are put on it while it fires are told of that. Raises Missing, Faults or Clash.
        """
        faults = self._notify_faults(notify or ())
        async with self.lock:
            entry = self.get(alert_id)
            parsed = entry.condition if condition is None else _parsed(condition, faults)
            if faults or parsed is None:
                raise Faults(faults)
            check_model(entry.scope, parsed)
            row = replace(
                entry.row,
                name=entry.row.name if name is None else name,
                condition=condition_document(parsed),
                notify=entry.row.notify if notify is None else self._canonical(notify),
                enabled=entry.row.enabled if enabled is None else enabled,
                updated_at=self._clock() if is_edit else entry.row.updated_at,
            )
            if row.enabled != entry.row.enabled or parsed != entry.condition:
                change = self._ended(entry, "Its rule was changed." if row.enabled else "The alert was disabled.")
            else:
                change = Change(entry.with_state(entry.state), None, self._retold(entry, row.notify))
            try:
                stale = await self._alerts.save_with_state(row, change)
            except Taken as error:
                raise Clash("name", error.message) from error
            self._drop_stale(stale)
            self.get(alert_id)
            state = AlertState.from_dict(change.row.state)
            revision = change.row.state_revision + 1
            entry.row = replace(row, state=change.row.state, state_revision=revision)
            entry.condition, entry.state = parsed, state
            return entry

    async def delete(self, alert_id: str) -> Entry:
        """Raises Missing. What was announced as firing is announced as resolved."""
        async with self.lock:
            entry = self.get(alert_id)
            self._drop_stale(
                await self._alerts.delete_with(self._ended(entry, "The alert was deleted."), self._clock())
            )
            self.entries.pop(alert_id, None)
            return entry

    async def acknowledge(self, alert_id: str, by: str) -> Entry:
        """Raises Missing, Fault, or Clash where it is not firing."""
        async with self.lock:
            entry = self.get(alert_id)
            await self._answer(entry, lambda: acknowledge(entry.state, by, self._clock()))
        return entry

    async def silence(self, alert_id: str, until: float | None, by: str) -> Entry:
        """No notices until then; None ends a silence. Raises Missing or Fault."""
        async with self.lock:
            entry = self.get(alert_id)
            await self._answer(entry, lambda: silence(entry.state, until, self._clock(), by))
        return entry

    async def _answer(self, entry: Entry, answer: Callable[[], AlertState]) -> None:
        try:
            state = answer()
        except AnswerError as error:
            if error.field == "state":
                raise Clash("alert_id", error.message) from error
            raise Fault(error.field, error.message) from error
        await self.record([(entry, state, None, "")])

    def _ended(self, entry: Entry, why: str) -> Change:
        """Back to inactive, for a reason that is not a measurement; a silence goes on. The end is told even so: it is
        the last chance to tell it."""
        state, now = entry.state, self._clock()
        inactive = AlertState(
            since=now,
            sentence=why,
            silenced_by=state.silenced_by,
            silenced_until=state.silenced_until,
            silence_left_s=state.silence_left_s,
            fired_ages_s=state.fired_ages_s,
        )
        transition = None
        if state.state is not State.INACTIVE:
            transition = TransitionRow(0, entry.row.alert_id, now, state.state, State.INACTIVE, state.value, why)
        shown = replace(state, sentence=why)
        told = self._notifications(entry, "resolved", shown, (), entry.row.notify) if state.told else []
        return Change(entry.with_state(inactive), transition, told)

    def _retold(self, entry: Entry, notify: Sequence[str]) -> list[NotificationRow]:
        """What channels have to hear that are put on, or taken off, the list of an alert that was told."""
        told = entry.state.told
        if not told:
            return []
        gone = [channel for channel in entry.row.notify if channel not in notify]
        came = [channel for channel in notify if channel not in entry.row.notify]
        return [
            *self._notifications(entry, "resolved", entry.state, ("This channel is no longer notified.",), gone),
            *self._notifications(entry, told, entry.state, (), came),
        ]

    def _drop_stale(self, stale: Iterable[str]) -> None:
        for alert_id in stale:  # nobody else writes states, so this alert is gone
            if self.entries.pop(alert_id, None) is not None:
                log.warning("alert_gone", alert_id=alert_id)

    async def record(
        self,
        changes: Sequence[tuple[Entry, AlertState, TransitionRow | None, NoticeKind | Literal[""]]],
        context: Callable[[Entry], Sequence[str]] = lambda _: (),
    ) -> None:
        """Commit new states with all that comes of them, and take them for true only then. The lock must be held.

        ``context`` gives further lines for notices. Raises StoreError, also where the store was begun anew meanwhile.
        """
        rows = [
            Change(
                entry.with_state(state),
                transition,
                [] if not kind else self._notifications(entry, kind, state, context(entry), entry.row.notify),
            )
            for entry, state, transition, kind in changes
        ]
        generation = self._generation()
        stale = set(await self._alerts.record(rows))
        if self._generation() != generation:
            raise StoreError("corrupt", "the store was begun anew")
        self._drop_stale(stale)
        for (entry, state, _, _), change in zip(changes, rows, strict=True):
            if entry.row.alert_id not in stale:
                entry.row = replace(change.row, state_revision=change.row.state_revision + 1)
                entry.state = state

    def _notifications(
        self, entry: Entry, kind: NoticeKind, state: AlertState, context: Iterable[str], channels: Sequence[str]
    ) -> list[NotificationRow]:
        notice = self.notice(entry, kind, state, context)
        return [
            NotificationRow(0, entry.row.alert_id, None, channel, kind, notice.to_dict(), notice.at)
            for channel in channels
        ]

    def notice(
        self, entry: Entry, kind: NoticeKind, state: AlertState | None = None, context: Iterable[str] = ()
    ) -> Notice:
        """What to tell of an alert."""
        row = entry.row
        return notice_of(
            kind,
            state or entry.state,
            entry.condition,
            at=self._clock(),
            alert_id=row.alert_id,
            name=row.name,
            model=row.model,
            version=row.version,
            slice=row.slice,
            link=_page_of(self._link(), row.alert_id),
            context=context,
        )

    def _canonical(self, notify: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._channels.canonical(channel) for channel in notify))

    def _notify_faults(self, notify: Sequence[str]) -> list[tuple[str, str]]:
        faults = [(f"notify.{place}", self._channels.fault(channel)) for place, channel in enumerate(notify)]
        return [(field, message) for field, message in faults if message]


def check_model(scope: Scope, condition: Condition) -> None:
    """Whether the metric is one of what the scope is. Raises Faults."""
    source = METRICS[condition.metric].source
    if source == "sidecar" and scope.model:
        raise Faults([("model_id", f"{condition.metric} is of the sidecar itself: leave the model empty")])
    if source == "trials" and (scope.version or scope.slice):
        field, given = ("model_id", "name the model alone") if scope.version else ("slice", "leave it out")
        raise Faults([(field, f"{condition.metric} is of a model's tests, of all versions and slices: {given}")])
    if source not in OF_THE_SIDECAR and not scope.model:
        own = ", ".join(metric.name for metric in METRICS.values() if metric.source in OF_THE_SIDECAR)
        raise Faults([("model_id", f"{condition.metric} is of a model: name one; without one there are {own}")])


def _parsed(document: Mapping[str, Any], faults: list[tuple[str, str]]) -> Condition | None:
    try:
        return parse_condition(document)
    except ConditionError as error:
        faults += error.faults
        return None


def _entry_of(row: AlertRow) -> Entry | None:
    """None, and said, where another release wrote a rule that this one does not know."""
    try:
        return Entry(row, parse_condition(row.condition), AlertState.from_dict(row.state))
    except ConditionError as error:
        log.error("alert_not_understood", alert_id=row.alert_id, name=row.name, error=str(error))
        return None


def _page_of(dashboard: str, alert_id: str) -> str:
    """Where an alert is shown, "" where nobody said where the dashboard is.

    >>> _page_of("https://sidecar.lan/", "a1"), _page_of("", "a1")
    ('https://sidecar.lan/alerts?alert=a1', '')
    """
    return f"{dashboard.rstrip('/')}/alerts?alert={quote(alert_id, safe='')}" if dashboard else ""
