"""Records of A/B tests.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.records.trials import Trial, TrialResults, TrialVariant
from sidecar.client.results import ByName, Figure, Record, Records


class AbGuardrail(Record):
    """A treatment's ``metric`` beyond ``margin`` times control's stops the test; a rate under ``floor`` is safe."""

    metric: str
    margin: float
    floor: float


class AbRamp(Record):
    """A planned ramp: ``shares`` of all treatments together, a step of which lasts ``hours`` and ``units`` an arm at
    least. ``next_share`` null: no step follows; ``waiting_for`` is what the next one waits for."""

    shares: list[float]
    hours: float
    units: int
    next_share: float | None
    waiting_for: str


class AbDecision(Record):
    """What a person decided; ``winner`` null: for none."""

    winner: str | None
    note: str


class AbTest(Trial):
    """An A/B test and how it stands. ``variants`` are control first; ``traffic_split`` is the present share of all
    treatments. ``failover``: control answers for a treatment that is down. ``units_last_day`` null: not counted, as for
    requests it never is."""

    kind: Literal["ab_test"]
    model_a: TrialVariant
    model_b: TrialVariant
    variants: Records[TrialVariant]
    traffic_split: float
    unit: str
    metrics: list[str]
    primary_metric: str
    guardrails: Records[AbGuardrail]
    ramp: AbRamp | None
    exclude: str
    override_header: str
    failover: bool
    notify: list[str]
    alpha: float
    plan_units: int
    effect: float | None
    decision: AbDecision | None
    units_last_day: int | None


class AbFigures(Record):
    """What was seen of one variant, over all epochs; null where there is nothing to take a mean of. ``n`` are the units
    analysed, ``moved`` those left out because they were in another arm before."""

    id: str
    name: str
    n: int
    requests: int
    images: int
    avg_confidence: Figure
    avg_latency_ms: Figure
    p50_latency_ms: Figure
    p99_latency_ms: Figure
    feedback_score: Figure
    error_rate: Figure
    detections_per_image: Figure
    no_detection_rate: Figure
    undecodable_rate: Figure
    slow_rate: Figure
    n_feedback: int
    n_sampled: int
    feedback_completeness: Figure
    user_feedback_score: Figure
    n_user_feedback: int
    user_feedback_rate: Figure
    moved: int


class AbMetric(Record):
    """One metric of a treatment (``model_b``) against control (``model_a``), combined over epochs.

    ``confidence_sequence`` [low, high] bounds the difference or the ratio, as ``confidence_sequence_of`` says, however
    often one looks; null is a side not bounded yet. ``favours`` null: neither, or not surely.
    """

    metric: str
    kind: Literal["ratio", "mean", "binary"]
    direction: str
    unit: str
    primary: bool
    model_a: Figure
    model_b: Figure
    difference: Figure
    relative_difference: Figure
    confidence_sequence: list[float | None]
    confidence_sequence_of: Literal["difference", "ratio"]
    method: Literal["confidence sequence", "e-process", "pooled confidence sequence"]
    p_value_always_valid: float
    p_value_fixed_horizon: float | None
    p_adjusted: float
    significant: bool
    favours: Literal["model_a", "model_b"] | None
    n: ByName[int]
    reason: str


class AbGuardrailReading(Record):
    """What a guardrail says now: ``p_harmful`` and ``p_safe`` are each held against ``alpha``; ``ratio`` is the
    treatment's value over control's, null where unknown."""

    metric: str
    decision: Literal["harmful", "safe", "not_yet"]
    margin: float
    ratio: float | None
    p_harmful: float
    p_safe: float
    alpha: float
    reason: str


class AbComparison(Record):
    """One treatment (``variant``) against control. ``winner`` is a variant's name, null where neither is."""

    variant: str
    metrics: ByName[AbMetric]
    guardrails: Records[AbGuardrailReading]
    counts_differ: list[str]
    feedback_p_value: float
    verdict: Literal["b_better", "a_better", "no_difference_yet", "mixed", "invalid"]
    winner: str | None
    reasons: list[str]
    p_value: float


class AbUnits(Record):
    """Whether units arrived in the shares they were assigned in, by variant; not ``ok`` makes the verdict invalid."""

    p_value: float
    ok: bool
    expected: ByName[float]
    observed: ByName[int]


class AbPlan(Record):
    """How much longer: ``units`` of both arms to find ``effect`` with ``power``; null where it can't be told."""

    metric: str
    effect: float | None
    effect_relative: float
    power: float
    units: int | None
    units_seen: int
    units_left: int | None
    seconds: float | None
    text: str


class AbResults(TrialResults):
    """The results of an A/B test. ``model_a`` is control, ``model_b`` the first treatment, whose ``metrics`` and
    ``guardrails`` stand here; of several, each has its own in ``comparisons``. ``p_value`` is the primary metric's and
    holds however often one looks; 1 before any traffic. ``failover`` are requests that control answered because the
    treatment that they were due was down; they are in no other figure, nor is what was served meanwhile."""

    model_a: AbFigures
    model_b: AbFigures
    variants: ByName[AbFigures]
    primary_metric: str
    p_value: float
    alpha: float
    metrics: ByName[AbMetric]
    guardrails: Records[AbGuardrailReading]
    comparisons: Records[AbComparison]
    srm: AbUnits
    verdict: Literal["b_better", "a_better", "no_difference_yet", "mixed", "invalid"]
    winner: str | None
    reasons: list[str]
    notes: list[str]
    failover: int
    sentence: str
    how_much_longer: AbPlan
    epochs: int
    elapsed_s: float


class AbTestMetric(Record):
    """What a test can be about. ``better`` is the side that is better by itself, ``harm`` the one that a guardrail
    looks at; null: neither, and no guardrail is possible."""

    metric: str
    kind: Literal["ratio", "mean", "binary"]
    direction: str
    better: Literal["higher", "lower"] | None
    harm: Literal["higher", "lower"] | None
    unit: str
    description: str
