"""The results of an experiment: what ``get_ab_test_results`` gives, typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

from sidecar.experiments.arms import Arm, Epoch, of_one_source, total_of
from sidecar.experiments.comparison import Comparison, MetricResult, compare, number
from sidecar.experiments.epochs import pairs_of
from sidecar.experiments.guardrails import DEFAULT_GUARDRAILS, Guardrail, GuardrailReading
from sidecar.experiments.judging import Tuning
from sidecar.experiments.metrics import METRICS, metric_named
from sidecar.experiments.plan import Plan, plan_for
from sidecar.experiments.sentence import sentence_of
from sidecar.experiments.srm import Srm, srm_of
from sidecar.experiments.verdict import (
    Judgement,
    Verdict,
    failover_notes_of,
    feedback_notes_of,
    judgement_of,
    notes_of,
    overall,
)

VARIANTS_MAX = 10
DEFAULT_METRICS = ("confidence", "latency", "feedback_score")


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """What is shown of one variant, over all epochs; NaN where there is nothing to take a mean of.

    ``n`` are units analysed, lasting ones once. Latencies are the upstream's: the average of successful responses,
    percentiles of all, off by 4.5 % at most. ``feedback_score`` is of the reviewed random sample where there is one,
    else of what users sent, and ``n_feedback`` are images; ``feedback_completeness`` is the part of the ``n_sampled``
    drawn images that is reviewed. ``user_feedback_rate`` is how many verdicts users sent an image.
    """

    name: str
    n: int
    requests: int
    images: int
    avg_confidence: float
    avg_latency_ms: float
    p50_latency_ms: float
    p99_latency_ms: float
    feedback_score: float
    error_rate: float
    detections_per_image: float
    no_detection_rate: float
    undecodable_rate: float
    slow_rate: float
    n_feedback: int
    n_sampled: int
    feedback_completeness: float
    user_feedback_score: float
    n_user_feedback: int
    user_feedback_rate: float
    moved: int

    @classmethod
    def of(cls, arm: Arm) -> VariantFigures:
        """What an arm comes to."""
        value = {name: arm.of(name).value for name in METRICS}
        return cls(
            arm.name,
            arm.assigned if arm.clustered else arm.units,
            arm.requests,
            arm.images,
            value["confidence"],
            value["latency"],
            arm.latency.quantile(0.5),
            arm.latency.quantile(0.99),
            value["feedback_score"],
            value["error_rate"],
            value["detections_per_image"],
            value["no_detection_rate"],
            value["undecodable_rate"],
            value["slow_rate"],
            arm.judged if arm.reviewed else arm.of("feedback_score").n,
            arm.sampled,
            arm.judged / arm.sampled if arm.sampled else nan,
            arm.user_feedback.value,
            arm.user_feedback.n,
            arm.user_feedback.n / arm.images if arm.images else nan,
            arm.moved,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; None for NaN."""
        document = {name: getattr(self, name) for name in self.__slots__}
        return {name: number(value) if isinstance(value, float) else value for name, value in document.items()}


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """One treatment against control."""

    treatment: str
    metrics: dict[str, MetricResult]
    guardrails: tuple[GuardrailReading, ...]
    counts_differ: tuple[str, ...]
    feedback_p_value: float
    verdict: Verdict
    winner: str
    reasons: tuple[str, ...]
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "variant": self.treatment,
            "metrics": {name: result.to_dict() for name, result in self.metrics.items()},
            "guardrails": [reading.to_dict() for reading in self.guardrails],
            "counts_differ": list(self.counts_differ),
            "feedback_p_value": self.feedback_p_value,
            "verdict": self.verdict,
            "winner": self.winner or None,
            "reasons": list(self.reasons),
            "p_value": self.p_value,
        }


@dataclass(frozen=True, slots=True)
class Results:
    """``p_value`` is the primary metric's always-valid one (with several treatments the lowest, adjusted by Holm).

    ``variants`` are control first; ``sentence_ended`` is what the sentence says once the test has ended; ``lowest`` has
    the lowest p-values so far, to be kept and given to the next call.
    """

    variants: dict[str, VariantFigures]
    comparisons: tuple[ComparisonResult, ...]
    primary_metric: str
    p_value: float
    alpha: float
    srm: Srm
    verdict: Verdict
    winner: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    sentence: str
    sentence_ended: str
    how_much_longer: Plan
    epochs: int
    elapsed_s: float
    lowest: dict[str, float]
    failover: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The documented shape; JSON-able, None (null) for what there is no number for.

        - ``model_a`` (control), ``model_b`` (the first treatment), ``variants`` by name: see ``VariantFigures``.
        - ``p_value``: the primary metric's, always valid; 1.0 before any traffic. ``primary_metric``, ``alpha``.
        - ``metrics`` and ``guardrails`` of ``model_b``: see ``MetricResult`` and ``GuardrailReading``; with several
          treatments each has its own in ``comparisons``, with its verdict.
        - ``confidence_sequence`` [low, high] bounds what ``confidence_sequence_of`` says: the ``difference`` (b - a, in
          the metric's unit) or, for rare events, the ``ratio`` (b / a). None is a side not bounded yet.
        - ``srm``: {p_value, ok, expected, observed}, units by variant.
        - ``verdict``: b_better, a_better, no_difference_yet, mixed or invalid; ``winner`` (a variant's name or None),
          ``reasons``, ``notes``, ``sentence``; ``failover``: requests that control answered for a treatment.
        - ``how_much_longer``: {metric, effect, effect_relative, power, units, units_seen, units_left, seconds, text}.
        - ``epochs`` with traffic, ``elapsed_s``.
        """
        figures = list(self.variants.values())
        first = self.comparisons[0].to_dict()
        return {
            "model_a": figures[0].to_dict(),
            "model_b": figures[1].to_dict(),
            "variants": {name: item.to_dict() for name, item in self.variants.items()},
            "primary_metric": self.primary_metric,
            "p_value": self.p_value,
            "alpha": self.alpha,
            "metrics": first["metrics"],
            "guardrails": first["guardrails"],
            "comparisons": [item.to_dict() for item in self.comparisons],
            "srm": self.srm.to_dict(),
            "verdict": self.verdict,
            "winner": self.winner or None,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "failover": self.failover,
            "sentence": self.sentence,
            "how_much_longer": self.how_much_longer.to_dict(),
            "epochs": self.epochs,
            "elapsed_s": self.elapsed_s,
        }


def results(
    variants: Sequence[str],
    epochs: Sequence[Epoch],
    metrics: Sequence[str] = DEFAULT_METRICS,
    *,
    elapsed_s: float = 0.0,
    tuning: Tuning | None = None,
    guardrails: Sequence[Guardrail] = DEFAULT_GUARDRAILS,
    effect_relative: float | None = None,
    lowest: Mapping[str, float] | None = None,
    notes: Sequence[str] = (),
    failover: int = 0,
) -> Results:
    """What is known of an experiment with these ``variants``, control first, after ``epochs`` (none yet is fine).

    The first of ``metrics`` is the primary one. ``elapsed_s`` is how long it has run; ``effect_relative`` the
    difference in the primary metric to plan for, as a share of control's value; ``lowest`` what the call before gave;
    ``failover`` how many requests control answered because their treatment was down, ``notes`` what else a reader must
    know.
    Raises ValueError for variants, metrics or epochs that do not fit.
    """
    _check(variants, epochs, metrics)
    tuning, lowest, epochs = tuning or Tuning(), lowest or {}, of_one_source(epochs)
    comparisons, now = compare(epochs, variants[1:], metrics, guardrails, tuning, lowest)
    srm = srm_of(epochs, variants, lowest.get("srm", 1.0))
    judgements = [(comparison, judgement_of(comparison, srm, variants[0])) for comparison in comparisons]
    judgement = overall(judgements, variants[0])
    arms = {name: _total(name, epochs) for name in variants}
    plan = _plan(epochs, variants, metrics[0], judgement, tuning, elapsed_s, effect_relative)
    used = [epoch for epoch in epochs if any(arm.units for arm in epoch.arms)]
    said = notes_of(
        comparisons,
        elapsed_s,
        len(used),
        sum(arm.moved for arm in arms.values()),
        len(used) > 1 and any(arm.clustered for arm in arms.values()),
    )
    of_feedback = feedback_notes_of(list(arms.values())) if "feedback_score" in metrics else ()
    return Results(
        {name: VariantFigures.of(arm) for name, arm in arms.items()},
        tuple(_comparison_result(comparison, found) for comparison, found in judgements),
        metrics[0],
        min(_p_value(comparison) for comparison in comparisons),
        tuning.alpha,
        srm,
        judgement.verdict,
        judgement.winner,
        judgement.reasons,
        (*said, *failover_notes_of(failover), *of_feedback, *notes),
        sentence_of(judgement, comparisons, plan, variants[0]),
        sentence_of(judgement, comparisons, plan, variants[0], ended=True),
        plan,
        len({epoch.number for epoch in used}),
        elapsed_s,
        {**lowest, **now, "srm": srm.p_value},
        failover,
    )


def _check(variants: Sequence[str], epochs: Sequence[Epoch], metrics: Sequence[str]) -> None:
    if not 2 <= len(variants) <= VARIANTS_MAX:
        raise ValueError(f"variants: {len(variants)} of them, expected 2 to {VARIANTS_MAX}")
    if len(set(variants)) != len(variants):
        raise ValueError(f"variants: {', '.join(variants)} are not all different")
    if not metrics:
        raise ValueError("metrics: there is none")
    if len(set(metrics)) != len(metrics):
        raise ValueError(f"metrics: {', '.join(metrics)} are not all different")
    for name in metrics:
        metric_named(name)
    for epoch in epochs:
        if epoch.control.name != variants[0] or not {arm.name for arm in epoch.treatments} <= set(variants[1:]):
            raise ValueError(f"epochs: {', '.join(arm.name for arm in epoch.arms)} are not {', '.join(variants)}")


def _total(name: str, epochs: Sequence[Epoch]) -> Arm:
    return total_of([Arm(name), *(arm for epoch in epochs for arm in epoch.arms if arm.name == name)])


def _plan(
    epochs: Sequence[Epoch],
    variants: Sequence[str],
    primary: str,
    judgement: Judgement,
    tuning: Tuning,
    elapsed_s: float,
    effect_relative: float | None,
) -> Plan:
    treatment = judgement.winner if judgement.winner in variants[1:] else variants[1]
    return plan_for(METRICS[primary], pairs_of(epochs, treatment, primary), tuning, elapsed_s, effect_relative)


def _p_value(comparison: Comparison) -> float:
    # with one treatment there is nothing to adjust the primary metric for: this is its always-valid p-value
    return comparison.primary.p_adjusted


def _comparison_result(comparison: Comparison, found: Judgement) -> ComparisonResult:
    return ComparisonResult(
        comparison.treatment,
        {item.metric.name: item for item in comparison.metrics},
        comparison.guardrails,
        comparison.counts_differ,
        comparison.feedback_p_value,
        found.verdict,
        found.winner,
        found.reasons,
        _p_value(comparison),
    )
