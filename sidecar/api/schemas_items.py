"""What the API takes and gives about items: images in review."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from sidecar.api.review import ItemStatus, Queue, Split
from sidecar.api.schemas import PAGE_MAX, Body, Etag, Line, Name, Out, Query, Text, Time, whole
from sidecar.api.schemas_feedback import BoxPx, ClassName
from sidecar.types import FeedbackType

LABELS_MAX = 1_000
"""Boxes of one image."""
LABELS_BYTES_MAX = 512 * 1024
LEASE_S_MIN = 10
LEASE_S_MAX = 86_400
REVISION_MAX = 2**53 - 1
"""The greatest whole number that everybody's JSON can hold."""
Revision = Annotated[int, Field(ge=0, le=REVISION_MAX, strict=True), BeforeValidator(whole)]
LeaseS = Annotated[float, Field(ge=LEASE_S_MIN, le=LEASE_S_MAX)]
Action = Literal["claim", "release", "label", "confirm", "reject", "undo", "import", "delete"]


def _with_an_inside(box: list[float]) -> list[float]:
    x1, y1, x2, y2 = box
    if not (x1 < x2 and y1 < y2):
        raise ValueError("must be x1, y1, x2, y2 with x1 < x2 and y1 < y2")
    return box


class ItemsQuery(Query):
    """Filters of items; all must hold. ``label`` is a class among the labels or, without them, the detections."""

    status: ItemStatus | None = None
    queue: Queue | None = None
    reason: Text | None = None
    model: Text | None = None
    version: Text | None = None
    label: Text | None = None
    claimed_by: Text | None = None
    since: Time | None = None
    until: Time | None = None
    split: Split | None = None
    cursor: Text | None = None
    limit: int = Field(100, ge=1, le=PAGE_MAX)


class EventsQuery(Query):
    """A page of what was done."""

    cursor: Text | None = None
    limit: int = Field(100, ge=1, le=PAGE_MAX)


class ClaimBody(Body):
    """Who takes an item, and for how long."""

    by: Name
    lease_s: LeaseS = 600


class ClaimNextBody(ClaimBody):
    """Of which queue."""

    queue: Queue = "value"


class ByBody(Body):
    """Who does it."""

    by: Name


class DecisionBody(ByBody):
    """Who decides it. ``revision`` is the item's as they saw it: without it, what another reviewed is not corrected."""

    revision: Revision | None = None


class DeletionQuery(Query):
    """Who deletes it."""

    by: Name


class LabelGiven(Body):
    """An object in an image."""

    label: ClassName
    box: Annotated[BoxPx, AfterValidator(_with_an_inside)]


class LabelBody(DecisionBody):
    """What is in the image, all of it; an empty list: nothing."""

    labels: Annotated[list[LabelGiven], Field(max_length=LABELS_MAX)]


class RejectionBody(DecisionBody):
    """Why nothing can be learnt of it."""

    reason: Line = ""


class ItemLabel(Out):
    """An object in an image."""

    label: str
    box: Annotated[list[float], Field(min_length=4, max_length=4)]


class ItemDetection(Out):
    """What the model saw; ``index`` is its place in the prediction."""

    index: int
    label: str
    score: float | None
    box: Annotated[list[float | None], Field(min_length=4, max_length=4)]


class Item(Out):
    """An image in review; it is at ``/api/v1/samples/{id}/image``. ``queue`` audit: the random sample drew it, and
    model, version, reasons, unit and prediction_id are null. ``probability`` is that with which it was kept.
    ``verdict`` is what its labels say of the prediction. ``detections`` null: not known; ``labels`` null: none given.
    """

    id: str
    dataset_id: str
    prediction_id: str | None
    status: ItemStatus
    at: float
    queue: Queue
    model: str | None
    version: str | None
    width: int
    height: int
    media_type: str
    reasons: list[str] | None
    probability: float
    value: float
    unit: str | None
    client_request_id: str
    score_threshold: float
    detections: list[ItemDetection] | None
    labels: list[ItemLabel] | None
    verdict: FeedbackType | None
    claimed_by: str
    claimed_until: float | None
    reviewed_by: str
    reviewed_at: float | None
    split: str
    revision: int
    etag: Etag


class ItemsPage(Out):
    """In the order of the queue. ``next`` is the ``cursor`` of the page after this one, null on the last; a page may be
    short of its limit before that."""

    items: list[Item]
    next: str | None


class ClaimOut(Out):
    """The item that was claimed; null: there is none."""

    item: Item | None


class ItemEvent(Out):
    """What was done to an item. ``before`` and ``after`` are its fields that changed; ``undone`` is the id of the event
    that took it back."""

    id: int
    item_id: str
    dataset_id: str
    at: float
    by: str
    action: Action
    from_status: str
    to_status: str
    before: dict[str, Any]
    after: dict[str, Any]
    undone: int | None


class ItemEventsPage(Out):
    """Newest first. ``next`` is the ``cursor`` of the page after this one, null on the last."""

    items: list[ItemEvent]
    next: str | None
