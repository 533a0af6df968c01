"""The recorded past of a scope: summaries in the widest buckets that fit, so that a question costs buckets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from math import ceil, floor

from sidecar.drift import Block, Level, Period, blocks_of, image_blocks
from sidecar.hashing import unit_interval
from sidecar.recording import UNJUDGED_ROLES, Reader, SummaryRow
from sidecar.summaries import Summary, SummaryError, SummaryKey, merge_all
from sidecar.types import Prediction
from sidecar.watch.scope import Fault, Scope

HOUR_S = 3_600
WIDTHS_S = (86_400, 3_600, 60, 10)
ROWS_MAX = 30_000
"""Summaries one question may read; one that would need more is refused."""
IMAGES_MAX = 2_000
"""Single images a side that are compared where images are independent: a uniform sample of more."""
PREDICTIONS_MAX = 200_000
"""Predictions one question may read."""
PAGE = 1_000

Rows = list[tuple[SummaryKey, Summary]]


def cover(since: float, until: float, width_max_s: int = WIDTHS_S[0]) -> Iterator[tuple[int, int, int]]:
    """(width_s, since, until) of the fewest buckets, none wider than ``width_max_s``, that make up the period.

    The ends are taken out to whole tens of seconds, the narrowest buckets there are.

    >>> list(cover(3_590, 7_260, 3_600))
    [(10, 3590, 3600), (3600, 3600, 7200), (60, 7200, 7260)]
    """
    start, end = floor(since / 10) * 10, ceil(until / 10) * 10
    widths = [width for width in WIDTHS_S if width <= width_max_s]
    yield from _fill(start, end, widths)


def _fill(start: int, end: int, widths: list[int]) -> Iterator[tuple[int, int, int]]:
    if start >= end:
        return
    width, narrower = widths[0], widths[1:]
    low, high = -(-start // width) * width, end // width * width
    if low >= high:
        yield from _fill(start, end, narrower) if narrower else iter([(width, start, end)])
        return
    yield from _fill(start, low, narrower)
    yield width, low, high
    yield from _fill(high, end, narrower)


class History:
    """Reads a scope's past from the store. ``reader`` belongs to somebody else, who closes it.

    ``fine_since`` tells from when on there are summaries narrower than an hour: retention removes older ones.
    ``named`` gives every (model, version) that a person may name; None: those with traffic.
    """

    def __init__(
        self,
        reader: Reader,
        fine_since: Callable[[], float] = lambda: 0.0,
        named: Callable[[], Awaitable[Collection[tuple[str, str]]]] | None = None,
    ) -> None:
        self._reader = reader
        self._fine_since = fine_since
        self._named = named
        self.unreadable = 0

    def fine_since(self) -> float:
        """From when on (epoch seconds) there are summaries narrower than an hour."""
        return self._fine_since()

    def fitted(self, period: Period) -> Period:
        """The period as it can be answered: an end that lies where only hours are left is taken out to the hour."""
        fine_since = self._fine_since()
        since, until = period.since, period.until
        if since < fine_since:
            since = floor(since / HOUR_S) * HOUR_S
        if until < fine_since:
            until = ceil(until / HOUR_S) * HOUR_S
        return Period(float(since), float(until))

    def has(self, level: Level, period: Period) -> bool:
        """Whether all of the period can be given in blocks of this level: retention removes narrow summaries first."""
        return not 0 < level.width_s < HOUR_S or period.since >= self._fine_since()

    async def rows(self, scope: Scope, since: float, until: float, width_max_s: int = WIDTHS_S[0]) -> Rows:
        """All summaries of the scope in the period. Raises Fault where that were more than ROWS_MAX."""
        found: list[SummaryRow] = []
        for width_s, start, end in cover(since, until, width_max_s):
            found += await self._reader.summaries(
                since=start,
                until=end,
                width_s=width_s,
                model=scope.model,
                version=scope.version or None,
                slice=scope.slice or None,
                roles_without=UNJUDGED_ROLES,
            )
            _check_rows(len(found))
        return await asyncio.to_thread(self._decoded, found)

    async def total(self, scope: Scope, period: Period) -> Summary:
        """Everything of the scope in the period, as one Summary."""
        rows = await self.rows(scope, period.since, period.until)
        return await asyncio.to_thread(lambda: merge_all(summary for _, summary in rows))

    async def blocks(
        self, scope: Scope, period: Period, level: Level, hours: Collection[int] | None = None
    ) -> list[Block]:
        """The period in blocks of ``level``; with ``hours`` only those of these hours of the day (UTC)."""
        if level is Level.IMAGE:
            return await self.images(scope, period)
        spans = [(period.since, period.until)] if hours is None else list(_hours(period, hours))
        rows: Rows = []
        for since, until in spans:
            rows += await self.rows(scope, since, until, level.width_s)
            _check_rows(len(rows))
        return await asyncio.to_thread(blocks_of, rows, level)

    async def blocks_from_predictions(self, scope: Scope, period: Period, level: Level) -> list[Block]:
        """The same blocks, made of the predictions themselves; of the input probe they know nothing."""
        if level is Level.IMAGE:
            return await self.images(scope, period)
        width_s = level.width_s
        made: dict[int, Summary] = {}
        async for page in self._pages(scope, period):
            await asyncio.to_thread(_add_to_blocks, made, page, width_s)
        return [Block(float(start), made[start]) for start in sorted(made)]

    async def images(self, scope: Scope, period: Period) -> list[Block]:
        """A block for each image, at most IMAGES_MAX: of more, those a hash of their ids draws."""
        total = (await self.total(scope, period)).images
        share = IMAGES_MAX / max(total, 1)
        chosen: list[Prediction] = []
        async for page in self._pages(scope, period):
            if share >= 1:
                chosen += page
            else:
                chosen += [item for item in page if unit_interval(item.prediction_id, "drift") < share]
        return await asyncio.to_thread(image_blocks, chosen[: IMAGES_MAX + IMAGES_MAX // 10])

    async def slices(self, scope: Scope, period: Period) -> list[str]:
        """The slices with traffic in the period, by name; without those that have none."""
        found = await self._reader.slices(scope.model, scope.version or None, period.since, period.until)
        return [name for name in found if name]

    async def known(self) -> list[tuple[str, str]]:
        """Every (model, version) with prediction traffic."""
        return [(model, version) for model, version in await self._reader.models() if model]

    async def named(self) -> Collection[tuple[str, str]]:
        """Every (model, version) that a person may name, those without traffic too."""
        return await self.known() if self._named is None else await self._named()

    async def first_bucket(self, model: str, version: str) -> int | None:
        """When traffic of a version began, in epoch seconds to the bucket."""
        return await self._reader.first_bucket(model, version)

    async def span(self, scope: Scope) -> Period | None:
        """From the first to the last hour there is anything of."""
        span = await self._reader.summary_span(scope.model, scope.version or None)
        return None if span is None else Period(float(span[0]), float(span[1]))

    async def _pages(self, scope: Scope, period: Period) -> AsyncIterator[list[Prediction]]:
        after, read = None, 0
        while True:
            page, after = await self._reader.predictions_between(
                scope.model,
                scope.version or None,
                period.since,
                period.until,
                after,
                PAGE,
                slice=scope.slice or None,
            )
            read += len(page)
            if read > PREDICTIONS_MAX:
                raise Fault("source", f"more than {PREDICTIONS_MAX:,} predictions to read: ask for source summaries")
            yield page
            if after is None:
                return

    def _decoded(self, rows: Sequence[SummaryRow]) -> Rows:
        decoded: Rows = []
        for row in rows:
            try:
                decoded.append((key_of(row), Summary.decode(row.payload)))
            except SummaryError:  # another release's form: the rest is still worth an answer
                self.unreadable += 1
        return decoded


def key_of(row: SummaryRow) -> SummaryKey:
    """The key of a stored summary."""
    return SummaryKey(row.bucket, row.width_s, row.model, row.version, row.role, row.experiment, row.epoch, row.slice)


def _check_rows(count: int) -> None:
    if count > ROWS_MAX:
        raise Fault("period", f"more than {ROWS_MAX:,} summaries to read: ask for a shorter period or one slice")


def _hours(period: Period, hours: Collection[int]) -> Iterator[tuple[float, float]]:
    """The parts of the period that lie in these hours of the day."""
    start = floor(period.since / 3_600) * 3_600
    while start < period.until:
        if start // 3_600 % 24 in hours:
            yield max(start, period.since), min(start + 3_600, period.until)
        start += 3_600


def _add_to_blocks(made: dict[int, Summary], page: Sequence[Prediction], width_s: int) -> None:
    grouped: dict[int, list[Prediction]] = {}
    for prediction in page:
        grouped.setdefault(int(prediction.at) // width_s * width_s, []).append(prediction)
    for start, predictions in grouped.items():
        made.setdefault(start, Summary()).add_predictions(predictions)
