"""The endpoint of the overview: a range, the one before and what is normal, read once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.api.events import Event, newest_of
from sidecar.api.handlers_events import gathered
from sidecar.api.overview import FIVE_MINUTES_S, HOUR_S, Grid, Read, Span, answer_of, span_of
from sidecar.api.problems import invalid_field
from sidecar.api.routes import Call, Route
from sidecar.api.schemas_overview import OverviewOut, OverviewQuery
from sidecar.api.services import HISTORIES_STATUSES
from sidecar.recording import SummaryCursor, SummaryRow

SPAN_S = 3_600
"""What is asked for where no ``since`` is given."""
BUCKETS_MAX = 2_000
"""Buckets a range may be cut into."""
CELLS_MAX = 20_000
"""Figures that are held at a time, some 3 KB each."""
ROWS_MAX = 100_000
"""Rows that are read: each slice of the traffic has its own."""
MINUTES_MAX = 6_000
"""Rows of minutes that points of five minutes are made of, where nobody asked for these: four versions for a day. Where
there are more, as slices have rows of their own, it is told by the hour, which takes a sixtieth of the time."""
PAGE_ROWS = 200
MARKERS_MAX = 200


async def overview(call: Call) -> dict[str, Any]:
    """A range of time: figures and series by version, what is normal, what changed and what came about."""
    async with call.services.histories.one():
        return await _overview(call, _named(call.query))


async def _overview(call: Call, query: OverviewQuery) -> dict[str, Any]:
    now = time.time()
    until = now if query.until is None else min(query.until, now)  # a time to come is none without requests
    since = max(until - SPAN_S, 0.0) if query.since is None else query.since
    if since >= until:
        raise invalid_field("since", "must be before until, and in the past")
    span = _checked(span_of(since, until, None if query.width_s is None else int(query.width_s)))
    if span.width_s == FIVE_MINUTES_S and query.width_s is None and not await _has_minutes(call, query, span):
        span = span_of(since, until, HOUR_S)
    grid, before = await _read(call, query, span)
    if not grid.versions and query.width_s is None and span.width_s < HOUR_S:
        # narrow buckets are not kept as long as hours
        wider = span_of(since, until, HOUR_S)
        found = await _read(call, query, wider)
        if found[0].versions:
            span, (grid, before) = wider, found
    events, left_out = await _events(call, query, span)
    begun = await call.services.reader.first_hour()
    baselines = await call.services.watch.baselines(None)
    read = Read(span, since, now, grid, before, begun, events, query.compare)
    document = await asyncio.to_thread(answer_of, read, _by_model(baselines))
    return {**document, "markers": [event.to_dict() for event in events], "markers_left_out": left_out}


def _named(query: OverviewQuery) -> OverviewQuery:
    """A model that is given as name@version is one version of it."""
    name, at, version = (query.model or "").rpartition("@")
    if not at or query.version is not None:
        return query
    return query.model_copy(update={"model": name, "version": version})


def _checked(span: Span) -> Span:
    if span.buckets > BUCKETS_MAX:
        raise invalid_field("width_s", f"more than {BUCKETS_MAX} buckets: ask for a shorter time or a greater width")
    return span


async def _has_minutes(call: Call, query: OverviewQuery, span: Span) -> bool:
    """Whether the minutes of a span are all kept still, and few enough to be read."""
    width_s, since, until = span.stored_s, span.since, span.until
    count = await call.services.reader.summaries_count(
        query.model, query.version, since, until, width_s, MINUTES_MAX + 1
    )
    minute, hour = await _first(call, query, span, width_s), await _first(call, query, span, HOUR_S)
    is_whole = hour is None or (minute is not None and minute < hour + HOUR_S)
    return is_whole and count <= MINUTES_MAX


async def _first(call: Call, query: OverviewQuery, span: Span, width_s: int) -> int | None:
    """The first bucket of a width there is anything of."""
    rows, _ = await _page(call, query, span, width_s, None, 1)
    return rows[0].bucket if rows else None


async def _read(call: Call, query: OverviewQuery, span: Span) -> tuple[Grid, Grid]:
    """The range by bucket, and the one before by block."""
    earlier = span.previous
    grid = Grid(span.place)
    before = Grid(lambda bucket: earlier.block(earlier.place(bucket)))
    for part, into in ((span, grid), (earlier, before)):
        await _fill(call, query, part, into)
    return grid, before


async def _fill(call: Call, query: OverviewQuery, span: Span, grid: Grid) -> None:
    """Raises a 422 Problem where it comes to too much."""
    after, read = None, 0
    while True:
        rows, after = await _page(call, query, span, span.stored_s, after, PAGE_ROWS)
        read += len(rows)
        await asyncio.to_thread(grid.add, rows)
        if grid.cells > CELLS_MAX or read > ROWS_MAX:
            call.services.turned_away["series"] += 1
            raise invalid_field("width_s", "too many figures: ask for a shorter time, a greater width or one model")
        if after is None:
            return


async def _page(
    call: Call, query: OverviewQuery, span: Span, width_s: int, after: SummaryCursor | None, limit: int
) -> tuple[list[SummaryRow], SummaryCursor | None]:
    return await call.services.reader.summaries_page(
        since=span.since,
        until=span.until,
        width_s=width_s,
        models=None if query.model is None else [query.model],
        version=query.version,
        after=after,
        limit=limit,
    )


async def _events(call: Call, query: OverviewQuery, span: Span) -> tuple[list[Event], int]:
    found = await gathered(call.services, span.since)
    if query.model is not None:
        found = [event for event in found if event.is_of(query.model, query.version)]
    return newest_of(found, span.since, span.until, MARKERS_MAX)


def _by_model(baselines: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The baselines of each model, the latest first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for baseline in sorted(baselines, key=lambda one: -one["created_at"]):
        found.setdefault(baseline["model"], []).append(baseline)
    return found


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/overview",
        "Overview of a range",
        overview,
        query=OverviewQuery,
        gives=OverviewOut,
        statuses=HISTORIES_STATUSES,
        operation="get_overview",
    ),
)
