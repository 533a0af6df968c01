"""Brings a store's tables to the version this code knows: numbered .sql files, in order, each in a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import aiosqlite

from sidecar.recording.rows import StoreError


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: ``0001_initial.sql`` has version 1 and name ``initial``.

    >>> [m.version for m in migrations()][:1]
    [1]
    """

    version: int
    name: str
    statements: tuple[str, ...]


def migrations() -> list[Migration]:
    """All steps this package bears, in order."""
    steps = []
    for file in files("sidecar.recording").joinpath("migrations").iterdir():
        number, _, name = file.name.removesuffix(".sql").partition("_")
        if file.name.endswith(".sql") and number.isdigit():
            steps.append(Migration(int(number), name, tuple(split_statements(file.read_text("utf-8")))))
    return sorted(steps, key=lambda step: step.version)


def split_statements(script: str) -> Iterator[str]:
    """The statements of a script, each of which must end at the end of a line.

    >>> list(split_statements("SELECT 1;\\nSELECT ';'\\n, 2;"))
    ['SELECT 1;', "SELECT ';'\\n, 2;"]
    """
    lines: list[str] = []
    for line in script.splitlines():
        if not line.strip() or (not lines and line.lstrip().startswith("--")):
            continue
        lines.append(line)
        statement = "\n".join(lines)
        if line.rstrip().endswith(";") and sqlite3.complete_statement(statement):
            yield statement
            lines = []
    if lines:
        raise ValueError(f"migration: the last statement does not end: {lines[0]!r}")


async def migrate(connection: aiosqlite.Connection, steps: list[Migration], now: float) -> int:
    """Applies the steps that ``connection``'s store lacks; returns how many.

    Raises StoreError("newer") for a store that a later release has written: it is left as it is.
    """
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at REAL NOT NULL)"
    )
    rows = await connection.execute_fetchall("SELECT version FROM schema_migrations")
    applied = {int(row[0]) for row in rows}
    unknown = applied - {step.version for step in steps}
    if unknown:
        raise StoreError("newer", f"it has schema version {max(unknown)}, this release knows up to {steps[-1].version}")
    missing = [step for step in steps if step.version not in applied]
    for step in missing:
        await _apply(connection, step, now)
    return len(missing)


async def _apply(connection: aiosqlite.Connection, step: Migration, now: float) -> None:
    await connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in step.statements:
            await connection.execute(statement)
        await connection.execute(
            "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)", (step.version, step.name, now)
        )
        await connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            await connection.execute("ROLLBACK")
        raise
