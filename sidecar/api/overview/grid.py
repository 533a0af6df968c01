"""Figures by version and bucket, made of summaries page by page. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from sidecar.alerts import Figures
from sidecar.recording import SummaryRow
from sidecar.summaries import Summary, SummaryError

SERVING, SHADOW, OVERRIDE = "serving", "shadow", "override"
CELLS_KEPT = 6_000
"""Summaries whose figures are kept, some 5 KB each: what is asked for again every few seconds is read once."""


class Whose(NamedTuple):
    """Of which version, and in what part: SERVING for all that answered clients, in a test of versions or not, so that
    a version's line goes on where a test begins; OVERRIDE where a tester chose it; SHADOW for copies."""

    model: str
    version: str
    role: str

    @property
    def model_id(self) -> str:
        """As people name it.

        >>> Whose("det", "2", "shadow").model_id, Whose("det", "", "serving").model_id
        ('det@2', 'det')
        """
        return f"{self.model}@{self.version}" if self.version else self.model


Cells = dict[int, Figures]
"""Figures by place: a bucket's or a block's number."""


class Grid:
    """``place`` says where what is of a bucket belongs. ``cells`` counts what is held, ``unreadable`` the rows another
    release wrote in a form this one can't read, ``first`` is the earliest bucket that there was anything of."""

    def __init__(self, place: Callable[[int], int]) -> None:
        self._place = place
        self._found: dict[Whose, Cells] = {}
        self.cells = 0
        self.unreadable = 0
        self.first: int | None = None

    def add(self, rows: Iterable[SummaryRow]) -> None:
        """Take rows, in any order."""
        found: dict[tuple[Whose, int], list[Figures]] = {}
        for row in rows:
            try:
                figures = _figures(row.payload)
            except SummaryError:
                self.unreadable += 1
                continue
            self.first = row.bucket if self.first is None else min(self.first, row.bucket)
            role = row.role if row.role in (SHADOW, OVERRIDE) else SERVING
            found.setdefault((Whose(row.model, row.version, role), self._place(row.bucket)), []).append(figures)
        for (whose, place), parts in found.items():
            self._put(whose, place, parts)

    def _put(self, whose: Whose, place: int, parts: list[Figures]) -> None:
        cells = self._found.setdefault(whose, {})
        if place in cells:
            parts.append(cells[place])
        else:
            self.cells += 1
        # a cell goes into many totals: its classes are added up here, or each of these would do it
        cells[place] = parts[0] if len(parts) == 1 else Figures.total(parts).with_classes_added()

    @property
    def versions(self) -> list[Whose]:
        """All there is anything of, sorted."""
        return sorted(self._found)

    def cells_of(self, whose: Whose) -> Mapping[int, Figures]:
        """Its figures by place; places without any are left out."""
        return self._found.get(whose, {})

    def together(self) -> Cells:
        """By place, all that answered clients."""
        by_place: dict[int, list[Figures]] = {}
        for cells in self._serving():
            for place, figures in cells.items():
                by_place.setdefault(place, []).append(figures)
        return {place: Figures.total(parts) for place, parts in by_place.items()}

    def _serving(self) -> Iterator[Cells]:
        return (cells for whose, cells in self._found.items() if whose.role != SHADOW)


def blocks_of(cells: Mapping[int, Figures], block: Callable[[int], int]) -> Cells:
    """Wider cells; ``block`` says which of them a place belongs to.

    >>> sorted(blocks_of({0: Figures.total([]), 1: Figures.total([])}, lambda place: place // 2))
    [0]
    """
    parts: dict[int, list[Figures]] = {}
    for place, figures in cells.items():
        parts.setdefault(block(place), []).append(figures)
    return {place: Figures.total(part) for place, part in parts.items()}


@lru_cache(maxsize=CELLS_KEPT)
def _figures(payload: bytes) -> Figures:
    """By the bytes themselves: what is written anew is another."""
    return Figures.of(Summary.decode(payload, histograms=False))
