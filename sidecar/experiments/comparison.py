"""A treatment against control in all that is asked: metrics, guardrails, whether feedback came alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any

from sidecar.experiments import rare
from sidecar.experiments.arms import Epoch
from sidecar.experiments.epochs import Pair, pairs_of
from sidecar.experiments.guardrails import Guardrail, GuardrailReading, read_guardrail
from sidecar.experiments.judging import Judged, Tuning, judge
from sidecar.experiments.metrics import COUNT_METRICS, METRICS, Metric
from sidecar.holm import holm

FEEDBACK_P_MIN = 0.001
"""Feedback that comes at rates so unlike says more about who gives it than about the models."""


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric of a treatment (b) against control (a); NaN where there is nothing to tell.

    ``control`` and ``treatment`` are combined over epochs, so that their difference is ``difference``.
    ``p_value_always_valid`` is the lowest so far, ``p_value_fixed_horizon`` is true only for one look at a number of
    units settled beforehand. ``p_adjusted`` is Holm's over the secondary metrics of all treatments (of the primary
    one: over treatments). ``decides``: the verdict may rest on it.
    """

    metric: Metric
    primary: bool
    judged: Judged
    p_value_always_valid: float
    p_adjusted: float
    significant: bool
    decides: bool
    reason: str

    @property
    def control(self) -> float:
        return self.judged.estimate.control

    @property
    def difference(self) -> float:
        return self.judged.estimate.difference

    @property
    def treatment(self) -> float:
        return self.control + self.difference

    @property
    def relative_difference(self) -> float:
        return self.judged.estimate.relative

    @property
    def favours(self) -> str:
        """``a`` or ``b`` where a significant difference makes one better, else empty."""
        if not self.significant or not self.decides or not self.metric.better:
            return ""
        return "b" if (self.difference > 0) == (self.metric.better == "higher") else "a"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; None for NaN and for a side that is not bounded yet."""
        judged = self.judged
        return {
            "metric": self.metric.name,
            "kind": self.metric.kind,
            "direction": self.metric.direction,
            "unit": self.metric.unit,
            "primary": self.primary,
            "model_a": number(self.control),
            "model_b": number(self.treatment),
            "difference": number(self.difference),
            "relative_difference": number(self.relative_difference),
            "confidence_sequence": [number(judged.low), number(judged.high)],
            "confidence_sequence_of": judged.of,
            "method": judged.method,
            "p_value_always_valid": self.p_value_always_valid,
            "p_value_fixed_horizon": number(judged.p_value_fixed_horizon),
            "p_adjusted": self.p_adjusted,
            "significant": self.significant,
            "favours": {"a": "model_a", "b": "model_b", "": None}[self.favours],
            "n": {"model_a": judged.estimate.n_control, "model_b": judged.estimate.n_treatment},
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """``counts_differ`` names those of COUNT_METRICS that differ (Holm over them). ``feedback_p_value`` is against
    feedback coming equally often, 1 where that is not asked. ``n_control`` and ``n_treatment`` are units, ``share`` is
    the part of both that came to the treatment by the latest split, NaN where there was none."""

    treatment: str
    metrics: tuple[MetricResult, ...]
    guardrails: tuple[GuardrailReading, ...]
    counts_differ: tuple[str, ...]
    feedback_p_value: float
    n_control: int
    n_treatment: int
    share: float = nan

    @property
    def primary(self) -> MetricResult:
        return self.metrics[0]


def compare(
    epochs: Sequence[Epoch],
    treatments: Sequence[str],
    metrics: Sequence[str],
    guardrails: Sequence[Guardrail],
    tuning: Tuning,
    lowest: Mapping[str, float],
) -> tuple[list[Comparison], dict[str, float]]:
    """(each treatment against control, the lowest p-values now, by "treatment/metric"). The first metric is the
    primary one; ``lowest`` are the lowest p-values so far. ``epochs`` are ``of_one_source``."""
    now: dict[str, float] = {}

    def least(key: str, p_value: float) -> float:
        now[key] = min(p_value, lowest.get(key, 1.0))
        return now[key]

    judged = {
        (treatment, name): judge(METRICS[name], pairs_of(epochs, treatment, name), tuning)
        for treatment in treatments
        for name in dict.fromkeys((*metrics, *COUNT_METRICS))
    }
    p_values = {
        (treatment, name): least(_key(epochs, treatment, name), found.p_value_always_valid)
        for (treatment, name), found in judged.items()
    }
    families = [
        [(treatment, metrics[0]) for treatment in treatments],
        [(treatment, name) for treatment in treatments for name in metrics[1:]],
    ]
    adjusted = {
        key: p for family in families for key, p in zip(family, holm([p_values[key] for key in family]), strict=True)
    }
    part = tuning.alpha / max(1, len(guardrails) * len(treatments))
    found = []
    for treatment in treatments:
        results = [
            _result(name, place == 0, judged[treatment, name], p_values[treatment, name], adjusted[treatment, name])
            for place, name in enumerate(metrics)
        ]
        results = [replace(item, significant=item.p_adjusted <= tuning.alpha) for item in results]
        counts = holm([p_values[treatment, name] for name in COUNT_METRICS])
        feedback = (
            least(f"{treatment}/feedback_rate", _feedback_p(epochs, treatment)) if "feedback_score" in metrics else 1.0
        )
        n_control, n_treatment = _units(epochs, treatment)
        found.append(
            Comparison(
                treatment,
                tuple(_undecided_feedback(epochs, item) for item in results),
                tuple(
                    read_guardrail(guardrail, _decisive(epochs, treatment, guardrail.metric), part, tuning)
                    for guardrail in guardrails
                ),
                tuple(name for name, p in zip(COUNT_METRICS, counts, strict=True) if p <= tuning.alpha),
                feedback,
                n_control,
                n_treatment,
                _latest_share(epochs, treatment),
            )
        )
    return found, now


def number(value: float) -> float | None:
    """None for what JSON has no number for."""
    return float(value) if isfinite(value) else None


def _result(name: str, primary: bool, judged: Judged, p_value: float, p_adjusted: float) -> MetricResult:
    return MetricResult(METRICS[name], primary, judged, p_value, p_adjusted, False, True, judged.reason)


def _decisive(epochs: Sequence[Epoch], treatment: str, name: str) -> list[Pair]:
    """The pairs that a guardrail may stop a version by: none of what users sent by themselves."""
    if name == "feedback_score" and not _reviewed(epochs):
        return []
    return pairs_of(epochs, treatment, name)


def _reviewed(epochs: Sequence[Epoch]) -> bool:
    """Whether the feedback score is of the random sample."""
    return any(arm.reviewed for epoch in epochs for arm in epoch.arms)


def _undecided_feedback(epochs: Sequence[Epoch], result: MetricResult) -> MetricResult:
    """What users send by themselves is shown, and nothing rests on it: who complains is not who is content."""
    if result.metric.name != "feedback_score":
        return result
    if _reviewed(epochs):
        return result
    reason = result.reason or "it is of feedback that users sent by themselves, not of a random sample"
    return replace(result, decides=False, reason=reason)


def _key(epochs: Sequence[Epoch], treatment: str, name: str) -> str:
    """What the lowest p-value is kept under: one of what users sent must not become one of the random sample."""
    if name == "feedback_score" and not _reviewed(epochs):
        name = "user_feedback_score"
    return f"{treatment}/{name}"


def _feedback_p(epochs: Sequence[Epoch], treatment: str) -> float:
    """Against users sending feedback as often to both arms; lasting units give theirs too unevenly to be tested so.

    Where the store lost what had been given, and less than none is left, nothing is known.
    """
    pairs = [pair for epoch in epochs if (pair := epoch.pair(treatment))]
    if not pairs or any(control.clustered or arm.clustered for control, arm, _ in pairs):
        return 1.0
    given = [[control.user_feedback.n for control, _, _ in pairs], [arm.user_feedback.n for _, arm, _ in pairs]]
    if min(map(min, given)) < 0:
        return 1.0
    return float(rare.p_value(given[0], given[1], [share for _, _, share in pairs]))


def _latest_share(epochs: Sequence[Epoch], treatment: str) -> float:
    pairs = (epoch.pair(treatment) for epoch in reversed(epochs) if not epoch.returning)
    return next((pair[2] for pair in pairs if pair), nan)


def _units(epochs: Sequence[Epoch], treatment: str) -> tuple[int, int]:
    pairs = [pair for epoch in epochs if not epoch.returning and (pair := epoch.pair(treatment))]
    return sum(control.units for control, _, _ in pairs), sum(arm.units for _, arm, _ in pairs)
