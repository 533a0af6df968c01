"""What ``Reader`` finds for A/B tests and shadow tests: whole epochs, and how many units there are."""

from __future__ import annotations

from sidecar.recording.batches import SUMMARY_COLUMNS
from sidecar.recording.pages import Conditions
from sidecar.recording.reader_periods import versions_of
from sidecar.recording.reader_summaries import Fetch
from sidecar.recording.rows import SummaryRow

UNITS_SCANNED_MAX = 1_000_000
"""Predictions that are looked at to count the units of a period."""
UNITS_PAGE = 5_000


async def epochs_of(fetch: Fetch, trial_id: str) -> list[SummaryRow]:
    # the literal width is that of the partial index summaries_epochs
    rows = await fetch(
        f"SELECT {SUMMARY_COLUMNS} FROM summaries WHERE width_s = 0 AND bucket = 0 AND experiment = ? AND slice = ''"
        " ORDER BY epoch, model, version, role",
        [trial_id],
    )
    return [SummaryRow(*row) for row in rows]


async def units_within(fetch: Fetch, model: str | None, since: float, until: float) -> int | None:
    units: set[str] = set()
    scanned = 0
    # a version's part of the index (model, version, at) is in the order of time; that of a model is not
    for version in [None] if model is None else await versions_of(fetch, model):
        after: tuple[float, int] | None = None
        while True:
            rows = await _page(fetch, model, version, since, until, after)
            scanned += len(rows)
            if scanned > UNITS_SCANNED_MAX:
                return None
            units.update(row[2] for row in rows)
            if len(rows) < UNITS_PAGE:
                break
            after = rows[-1][:2]
    units.discard("")
    return len(units) or None


async def _page(
    fetch: Fetch, model: str | None, version: str | None, since: float, until: float, after: tuple[float, int] | None
) -> list[tuple[float, int, str]]:
    """(at, id, unit), oldest first."""
    where = Conditions()
    where.equal("model", model)
    where.equal("version", version)
    where.add("at >= ? AND at < ?", since if after is None else after[0], until)
    if after is not None:
        where.add("(at, id) > (?, ?)", *after)
    rows = await fetch(
        f"SELECT at, id, unit FROM predictions WHERE {where} ORDER BY at, id LIMIT ?", [*where.parameters, UNITS_PAGE]
    )
    return [(at, row_id, unit) for at, row_id, unit in rows]
