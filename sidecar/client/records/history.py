"""Records of history.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.records.traffic import Detection
from sidecar.client.results import ByName, Figure, Record, Records, Time


class AbPoint(Record):
    """What a metric came to by ``at``, over ``n`` units of each side; null where it could not be told.

    ``low`` and ``high`` bound the ``difference`` (model B less model A) or the ``ratio`` (B over A), as
    ``confidence_sequence_of`` says; ``ratio`` is null where they do not. ``p_value`` is the always-valid one of that
    moment, null where it was not kept, ``p_value_lowest`` the lowest up to it.
    """

    at: Time
    n: ByName[int]
    difference: Figure
    ratio: Figure
    low: Figure
    high: Figure
    p_value: Figure
    p_value_lowest: Figure


class AbMetricHistory(Record):
    """One metric of a treatment against control over time, oldest first. The last point is what the results say."""

    metric: str
    kind: Literal["ratio", "mean", "binary"]
    unit: str
    primary: bool
    confidence_sequence_of: Literal["difference", "ratio"]
    points: Records[AbPoint]


class AbComparisonHistory(Record):
    """One treatment (``variant``) against control."""

    variant: str
    metrics: ByName[AbMetricHistory]


class AbUnitsPoint(Record):
    """Whether units had come in the shares they were assigned in by ``at``, and how many, by variant."""

    at: Time
    p_value: float | None
    p_value_lowest: float
    observed: ByName[int]


class AbHistory(Record):
    """How the results of an A/B test came to be. ``width_s`` is how far points are apart where buckets of the time
    series give them, null where they were kept as the test ran. ``limitations`` say what is missing."""

    id: str
    name: str
    status: Literal["running", "paused", "completed", "stopped", "concluded"]
    frozen: bool
    at: Time
    alpha: float
    primary_metric: str
    width_s: int | None
    comparisons: Records[AbComparisonHistory]
    srm: Records[AbUnitsPoint]
    limitations: list[str]


class ShadowBounded(Record):
    """A mean difference, B less A, its always-valid bounds and p-value at that moment."""

    difference: Figure
    low: Figure
    high: Figure
    p_value: float


class ShadowPoint(Record):
    """What a shadow test came to by ``at``; rates are 0 to 1, as in its results."""

    at: Time
    requests: int
    images: int
    image_rate: Figure
    box_rate: Figure
    mean_disagreement: Figure
    missed_rate: Figure
    extra_rate: Figure
    flip_rate: Figure
    confidence_shift: ShadowBounded
    latency_difference_ms: ShadowBounded


class ShadowHistory(Record):
    """How the results of a shadow test came to be, oldest first: kept while it runs, at first every half a minute, then
    ever more seldom. The last point is what the results say."""

    id: str
    name: str
    status: Literal["running", "paused", "completed", "stopped", "concluded"]
    frozen: bool
    at: Time
    points: Records[ShadowPoint]
    limitations: list[str]


class PairDetection(Detection):
    """A box and what became of it. ``partner`` is the place of the other side's box in its ``detections``, with ``iou``
    between the two; null where there is none. ``not_compared``: it is below the score threshold, or beyond the best of
    its image."""

    found: Literal["matched", "flipped", "missed", "extra", "not_compared"]
    partner: int | None
    iou: float | None


class PairSide(Record):
    """What one version answered; ``detections`` is null where that could not be read or was an error."""

    prediction_id: str
    model: str
    version: str
    status: int
    error: str
    undecodable: str
    score_threshold: float
    upstream_ms: float | None
    detections: Records[PairDetection] | None


class ShadowPair(Record):
    """One image as both versions see it: ``a`` serves, ``b`` is the shadow. ``agree`` and ``disagreement`` (0 to 1) are
    null where the two could not be compared, and ``left_out`` says why. ``sample_id`` is the kept image's, null where
    none was kept or may be shown: who reviews the random sample must not know what a model said."""

    request_id: str
    image_index: int
    at: Time
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
