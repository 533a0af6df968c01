"""Counts until they are taken."""

from __future__ import annotations

from sidecar.proxy.counts import COARSE_S, KEYS_MAX, OTHER, CountBook

NOW = 1_700_000_000


def add(book: CountBook, model: str, at: int = NOW) -> None:
    book.add((at, model, "1", "serving", "", 0, ""), 200, "", 1.0, 1.0)


def test_names_that_are_made_up_count_under_one() -> None:
    """However many there are, each request is counted, known names keep theirs, and the book stays within its bound."""
    hits: list[str] = []
    book = CountBook(hits.append)
    for number in range(KEYS_MAX + 500):
        add(book, f"m{number}")
    add(book, "m7")
    assert len(book) <= KEYS_MAX + 1
    assert hits == ["count_keys_max"] * 500
    rows = book.take(KEYS_MAX * 2)
    assert sum(row.requests for row in rows) == KEYS_MAX + 501
    assert {row.model: row.requests for row in rows if row.requests > 1} == {OTHER: 500, "m7": 2}
    add(book, "new")
    assert [row.model for row in book.take()] == ["new"]


def test_old_buckets_are_merged_before_names_are_lost() -> None:
    """While nobody takes them; none gets coarser than an hour."""
    book = CountBook()
    for number in range(KEYS_MAX + 500):
        add(book, "det", NOW + number * 10)
    rows = book.take()
    assert {row.model for row in rows} == {"det"}
    assert sum(row.requests for row in rows) == KEYS_MAX + 500
    assert min(row.bucket for row in rows) > NOW - COARSE_S
