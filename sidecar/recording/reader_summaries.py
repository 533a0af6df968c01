"""What ``Reader`` finds among the summaries: rows, and from when to when there are any."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sidecar.recording.batches import SUMMARY_COLUMNS
from sidecar.recording.columns import Row
from sidecar.recording.pages import Conditions, Value, checked_limit
from sidecar.recording.rows import SummaryRow

Fetch = Callable[[str, Sequence[Value]], Awaitable[list[Row]]]
HOUR_S = 3_600
FINER_S = (10, 60)
MODELS_MAX = 10_000
"""Models that one question may name."""

SummaryCursor = tuple[int, str, str, str, str, int, str]
"""(bucket, model, version, role, experiment, epoch, slice) of the last row of a page."""

_KEY = "bucket, model, version, role, experiment, epoch, slice"


async def rows_within(
    fetch: Fetch,
    since: float,
    until: float,
    width_s: int,
    model: str | None,
    models: Sequence[str] | None,
    version: str | None,
    slice: str | None,
    roles_without: tuple[str, ...],
) -> list[SummaryRow]:
    where = Conditions()
    where.add("width_s = ? AND bucket >= ? AND bucket < ?", width_s, since, until)
    if not _add_models(where, models):
        return []
    where.equal("model", model)
    where.equal("version", version)
    where.equal("slice", slice)
    where.none_of("role", roles_without)
    rows = await fetch(f"SELECT {SUMMARY_COLUMNS} FROM summaries WHERE {where} ORDER BY bucket", where.parameters)
    return [SummaryRow(*row) for row in rows]


async def page_within(
    fetch: Fetch,
    since: float,
    until: float,
    width_s: int,
    models: Sequence[str] | None,
    after: SummaryCursor | None,
    limit: int,
    roles_without: tuple[str, ...],
    version: str | None = None,
) -> tuple[list[SummaryRow], SummaryCursor | None]:
    checked_limit(limit)
    where = Conditions()
    where.add("width_s = ? AND bucket < ?", width_s, until)
    if after is None or after[0] < since:
        where.add("bucket >= ?", since)
    else:  # instead of the other, or the planner may begin each page at the start of the period
        where.add(f"({_KEY}) > (?, ?, ?, ?, ?, ?, ?)", *after)
    if not _add_models(where, models):
        return [], None
    where.equal("version", version)
    where.none_of("role", roles_without)
    rows = await fetch(
        f"SELECT {SUMMARY_COLUMNS} FROM summaries WHERE {where} ORDER BY {_KEY} LIMIT ?", [*where.parameters, limit + 1]
    )
    page = [SummaryRow(*row) for row in rows[:limit]]
    return page, _cursor_of(page[-1]) if len(rows) > limit else None


async def count_within(
    fetch: Fetch,
    since: float,
    until: float,
    width_s: int,
    model: str | None,
    version: str | None,
    most: int,
    roles_without: tuple[str, ...],
) -> int:
    where = Conditions()
    where.add("width_s = ? AND bucket >= ? AND bucket < ?", width_s, since, until)
    where.equal("model", model)
    where.equal("version", version)
    where.none_of("role", roles_without)
    rows = await fetch(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM summaries WHERE {where} LIMIT ?)", [*where.parameters, most]
    )
    return int(rows[0][0])


def _add_models(where: Conditions, models: Sequence[str] | None) -> bool:
    """False where no row can be of any of ``models``; None asks for nothing."""
    if models is None:
        return True
    if len(models) > MODELS_MAX:
        raise ValueError(f"models: {len(models)} are more than {MODELS_MAX}")
    # one that UTF-8 can't hold is not in the store, and must not keep the others from being found
    storable = [model for model in models if model.encode("utf-8", "replace").decode() == model]
    where.any_of("model", storable)
    return bool(storable)


def _cursor_of(row: SummaryRow) -> SummaryCursor:
    return row.bucket, row.model, row.version, row.role, row.experiment, row.epoch, row.slice


async def first_hour(fetch: Fetch) -> int | None:
    rows = await fetch("SELECT MIN(bucket) FROM summaries WHERE width_s = 3600", [])
    return rows[0][0] if rows else None


async def span(fetch: Fetch, model: str, version: str | None, roles_without: tuple[str, ...]) -> tuple[int, int] | None:
    # the literal width, here and below, is that of the partial index summaries_hours
    where = Conditions()
    where.add("width_s = 3600")
    where.equal("model", model)
    where.equal("version", version)
    where.none_of("role", roles_without)
    if version is None:
        rows = await fetch(f"SELECT MIN(bucket), MAX(bucket) FROM summaries WHERE {where}", where.parameters)
    else:  # one look at each end of the version's part of the index
        end = f"SELECT bucket FROM summaries WHERE {where} ORDER BY bucket"
        rows = await fetch(f"SELECT ({end} LIMIT 1), ({end} DESC LIMIT 1)", where.parameters * 2)
    first, last = rows[0] if rows else (None, None)
    return None if first is None else (first, last + HOUR_S)


async def first_bucket(fetch: Fetch, model: str, version: str, roles_without: tuple[str, ...]) -> int | None:
    hours = await span(fetch, model, version, roles_without)
    for width_s in FINER_S:
        where = Conditions()
        where.add("width_s = ?", width_s)
        if hours is not None:  # what the first hour holds began within it
            where.add("bucket >= ? AND bucket < ?", hours[0], hours[0] + HOUR_S)
        where.add("model = ? AND version = ?", model, version)
        where.none_of("role", roles_without)
        found = await fetch(f"SELECT bucket FROM summaries WHERE {where} ORDER BY bucket LIMIT 1", where.parameters)
        if found:
            return int(found[0][0])
    return None if hours is None else hours[0]


async def slices_within(
    fetch: Fetch, model: str, version: str | None, since: float, until: float, roles_without: tuple[str, ...]
) -> list[str]:
    where = Conditions()
    where.add("width_s = 3600 AND bucket > ? AND bucket < ? AND slice <> ''", since - HOUR_S, until)
    where.equal("model", model)
    where.equal("version", version)
    where.none_of("role", roles_without)
    rows = await fetch(f"SELECT DISTINCT slice FROM summaries WHERE {where} ORDER BY slice", where.parameters)
    return [slice for (slice,) in rows]
