"""What the API takes and gives about shadow tests and their results."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from sidecar.api.schemas import Body, Out, Text
from sidecar.api.schemas_judged import SHADOW_CONFIG
from sidecar.api.schemas_trials import Config, TrialName, TrialOut, TrialResults, TrialVariant, VersionId


class ShadowTestBody(Body):
    """A shadow test: copies of requests to ``model_id`` go to ``shadow_model_id`` too. ``config`` is judged by the
    rules of docs/api.md."""

    name: TrialName
    model_id: Annotated[Text, Field(min_length=1, description="what serves: a model's name, or name@version")]
    shadow_model_id: VersionId
    config: Annotated[Config, WithJsonSchema(SHADOW_CONFIG)]


class ShareBody(Body):
    """Another share of requests to copy."""

    share: float = Field(gt=0, le=1)


class ShadowTest(TrialOut):
    """A shadow test and how it stands. ``share`` is what is copied now; boxes match from an IoU of ``iou_min``."""

    kind: Literal["shadow_test"]
    shadow: TrialVariant
    share: float
    iou_min: float
    samples_per_hour: int


class ShadowTestsOut(Out):
    """Shadow tests, newest first."""

    items: list[ShadowTest]


class PairCount(Out):
    """Plain counts. ``requests`` were answered by both sides; of the images of those that neither failed, ``images``
    were compared, ``agreeing`` of them in full. ``iou_micro`` and ``disagreement_micro`` are sums in millionths."""

    requests: int
    failed_a: int
    failed_b: int
    failed_both: int
    images: int
    agreeing: int
    unread_a: int
    unread_b: int
    unread_both: int
    incomparable: int
    unpaired: int
    matched: int
    missed: int
    extra: int
    flipped: int
    boxes_over_max: int
    iou_micro: int
    disagreement_micro: int
    boxes_a: int
    boxes_b: int


class PairAgreement(Out):
    """How far both say the same, 0 to 1; null before any image was compared."""

    image_rate: float | None
    box_rate: float | None
    mean_disagreement: float | None
    mean_iou: float | None


class PairBoxes(Out):
    """Boxes of both sides. ``change`` is B's over A's, less 1; ``missed_rate`` is of A's boxes, ``extra_rate`` of B's,
    ``flip_rate`` of those that both have at one place."""

    a: int
    b: int
    change: float | None
    missed_rate: float | None
    extra_rate: float | None
    flip_rate: float | None


class PairFlip(Out):
    """``count`` of A's ``boxes`` of class ``from`` are called ``to`` by B."""

    model_config = ConfigDict(populate_by_name=True)

    came: str = Field(alias="from")
    to: str
    count: int
    boxes: int


class PairClass(Out):
    """What became of the boxes of a class: A has matched + missed + flipped_from, B matched + extra + flipped_to."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(alias="class")
    boxes_a: int
    boxes_b: int
    matched: int
    missed: int
    extra: int
    flipped_from: int
    flipped_to: int


class PairBounds(Out):
    """Bounds of a difference and the p-value against there being none."""

    low: float | None
    high: float | None
    p_value: float


class PairTest(Out):
    """A mean difference, B less A, over ``n`` requests. ``always_valid`` holds however often one looks, and
    ``significant`` rests on it; ``fixed_horizon`` holds for one look that was planned beforehand."""

    n: int
    difference: float | None
    standard_error: float | None
    always_valid: PairBounds
    fixed_horizon: PairBounds
    alpha: float
    significant: bool


class PairLatencyFigures(Out):
    """Upstream times of a side's successful answers; null without any."""

    count: int
    mean_ms: float | None
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class PairLatency(Out):
    """Latencies of both sides, and their difference request by request."""

    a: PairLatencyFigures
    b: PairLatencyFigures
    difference_ms: PairTest


class PairHistogram(Out):
    """``counts`` has one more than ``edges``: what is below the first edge, between two, from the last one on."""

    edges: list[float]
    counts: list[int]


class PairHistograms(Out):
    """Of matched boxes their ``iou``; of images their ``disagreement`` and B's boxes less A's."""

    iou: PairHistogram
    disagreement: PairHistogram
    count_difference: PairHistogram


class ShadowResults(TrialResults):
    """The results of a shadow test: ``a`` serves, ``b`` is the shadow. ``waiting`` are requests whose other answer is
    still to come, ``skipped`` those that were given up, by reason. ``flips`` and ``classes`` have the most disputed
    first, 100 at most."""

    a: str
    b: str
    iou_min: float
    counts: PairCount
    agreement: PairAgreement
    boxes: PairBoxes
    flips: list[PairFlip]
    classes: list[PairClass]
    confidence_shift: PairTest
    count_difference: PairTest
    latency: PairLatency
    histograms: PairHistograms
    limitations: list[str]
    sentence: str
    waiting: int
    skipped: dict[str, int]
