"""The contrast of two sides in one distribution, in units of what the scatter of their blocks gives.

Labels that change places between blocks of very unequal size do not change alike things: a current side of a few small
blocks scatters more than its relabelings, most of which hold large ones, and its distance is called significant for
that alone. A statistic over its own noise is judged rightly all the same: exactly where blocks are exchangeable, and
nearly, the more blocks the better, where the sides are alike but for their scatter (Chung and Romano, Exact and
asymptotically robust permutation tests, Annals of Statistics 41, 2013). Between two sides of as many blocks, all of one
size, it orders the relabelings as the difference of shares itself does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidecar.drift.divergence import jensen_shannon
from sidecar.drift.permutation import Deal

NOISE_MIN = 1e-12
"""Less, in units of divergence, is rounding: no noise is taken as less, and no move under it as one."""
APART_MIN = 1e-3
"""Of ``1 - h``: with less, a side lies in one block, whose scatter nobody knows."""

_EIGHT_LN_2 = 8 * float(np.log(2.0))
"""Jensen-Shannon divergence, base 2, of shares p and q close to each other is ``sum (p - q)^2 / m`` over this, with m
their mean: the first term of its series."""

_Floats = NDArray[np.float64]


class Contrast:
    """One distribution of B blocks in K bins.

    ``e = c - n s`` is what a block has in a bin over what its n values and s, the share of the bin in all blocks of its
    stratum, predict. Of a side with N values in all, ``m = sum e / N`` is how far its share is from s, and
    ``v = sum (e - n m)^2 / N^2 / (1 - h)`` the variance of m where blocks are independent; h is the sum of (n / N)^2,
    which makes up for m having been taken from the same blocks. The difference of the m of two sides is that of their
    shares (between like and like, where there are strata).

    ``columns`` [B, W] are what is summed by side; all else is computed from such sums, each [R, W] of R relabelings.
    """

    def __init__(self, counts: _Floats, stratum: NDArray[np.intp], *, each: bool = False) -> None:
        """``counts`` float64 [B, K], ``stratum`` int [B]; ``each``: whether ``each_bin`` will be asked for."""
        self._bins = counts.shape[1]
        self._each = each
        self._counts = counts
        self._excess = _excess(counts, stratum)
        shares = counts.sum(axis=0) / max(float(counts.sum()), 1.0)
        self._weights = _weights(shares)
        sizes = counts.sum(axis=1, keepdims=True)
        self.columns = np.hstack(
            [counts, self._excess, sizes * self._excess, sizes**2, self._over_bins(self._excess**2 * self._weights)]
        )

    def divergence(self, reference: _Floats, current: _Floats) -> _Floats:
        """Jensen-Shannon divergence [R]; NaN where a side has no values."""
        return jensen_shannon(reference[:, : self._bins], current[:, : self._bins])

    def moved_and_noise(self, reference: _Floats, current: _Floats) -> _Floats:
        """``sum d^2 / s`` and ``sum v / s`` over the bins [R, 2], d being the difference of the sides, v of both added.

        Both are over 8 ln 2, s are pooled shares: the first is, but for terms of higher order, the divergence, and the
        second what it is on average where nothing but the scatter of blocks parts the sides. NaN where a side has no
        values, no end of noise where it lies in one block.
        """
        moved, noise = self._of_bins(reference, current)
        return np.stack([moved.sum(axis=1), noise.sum(axis=1)], axis=1)

    def each_bin(self, reference: _Floats, current: _Floats) -> _Floats:
        """``d^2 / v`` of each bin [R, K]; NaN where a side has no values."""
        return over(*self._of_bins(reference, current))

    def noise(self, deal: Deal) -> float:
        """The divergence that the scatter of their blocks alone gives the sides of ``deal``.

        As ``moved_and_noise`` has it, but with the mean of the shares of both sides for the pooled ones: what a
        divergence weighs by, however unequal the sides. A side in one block adds nothing that is known.
        """
        labels = ~deal.current, deal.current
        middle = sum(self._counts[label].sum(axis=0) / max(float(self._counts[label].sum()), 1.0) for label in labels)
        weights = _weights(np.asarray(middle) / 2)
        return sum(_own_noise(self._excess[label], self._counts[label], weights) for label in labels)

    def _of_bins(self, reference: _Floats, current: _Floats) -> tuple[_Floats, _Floats]:
        """``d^2 / s`` [R, K] and ``v / s`` [R, K], or its sum over the bins [R, 1]."""
        before, noise_before = self._of_side(reference)
        now, noise_now = self._of_side(current)
        return (now - before) ** 2 * self._weights, noise_before + noise_now

    def _of_side(self, sums: _Floats) -> tuple[_Floats, _Floats]:
        """m [R, K], and v / s as ``_of_bins`` has it."""
        k = self._bins
        sizes = sums[:, :k].sum(axis=1, keepdims=True)
        sizes = np.where(sizes > 0, sizes, np.nan)
        mean, with_size, squared_sizes = sums[:, k : 2 * k] / sizes, sums[:, 2 * k : 3 * k], sums[:, 3 * k : 3 * k + 1]
        # sum (e - n m)^2 multiplied out, since only sums are at hand
        own = sums[:, 3 * k + 1 :] + self._over_bins(mean * (mean * squared_sizes - 2 * with_size) * self._weights)
        apart = 1 - squared_sizes / sizes**2
        known = np.maximum(own, 0.0) / sizes**2 / np.maximum(apart, APART_MIN)
        return mean, np.where(apart < APART_MIN, np.inf, known)

    def _over_bins(self, values: _Floats) -> _Floats:
        """Values of bins [R, K] as they are where each bin is asked for, else their sum [R, 1]."""
        return values if self._each else values.sum(axis=1, keepdims=True)


def over(moved: _Floats, noise: _Floats) -> _Floats:
    """Their ratio; 0 where ``moved`` is but rounding.

    Of ``moved_and_noise`` it is about 1 where nothing changed, as in the ANOVA-type statistic (Brunner, Dette and Munk,
    JASA 92, 1997).
    """
    return np.where(moved < NOISE_MIN, 0.0, moved / np.maximum(noise, NOISE_MIN))


def _weights(shares: _Floats) -> _Floats:
    """One over the shares, over 8 ln 2; 0 for bins that are empty."""
    return np.where(shares > 0, 1 / np.where(shares > 0, shares, 1.0), 0.0) / _EIGHT_LN_2


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
    """``sum v`` of one side, from its blocks' excess and counts [b, K] and weights of the bins [K]."""
    total = max(float(counts.sum()), 1.0)
    parts, own = counts.sum(axis=1) / total, excess / total
    own = own - parts[:, None] * own.sum(axis=0)
    apart = 1 - float(parts @ parts)
    return float((own**2).sum(axis=0) @ weights) / apart if apart >= APART_MIN else 0.0
