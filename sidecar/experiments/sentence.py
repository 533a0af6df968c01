"""Results in a sentence or two that a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from sidecar.experiments.comparison import Comparison, MetricResult
from sidecar.experiments.plan import Plan
from sidecar.experiments.verdict import Judgement, change_of

REASONS_MAX = 4
"""Reasons that a sentence gives; the rest are counted."""


def sentence_of(judgement: Judgement, comparisons: Sequence[Comparison], plan: Plan) -> str:
    """What the verdict is, why, and how much longer it may take where there is none."""
    if not any(comparison.n_control or comparison.n_treatment for comparison in comparisons):
        return "No traffic yet."
    reasons = _listed(judgement.reasons)
    if judgement.verdict == "invalid":
        return f"Invalid: {reasons}."
    if judgement.verdict == "mixed":
        return f"Mixed: {reasons}."
    if judgement.verdict in ("b_better", "a_better"):
        return f"{judgement.winner} is better: {_subject(comparisons)}{reasons}."
    if len(comparisons) > 1:
        return f"No difference yet: {reasons}. {plan.text}"
    if judgement.reasons[0].startswith("too few"):
        return f"No difference yet: {reasons}."
    return f"No difference yet: {_so_far(comparisons[0].primary, comparisons[0].treatment)}. {plan.text}"


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
        return f"{so_far}, and may be {low} to {high} times the control's (p = {item.p_value_always_valid:.2g})"
    bounds = f"{judged.low:+.3g} to {judged.high:+.3g} {item.metric.unit}"
    return f"{so_far}, and may be {bounds} off (p = {item.p_value_always_valid:.2g})"


def _listed(reasons: Sequence[str]) -> str:
    more = len(reasons) - REASONS_MAX
    return "; ".join([*reasons[:REASONS_MAX], *([f"and {more} more"] if more > 0 else [])])
