"""The formats, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sidecar.api.exports import csv, jsonl, parquet
from sidecar.api.exports.missing import FormatMissing as FormatMissing
from sidecar.api.exports.tables import Wanted
from sidecar.types import Prediction

Name = Literal["jsonl", "csv", "parquet"]


class Writer(Protocol):
    """Makes a file of what it is given, in pieces that belong one after the other."""

    def begin(self) -> bytes:
        """What stands before all rows."""
        ...

    def page(self, predictions: Sequence[Prediction]) -> bytes:
        """The next rows, or nothing where they are kept for a larger piece."""
        ...

    def end(self) -> bytes:
        """The rest. Without it the file is not whole."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files. ``writer`` may raise FormatMissing, and may take its time, as all of a writer's methods."""

    media_type: str
    charset: str
    writer: Callable[[Wanted], Writer]


FORMATS: Mapping[Name, Format] = {
    "jsonl": Format("application/jsonl", "", jsonl.JsonLines),
    "csv": Format("text/csv", "; charset=utf-8; header=present", csv.Csv),
    "parquet": Format("application/vnd.apache.parquet", "", parquet.Parquet),
}
