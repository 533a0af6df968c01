"""Guardrails: one-sided, against a margin, however often one looks.

Harm stops a variant; a ramp goes on once harm beyond the margin is excluded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any, Literal

from sidecar.experiments import rare, sequential
from sidecar.experiments.epochs import Pair, estimate
from sidecar.experiments.judging import UNITS_WITH_EVENTS_MIN, Tuning, by_events, event_counts, events_units, too_few
from sidecar.experiments.metrics import METRICS, Metric, metric_named

Decision = Literal["harmful", "safe", "not_yet"]


@dataclass(frozen=True, slots=True)
class Guardrail:
    """Harm is a treatment's value beyond ``margin`` times the control's (over it, or under it where lower is harm).

    Of a rare event the ratio may stay unknown for ever; so a rate that is surely under ``floor`` is safe as well.
    Raises ValueError.
    """

    metric: str
    margin: float
    floor: float = 0.0

    def __post_init__(self) -> None:
        metric = metric_named(self.metric, "guardrails")
        if not metric.harm:
            raise ValueError(f"guardrails: {self.metric} is no harm on either side")
        if not (self.margin >= 1 if metric.harm == "higher" else 0 < self.margin <= 1):
            expected = "at least 1" if metric.harm == "higher" else "over 0 and at most 1"
            raise ValueError(f"guardrails: the margin of {self.metric} is {self.margin}, expected {expected}")
        if not 0 <= self.floor < 1:
            raise ValueError(f"guardrails: the floor of {self.metric} is {self.floor}, expected 0 to 1")

    @property
    def of(self) -> Metric:
        return METRICS[self.metric]


DEFAULT_GUARDRAILS = (
    Guardrail("error_rate", 1.5, floor=0.005),
    Guardrail("latency", 1.1),
    Guardrail("undecodable_rate", 1.5, floor=0.005),
    Guardrail("no_detection_rate", 1.5, floor=0.005),
)


@dataclass(frozen=True, slots=True)
class GuardrailReading:
    """``p_harmful`` is against harm within the margin, ``p_safe`` against harm beyond it; each is held against
    ``alpha``, this guardrail's part. ``ratio`` is treatment over control as estimated, NaN where unknown."""

    metric: str
    decision: Decision
    margin: float
    ratio: float
    p_harmful: float
    p_safe: float
    alpha: float
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "decision": self.decision,
            "margin": self.margin,
            "ratio": self.ratio if isfinite(self.ratio) else None,
            "p_harmful": self.p_harmful,
            "p_safe": self.p_safe,
            "alpha": self.alpha,
            "reason": self.reason,
        }


def read_guardrail(guardrail: Guardrail, pairs: Sequence[Pair], alpha: float, tuning: Tuning) -> GuardrailReading:
    """The decision on one guardrail at its part ``alpha``; both decisions at once can't be."""
    if guardrail.of.kind == "binary" and by_events(pairs):
        ratio, p_harmful, p_safe, missing = _events(guardrail, pairs)
    else:
        ratio, p_harmful, p_safe, missing = _sequence(guardrail, pairs, tuning)
    if guardrail.floor and not missing.startswith("no units"):
        p_safe = min(1.0, 2 * min(p_safe, _under_floor(guardrail, pairs)))
    decision: Decision = "harmful" if p_harmful <= alpha else "safe" if p_safe <= alpha else "not_yet"
    reason = _reason(guardrail, decision, ratio, missing)
    return GuardrailReading(guardrail.metric, decision, guardrail.margin, ratio, p_harmful, p_safe, alpha, reason)


def _events(guardrail: Guardrail, pairs: Sequence[Pair]) -> tuple[float, float, float, str]:
    if not pairs:
        return nan, 1.0, 1.0, "no units yet"
    counts = event_counts(pairs)
    p_over = float(rare.p_value(*counts, ratio=guardrail.margin, sides="over"))
    p_under = float(rare.p_value(*counts, ratio=guardrail.margin, sides="under"))
    missing = "" if sum(counts[0]) + sum(counts[1]) else "no events yet"
    return rare.ratio_estimate(*counts), p_over, p_under, missing


def _sequence(guardrail: Guardrail, pairs: Sequence[Pair], tuning: Tuning) -> tuple[float, float, float, str]:
    pooled = guardrail.of.kind == "binary"
    against = estimate(pairs, pooled=pooled, margin=guardrail.margin)
    plain = estimate(pairs, pooled=pooled)
    ratio = 1 + plain.difference / plain.control if plain.control else nan
    missing = too_few(against)
    if pooled and not missing and events_units(pairs) < UNITS_WITH_EVENTS_MIN:
        missing = f"at least {UNITS_WITH_EVENTS_MIN} units with events are needed"
    if missing:
        return ratio, 1.0, 1.0, missing
    harm = against.difference if guardrail.of.harm == "higher" else -against.difference
    p_harmful = sequential.one_sided_p_value(harm, against.standard_error, against.clock, tuning.rho)
    p_safe = sequential.one_sided_p_value(-harm, against.standard_error, against.clock, tuning.rho)
    return ratio, float(p_harmful), float(p_safe), ""


def _under_floor(guardrail: Guardrail, pairs: Sequence[Pair]) -> float:
    """Against a treatment's rate of at least the floor.

    Where units have several outcomes (cameras, several images a request) it is the share of units with any event that
    is held against the floor, each unit once and each event taken for another unit's: it is no less than the rate, as
    long as units with events send no more than others do.
    """
    events = sum(pair.treatment.x // pair.treatment.scale_x for pair in pairs)
    if by_events(pairs):
        trials = sum(pair.treatment.m for pair in pairs)
    else:
        trials = sum(pair.treatment.n for pair in pairs if not pair.returning)
    return float(rare.ceiling_p_value(min(events, trials), trials, guardrail.floor))


def _reason(guardrail: Guardrail, decision: Decision, ratio: float, missing: str) -> str:
    side = "over" if guardrail.of.harm == "higher" else "under"
    limit = f"{guardrail.margin:g} times the control's"
    now = "" if not isfinite(ratio) else f", now {ratio:.3g} times"
    if decision == "harmful":
        return f"{guardrail.metric} is surely {side} {limit}{now}"
    if decision == "safe":
        floor = f", or surely under {guardrail.floor:g}" if guardrail.floor else ""
        return f"{guardrail.metric} is surely not {side} {limit}{floor}{now}"
    return f"{guardrail.metric}: not known yet whether it is {side} {limit}{now}" + (f" ({missing})" if missing else "")
