"""The contrast of two sides in one distribution, in units of what the scatter of their blocks gives.

Labels that change places between blocks of very unequal size do not change alike things: a current side of a few small
blocks scatters more than its relabelings, most of which hold large ones, and its distance is called significant for
that alone. A statistic over its own noise is judged rightly all the same: exactly where blocks are exchangeable, and
nearly, the more blocks the better, where the sides are alike but for their scatter (Chung and Romano, Exact and
asymptotically robust permutation tests, Annals of Statistics 41, 2013). Between blocks of one size the noise is the
same whatever the labels, and so is the judgement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidecar.drift.divergence import jensen_shannon
from sidecar.drift.permutation import Deal

NOISE_MIN = 1e-12
"""Less, in units of divergence, is rounding: blocks all alike, of which no ratio is told."""
RATIO_MIN = 1e-9
"""The same of ratios: without it, sides that are equal would not tie."""

_EIGHT_LN_2 = 8 * float(np.log(2.0))
"""Jensen-Shannon divergence, base 2, of shares p and q close to each other is ``sum (p - q)^2 / m`` over this, with m
their mean: the first term of its series."""

_Floats = NDArray[np.float64]


class Contrast:
    """One distribution of B blocks in K bins.

    ``e = c - n s`` is what a block has in a bin over what its n values and s, the share of the bin in all blocks of its
    stratum, predict. Of two sides with N and M values, ``d = sum e / N - sum e / M``, the sums over their blocks, is
    the difference of their shares (between like and like, where there are strata), and ``v = sum e^2 / N^2 +
    sum e^2 / M^2`` the variance of d where blocks are independent.

    ``columns`` [B, W] are what is summed by side; all else is computed from such sums, each [R, W] of R relabelings.
    """

    def __init__(self, counts: _Floats, stratum: NDArray[np.intp], *, each: bool = False) -> None:
        """``counts`` float64 [B, K], ``stratum`` int [B]; ``each``: whether ``each_bin`` will be asked for."""
        self._bins = counts.shape[1]
        self._counts = counts
        self._excess = _excess(counts, stratum)
        shares = counts.sum(axis=0) / max(float(counts.sum()), 1.0)
        self._weights = np.where(shares > 0, 1 / np.where(shares > 0, shares, 1.0), 0.0) / _EIGHT_LN_2
        squares = self._excess**2 * self._weights
        self.columns = np.hstack([counts, self._excess, squares if each else squares.sum(axis=1, keepdims=True)])

    def divergence(self, reference: _Floats, current: _Floats) -> _Floats:
        """Jensen-Shannon divergence [R]; NaN where a side has no values."""
        return jensen_shannon(reference[:, : self._bins], current[:, : self._bins])

    def moved_and_noise(self, reference: _Floats, current: _Floats) -> _Floats:
        """``sum d^2 / s`` and ``sum v / s`` over the bins, of pooled shares s [R, 2]; NaN where a side has no values.

        Both are over 8 ln 2: the first is, but for terms of higher order, the divergence, and the second what it is on
        average where nothing but the scatter of blocks parts the sides.
        """
        moved, noise = self._of_bins(reference, current)
        return np.stack([moved.sum(axis=1), noise.sum(axis=1)], axis=1)

    def each_bin(self, reference: _Floats, current: _Floats) -> _Floats:
        """``d^2 / v`` of each bin [R, K]; NaN where a side has no values."""
        return over(*self._of_bins(reference, current))

    def noise(self, deal: Deal) -> float:
        """The divergence that the scatter of its blocks alone gives each side, both together.

        What ``v`` predicts, the excess taken over the side's own shares, since a drift is no noise; over ``1 - h``, h
        being the sum of the squared parts that blocks have in their side: what sharing its own blocks hides.
        """
        sides = [self._counts[~deal.current], self._counts[deal.current]]
        middle = sum(side.sum(axis=0) / max(float(side.sum()), 1.0) for side in sides) / 2
        weights = np.where(middle > 0, 1 / np.where(middle > 0, middle, 1.0), 0.0) / _EIGHT_LN_2
        return sum(
            _own_noise(self._excess[label], self._counts[label], weights) for label in (~deal.current, deal.current)
        )

    def _of_bins(self, reference: _Floats, current: _Floats) -> tuple[_Floats, _Floats]:
        """``d^2 / s`` [R, K] and ``v / s`` [R, K or 1], both over 8 ln 2; NaN where a side has no values."""
        bins = self._bins
        before, now = (_sizes(side[:, :bins]) for side in (reference, current))
        moved = (current[:, bins : 2 * bins] / now - reference[:, bins : 2 * bins] / before) ** 2 * self._weights
        return moved, reference[:, 2 * bins :] / before**2 + current[:, 2 * bins :] / now**2


def _excess(counts: _Floats, stratum: NDArray[np.intp]) -> _Floats:
    """What each block has over what its stratum predicts [B, K]; sums to 0 in each stratum."""
    excess = np.empty_like(counts)
    for number in np.unique(stratum):
        inside = stratum == number
        totals = counts[inside].sum(axis=0)
        shares = totals / max(float(totals.sum()), 1.0)
        excess[inside] = counts[inside] - counts[inside].sum(axis=1, keepdims=True) * shares
    return excess


def _own_noise(excess: _Floats, counts: _Floats, weights: _Floats) -> float:
    """Of one side, from its blocks' excess and counts [b, K] and weights of the bins [K]."""
    parts = counts.sum(axis=1) / max(float(counts.sum()), 1.0)
    own = excess / max(float(counts.sum()), 1.0)
    own = own - parts[:, None] * own.sum(axis=0)
    hidden = 1 - float(parts @ parts)
    # all in one block: nothing is known of its scatter
    return float((own**2).sum(axis=0) @ weights) / hidden if hidden > NOISE_MIN else 0.0


def _sizes(counts: _Floats) -> _Floats:
    """Values of a side [R, 1]; NaN where there are none."""
    sizes = counts.sum(axis=1, keepdims=True)
    return np.where(sizes > 0, sizes, np.nan)


def over(moved: _Floats, noise: _Floats) -> _Floats:
    """Their ratio; 0 where either is but rounding.

    Of ``moved_and_noise`` it is about 1 where nothing changed, as in the ANOVA-type statistic (Brunner, Dette and Munk,
    JASA 92, 1997).
    """
    ratio = moved / np.maximum(noise, NOISE_MIN)
    return np.where((noise < NOISE_MIN) | (ratio < RATIO_MIN), 0.0, ratio)
