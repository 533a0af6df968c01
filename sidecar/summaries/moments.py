"""Sums and cross products of several measurements of a unit, for means, ratios and their standard errors."""

from __future__ import annotations

from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.summaries.unlike import SummaryError

SCALE = 1_000_000
"""Fixed point: measurements are whole millionths."""
_INT64_SAFE = 1 << 62


class Moments:
    """n units, the sum of each component and of each product of two, exactly.

    Components are integers; what they are millionths of is up to their meaning, ``scales`` tells (1 or SCALE).

    >>> moments = Moments(("images", "detections"), (1, 1))
    >>> moments.add(np.array([[1, 4], [1, 2], [2, 6]]))
    >>> moments.ratio("detections", "images")
    3.0
    """

    __slots__ = ("n", "names", "products", "scales", "sums")

    def __init__(
        self,
        names: tuple[str, ...],
        scales: tuple[int, ...],
        n: int = 0,
        sums: list[int] | None = None,
        products: list[int] | None = None,
    ) -> None:
        self.names = names
        self.scales = scales
        self.n = n
        self.sums = sums or [0] * len(names)
        self.products = products or [0] * (len(names) * (len(names) + 1) // 2)

    def add(self, units: NDArray[np.int64]) -> None:
        """Count units, int64 [units, components]."""
        if not len(units):
            return
        peak = int(np.abs(units).max())
        if peak * peak * len(units) >= _INT64_SAFE:
            units = units.astype(object)  # Python's integers do not overflow
        products = units.T @ units
        self.n += len(units)
        self.sums = [have + int(more) for have, more in zip(self.sums, units.sum(axis=0), strict=True)]
        upper = [int(products[i, j]) for i, j in self._pairs()]
        self.products = [have + more for have, more in zip(self.products, upper, strict=True)]

    def merge(self, other: Moments) -> Moments:
        """Both sides' units. Raises SummaryError for unlike components."""
        if (self.names, self.scales) != (other.names, other.scales):
            raise SummaryError(f"moments: {self.names} and {other.names} differ")
        return Moments(
            self.names,
            self.scales,
            self.n + other.n,
            [a + b for a, b in zip(self.sums, other.sums, strict=True)],
            [a + b for a, b in zip(self.products, other.products, strict=True)],
        )

    def total(self, name: str) -> float:
        """The sum of a component in its unit."""
        index = self.names.index(name)
        return self.sums[index] / self.scales[index]

    def mean(self, name: str) -> float:
        """NaN without units."""
        return self.total(name) / self.n if self.n else nan

    def covariance(self, left: str, right: str) -> float:
        """The unbiased covariance of two components over units, from exact integers; NaN under two units."""
        if self.n < 2:
            return nan
        i, j = sorted((self.names.index(left), self.names.index(right)))
        product = self.products[self._pairs().index((i, j))]
        # in integers up to here: with floats, close large numbers would cancel
        centred = product * self.n - self.sums[i] * self.sums[j]
        return centred / (self.n * (self.n - 1)) / (self.scales[i] * self.scales[j])

    def ratio(self, numerator: str, denominator: str) -> float:
        """Sum over sum; NaN where the denominator is zero."""
        below = self.total(denominator)
        return self.total(numerator) / below if below else nan

    def ratio_standard_error(self, numerator: str, denominator: str) -> float:
        """Of ``ratio`` by the delta method (Deng, Knoblich, Lu, KDD 2018, arXiv 1803.06336, section 3.1)."""
        below = self.mean(denominator)
        if self.n < 2 or not below:
            return nan
        ratio = self.ratio(numerator, denominator)
        variance = (
            self.covariance(numerator, numerator)
            - 2 * ratio * self.covariance(numerator, denominator)
            + ratio * ratio * self.covariance(denominator, denominator)
        )
        return sqrt(max(variance, 0.0) / self.n) / below

    def to_state(self) -> list[Any]:
        """JSON-able and canonical; names and scales are parameters and go elsewhere."""
        return [self.n, self.sums, self.products] if self.n else []

    @classmethod
    def from_state(cls, names: tuple[str, ...], scales: tuple[int, ...], state: list[Any]) -> Moments:
        """Raises SummaryError where the state is of other components."""
        if not state:
            return cls(names, scales)
        n, sums, products = state
        if len(sums) != len(names) or len(products) != len(names) * (len(names) + 1) // 2:
            raise SummaryError(f"moments: {len(sums)} sums and {len(products)} products for {len(names)} components")
        return cls(names, scales, n, sums, products)

    def to_dict(self) -> dict[str, Any]:
        """n, and sums and products by name, in units of the scales."""
        return {
            "n": self.n,
            "sums": dict(zip(self.names, self.sums, strict=True)),
            "products": {
                f"{self.names[i]}*{self.names[j]}": product
                for (i, j), product in zip(self._pairs(), self.products, strict=True)
            },
            "scales": dict(zip(self.names, self.scales, strict=True)),
        }

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Moments)
            and (self.names, self.scales, self.n) == (other.names, other.scales, other.n)
            and (self.sums, self.products) == (other.sums, other.products)
        )

    def __hash__(self) -> int:
        return hash((self.names, self.n, tuple(self.sums), tuple(self.products)))

    def __repr__(self) -> str:
        return f"Moments({self.names}, n={self.n}, sums={self.sums})"

    def _pairs(self) -> list[tuple[int, int]]:
        return [(i, j) for i in range(len(self.names)) for j in range(i, len(self.names))]
