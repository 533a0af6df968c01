"""In what order items are given out, and which of them wait: what reading and claiming go by alike.

A lease that ran out is none. Nothing is written when it does, so each status is one or two stored ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.recording.loop_rows import Queue
from sidecar.recording.pages import Value

STATUSES = ("needs_review", "in_review", "labeled", "rejected")

_EVERY = ("status = 'needs_review'", "status = 'in_review'", "status = 'labeled'", "status = 'rejected'")
_UNREVIEWED = ("status = 'needs_review'", "status = 'in_review'")
_STORED = {
    "needs_review": ("status = 'needs_review'", "status = 'in_review' AND claimed_until <= ?"),
    "in_review": ("status = 'in_review' AND claimed_until > ?",),
    "labeled": ("status = 'labeled'",),
    "rejected": ("status = 'rejected'",),
}


@dataclass(frozen=True, slots=True)
class Order:
    """An order of items: by ``column``, then by id. ``waiting`` are the kinds of items in it that wait for a review or
    are under it, ``reviewed`` those that are reviewed; 1 is the random sample, 0 the rest."""

    column: str
    direction: str
    sign: str
    waiting: tuple[int, ...]
    reviewed: tuple[int, ...]


BY_VALUE = Order("value", "DESC", "<", (0,), (0, 1))
"""The highest value first. What the random sample drew is in it once it is reviewed: until then the audit alone has it.
"""
ORDERS: dict[Queue, Order] = {
    "value": Order("value", "DESC", "<", (0,), (0,)),
    "audit": Order("audit_rank", "ASC", ">", (1,), (1,)),
}


def keys_after(
    order: Order, dataset_id: str, status: str | None, now: float, after: tuple[float, int] | None, limit: int
) -> tuple[str, list[Value]]:
    """A SELECT of (id, place), in order, of up to ``limit`` items of a dataset that come after a place, and its
    parameters. It reads an index alone and no more of it than ``limit`` items of each stored status.

    ``status`` is one of STATUSES as of ``now``, None is any.
    """
    parts: list[str] = []
    parameters: list[Value] = []
    for stored in _EVERY if status is None else _STORED[status]:
        for drawn in order.waiting if stored.startswith(_UNREVIEWED) else order.reviewed:
            text, values = _part(order, f"{stored} AND drawn = {drawn}", "?" in stored, now, after)
            parts.append(f"SELECT * FROM ({text} LIMIT ?)")
            parameters += [dataset_id, *values, limit]
    direction = order.direction
    return f"{' UNION ALL '.join(parts)} ORDER BY place {direction}, id {direction} LIMIT ?", [*parameters, limit]


def _part(
    order: Order, condition: str, of_leases: bool, now: float, after: tuple[float, int] | None
) -> tuple[str, Sequence[Value]]:
    values: list[Value] = [now] if of_leases else []
    text = f"SELECT id, {order.column} AS place FROM samples WHERE dataset_id = ? AND {condition}"
    if after is not None:
        text += f" AND ({order.column}, id) {order.sign} (?, ?)"
        values += after
    return f"{text} ORDER BY {order.column} {order.direction}, id {order.direction}", values
