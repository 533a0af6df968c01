"""How an item stands, and what may be done with it: a table of statuses, leases and the rule of undo.

An item is an image to review. Who reviews it holds a lease on it until a time; a lease that ran out is none, and the
item needs review again without anybody having to say so. Pure: ``now`` comes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, get_args

Status = Literal["needs_review", "in_review", "labeled", "rejected"]
Action = Literal["claim", "release", "label", "confirm", "reject", "undo", "import"]

STATUSES: tuple[Status, ...] = get_args(Status)
ACTIONS: tuple[Action, ...] = get_args(Action)
LEASE_S_MIN = 10.0
LEASE_S_MAX = 86_400.0
LEASE_S_DEFAULT = 600.0

TABLE: dict[tuple[Status, Action], Status] = {
    ("needs_review", "claim"): "in_review",
    ("needs_review", "label"): "labeled",
    ("needs_review", "confirm"): "labeled",
    ("needs_review", "import"): "labeled",
    ("needs_review", "reject"): "rejected",
    ("in_review", "claim"): "in_review",
    ("in_review", "release"): "needs_review",
    ("in_review", "label"): "labeled",
    ("in_review", "confirm"): "labeled",
    ("in_review", "import"): "labeled",
    ("in_review", "reject"): "rejected",
    ("labeled", "label"): "labeled",
    ("labeled", "confirm"): "labeled",
    ("labeled", "import"): "labeled",
    ("labeled", "reject"): "rejected",
    ("rejected", "label"): "labeled",
    ("rejected", "confirm"): "labeled",
    ("rejected", "import"): "labeled",
}
"""What an action makes of a status. What is not here can't be done; what is ``in_review`` only its holder may do.

What is reviewed can be corrected but not claimed: the lease would run out into ``needs_review``, and the labels with
it. ``undo`` is not here: it restores what was before (``undoable``)."""


class ReviewError(ValueError):
    """It can't be done now; str is ``field: message``. ``field`` is ``status``, ``claimed_by`` or ``by``."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Held:
    """What the table needs to know of an item: its status, and who holds it until when (epoch seconds)."""

    status: Status
    claimed_by: str = ""
    claimed_until: float = 0.0


class Done(Protocol):
    """An event of an item. ``undone`` is the id of the event that took it back."""

    @property
    def event_id(self) -> int: ...

    @property
    def author(self) -> str: ...

    @property
    def action(self) -> str: ...

    @property
    def undone(self) -> int | None: ...


Event = TypeVar("Event", bound=Done)


def status_at(held: Held, now: float) -> Status:
    """As it counts: ``needs_review`` where the lease ran out. A lease runs out at its very end.

    >>> status_at(Held("in_review", "ann", 100.0), 99.9), status_at(Held("in_review", "ann", 100.0), 100.0)
    ('in_review', 'needs_review')
    """
    return "needs_review" if held.status == "in_review" and held.claimed_until <= now else held.status


def claimable(held: Held, by: str, now: float) -> bool:
    """Whether ``by`` may claim it: nobody holds it, or ``by`` does, whose lease begins anew.

    >>> claimable(Held("in_review", "ann", 100.0), "bob", 50.0), claimable(Held("in_review", "ann", 100.0), "ann", 50.0)
    (False, True)
    """
    return not refusal_of(held, "claim", by, now)


def after(held: Held, action: Action, by: str, now: float) -> Status:
    """The status that ``action`` of ``by`` leaves. Raises ReviewError where it can't be done, or somebody else holds
    the item."""
    refusal = refusal_of(held, action, by, now)
    if refusal:
        raise ReviewError(*refusal)
    return TABLE[status_at(held, now), action]


def refusal_of(held: Held, action: str, by: str, now: float) -> tuple[str, str] | tuple[()]:
    """(field, message) of why ``action`` of ``by`` can't be done; empty where it can."""
    status = status_at(held, now)
    if not by:
        return "by", "say who does it"
    if status == "in_review" and held.claimed_by != by:
        return "claimed_by", f"{held.claimed_by!r} holds it for another {held.claimed_until - now:.0f} s"
    if (status, action) not in TABLE:
        able = ", ".join(wanted for known, wanted in TABLE if known == status)
        return "status", f"{action} can't be done to what is {status}, only {able}"
    return ()


def lease_until(now: float, lease_s: float) -> float:
    """When a lease that begins now ends. Raises ReviewError for one not within LEASE_S_MIN and LEASE_S_MAX.

    >>> lease_until(1_000.0, 600)
    1600.0
    """
    if not LEASE_S_MIN <= lease_s <= LEASE_S_MAX:
        raise ReviewError("lease_s", f"{lease_s:g} is not within {LEASE_S_MIN:g} and {LEASE_S_MAX:g} seconds")
    return now + lease_s


def undoable(events: Sequence[Event], by: str) -> Event:
    """The event that ``by`` may take back: the last of an item's ``events`` (oldest first) that is neither taken back
    nor an undo itself. So undo after undo goes back step by step. Raises ReviewError where there is none, or somebody
    else did it."""
    for event in reversed(events):
        if event.undone is None and event.action != "undo":
            if event.author != by:
                message = f"the last thing done was {event.action} by {event.author!r}, who alone may undo it"
                raise ReviewError("by", message)
            return event
    raise ReviewError("status", "there is nothing to undo")
