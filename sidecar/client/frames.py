"""Records as frames of pandas, which is imported only here, and only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sidecar.client.results import fields_of

if TYPE_CHECKING:
    import pandas as pd


def frame_of(kind: type, records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A row for each record; without any, the columns of their kind. Raises ImportError."""
    pandas = imported()
    columns: dict[str, None] = {} if records else dict.fromkeys(fields_of(kind))
    times = set() if records else {name for name, field in fields_of(kind).items() if field.is_time}
    rows: list[dict[str, Any]] = []
    for record in records:
        row: dict[str, Any] = {}
        for name, value, is_time in flat(record):
            row[name] = value
            columns[name] = None
            if is_time:
                times.add(name)
        rows.append(row)
    frame: pd.DataFrame = pandas.DataFrame(rows, columns=[name for name in columns if not _hollow(name, columns, rows)])
    for name in times & set(frame.columns):
        with suppress(TypeError, ValueError):  # what another release gives as text stays text
            frame[name] = pandas.to_datetime(frame[name].astype("float64"), unit="s", utc=True, errors="coerce")
    return frame


def _hollow(name: str, columns: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a column says only that what other rows have nested there is none in some."""
    nested = any(other.startswith(f"{name}.") for other in columns)
    return nested and all(row.get(name) in (None, {}) for row in rows)


def series_of(record: Mapping[str, Any]) -> pd.Series[Any]:
    """A value for each field. Raises ImportError."""
    pandas = imported()
    values = {
        name: pandas.to_datetime(value, unit="s", utc=True, errors="coerce") if is_time else value
        for name, value, is_time in flat(record)
    }
    series: pd.Series[Any] = pandas.Series(values, dtype=object)
    return series


def flat(record: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any, bool]]:
    """Name, value and whether it is a moment, with dots before what is nested; lists stay as they are.

    >>> list(flat({"a": 1, "latency": {"p99_ms": 3.0}, "b": [1]}))
    [('a', 1, False), ('latency.p99_ms', 3.0, False), ('b', [1], False)]
    """
    fields = fields_of(type(record))
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value, name in fields and fields[name].is_time


def imported() -> ModuleType:
    """pandas. Raises ImportError saying how to install it."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("to_pandas needs pandas: pip install 'inference-sidecar[pandas]'") from error
    return pandas
