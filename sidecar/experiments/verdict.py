"""What a comparison comes to, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from sidecar.experiments.arms import Arm
from sidecar.experiments.comparison import FEEDBACK_P_MIN, Comparison, MetricResult
from sidecar.experiments.metrics import METRICS
from sidecar.experiments.sequential import UNITS_MIN
from sidecar.experiments.srm import Srm

Verdict = Literal["b_better", "a_better", "no_difference_yet", "mixed", "invalid"]
WEEK_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """``winner`` names the variant that is better, empty where none is. ``reasons`` are sentences without a stop."""

    verdict: Verdict
    winner: str
    reasons: tuple[str, ...]


def judgement_of(comparison: Comparison, srm: Srm, control: str) -> Judgement:
    """One treatment against control.

    Invalid: a sample ratio mismatch, or feedback at unlike rates. Harm that a guardrail finds in a metric of which one
    side is better speaks for control, under UNITS_MIN too. Where detections per image or the no-detection rate differ,
    or one metric speaks for each, it is mixed; but not where the primary metric is what people said of a random sample,
    since they judged those very detections. What is neither better nor worse, such as confidence, makes it mixed where
    nothing else speaks. What is mixed without any metric that speaks for a side is different, and nobody knows which
    side is better: ``sentence_of`` says so.
    """
    invalid = [*_mismatch(srm), *_feedback(comparison)]
    if invalid:
        return Judgement("invalid", "", tuple(invalid))
    few = too_few_of(comparison, control)
    broken = [reading for reading in comparison.guardrails if reading.decision == "harmful"]
    harms = [reading.reason for reading in broken if METRICS[reading.metric].better]
    moved = [reading.reason for reading in broken if not METRICS[reading.metric].better]
    if few and not broken:
        return Judgement("no_difference_yet", "", (few,))
    significant = [] if few else [item for item in comparison.metrics if item.significant]
    for_b = [_say(item) for item in significant if item.favours == "b"]
    for_a = [_say(item) for item in significant if item.favours == "a"] + harms
    neutral = [_neutral(item) for item in significant if not item.favours]
    counts = () if few else comparison.counts_differ
    if counts and comparison.primary.metric.name == "feedback_score" and comparison.primary.favours:
        neutral += [f"{' and '.join(counts)} {_verb(counts)}, which the reviews have taken into account"]
        counts = ()
    if harms and not for_b:
        return Judgement("a_better", control, tuple(for_a))
    if counts or moved:
        return Judgement("mixed", "", (*_counts(counts), *moved, *for_b, *for_a))
    if for_b and for_a:
        return Judgement("mixed", "", (*for_b, *for_a))
    if for_b:
        return Judgement("b_better", comparison.treatment, (*for_b, *neutral))
    if for_a:
        return Judgement("a_better", control, (*for_a, *neutral))
    if neutral:
        return Judgement("mixed", "", tuple(neutral))
    return Judgement("no_difference_yet", "", ("no metric surely differs so far",))


def overall(judgements: Sequence[tuple[Comparison, Judgement]], control: str) -> Judgement:
    """Of several treatments: one is better (the one with the most telling primary metric), or control is than all."""
    if len(judgements) == 1:
        return judgements[0][1]
    reasons = tuple(f"{comparison.treatment}: {reason}" for comparison, found in judgements for reason in found.reasons)
    verdicts = [found.verdict for _, found in judgements]
    if "invalid" in verdicts:
        return Judgement("invalid", "", tuple(dict.fromkeys(judgements[verdicts.index("invalid")][1].reasons)))
    better = [comparison for comparison, found in judgements if found.verdict == "b_better"]
    if better:
        best = min(better, key=lambda item: item.primary.p_value_always_valid)
        return Judgement("b_better", best.treatment, reasons)
    if all(verdict == "a_better" for verdict in verdicts):
        return Judgement("a_better", control, reasons)
    return Judgement("mixed" if "mixed" in verdicts else "no_difference_yet", "", reasons)


def notes_of(
    comparisons: Sequence[Comparison], elapsed_s: float, epochs: int, moved: int, clustered: bool
) -> Iterator[str]:
    """What a reader must know of these results, whatever they say."""
    if elapsed_s < WEEK_S:
        yield "Not a full week: days of the week may differ."
    if epochs > 1:
        yield (
            f"The split changed: differences are taken within each of {epochs} epochs and then combined; the averages "
            "of variants are over all epochs and can't be subtracted."
        )
    if moved:
        yield f"{moved:,} units came to another arm when the split changed, and are left out from then on."
    if clustered:
        yield "Lasting units that come in several epochs are taken as the same ones: errors add up."
    metrics = [item for comparison in comparisons for item in comparison.metrics]
    if any(not item.decides and item.judged.estimate.n for item in metrics):
        yield "The feedback score is of what users sent by themselves: it is shown, the verdict does not rest on it."


def failover_notes_of(requests: int) -> Iterator[str]:
    """What a reader must know where control answered ``requests`` that were a treatment's.

    >>> list(failover_notes_of(0))
    []
    """
    if requests:
        yield (
            f"{requests:,} requests were answered by control because the version they were due was down. They are in no"
            " figure, nor is what was served meanwhile: only times when all versions were up are compared, so how often"
            " one is down is not part of the verdict."
        )


def feedback_notes_of(arms: Sequence[Arm]) -> Iterator[str]:
    """What a reader must know of the feedback of all arms, each over its epochs."""
    drawn = ", ".join(f"{arm.judged:,} of {arm.sampled:,} with {arm.name}" for arm in arms)
    if any(arm.reviewed and arm.sampled for arm in arms):
        yield f"The feedback score is of the random sample, of which so many images are reviewed: {drawn}."
    elif any(arm.sampled for arm in arms):
        yield f"No verdict can rest on feedback yet: of the images drawn for the audit are reviewed {drawn}."
    if any(arm.clustered and arm.user_feedback.n for arm in arms):
        yield (
            "Whether users send feedback as often with each variant is shown, not tested: lasting units send too "
            "unevenly."
        )
    if any(arm.user_feedback.n < 0 or not 0 <= arm.user_feedback.x <= arm.user_feedback.n for arm in arms):
        yield "More of the users' feedback was taken back than given: what was given is no longer in the store."


def _mismatch(srm: Srm) -> Iterator[str]:
    if not srm.ok:
        observed = " : ".join(f"{count:,}" for count in srm.observed.values())
        expected = " : ".join(f"{count:,.0f}" for count in srm.expected.values())
        yield f"units arrived as {observed} where {expected} were expected (p = {srm.p_value:.2g})"


def _feedback(comparison: Comparison) -> Iterator[str]:
    if comparison.feedback_p_value < FEEDBACK_P_MIN:
        yield f"users sent feedback at different rates with the two variants (p = {comparison.feedback_p_value:.2g})"


def too_few_of(comparison: Comparison, control: str, *, ended: bool = False) -> str:
    """That there are too few units for a verdict, how many there are and about how many more it takes by the latest
    split, of a test that has ``ended`` only how many it took; empty where there are enough."""
    n_control, n_treatment, share = comparison.n_control, comparison.n_treatment, comparison.share
    if min(n_control, n_treatment) >= UNITS_MIN:
        return ""
    needed = f"at least {UNITS_MIN} each {'were' if ended else 'are'} needed"
    if 0 < share < 1 and not ended:
        more = max((UNITS_MIN - n_control) / (1 - share), (UNITS_MIN - n_treatment) / share)
        needed += f", about {ceil(more):,} more in all"
    return f"too few units ({n_control:,} with {control} and {n_treatment:,} with {comparison.treatment}; {needed})"


def _say(item: MetricResult) -> str:
    return f"{item.metric.name} is {change_of(item)} ({p_of(item)})"


def _neutral(item: MetricResult) -> str:
    if item.metric.better and not item.decides:
        return f"{_say(item)}, of feedback that users sent by themselves"
    return f"{_say(item)}, which alone is neither better nor worse"


def _counts(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"{' and '.join(names)} {_verb(names)}, so that confidences are of other detections and can't be compared"


def _verb(names: Sequence[str]) -> str:
    return "differ" if len(names) > 1 else "differs"


def change_of(item: MetricResult) -> str:
    """Such as "12 % lower"."""
    side = "higher" if item.difference > 0 else "lower"
    relative = abs(item.relative_difference)
    if relative == relative and relative < 10:
        return f"{100 * relative:.2g} % {side}" if relative < 0.1 else f"{100 * relative:.0f} % {side}"
    return f"{abs(item.difference):.3g} {item.metric.unit} {side}"


def p_of(item: MetricResult) -> str:
    """The p-value that the verdict rests on."""
    return f"p = {item.p_adjusted:.2g}" if item.p_adjusted >= 1e-4 else "p < 0.0001"
