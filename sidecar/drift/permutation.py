"""A permutation test: how extreme the labels of the blocks are among all the ways they could have been dealt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import comb, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

CELLS_MAX = 1_000_000
"""Cells of a chunk's matrices of labels and of sums: what bounds the memory of a test, whatever its permutations."""
ROWS_MAX = 64
"""Relabelings of a chunk; larger ones leave the processor's cache (twice as slow at 512, measured)."""
PERMUTATIONS_MAX = 100_000
TIE = 1e-9
"""Relative: statistics this close are taken as equal, since sums of floats depend on their order."""

Statistics = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""From counts of the reference and of the current side, each [N, K], to S statistics [N, S]: larger is more extreme."""


@dataclass(frozen=True, slots=True)
class Deal:
    """Which of B blocks are ``current`` (bool [B]), and within which ``stratum`` (int [B]) labels may change places."""

    current: NDArray[np.bool_]
    stratum: NDArray[np.intp]

    @classmethod
    def free(cls, reference: int, current: int) -> Deal:
        """So many blocks of each side, reference first, all in one stratum.

        >>> Deal.free(6, 6).distinct
        924
        """
        labels = np.arange(reference + current) >= reference
        return cls(labels, np.zeros(labels.size, np.intp))

    @property
    def distinct(self) -> int:
        """In how many ways the labels can be dealt."""
        return prod(comb(total, current) for total, current in self._sizes())

    @property
    def smallest_p(self) -> float:
        """No p-value is under this: one over the ways to deal, twice that where swapping the sides is one of them."""
        mirrored = all(total == 2 * current for total, current in self._sizes())
        # in whole numbers: the ways to deal hundreds of blocks are more than a float can hold
        return 1.0 if self.distinct == 1 else min(1.0, (2 if mirrored else 1) / min(self.distinct, 10**15))

    def relabelings(self, permutations: int, rows_max: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
        """Chunks [up to rows_max, B] of labels dealt anew, 1 for current, ``permutations`` rows in all."""
        places = [np.flatnonzero(self.stratum == stratum) for stratum in np.unique(self.stratum)]
        for start in range(0, permutations, rows_max):
            rows = min(rows_max, permutations - start)
            labels = np.empty((rows, self.current.size))
            for columns in places:
                labels[:, columns] = rng.permuted(np.tile(self.current[columns], (rows, 1)), axis=1)
            yield labels

    def _sizes(self) -> list[tuple[int, int]]:
        """(blocks, current blocks) of each stratum."""
        _, inverse = np.unique(self.stratum, return_inverse=True)
        total = np.bincount(inverse)
        current = np.bincount(inverse, self.current, total.size).astype(np.intp)
        return list(zip(total.tolist(), current.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Null:
    """The statistics as observed [S] and after each relabeling [P, S]; ``smallest_p`` is that of the deal.

    A relabeling that leaves a side without data has no divergence (NaN): it counts as more extreme than anything.
    """

    observed: NDArray[np.float64]
    permuted: NDArray[np.float64]
    smallest_p: float

    def p_values(self, values: NDArray[np.float64], statistic: int) -> NDArray[np.float64]:
        """P-values [V] of ``values`` [V] of a statistic: (1 + relabelings at least as extreme) / (1 + relabelings).

        The one added keeps the test valid (Phipson and Smyth, Statistical Applications in Genetics and Molecular
        Biology 9, 2010).
        """
        null = np.sort(np.nan_to_num(self.permuted[:, statistic], nan=np.inf))
        least = values - TIE * np.maximum(np.abs(values), TIE)
        extreme = null.size - np.searchsorted(null, least, side="left")
        return np.asarray(np.maximum((1 + extreme) / (1 + null.size), self.smallest_p))

    def p_value(self, statistic: int) -> float:
        """Of the statistic as observed."""
        return float(self.p_values(self.observed[statistic : statistic + 1], statistic)[0])

    def mean(self, statistic: int) -> float:
        """What chance alone gives on average; NaN where no relabeling has data on both sides."""
        null = self.permuted[:, statistic]
        known = null[~np.isnan(null)]
        return float(known.mean()) if known.size else float("nan")


def permute(
    counts: NDArray[np.float64], deal: Deal, statistics: Statistics, permutations: int, rng: np.random.Generator
) -> Null:
    """Statistics of ``counts`` [B, K] summed by side, as dealt and after ``permutations`` relabelings.

    Where ``counts`` are whole numbers, equal sides have equal sums whichever blocks they are added from.
    """
    totals = counts.sum(axis=0)

    def of(labels: NDArray[np.float64]) -> NDArray[np.float64]:
        current = labels @ counts
        return statistics(totals - current, current)

    rows_max = max(1, min(ROWS_MAX, CELLS_MAX // max(1, sum(counts.shape))))
    observed = of(deal.current[None].astype(np.float64))[0]
    permuted = [of(labels) for labels in deal.relabelings(permutations, rows_max, rng)]
    stacked = np.concatenate(permuted) if permuted else np.empty((0, observed.size))
    return Null(observed, stacked, deal.smallest_p)


def reachable(n_reference: int | Sequence[int], n_current: int | Sequence[int], alpha: float, scores: int = 5) -> bool:
    """Whether so many blocks can be dealt in ways enough for one of ``scores`` to be significant at ``alpha``.

    Holm's first step asks for a p-value of alpha / scores. Where labels change places within strata only, both are the
    numbers of blocks by stratum, in the same order; raises ValueError where they are not as many.

    >>> reachable(7, 7, 0.001), reachable(14, 7, 0.001), reachable(6, 6, 0.05)
    (False, True, True)
    >>> reachable([1] * 6, [1] * 6, 0.05), reachable([1] * 6, [7] * 6, 0.05)
    (False, True)
    """
    before = [n_reference] if isinstance(n_reference, int) else n_reference
    now = [n_current] if isinstance(n_current, int) else n_current
    labels = [np.arange(m + n) >= m for m, n in zip(before, now, strict=True)]
    stratum = np.repeat(np.arange(len(labels)), [of_stratum.size for of_stratum in labels])
    deal = Deal(np.concatenate([*labels, np.zeros(0, np.bool_)]), stratum)
    return bool(at_most(deal.smallest_p * scores, alpha))


def at_most(p_values: float | NDArray[np.float64], alpha: float) -> Any:
    """Whether p-values are at most ``alpha``, bool or bool [P]: products of p-values may be off by a rounding.

    >>> at_most(3 * 0.1, 0.3), 3 * 0.1 <= 0.3
    (True, False)
    """
    return p_values <= alpha * (1 + TIE)
