"""Reading page by page: conditions of fixed texts, limits, and the cursor of the page after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

LIMIT_MAX = 1_000
"""The longest page."""
ID_MAX = (1 << 63) - 1
"""The greatest integer that SQLite has."""

T = TypeVar("T")
Value = str | int | float


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items newest first, and the cursor of the page after (``before`` of the next call); None where that was all.

    >>> Page(items=[1, 2], next=None).next is None
    True
    """

    items: list[T]
    next: str | None


class Conditions:
    """Grows a WHERE clause of fixed texts and the parameters that go with them.

    >>> where = Conditions()
    >>> where.equal("model", "det")
    >>> where.none_of("role", ("shadow", "override"))
    >>> str(where), where.parameters
    ('1 = 1 AND model = ? AND role NOT IN (?, ?)', ['det', 'shadow', 'override'])
    """

    def __init__(self) -> None:
        self._texts = ["1 = 1"]
        self.parameters: list[Value] = []

    def add(self, text: str, *parameters: Value) -> None:
        """A condition as it is; never with text from outside."""
        self._texts.append(text)
        self.parameters += parameters

    def equal(self, column: str, value: Value | None) -> None:
        """``column`` has ``value``; None asks for nothing."""
        if value is not None:
            self.add(f"{column} = ?", value)

    def none_of(self, column: str, values: tuple[str, ...]) -> None:
        """``column`` has none of ``values``."""
        if values:
            self.add(f"{column} NOT IN ({', '.join('?' * len(values))})", *values)

    def any_of(self, column: str, values: Sequence[str]) -> None:
        """``column`` has one of ``values``. The sign keeps the planner from an order that is that of ``column``."""
        self.add(f"+{column} IN ({', '.join('?' * len(values))})", *values)

    def older_than(self, cursor: str | None, column: str = "at") -> None:
        """What comes after the page that ``cursor`` is of. Raises ValueError for what is no cursor."""
        if cursor is not None:
            self.add(f"({column}, id) < (?, ?)", *read_cursor(cursor))

    @property
    def is_any(self) -> bool:
        """Whether anything is asked for."""
        return len(self._texts) > 1

    def __str__(self) -> str:
        return " AND ".join(self._texts)


def checked_limit(limit: int) -> int:
    """``limit``, or ValueError where it is not within 1 to LIMIT_MAX."""
    if not 1 <= limit <= LIMIT_MAX:
        raise ValueError(f"limit: {limit} is not within 1 to {LIMIT_MAX}")
    return limit


def write_cursor(at: float, row_id: int) -> str:
    """The place of a row in an order by time and id.

    >>> read_cursor(write_cursor(1700000000.25, 7))
    (1700000000.25, 7)
    """
    return f"{at!r}_{row_id}"


def read_cursor(cursor: str) -> tuple[float, int]:
    """What write_cursor wrote. Raises ValueError for anything else."""
    at, _, row_id = cursor.partition("_")
    try:
        place = float(at), int(row_id)
    except ValueError:
        place = math.nan, 0
    # an id that SQLite's integers can't hold would look like a fault of the store, and after no number comes nothing
    if not (math.isfinite(place[0]) and abs(place[1]) <= ID_MAX):
        raise ValueError(f"before: {cursor!r} is no cursor of an earlier page")
    return place
