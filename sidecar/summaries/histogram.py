"""Histograms with fixed edges, kept sparse: most buckets of ten seconds fill few bins."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from math import nan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidecar.summaries.counts import merge_counts
from sidecar.summaries.unlike import SummaryError


class Histogram:
    """Counts of values by bin: bin i holds ``edges[i-1] <= v < edges[i]``, bin 0 all below, the last all above.

    >>> histogram = Histogram((0.0, 0.5, 1.0))
    >>> histogram.add([0.1, 0.2, 0.7])
    >>> histogram.to_dict()["counts"], histogram.count
    ([0, 2, 1, 0], 3)
    """

    __slots__ = ("counts", "edges")

    def __init__(self, edges: tuple[float, ...], counts: dict[int, int] | None = None) -> None:
        self.edges = edges
        self.counts: dict[int, int] = dict(counts or {})

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def add(self, values: ArrayLike) -> None:
        """Count ``values``, any shape. NaN counts nowhere."""
        column = np.asarray(values, np.float64).ravel()
        # the edges become an array here: most histograms are only ever read and merged
        edges = np.asarray(self.edges, np.float64)
        self.add_bins(np.searchsorted(edges, column[~np.isnan(column)], side="right"))

    def add_one(self, value: float) -> None:
        """Count one value, without an array."""
        index = bisect_right(self.edges, value)
        self.counts[index] = self.counts.get(index, 0) + 1

    def add_bins(self, bins: NDArray[np.intp]) -> None:
        """Count values by the numbers of their bins."""
        found = np.bincount(bins)
        for index in np.flatnonzero(found).tolist():
            self.counts[index] = self.counts.get(index, 0) + int(found[index])

    def merge(self, other: Histogram) -> Histogram:
        """Both sides' values. Raises SummaryError for unlike edges."""
        if self.edges != other.edges:
            raise SummaryError(f"histogram: edges differ ({len(self.edges)} and {len(other.edges)} of them)")
        return Histogram(self.edges, merge_counts(self.counts, other.counts))

    def quantile(self, q: float) -> float:
        """The q-quantile, values taken as spread evenly within a bin; NaN where there is none."""
        rank = q * self.count
        for index, low, high in self._bounded_bins():
            n = self.counts.get(index, 0)
            if n and rank <= n:
                return low + (high - low) * rank / n
            rank -= n
        return nan

    def dense(self) -> list[int]:
        """All bins, ``len(edges) + 1`` of them."""
        return [self.counts.get(index, 0) for index in range(len(self.edges) + 1)]

    def to_dict(self) -> dict[str, Any]:
        """Edges and the counts of all bins."""
        return {"edges": list(self.edges), "counts": self.dense()}

    def to_state(self) -> dict[str, int]:
        """JSON-able and canonical; the edges are parameters and go elsewhere."""
        return {str(index): self.counts[index] for index in sorted(self.counts)}

    @classmethod
    def from_state(cls, edges: tuple[float, ...], state: dict[str, int]) -> Histogram:
        """Raises SummaryError for a bin that ``edges`` does not have."""
        counts = {int(index): n for index, n in state.items()}
        if counts and not 0 <= min(counts) <= max(counts) <= len(edges):
            raise SummaryError(f"histogram: bin {max(counts)} is not one of {len(edges) + 1}")
        return cls(edges, counts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.edges == other.edges and self.counts == other.counts

    def __hash__(self) -> int:
        return hash((self.edges, frozenset(self.counts.items())))

    def __repr__(self) -> str:
        return f"Histogram({len(self.edges)} edges, {self.counts})"

    def _bounded_bins(self) -> Iterable[tuple[int, float, float]]:
        """Bins with both their ends; the outermost have no width."""
        yield 0, self.edges[0], self.edges[0]
        for index in range(1, len(self.edges)):
            yield index, self.edges[index - 1], self.edges[index]
        yield len(self.edges), self.edges[-1], self.edges[-1]
