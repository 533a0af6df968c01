"""Base-2 exponential histograms of milliseconds, as OTLP has them."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, nan
from typing import Any

from sidecar.summaries.counts import merge_counts
from sidecar.summaries.unlike import SummaryError
from sidecar.types import LATENCY_SCALE

BUCKETS_MAX = 320
"""From the lowest to the highest bucket, as in OpenTelemetry's exporters; a wider histogram is made coarser."""
SCALE_MIN = -10


class ExponentialHistogram:
    """How many measurements fell into ``base**i < ms <= base**(i + 1)`` with ``base = 2**(2**-scale)``.

    Form: opentelemetry-proto, metrics.proto, ExponentialHistogramDataPoint. ``sum_us`` is in whole microseconds.
    Histograms of unlike scale merge at the coarser one, which halves the indices exactly: merging stays associative.

    >>> histogram = ExponentialHistogram({7: 90, 39: 10}, sum_us=500_000)
    >>> histogram.count, histogram.sum_ms, round(histogram.quantile(0.5), 2), round(histogram.quantile(0.99), 1)
    (100, 500.0, 1.92, 30.6)
    """

    __slots__ = ("counts", "scale", "sum_us")

    def __init__(self, counts: Mapping[int, int] | None = None, sum_us: int = 0, scale: int = LATENCY_SCALE) -> None:
        self.scale = scale
        self.sum_us = sum_us
        self.counts: dict[int, int] = {index: n for index, n in (counts or {}).items() if n}
        self._coarsen_to(self._fitting_scale())

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    @property
    def sum_ms(self) -> float:
        return self.sum_us / 1000

    @property
    def mean_ms(self) -> float:
        """NaN where nothing was measured."""
        count = self.count
        return self.sum_ms / count if count else nan

    def merge(self, other: ExponentialHistogram) -> ExponentialHistogram:
        """What a histogram of both sides' measurements would be."""
        scale = min(self.scale, other.scale)
        counts = merge_counts(self._at_scale(scale), other._at_scale(scale))
        return ExponentialHistogram(counts, self.sum_us + other.sum_us, scale)

    def quantile(self, q: float) -> float:
        """The smallest measurement with at least a share ``q`` at or below it, in ms; NaN where nothing was measured.

        It is the geometric middle of the bucket, off by a factor of at most ``2**(2**-scale / 2)``: 4.5 % at scale 3.
        Raises ValueError for ``q`` out of 0..1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"q: {q} is not within 0 to 1")
        rank = max(1, ceil(q * self.count))
        for index in sorted(self.counts):
            rank -= self.counts[index]
            if rank <= 0:
                return float(2.0 ** ((index + 0.5) * 2.0**-self.scale))
        return nan

    def share_above(self, ms: float) -> float:
        """The share of measurements over ``ms``, a bucket that ``ms`` cuts taken as spread evenly in log time."""
        count = self.count
        if not count:
            return nan
        above = 0.0
        for index, n in self.counts.items():
            low, high = (2.0 ** (edge * 2.0**-self.scale) for edge in (index, index + 1))
            if ms <= low:
                above += n
            elif ms < high:
                above += n * (high - ms) / (high - low)
        return above / count

    def to_state(self) -> list[Any]:
        """JSON-able and canonical."""
        return [self.scale, self.sum_us, {str(index): self.counts[index] for index in sorted(self.counts)}]

    @classmethod
    def from_state(cls, state: list[Any]) -> ExponentialHistogram:
        """Raises SummaryError on what to_state does not write."""
        scale, sum_us, counts = state
        if not SCALE_MIN <= scale <= 20:
            raise SummaryError(f"exponential histogram: scale {scale} is not within {SCALE_MIN} to 20")
        return cls({int(index): n for index, n in counts.items()}, sum_us, scale)

    def to_dict(self) -> dict[str, Any]:
        """Read-outs for people and for the stream; null where nothing was measured."""
        empty = not self.counts
        return {
            "count": self.count,
            "sum_ms": self.sum_ms,
            "mean_ms": None if empty else self.mean_ms,
            **{f"p{100 * q:g}_ms": None if empty else self.quantile(q) for q in (0.5, 0.9, 0.95, 0.99)},
            "scale": self.scale,
            "counts": {str(index): self.counts[index] for index in sorted(self.counts)},
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExponentialHistogram) and self.to_state() == other.to_state()

    def __hash__(self) -> int:
        return hash((self.scale, self.sum_us, frozenset(self.counts.items())))

    def __repr__(self) -> str:
        return f"ExponentialHistogram({self.counts}, sum_us={self.sum_us}, scale={self.scale})"

    def _fitting_scale(self) -> int:
        """The finest scale, no finer than the present one, at which all buckets are within BUCKETS_MAX."""
        if not self.counts:
            return self.scale
        low, high, scale = min(self.counts), max(self.counts), self.scale
        while high - low >= BUCKETS_MAX:
            low, high, scale = low >> 1, high >> 1, scale - 1
        return scale

    def _coarsen_to(self, scale: int) -> None:
        if scale < self.scale:
            self.counts = self._at_scale(scale)
            self.scale = scale

    def _at_scale(self, scale: int) -> dict[int, int]:
        shift = self.scale - scale
        if shift == 0:
            return self.counts
        coarse: dict[int, int] = {}
        for index, n in self.counts.items():
            coarse[index >> shift] = coarse.get(index >> shift, 0) + n
        return coarse
