"""The scores of a comparison: a distance each, what chance gives, and a p-value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan, sqrt

import numpy as np
from numpy.typing import NDArray

from sidecar.drift.classes import AffectedClass, affected
from sidecar.drift.contrast import Contrast, over
from sidecar.drift.distributions import INPUT_PARTS, Table
from sidecar.drift.divergence import jensen_shannon
from sidecar.drift.permutation import Deal, at_most, permute
from sidecar.drift.sides import Sides
from sidecar.holm import holm

GATE = 0.1
"""A corrected distance under this is no drift, however sure it is (the threshold of Evidently and NannyML)."""

Parts = Mapping[str, tuple[str, ...]]
DETECTION_SCORES: Parts = {
    "class": ("class",),
    "confidence": ("confidence",),
    "count": ("count",),
    "box": ("area", "aspect"),
}
INPUT_SCORES: Parts = {"input": INPUT_PARTS}
SCORES = (*DETECTION_SCORES, *INPUT_SCORES)
"""A score of several parts is the mean of their divergences."""


@dataclass(frozen=True, slots=True)
class Score:
    """How far two distributions are apart. NaN where there is no data, or too few blocks to test.

    ``distance`` is the Jensen-Shannon distance, base 2, with bins joined as ``Table.joined`` says. Few observations
    alone make it large: ``null_mean`` is the root of the divergence that chance gives, ``corrected`` is
    sqrt(max(0, distance^2 - null_mean^2)). Chance gives the mean divergence after relabeling, or what the scatter of
    each side's blocks gives (``Contrast.noise``) where that is more, as where one side has far less than the other.
    ``p_value`` is of the contrast over its noise (``contrast``), ``p_adjusted`` is Holm's over the scores.
    ``n_reference`` and ``n_current`` are the detections, images or probed images behind it.
    """

    distance: float = nan
    corrected: float = nan
    null_mean: float = nan
    p_value: float = nan
    p_adjusted: float = nan
    significant: bool = False
    n_reference: int = 0
    n_current: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """The scores of some parts. ``divergences`` are those of each part, NaN without data on both sides."""

    sides: Sides
    deal: Deal
    table: Table
    scores: dict[str, Score]
    divergences: dict[str, float]
    class_p_values: NDArray[np.float64]

    def affected_classes(self, alpha: float) -> list[AffectedClass]:
        """Those whose share moved, each at ``alpha`` over all classes; none where nothing was tested."""
        if not self.class_p_values.size:
            return []
        cut = self.table.parts["class"]
        now = self.deal.current
        before, after = self.table.counts[~now, cut].sum(axis=0), self.table.counts[now, cut].sum(axis=0)
        return affected(self.table.names, before, after, self.class_p_values, alpha)


def measure(sides: Sides, parts_of: Parts, permutations: int, rng: np.random.Generator) -> Measured:
    """The scores of ``sides``, each of its parts, with p-values where there are enough blocks."""
    deal = sides.deal()
    full = Table.of(sides.blocks, [part for parts in parts_of.values() for part in parts])
    table = full.joined()
    before, now = table.counts[~deal.current].sum(axis=0), table.counts[deal.current].sum(axis=0)
    divergences = {part: float(jensen_shannon(before[cut], now[cut])) for part, cut in table.parts.items()}
    # parts without data on both sides have no say
    known = {
        score: cuts
        for score, parts in parts_of.items()
        if (cuts := [table.parts[part] for part in parts if not isnan(divergences[part])])
    }
    chances: dict[str, _Chance] = {}
    class_p_values = np.empty(0)
    if sides.tested and known:
        chances, class_p_values = _test(table, deal, known, permutations, rng)
    scores = {
        score: _score(
            [divergences[part] for part in parts] if score in known else [],
            chances.get(score),
            max(int(before[table.parts[part]].sum()) for part in parts),
            max(int(now[table.parts[part]].sum()) for part in parts),
        )
        for score, parts in parts_of.items()
    }
    return Measured(sides, deal, full, scores, divergences, class_p_values)


def judged(scores: Mapping[str, Score], alpha: float) -> dict[str, Score]:
    """The scores with Holm's p-values over those that were tested, and their significance."""
    tested = [name for name, score in scores.items() if not isnan(score.p_value)]
    adjusted = dict(zip(tested, holm([scores[name].p_value for name in tested]), strict=True))
    return {
        name: replace(
            score, p_adjusted=adjusted[name], significant=at_most(adjusted[name], alpha) and score.corrected >= GATE
        )
        if name in adjusted
        else score
        for name, score in scores.items()
    }


@dataclass(frozen=True, slots=True)
class _Chance:
    """Of a score: the divergence that chance gives, and the p-value."""

    divergence: float
    p_value: float


def _test(
    table: Table, deal: Deal, known: Mapping[str, Sequence[slice]], permutations: int, rng: np.random.Generator
) -> tuple[dict[str, _Chance], NDArray[np.float64]]:
    """What relabeling says of each score of ``known``, and p-values of the classes where ``class`` is known.

    The largest ratio over all classes gives p-values that hold for all classes together, whatever their dependence
    (max-T; Westfall and Young, Resampling-Based Multiple Testing, 1993, section 2.5).
    """
    contrasts = {
        score: [Contrast(table.counts[:, cut], deal.stratum, each=score == "class") for cut in cuts]
        for score, cuts in known.items()
    }
    flat = [contrast for of_score in contrasts.values() for contrast in of_score]
    columns = np.hstack([contrast.columns for contrast in flat])
    ends = np.cumsum([contrast.columns.shape[1] for contrast in flat])[:-1]

    def statistics(reference: NDArray[np.float64], current: NDArray[np.float64]) -> NDArray[np.float64]:
        pairs = zip(np.split(reference, ends, axis=1), np.split(current, ends, axis=1), strict=True)
        sums = dict(zip(flat, pairs, strict=True))
        divergences = [np.mean([one.divergence(*sums[one]) for one in each], axis=0) for each in contrasts.values()]
        means = [np.mean([one.moved_and_noise(*sums[one]) for one in each], axis=0) for each in contrasts.values()]
        ratios = [over(mean[:, 0], mean[:, 1]) for mean in means]
        largest = [one.each_bin(*sums[one]).max(axis=1) for one in contrasts.get("class", [])]
        return np.stack([*divergences, *ratios, *largest], axis=1)

    null = permute(columns, deal, statistics, permutations, rng)
    chances = {}
    for place, (score, of_score) in enumerate(contrasts.items()):
        noise = float(np.mean([contrast.noise(deal) for contrast in of_score]))
        chances[score] = _Chance(max(null.mean(place), noise), null.p_value(len(known) + place))
    class_p_values = np.empty(0)
    for contrast in contrasts.get("class", []):
        sides = contrast.columns[~deal.current], contrast.columns[deal.current]
        moved = contrast.each_bin(*(side.sum(axis=0, keepdims=True) for side in sides))[0]
        class_p_values = null.p_values(moved, 2 * len(known))
    return chances, class_p_values


def _score(divergences: Sequence[float], chance: _Chance | None, n_reference: int, n_current: int) -> Score:
    if not divergences:
        return Score(n_reference=n_reference, n_current=n_current)
    divergence = float(np.nanmean(divergences))
    score = Score(sqrt(divergence), n_reference=n_reference, n_current=n_current)
    if chance is None:
        return score
    corrected = sqrt(max(0.0, divergence - chance.divergence)) if not isnan(chance.divergence) else nan
    return replace(score, corrected=corrected, null_mean=sqrt(chance.divergence), p_value=chance.p_value)
