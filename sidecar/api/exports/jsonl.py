"""JSON Lines: a document a line, as the API gives it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sidecar.api.exports.tables import Wanted
from sidecar.api.problems import dumps
from sidecar.api.render import prediction_document
from sidecar.types import Prediction


class JsonLines:
    """A ``Writer`` of JSON Lines (jsonlines.org)."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def page(self, predictions: Sequence[Prediction]) -> bytes:
        """A line for each document."""
        return b"".join(dumps(document) + b"\n" for document in self._documents(predictions))

    def end(self) -> bytes:
        """Nothing."""
        return b""

    def _documents(self, predictions: Sequence[Prediction]) -> Iterator[dict[str, Any]]:
        if self._wanted.table == "predictions":
            yield from map(prediction_document, predictions)
            return
        names = [column.name for column in self._wanted.columns]
        columns = self._wanted.of(predictions)
        for row in zip(*(columns[name] for name in names), strict=True):
            yield dict(zip(names, row, strict=True))
