"""Predictions newest first: the statements that find them by an index, and how they are gone through, a bounded stretch
at a time, where no index answers what is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sidecar.recording.columns import PLAIN_COLUMNS, Row
from sidecar.recording.pages import Conditions, Value, read_cursor
from sidecar.recording.prediction_filters import PredictionFilters
from sidecar.recording.reader_periods import VERSIONS_MERGED_MAX, versions_of
from sidecar.recording.reader_summaries import Fetch

COLUMNS = f"{', '.join(PLAIN_COLUMNS)}, detections, id"
AT, DETECTIONS, ID = PLAIN_COLUMNS.index("at"), len(PLAIN_COLUMNS), len(PLAIN_COLUMNS) + 1
"""Places in a row of COLUMNS."""
THRESHOLD = PLAIN_COLUMNS.index("score_threshold")
STRETCH_ROWS = 2_500
"""Predictions that one statement looks at where no index answers what is asked for: others read in between."""
UNPACKED_ROWS = 250
"""Predictions whose detections are looked at at a time."""

Place = tuple[float, int]
"""(at, id) of a prediction."""
Rows = Callable[[str, Sequence[Value]], Awaitable[tuple[list[Row], bool]]]
"""Gives the first rows of a SELECT, and whether it stopped before the last."""


class Looking:
    """Where somebody is who goes through what ``filters`` hold for, newest first, from ``place`` (None: the newest).

    ``looked`` counts predictions that were passed by or found where no index finds them, ``unpacked`` those whose
    detections had to be looked at. ``is_over``: there is nothing beyond ``place``.
    """

    def __init__(self, filters: PredictionFilters, place: Place | None) -> None:
        self.place = place
        self.looked = 0
        self.unpacked = 0
        self.is_over = False
        self._filters = filters
        self._others = filters.others()
        self._parts: list[Conditions] | None = None

    async def further(self, fetch: Fetch, rows: Rows, limit: int) -> list[Row]:
        """Rows of COLUMNS from here on: ``limit`` at most, or UNPACKED_ROWS where detections have to be looked at; none
        where the next stretch has none. Raises what ``fetch`` and ``rows`` do."""
        if self._parts is None:
            self._parts = await self._indexed(fetch)
        if not self._parts:
            self.is_over = True
            return []
        if not self._others.is_any:
            found, was_cut = await rows(*self._statement(COLUMNS, None, limit))
            self.is_over = len(found) < limit and not was_cut
            self.place = _place_of(found[-1]) if found else self.place
            return found
        return await self._stretch(fetch, rows, limit)

    async def _stretch(self, fetch: Fetch, rows: Rows, limit: int) -> list[Row]:
        statement, parameters = self._statement("at, id", None, 1, passed=STRETCH_ROWS - 1)
        end = next(iter(await fetch(statement, parameters)), None)
        if self._filters.needs_detections:
            limit = UNPACKED_ROWS
        found, was_cut = await rows(*self._statement(COLUMNS, end, limit))
        if was_cut or len(found) == limit:
            self.place = _place_of(found[-1])
        elif end is None:
            self.is_over = True
        else:
            self.place = end[0], end[1]
            self.looked += STRETCH_ROWS
        if self._filters.needs_detections:
            self.unpacked += len(found)
            return [row for row in found if self._filters.holds_for(row[DETECTIONS], row[THRESHOLD])]
        return found

    async def _indexed(self, fetch: Fetch) -> list[Conditions]:
        """Conditions of each part of an index that is read, merged with the others; none where there can be nothing.

        Of a model without a version each version's part of the index (model, version, at) is read: by the model alone
        SQLite would sort all its predictions for each page.
        """
        model, version = self._filters.model, self._filters.version
        if model is None:
            self._others.equal("version", version)
            return [Conditions()]
        versions = await versions_of(fetch, model) if version is None else [version]
        if len(versions) > VERSIONS_MERGED_MAX:
            # the empty text keeps the planner off the index of the model, after which it would have to sort
            self._others.add("model || '' = ?", model)
            return [Conditions()]
        parts = []
        for each in versions:
            parts.append(Conditions())
            parts[-1].add("model = ? AND version = ?", model, each)
        return parts

    def _statement(self, columns: str, end: Row | None, limit: int, passed: int = 0) -> tuple[str, list[Value]]:
        """A SELECT from here on to ``end``. What is only ``passed`` by is not asked for more than an index answers."""
        assert self._parts is not None, "they are known by now"
        span = self._span(end)
        texts, parameters = [], list[Value]()
        for part in self._parts:
            asked = (part, span) if passed else (part, span, self._others)
            texts.append(f"SELECT {columns} FROM predictions WHERE {' AND '.join(map(str, asked))}")
            parameters += [value for each in asked for value in each.parameters]
        tail = "ORDER BY at DESC, id DESC LIMIT ?" + (" OFFSET ?" if passed else "")
        return f"{' UNION ALL '.join(texts)} {tail}", [*parameters, limit, *([passed] if passed else [])]

    def _span(self, end: Row | None) -> Conditions:
        """From here to ``end``. Of either side the nearer bound alone: of two the index may be searched by the farther,
        and each page would pass by all that the pages before it held."""
        where, since, until = Conditions(), self._filters.since, self._filters.until
        if end is not None:
            where.add("(at, id) >= (?, ?)", end[0], end[1])
        elif since is not None:
            where.add("at >= ?", since)
        if until is not None and (self.place is None or self.place[0] >= until):
            where.add("at < ?", until)
        elif self.place is not None:
            where.add("(at, id) < (?, ?)", *self.place)
        return where


def cursor_before(cursor: str | None) -> Place | None:
    """The place in a page's ``next``. Raises ValueError naming ``before``."""
    return None if cursor is None else read_cursor(cursor)


def _place_of(row: Row) -> Place:
    return row[AT], row[ID]
