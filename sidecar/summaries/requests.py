"""What the workers counted of requests. A dropped exchange never bends it: counts come on their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sidecar.summaries.counts import merge_counts
from sidecar.summaries.exponential import ExponentialHistogram
from sidecar.types import RequestCounts


@dataclass(slots=True)
class RequestTotals:
    """Requests, their statuses (0: the client left first), errors by kind, and two latencies.

    >>> RequestTotals(requests=2).merge(RequestTotals(requests=1)).requests
    3
    """

    requests: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    latency: ExponentialHistogram = field(default_factory=ExponentialHistogram)
    upstream: ExponentialHistogram = field(default_factory=ExponentialHistogram)

    @classmethod
    def of(cls, counts: RequestCounts) -> RequestTotals:
        """What a worker's deltas come to."""
        return cls(
            counts.requests,
            dict(counts.statuses),
            dict(counts.errors),
            ExponentialHistogram(counts.latency, counts.latency_sum_us),
            ExponentialHistogram(counts.upstream, counts.upstream_sum_us),
        )

    def merge(self, other: RequestTotals) -> RequestTotals:
        """Both sides' requests."""
        return RequestTotals(
            self.requests + other.requests,
            merge_counts(self.statuses, other.statuses),
            merge_counts(self.errors, other.errors),
            self.latency.merge(other.latency),
            self.upstream.merge(other.upstream),
        )

    def to_state(self) -> list[Any]:
        """JSON-able and canonical."""
        return [
            self.requests,
            {str(status): self.statuses[status] for status in sorted(self.statuses)},
            {kind: self.errors[kind] for kind in sorted(self.errors)},
            self.latency.to_state(),
            self.upstream.to_state(),
        ]

    @classmethod
    def from_state(cls, state: list[Any]) -> RequestTotals:
        """What to_state wrote."""
        requests, statuses, errors, latency, upstream = state
        return cls(
            requests,
            {int(status): n for status, n in statuses.items()},
            errors,
            ExponentialHistogram.from_state(latency),
            ExponentialHistogram.from_state(upstream),
        )
