"""The best one-to-one assignment, and the best matching where few pairs are allowed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

Indices = NDArray[np.intp]


def assign(gain: ArrayLike) -> tuple[Indices, Indices]:
    """Rows and columns, min(N, M) of each, rows ascending, that have the greatest total of ``gain`` [N, M].

    Shortest augmenting paths with dual prices, O(n^3): Crouse, On implementing 2D rectangular assignment algorithms,
    IEEE Trans. Aerospace and Electronic Systems 52, 2016, after Jonker and Volgenant, Computing 38, 1987. Of equal
    totals it is always the same one. Raises ValueError for a gain that is no finite number.

    >>> rows, columns = assign([[3, 1, 2], [3, 0, 0]])
    >>> rows.tolist(), columns.tolist()
    ([0, 1], [2, 0])
    """
    values = np.asarray(gain, np.float64)
    if values.ndim != 2:
        raise ValueError(f"gain: a matrix, not of {values.ndim} dimensions")
    if not np.isfinite(values).all():
        raise ValueError("gain: all finite numbers")
    if values.shape[0] > values.shape[1]:
        columns = _assign_rows(-values.T)
        order = np.argsort(columns)
        return columns[order], order
    return np.arange(values.shape[0]), _assign_rows(-values)


def match_allowed(gain: NDArray[np.float64], allowed: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Pairs (row, column), rows ascending, of those ``allowed`` [N, M], with the greatest total of positive ``gain``.

    Boxes far apart have nothing to do with each other: what is connected by allowed pairs is solved by itself, which is
    nearly always one box against one.

    >>> gain = np.array([[0.9, 0.8], [0.7, 0.2]])
    >>> match_allowed(gain, gain >= 0.5)
    [(0, 1), (1, 0)]
    """
    pairs: list[tuple[int, int]] = []
    for rows, columns in _connected(allowed):
        if len(rows) == 1 or len(columns) == 1:
            best = int(gain[rows[:, None], columns].argmax())
            pairs.append((int(rows[best % len(rows)]), int(columns[best % len(columns)])))
            continue
        place = rows[:, None], columns
        usable = np.where(allowed[place], gain[place], 0.0)
        for row, column in zip(*(found.tolist() for found in assign(usable)), strict=True):
            if usable[row, column] > 0:
                pairs.append((int(rows[row]), int(columns[column])))
    return sorted(pairs)


def _connected(allowed: NDArray[np.bool_]) -> Iterator[tuple[Indices, Indices]]:
    """Rows and columns of each part that allowed pairs connect, by its first row."""
    degrees = allowed.sum(axis=1)
    column_degrees = allowed.sum(axis=0)
    seen = np.zeros(len(degrees), np.bool_)
    for row in np.flatnonzero(degrees).tolist():
        if seen[row]:
            continue
        columns = np.flatnonzero(allowed[row])
        rows = np.array([row], np.intp)
        if column_degrees[columns].sum() > len(columns):
            rows, columns = _grown(allowed, rows, columns)
        seen[rows] = True
        yield rows, columns


def _grown(allowed: NDArray[np.bool_], rows: Indices, columns: Indices) -> tuple[Indices, Indices]:
    """All that can be reached from ``rows`` and their ``columns``."""
    while True:
        reached = np.flatnonzero(allowed[:, columns].any(axis=1))
        if len(reached) == len(rows):
            return rows, columns
        rows = reached
        columns = np.flatnonzero(allowed[rows].any(axis=0))


def _assign_rows(cost: NDArray[np.float64]) -> Indices:
    """The column of each row [N], N <= M, that have the least total cost."""
    row_price = cost.min(axis=1) if cost.size else np.zeros(len(cost))
    column_price = np.zeros(cost.shape[1])
    column_of = np.full(len(cost), -1, np.intp)
    row_of = np.full(cost.shape[1], -1, np.intp)
    # a row whose cheapest column is free takes it: the prices stay right, and most rows are done
    for row, column in enumerate(cost.argmin(axis=1).tolist() if cost.size else []):
        if row_of[column] < 0:
            column_of[row], row_of[column] = column, row
    for row in np.flatnonzero(column_of < 0).tolist():
        _augment(cost, row, row_price, column_price, column_of, row_of)
    return column_of


def _augment(
    cost: NDArray[np.float64],
    start: int,
    row_price: NDArray[np.float64],
    column_price: NDArray[np.float64],
    column_of: Indices,
    row_of: Indices,
) -> None:
    """Give ``start`` a column along the cheapest path of rows that change theirs; all arguments but cost change."""
    shortest = np.full(cost.shape[1], np.inf)
    open_paths = shortest.copy()  # as shortest, infinite where the column was settled
    came_from = np.full(cost.shape[1], -1, np.intp)
    settled = np.zeros(cost.shape[1], np.bool_)
    rows, row, length = [start], start, 0.0
    while True:
        through = cost[row] - column_price
        through += length - row_price[row]
        better = (through < shortest) & ~settled
        shortest[better] = open_paths[better] = through[better]
        came_from[better] = row
        column = int(open_paths.argmin())
        length = float(open_paths[column])
        if row_of[column] >= 0:
            # of columns equally near, a free one ends the search
            free = np.flatnonzero((open_paths == length) & (row_of < 0))
            column = int(free[0]) if len(free) else column
        settled[column] = True
        open_paths[column] = np.inf
        if row_of[column] < 0:
            break
        row = int(row_of[column])
        rows.append(row)
    row_price[start] += length
    others = np.array(rows[1:], np.intp)
    row_price[others] += length - shortest[column_of[others]]
    column_price[settled] -= length - shortest[settled]
    while True:
        row = int(came_from[column])
        row_of[column] = row
        column_of[row], column = column, int(column_of[row])
        if row == start:
            return
