"""Rows of what is watched: baselines, drift checks, alerts with their transitions, notifications.

Times are wall-clock seconds since the epoch. A model of all its versions has version ``""``; slice ``""`` is all
slices together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


class Refused(ValueError):
    """What was asked can't be stored as things stand; str is ``field: message``.

    >>> str(Taken("name", "'default' exists already"))
    "name: 'default' exists already"
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class Taken(Refused):
    """Something else has that name."""


class Full(Refused):
    """A bound is reached."""


@dataclass(frozen=True, slots=True)
class BaselineRow:
    """A period frozen as normal. ``figures`` are for people, ``payload`` the encoded blocks for comparisons.

    >>> BaselineRow("b1", "det", "1", "default", 0.0, 60.0, 61.0, "user", {"images": 9}, b"").name
    'default'
    """

    baseline_id: str
    model: str
    version: str
    name: str
    since: float
    until: float
    created_at: float
    origin: Literal["user", "auto"]
    figures: Mapping[str, Any]
    payload: bytes


@dataclass(frozen=True, slots=True)
class DriftCheckRow:
    """What the continuous monitor found when it compared [since, until) with a baseline.

    >>> DriftCheckRow("det", "1", "", 0.0, 60.0, "b1", 61.0, {"verdict": "no_drift"}).report["verdict"]
    'no_drift'
    """

    model: str
    version: str
    slice: str
    since: float
    until: float
    baseline_id: str
    checked_at: float
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlertRow:
    """A rule and the state it is in. ``state_revision`` is the one ``state`` was read at; a new alert has 0.

    >>> AlertRow("a1", "det", "", "", "Errors", {}, (), "user", True, 0.0, 0.0, {}).state_revision
    0
    """

    alert_id: str
    model: str
    version: str
    slice: str
    name: str
    condition: Mapping[str, Any]
    notify: tuple[str, ...]
    origin: Literal["user", "default"]
    enabled: bool
    created_at: float
    updated_at: float
    state: Mapping[str, Any]
    state_revision: int = 0


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """A change of state. The store gives ``id`` (0 in a new one) and, from the alert, ``model``, ``version``, ``name``.

    >>> TransitionRow(0, "a1", 5.0, "pending", "firing", 0.5, "Errors: 50 %").to_state
    'firing'
    """

    id: int
    alert_id: str
    at: float
    from_state: str
    to_state: str
    value: float | None
    sentence: str
    model: str = ""
    version: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """A message for one channel. The store gives ``id`` (0 in a new one).

    ``started_at`` is when an attempt began whose outcome is not recorded: set, but neither sent nor given up, after a
    crash it says that the message may have gone out. ``error`` is the last failure's.

    >>> NotificationRow(0, "a1", None, "email:team@company.com", "firing", {}, 5.0).attempts
    0
    """

    id: int
    alert_id: str
    transition_id: int | None
    channel: str
    kind: str
    payload: Mapping[str, Any]
    queued_at: float
    started_at: float | None = None
    attempts: int = 0
    sent_at: float | None = None
    gave_up_at: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A new state of an alert with all that comes of it. ``row.state`` is new, ``row.state_revision`` the one that
    state was worked out from; notifications belong to ``transition`` where there is one.

    >>> row = AlertRow("a1", "det", "", "", "Errors", {}, (), "user", True, 0.0, 0.0, {"state": "pending"}, 3)
    >>> Change(row).notifications
    ()
    """

    row: AlertRow
    transition: TransitionRow | None = None
    notifications: Sequence[NotificationRow] = ()
