"""The recent past of every scope that alerts watch, in memory, in bins fine enough for their windows.

A round of evaluation reads what changed since the last one and adds up bins: its cost grows neither with predictions
nor with alerts that share a model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor

import structlog

from sidecar.alerts import Figures
from sidecar.recording import SummaryRow
from sidecar.summaries import Summary, SummaryError, SummaryKey
from sidecar.watch.history import key_of
from sidecar.watch.loading import Load
from sidecar.watch.scope import Scope

log = structlog.get_logger()

BINS_S = (10, 60, 600, 3_600, 86_400)
BINS_MAX = 120
"""Bins of a window, of the narrowest that are so few; hours may be twice as many before they become days."""
LATE_S = 120
"""What comes later than this after a bucket has ended is not seen by windows that had read it."""
DECODED_MAX = 20_000
"""Decoded rows that are kept for the next round, of those that may be read again; more are decoded again."""


def bin_s(window_s: float) -> int:
    """The width of the bins that a window is made of.

    >>> bin_s(900), bin_s(3_600), bin_s(86_400), bin_s(30 * 86_400)
    (10, 60, 3600, 86400)
    """
    bins_max = {3_600: 2 * BINS_MAX}
    return next((width for width in BINS_S if window_s / width <= bins_max.get(width, BINS_MAX)), BINS_S[-1])


def row_width_s(bin_width_s: int) -> int:
    """The width of the stored summaries that a bin is made of."""
    return 60 if bin_width_s == 600 else bin_width_s


@dataclass(slots=True)
class _Series:
    """One scope's bins of one width, and how far back they are needed."""

    bins: dict[int, Figures] = field(default_factory=dict)
    loaded_from: float = float("inf")


class Ledger:
    """Figures by (scope, width of bin). Call ``refresh`` once a round, then ``window`` as often as you like."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._series: dict[tuple[Scope, int], _Series] = {}
        self._decoded: dict[SummaryKey, tuple[int, Figures]] = {}
        self._looked_at: dict[int, float] = {}
        self._totals: dict[tuple[Scope, float], tuple[float, Figures, float]] = {}
        self.unreadable = 0

    async def refresh(self, wanted: Iterable[tuple[Scope, float]], now: float) -> None:
        """Bring every wanted (scope, window_s) up to ``now``; what nobody wants any more is forgotten."""
        windows: dict[tuple[Scope, int], float] = {}
        for scope, window_s in wanted:
            key = (scope, bin_s(window_s))
            windows[key] = max(windows.get(key, 0.0), window_s)
        self._series = {key: self._series.get(key, _Series()) for key in windows}
        self._totals = {}
        for width in BINS_S:
            here = {key: windows[key] for key in windows if key[1] == width}
            if here:
                await self._refresh_width(width, here, now)

    async def _refresh_width(self, width: int, windows: Mapping[tuple[Scope, int], float], now: float) -> None:
        """Read what is missing. What was read counts as known only then: a read that fails is made up for."""
        begins = {key: _begin(now, window_s, width) for key, window_s in windows.items()}
        known = [key for key in windows if self._series[key].loaded_from <= begins[key]]
        fresh = [key for key in windows if self._series[key].loaded_from > begins[key]]
        if known:
            # from where the last round stood, were it long ago; the clock may have been set back since
            looked_at = min(now, self._looked_at.get(width, now))
            await self._read(width, known, floor((looked_at - LATE_S) / width) * width, now)
        self._looked_at[width] = now
        if fresh:
            await self._read(width, fresh, min(begins[key] for key in fresh), now)
        for key, begin in begins.items():
            self._forget(self._series[key], begin)

    async def _read(self, width: int, keys: Sequence[tuple[Scope, int]], since: float, now: float) -> None:
        """Build anew the bins from ``since`` on: page by page, so that only their sums are ever held."""
        by_model: dict[str, list[Scope]] = {}
        for scope, _ in keys:
            by_model.setdefault(scope.model, []).append(scope)
        sums: dict[tuple[Scope, int], Figures] = {}
        async for page in self._load(row_width_s(width), since, now + width, by_model):
            found = await asyncio.to_thread(self._decoded_page, page, now)
            parts: dict[tuple[Scope, int], list[Figures]] = {}
            for row, figures in found:
                for scope in by_model.get(row.model, ()):
                    if _belongs(row, scope):
                        parts.setdefault((scope, row.bucket // width * width), []).append(figures)
            for place, listed in parts.items():
                sums[place] = Figures.total([*listed, sums[place]] if place in sums else listed)
        for key in keys:
            bins = self._series[key].bins
            for start in [start for start in bins if start >= since]:
                del bins[start]
        for (scope, start), figures in sums.items():
            self._series[scope, width].bins[start] = figures
        self._decoded = {key: known for key, known in self._decoded.items() if _is_read_again(key, now)}

    def _decoded_page(self, page: Sequence[SummaryRow], now: float) -> list[tuple[SummaryRow, Figures]]:
        """The page's rows with their figures; of the latest rows only those are decoded that changed."""
        found = []
        for row in page:
            key = key_of(row)
            known = self._decoded.get(key)
            if known is not None and known[0] == row.revision:
                found.append((row, known[1]))
                continue
            try:
                figures = Figures.of(Summary.decode(row.payload))
            except SummaryError as error:
                self.unreadable += 1
                log.error("summary_unreadable", key=key, error=str(error))
                continue
            found.append((row, figures))
            if _is_read_again(key, now) and len(self._decoded) < DECODED_MAX:
                self._decoded[key] = row.revision, figures
        return found

    @staticmethod
    def _forget(series: _Series, begin: float) -> None:
        for start in [start for start in series.bins if start < begin]:
            del series.bins[start]
        series.loaded_from = begin

    def window(self, scope: Scope, window_s: float, now: float) -> tuple[Figures, float]:
        """(the figures of the last ``window_s``, the seconds they really cover).

        A window is made of whole bins and ends now: it covers all that was asked for and up to one bin more, which is
        a tenth at most, but for windows under 100 s. A bucket that lies in the future (the clock was set back) is no
        part of it. Alerts that share a window share its sum.
        """
        known = self._totals.get((scope, window_s))
        if known is not None and known[0] == now:
            return known[1:]
        figures, covered_s = self._summed(scope, window_s, now)
        self._totals[scope, window_s] = now, figures, covered_s
        return figures, covered_s

    def _summed(self, scope: Scope, window_s: float, now: float) -> tuple[Figures, float]:
        width = bin_s(window_s)
        series = self._series.get((scope, width))
        begin, end = _begin(now, window_s, width), now
        parts = [] if series is None else [part for start, part in series.bins.items() if begin <= start < end]
        return Figures.total(parts), max(end - begin, 1.0)


def _begin(now: float, window_s: float, width: int) -> float:
    """The start of the bin that a window begins in: all of the window is covered, and up to a bin more."""
    return floor((now - window_s) / width) * width


def _is_read_again(key: SummaryKey, now: float) -> bool:
    """Whether the next round will look at this row: its bucket is open, or was a moment ago."""
    return key.bucket + key.width_s > now - 2 * LATE_S - key.width_s


def _belongs(row: SummaryRow, scope: Scope) -> bool:
    return row.model == scope.model and scope.version in ("", row.version) and scope.slice in ("", row.slice)
