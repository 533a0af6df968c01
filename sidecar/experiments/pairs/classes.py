"""Counts by class and by flip, bounded where they are admitted."""

from __future__ import annotations

from typing import Any, NamedTuple

from sidecar.summaries.counts import OTHER
from sidecar.summaries.unlike import SummaryError

FLIPS_MAX = 1_000
"""Kinds of flip (from, to) that a summary admits; what comes after that counts as from OTHER to OTHER."""


class ClassCounts(NamedTuple):
    """Boxes of one class: A has matched + missed + flipped_from of it, B has matched + extra + flipped_to."""

    matched: int = 0
    missed: int = 0
    extra: int = 0
    flipped_from: int = 0
    flipped_to: int = 0

    def plus(self, other: ClassCounts) -> ClassCounts:
        """Both together."""
        return ClassCounts(*(one + more for one, more in zip(self, other, strict=True)))

    @property
    def boxes_a(self) -> int:
        return self.matched + self.missed + self.flipped_from

    @property
    def boxes_b(self) -> int:
        return self.matched + self.extra + self.flipped_to


Flip = tuple[str, str]


def admit_class(classes: dict[str, ClassCounts], name: str, counts: ClassCounts, names_max: int) -> None:
    """Add ``counts`` to ``name`` in place, or to ``other`` where ``classes`` has ``names_max`` names already.

    >>> classes = {"car": ClassCounts(1)}
    >>> admit_class(classes, "bus", ClassCounts(2), names_max=1); classes["other"].matched
    2
    """
    if name not in classes and len(classes) - (OTHER in classes) >= names_max:
        name = OTHER
    classes[name] = classes.get(name, ClassCounts()).plus(counts)


def admit_flip(flips: dict[Flip, int], flip: Flip, n: int, flips_max: int = FLIPS_MAX) -> None:
    """Add ``n`` to ``flip`` in place, or to (other, other) where ``flips`` has ``flips_max`` kinds already."""
    rest = (OTHER, OTHER)
    if flip not in flips and len(flips) - (rest in flips) >= flips_max:
        flip = rest
    flips[flip] = flips.get(flip, 0) + n


def merge_classes(left: dict[str, ClassCounts], right: dict[str, ClassCounts]) -> dict[str, ClassCounts]:
    """The sums by name, in a new dict; no name is ever dropped here."""
    merged = dict(left)
    for name, counts in right.items():
        merged[name] = merged[name].plus(counts) if name in merged else counts
    return merged


def classes_state(classes: dict[str, ClassCounts]) -> dict[str, list[int]]:
    """JSON-able and canonical."""
    return {name: list(classes[name]) for name in sorted(classes)}


def classes_of_state(state: dict[str, Any]) -> dict[str, ClassCounts]:
    """What classes_state wrote. Raises SummaryError on what is no count, or on other numbers of them."""
    size = len(ClassCounts._fields)
    return {name: ClassCounts(*checked(counts, f"class {name!r}", size)) for name, counts in state.items()}


def flips_state(flips: dict[Flip, int]) -> list[list[Any]]:
    """JSON-able and canonical."""
    return [[*flip, flips[flip]] for flip in sorted(flips)]


def flips_of_state(state: list[Any]) -> dict[Flip, int]:
    """What flips_state wrote. Raises SummaryError on what is no count."""
    return {(str(came), str(went)): checked([n], f"flip {came!r}", 1)[0] for came, went, n in state}


def checked(counts: list[Any], of: str, size: int) -> list[int]:
    """``counts``, which are ``size`` whole numbers from 0 up. Raises SummaryError where they are not."""
    if len(counts) != size or not all(type(n) is int and n >= 0 for n in counts):
        raise SummaryError(f"pair summary: {of} has not {size} counts from 0 up")
    return counts
