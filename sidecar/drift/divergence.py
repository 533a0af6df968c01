"""The Jensen-Shannon divergence of rows of counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LN_2 = float(np.log(2.0))
_TINY = float(np.finfo(np.float64).tiny)


def jensen_shannon(left: ArrayLike, right: ArrayLike) -> NDArray[np.float64]:
    """Jensen-Shannon divergence, base 2, of counts [..., K] by row: [...], in 0..1; NaN where a side has none.

    ``H((p + q) / 2) - (H(p) + H(q)) / 2`` (Lin, IEEE Trans. Information Theory 37, 1991, equation 4.1). Its square
    root is a metric (Endres and Schindelin, IEEE Trans. Information Theory 49, 2003). Equal shares give exactly 0.

    >>> jensen_shannon([[3, 1], [1, 0]], [[6, 2], [0, 1]]).tolist()
    [0.0, 1.0]
    """
    p, left_has = _shares(left)
    q, right_has = _shares(right)
    # bin by bin, each non-negative: with the sums of entropies, close large numbers would cancel
    terms = (_xlogx(p) + _xlogx(q)) / 2 - _xlogx((p + q) / 2)
    return np.where(left_has & right_has, np.clip(terms.sum(axis=-1) / _LN_2, 0.0, 1.0), np.nan)


def jensen_shannon_distance(left: ArrayLike, right: ArrayLike) -> NDArray[np.float64]:
    """The square root of the divergence: what reports show.

    >>> float(jensen_shannon_distance([1, 0], [0, 1]))
    1.0
    """
    return np.asarray(np.sqrt(jensen_shannon(left, right)))


def _shares(counts: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Shares [..., K], and whether a row has counts at all [...]."""
    rows = np.asarray(counts, np.float64)
    totals = rows.sum(axis=-1)
    return rows / np.maximum(totals, 1.0)[..., None], totals > 0


def _xlogx(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(shares * np.log(np.maximum(shares, _TINY)))
