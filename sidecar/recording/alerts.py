"""Alerts: rules, the states they are in, and every transition.

A person edits a rule while a round of evaluation is under way. So the definition and the state of an alert are written
by separate statements, and a state is written only over the one it was worked out from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiosqlite

from sidecar.recording import notifications
from sidecar.recording.columns import storable
from sidecar.recording.documents import document_of, document_text, number_or_none
from sidecar.recording.pages import Conditions, Page, checked_limit, write_cursor
from sidecar.recording.watch_rows import AlertRow, Change, Full, Taken, TransitionRow
from sidecar.recording.writer import Store

ALERTS_MAX = 500
"""Alerts that are not deleted, default ones included."""

_ALERT = (
    "alert_id, model, version, slice, name, condition, notify, origin, enabled, created_at, updated_at, state,"
    " state_revision"
)
_INSERT = f"INSERT INTO alerts ({_ALERT}, made_as) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SAVE_DEFINITION = (
    "UPDATE alerts SET name = ?, condition = ?, notify = ?, enabled = ?, updated_at = ?"
    " WHERE alert_id = ? AND deleted_at IS NULL"
)
_SAVE_STATE = (
    "UPDATE alerts SET state = ?, state_revision = ? WHERE alert_id = ? AND state_revision = ? AND deleted_at IS NULL"
)
_DELETE = "UPDATE alerts SET deleted_at = ? WHERE alert_id = ? AND deleted_at IS NULL"
_TRANSITION = "alert_id, at, from_state, to_state, value, sentence, model, version, name"
_INSERT_TRANSITION = f"INSERT INTO transitions ({_TRANSITION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Alerts:
    """The alerts in a store.

    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> row = AlertRow("a1", "det", "", "", "Errors", {"metric": "error_rate"}, (), "user", True, 0.0, 0.0, {})
    >>> async def names_after_a_creation() -> list[str]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         alerts = Alerts(store)
    ...         await alerts.create(row)
    ...         names = [found.name for found in await alerts.all()]
    ...         await store.close()
    ...         return names
    >>> asyncio.run(names_after_a_creation())
    ['Errors']
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, row: AlertRow) -> None:
        """Add ``row`` with its state at revision 0, safe from a power cut on return.

        Raises Taken where its model, version and slice have an alert of that name, Full at ALERTS_MAX.
        """
        values = _inserted(row, 0)

        async def write(connection: aiosqlite.Connection) -> None:
            await _check_name(connection, row, "")
            counted = await connection.execute_fetchall("SELECT COUNT(*) FROM alerts WHERE deleted_at IS NULL")
            count = next(iter(counted))[0]
            if count >= ALERTS_MAX:
                raise Full("name", f"there are {count} alerts, as many as are kept: delete one first")
            await connection.execute(_INSERT, values)

        await self._store.run(write, durable=True)

    async def save(self, row: AlertRow) -> bool:
        """Write name, condition, notify, enabled and updated_at, and nothing else; safe from a power cut on return.

        False where there is no such alert, or no longer. Raises Taken where another has that name.
        """
        values = _saved(row)

        async def write(connection: aiosqlite.Connection) -> bool:
            await _check_name(connection, row, row.alert_id)
            return (await connection.execute(_SAVE_DEFINITION, values)).rowcount > 0

        return await self._store.run(write, durable=True)

    async def save_with_state(self, row: AlertRow, change: Change) -> list[str]:
        """``save`` of ``row`` and ``record`` of ``change``, of the same alert, in one transaction: both or neither.

        Safe from a power cut on return. Its id is returned where nothing was written since the change's revision is
        not the present one, or the alert is gone: read it again. Raises Taken where another has that name.
        """
        if change.row.alert_id != row.alert_id:
            raise ValueError(f"change: it is of {change.row.alert_id!r}, not of {row.alert_id!r}")
        values = _saved(row)

        async def write(connection: aiosqlite.Connection) -> list[str]:
            await _check_name(connection, row, row.alert_id)
            stale = await _write_changes(connection, [change])
            if not stale:
                await connection.execute(_SAVE_DEFINITION, values)
            return stale

        return await self._store.run(write, durable=True)

    async def delete(self, alert_id: str, now: float) -> bool:
        """Safe from a power cut on return. Its transitions stay. False where there is no such alert, or no longer."""

        async def remove(connection: aiosqlite.Connection) -> bool:
            return (await connection.execute(_DELETE, storable((now, alert_id)))).rowcount > 0

        return await self._store.run(remove, durable=True)

    async def delete_with(self, change: Change, now: float) -> list[str]:
        """``record`` of ``change`` and ``delete`` of its alert in one transaction: both or neither.

        Safe from a power cut on return. Its id is returned where nothing was written, as by ``save_with_state``.
        """

        async def remove(connection: aiosqlite.Connection) -> list[str]:
            stale = await _write_changes(connection, [change])
            if not stale:
                await connection.execute(_DELETE, storable((now, change.row.alert_id)))
            return stale

        return await self._store.run(remove, durable=True)

    async def reinstate(self, rows: Sequence[AlertRow]) -> None:
        """Put back the alerts of a store that was set aside, with state and ``state_revision`` as in ``rows``.

        One whose id or name is there already, or whose id was deleted, is left as the store has it. ALERTS_MAX does
        not count: there were no more before. All in one transaction, safe from a power cut on return.
        """
        values = [_inserted(row, row.state_revision) for row in rows]

        async def write(connection: aiosqlite.Connection) -> None:
            await connection.executemany(f"{_INSERT} ON CONFLICT DO NOTHING", values)

        if values:
            await self._store.run(write, durable=True)

    async def all(self) -> list[AlertRow]:
        """All that are not deleted, in the order they were made."""
        rows = await self._store.fetch(f"SELECT {_ALERT} FROM alerts WHERE deleted_at IS NULL ORDER BY id")
        return [_alert_of(row) for row in rows]

    async def get(self, alert_id: str) -> AlertRow | None:
        """One that is not deleted; None where there is no such alert."""
        rows = await self._store.fetch(
            f"SELECT {_ALERT} FROM alerts WHERE alert_id = ? AND deleted_at IS NULL", (alert_id,)
        )
        return _alert_of(rows[0]) if rows else None

    async def default_names(self, model: str) -> set[str]:
        """The names under which default alerts of ``model`` were ever made, whether renamed or deleted since."""
        rows = await self._store.fetch(
            "SELECT DISTINCT made_as FROM alerts WHERE model = ? AND origin = 'default'", (model,)
        )
        return {name for (name,) in rows}

    async def default_models(self) -> set[str]:
        """The models of which default alerts were ever made, whether renamed or deleted since."""
        rows = await self._store.fetch("SELECT DISTINCT model FROM alerts WHERE origin = 'default'")
        return {model for (model,) in rows}

    async def record(self, changes: Sequence[Change]) -> list[str]:
        """Write new states with their transitions and notifications: all in one transaction, safe from a power cut.

        A state goes in only where the alert is not deleted and still has the ``state_revision`` of the change's row;
        it then has the next. Of the others nothing is written, and their ids are returned: read them again.
        """
        if not changes:
            return []
        return await self._store.run(lambda connection: _write_changes(connection, changes), durable=True)

    async def transitions(
        self,
        alert_id: str | None = None,
        model: str | None = None,
        version: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Page[TransitionRow]:
        """Transitions newest first, those of deleted alerts too. Raises ValueError for a bad limit or cursor."""
        where = Conditions()
        where.equal("alert_id", alert_id)
        where.equal("model", model)
        where.equal("version", version)
        where.older_than(before)
        rows = await self._store.fetch(
            f"SELECT id, {_TRANSITION} FROM transitions WHERE {where} ORDER BY at DESC, id DESC LIMIT ?",
            [*where.parameters, checked_limit(limit) + 1],
        )
        items = [TransitionRow(*row) for row in rows[:limit]]
        return Page(items, write_cursor(items[-1].at, items[-1].id) if len(rows) > limit else None)


async def _write_changes(connection: aiosqlite.Connection, changes: Sequence[Change]) -> list[str]:
    # read within the transaction, so nobody else writes between this and the update
    rows = await connection.execute_fetchall("SELECT alert_id, state_revision FROM alerts WHERE deleted_at IS NULL")
    revisions = {row[0]: row[1] for row in rows}
    stale: list[str] = []
    states: list[tuple[Any, ...]] = []
    for change in changes:
        row = change.row
        if revisions.get(row.alert_id) != row.state_revision:
            stale.append(row.alert_id)
            continue
        revisions[row.alert_id] = row.state_revision + 1
        states.append((document_text(row.state), row.state_revision + 1, row.alert_id, row.state_revision))
        transition_id = await _insert_transition(connection, row, change.transition)
        await notifications.queue(connection, change.notifications, transition_id)
    await connection.executemany(_SAVE_STATE, [storable(values) for values in states])
    return stale


async def _insert_transition(
    connection: aiosqlite.Connection, row: AlertRow, transition: TransitionRow | None
) -> int | None:
    if transition is None:
        return None
    values = (
        row.alert_id,
        transition.at,
        transition.from_state,
        transition.to_state,
        number_or_none(transition.value),
        transition.sentence,
        row.model,
        row.version,
        row.name,
    )
    return (await connection.execute(_INSERT_TRANSITION, storable(values))).lastrowid


async def _check_name(connection: aiosqlite.Connection, row: AlertRow, own_id: str) -> None:
    found = await connection.execute_fetchall(
        "SELECT 1 FROM alerts WHERE model = ? AND version = ? AND slice = ? AND name = ? AND alert_id <> ?"
        " AND deleted_at IS NULL",
        storable((row.model, row.version, row.slice, row.name, own_id)),
    )
    if list(found):
        raise Taken("name", f"there is an alert {row.name!r} for this model already, choose another name")


def _saved(row: AlertRow) -> tuple[Any, ...]:
    """The parameters of _SAVE_DEFINITION."""
    condition, notify = document_text(row.condition), document_text(list(row.notify))
    return storable((row.name, condition, notify, int(row.enabled), row.updated_at, row.alert_id))


def _inserted(row: AlertRow, state_revision: int) -> tuple[Any, ...]:
    """The parameters of _INSERT."""
    values = (
        row.alert_id,
        row.model,
        row.version,
        row.slice,
        row.name,
        document_text(row.condition),
        document_text(list(row.notify)),
        row.origin,
        int(row.enabled),
        row.created_at,
        row.updated_at,
        document_text(row.state),
        state_revision,
        row.name,
    )
    return storable(values)


def _alert_of(row: Sequence[Any]) -> AlertRow:
    values = list(row)
    values[5], values[6], values[11] = document_of(row[5]), tuple(document_of(row[6])), document_of(row[11])
    values[8] = bool(row[8])
    return AlertRow(*values)
