"""The endpoints of figures over time."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any

from sidecar.api import schemas
from sidecar.api.problems import invalid_field
from sidecar.api.routes import Call, Route
from sidecar.api.schemas_time_series import TimeSeriesOut, TimeSeriesQuery
from sidecar.api.services import HISTORIES_STATUSES
from sidecar.api.time_series import OF_A_CLASS, Series, figure_point, summary_point, unit_of

BUCKETS_MAX = 5_000
"""Buckets one question may span."""
SERIES_POINTS_MAX = 20_000
"""Points that are given, of all versions together."""
SUMMARIES_BYTES_MAX = 32 << 20
"""JSON of summaries that is given: some kilobytes each, more with many classes."""
SERIES_ROWS_MAX = 200_000
"""Rows that are read for either: each slice of the traffic has its own."""
BUCKETS_WANTED = 500
"""Of those widths that make no more buckets the finest is chosen, where none is asked for."""
WIDTHS_S = (10, 60, 3_600, 86_400)
SPAN_S = 3_600
"""What is asked for where no ``since`` is given."""
PAGE_ROWS = 200


async def summaries(call: Call) -> dict[str, Any]:
    """Time series of summaries by model version and role."""
    query: schemas.SummariesQuery = call.query
    since, until = _span_of(query.since, query.until)
    width_s = _checked_width(int(query.width_s), since, until)
    series = Series(functools.partial(summary_point, width_s))
    async with call.services.histories.one():
        await _read(call, query, since, until, width_s, series, SUMMARIES_BYTES_MAX)
    return {
        "since": since,
        "until": until,
        "width_s": width_s,
        "points": series.points,
        "unreadable": series.unreadable,
    }


async def time_series(call: Call) -> dict[str, Any]:
    """One figure over time by model version and role."""
    query: TimeSeriesQuery = call.query
    of_a_class = query.metric in OF_A_CLASS
    if of_a_class != bool(query.label):
        raise invalid_field("label", f"is {'needed' if of_a_class else 'no part of it'} where metric is {query.metric}")
    since, until = _span_of(query.since, query.until)
    width_s = _checked_width(int(query.width_s or width_for(since, until)), since, until)
    series = Series(functools.partial(figure_point, query.metric, width_s, query.label))
    async with call.services.histories.one():
        await _read(call, query, since, until, width_s, series, SERIES_POINTS_MAX)
    return {
        "metric": query.metric,
        "label": query.label,
        "unit": unit_of(query.metric),
        "since": since,
        "until": until,
        "width_s": width_s,
        "items": series.points,
        "unreadable": series.unreadable,
    }


async def _read(
    call: Call,
    query: TimeSeriesQuery | schemas.SummariesQuery,
    since: float,
    until: float,
    width_s: int,
    series: Series,
    weight_max: int,
) -> None:
    """Fill ``series``. Raises a 422 Problem where it comes to too much."""
    models = None if query.model is None else [query.model]
    after, read = None, 0
    while True:
        rows, after = await call.services.reader.summaries_page(
            since=since,
            until=until,
            width_s=width_s,
            models=models,
            version=query.version,
            after=after,
            limit=PAGE_ROWS,
        )
        read += len(rows)
        await asyncio.to_thread(series.add, rows)
        if after is None:
            await asyncio.to_thread(series.end)
        if series.weight > weight_max or read > SERIES_ROWS_MAX:
            call.services.turned_away["series"] += 1
            raise invalid_field("width_s", "too many points: ask for a shorter time, a greater width or one model")
        if after is None:
            return


def width_for(since: float, until: float) -> int:
    """The finest width that makes no more than BUCKETS_WANTED buckets, or the greatest there is.

    >>> width_for(0, 3_600), width_for(0, 7 * 86_400), width_for(0, 400 * 86_400)
    (10, 3600, 86400)
    """
    return next((width_s for width_s in WIDTHS_S if (until - since) / width_s <= BUCKETS_WANTED), WIDTHS_S[-1])


def _span_of(since: float | None, until: float | None) -> tuple[float, float]:
    until = time.time() if until is None else until
    since = max(until - SPAN_S, 0.0) if since is None else since
    if since >= until:
        raise invalid_field("since", "must be before until")
    return since, until


def _checked_width(width_s: int, since: float, until: float) -> int:
    if (until - since) / width_s > BUCKETS_MAX:
        raise invalid_field("width_s", f"more than {BUCKETS_MAX} buckets: ask for a shorter time or a greater width")
    return width_s


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/summaries",
        "Time series of summaries",
        summaries,
        query=schemas.SummariesQuery,
        gives=schemas.SummariesOut,
        statuses=HISTORIES_STATUSES,
    ),
    Route(
        "GET",
        "/api/v1/time-series",
        "One figure over time",
        time_series,
        query=TimeSeriesQuery,
        gives=TimeSeriesOut,
        statuses=HISTORIES_STATUSES,
    ),
)
