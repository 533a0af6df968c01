"""What the API gives about how the results of tests came to be, and about the pairs of a shadow test."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidecar.api.schemas import DetectionOut, Out, Query, Text
from sidecar.api.schemas_trials import TrialId
from sidecar.experiments.judging import Of
from sidecar.experiments.lifecycle import Status
from sidecar.experiments.metrics import Kind
from sidecar.experiments.pairs.kinds import PairKind

PAIRS_MAX = 100
"""Pairs of one page: each has the boxes of two versions."""


class AbHistoryQuery(Query):
    """``metric``: of this one alone, one that the test is about; all of them by default."""

    metric: Text | None = None


class AbPoint(Out):
    """What a metric came to by ``at``, over ``n`` units of each side; null where it could not be told.

    ``low`` and ``high`` bound the ``difference`` (model B less model A) or the ``ratio`` (B over A), as
    ``confidence_sequence_of`` says; ``ratio`` is null where they do not. ``p_value`` is the always-valid one of that
    moment, null where it was not kept, ``p_value_lowest`` the lowest up to it.
    """

    at: float
    n: dict[Literal["model_a", "model_b"], int]
    difference: float | None
    ratio: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_value_lowest: float | None


class AbMetricHistory(Out):
    """One metric of a treatment against control over time, oldest first. The last point is what the results say."""

    metric: str
    kind: Kind
    unit: str
    primary: bool
    confidence_sequence_of: Of
    points: list[AbPoint]


class AbComparisonHistory(Out):
    """One treatment (``variant``) against control."""

    variant: str
    metrics: dict[str, AbMetricHistory]


class AbUnitsPoint(Out):
    """Whether units had come in the shares they were assigned in by ``at``, and how many, by variant."""

    at: float
    p_value: float | None
    p_value_lowest: float
    observed: dict[str, int]


class AbHistory(Out):
    """How the results of an A/B test came to be. ``width_s`` is how far points are apart where buckets of the time
    series give them, null where they were kept as the test ran. ``limitations`` say what is missing."""

    id: TrialId
    name: str
    status: Status
    frozen: bool
    at: float
    alpha: float
    primary_metric: str
    width_s: int | None
    comparisons: list[AbComparisonHistory]
    srm: list[AbUnitsPoint]
    limitations: list[str]


class ShadowBounded(Out):
    """A mean difference, B less A, its always-valid bounds and p-value at that moment."""

    difference: float | None
    low: float | None
    high: float | None
    p_value: float


class ShadowPoint(Out):
    """What a shadow test came to by ``at``; rates are 0 to 1, as in its results."""

    at: float
    requests: int
    images: int
    image_rate: float | None
    box_rate: float | None
    mean_disagreement: float | None
    missed_rate: float | None
    extra_rate: float | None
    flip_rate: float | None
    confidence_shift: ShadowBounded
    latency_difference_ms: ShadowBounded


class ShadowHistory(Out):
    """How the results of a shadow test came to be, oldest first: kept while it runs, at first every half a minute, then
    ever more seldom. The last point is what the results say."""

    id: TrialId
    name: str
    status: Status
    frozen: bool
    at: float
    points: list[ShadowPoint]
    limitations: list[str]


class PairsQuery(Query):
    """``kind``: those that agree too (``all``), those that do not agree in full, or those with a ``class_flip``, with a
    box that the shadow ``missed``, with one that is ``extra``. ``cursor`` is a page's ``next``."""

    kind: PairKind = "all"
    sampled: bool | None = Field(None, description="only those whose image was kept (true), or was not (false)")
    cursor: Text | None = None
    limit: int = Field(20, ge=1, le=PAIRS_MAX)


class PairDetection(DetectionOut):
    """A box and what became of it. ``partner`` is the place of the other side's box in its ``detections``, with ``iou``
    between the two; null where there is none. ``not_compared``: it is below the score threshold, or beyond the best of
    its image."""

    found: Literal["matched", "flipped", "missed", "extra", "not_compared"]
    partner: int | None
    iou: float | None


class PairSide(Out):
    """What one version answered; ``detections`` is null where that could not be read or was an error."""

    prediction_id: str
    model: str
    version: str
    status: int
    error: str
    undecodable: str
    score_threshold: float
    upstream_ms: float | None
    detections: list[PairDetection] | None


class ShadowPair(Out):
    """One image as both versions see it: ``a`` serves, ``b`` is the shadow. ``agree`` and ``disagreement`` (0 to 1) are
    null where the two could not be compared, and ``left_out`` says why. ``sample_id`` is the kept image's, null where
    none was kept or may be shown: who reviews the random sample must not know what a model said."""

    request_id: str
    image_index: int
    at: float
    agree: bool | None
    disagreement: float | None
    matched: int
    flipped: int
    missed: int
    extra: int
    left_out: str
    image_width: int
    image_height: int
    sample_id: str | None
    a: PairSide
    b: PairSide


class ShadowPairsPage(Out):
    """Pairs, newest first. Of a rare kind a page may have fewer than asked for, even none, and not be the last: some
    hundreds are compared for one. ``next`` is the ``cursor`` of the page after, null on the last."""

    items: list[ShadowPair]
    next: str | None
