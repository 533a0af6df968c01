"""What was counted since the monitor was last told: deltas that add up, so a drop elsewhere never bends them."""

from __future__ import annotations

from collections.abc import Callable

from sidecar.types import RequestCounts, Role, latency_index

BUCKET_S = 10
KEYS_MAX = 4_096
SLICES_MAX = 100
SLICE_CHARS_MAX = 128
OTHER = "other"
"""The model of what there is no room to count by its name."""
COARSE_S = 3_600
"""Buckets get no coarser than this."""

CountKey = tuple[int, str, str, Role, str, int, str]
"""bucket, model, version, role, experiment, epoch, slice"""


class CountBook:
    """Counts by ten-second bucket and key, until they are taken.

    While nobody takes them, old buckets are merged into coarser ones rather than lost; where that makes no room either,
    what is new is counted under the model ``other``, and ``hit`` is told. ``requests`` are those of clients since the
    worker began; copies for a shadow are not among them.
    """

    def __init__(self, hit: Callable[[str], None] = lambda limit: None) -> None:
        self.hit = hit
        self._rows: dict[CountKey, RequestCounts] = {}
        self._slices: set[str] = set()
        self._is_coarse = False
        self.requests = 0

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
            row = self._new_row(key)
        row.requests += 1
        self.requests += row.role != "shadow"
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

    def _new_row(self, key: CountKey) -> RequestCounts:
        if len(self._rows) >= KEYS_MAX and not self._is_coarse:
            self._coarsen()
            self._is_coarse = True  # until some are taken: another pass would find nothing to merge
        if len(self._rows) >= KEYS_MAX:
            bucket = key[0] // COARSE_S * COARSE_S
            key = (bucket, *key[1:])
            if key not in self._rows:
                self.hit("count_keys_max")
                key = (bucket, OTHER, "", key[3], "", 0, "")
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = RequestCounts(*key)
        return row

    def take(self, rows_max: int = KEYS_MAX) -> list[RequestCounts]:
        """Up to ``rows_max`` rows, oldest first; they are gone from the book."""
        keys = list(self._rows)[:rows_max]
        self._is_coarse = False
        return [self._rows.pop(key) for key in keys]

    def _coarsen(self) -> None:
        width_s = BUCKET_S
        while len(self._rows) > KEYS_MAX // 2 and width_s < COARSE_S:
            width_s = min(width_s * 6, COARSE_S)
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
