"""What tables are made of. Text from outside goes through ``text`` or ``row``: never markup, no control characters."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from sidecar.cli.text import clean

TEXT_WIDTH_MIN = 20
"""However narrow the terminal is."""
_GLUE = "\ue000"
"""Stands for a space at which no line ends until lines are broken; ``text`` lets none in."""


class _Table(Table):
    """A table that keeps a number and its % together."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for item in super().__rich_console__(console, options):
            yield item._replace(text=item.text.replace(_GLUE, " ")) if isinstance(item, Segment) else item


def text(value: object, style: str = "") -> Text:
    """``value`` as it is, whatever brackets it holds."""
    return Text(clean(value), style)


def table(*columns: str, right: Iterable[str] = (), whole: Iterable[str] = ()) -> Table:
    """An empty table; ``right`` are columns of numbers, ``whole`` those that are not broken over lines."""
    made = _Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in columns:
        made.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=name in whole or name in right,
            overflow="fold",
        )
    return made


def row(made: Table, *values: object) -> None:
    """Add a row; what is a Text already keeps its style."""
    made.add_row(*(_glued(value if isinstance(value, Text) else text(value)) for value in values))


def hanging(console: Console, body: Text, indent: int, head: Text | None = None) -> None:
    """``body`` over the whole width, every line of it indented; ``head`` stands before the first."""
    before = head if head is not None else Text(" " * indent)
    for line in _glued(body).wrap(console, max(console.width - indent, TEXT_WIDTH_MIN), overflow="fold"):
        line.rstrip()
        line.plain = line.plain.replace(_GLUE, " ")
        console.print(Text.assemble(before, line), soft_wrap=True)
        before = Text(" " * indent)


def facts(console: Console, entries: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line; a value that is empty is left out."""
    shown = [(text(name, "dim"), value) for name, value in entries if value is not None and value != ""]
    width = max((name.cell_len for name, _ in shown), default=0) + 2
    for name, value in shown:
        name.pad_right(width - name.cell_len)
        hanging(console, value if isinstance(value, Text) else text(value), width, name)


def _glued(body: Text) -> Text:
    """Where no line ends between a number and its %."""
    made = body.copy()
    made.plain = re.sub(r"(?<=\d) (?=%)", _GLUE, made.plain)
    return made
