"""Days for a store that was filled before summaries were kept by the day: made once, of its hours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from sidecar.recording import Batch, SummaryRow
from sidecar.summaries import Summary, SummaryError, SummaryKey, rollup

log = structlog.get_logger()

DAY_S = 86_400
HOUR_S = 3_600

Load = Callable[[int, float, float], Awaitable[Sequence[SummaryRow]]]
"""Rows of a width in [since, until)."""


async def backfill_days(
    first_hour: int | None, now: float, load: Load, commit: Callable[[Batch], Awaitable[None]]
) -> int:
    """Add every day that has hours and no row of its own; returns how many days were gone through.

    ``first_hour`` is the start of the earliest hour in the store. It goes from the newest day to the oldest, so that
    the first day's row says that all is done, however often this was interrupted. Run it before anything is added.
    """
    if first_hour is None:
        return 0
    first_day = first_hour // DAY_S * DAY_S
    if await load(DAY_S, first_day, first_day + DAY_S):
        return 0
    days = range(int(now) // DAY_S * DAY_S, first_day - DAY_S, -DAY_S)
    for day in days:
        hours = await load(HOUR_S, day, day + DAY_S)
        known = {_key(row) for row in await load(DAY_S, day, day + DAY_S)}
        made = await asyncio.to_thread(_days_of, hours)
        rows = [row for row in made if _key(row) not in known]
        if rows:
            await commit(Batch(summaries=rows))
    log.info("days_backfilled", days=len(days))
    return len(days)


def _days_of(hours: Iterable[SummaryRow]) -> list[SummaryRow]:
    decoded = []
    for row in hours:
        try:
            decoded.append((_key(row), Summary.decode(row.payload)))
        except SummaryError as error:
            log.error("summary_unreadable", bucket=row.bucket, error=str(error))
    return [
        SummaryRow(**key._asdict(), revision=1, payload=summary.encode())
        for key, summary in rollup(decoded, DAY_S).items()
    ]


def _key(row: SummaryRow) -> SummaryKey:
    return SummaryKey(row.bucket, row.width_s, row.model, row.version, row.role, row.experiment, row.epoch, row.slice)
