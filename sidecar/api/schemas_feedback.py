"""What the API takes and gives about feedback."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WrapValidator

from sidecar.api.schemas import (
    PAGE_MAX,
    PRINTABLE_SOME,
    Body,
    Described,
    Line,
    Out,
    Query,
    Text,
    Time,
    printable,
    some_line,
    whole,
)
from sidecar.types import FeedbackType

BULK_MAX = 1_000
"""Statements in one request."""
BULK_BYTES_MAX = 2 * 1024 * 1024
NOTE_CHARS_MAX = 1_000
PLACE_PX_MAX = 1_000_000.0
"""How far a coordinate may lie from the image's corner."""
DETECTIONS_MAX = 1_000_000


def _lines(value: str) -> str:
    """A note may have several lines; nothing in it may be invisible."""
    note = value.strip()
    printable("".join(note.split("\n")).replace("\t", "").replace("\r", ""))
    return note


NOTE_LINES = Described({"pattern": r"^\s*([^\p{C}\p{Z}]|[ \t\r\n])*\s*$"})


def _as_it_came(value: Any, _: Any) -> Any:
    """Judged one by one, so that a fault of one leaves the others be."""
    return value


ClassName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(some_line), PRINTABLE_SOME]
Remark = Annotated[str, Field(max_length=NOTE_CHARS_MAX), AfterValidator(_lines), NOTE_LINES]
Coordinate = Annotated[float, Field(ge=-PLACE_PX_MAX, le=PLACE_PX_MAX, strict=True)]
BoxPx = Annotated[
    list[Coordinate], Field(min_length=4, max_length=4, description="x1, y1, x2, y2 in pixels of the image")
]
DetectionIndex = Annotated[int, Field(ge=0, le=DETECTIONS_MAX, strict=True), BeforeValidator(whole)]
TargetPrecision = Annotated[float, Field(gt=0, le=1)]


class FeedbackBody(Body):
    """What somebody says of a prediction, named by its id or by the client's own request id, or of one of its
    detections. A prediction that is not known yet is waited for. ``at`` null: now."""

    prediction_id: Text = ""
    request_id: Text = ""
    feedback_type: FeedbackType
    detection_index: DetectionIndex | None = None
    correct_class: ClassName | None = None
    correct_box: BoxPx | None = None
    by: Line = ""
    note: Remark = ""
    at: Time | None = None


class FeedbackBulkBody(Body):
    """Several at once."""

    items: Annotated[
        list[Annotated[FeedbackBody, WrapValidator(_as_it_came)]], Field(min_length=1, max_length=BULK_MAX)
    ]


class FeedbackQuery(Query):
    """Filters of feedback; all must hold."""

    prediction_id: Text | None = None
    model_id: Text | None = None
    feedback_type: FeedbackType | None = None
    cursor: Text | None = None
    limit: int = Field(100, ge=1, le=PAGE_MAX)


class FeedbackReportQuery(Query):
    """Of what a report is: a model or a version of it, in [since, until), and the precision to find a threshold for."""

    model_id: Annotated[Text, Field(min_length=1)]
    since: Time | None = None
    until: Time | None = None
    target_precision: TargetPrecision | None = None


class Feedback(Out):
    """What somebody said. ``pending``: its prediction is not known, and model and version are empty. ``label`` and
    ``score`` are of the detection it is about."""

    id: str
    prediction_id: str
    client_request_id: str
    feedback_type: FeedbackType
    detection_index: int | None
    correct_class: str | None
    correct_box: list[float] | None
    by: str
    note: str
    at: float
    received_at: float
    status: Literal["recorded", "pending", "replaced"]
    model: str
    version: str
    label: str | None
    score: float | None


class FeedbackPage(Out):
    """Newest first. ``next`` is the ``cursor`` of the page after this one, null on the last."""

    items: list[Feedback]
    next: str | None


class FeedbackFault(Out):
    """What is wrong with one of several; ``index`` is its place, from 0."""

    index: int
    field: str
    message: str


class FeedbackBulkOut(Out):
    """How many were taken, how many of these wait for their prediction, and what was wrong with the others."""

    accepted: int
    pending: int
    faults: list[FeedbackFault]


class FeedbackScore(Out):
    """Share of images whose answer is right, from ``n`` reviewed ones of the ``sampled``; each weighs as many as it
    stands for. ``completeness`` is the share of them that is reviewed. Null without any."""

    value: float | None
    lower: float | None
    upper: float | None
    n: int
    sampled: int
    completeness: float | None


class UsersShare(Out):
    """Share of ``correct`` among ``n`` predictions that users said something of. It is no estimate: who speaks up is no
    random sample."""

    value: float | None
    n: int


class UsersScore(UsersShare):
    """The same, and how often they said what."""

    by_type: dict[FeedbackType, int]


class ClassPrecision(Out):
    """Share of a class's detections that are right, of ``n`` reviewed ones on ``images`` images."""

    label: str
    precision: float | None
    lower: float | None
    upper: float | None
    n: int
    images: int


class BandPrecision(Out):
    """Share of detections that are right among those that score at least ``from`` and less than ``to``."""

    from_: float = Field(alias="from")
    to: float
    precision: float | None
    lower: float | None
    upper: float | None
    n: int


class ThresholdFound(Out):
    """The lowest score threshold that would reach a precision; ``kept_share`` of the detections would stay. Null where
    none does, or surely enough."""

    target_precision: float
    threshold: float | None
    precision: float | None
    lower: float | None
    kept_share: float | None
    sentence: str


class VersionScore(Out):
    """The score of one version."""

    version: str
    value: float | None
    lower: float | None
    upper: float | None
    n: int
    sampled: int
    users: UsersShare


class FeedbackReport(Out):
    """What feedback says of a model in [since, until)."""

    model_id: str
    since: float | None
    until: float | None
    score: FeedbackScore
    users: UsersScore
    by_class: list[ClassPrecision]
    by_confidence: list[BandPrecision]
    threshold: ThresholdFound
    versions: list[VersionScore]
    sentence: str
    limitations: list[str]
