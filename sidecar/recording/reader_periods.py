"""How ``Reader`` goes through the predictions of a period, oldest first, page by page by key."""

from __future__ import annotations

from sidecar.recording.columns import PLAIN_COLUMNS, prediction_of
from sidecar.recording.pages import Conditions, checked_limit
from sidecar.recording.reader_summaries import Fetch
from sidecar.types import Prediction

VERSIONS_MERGED_MAX = 32
"""Versions whose predictions are merged in the order of time, each from its own part of the index (model, version,
at). A model with more is read from the index of time, past the predictions of other models."""

Cursor = tuple[float, int]

_PREDICTION = f"{', '.join(PLAIN_COLUMNS)}, detections, id"
_AT = PLAIN_COLUMNS.index("at")


async def predictions_between(
    fetch: Fetch,
    model: str,
    version: str | None,
    since: float,
    until: float,
    after: Cursor | None,
    limit: int,
    slice: str | None,
    roles_without: tuple[str, ...],
) -> tuple[list[Prediction], Cursor | None]:
    checked_limit(limit)
    where = Conditions()
    where.add("at >= ? AND at < ?", since if after is None else max(since, after[0]), until)
    if after is not None:
        where.add("(at, id) > (?, ?)", *after)
    where.equal("slice", slice)
    where.none_of("role", roles_without)
    versions = [version] if version is not None else await versions_of(fetch, model)
    if not versions:
        return [], None
    if len(versions) > VERSIONS_MERGED_MAX:
        # the empty text keeps the planner off the index of the model, after which it would have to sort
        where.add("model || '' = ?", model)
        parts, parameters = [f"SELECT {_PREDICTION} FROM predictions WHERE {where}"], [*where.parameters]
    else:
        one = f"SELECT {_PREDICTION} FROM predictions WHERE model = ? AND version = ? AND {where}"
        parts = [one] * len(versions)
        parameters = [value for each in versions for value in (model, each, *where.parameters)]
    rows = await fetch(f"{' UNION ALL '.join(parts)} ORDER BY at, id LIMIT ?", [*parameters, limit + 1])
    cursor = (rows[limit - 1][_AT], rows[limit - 1][-1]) if len(rows) > limit else None
    return [prediction_of(row) for row in rows[:limit]], cursor


async def versions_of(fetch: Fetch, model: str) -> list[str]:
    """The versions of ``model`` that have predictions: one look into the index for each."""
    rows = await fetch(
        "WITH RECURSIVE found (version) AS ("
        " SELECT MIN(version) FROM predictions WHERE model = ?"
        " UNION ALL"
        " SELECT (SELECT MIN(version) FROM predictions WHERE model = ? AND version > found.version)"
        " FROM found WHERE found.version IS NOT NULL"
        ") SELECT version FROM found WHERE version IS NOT NULL",
        [model, model],
    )
    return [version for (version,) in rows]
