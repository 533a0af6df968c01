"""Tables as plain lines that never are wider than a terminal: columns are narrowed, then left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from sidecar.cli.tables import text

GAP = 2


@dataclass(frozen=True)
class Column:
    """A heading with its cells, from ``least`` to ``most`` cells wide (0: as wide as its widest cell).

    ``short`` is its heading where the line is narrow. Of columns that don't fit, those with the greatest ``drop`` are
    left out first, those of 0 never.
    """

    heading: str
    cells: Sequence[Text]
    short: str = ""
    right: bool = False
    least: int = 0
    most: int = 0
    drop: int = 0

    def width(self, narrow: bool) -> int:
        """How wide it would be."""
        widest = max([text(self._named(narrow)).cell_len, *(cell.cell_len for cell in self.cells)])
        if self.most:
            widest = min(widest, self.least if narrow else self.most)
        return widest

    def heading_text(self, narrow: bool) -> Text:
        """Its heading, as a cell."""
        return text(self._named(narrow), "bold")

    def _named(self, narrow: bool) -> str:
        return self.short if narrow and self.short else self.heading


def table_lines(columns: Sequence[Column], width: int) -> tuple[Text, list[Text]]:
    """The heading and the lines of a table that fits ``width`` cells, if its columns that stay can.

    >>> columns = [Column("model", [text("digits@1")], least=4, most=20), Column("latency", [text("4.1")], "ms", True)]
    >>> heading, lines = table_lines(columns, 30)
    >>> heading.plain, lines[0].plain
    ('model     latency', 'digits@1      4.1')
    >>> table_lines(columns, 12)[1][0].plain
    'digits…  4.1'
    """
    kept = list(columns)
    narrow = False
    while _total(kept, narrow) > width:
        if not narrow:
            narrow = True
            continue
        droppable = [column for column in kept if column.drop]
        if not droppable:
            break
        kept.remove(max(droppable, key=lambda column: column.drop))
    widths = _stretched(kept, narrow, width)
    rows = max((len(column.cells) for column in kept), default=0)
    heading = _line([column.heading_text(narrow) for column in kept], kept, widths)
    return heading, [_line([column.cells[place] for column in kept], kept, widths) for place in range(rows)]


def _total(columns: Sequence[Column], narrow: bool) -> int:
    return sum(column.width(narrow) for column in columns) + GAP * (len(columns) - 1)


def _stretched(columns: Sequence[Column], narrow: bool, width: int) -> list[int]:
    """The width of each; what is left over goes to those that were narrowed."""
    widths = [column.width(narrow) for column in columns]
    room = width - sum(widths) - GAP * (len(columns) - 1)
    for place, column in enumerate(columns):
        more = min(max(column.width(False) - widths[place], 0), max(room, 0)) if column.most else 0
        widths[place] += more
        room -= more
    return widths


def _line(cells: Sequence[Text], columns: Sequence[Column], widths: Sequence[int]) -> Text:
    line = Text()
    for cell, column, width in zip(cells, columns, widths, strict=True):
        if line.cell_len:
            line.append(" " * GAP)
        line.append_text(_fitted(cell, width, column.right))
    line.rstrip()
    return line


def _fitted(cell: Text, width: int, right: bool) -> Text:
    made = cropped(cell, width)
    space = " " * (width - made.cell_len)
    return Text.assemble(space, made) if right else Text.assemble(made, space)


def cropped(line: Text, width: int) -> Text:
    """``line`` in at most ``width`` cells; where it is cut, it ends in an ellipsis.

    >>> cropped(text("abcdef"), 4).plain, cropped(text("abc"), 4).plain
    ('abc…', 'abc')
    """
    made = line.copy()
    made.truncate(max(width, 0), overflow="ellipsis")
    return made
