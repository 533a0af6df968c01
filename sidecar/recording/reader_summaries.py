"""What ``Reader`` finds among the summaries: rows, and from when to when there are any."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sidecar.recording.columns import Row
from sidecar.recording.pages import Conditions, Value
from sidecar.recording.rows import SummaryRow

Fetch = Callable[[str, Sequence[Value]], Awaitable[list[Row]]]
HOUR_S = 3_600
FINER_S = (10, 60)

_SUMMARY = "bucket, width_s, model, version, role, experiment, epoch, slice, revision, payload"


async def rows_within(
    fetch: Fetch,
    since: float,
    until: float,
    width_s: int,
    model: str | None,
    version: str | None,
    slice: str | None,
    roles_without: tuple[str, ...],
) -> list[SummaryRow]:
    where = Conditions()
    where.add("width_s = ? AND bucket >= ? AND bucket < ?", width_s, since, until)
    where.equal("model", model)
    where.equal("version", version)
    where.equal("slice", slice)
    where.none_of("role", roles_without)
    rows = await fetch(f"SELECT {_SUMMARY} FROM summaries WHERE {where} ORDER BY bucket", where.parameters)
    return [SummaryRow(*row) for row in rows]


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
