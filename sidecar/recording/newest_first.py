"""Predictions newest first: what must hold for them, and the statement that finds them by an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.recording.columns import PLAIN_COLUMNS, label_mark
from sidecar.recording.pages import Conditions, Value, read_cursor
from sidecar.recording.reader_periods import VERSIONS_MERGED_MAX, versions_of
from sidecar.recording.reader_summaries import Fetch

COLUMNS = f"{', '.join(PLAIN_COLUMNS)}, detections, id"
AT, DETECTIONS, ID = PLAIN_COLUMNS.index("at"), len(PLAIN_COLUMNS), len(PLAIN_COLUMNS) + 1
"""Places in a row of COLUMNS."""
_STATUS_CONDITIONS = {
    "ok": "status >= 200 AND status < 300 AND error = '' AND undecodable = ''",
    "error": "(status < 200 OR status >= 300 OR error <> '')",
    "undecodable": "undecodable <> ''",
    "empty": "detection_count = 0",
}


@dataclass(frozen=True, slots=True)
class PredictionFilters:
    """What ``Reader.predictions`` is asked for; None asks for nothing.

    >>> str(PredictionFilters(status="empty").conditions(None))
    '1 = 1 AND detection_count = 0'
    """

    model: str | None = None
    version: str | None = None
    role: str | None = None
    status: int | str | None = None
    label: str | None = None
    experiment: str | None = None
    since: float | None = None
    until: float | None = None

    def conditions(self, before: tuple[float, int] | None) -> Conditions:
        """All of them but model and version, and that what is found comes after ``before`` (at, id). Raises ValueError
        naming the argument that makes no sense."""
        where = Conditions()
        where.equal("role", self.role)
        where.equal("experiment", self.experiment)
        if self.status is not None:
            _add_status(where, self.status)
        if self.label is not None:
            where.add("instr(labels, ?) > 0", label_mark(self.label))
        if self.since is not None:
            where.add("at >= ?", self.since)
        # the earlier of both ends alone: of two the index may be searched by the later one, and each page would pass by
        # all that the pages before it held
        if self.until is not None and (before is None or before[0] >= self.until):
            where.add("at < ?", self.until)
        elif before is not None:
            where.add("(at, id) < (?, ?)", *before)
        return where


async def statement(
    fetch: Fetch, filters: PredictionFilters, before: tuple[float, int] | None, limit: int
) -> tuple[str, list[Value]] | None:
    """A SELECT of COLUMNS, ``limit`` rows at most, and its parameters; None where there can be none.

    Of a model without a version each version's part of the index (model, version, at) is read and these are merged: by
    the model alone SQLite would sort all its predictions for each page. Raises ValueError.
    """
    where = filters.conditions(before)
    model, version = filters.model, filters.version
    if model is not None and version is None:
        versions = await versions_of(fetch, model)
        if not versions:
            return None
        if len(versions) > VERSIONS_MERGED_MAX:
            # the empty text keeps the planner off the index of the model, after which it would have to sort
            where.add("model || '' = ?", model)
            return _ordered([str(where)], where.parameters, limit)
    else:
        where.equal("model", model)
        where.equal("version", version)
        return _ordered([str(where)], where.parameters, limit)
    each = [f"model = ? AND version = ? AND {where}"] * len(versions)
    return _ordered(each, [value for name in versions for value in (model, name, *where.parameters)], limit)


def cursor_before(cursor: str | None) -> tuple[float, int] | None:
    """The (at, id) in a page's ``next``. Raises ValueError naming ``before``."""
    return None if cursor is None else read_cursor(cursor)


def _ordered(wheres: Sequence[str], parameters: Sequence[Value], limit: int) -> tuple[str, list[Value]]:
    parts = " UNION ALL ".join(f"SELECT {COLUMNS} FROM predictions WHERE {where}" for where in wheres)
    return f"{parts} ORDER BY at DESC, id DESC LIMIT ?", [*parameters, limit]


def _add_status(where: Conditions, status: int | str) -> None:
    text = str(status)
    if text in _STATUS_CONDITIONS:
        where.add(_STATUS_CONDITIONS[text])
    elif text.isascii() and text.isdigit() and len(text) <= 3:
        where.add("status = ?", int(text))
    else:
        raise ValueError(f"status: {status!r} is neither an HTTP status nor one of {', '.join(_STATUS_CONDITIONS)}")
