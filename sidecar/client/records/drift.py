"""Records of drift.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.results import ByName, Document, Figure, Record, Records, Time


class Baseline(Record):
    """A frozen period of a model version. ``origin`` is user, or auto: the first days, frozen by the sidecar."""

    baseline_id: str
    model_id: str
    model: str
    version: str
    name: str
    since: Time
    until: Time
    created_at: Time
    origin: Literal["user", "auto"]
    figures: Document


class BaselineBlock(Record):
    """One block of a baseline: ``level`` is day, hour, minute ...; ``summary`` its counts and histograms."""

    level: str
    start: Time
    summary: Document


class BaselineExport(Baseline):
    """A baseline with everything in it."""

    blocks: Records[BaselineBlock]


class DriftScore(Record):
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


class ClassMove(Record):
    """A class whose share of the detections moved by more than chance."""

    # and by its key alone: ["class"], str
    share_before: float
    share_after: float
    change: float
    p_value: float


class NewClass(Record):
    """A class that the reference has not."""

    # and by its key alone: ["class"], str
    images: int
    blocks: int


class DriftSamples(Record):
    """How much a side rests on."""

    images: int
    detections: int
    requests: int
    blocks: int


class DriftBlocks(Record):
    """What was permuted, and how."""

    level: str
    reference: int
    current: int
    matched_by: str | None
    permutations: int


class DriftFindings(Record):
    """What a comparison found. The five scores at the top are raw Jensen-Shannon distances (base 2, 0 to 1).

    ``means`` has ``avg_confidence`` and ``detections_per_image`` of both sides.
    """

    class_drift: Figure
    confidence_drift: Figure
    count_drift: Figure
    box_drift: Figure
    input_drift: Figure
    scores: ByName[DriftScore]
    significant_drift: bool
    verdict: Literal["drift", "no_drift", "too_few_blocks"]
    affected_classes: Records[ClassMove]
    new_classes: Records[NewClass]
    n_reference: DriftSamples
    n_current: DriftSamples
    blocks: DriftBlocks
    alpha: float
    limitations: list[str]
    means: ByName[ByName[float | None]]
    sentence: str


class DriftSide(Record):
    """One side of a comparison: a ``period`` or a ``baseline`` (its name), whose predictions these are, and the time it
    covers. A version without a baseline of its own is compared with another's: then ``model_id`` is that version."""

    model_id: str
    period: str | None
    baseline: str | None
    since: Time
    until: Time


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
    slices: Records[SliceFindings]
    distributions: Document


class DriftCheck(Record):
    """One window the continuous monitor compared with a baseline, the ``reference``; of a slice that is its own past
    then. Null: another release checked it and did not tell."""

    checked_at: Time
    model_id: str
    slice: str
    since: Time
    until: Time
    baseline_id: str
    reference: DriftSide | None
    report: DriftFindings
