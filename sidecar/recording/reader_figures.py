"""What ``Reader`` counts of items: a dataset in numbers, and the audit of a test or of a model."""

from __future__ import annotations

import math

from sidecar.recording.audit_gone import DAY_S
from sidecar.recording.loop_rows import AuditCounts, AuditedRow, DatasetFigures
from sidecar.recording.pages import checked_limit
from sidecar.recording.queues import STATUSES
from sidecar.recording.reader_summaries import Fetch
from sidecar.recording.rows import Sample
from sidecar.recording.samples import SAMPLE_COLUMNS, sample_of

FIGURES_ITEMS_MAX = 10_000
"""Labeled images whose labels are read to count the boxes of each class."""
FIGURES_CLASSES_MAX = 1_000
"""Classes that are told, those with the most boxes."""
AUDITED_MAX = 200_000
"""Rows of a test's audit that are told: of those that were not reviewed alike images are one."""

Cursor = tuple[float, int]
"""The time and the row of the last item of a page."""


async def dataset(fetch: Fetch, dataset_id: str, now: float) -> DatasetFigures:
    rows = await fetch(
        "SELECT status, status = 'in_review' AND claimed_until <= ? AS over, drawn, COUNT(*), SUM(bytes) FROM samples"
        " WHERE dataset_id = ? GROUP BY status, drawn, over",
        [now, dataset_id],
    )
    by_status = dict.fromkeys(STATUSES, 0)
    items = sampled = waiting = taken = 0
    for status, over, drawn, count, size in rows:
        present = "needs_review" if over else status
        by_status[present] = by_status.get(present, 0) + count
        items += count
        taken += size
        if drawn:
            sampled += count
            waiting += count if present in ("needs_review", "in_review") else 0
    reviewed: dict[str, int] = dict(
        await fetch(
            "SELECT reviewed_in, COUNT(*) FROM samples WHERE drawn = 1 AND dataset_id = ?"
            " AND status IN ('labeled', 'rejected') GROUP BY reviewed_in",
            [dataset_id],
        )
    )
    sampled -= reviewed.get("value", 0)  # chosen for its value before it was drawn
    versions = await fetch("SELECT COUNT(*) FROM dataset_versions WHERE dataset_id = ?", [dataset_id])
    classes, classes_of = await _classes(fetch, dataset_id)
    audited = reviewed.get("audit", 0)
    return DatasetFigures(items, by_status, sampled, waiting, audited, taken, classes, classes_of, versions[0][0])


async def _classes(fetch: Fetch, dataset_id: str) -> tuple[dict[str, int], int]:
    newest = (
        f"SELECT id FROM samples WHERE dataset_id = ? AND status = 'labeled' ORDER BY id DESC LIMIT {FIGURES_ITEMS_MAX}"
    )
    rows = await fetch(
        "SELECT json_extract(box.value, '$.label') AS name, COUNT(*) FROM samples, json_each(samples.labels) AS box"
        f" WHERE samples.id IN ({newest}) GROUP BY name ORDER BY 2 DESC, 1 LIMIT {FIGURES_CLASSES_MAX}",
        [dataset_id],
    )
    counted = await fetch(f"SELECT COUNT(*) FROM ({newest})", [dataset_id])
    return dict(rows), counted[0][0]


async def audited(fetch: Fetch, experiment: str) -> list[AuditedRow]:
    rows = await fetch(
        "SELECT epoch, role, version, draw_rate, said, CASE said WHEN '' THEN '' ELSE unit END AS of_unit,"
        " CASE said WHEN '' THEN '' ELSE prediction_id END AS of_prediction, COUNT(*)"
        " FROM (SELECT epoch, role, version, draw_rate, unit, prediction_id,"
        " CASE WHEN reviewed_in = 'audit' AND status = 'labeled' THEN verdict ELSE '' END AS said"
        " FROM samples WHERE drawn = 1 AND experiment <> '' AND experiment = ? AND reviewed_in <> 'value')"
        # those without a verdict are few rows and come first: a cut takes none of what was drawn but not reviewed
        " GROUP BY epoch, role, version, draw_rate, said, of_unit, of_prediction"
        " ORDER BY said <> '', epoch, role, version, draw_rate, said, of_unit, of_prediction LIMIT ?",
        [experiment, AUDITED_MAX],
    )
    gone = await fetch(
        "SELECT epoch, role, version, draw_rate, SUM(n) FROM audit_gone WHERE experiment <> '' AND experiment = ?"
        " GROUP BY epoch, role, version, draw_rate ORDER BY epoch, role, version, draw_rate LIMIT ?",
        [experiment, AUDITED_MAX],
    )
    # the images of one request are ID.0, ID.1 ...
    found = [
        AuditedRow(epoch, role, version, draw_rate, said, unit, prediction_id.partition(".")[0], n)
        for epoch, role, version, draw_rate, said, unit, prediction_id, n in rows
    ]
    drawn = [AuditedRow(epoch, role, version, draw_rate, "", "", "", n) for epoch, role, version, draw_rate, n in gone]
    return [*drawn, *found][:AUDITED_MAX]


async def audited_of_model(
    fetch: Fetch, model: str, since: float, until: float, after: Cursor | None, limit: int
) -> tuple[list[Sample], Cursor | None]:
    rows = await fetch(
        f"SELECT {SAMPLE_COLUMNS}, id FROM samples WHERE drawn = 1 AND model = ? AND reviewed_in = 'audit'"
        " AND status = 'labeled' AND at >= ? AND at < ? AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?",
        [model, since, until, *(after or (float("-inf"), 0)), checked_limit(limit) + 1],
    )
    found = [sample_of(row[:-1]) for row in rows[:limit]]
    return found, (found[-1].at, rows[limit - 1][-1]) if len(rows) > limit else None


async def audited_counts(fetch: Fetch, model: str, since: float, until: float) -> dict[str, AuditCounts]:
    rows = await fetch(
        "SELECT version, COUNT(*), SUM(reviewed_in = 'audit' AND status = 'labeled'),"
        " SUM(reviewed_in = 'audit' AND status = 'rejected') FROM samples"
        " WHERE drawn = 1 AND model = ? AND reviewed_in IN ('', 'audit') AND at >= ? AND at < ?"
        " GROUP BY version ORDER BY version",
        [model, since, until],
    )
    found = {version: AuditCounts(*counts) for version, *counts in rows}
    gone = await fetch(
        "SELECT version, SUM(n) FROM audit_gone WHERE model = ? AND day >= ? AND day < ? GROUP BY version",
        [model, math.floor(since / DAY_S), math.ceil(until / DAY_S)],
    )
    for version, n in gone:
        still = found.get(version, AuditCounts(0, 0, 0))
        found[version] = AuditCounts(still.sampled + n, still.reviewed, still.rejected)
    return dict(sorted(found.items()))
