"""What ``Reader`` finds of predictions, newest first, a page at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sidecar.recording.columns import Row, prediction_of
from sidecar.recording.newest_first import AT, ID, Looking, cursor_before
from sidecar.recording.pages import Page, Value, checked_limit, write_cursor
from sidecar.recording.prediction_filters import PredictionFilters
from sidecar.recording.reader_summaries import Fetch
from sidecar.types import Prediction

LOOKED_MAX = 50_000
"""Predictions that are looked at for a page where no index finds what is asked for."""
UNPACKED_MAX = 5_000
"""Of these, whose detections are."""


async def page(fetch: Fetch, filters: PredictionFilters, before: str | None, limit: int) -> Page[Prediction]:
    """``limit`` predictions at most; fewer, with a next page, where enough were looked at for one."""

    async def rows(statement: str, parameters: Sequence[Value]) -> tuple[list[Row], bool]:
        return await fetch(statement, parameters), False

    looking = Looking(filters, cursor_before(before))
    wanted = checked_limit(limit) + 1
    found: list[Row] = []
    while len(found) < wanted and not looking.is_over:
        if looking.looked >= LOOKED_MAX or looking.unpacked >= UNPACKED_MAX:
            break
        found += await looking.further(fetch, rows, wanted - len(found))
    following = None if looking.is_over or looking.place is None else write_cursor(*looking.place)
    if len(found) > limit:
        following = write_cursor(found[limit - 1][AT], found[limit - 1][ID])
    items = await asyncio.to_thread(lambda: [prediction_of(row) for row in found[:limit]])
    return Page(items, following)
