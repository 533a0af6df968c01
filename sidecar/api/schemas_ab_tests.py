"""What the API takes and gives about A/B tests and their results."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.json_schema import WithJsonSchema

from sidecar.api.schemas import Body, Out, Text
from sidecar.api.schemas_judged import AB_CONFIG, SPLIT
from sidecar.api.schemas_trials import (
    Config,
    Note,
    TrialName,
    TrialOut,
    TrialResults,
    TrialVariant,
    VersionId,
)
from sidecar.experiments.guardrails import Decision
from sidecar.experiments.judging import Method, Of
from sidecar.experiments.metrics import Kind
from sidecar.experiments.verdict import Verdict

Split = Annotated[Any, WithJsonSchema(SPLIT)]
"""Judged with the test at hand, which knows its treatments."""
Bound = float | None


class AbTestBody(Body):
    """An A/B test: ``model_a_id`` serves now, ``model_b_id`` is the one to try. ``config`` is judged by the rules of
    docs/api.md."""

    name: TrialName
    model_a_id: VersionId
    model_b_id: VersionId
    config: Annotated[Config, WithJsonSchema(AB_CONFIG)]


class SplitBody(Body):
    """Another split."""

    traffic_split: Split


class ConclusionBody(Body):
    """What was decided: for a variant (by its name or model id) or for none."""

    winner: Text | None = None
    note: Note = ""


class PromotionBody(Body):
    """Which variant is to serve, by its name or model id; null: the first treatment."""

    variant: Text | None = None


class AbGuardrail(Out):
    """A treatment's ``metric`` beyond ``margin`` times control's stops the test; a rate under ``floor`` is safe."""

    metric: str
    margin: float
    floor: float


class AbRamp(Out):
    """A planned ramp: ``shares`` of all treatments together, a step of which lasts ``hours`` and ``units`` an arm at
    least. ``next_share`` null: no step follows; ``waiting_for`` is what the next one waits for."""

    shares: list[float]
    hours: float
    units: int
    next_share: float | None
    waiting_for: str


class AbDecision(Out):
    """What a person decided; ``winner`` null: for none."""

    winner: str | None
    note: str


class AbTest(TrialOut):
    """An A/B test and how it stands. ``variants`` are control first; ``traffic_split`` is the present share of all
    treatments. ``failover``: control answers for a treatment that is down. ``units_last_day`` null: not counted, as for
    requests it never is."""

    kind: Literal["ab_test"]
    model_a: TrialVariant
    model_b: TrialVariant
    variants: list[TrialVariant]
    traffic_split: float
    unit: str
    metrics: list[str]
    primary_metric: str
    guardrails: list[AbGuardrail]
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


class AbTestsOut(Out):
    """A/B tests, newest first."""

    items: list[AbTest]


class AbFigures(Out):
    """What was seen of one variant, over all epochs; null where there is nothing to take a mean of. ``n`` are the units
    analysed, ``moved`` those left out because they were in another arm before."""

    id: str
    name: str
    n: int
    requests: int
    images: int
    avg_confidence: float | None
    avg_latency_ms: float | None
    p50_latency_ms: float | None
    p99_latency_ms: float | None
    feedback_score: float | None
    error_rate: float | None
    detections_per_image: float | None
    no_detection_rate: float | None
    undecodable_rate: float | None
    slow_rate: float | None
    n_feedback: int
    n_sampled: int
    feedback_completeness: float | None
    user_feedback_score: float | None
    n_user_feedback: int
    user_feedback_rate: float | None
    moved: int


class AbMetric(Out):
    """One metric of a treatment (``model_b``) against control (``model_a``), combined over epochs.

    ``confidence_sequence`` [low, high] bounds the difference or the ratio, as ``confidence_sequence_of`` says, however
    often one looks; null is a side not bounded yet. ``favours`` null: neither, or not surely.
    """

    metric: str
    kind: Kind
    direction: str
    unit: str
    primary: bool
    model_a: float | None
    model_b: float | None
    difference: float | None
    relative_difference: float | None
    confidence_sequence: Annotated[list[Bound], Field(min_length=2, max_length=2)]
    confidence_sequence_of: Of
    method: Method
    p_value_always_valid: float
    p_value_fixed_horizon: float | None
    p_adjusted: float
    significant: bool
    favours: Literal["model_a", "model_b"] | None
    n: dict[Literal["model_a", "model_b"], int]
    reason: str


class AbGuardrailReading(Out):
    """What a guardrail says now: ``p_harmful`` and ``p_safe`` are each held against ``alpha``; ``ratio`` is the
    treatment's value over control's, null where unknown."""

    metric: str
    decision: Decision
    margin: float
    ratio: float | None
    p_harmful: float
    p_safe: float
    alpha: float
    reason: str


class AbComparison(Out):
    """One treatment (``variant``) against control. ``winner`` is a variant's name, null where neither is."""

    variant: str
    metrics: dict[str, AbMetric]
    guardrails: list[AbGuardrailReading]
    counts_differ: list[str]
    feedback_p_value: float
    verdict: Verdict
    winner: str | None
    reasons: list[str]
    p_value: float


class AbUnits(Out):
    """Whether units arrived in the shares they were assigned in, by variant; not ``ok`` makes the verdict invalid."""

    p_value: float
    ok: bool
    expected: dict[str, float]
    observed: dict[str, int]


class AbPlan(Out):
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
    variants: dict[str, AbFigures]
    primary_metric: str
    p_value: float
    alpha: float
    metrics: dict[str, AbMetric]
    guardrails: list[AbGuardrailReading]
    comparisons: list[AbComparison]
    srm: AbUnits
    verdict: Verdict
    winner: str | None
    reasons: list[str]
    notes: list[str]
    failover: int
    sentence: str
    how_much_longer: AbPlan
    epochs: int
    elapsed_s: float


class AbTestMetric(Out):
    """What a test can be about. ``better`` is the side that is better by itself, ``harm`` the one that a guardrail
    looks at; null: neither, and no guardrail is possible."""

    metric: str
    kind: Kind
    direction: str
    better: Literal["higher", "lower"] | None
    harm: Literal["higher", "lower"] | None
    unit: str
    description: str


class AbTestMetricsOut(Out):
    """The catalogue of metrics, in the order of the documentation."""

    items: list[AbTestMetric]
