"""Results in a sentence or two that a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from sidecar.experiments.comparison import Comparison, MetricResult
from sidecar.experiments.plan import Plan
from sidecar.experiments.verdict import Judgement, change_of, p_of, too_few_of

REASONS_MAX = 4
"""Reasons that a sentence gives; the rest are counted."""
FEEDBACK = "feedback_score"


def sentence_of(
    judgement: Judgement, comparisons: Sequence[Comparison], plan: Plan, control: str, *, ended: bool = False
) -> str:
    """What the verdict is, why, and how much longer it may take where there is none. Of a test that has ``ended``
    nothing is still to come."""
    if not any(comparison.n_control or comparison.n_treatment for comparison in comparisons):
        return "No traffic came." if ended else "No traffic yet."
    reasons = _listed(_ended(judgement.reasons, comparisons, control) if ended else judgement.reasons)
    if judgement.verdict == "invalid":
        return f"Invalid: {reasons}."
    if judgement.verdict == "mixed":
        return _mixed(comparisons, reasons, ended)
    if judgement.verdict in ("b_better", "a_better"):
        return f"{judgement.winner} is better: {_subject(comparisons)}{reasons}."
    few = [too_few_of(item, control, ended=ended) for item in comparisons]
    if all(few):
        return f"Nothing can be said{'' if ended else ' yet'}: {_listed(few)}."
    no_difference = f"No sure difference {'found' if ended else 'yet'}"
    longer = "" if ended else f" {plan.text}"
    if len(comparisons) > 1:
        return f"{no_difference}: {reasons}.{longer}"
    return f"{no_difference}: {_so_far(comparisons[0].primary, comparisons[0].treatment)}.{longer}"


def _ended(reasons: Sequence[str], comparisons: Sequence[Comparison], control: str) -> list[str]:
    """Without what was still to come: of several treatments each has its reasons."""
    few = {
        f"{item.treatment}: {too_few_of(item, control)}": f"{item.treatment}: {too_few_of(item, control, ended=True)}"
        for item in comparisons
    }
    return [few.get(reason, reason).removesuffix(" so far") for reason in reasons]


def _mixed(comparisons: Sequence[Comparison], reasons: str, ended: bool) -> str:
    """Only where something speaks for a side and something against it are they mixed; else they merely differ."""
    if any(speaks_for_both(comparison) for comparison in comparisons):
        return f"Mixed, better in one and worse in another: {_subject(comparisons)}{reasons}."
    said = f"Different, but unclear which is better: {_subject(comparisons)}{reasons}."
    decider = "" if len(comparisons) > 1 else _decider(comparisons[0], ended)
    return f"{said} {decider}".rstrip()


def speaks_for_both(comparison: Comparison) -> bool:
    """Whether a metric finds the treatment better, and another one, or a guardrail, control."""
    favours = {item.favours for item in comparison.metrics}
    harmful = any(reading.decision == "harmful" for reading in comparison.guardrails)
    return "b" in favours and ("a" in favours or harmful)


def _decider(comparison: Comparison, ended: bool) -> str:
    """What would tell which is better, where nothing did: what people say of the random sample."""
    if any(item.favours for item in comparison.metrics):
        return ""
    feedback = next((item for item in comparison.metrics if item.metric.name == FEEDBACK), None)
    if feedback is None or (comparison.counts_differ and not feedback.primary):
        return f"Feedback decides that: a test with {FEEDBACK} as its primary metric, and reviews, can tell."
    missing = feedback.reason if feedback.decides else "none of it is reviewed"
    if not missing:
        return (
            f"Feedback decides that; reviews show no sure difference {'either' if ended else 'yet'} ({p_of(feedback)})."
        )
    if ended:
        return f"Feedback on the random sample would have decided that: {missing}."
    return f"Feedback decides that, so review the random sample: {missing}."


def _subject(comparisons: Sequence[Comparison]) -> str:
    """Whose values the reasons are about."""
    if len(comparisons) > 1:
        return ""
    return f"with {comparisons[0].treatment}, "


def _so_far(item: MetricResult, treatment: str) -> str:
    name, judged = item.metric.name, item.judged
    if not isfinite(item.difference):
        return f"there is no {name} to compare" + (f" ({item.reason})" if item.reason else "")
    so_far = f"{name} with {treatment} is {change_of(item)}" if item.difference else f"{name} is the same"
    if item.reason:
        return f"{so_far} ({item.reason})"
    if judged.of == "ratio":
        low, high = f"{judged.low:.2g}", f"{judged.high:.2g}" if isfinite(judged.high) else "any"
        return f"{so_far}, and may really be {low} to {high} times the control's (p = {item.p_value_always_valid:.2g})"
    bounds = f"{judged.low:+.3g} to {judged.high:+.3g} {item.metric.unit}"
    return f"{so_far}, and the real difference may be {bounds} (p = {item.p_value_always_valid:.2g})"


def _listed(reasons: Sequence[str]) -> str:
    more = len(reasons) - REASONS_MAX
    return "; ".join([*reasons[:REASONS_MAX], *([f"and {more} more"] if more > 0 else [])])
