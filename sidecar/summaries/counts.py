"""Counts by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

CLASSES_MAX = 1_000
"""Class names a summary admits; what comes after that counts as OTHER. A merge never drops a name."""
OTHER = "other"

K = TypeVar("K", int, str)


def merge_counts(left: Mapping[K, int], right: Mapping[K, int]) -> dict[K, int]:
    """The sums by key, in a new dict.

    >>> merge_counts({"car": 1}, {"car": 2, "person": 1})
    {'car': 3, 'person': 1}
    """
    merged = dict(left)
    for key, n in right.items():
        merged[key] = merged.get(key, 0) + n
    return merged


def admit(counts: dict[str, int], name: str, n: int, names_max: int = CLASSES_MAX) -> None:
    """Add ``n`` to ``name`` in place, or to ``other`` where ``counts`` has ``names_max`` names already.

    >>> counts = {"car": 1}
    >>> admit(counts, "person", 2, names_max=1); counts
    {'car': 1, 'other': 2}
    """
    if name not in counts and len(counts) - (OTHER in counts) >= names_max:
        name = OTHER
    counts[name] = counts.get(name, 0) + n
