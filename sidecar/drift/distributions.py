"""What is compared: the counts of a Summary's class names and histograms, a row for each block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.drift.blocks import Block
from sidecar.summaries import Histogram, Summary

CLASSES_MAX = 1_000
"""Class names with a column of their own, the most frequent; what is left counts as ``other``."""
CHART_CLASSES = 30
"""Class names that a chart shows, the most frequent; what is left is ``rest``."""
NAME_CHARACTERS_MAX = 200
"""Of a class name that a report shows."""
OTHER = "other"
REST = "rest"

_ATTRIBUTES = {
    "confidence": "confidence_histogram",
    "count": "detections_per_image",
    "area": "area",
    "aspect": "aspect",
    "width": "width",
    "height": "height",
    "brightness": "brightness",
}
DETECTION_PARTS = ("class", "confidence", "count", "area", "aspect")
INPUT_PARTS = ("width", "height", "brightness")


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of B blocks as float64 [B, K]; ``parts`` says which of the K columns are of which distribution.

    ``names`` are the class names of the columns of ``class``, in order. Counts are whole: sums of them are exact.

    >>> Table.of([], ("class", "aspect")).parts
    {'class': slice(0, 0, None), 'aspect': slice(0, 18, None)}
    """

    counts: NDArray[np.float64]
    parts: Mapping[str, slice]
    names: tuple[str, ...]

    @classmethod
    def of(cls, blocks: Sequence[Block], parts: Sequence[str]) -> Table:
        """The table of ``blocks`` with ``parts``, some of DETECTION_PARTS and INPUT_PARTS."""
        summaries = [block.summary for block in blocks]
        names: tuple[str, ...] = ()
        columns, slices, start = [], {}, 0
        for part in parts:
            if part == "class":
                names, matrix = _class_counts(summaries)
            else:
                sparse = [histogram_of(summary, part).counts for summary in summaries]
                matrix = _matrix(sparse, sparse, _bins(part))
            columns.append(matrix)
            slices[part] = slice(start, start + matrix.shape[1])
            start += matrix.shape[1]
        return cls(np.hstack(columns), slices, names)

    def joined(self) -> Table:
        """Neighbouring bins of the histograms joined to as many as n values can fill; classes are left alone.

        That is 2 n^(1/3) bins (Rice's rule), so that a few images, one to a bin, don't all look unlike. Bins are
        joined by their counts on both sides together: the labels have no say, so permutation tests stay exact.
        """
        pieces, parts, start = [], {}, 0
        for part, cut in self.parts.items():
            matrix = self.counts[:, cut]
            pieces.append(matrix if part == "class" else np.add.reduceat(matrix, _joined_starts(matrix), axis=1))
            parts[part] = slice(start, start + pieces[-1].shape[1])
            start += pieces[-1].shape[1]
        return Table(np.hstack(pieces), parts, self.names)


def histogram_of(summary: Summary, part: str) -> Histogram:
    """The histogram of a part other than ``class``."""
    found: Histogram = getattr(summary, _ATTRIBUTES[part])
    return found


def shown_name(name: str) -> str:
    """A class name as it is in a report: exact, but not without end.

    >>> shown_name("car"), len(shown_name("car" * 1_000))
    ('car', 200)
    """
    return name if len(name) <= NAME_CHARACTERS_MAX else name[: NAME_CHARACTERS_MAX - 1] + "…"


def chart_of(table: Table, reference: NDArray[np.bool_]) -> dict[str, Any]:
    """The shares of both sides by part, JSON-able; ``reference`` bool [B] says which blocks are the reference.

    ``class`` has ``names``, by falling share, the last one ``rest`` where there are more than CHART_CLASSES. A
    histogram has E ``edges``: ``confidence`` has E - 1 shares, the others E + 1, of which the first is below all edges
    and the last above. Where a side has nothing its shares are null.
    """
    before, now = table.counts[reference].sum(axis=0), table.counts[~reference].sum(axis=0)
    chart: dict[str, Any] = {}
    for part, cut in table.parts.items():
        if part == "class":
            chart[part] = _class_chart(table.names, before[cut], now[cut])
            continue
        edges = _edges(part)
        inner = slice(1, len(edges)) if part == "confidence" else slice(None)
        chart[part] = {"edges": edges, "reference": _shares(before[cut][inner]), "current": _shares(now[cut][inner])}
    return chart


def _class_chart(names: Sequence[str], before: NDArray[np.float64], now: NDArray[np.float64]) -> dict[str, Any]:
    weight = before / max(before.sum(), 1.0) + now / max(now.sum(), 1.0)
    order = sorted(np.flatnonzero(weight).tolist(), key=lambda place: (-weight[place], names[place]))
    shown, rest = order[:CHART_CLASSES], order[CHART_CLASSES:]
    sides = {"reference": before, "current": now}
    document: dict[str, Any] = {"names": [shown_name(names[place]) for place in shown] + [REST] * bool(rest)}
    for side, counts in sides.items():
        document[side] = _shares(np.append(counts[shown], [counts[rest].sum()] if rest else []))
    return document


def _shares(counts: NDArray[np.float64]) -> list[float] | None:
    total = counts.sum()
    return [float(share) for share in counts / total] if total else None


def _edges(part: str) -> list[float]:
    edges = histogram_of(_EMPTY, part).edges
    # confidence is counted in millionths
    return [edge / 1_000_000 for edge in edges] if part == "confidence" else list(edges)


def _bins(part: str) -> int:
    return len(histogram_of(_EMPTY, part).edges) + 1


def _class_counts(summaries: Iterable[Summary]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    counts = [summary.class_counts for summary in summaries]
    totals: dict[str, int] = {}
    for row in counts:
        for name, n in row.items():
            totals[name] = totals.get(name, 0) + n
    if len(totals) > CLASSES_MAX:
        frequent = sorted(totals, key=lambda name: (-totals[name], name))[: CLASSES_MAX - 1]
        names = tuple(sorted({*frequent, OTHER}))
    else:
        names = tuple(sorted(totals))
    place = {name: index for index, name in enumerate(names)}
    other = place.get(OTHER, 0)
    columns = [[place.get(name, other) for name in row] for row in counts]
    return names, _matrix(columns, counts, len(names))


def _matrix(columns: Sequence[Iterable[int]], counts: Sequence[Mapping[Any, int]], width: int) -> NDArray[np.float64]:
    """Counts of sparse rows, each with the columns of its values, as float64 [rows, width]."""
    row = np.repeat(np.arange(len(counts)), [len(of_row) for of_row in counts])
    column = np.array([place for of_row in columns for place in of_row], np.intp)
    values = np.array([n for of_row in counts for n in of_row.values()], np.float64)
    # whole numbers, so that sums are exact; several names may share a column
    flat = np.bincount(row * width + column, values, len(counts) * width).astype(np.float64)
    return flat.reshape(len(counts), width)


def _joined_starts(matrix: NDArray[np.float64]) -> NDArray[np.intp]:
    """Where the joined bins of [B, K] begin: each holds about as many values as the others."""
    counts = matrix.sum(axis=0)
    total = counts.sum()
    bins = max(1, round(2 * float(np.cbrt(total))))
    middles = (np.cumsum(counts) - counts / 2) / max(total, 1.0)
    group = np.minimum((middles * bins).astype(np.intp), bins - 1)
    return np.flatnonzero(np.diff(group, prepend=-1))


_EMPTY = Summary()
