"""One metric of a treatment against control: the difference, its sequence and its p-values, by the metric's kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor, inf, isnan, nan
from typing import Literal

from sidecar.experiments import fixed, rare, sequential
from sidecar.experiments.epochs import Estimate, Pair, estimate
from sidecar.experiments.metrics import Metric

UNITS_WITH_EVENTS_MIN = 20
"""In both arms together, before a pooled variance is trusted."""

UNITS = "units"
_COUNTED = {"feedback": "units with a verdict"}
"""What an arm's n counts, by the metric's source, where it is not all units."""

Of = Literal["difference", "ratio"]
Method = Literal["confidence sequence", "e-process", "pooled confidence sequence"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a sequence is tuned to: fixed when the experiment is created, never by what it shows."""

    alpha: float = sequential.ALPHA
    plan_units: int = sequential.PLAN_UNITS

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha: {self.alpha} is not between 0 and 1")
        if self.plan_units < 1:
            raise ValueError(f"plan_units: {self.plan_units} is not at least 1")

    @property
    def rho(self) -> float:
        return sequential.rho_of(self.plan_units, self.alpha)


@dataclass(frozen=True, slots=True)
class Judged:
    """``low`` and ``high`` bound the difference, or (``of`` "ratio") treatment over control: infinite where nothing is
    known yet. ``p_value_always_valid`` is 1 then. ``reason`` says what is missing, empty where nothing is."""

    estimate: Estimate = field(default_factory=Estimate)
    low: float = -inf
    high: float = inf
    of: Of = "difference"
    method: Method = "confidence sequence"
    p_value_always_valid: float = 1.0
    p_value_fixed_horizon: float = nan
    reason: str = ""


def judge(metric: Metric, pairs: Sequence[Pair], tuning: Tuning) -> Judged:
    """By the e-process where each unit has one outcome or none, by the pooled variance where events are of lasting
    units or several images of a request, by the confidence sequence for means and ratios."""
    if metric.kind != "binary":
        return _sequence(
            estimate(pairs), _fixed(pairs, estimate(pairs)), tuning, what=_COUNTED.get(metric.source, UNITS)
        )
    if by_events(pairs):
        return _events(pairs, tuning)
    pooled = estimate(pairs, pooled=True)
    with_events = events_units(pairs)
    if with_events < UNITS_WITH_EVENTS_MIN:
        reason = f"at least {UNITS_WITH_EVENTS_MIN} units with events are needed, there are about {with_events:.0f}"
        return Judged(estimate=pooled, method="pooled confidence sequence", reason=reason)
    return _sequence(pooled, _normal(pooled), tuning, "pooled confidence sequence")


def by_events(pairs: Sequence[Pair]) -> bool:
    """Whether events are as independent as the units are: the exact test then holds."""
    return all(not pair.clustered and pair.control.single and pair.treatment.single for pair in pairs)


def events_units(pairs: Sequence[Pair]) -> float:
    """At least so many units have events."""
    return sum(pair.control.units_with_events + pair.treatment.units_with_events for pair in pairs)


def too_few(found: Estimate, what: str = UNITS) -> str:
    """What is missing for the asymptotics; empty where nothing is."""
    if found.least >= sequential.UNITS_MIN and not isnan(found.difference):
        return ""
    there = min(found.n_control, found.n_treatment)
    needed = f"at least {sequential.UNITS_MIN} {what} an arm are needed"
    if floor(found.least) < there:
        return f"{needed}, there are {there}, which weigh so unlike that they tell as much as {found.least:.0f}"
    return f"{needed}, there are {there}"


def event_counts(pairs: Sequence[Pair]) -> tuple[list[int], list[int], list[float]]:
    """(control's events, treatment's events, the treatment's share) by epoch."""
    return [pair.control.x for pair in pairs], [pair.treatment.x for pair in pairs], [pair.share for pair in pairs]


def _sequence(
    found: Estimate, p_fixed: float, tuning: Tuning, method: Method = "confidence sequence", what: str = UNITS
) -> Judged:
    missing = too_few(found, what)
    if missing:
        return Judged(found, method=method, p_value_fixed_horizon=p_fixed, reason=missing)
    width = float(sequential.half_width(found.standard_error, found.clock, tuning.rho, tuning.alpha))
    return Judged(
        found,
        found.difference - width,
        found.difference + width,
        "difference",
        method,
        float(sequential.p_value(found.difference, found.standard_error, found.clock, tuning.rho)),
        p_fixed,
    )


def _events(pairs: Sequence[Pair], tuning: Tuning) -> Judged:
    found = estimate(pairs, pooled=True)
    if not pairs:
        return Judged(found, 0.0, inf, "ratio", "e-process", reason="no units yet")
    counts = event_counts(pairs)
    low, high = rare.confidence_sequence(*counts, alpha=tuning.alpha)
    reason = "" if sum(counts[0]) + sum(counts[1]) else "no events yet"
    p_fixed = fixed.two_proportion_z(pairs[0].control, pairs[0].treatment)[1] if len(pairs) == 1 else _normal(found)
    return Judged(found, low, high, "ratio", "e-process", float(rare.p_value(*counts)), p_fixed, reason)


def _fixed(pairs: Sequence[Pair], found: Estimate) -> float:
    return fixed.welch_t(pairs[0].control, pairs[0].treatment)[2] if len(pairs) == 1 else _normal(found)


def _normal(found: Estimate) -> float:
    if isnan(found.difference):
        return nan
    if not found.standard_error:
        return 0.0 if found.difference else 1.0
    return fixed.normal_p(found.difference / found.standard_error)
