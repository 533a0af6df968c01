"""A bounded set of label values: who is in stays in, so that a series never moves from one label to another."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

OTHER = "other"


class Admission(Generic[K]):
    """Admits at most ``places`` keys, those with the highest counts first where more than fit come at once.

    >>> admission = Admission[str](2)
    >>> admission.admit([("a", 5), ("b", 9), ("c", 1)])
    >>> admission.admit([("c", 100)])
    >>> [key for key in "abc" if key in admission]
    ['a', 'b']
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._admitted: set[K] = set()

    def __contains__(self, key: K) -> bool:
        return key in self._admitted

    def admit(self, counts: Iterable[tuple[K, int]]) -> None:
        """Let in what there is room for."""
        free = self._places - len(self._admitted)
        if free <= 0:
            return
        new = [(key, count) for key, count in counts if key not in self._admitted]
        new.sort(key=lambda entry: (-entry[1], str(entry[0])))
        self._admitted.update(key for key, _ in new[:free])
