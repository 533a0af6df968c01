"""What tables are made of. Text from outside goes through ``text`` or ``row``: never markup, no control characters."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sidecar.cli.text import clean

TEXT_WIDTH_MIN = 20
"""However narrow the terminal is."""


def text(value: object, style: str = "") -> Text:
    """``value`` as it is, whatever brackets it holds."""
    return Text(clean(value), style)


def table(*columns: str, right: Iterable[str] = (), whole: Iterable[str] = ()) -> Table:
    """An empty table; ``right`` are columns of numbers, ``whole`` those that are not broken over lines."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
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
    made.add_row(*(value if isinstance(value, Text) else text(value) for value in values))


def hanging(console: Console, body: Text, indent: int, head: Text | None = None) -> None:
    """``body`` over the whole width, every line of it indented; ``head`` stands before the first."""
    before = head if head is not None else Text(" " * indent)
    for line in body.wrap(console, max(console.width - indent, TEXT_WIDTH_MIN), overflow="fold"):
        line.rstrip()
        console.print(Text.assemble(before, line), soft_wrap=True)
        before = Text(" " * indent)


def facts(console: Console, entries: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line; a value that is empty is left out."""
    made = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in entries:
        if value is not None and value != "":
            row(made, name, value)
    console.print(made)
