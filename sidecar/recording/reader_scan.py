"""How ``Reader`` goes through all predictions that some filters hold for, by a connection of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType

from sidecar.recording.columns import Row, prediction_of
from sidecar.recording.newest_first import DETECTIONS, Looking
from sidecar.recording.pages import Value
from sidecar.recording.prediction_filters import PredictionFilters
from sidecar.recording.reader_connection import PinnedConnection
from sidecar.recording.rows import StoreError
from sidecar.types import Prediction

SCAN_ROWS = 250
"""Rows of one page of a scan, at most: what is made of a page is let go of with it, before it grows old."""
SCAN_BYTES = 2 << 20
"""Bytes of packed detections after which a page ends: one row may have 240 kB of them."""


class PredictionScan:
    """Predictions newest first, each once; what is added meanwhile is not among them where it is newer than those read.

    Nobody else's questions wait for it, and no transaction is longer than a page. It ends with StoreError("missing")
    where the store was set aside since it began: what the fresh one holds is not the rest of it. Use it in an
    ``async with``.
    """

    def __init__(
        self, connection: PinnedConnection, filters: PredictionFilters, tell: Callable[[], Awaitable[None]]
    ) -> None:
        self._connection = connection
        self._looking = Looking(filters, None)
        self._tell = tell

    async def __aenter__(self) -> PredictionScan:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._connection.close()

    async def page(self) -> list[Row]:
        """The next rows, for ``predictions_of``; none: that was all. Raises StoreError."""
        rows: list[Row] = []
        try:
            while not rows and not self._looking.is_over:
                rows = await self._looking.further(self._connection.fetch, self._weighed, SCAN_ROWS)
        except UnicodeEncodeError:
            self._looking.is_over = True  # no text in the store has what UTF-8 can't hold
        except StoreError as error:
            if error.reason == "corrupt":
                await self._tell()
            raise
        return rows

    async def _weighed(self, statement: str, parameters: Sequence[Value]) -> tuple[list[Row], bool]:
        rows = await self._connection.fetch(statement, parameters, weight=_weight, weight_max=SCAN_BYTES)
        return rows, sum(map(_weight, rows)) >= SCAN_BYTES


def predictions_of(rows: Sequence[Row]) -> list[Prediction]:
    """The predictions in rows of a scan: work for a thread."""
    return [prediction_of(row) for row in rows]


def _weight(row: Row) -> int:
    return len(row[DETECTIONS] or b"")
