"""What was counted since the monitor was last told: deltas that add up, so a drop elsewhere never bends them."""

from __future__ import annotations

from sidecar.types import RequestCounts, Role, latency_index

BUCKET_S = 10
KEYS_MAX = 4_096
SLICES_MAX = 100
SLICE_CHARS_MAX = 128

CountKey = tuple[int, str, str, Role, str, int, str]
"""bucket, model, version, role, experiment, epoch, slice"""


class CountBook:
    """Counts by ten-second bucket and key, until they are taken.

    While nobody takes them, old buckets are merged into coarser ones rather than lost.
    """

    def __init__(self) -> None:
        self._rows: dict[CountKey, RequestCounts] = {}
        self._slices: set[str] = set()

    def __len__(self) -> int:
        return len(self._rows)

    def bounded_slice(self, name: str) -> str:
        """``name`` if among the first SLICES_MAX slices seen, else ``other``: a header must not grow the books."""
        if not name or name in self._slices:
            return name
        if len(self._slices) >= SLICES_MAX or len(name) > SLICE_CHARS_MAX:
            return "other"
        self._slices.add(name)
        return name

    def add(
        self,
        key: CountKey,
        status: int,
        error: str,
        latency_ms: float,
        upstream_ms: float,
    ) -> None:
        """One request. ``upstream_ms`` of 0 means that none was reached."""
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= KEYS_MAX:
                self._coarsen()
            row = self._rows[key] = RequestCounts(*key)
        row.requests += 1
        row.statuses[status] = row.statuses.get(status, 0) + 1
        if error:
            row.errors[error] = row.errors.get(error, 0) + 1
        index = latency_index(latency_ms)
        row.latency[index] = row.latency.get(index, 0) + 1
        row.latency_sum_us += round(latency_ms * 1000)
        if upstream_ms > 0:
            index = latency_index(upstream_ms)
            row.upstream[index] = row.upstream.get(index, 0) + 1
            row.upstream_sum_us += round(upstream_ms * 1000)

    def take(self, rows_max: int = KEYS_MAX) -> list[RequestCounts]:
        """Up to ``rows_max`` rows, oldest first; they are gone from the book."""
        keys = list(self._rows)[:rows_max]
        return [self._rows.pop(key) for key in keys]

    def _coarsen(self) -> None:
        width_s = BUCKET_S
        while len(self._rows) > KEYS_MAX // 2 and width_s < 1 << 31:
            width_s *= 6
            rows, self._rows = self._rows, {}
            for key, row in rows.items():
                coarse: CountKey = (key[0] // width_s * width_s, *key[1:])
                known = self._rows.get(coarse)
                if known is None:
                    row.bucket = coarse[0]
                    self._rows[coarse] = row
                else:
                    _merge(known, row)


def _merge(into: RequestCounts, row: RequestCounts) -> None:
    into.requests += row.requests
    into.latency_sum_us += row.latency_sum_us
    into.upstream_sum_us += row.upstream_sum_us
    for name in ("statuses", "errors", "latency", "upstream"):
        counts = getattr(into, name)
        for key, number in getattr(row, name).items():
            counts[key] = counts.get(key, 0) + number
