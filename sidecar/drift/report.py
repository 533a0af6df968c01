"""The report of a comparison, and how it comes about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from math import ceil, isnan
from typing import Any, Literal

import numpy as np

from sidecar.drift.blocks import BLOCKS_MIN, BLOCKS_SIDE_MAX, Block, Level, with_images, with_probes
from sidecar.drift.classes import AffectedClass, NewClass, new_classes
from sidecar.drift.distributions import chart_of, shown_name
from sidecar.drift.permutation import PERMUTATIONS_MAX, at_most
from sidecar.drift.scores import DETECTION_SCORES, INPUT_SCORES, SCORES, Measured, Score, judged, measure
from sidecar.drift.sentence import sentence_of
from sidecar.drift.sides import HOUR_OF_THE_DAY, BlockCounts, Sides, SideSize

MEANS = ("avg_confidence", "detections_per_image")
"""Averages that a report has of both sides."""
HOURS_ALIKE = (
    "Blocks are matched by the hour of the day, but hours within a day are alike: days that merely differ can look "
    "like drift; compare at least 6 days a side."
)
DAYS_INDEPENDENT = "Days are taken as independent of each other; a slow change (season, weather) is drift to this test."
LISTED_MAX = 100
"""Affected and new classes that a report lists, those that moved most."""

Verdict = Literal["drift", "no_drift", "too_few_blocks"]


@dataclass(frozen=True, slots=True)
class DriftReport:
    """How the current side differs from the reference; a distance is NaN where there is no data on both sides.

    ``class_drift`` ... ``input_drift`` are raw Jensen-Shannon distances, 0..1; ``scores`` tells the same with what
    chance gives and p-values. ``affected_classes`` are listed where the class score is significant at ``alpha`` before
    the gate, the largest change first. ``distributions`` are for charts (see ``chart_of``). Class names are exact, but
    for those of over NAME_CHARACTERS_MAX characters, which are cut.
    """

    class_drift: float
    confidence_drift: float
    count_drift: float
    box_drift: float
    input_drift: float
    scores: dict[str, Score]
    significant_drift: bool
    verdict: Verdict
    affected_classes: tuple[AffectedClass, ...]
    new_classes: tuple[NewClass, ...]
    n_reference: SideSize
    n_current: SideSize
    blocks: BlockCounts
    alpha: float
    limitations: tuple[str, ...]
    distributions: dict[str, Any]
    sentence: str = ""

    def to_dict(self, distributions: bool = False) -> dict[str, Any]:
        """JSON-able; None where there is nothing to tell."""
        document: dict[str, Any] = {f"{name}_drift": _number(getattr(self, f"{name}_drift")) for name in SCORES}
        sizes = {"reference": self.n_reference, "current": self.n_current}
        document["scores"] = {
            name: {field.name: _number(getattr(score, field.name)) for field in fields(score)}
            for name, score in self.scores.items()
        }
        document |= {
            "significant_drift": self.significant_drift,
            "verdict": self.verdict,
            "affected_classes": [_affected_document(item) for item in self.affected_classes],
            "new_classes": [
                {"class": item.name, "images": item.images, "blocks": item.blocks} for item in self.new_classes
            ],
            "n_reference": self.n_reference.to_dict(),
            "n_current": self.n_current.to_dict(),
            "blocks": self.blocks.to_dict(),
            "alpha": self.alpha,
            "limitations": list(self.limitations),
            "means": {name: {side: _number(getattr(size, name)) for side, size in sizes.items()} for name in MEANS},
            "sentence": self.sentence,
        }
        if distributions:
            document["distributions"] = self.distributions
        return document


def compare(
    reference: Sequence[Block],
    current: Sequence[Block],
    level: Level,
    *,
    independent: bool = False,
    alpha: float = 0.05,
    permutations: int = 999,
    seed: int = 0,
    inputs: tuple[Sequence[Block], Sequence[Block], Level] | None = None,
    reference_name: str = "",
) -> DriftReport:
    """Whether the blocks of ``current`` differ from those of ``reference`` by more than blocks of one side do.

    Blocks within a day are matched by hour of the day, unless images are declared ``independent``; the level ``IMAGE``
    is only for those. ``inputs`` are blocks for ``input_drift`` where others than the rest (the input probe is
    known by time only). Blocks without images have no say. ``reference_name`` is what the sentence calls the reference,
    where that needs a name (``sentence_of``). The same arguments, in whatever order of blocks, give the same report.
    Raises ValueError for an ``alpha`` out of 0..1, too few or too many ``permutations``, and images that are not
    independent.
    """
    _check(level, independent, alpha, permutations)
    sides = Sides.of(with_images(reference), with_images(current), level, independent)
    found = measure(sides, DETECTION_SCORES, permutations if sides.tested else 0, np.random.default_rng([seed, 1]))
    probed_reference, probed_current, probe_level = inputs or (reference, current, level)
    probed_sides = Sides.of(with_probes(probed_reference), with_probes(probed_current), probe_level, independent)
    # too few blocks of detections: nothing is tested
    probed_sides = replace(probed_sides, tested=probed_sides.tested and sides.tested)
    probed = measure(probed_sides, INPUT_SCORES, permutations, np.random.default_rng([seed, 2]))
    scores = judged({**found.scores, **probed.scores}, alpha)
    out_of_reach = _out_of_reach(found, scores, alpha)
    significant = any(score.significant for score in scores.values())
    decided = sides.tested and not out_of_reach
    moved = found.affected_classes(alpha) if at_most(scores["class"].p_adjusted, alpha) else []
    fresh = new_classes(sides.used.reference, sides.used.current, hours_differ=sides.matched) if sides.tested else []
    report = DriftReport(
        class_drift=scores["class"].distance,
        confidence_drift=scores["confidence"].distance,
        count_drift=scores["count"].distance,
        box_drift=scores["box"].distance,
        input_drift=scores["input"].distance,
        scores=scores,
        significant_drift=significant,
        verdict="drift" if significant else "no_drift" if decided else "too_few_blocks",
        affected_classes=tuple(replace(item, name=shown_name(item.name)) for item in moved[:LISTED_MAX]),
        new_classes=tuple(replace(item, name=shown_name(item.name)) for item in fresh[:LISTED_MAX]),
        n_reference=SideSize.of(sides.used.reference),
        n_current=SideSize.of(sides.used.current),
        blocks=BlockCounts(
            level, *sides.counted, HOUR_OF_THE_DAY if sides.matched else None, permutations if sides.tested else 0
        ),
        alpha=alpha,
        limitations=tuple(_limitations(found, probed, level, out_of_reach, alpha)),
        distributions=chart_of(found.table, ~found.deal.current) | chart_of(probed.table, ~probed.deal.current),
    )
    return replace(report, sentence=sentence_of(report, found.divergences | probed.divergences, reference_name))


def _check(level: Level, independent: bool, alpha: float, permutations: int) -> None:
    if level is Level.IMAGE and not independent:
        raise ValueError("level: single images are compared only where they are declared independent of each other")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha: {alpha} is not between 0 and 1")
    least = ceil(round(len(SCORES) / alpha, 6)) - 1
    if not least <= permutations <= PERMUTATIONS_MAX:
        raise ValueError(
            f"permutations: {permutations} is not within {least} to {PERMUTATIONS_MAX}; with fewer, no p-value of "
            f"{len(SCORES)} scores can be as low as alpha {alpha:g}"
        )


def _out_of_reach(found: Measured, scores: dict[str, Score], alpha: float) -> bool:
    """Whether so few relabelings exist that nothing could have been significant."""
    tested = sum(not isnan(score.p_value) for score in scores.values())
    return found.sides.tested and not at_most(found.deal.smallest_p * tested, alpha)


def _limitations(found: Measured, probed: Measured, level: Level, out_of_reach: bool, alpha: float) -> Iterator[str]:
    sides, probe_counted = found.sides, probed.sides.counted
    if level is Level.DAY:
        yield DAYS_INDEPENDENT
    if sides.matched:
        yield HOURS_ALIKE
    if sides.matched and not sides.tested:
        yield "The distances are of all hours: too few blocks are of hours of the day that both sides have."
    if level is Level.IMAGE:
        yield "Images are taken as independent of each other, as was declared."
    if sides.used.left_out or probed.sides.used.left_out:
        yield f"Of a side with more than {BLOCKS_SIDE_MAX:,} {level.plural}, only the latest are compared."
    if out_of_reach:
        yield (
            f"{sides.counted[0]} and {sides.counted[1]} {level.plural} can be dealt to two sides in only "
            f"{found.deal.distinct:,} ways: too few for any p-value to be as low as alpha {alpha:g} asks."
        )
    if sides.tested and not probed.sides.tested and min(probe_counted) > 0:
        yield (
            f"Input drift is not tested: images were probed in {probe_counted[0]} and {probe_counted[1]} blocks, "
            f"at least {BLOCKS_MIN} a side are needed."
        )


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and isnan(value) else value


def _affected_document(item: AffectedClass) -> dict[str, Any]:
    return {
        "class": item.name,
        "share_before": item.share_before,
        "share_after": item.share_after,
        "change": item.change,
        "p_value": item.p_value,
    }
