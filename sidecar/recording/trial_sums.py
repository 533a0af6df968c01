"""What is of a test beside its own row: sums per unit, compared pairs, snapshots, summaries of whole epochs.

All of it is whole and not a difference, so writing it twice has its effect once. None of it waits for the test's row:
in a store that was started afresh the sums may come first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter

import aiosqlite

from sidecar.recording.trial_rows import PairRow, UnitCut, UnitRow

UNIT_ROWS_A_STATEMENT = 256
"""Sums of units in one INSERT at most, for the reason of ROWS_A_STATEMENT. Other numbers are made of powers of two, so
that nine texts serve all."""
HOUR_S = 3_600
UNIT_MAX = (1 << 63) - 1

_UPSERT_PAIR = (
    "INSERT INTO pair_summaries (trial_id, epoch, revision, payload) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (trial_id, epoch) DO UPDATE SET revision = excluded.revision, payload = excluded.payload"
    " WHERE excluded.revision >= pair_summaries.revision"
)
_UPSERT_BOUND = (
    "INSERT INTO unit_bounds (trial_id, above) VALUES (?, ?)"
    " ON CONFLICT (trial_id) DO UPDATE SET above = excluded.above WHERE excluded.above < unit_bounds.above"
)
_CUT = "DELETE FROM unit_sums WHERE trial_id = ? AND unit > ?"

# of one test, up to so many rows; the literal width, here and below, is that of the partial index summaries_epochs
_DELETE_SLICES = (
    "DELETE FROM unit_sums WHERE trial_id = :trial AND unit <= COALESCE("
    "(SELECT unit FROM unit_sums WHERE trial_id = :trial ORDER BY unit LIMIT 1 OFFSET :rows - 1), :unit_max)",
    "DELETE FROM pair_summaries WHERE trial_id = :trial AND epoch IN"
    " (SELECT epoch FROM pair_summaries WHERE trial_id = :trial LIMIT :rows)",
    "DELETE FROM trial_snapshots WHERE trial_id = :trial AND at IN"
    " (SELECT at FROM trial_snapshots WHERE trial_id = :trial ORDER BY at LIMIT :rows)",
    "DELETE FROM summaries WHERE rowid IN"
    " (SELECT rowid FROM summaries WHERE width_s = 0 AND experiment = :trial LIMIT :rows)",
)
_DELETE_WHOLE = (
    "DELETE FROM unit_sums WHERE trial_id = ?",
    "DELETE FROM unit_bounds WHERE trial_id = ?",
    "DELETE FROM pair_summaries WHERE trial_id = ?",
    "DELETE FROM trial_snapshots WHERE trial_id = ?",
    "DELETE FROM summaries WHERE width_s = 0 AND experiment = ?",
)
_KEPT_OF_TRIALS = (
    ("unit_sums", "trial_id", "1 = 1"),
    ("unit_bounds", "trial_id", "1 = 1"),
    ("pair_summaries", "trial_id", "1 = 1"),
    ("trial_snapshots", "trial_id", "1 = 1"),
    ("summaries", "experiment", "width_s = 0"),
)


async def write(
    connection: aiosqlite.Connection, units: Sequence[UnitRow], pairs: Sequence[PairRow], cuts: Sequence[UnitCut]
) -> None:
    """Within a transaction: all of it; cuts come last and meet the units of the same batch too."""
    values = [(row.trial_id, row.unit, row.epoch, row.arm, row.sums) for row in units]
    values.sort(key=itemgetter(0, 1))  # hashes lie anywhere: in the order of the key each page is met once
    for start, rows in _parts(len(values)):
        await connection.execute(_upsert_units(rows), tuple(chain.from_iterable(values[start : start + rows])))
    if pairs:
        await connection.executemany(_UPSERT_PAIR, [(p.trial_id, p.epoch, p.revision, p.payload) for p in pairs])
    if cuts:
        await connection.executemany(_CUT, [(cut.trial_id, cut.above) for cut in cuts])
        await connection.executemany(_UPSERT_BOUND, [(cut.trial_id, cut.above) for cut in cuts])


async def delete_slice(connection: aiosqlite.Connection, trial_id: str, rows: int) -> int:
    """Within a transaction: remove up to about ``rows`` of each kind that are of a test; returns how many went."""
    removed = 0
    for statement in _DELETE_SLICES:
        parameters = {"trial": trial_id, "rows": max(rows, 1), "unit_max": UNIT_MAX}
        removed += (await connection.execute(statement, parameters)).rowcount
    return removed


async def delete(connection: aiosqlite.Connection, trial_id: str) -> bool:
    """Within a transaction: remove a test with all that is of it. False where it had no row of its own."""
    for statement in _DELETE_WHOLE:
        await connection.execute(statement, (trial_id,))
    return (await connection.execute("DELETE FROM trials WHERE trial_id = ?", (trial_id,))).rowcount > 0


async def ended(connection: aiosqlite.Connection, before: float) -> list[str]:
    """The tests that ended before ``before``, the earliest first."""
    rows = await connection.execute_fetchall(
        "SELECT trial_id FROM trials WHERE ended_at < ? ORDER BY ended_at", (before,)
    )
    return [trial_id for (trial_id,) in rows]


async def orphans(connection: aiosqlite.Connection, quiet_since: float) -> list[str]:
    """Names of tests that have no row and had no traffic since ``quiet_since``, but something is kept of.

    Frames on their way when a test was removed leave such. A store that was started afresh has them too until the
    test is put into it again: traffic tells the two apart.
    """
    found: set[str] = set()
    for table, column, condition in _KEPT_OF_TRIALS:
        rows = await connection.execute_fetchall(_orphans_in(table, column, condition), (quiet_since - HOUR_S,))
        found.update(trial_id for (trial_id,) in rows)
    return sorted(found)


async def is_to_go(connection: aiosqlite.Connection, trial_id: str, ended_before: float) -> bool:
    """Whether a test has no row, or ended before ``ended_before``: it may have been put again since it was looked
    for."""
    rows = await connection.execute_fetchall(
        "SELECT 1 FROM trials WHERE trial_id = ? AND (ended_at IS NULL OR ended_at >= ?)", (trial_id, ended_before)
    )
    return not list(rows)


def _parts(count: int) -> Iterator[tuple[int, int]]:
    """(start, rows) of statements for ``count`` rows.

    >>> list(_parts(519))
    [(0, 256), (256, 256), (512, 4), (516, 2), (518, 1)]
    """
    start = 0
    while start < count:
        rows = min(UNIT_ROWS_A_STATEMENT, 1 << ((count - start).bit_length() - 1))
        yield start, rows
        start += rows


@cache
def _upsert_units(rows: int) -> str:
    return (
        f"INSERT INTO unit_sums (trial_id, unit, epoch, arm, sums) VALUES {', '.join(['(?, ?, ?, ?, ?)'] * rows)}"
        " ON CONFLICT (trial_id, unit, epoch, arm) DO UPDATE SET sums = excluded.sums"
    )


def _orphans_in(table: str, column: str, condition: str) -> str:
    """Each name is one look into the index that begins with it, however many rows it has."""
    least = f"SELECT MIN({column}) FROM {table} WHERE {condition}"
    return (
        "WITH RECURSIVE found (name) AS ("
        f"{least} UNION ALL SELECT ({least} AND {column} > found.name) FROM found WHERE found.name IS NOT NULL"
        ") SELECT name FROM found WHERE name IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM trials WHERE trial_id = found.name)"
        " AND NOT EXISTS (SELECT 1 FROM summaries WHERE width_s = 3600 AND bucket >= ? AND experiment = found.name)"
    )
