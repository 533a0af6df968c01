"""Images that the random sample drew and that are gone: they stay a part of what was drawn, so that a score tells how
much of its sample it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import aiosqlite

from sidecar.recording.columns import storable
from sidecar.recording.rows import Sample

DAY_S = 86_400
_COLUMNS = "model, day, version, role, experiment, epoch, draw_rate"
_COUNT = (
    f"INSERT INTO audit_gone ({_COLUMNS}, n) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    f" ON CONFLICT ({_COLUMNS}) DO UPDATE SET n = n + excluded.n"
)


async def count(connection: aiosqlite.Connection, gone: Sequence[Sample]) -> None:
    """Within a transaction: count those of ``gone`` that the random sample drew, but for what had been reviewed for its
    value before: that was no part of the sample either."""
    counts = Counter(
        (
            sample.model,
            int(sample.at // DAY_S),
            sample.version,
            sample.role,
            sample.experiment,
            sample.epoch,
            sample.draw_rate,
        )
        for sample in gone
        if sample.drawn and sample.reviewed_in != "value"
    )
    await connection.executemany(_COUNT, [storable((*key, n)) for key, n in counts.items()])
