"""Sample ratio mismatch: whether units arrive in the shares they were to be assigned in, however often one looks.

A Dirichlet-multinomial mixture against the split (Lindon and Malek, Anytime-valid inference for multinomial count data,
NeurIPS 2022, arXiv 2011.03567), multiplied over epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidecar.experiments.arms import Epoch

P_MIN = 0.001
"""A p-value under this voids the verdict."""
CONCENTRATION = 1_000.0
"""Of the Dirichlet around the split: finds mismatches soonest that show after some ten thousand units."""

_log_gamma = np.frompyfunc(lgamma, 1, 1)


@dataclass(frozen=True, slots=True)
class Srm:
    """Units expected and observed by arm, over epochs; ``p_value`` is always valid."""

    p_value: float
    ok: bool
    expected: dict[str, float]
    observed: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        return {"p_value": self.p_value, "ok": self.ok, "expected": self.expected, "observed": self.observed}


def srm_log_e(counts: ArrayLike, split: Sequence[float]) -> NDArray[np.float64]:
    """The logarithm of the e-process against ``split``; [...] for counts [..., arms], all shares over 0."""
    observed, shares = np.asarray(counts, np.float64), np.asarray(split, np.float64)
    prior = CONCENTRATION * shares
    n = observed.sum(axis=-1)
    mixed = (_lgamma(prior + observed) - _lgamma(prior)).sum(axis=-1) - (
        _lgamma(CONCENTRATION + n) - lgamma(CONCENTRATION)
    )
    return np.asarray(mixed - observed @ np.log(shares))


def srm_of(epochs: Sequence[Epoch], variants: Sequence[str], lowest: float = 1.0) -> Srm:
    """Of units first seen, before any drop; ``lowest`` is the lowest p-value seen so far.

    Units in an arm that has no share at all were not assigned by the split: they are a mismatch for sure.
    """
    log_e = 0.0
    expected, observed = dict.fromkeys(variants, 0.0), dict.fromkeys(variants, 0)
    impossible = False
    for epoch in epochs:
        n = sum(arm.assigned for arm in epoch.arms)
        for arm, share in zip(epoch.arms, epoch.split, strict=True):
            expected[arm.name] = expected.get(arm.name, 0.0) + n * share
            observed[arm.name] = observed.get(arm.name, 0) + arm.assigned
            impossible |= share == 0 and arm.assigned > 0
        kept = [(arm.assigned, share) for arm, share in zip(epoch.arms, epoch.split, strict=True) if share > 0]
        if len(kept) > 1:
            log_e += float(srm_log_e([count for count, _ in kept], [share for _, share in kept]))
    p_value = 0.0 if impossible else min(lowest, exp(-max(0.0, log_e)))
    return Srm(p_value, p_value >= P_MIN, expected, observed)


def _lgamma(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(_log_gamma(values), np.float64)
