"""Apache Parquet, by pyarrow (the extra ``parquet``), which is imported when the first such file is asked for."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from sidecar.api.exports.missing import FormatMissing
from sidecar.api.exports.tables import Column, Kind, Wanted, labels_of
from sidecar.types import Detections, Prediction

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 20_000
GROUP_BYTES = 8 << 20
"""A row group is written once so many rows wait, or so many bytes in columns of Arrow."""
EXTRA = "parquet"


class Parquet:
    """A ``Writer`` of Parquet: typed columns, times as UTC timestamps of microseconds, Zstandard. Raises
    FormatMissing."""

    def __init__(self, wanted: Wanted) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError as error:
            raise FormatMissing(EXTRA) from error
        self._pa = pa
        self._wanted = wanted
        self._schema = pa.schema([(column.name, self._type_of(column.kind)) for column in wanted.columns])
        self._waiting: list[pa.RecordBatch] = []
        self._made = _Pieces()
        self._file = pq.ParquetWriter(cast(IO[Any], self._made), self._schema, compression="zstd")

    def begin(self) -> bytes:
        """The mark that every such file begins with."""
        return self._made.taken()

    def page(self, predictions: Sequence[Prediction]) -> bytes:
        """A row group once enough has come."""
        columns = self._wanted.of(predictions)
        arrays = [self._array(columns[column.name], column) for column in self._wanted.columns]
        self._waiting.append(self._pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        rows = sum(batch.num_rows for batch in self._waiting)
        if rows >= GROUP_ROWS or sum(batch.nbytes for batch in self._waiting) >= GROUP_BYTES:
            self._write()
        return self._made.taken()

    def end(self) -> bytes:
        """The last rows and the footer, without which nobody can read it."""
        self._write()
        self._file.close()
        return self._made.taken()

    def _write(self) -> None:
        table = self._pa.Table.from_batches(self._waiting, self._schema)
        self._waiting = []
        if table.num_rows:
            self._file.write_table(table, row_group_size=table.num_rows)

    def _type_of(self, kind: Kind) -> Any:
        pa = self._pa
        kinds: dict[Kind, Any] = {
            "text": pa.string(),
            "integer": pa.int64(),
            "number": pa.float64(),
            "float32": pa.float32(),
            "truth": pa.bool_(),
            "time": pa.timestamp("us", tz="UTC"),
        }
        if kind != "detections":
            return kinds[kind]
        fields = {"label": "text", "confidence": "float32", "normalised": "truth"}
        struct = [(name, kinds[cast(Kind, of)]) for name, of in fields.items()]
        return pa.list_(pa.struct([*struct[:2], ("box", pa.list_(pa.float32())), struct[2]]))

    def _array(self, values: list[Any], column: Column) -> Any:
        pa, kind = self._pa, column.kind
        if kind == "time":
            micros = np.rint(np.array(values, np.float64) * 1e6).astype(np.int64)
            return pa.array(micros, self._type_of(kind))
        if kind == "detections":
            return self._lists(values)
        return self._texts(values) if kind == "text" else pa.array(values, self._type_of(kind))

    def _texts(self, values: Sequence[str]) -> Any:
        try:
            return self._pa.array(values, self._pa.string())
        except UnicodeEncodeError:  # a lone surrogate, which a model server's JSON can hold as an escape
            clean = [value.encode("utf-8", "replace").decode() for value in values]
            return self._pa.array(clean, self._pa.string())

    def _lists(self, values: Sequence[Detections | None]) -> Any:
        """Detections as lists of structs; null where there is no result."""
        pa = self._pa
        found = [value for value in values if value is not None]
        lengths = [0 if value is None else len(value.scores) for value in values]
        ends = np.cumsum([0, *lengths]).astype(np.int32)
        absent = np.array([*(value is None for value in values), False])
        names = list(chain.from_iterable(map(labels_of, found)))
        edges = self._finite([value.boxes.reshape(-1) for value in found])
        four = pa.array(np.arange(len(names) + 1, dtype=np.int32) * 4)
        truths = np.repeat([value.normalised for value in found], [len(value.scores) for value in found]).astype(bool)
        struct = pa.StructArray.from_arrays(
            [
                self._texts(names),
                self._finite([value.scores for value in found]),
                pa.ListArray.from_arrays(four, edges),
                pa.array(truths, pa.bool_()),
            ],
            fields=list(self._type_of("detections").value_type),
        )
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32(), mask=absent), struct)

    def _finite(self, parts: Sequence[np.ndarray[Any, Any]]) -> Any:
        """float32, null where it is not finite."""
        values = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        return self._pa.array(values, self._pa.float32(), mask=~np.isfinite(values))


class _Pieces(io.RawIOBase):
    """A file that is only written to, from the beginning to the end, and read as it grows."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self._size += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        """What was written since the last time."""
        made = b"".join(self._parts)
        self._parts.clear()
        return made
