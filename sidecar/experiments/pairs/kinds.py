"""What a person may ask for among the pairs of a shadow test."""

from __future__ import annotations

from typing import Literal

from sidecar.experiments.pairs.matching import Matching

PairKind = Literal["all", "disagreement", "class_flip", "missed", "extra"]


def is_of(matching: Matching | None, kind: PairKind) -> bool:
    """Whether an image is of ``kind``. One that could not be compared (None) is of ``all`` alone.

    >>> is_of(Matching(), "all"), is_of(Matching(), "disagreement"), is_of(None, "extra")
    (True, False, False)
    """
    if kind == "all":
        return True
    if matching is None:
        return False
    return {
        "disagreement": not matching.agrees,
        "class_flip": bool(matching.flips),
        "missed": bool(matching.missed),
        "extra": bool(matching.extra),
    }[kind]
