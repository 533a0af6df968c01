"""How an alert goes from round to round: a table of states, and one of notices.

Each round a condition is judged (Outcome); judgement, time and state make an Event, and ``TABLE`` says which state
follows. Nothing else changes the state. The theory:

- A *breach* makes an alert pending, and it fires once the breach has lasted for ``for_s``. Time is counted in elapsed
  seconds between rounds (``held_s``), never taken from wall clocks: a clock set forward by a day holds no breach for a
  day. The first breach counts 0 s, so that ``for_s = 0`` fires at once, without being pending.
- ``ok`` ends what is pending, and resolves what fires. What has been well for RESOLVED_S is inactive again.
- ``no_data`` means what the condition says. To *hold* is to leave everything as it is: neither state nor ``held_s``
  changes, so that a pause in traffic neither fires an alert nor resolves it. ``held`` (the clock can't be trusted)
  always holds. Silence and flapping go on counting.

Notices are not made of transitions but of what the receivers believe (``told``) against what is so: all is well, it
fires, or it flaps. Where the two differ, ``NOTICES`` says which notice puts it right. A silence holds notices back, and
so does somebody's acknowledgement of those that are bad news, and that there is no channel to send them by. When that
ends, what is still so is told, and what came and went meanwhile is not. From this follows what must hold: firing and
resolved alternate, a resolved notice comes only after a firing one, and no firing stays untold. While an alert flaps,
its transitions go on, and its notices wait until it has not begun to fire for FLAP_WINDOW_S.

``step`` is pure and total: any state, outcome and time has an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite
from typing import Literal

from sidecar.alerts.alert_state import AlertState, Outcome, State, Told
from sidecar.alerts.condition import Condition
from sidecar.alerts.facts import Reading
from sidecar.alerts.flapping import aged, fired, flaps
from sidecar.alerts.sentences import sentence_of

__all__ = [
    "NOTICES",
    "RESOLVED_S",
    "TABLE",
    "AlertState",
    "Event",
    "Outcome",
    "State",
    "Step",
    "Transition",
    "advance",
    "step",
]

RESOLVED_S = 900.0
"""How long an alert shows that it was resolved."""

NoticeDue = Literal["", "firing", "resolved", "flapping", "settled"]


class Event(StrEnum):
    """What a round comes to."""

    HOLD = "hold"
    """Nothing is known."""
    OK = "ok"
    QUIET = "quiet"
    """Ok, and it has been resolved for RESOLVED_S."""
    BREACH = "breach"
    """Not for long enough yet."""
    LASTED = "lasted"
    """A breach that has lasted for the condition's time."""


TABLE: dict[tuple[State, Event], State] = {
    (State.INACTIVE, Event.HOLD): State.INACTIVE,
    (State.INACTIVE, Event.OK): State.INACTIVE,
    (State.INACTIVE, Event.QUIET): State.INACTIVE,
    (State.INACTIVE, Event.BREACH): State.PENDING,
    (State.INACTIVE, Event.LASTED): State.FIRING,
    (State.PENDING, Event.HOLD): State.PENDING,
    (State.PENDING, Event.OK): State.INACTIVE,
    (State.PENDING, Event.QUIET): State.INACTIVE,
    (State.PENDING, Event.BREACH): State.PENDING,
    (State.PENDING, Event.LASTED): State.FIRING,
    (State.FIRING, Event.HOLD): State.FIRING,
    (State.FIRING, Event.OK): State.RESOLVED,
    (State.FIRING, Event.QUIET): State.RESOLVED,
    (State.FIRING, Event.BREACH): State.FIRING,  # its condition was changed to last longer
    (State.FIRING, Event.LASTED): State.FIRING,
    (State.RESOLVED, Event.HOLD): State.RESOLVED,
    (State.RESOLVED, Event.OK): State.RESOLVED,
    (State.RESOLVED, Event.QUIET): State.INACTIVE,
    (State.RESOLVED, Event.BREACH): State.PENDING,
    (State.RESOLVED, Event.LASTED): State.FIRING,
}
"""The state that follows a state and an event."""

# (what the receivers believe, what is so): the notice that puts it right
NOTICES: dict[tuple[Told, Told], NoticeDue] = {
    ("", ""): "",
    ("", "firing"): "firing",
    ("", "flapping"): "flapping",
    ("firing", ""): "resolved",
    ("firing", "firing"): "",
    ("firing", "flapping"): "flapping",
    ("flapping", ""): "settled",
    ("flapping", "firing"): "firing",
    ("flapping", "flapping"): "",
}


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state. ``at`` is wall seconds; ``value`` is None where there was nothing to measure."""

    at: float
    from_state: State
    to_state: State
    value: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Step:
    """What a round made of an alert: its new state, the transition if there was one, the notice that is due."""

    state: AlertState
    transition: Transition | None = None
    notice: NoticeDue = ""


def step(
    state: AlertState,
    condition: Condition,
    outcome: Outcome,
    reading: Reading,
    *,
    now: float,
    elapsed_s: float,
    of: str = "",
    heard: bool = True,
) -> Step:
    """One round. ``now`` is the wall clock, written down and never calculated with; ``elapsed_s`` the time since the
    round before (``Tick.elapsed_s``); ``of`` names in sentences what the alert watches. Without ``heard`` nobody would
    get a notice: none is given, and what is due stays due until there is somebody to tell.

    >>> condition = Condition("error_rate", "gt", 0.05, 900.0)
    >>> step(AlertState(), condition, Outcome.BREACH, Reading(0.2, 50), now=5.0, elapsed_s=10.0).notice
    'firing'
    """
    moved = advance(state, condition, outcome, now=now, elapsed_s=elapsed_s)
    if outcome is not Outcome.HELD:
        moved = _seen(moved, condition, reading, of, before=state.state)
    notice = _notice_due(moved) if heard else ""
    if notice:
        moved = replace(moved, told=_so(moved))
    if moved.state is state.state:
        return Step(moved, None, notice)
    return Step(moved, Transition(now, state.state, moved.state, moved.value, moved.sentence), notice)


def advance(state: AlertState, condition: Condition, outcome: Outcome, *, now: float, elapsed_s: float) -> AlertState:
    """What a round makes of the state alone: what was measured is not written down in it, and nobody is told."""
    elapsed_s = max(0.0, elapsed_s) if isfinite(elapsed_s) else 0.0
    judged = _judged(_later(state, elapsed_s), condition, outcome, elapsed_s)
    return _moved(judged, TABLE[state.state, _event(judged, condition, outcome)], now)


def _later(state: AlertState, elapsed_s: float) -> AlertState:
    """What time alone does: a silence runs out, firings are further back."""
    ages = aged(state.fired_ages_s, elapsed_s)
    left_s = max(0.0, state.silence_left_s - elapsed_s)
    return replace(
        state,
        silence_left_s=left_s,
        silenced_until=state.silenced_until if left_s else None,
        silenced_by=state.silenced_by if left_s else "",
        fired_ages_s=ages,
        flapping=flaps(ages, state.flapping),
    )


def _meaning(condition: Condition, outcome: Outcome) -> Outcome:
    """What the outcome counts as; HELD where it counts as nothing."""
    if outcome is not Outcome.NO_DATA:
        return outcome
    return {"keep": Outcome.HELD, "ok": Outcome.OK, "fire": Outcome.BREACH}[condition.no_data]


def _judged(state: AlertState, condition: Condition, outcome: Outcome, elapsed_s: float) -> AlertState:
    """Count how long it has been breached, or well."""
    meaning = _meaning(condition, outcome)
    if meaning is Outcome.BREACH:
        lasting = state.state in (State.PENDING, State.FIRING)
        return replace(state, held_s=state.held_s + elapsed_s if lasting else 0.0)
    if meaning is Outcome.OK:
        well_s = state.resolved_s + elapsed_s if state.state is State.RESOLVED else 0.0
        return replace(state, held_s=0.0, resolved_s=well_s)
    return state


def _event(state: AlertState, condition: Condition, outcome: Outcome) -> Event:
    meaning = _meaning(condition, outcome)
    if meaning is Outcome.BREACH:
        return Event.LASTED if state.held_s >= condition.for_s else Event.BREACH
    if meaning is Outcome.OK:
        return Event.QUIET if state.resolved_s >= RESOLVED_S else Event.OK
    return Event.HOLD


def _moved(state: AlertState, to: State, now: float) -> AlertState:
    """Enter a state: what belongs to the one before is cleared."""
    if to is state.state:
        return state
    moved = replace(state, state=to, since=now, resolved_s=0.0)
    if to is State.FIRING:
        ages = fired(state.fired_ages_s)
        return replace(moved, fired_at=now, fired_ages_s=ages, flapping=flaps(ages, state.flapping))
    if state.state is State.FIRING:
        return replace(moved, acknowledged_by="", acknowledged_at=None)
    return moved


def _seen(state: AlertState, condition: Condition, reading: Reading, of: str, before: State) -> AlertState:
    """Write down what was measured."""
    return replace(
        state,
        value=reading.value if isfinite(reading.value) else None,
        samples=reading.samples,
        detail={name: number for name, number in reading.detail.items() if isfinite(number)},
        sentence=sentence_of(of, condition, reading, before, state.state),
        baseline_of=reading.baseline_of,
    )


def _so(state: AlertState) -> Told:
    """What receivers ought to believe."""
    if state.flapping:
        return "flapping"
    return "firing" if state.state is State.FIRING else ""


def _notice_due(state: AlertState) -> NoticeDue:
    so = _so(state)
    if state.silenced or (state.acknowledged and so):
        return ""
    return NOTICES[state.told, so]
