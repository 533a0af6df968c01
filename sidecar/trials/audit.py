"""The reviewed images of the random sample, by arm: what the feedback score of a test rests on. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sidecar.experiments import FEEDBACK_NAMES, FEEDBACK_SCALES, feedback_moments
from sidecar.experiments.lifecycle import Trial
from sidecar.summaries import Moments
from sidecar.trials.exact import moments_by_group
from sidecar.trials.points import Points

WEIGHT_MAX = 1e9
"""Images that one may stand for; a draw rate that is lower is none."""
_CORRECT = "correct"

Cell = tuple[int, int, str]
"""The number of the epoch, that of the epoch in which the unit was seen first, the variant."""
First = tuple[int, str]
"""The epoch in which a unit was seen first, and its variant then."""


class AuditedRow(Protocol):
    """``n`` images that the random sample drew in a test, with a chance of ``draw_rate`` each (0: not known).

    ``verdict`` is empty of those that were not reviewed in the audit's order; of those that were, ``unit`` is the
    camera or user that sent them, ``request_id`` the request.
    """

    @property
    def epoch(self) -> int: ...

    @property
    def role(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def draw_rate(self) -> float: ...

    @property
    def verdict(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def request_id(self) -> str: ...

    @property
    def n(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Reviews:
    """Of one cell: ``moments`` of FEEDBACK_NAMES over the units whose images were reviewed, how many ``images`` those
    are, and out of how many that were drawn (``sampled``)."""

    moments: Moments = field(default_factory=feedback_moments)
    images: int = 0
    sampled: int = 0


@dataclass(frozen=True, slots=True)
class Audit:
    """All of a test. ``left_out`` counts images by reason: ``rate`` (not known how likely they were drawn), ``moved``
    (of a unit that was in another arm before), ``unit`` (of one that is not kept any more)."""

    cells: Mapping[Cell, Reviews]
    left_out: Mapping[str, int]

    @property
    def reviewed(self) -> bool:
        """Whether any image is: only then does a score rest on the sample."""
        return any(found.images for found in self.cells.values())

    def of(self, epoch: int, first: int, variant: str) -> Reviews:
        return self.cells.get((epoch, first, variant)) or Reviews()

    def notes(self) -> Iterator[str]:
        """What is left out, in sentences."""
        for reason, why in _WHY.items():
            if self.left_out.get(reason):
                yield f"Left out of the feedback score: {self.left_out[reason]:,} drawn images, {why}."


_WHY = {
    "rate": "of which it is not known how likely they were drawn",
    "moved": "of units that came to another arm when the split changed",
    "unit": "of units whose sums are not kept any more",
}


def audit_of(trial: Trial, rows: Iterable[AuditedRow], firsts: Mapping[str, First] | None = None) -> Audit:
    """Add up what was drawn and reviewed, each image weighted by 1 / draw_rate.

    ``firsts`` tells of lasting units, by name, where they were seen first; None where the unit is the request, whatever
    camera sent it. Images of one unit are added up before they are squared: they are not independent of each other.
    """
    by_version = variants_by_version(trial)
    sampled: Counter[Cell] = Counter()
    images: Counter[Cell] = Counter()
    sums: dict[Cell, dict[str, list[int]]] = defaultdict(dict)
    left_out: Counter[str] = Counter()
    for row in rows:
        variant = variant_of(trial, row.role, row.version, by_version)
        if variant is None:
            continue
        if not row.draw_rate * WEIGHT_MAX >= 1:
            left_out["rate"] += row.n
            continue
        first = row.epoch
        if row.verdict and firsts is not None:
            seen = firsts.get(row.unit)
            if seen is None or seen[1] != variant:
                left_out["unit" if seen is None else "moved"] += row.n
                continue
            first = min(seen[0], row.epoch)
        cell = (row.epoch, first, variant)
        sampled[cell] += row.n
        if row.verdict:
            images[cell] += row.n
            weight = round(row.n * FEEDBACK_SCALES[0] / row.draw_rate)
            of_unit = sums[cell].setdefault(row.request_id if firsts is None else row.unit, [0, 0])
            of_unit[0] += weight
            of_unit[1] += weight * (row.verdict == _CORRECT)
    return Audit({cell: Reviews(_moments(sums[cell]), images[cell], n) for cell, n in sampled.items()}, dict(left_out))


def variants_by_version(trial: Trial) -> dict[str, str]:
    points = Points.of_text(trial.opened_for)
    return {points.versions.get(variant, ""): variant for variant in trial.definition.variants[1:]}


def variant_of(trial: Trial, role: str, version: str, by_version: Mapping[str, str]) -> str | None:
    """None for traffic that is not analysed. Of several treatments each has a version of its own."""
    variants = trial.definition.variants
    if role == "control":
        return variants[0]
    if role != "treatment":
        return None
    return variants[1] if len(variants) == 2 else by_version.get(version)


def _moments(units: Mapping[str, list[int]]) -> Moments:
    if not units:
        return feedback_moments()
    (found,) = moments_by_group(FEEDBACK_NAMES, FEEDBACK_SCALES, np.array(list(units.values()), np.int64), [0])
    return found
