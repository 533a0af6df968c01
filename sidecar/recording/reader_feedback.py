"""What ``Reader`` finds of what people said, and of the predictions they may mean by an id of their own."""

from __future__ import annotations

import math
from collections.abc import Collection

from sidecar.recording.columns import PLAIN_COLUMNS, prediction_of
from sidecar.recording.documents import document_text
from sidecar.recording.feedback_rows import FEEDBACK_COLUMNS, feedback_of
from sidecar.recording.loop_rows import FeedbackRow
from sidecar.recording.pages import Conditions, Page, checked_limit, write_cursor
from sidecar.recording.reader_summaries import Fetch
from sidecar.types import FeedbackType, Prediction

CLIENT_DAYS_MAX = 35
"""How far back an id that a client gave its request is looked for, from the newest prediction."""
CLIENT_FOUND_MAX = 100
"""Predictions that are told of such an id: it names all images of a request, and may be given twice."""
NAMES_MAX = 1_000
"""Ids that are looked for at once."""
_WIDTH_S = 10
_BUCKETS_A_DAY = 8_640

_OF_CLIENT = (
    "WITH RECURSIVE buckets (bucket) AS"
    " (SELECT ? UNION ALL SELECT bucket - 1 FROM buckets WHERE bucket > ?)"
    f" SELECT {', '.join(PLAIN_COLUMNS)}, detections FROM buckets CROSS JOIN predictions"
    # the expression and the condition are those of the index predictions_client
    " ON CAST(at / 10 AS INTEGER) = bucket AND client_request_id = ? AND client_request_id <> '' LIMIT ?"
)

_CLIENTS_AMONG = (
    "WITH RECURSIVE buckets (bucket) AS"
    " (SELECT ? UNION ALL SELECT bucket - 1 FROM buckets WHERE bucket > ?)"
    " SELECT DISTINCT name.value FROM buckets CROSS JOIN json_each(?) AS name CROSS JOIN predictions"
    " ON CAST(at / 10 AS INTEGER) = bucket AND client_request_id = name.value AND client_request_id <> ''"
)
_KNOWN_AMONG = (
    "SELECT name.value FROM json_each(?) AS name"
    " WHERE EXISTS (SELECT 1 FROM predictions WHERE prediction_id = name.value)"
    # the images of a request: "/" is the character after "."
    " OR EXISTS (SELECT 1 FROM predictions"
    " WHERE prediction_id > name.value || '.' AND prediction_id < name.value || '/')"
    " OR EXISTS (SELECT 1 FROM samples WHERE prediction_id = name.value)"
)


async def page(
    fetch: Fetch,
    prediction_id: str | None,
    model: str | None,
    version: str | None,
    feedback_type: str | None,
    before: str | None,
    limit: int,
) -> Page[FeedbackRow]:
    where = Conditions()
    where.equal("prediction_id", prediction_id)
    where.equal("model", model)
    where.equal("version", version)
    where.equal("feedback_type", feedback_type)
    where.older_than(before, "received_at")
    rows = await fetch(
        f"SELECT {FEEDBACK_COLUMNS}, id FROM feedback WHERE {where} ORDER BY received_at DESC, id DESC LIMIT ?",
        [*where.parameters, checked_limit(limit) + 1],
    )
    found = [feedback_of(row) for row in rows[:limit]]
    return Page(found, write_cursor(found[-1].received_at, rows[limit - 1][-1]) if len(rows) > limit else None)


async def of_client(fetch: Fetch, client_request_id: str) -> list[Prediction]:
    found, before = await day_of_client(fetch, client_request_id, None, None)
    while not found and before is not None:  # one day at a time: other reads come in between
        found, before = await day_of_client(fetch, client_request_id, before, None)
    return found


async def day_of_client(
    fetch: Fetch, client_request_id: str, before: float | None, since: float | None
) -> tuple[list[Prediction], float | None]:
    if not client_request_id:
        return [], None
    newest, oldest = (await fetch("SELECT MAX(at), (SELECT MIN(at) FROM predictions) FROM predictions", []))[0]
    if newest is None:
        return [], None
    first = max(int(oldest / 10), int(newest / 10) - CLIENT_DAYS_MAX * _BUCKETS_A_DAY + 1)
    if since is not None:
        first = max(first, int(since / 10))
    last = int(newest / 10) if before is None or before == math.inf else min(int(newest / 10), int(before / 10) - 1)
    if last < first:
        return [], None
    until = max(first, last - _BUCKETS_A_DAY + 1)
    rows = await fetch(_OF_CLIENT, [last, until, client_request_id, CLIENT_FOUND_MAX])
    found = sorted(map(prediction_of, rows), key=lambda found: (-found.at, found.image_index))
    return found, until * 10.0 if until > first else None


async def clients_among(fetch: Fetch, client_request_ids: Collection[str], since: float) -> set[str]:
    newest = (await fetch("SELECT MAX(at) FROM predictions", []))[0][0]
    if newest is None or newest < since - _WIDTH_S:
        return set()
    last = int(newest / 10)
    first = max(int(since / 10), last - _BUCKETS_A_DAY + 1)
    return {name for (name,) in await fetch(_CLIENTS_AMONG, [last, first, _names(client_request_ids)])}


async def known_among(fetch: Fetch, prediction_ids: Collection[str]) -> set[str]:
    return {name for (name,) in await fetch(_KNOWN_AMONG, [_names(prediction_ids)])}


def _names(names: Collection[str]) -> str:
    if len(names) > NAMES_MAX:
        raise ValueError(f"names: {len(names)} ids, at most {NAMES_MAX} are looked for at once")
    return document_text(list(names))


async def users_counts(fetch: Fetch, model: str, since: float, until: float) -> dict[str, dict[FeedbackType, int]]:
    rows = await fetch(
        "SELECT version, verdict, COUNT(*) FROM verdicts WHERE model = ? AND bucket >= ? AND bucket < ?"
        " GROUP BY version, verdict ORDER BY version, verdict",
        [model, math.floor(since / 10) * 10, until],
    )
    counts: dict[str, dict[FeedbackType, int]] = {}
    for version, verdict, count in rows:
        counts.setdefault(version, {})[verdict] = count
    return counts
