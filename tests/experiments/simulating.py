"""Experiments by the thousand: what each shows at each peek, in arrays [runs, peeks]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RUNS = 2_000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Running:
    """Sums so far at each peek, [runs, peeks], of one arm: units, x, m and their products."""

    n: Floats
    x: Floats
    m: Floats
    xx: Floats
    xm: Floats
    mm: Floats

    @classmethod
    def of(cls, chosen: NDArray[np.bool_], x: Floats, m: Floats | None, peek: int) -> Running:
        """``chosen``, ``x`` and ``m`` are [runs, units]; m is 1 of each where it is left out."""
        kept = chosen.astype(np.float64)
        n = at_peeks(kept, peek)
        chosen_x = x * kept
        if m is None:
            return cls(n, at_peeks(chosen_x, peek), n, at_peeks(chosen_x * x, peek), at_peeks(chosen_x, peek), n)
        chosen_m = m * kept
        return cls(
            n,
            at_peeks(chosen_x, peek),
            at_peeks(chosen_m, peek),
            at_peeks(chosen_x * x, peek),
            at_peeks(chosen_x * m, peek),
            at_peeks(chosen_m * m, peek),
        )

    @property
    def value(self) -> Floats:
        with np.errstate(all="ignore"):
            return self.x / self.m

    @property
    def variance(self) -> Floats:
        """Of ``value``, by the delta method."""
        with np.errstate(all="ignore"):
            squares = self.xx - 2 * self.value * self.xm + self.value**2 * self.mm
            return np.maximum(squares, 0) / (self.n - 1) / self.n / (self.m / self.n) ** 2


def at_peeks(values: Floats, peek: int) -> Floats:
    """Sums so far after each ``peek`` units, [runs, units / peek]."""
    runs, units = values.shape
    return np.cumsum(values.reshape(runs, units // peek, peek).sum(axis=2), axis=1)


def difference(control: Running, treatment: Running, margin: float = 1.0) -> tuple[Floats, Floats]:
    """(treatment - margin * control, its standard error), [runs, peeks]."""
    return treatment.value - margin * control.value, np.sqrt(treatment.variance + margin**2 * control.variance)


def pooled_error(control: Running, treatment: Running) -> Floats:
    """The standard error of the difference with the variance of both arms together."""
    n, m = control.n + treatment.n, control.m + treatment.m
    with np.errstate(all="ignore"):
        rate = (control.x + treatment.x) / m
        squares = (control.xx + treatment.xx) - 2 * rate * (control.xm + treatment.xm)
        squares += rate**2 * (control.mm + treatment.mm)
        return np.sqrt(np.maximum(squares, 0) / (n - 1) * (1 / control.n + 1 / treatment.n)) / (m / n)


def ever(p_values: Floats, looked: NDArray[np.bool_] | bool = True, alpha: float = 0.05) -> float:
    """The share of runs in which a p-value is ever at most alpha at a peek that counts."""
    with np.errstate(invalid="ignore"):
        return float((looked & (p_values <= alpha)).any(axis=1).mean())
