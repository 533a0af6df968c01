"""Where in the past a preview looks, and the bins its windows are made of: as the monitor does it, as finely as the
kept summaries and a bound on them allow. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from sidecar.watch.ledger import bin_s, row_width_s

HOUR_S = 3_600
WIDTHS_S = (10, 60, HOUR_S)
FINEST_LENGTH_S = 86_400
"""The most that is looked at in tens of seconds; of a longer period in minutes, or hours."""
LEADS_S: dict[int, tuple[float, ...]] = {10: (1_800.0,), 60: (9_000.0, 75_600.0), HOUR_S: (172_800.0, 32 * 86_400.0)}
"""How far before the period windows may reach, by width: steps of it, so that other windows find the same bins read."""
MINUTES_LENGTH_S = 7 * 86_400
"""The most that is looked at in minutes: what is further back, in hours."""


@dataclass(frozen=True, slots=True)
class Grid:
    """``parts`` are (width_s, since, until) of runs of bins, one after another; ``starts`` of all bins, int64 [N].

    ``times`` are the looks, float64 [L], epoch seconds; that at ``times[i]`` is over the bins ``low[i]`` <= place <
    ``high[i]``, ``covered_s[i]`` in all. ``step_s`` is the time between two, but for the part before ``hours_until``,
    which is looked at by the hour (0 where there is none).
    """

    parts: tuple[tuple[int, int, int], ...]
    starts: NDArray[np.int64]
    times: NDArray[np.float64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    covered_s: NDArray[np.float64]
    step_s: int
    hours_until: int

    def offsets(self) -> Iterator[tuple[int, tuple[int, int, int]]]:
        """(place of its first bin, part) of each part."""
        place = 0
        for width, since, until in self.parts:
            yield place, (width, since, until)
            place += len(range(since, until, width))


def width_for(length_s: float, window_s: float) -> int:
    """The narrowest summaries that a preview of a period reads: no finer than the window's bins, or than it is long.

    >>> width_for(86_400, 900), width_for(604_800, 900), width_for(604_800, 86_400)
    (10, 60, 3600)
    """
    finest = WIDTHS_S[0] if length_s <= FINEST_LENGTH_S else WIDTHS_S[1]
    return max(finest, min(row_width_s(bin_s(window_s)), HOUR_S))


def lead_for(width_s: int, window_s: float) -> float:
    """How far before a period its bins begin, seconds: a window and one of the monitor's bins at least.

    >>> lead_for(60, 900), lead_for(60, 3_600), lead_for(60, 36_000)
    (9000.0, 9000.0, 75600.0)
    """
    needed_s = window_s + bin_s(window_s)
    return next((lead_s for lead_s in LEADS_S[width_s] if lead_s >= needed_s), needed_s)


def grid_of(since: float, until: float, window_s: float, width_s: int, fine_since: float) -> Grid:
    """The grid of looks in ``since`` < t <= ``until``; of before ``fine_since`` there are only hours."""
    bin_width = bin_s(window_s)
    begin = floor((since - lead_for(width_s, window_s)) / HOUR_S) * HOUR_S
    fine_from = max(fine_since, until - MINUTES_LENGTH_S - HOUR_S - (since - begin))
    if width_s == HOUR_S:
        parts = [_part(HOUR_S, begin, until)]
    elif begin >= fine_from:
        parts = [_part(width_s, begin, until)]
    else:
        turn = ceil(fine_from / HOUR_S) * HOUR_S
        parts = [_part(HOUR_S, begin, min(turn, until)), _part(width_s, turn, until)]
        parts = [part for part in parts if part[1] < part[2]]
    starts = np.concatenate([np.arange(first, last, width) for width, first, last in parts]).astype(np.int64)
    ends = np.concatenate([np.arange(first, last, width) + width for width, first, last in parts])
    looks = ends[(ends > since) & (ends <= until)].astype(np.float64)
    times = looks if looks.size and looks[-1] == until else np.append(looks, until)
    begins = np.floor((times - window_s) / bin_width) * bin_width
    low = np.maximum(np.searchsorted(starts, begins, side="right") - 1, 0)
    high = np.searchsorted(starts, times, side="left")
    coarse = parts[0][0] > width_s and parts[0][2] > since
    return Grid(
        tuple(parts),
        starts,
        times,
        low.astype(np.int64),
        high.astype(np.int64),
        np.maximum(times - starts[low], 1.0),
        width_s,
        parts[0][2] if coarse else 0,
    )


def _part(width_s: int, since: float, until: float) -> tuple[int, int, int]:
    return width_s, floor(since / width_s) * width_s, ceil(until / width_s) * width_s
