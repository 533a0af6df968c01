"""CSV (RFC 4180) in UTF-8, with a header, times as RFC 3339 in UTC, and no text that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sidecar.api.exports.tables import Kind, Wanted, documents
from sidecar.api.problems import dumps
from sidecar.types import Prediction

FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
"""Text that begins so may be a formula to a spreadsheet; an apostrophe before it says that it is none (OWASP, CSV
Injection)."""


class Csv:
    """A ``Writer`` of CSV. Lone surrogates, which UTF-8 can't hold, become question marks."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def begin(self) -> bytes:
        """The header."""
        return _lines([[column.name for column in self._wanted.columns]])

    def page(self, predictions: Sequence[Prediction]) -> bytes:
        """A line for each row."""
        columns = self._wanted.of(predictions)
        return _lines(zip(*(cells(columns[name.name], name.kind) for name in self._wanted.columns), strict=True))

    def end(self) -> bytes:
        """Nothing."""
        return b""


def cells(values: Sequence[Any], kind: Kind) -> Sequence[Any]:
    """The cells of a column; what is not there is empty.

    >>> cells([1700000000.25], "time"), cells(["=1+1", "-", "a"], "text"), cells([None, -1.5], "number")
    (['2023-11-14T22:13:20.250000Z'], ["'=1+1", "'-", 'a'], [None, -1.5])
    """
    if kind == "time":
        return [_moment(value) for value in values]
    if kind == "text":
        return [f"'{value}" if value[:1] in FORMULA else value for value in values]
    if kind == "truth":
        return ["true" if value else "false" for value in values]
    if kind == "detections":
        return [None if value is None else dumps(documents(value)).decode() for value in values]
    return values


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    made = io.StringIO()
    csv.writer(made).writerows(rows)
    return made.getvalue().encode("utf-8", "replace")
