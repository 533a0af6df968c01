"""What ``Reader`` finds of items: kept images, pages of a dataset in the order of a queue."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sidecar.recording.documents import document_text
from sidecar.recording.loop_rows import Queue
from sidecar.recording.pages import Conditions, Page, Value, checked_limit, read_cursor, write_cursor
from sidecar.recording.queues import BY_VALUE, ORDERS, STATUSES, keys_after
from sidecar.recording.reader_summaries import Fetch
from sidecar.recording.rows import Sample
from sidecar.recording.samples import LIGHT_COLUMNS, SAMPLE_COLUMNS, SHOWN, as_of, sample_of

RANDOM = "random_sample"
"""The reason that all have which the random sample drew."""
ITEMS_SCANNED_MAX = 5_000
"""Items that are looked at for a page: it may be shorter than asked for, even empty, and not be the last."""
_SCAN_SLICE = 500
_LABEL_SLICE = 100
"""Items whose detections and labels are held at a time to look for a class in them."""
_HAS_REASON = "EXISTS (SELECT 1 FROM json_each(reasons) WHERE value = ?)"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items of a dataset; None asks for nothing. ``label`` is a class with a detection at or above the score
    threshold, or with a box in the labels. None of ``reason``, ``model`` and ``version`` holds for what the random
    sample drew.

    >>> Selection("det", status="labeled").queue is None
    True
    """

    dataset_id: str
    status: str | None = None
    queue: Queue | None = None
    reason: str | None = None
    model: str | None = None
    version: str | None = None
    label: str | None = None
    claimed_by: str | None = None
    since: float | None = None
    until: float | None = None
    split: str | None = None

    def conditions(self, now: float) -> Conditions:
        """What the order of a queue does not answer, but for the label."""
        where = Conditions()
        if self.model is not None or self.version is not None or self.reason is not None:
            where.add("drawn = 0")  # who reviews what the random sample drew must not know
        where.equal("model", self.model)
        where.equal("version", self.version)
        where.equal("split", self.split)
        if self.reason is not None:
            where.add(_HAS_REASON, self.reason)
        if self.claimed_by is not None:
            where.add("status = 'in_review' AND claimed_by = ? AND claimed_until > ?", self.claimed_by, now)
        if self.since is not None:
            where.add("at >= ?", self.since)
        if self.until is not None:
            where.add("at < ?", self.until)
        return where


async def kept(
    fetch: Fetch,
    model: str | None,
    dataset_id: str | None,
    reason: str | None,
    status: str | None,
    prediction_id: str | None,
    before: str | None,
    limit: int,
) -> Page[Sample]:
    where = Conditions()
    if model is not None or reason not in (None, RANDOM):
        where.add(SHOWN)
    where.equal("model", model)
    where.equal("+dataset_id", dataset_id)  # the sign keeps the planner to the order of time
    where.equal("prediction_id", prediction_id)
    where.equal("status", status)
    if reason is not None:
        where.add(_HAS_REASON, reason)
    where.older_than(before)
    rows = await fetch(
        f"SELECT {SAMPLE_COLUMNS}, id FROM samples WHERE {where} ORDER BY at DESC, id DESC LIMIT ?",
        [*where.parameters, checked_limit(limit) + 1],
    )
    items = [sample_of(row[:-1]) for row in rows[:limit]]
    cursor = write_cursor(items[-1].at, rows[limit - 1][-1]) if len(rows) > limit else None
    return Page(items, cursor)


async def kept_of(fetch: Fetch, prediction_ids: Collection[str]) -> dict[str, str]:
    rows = await fetch(
        "SELECT samples.prediction_id, samples.sample_id FROM json_each(?) AS name"
        f" CROSS JOIN samples ON samples.prediction_id = name.value AND {SHOWN}",
        [document_text(list(prediction_ids))],
    )
    return dict(rows)


async def page(fetch: Fetch, selection: Selection, now: float, before: str | None, limit: int) -> Page[Sample]:
    if selection.status is not None and selection.status not in STATUSES:
        raise ValueError(f"status: {selection.status!r} is none of {', '.join(STATUSES)}")
    if selection.queue is not None and selection.queue not in ORDERS:
        raise ValueError(f"queue: {selection.queue!r} is neither {' nor '.join(ORDERS)}")
    order = BY_VALUE if selection.queue is None else ORDERS[selection.queue]
    where = selection.conditions(now)
    place = None if before is None else read_cursor(before)
    at_a_time = checked_limit(limit) + 1
    if where.parameters:
        at_a_time = max(at_a_time, _SCAN_SLICE)
    if selection.label is not None:
        at_a_time = _LABEL_SLICE
    found: list[Sample] = []
    looked = 0
    while True:
        statement, parameters = keys_after(order, selection.dataset_id, selection.status, now, place, at_a_time)
        keys = await fetch(
            f"SELECT samples.id, keys.place, ({where}) FROM ({statement}) AS keys JOIN samples ON samples.id = keys.id"
            f" ORDER BY keys.place {order.direction}, keys.id {order.direction}",
            [*where.parameters, *parameters],
        )
        hits = [row_id for row_id, _, hit in keys if hit]
        if selection.label is None:
            hits = hits[: limit - len(found)]
        rows = await _rows(fetch, hits, selection.label)
        for row_id, at, _ in keys:
            place = at, row_id
            looked += 1
            if row_id in rows:
                found.append(as_of(rows[row_id], now))
                if len(found) == limit:
                    break
        was_all = len(keys) < at_a_time and (not keys or place == (keys[-1][1], keys[-1][0]))
        if was_all or len(found) == limit or looked >= ITEMS_SCANNED_MAX:
            return Page(found, None if was_all or place is None else write_cursor(*place))


async def _rows(fetch: Fetch, ids: list[int], label: str | None) -> dict[int, Sample]:
    """The samples of these rows, of those that have the label."""
    if not ids:
        return {}
    rows = await fetch(
        f"SELECT id, {SAMPLE_COLUMNS} FROM samples WHERE id IN ({', '.join('?' * len(ids))})", list[Value](ids)
    )
    found = {row[0]: sample_of(row[1:]) for row in rows}
    return {row_id: item for row_id, item in found.items() if label is None or _has_label(item, label)}


def _has_label(item: Sample, label: str) -> bool:
    if any(each.label == label for each in item.labels or ()):
        return True
    detections = item.detections
    if detections is None or label not in detections.labels:
        return False
    of_the_label = detections.classes == detections.labels.index(label)
    return bool((of_the_label & (detections.scores >= item.score_threshold)).any())


async def labeled(fetch: Fetch, dataset_id: str, after: str, limit: int) -> list[Sample]:
    # the literal status is that of the partial index samples_labeled
    rows = await fetch(
        f"SELECT {LIGHT_COLUMNS} FROM samples WHERE dataset_id = ? AND status = 'labeled' AND sample_id > ?"
        " ORDER BY sample_id LIMIT ?",
        [dataset_id, after, checked_limit(limit)],
    )
    return [sample_of(row) for row in rows]
