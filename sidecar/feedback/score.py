"""The feedback score: the share of images whose prediction is correct, from the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

from sidecar.feedback.proportion import proportion


@dataclass(frozen=True, slots=True)
class Score:
    """``value`` within ``lower`` and ``upper`` (95 %), of ``n`` reviewed images out of ``sampled`` that were drawn.

    NaN where there are none. ``effective_n``: so many images of equal weight would tell as much.
    """

    value: float = nan
    lower: float = nan
    upper: float = nan
    n: int = 0
    sampled: int = 0
    effective_n: float = 0.0

    @property
    def completeness(self) -> float:
        """What part of the sample is reviewed; NaN without a sample."""
        return self.n / self.sampled if self.sampled else nan


def score(weights: Sequence[float], correct: Sequence[bool], sampled: int) -> Score:
    """Of reviewed images with their ``weights``, 1 / (the chance they were drawn with). See ``proportion``.

    It is of all images that came, not of the sample: an image drawn with 1 in 100 stands for 100. Each was drawn
    independently of the others, so images may depend on each other, as those of one camera do.

    >>> found = score([10.0] * 10 + [1.0] * 10, [True] * 10 + [False] * 10, 25)
    >>> round(found.value, 3), found.n, found.completeness
    (0.909, 20, 0.8)
    """
    found = proportion(weights, [float(right) for right in correct], [1.0] * len(correct))
    return Score(found.value, found.lower, found.upper, found.n, max(sampled, found.n), found.effective_n)
