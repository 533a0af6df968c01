"""What ``Reader`` finds for A/B tests and shadow tests: whole epochs, buckets and snapshots over time, units."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.recording.batches import SUMMARY_COLUMNS
from sidecar.recording.columns import PLAIN_COLUMNS, prediction_of
from sidecar.recording.documents import document_of
from sidecar.recording.pages import LIMIT_MAX, Conditions
from sidecar.recording.reader_periods import versions_of
from sidecar.recording.reader_summaries import Fetch
from sidecar.recording.rows import SummaryRow
from sidecar.recording.trial_rows import BucketsKept, ShadowAnswer, SnapshotRow
from sidecar.types import Prediction

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


async def buckets_kept(fetch: Fetch, trial_id: str) -> list[BucketsKept]:
    # the literal that no experiment has is that of the partial index summaries_tests
    rows = await fetch(
        "SELECT width_s, COUNT(*), MIN(bucket) FROM summaries WHERE experiment <> '' AND experiment = ?"
        " AND width_s > 0 GROUP BY width_s ORDER BY width_s",
        [trial_id],
    )
    return [BucketsKept(*row) for row in rows]


async def buckets_of(
    fetch: Fetch, trial_id: str, width_s: int, after: tuple[int, int] | None, limit: int
) -> tuple[list[SummaryRow], tuple[int, int] | None]:
    where = Conditions()
    where.add("experiment <> '' AND experiment = ? AND width_s = ?", trial_id, width_s)
    if after is not None:
        where.add("(bucket, rowid) > (?, ?)", *after)
    rows = await fetch(
        f"SELECT {SUMMARY_COLUMNS}, rowid FROM summaries WHERE {where} ORDER BY bucket, rowid LIMIT ?",
        [*where.parameters, limit + 1],
    )
    page = rows[:limit]
    following = (page[-1][0], page[-1][-1]) if len(rows) > limit else None
    return [SummaryRow(*row[:-1]) for row in page], following


async def snapshots_of(fetch: Fetch, trial_id: str, limit: int) -> list[SnapshotRow]:
    rows = await fetch(
        "SELECT trial_id, at, document FROM trial_snapshots WHERE trial_id = ? ORDER BY at LIMIT ?", [trial_id, limit]
    )
    return [SnapshotRow(trial_id, at, document_of(text)) for trial_id, at, text in rows]


async def shadow_answers(
    fetch: Fetch,
    trial_id: str,
    model: str | None,
    version: str | None,
    since: float,
    until: float,
    before: tuple[float, int] | None,
    limit: int,
) -> list[ShadowAnswer]:
    where = Conditions()
    if model is not None and version is not None:  # a model alone would have SQLite sort all its predictions
        where.add("model = ? AND version = ?", model, version)
    where.add("at >= ?", since)
    if before is None or before[0] >= until:
        where.add("at < ?", until)
    else:
        where.add("(at, id) < (?, ?)", *before)
    rows = await fetch(
        "SELECT at, id, CASE WHEN role = 'shadow' AND experiment = ? THEN prediction_id ELSE '' END FROM predictions"
        f" WHERE {where} ORDER BY at DESC, id DESC LIMIT ?",
        [trial_id, *where.parameters, limit],
    )
    return [ShadowAnswer(*row) for row in rows]


async def predictions_named(fetch: Fetch, prediction_ids: Sequence[str]) -> dict[str, Prediction]:
    if len(prediction_ids) > LIMIT_MAX:
        raise ValueError(f"prediction_ids: {len(prediction_ids)} are more than {LIMIT_MAX}")
    marks = ", ".join("?" * len(prediction_ids))
    rows = await fetch(
        f"SELECT {', '.join(PLAIN_COLUMNS)}, detections FROM predictions WHERE prediction_id IN ({marks})",
        prediction_ids,
    )
    found = [prediction_of(row) for row in rows]
    return {prediction.prediction_id: prediction for prediction in found}


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
