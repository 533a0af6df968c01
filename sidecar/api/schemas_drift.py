"""What the API takes and gives about baselines and drift."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sidecar.api.schemas import PAGE_MAX, Body, Name, Out, Query, Text

Score = Literal["class", "confidence", "count", "box", "input"]
ModelId = Annotated[Text, Field(min_length=1, description="a model's name (all its versions) or name@version")]
Period = Annotated[
    Name,
    Field(description="days 2024-01-01:2024-01-31 (both included), date-times, 24h, or a baseline's name"),
]


class BaselineBody(Body):
    """A period of a model version to freeze as its normal."""

    model_id: ModelId
    period: Period
    name: Name = "default"
    replace: bool = False


class BaselinesQuery(Query):
    """Whose baselines."""

    model_id: Text | None = None


class DriftQuery(Query):
    """Two periods of a model. Without ``slice`` all its traffic is compared."""

    model_id: ModelId
    reference_period: Period
    current_period: Period
    slice: Text = ""
    by_slice: bool = False
    source: Literal["auto", "summaries", "predictions"] = "auto"
    distributions: bool = False


class DriftChecksQuery(Query):
    """Whose checks; ``slice`` empty: those of all traffic, left out: those of every slice too."""

    model_id: Text | None = None
    slice: Text | None = None
    cursor: Text | None = None
    limit: int = Field(100, ge=1, le=PAGE_MAX)


class Baseline(Out):
    """A frozen period of a model version. ``origin`` is user, or auto: the first days, frozen by the sidecar."""

    baseline_id: str
    model_id: str
    model: str
    version: str
    name: str
    since: float
    until: float
    created_at: float
    origin: Literal["user", "auto"]
    figures: dict[str, Any]


class BaselinesOut(Out):
    """Baselines."""

    items: list[Baseline]


class BaselineBlock(Out):
    """One block of a baseline: ``level`` is day, hour, minute ...; ``summary`` its counts and histograms."""

    level: str
    start: float
    summary: dict[str, Any]


class BaselineExport(Baseline):
    """A baseline with everything in it."""

    blocks: list[BaselineBlock]


class DriftScore(Out):
    """One score: the raw ``distance``, and ``corrected`` for what chance alone gives (``null_mean``).

    ``n_reference`` and ``n_current`` are detections, images or probed images, whatever the score is of. Null: no data,
    or too few blocks for a p-value.
    """

    distance: float | None
    corrected: float | None
    null_mean: float | None
    p_value: float | None
    p_adjusted: float | None
    significant: bool
    n_reference: int
    n_current: int


class ClassMove(Out):
    """A class whose share of the detections moved by more than chance."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(alias="class")
    share_before: float
    share_after: float
    change: float
    p_value: float


class NewClass(Out):
    """A class that the reference has not."""

    name: str = Field(alias="class")
    images: int
    blocks: int


class DriftSamples(Out):
    """How much a side rests on."""

    images: int
    detections: int
    requests: int
    blocks: int


class DriftBlocks(Out):
    """What was permuted, and how."""

    level: str
    reference: int
    current: int
    matched_by: str | None
    permutations: int


class DriftFindings(BaseModel):
    """What a comparison found. The five scores at the top are raw Jensen-Shannon distances (base 2, 0 to 1).

    ``means`` has ``avg_confidence`` and ``detections_per_image`` of both sides.
    """

    # Checks of other releases are shown as they were stored.
    model_config = ConfigDict(extra="allow")

    class_drift: float | None
    confidence_drift: float | None
    count_drift: float | None
    box_drift: float | None
    input_drift: float | None
    scores: dict[Score, DriftScore]
    significant_drift: bool
    verdict: Literal["drift", "no_drift", "too_few_blocks"]
    affected_classes: list[ClassMove]
    new_classes: list[NewClass]
    n_reference: DriftSamples
    n_current: DriftSamples
    blocks: DriftBlocks
    alpha: float
    limitations: list[str]
    means: dict[str, dict[Literal["reference", "current"], float | None]] = {}
    sentence: str


class DriftSide(Out):
    """One side of a comparison: a ``period`` or a ``baseline`` (its name), whose predictions these are, and the time it
    covers. A version without a baseline of its own is compared with another's: then ``model_id`` is that version."""

    model_id: str
    period: str | None = None
    baseline: str | None = None
    since: float
    until: float


class SliceFindings(DriftFindings):
    """What the comparison of one slice found."""

    slice: str


class DriftReport(DriftFindings):
    """The answer of a drift question. ``slices`` where asked for ``by_slice``, ``distributions`` where asked for."""

    model_id: str
    slice: str
    reference: DriftSide
    current: DriftSide
    source: Literal["summaries", "predictions"]
    slices: list[SliceFindings] = []
    distributions: dict[str, Any] = {}


class DriftCheck(Out):
    """One window the continuous monitor compared with a baseline, the ``reference``; of a slice that is its own past
    then. Null: another release checked it and did not tell."""

    checked_at: float
    model_id: str
    slice: str
    since: float
    until: float
    baseline_id: str
    reference: DriftSide | None
    report: DriftFindings


class DriftChecksPage(Out):
    """Newest first. ``next`` is the ``cursor`` of the page after this one, null on the last."""

    items: list[DriftCheck]
    next: str | None
