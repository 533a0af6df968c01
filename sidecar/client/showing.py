"""Records as text for terminals and as HTML for notebooks. What comes from a sidecar stays text, never markup."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from math import isfinite
from typing import Any

from sidecar.client.results import fields_of

LINE_CHARS = 100
"""A record that fits stands on one line."""
VALUE_CHARS = 72
FEW_FIELDS = 4
"""A record of so few stands whole where it is one of many: it may say what is wrong."""
WHOLE_CHARS = 400
ROWS_SHOWN = 20
LINES_SHOWN = 10
COLUMNS_SHOWN = 12
CELL_CHARS = 200
_LEFT = 'style="text-align: left; vertical-align: top; overflow-wrap: break-word"'
_NOTE = 'style="font-size: 85%; opacity: 0.7"'


def text_of(kind: str, record: Mapping[str, Any]) -> str:
    """A record on one line where it fits, else a line for each of its fields; what is nested or long is cut.

    >>> text_of("Alert", {"id": "a1", "value": 0.5})
    "Alert(id='a1', value=0.5)"
    >>> print(text_of("Alert", {"id": 7, "of": "a", "note": "x" * 120, "steps": [1] * 50, "delivery": {"ok": True}}))
    Alert(
      id=7,
      of='a',
      note='xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…,
      steps=[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, … 26 more],
      delivery={'ok': True},
    )
    """
    line = f"{kind}({', '.join(_fields(record))})"
    if len(line) <= LINE_CHARS:
        return line
    return f"{kind}(\n{''.join(f'  {field},{chr(10)}' for field in _fields(record))})"


def lines_of(records: Sequence[Mapping[str, Any]]) -> str:
    """A list of records, a line each, and how many more there are.

    >>> from sidecar.client.results import Record
    >>> lines_of([Record(id=1), Record(id=2)])
    '[Record(id=1), Record(id=2)]'
    >>> len(lines_of([Record(index=0, field="feedback_type", message="x" * 120)]))
    172
    >>> many = [Record(id=number, a="x" * 60, b="y" * 60, c=1, d=2) for number in range(12)]
    >>> for line in lines_of(many).splitlines()[-2:]:
    ...     print(line.strip())
    Record(id=9, a='xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', … 3 more),
    … 2 more]
    """
    lines = [_line(record) for record in records[:LINES_SHOWN]]
    if len(records) > LINES_SHOWN:
        lines.append(f"… {len(records) - LINES_SHOWN:,} more")
    whole = f"[{', '.join(lines)}]"
    return whole if len(whole) <= LINE_CHARS else f"[{(',' + chr(10) + ' ').join(lines)}]"


def _line(record: Mapping[str, Any]) -> str:
    """A record on one line, as much of it as fits there."""
    line, fields = f"{type(record).__name__}(", list(_fields(record))
    for shown, field in enumerate(fields):
        if shown and len(line) + len(field) > LINE_CHARS and len(fields) > FEW_FIELDS:
            return f"{line}… {len(fields) - shown} more)"
        line += field if shown == len(fields) - 1 else f"{field}, "
    return f"{line})"


def _fields(record: Mapping[str, Any]) -> Iterator[str]:
    named = ((str(name), value) for name, value in record.items())
    # a class of a model may be called anything, also what moves a terminal's cursor
    chars = VALUE_CHARS if len(record) > FEW_FIELDS else WHOLE_CHARS
    return (f"{name if name.isidentifier() else repr(name)}={_short(value, chars)}" for name, value in named)


def _short(value: Any, chars: int = VALUE_CHARS) -> str:
    """A value on one line, of at most about so many characters.

    >>> _short({"a": 1, "b": [1, 2]}), _short({"a": {"x" * 40: 1}}), _short(["x" * 33] * 9)
    ("{'a': 1, 'b': [1, 2]}", "{'a': {… 1 field}}", "['xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', … 8 more]")
    """
    if isinstance(value, Mapping):
        return _cut("{}", "field", value.items(), lambda part: f"{part[0]!r}: {_short(part[1], chars // 2)}", chars)
    if isinstance(value, list):
        return _cut("[]", "item", value, lambda part: _short(part, chars // 2), chars)
    whole = repr(value)
    return whole if len(whole) <= chars else f"{whole[:chars]}…"


def _cut(ends: str, word: str, parts: Collection[Any], text: Callable[[Any], str], chars: int) -> str:
    """As many parts as fit, and how many more there are."""
    shown: list[str] = []
    for part in parts:
        shown.append(text(part))
        if sum(map(len, shown)) + 2 * len(shown) > chars:
            shown.pop()
            left = len(parts) - len(shown)
            shown.append(f"… {left:,} more" if shown else f"… {left:,} {word if left == 1 else f'{word}s'}")
            break
    return f"{ends[0]}{', '.join(shown)}{ends[1]}"


def html_of(kind: str, record: Mapping[str, Any]) -> str:
    """A record as a table of its fields; what is nested opens on a click.

    >>> "<script>" in html_of("Alert", {"name": "<script>"})
    False
    """
    fields = fields_of(type(record))
    rows = "".join(
        f"<tr><th {_LEFT}>{escape(str(name))}</th>"
        f"<td {_LEFT}>{_cell(value, name in fields and fields[name].is_time)}</td></tr>"
        for name, value in record.items()
    )
    head = f"<strong>{escape(kind)}</strong>" if kind else ""
    return f"<div>{head}<table>{rows}</table></div>"


def html_table(kind: type, records: Sequence[Mapping[str, Any]]) -> str:
    """Records as rows of a table, the first of them; what does not fit is named below it."""
    if not records:
        return f"<div><em {_NOTE}>no {escape(kind.__name__)}</em></div>"
    rows = records[:ROWS_SHOWN]
    names = list(dict.fromkeys(name for record in rows for name in record))
    shown, fields = _telling(names, rows), fields_of(kind)
    times = {name for name in shown if name in fields and fields[name].is_time}
    head = "".join(f"<th {_LEFT}>{escape(str(name))}</th>" for name in shown)
    body = "".join(
        f"<tr>{''.join(f'<td {_LEFT}>{_cell(record.get(name), name in times)}</td>' for name in shown)}</tr>"
        for record in rows
    )
    notes = []
    if len(records) > ROWS_SHOWN:
        notes.append(f"{len(records) - ROWS_SHOWN:,} more rows")
    if left := [str(name) for name in names if name not in shown]:
        notes.append(f"not shown: {', '.join(left)}")
    note = f"<div {_NOTE}>{escape('; '.join(notes))}</div>" if notes else ""
    return f"<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}</div>"


def _telling(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns to show, in their order: what is empty everywhere goes, then what is the same everywhere.

    >>> _telling(["a", "b", "c"], [{"a": 1, "b": "", "c": 1}, {"a": 2, "b": "", "c": 1}])
    ['a', 'c']
    """
    told = [name for name in names if any(row.get(name) not in (None, "", [], {}) for row in rows)] or list(names)
    differ = {name for name in told if any(row.get(name) != rows[0].get(name) for row in rows)}
    chosen = sorted(told, key=lambda name: name not in differ)[:COLUMNS_SHOWN]
    return [name for name in told if name in chosen]


def _cell(value: Any, is_time: bool = False) -> str:
    if value is None or (isinstance(value, Mapping | list) and not value):
        return ""
    if isinstance(value, Mapping):
        words = "1 field" if len(value) == 1 else f"{len(value)} fields"
        return f"<details><summary>{words}</summary>{html_of('', value)}</details>"
    if isinstance(value, list) and all(isinstance(part, Mapping) for part in value):
        words = "1 item" if len(value) == 1 else f"{len(value):,} items"
        return f"<details><summary>{words}</summary>{html_table(getattr(value, 'kind', dict), value)}</details>"
    if isinstance(value, list):
        value = ", ".join(str(part) for part in value[:CELL_CHARS])
    elif isinstance(value, float):
        value = time_text(value).replace(" ", "\u00a0") if is_time else f"{value:.6g}"
    text = str(value)
    return escape(text if len(text) <= CELL_CHARS else f"{text[:CELL_CHARS]}…")


def time_text(seconds: float) -> str:
    """A moment as people read it, in UTC.

    >>> time_text(1_700_000_000.0), time_text(1e99)
    ('2023-11-14 22:13:20Z', '1e+99')
    """
    if not (isfinite(seconds) and 0 <= seconds < 253_402_300_800):  # the year 10000, which no date can hold
        return f"{seconds:g}"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}Z"
