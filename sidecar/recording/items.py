"""Items under review: who has which, what was decided, and how it is taken back.

Each action is one transaction: the item's new state, its revision and the event that tells of it. So two reviewers
never get the same item, and what the events tell is what happened.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import aiosqlite

from sidecar.recording import item_events, samples
from sidecar.recording.columns import storable
from sidecar.recording.item_events import REVIEW_FIELDS
from sidecar.recording.loop_rows import ItemEvent, Queue
from sidecar.recording.queues import ORDERS, keys_after
from sidecar.recording.refusals import (
    AuditOnly,
    Held,
    NotFound,
    NotYours,
    Reviewed,
    WrongRevision,
    WrongStatus,
    reviewed_text,
)
from sidecar.recording.rows import Sample
from sidecar.recording.samples import SAMPLE_COLUMNS, as_of, labels_text, sample_of
from sidecar.recording.watch_rows import Refused
from sidecar.recording.writer import Store

DECISIONS_A_TRANSACTION = 200
"""Of many decisions, how many are written together: others commit in between."""
OPEN = ("needs_review", "in_review")
"""The statuses in which an item waits for a decision."""
BY_HAND = ("label", "confirm", "reject")
"""The actions of one reviewer at one item, which take no other's review for their own: an import says what it does."""

Require = Literal["own_lease_or_free", "own_lease"]

_FREE: dict[str, Any] = {"claimed_by": "", "claimed_in": "", "claimed_until": 0.0}
_UNREVIEWED: dict[str, Any] = {
    "labels": None,
    "verdict": "",
    "reviewed_in": "",
    "reviewed_by": "",
    "reviewed_at": None,
}
_UPDATE = f"UPDATE samples SET {', '.join(f'{name} = ?' for name in REVIEW_FIELDS)}, revision = ? WHERE sample_id = ?"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided of one item: ``changes`` may have ``labels`` (a tuple of Label, or None) and ``verdict``; the
    event tells ``note``.

    >>> Decision("s1", {"labels": ()}).note
    ''
    """

    sample_id: str
    changes: Mapping[str, Any]
    note: str = ""


class Items:
    """The items in a store. What is written is safe from a power cut on return.

    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> async def next_of_an_empty_dataset() -> Sample | None:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         claimed = await Items(store).claim_next("det", "ann", "audit", until=600.0, now=0.0)
    ...         await store.close()
    ...         return claimed
    >>> asyncio.run(next_of_an_empty_dataset()) is None
    True
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, sample_id: str) -> Sample | None:
        """One item, as it is stored: ``as_of`` tells whether its lease ran out."""
        rows = await self._store.fetch(f"SELECT {SAMPLE_COLUMNS} FROM samples WHERE sample_id = ?", (sample_id,))
        return sample_of(rows[0]) if rows else None

    async def claim(
        self,
        sample_id: str,
        by: str,
        queue: Queue | Literal[""],
        until: float,
        now: float,
        revision: int | None = None,
    ) -> Sample:
        """``by`` has the item until ``until``; ``queue`` is empty for one that was chosen by its id.

        A lease of one's own is renewed, also one that ran out, and stays one by the queue that it was given out by; no
        event tells of one that was renewed in time. ``revision`` is that at which ``by`` saw it. Raises NotFound, Held,
        WrongStatus, WrongRevision, and AuditOnly for what the random sample drew and ``by`` does not have from the
        audit.
        """
        (by,) = storable((by,))

        async def write(connection: aiosqlite.Connection) -> Sample:
            stored = await _item(connection, sample_id)
            _is_at(stored, revision)
            _may_act(stored, by, now, OPEN, "own_lease_or_free")
            _may_review(stored, by)
            if as_of(stored, now).claimed_by == by:
                return await _renew(connection, stored, until)
            claimed_in = stored.claimed_in if _holds(stored, by) else queue
            return await _write(connection, stored, _claimed(stored, by, claimed_in, until), by, now, "claim")

        return await self._store.run(write, durable=True)

    async def claim_next(self, dataset_id: str, by: str, queue: Queue, until: float, now: float) -> Sample | None:
        """The next item of a queue that nobody has, for ``by`` until ``until``; None where nothing waits.

        The audit gives out what the random sample drew, in random order; the other queue the rest by its value.
        """
        (by,) = storable((by,))
        statement, parameters = keys_after(ORDERS[queue], dataset_id, "needs_review", now, None, 1)

        async def write(connection: aiosqlite.Connection) -> Sample | None:
            rows = await connection.execute_fetchall(
                f"SELECT {SAMPLE_COLUMNS} FROM samples WHERE id = (SELECT id FROM ({statement}))",
                storable(tuple(parameters)),
            )
            stored = next((sample_of(row) for row in rows), None)
            if stored is None:
                return None
            return await _write(connection, stored, _claimed(stored, by, queue, until), by, now, "claim")

        return await self._store.run(write, durable=True)

    async def release(self, sample_id: str, by: str, now: float, revision: int | None = None) -> Sample:
        """``by`` gives the item back undecided. Raises NotFound, Held, WrongRevision, WrongStatus where it is not
        ``by``'s."""
        return await self.decide(
            sample_id, by, now, "release", "needs_review", {}, require="own_lease", revision=revision
        )

    async def decide(
        self,
        sample_id: str,
        by: str,
        now: float,
        action: str,
        to_status: str,
        changes: Mapping[str, Any],
        *,
        from_statuses: Collection[str] = OPEN,
        require: Require = "own_lease_or_free",
        note: str = "",
        revision: int | None = None,
    ) -> Sample:
        """Bring an item to ``to_status`` with ``changes``, as Decision has them; the claim ends.

        Reviewed in the queue that it was given out by where ``by`` has it by that, also where the lease ran out and
        nobody took it; what was reviewed before keeps its queue. ``from_statuses`` are as of ``now``. What ``by``
        decided just so already is left as it is, without an event: an answer was lost, and this is asked again.
        ``revision`` is that at which ``by`` saw the item; without it what another reviewed is not decided by hand.

        Raises NotFound, Held, WrongStatus, WrongRevision, Reviewed, and AuditOnly as ``claim`` does, but for giving an
        item back.
        """
        (by,) = storable((by,))
        decision = Decision(sample_id, changes, note)

        async def write(connection: aiosqlite.Connection) -> Sample:
            return await _decide(connection, decision, by, now, action, to_status, from_statuses, require, revision)

        return await self._store.run(write, durable=True)

    async def decide_many(
        self,
        decisions: Sequence[Decision],
        by: str,
        now: float,
        action: str,
        to_status: str,
        *,
        from_statuses: Collection[str] = OPEN,
    ) -> list[Sample | Refused]:
        """What came of each decision, in their order: one that is refused leaves the others alone.

        Written DECISIONS_A_TRANSACTION together: a crash leaves the first of them.
        """
        (by,) = storable((by,))
        outcomes: list[Sample | Refused] = []
        for start in range(0, len(decisions), DECISIONS_A_TRANSACTION):
            part = decisions[start : start + DECISIONS_A_TRANSACTION]

            async def write(
                connection: aiosqlite.Connection, part: Sequence[Decision] = part
            ) -> list[Sample | Refused]:
                done: list[Sample | Refused] = []
                for decision in part:
                    try:
                        done.append(
                            await _decide(
                                connection, decision, by, now, action, to_status, from_statuses, "own_lease_or_free"
                            )
                        )
                    except Refused as refused:
                        done.append(refused)
                return done

            outcomes += await self._store.run(write, durable=True)
        return outcomes

    async def undo(self, sample_id: str, by: str, now: float, revision: int | None = None) -> Sample:
        """Take back what was done last to an item, which ``by`` must have done, and restore what was before.

        Raises NotFound, NotYours, Held, WrongRevision, WrongStatus where nothing is left to take back.
        """
        (by,) = storable((by,))

        async def write(connection: aiosqlite.Connection) -> Sample:
            stored = await _item(connection, sample_id)
            _is_at(stored, revision)
            event = await item_events.last_standing(connection, stored.sample_id)
            if event is None:
                raise WrongStatus(as_of(stored, now).status, "nothing was done to the item that could be taken back")
            if event.author != by:
                raise NotYours(event.author)
            changed = item_events.restored(stored, event.before)
            return await _write(connection, stored, changed, by, now, "undo", takes_back=event.event_id)

        return await self._store.run(write, durable=True)

    async def delete(self, sample_id: str, by: str, now: float, revision: int | None = None) -> Sample | None:
        """Remove an item and its image for good, whoever has it; None where there is no such item. Raises WrongRevision
        where it is at another when this begins.

        The events stay, and one of the action ``delete`` tells of this; versions keep its checksum.
        """
        stored = await self.get(sample_id)
        if stored is None:
            return None
        _is_at(stored, revision)
        await self._store.delete_samples([stored], by, now)
        return stored


def _is_at(stored: Sample, revision: int | None) -> None:
    if revision is not None and revision != stored.revision:
        raise WrongRevision(stored.revision, revision, "")


def _holds(stored: Sample, by: str) -> bool:
    """Whether ``by`` was the last to claim it and nobody took it since, whether the lease ran out or not."""
    return stored.status == "in_review" and stored.claimed_by == by


def _may_review(stored: Sample, by: str) -> None:
    """What the random sample drew is first reviewed by who was given it by the audit: what is reviewed of it must not
    depend on what is in it."""
    if stored.drawn and stored.status in OPEN and not (_holds(stored, by) and stored.claimed_in == "audit"):
        raise AuditOnly(stored.sample_id)


def _claimed(stored: Sample, by: str, queue: str, until: float) -> Sample:
    return replace(stored, status="in_review", claimed_by=by, claimed_in=queue, claimed_until=until)


async def _item(connection: aiosqlite.Connection, sample_id: str) -> Sample:
    found = await samples.by_id(connection, sample_id)
    if found is None:
        raise NotFound("item", f"there is no item {sample_id!r}")
    return found


def _may_act(stored: Sample, by: str, now: float, from_statuses: Collection[str], require: Require) -> None:
    present = as_of(stored, now)
    if present.claimed_by not in ("", by):
        raise Held(present.claimed_by, present.claimed_until)
    if present.status not in from_statuses:
        raise WrongStatus(present.status, f"the item is {present.status}, not {' or '.join(from_statuses)}")
    if require == "own_lease" and not _holds(stored, by):
        raise WrongStatus(present.status, f"the item is not under review by {by!r}")


def _is_so(stored: Sample, decision: Decision, by: str, to_status: str) -> bool:
    """Whether ``by`` decided just that already."""
    if stored.status in OPEN or (stored.status, stored.reviewed_by) != (to_status, by):
        return False
    changed = replace(stored, **decision.changes)
    return (labels_text(changed.labels), changed.verdict) == (labels_text(stored.labels), stored.verdict)


def _may_overrule(stored: Sample, by: str, action: str, revision: int | None) -> None:
    """Who claimed an item that is reviewed by now did so before that: what is reviewed can't be claimed."""
    reviewed_at = None if stored.status in OPEN else stored.reviewed_at
    is_anothers = reviewed_at is not None and stored.reviewed_by != by
    if revision is not None and revision != stored.revision:
        review = reviewed_text(stored.reviewed_by, reviewed_at or 0.0, stored.status) if is_anothers else ""
        raise WrongRevision(stored.revision, revision, review)
    if revision is None and is_anothers and action in BY_HAND:
        raise Reviewed(stored.reviewed_by, reviewed_at or 0.0, stored.status, stored.revision)


async def _decide(
    connection: aiosqlite.Connection,
    decision: Decision,
    by: str,
    now: float,
    action: str,
    to_status: str,
    from_statuses: Collection[str],
    require: Require,
    revision: int | None = None,
) -> Sample:
    unknown = set(decision.changes) - {"labels", "verdict"}
    if unknown:
        raise ValueError(f"changes: {', '.join(sorted(unknown))}: only labels and verdict may be decided")
    stored = await _item(connection, decision.sample_id)
    if _is_so(stored, decision, by, to_status):
        return stored
    _may_act(stored, by, now, from_statuses, require)
    _may_overrule(stored, by, action, revision)
    if to_status != "needs_review":
        _may_review(stored, by)
    changed = replace(stored, status=to_status, **_FREE)
    if to_status == "needs_review":
        changed = replace(changed, **_UNREVIEWED)
    else:
        reviewed_in = stored.reviewed_in if stored.reviewed_at is not None else ""
        if _holds(stored, by):
            reviewed_in = stored.claimed_in
        changed = replace(changed, reviewed_in=reviewed_in, reviewed_by=by, reviewed_at=now)
    changed = replace(changed, **decision.changes)
    return await _write(connection, stored, changed, by, now, action, note=decision.note)


async def _renew(connection: aiosqlite.Connection, stored: Sample, until: float) -> Sample:
    """Within a transaction: the lease that its owner has ends at ``until`` from now on."""
    renewed = replace(stored, claimed_until=until, revision=stored.revision + 1)
    await connection.execute(
        "UPDATE samples SET claimed_until = ?, revision = ? WHERE sample_id = ?",
        storable((until, renewed.revision, stored.sample_id)),
    )
    return renewed


async def _write(
    connection: aiosqlite.Connection,
    stored: Sample,
    changed: Sample,
    by: str,
    now: float,
    action: str,
    note: str = "",
    takes_back: int | None = None,
) -> Sample:
    """Within a transaction: the review's fields of ``changed``, the next revision, and the event."""
    changed = replace(changed, revision=stored.revision + 1)
    values = [labels_text(changed.labels) if name == "labels" else getattr(changed, name) for name in REVIEW_FIELDS]
    await connection.execute(_UPDATE, storable((*values, changed.revision, changed.sample_id)))
    before, after = item_events.differences(stored, changed)
    if note:
        after["reason"] = note
    was, becomes = as_of(stored, now).status, as_of(changed, now).status
    event = ItemEvent(stored.sample_id, stored.dataset_id, now, by, action, was, becomes, before, after)
    event_id = await item_events.add(connection, event)
    if takes_back is not None:
        await item_events.take_back(connection, takes_back, event_id)
    return changed
