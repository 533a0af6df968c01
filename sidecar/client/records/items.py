"""Records of items.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.results import Document, Figure, Record, Records, Time


class ItemLabel(Record):
    """An object in an image."""

    label: str
    box: list[float]


class ItemDetection(Record):
    """What the model saw; ``index`` is its place in the prediction."""

    index: int
    label: str
    score: Figure
    box: list[float | None]


class Item(Record):
    """An image in review; it is at ``/api/v1/samples/{id}/image``. ``queue`` audit: the random sample drew it, and
    model, version, reasons, unit and prediction_id are null. ``probability`` is that with which it was kept.
    ``verdict`` is what its labels say of the prediction. ``detections`` null: not known; ``labels`` null: none given.
    """

    id: str
    dataset_id: str
    prediction_id: str | None
    status: Literal["needs_review", "in_review", "labeled", "rejected"]
    at: Time
    queue: Literal["value", "audit"]
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
    detections: Records[ItemDetection] | None
    labels: Records[ItemLabel] | None
    verdict: Literal["correct", "wrong_label", "wrong_box", "false_positive", "missed_object"] | None
    claimed_by: str
    claimed_until: Time | None
    reviewed_by: str
    reviewed_at: Time | None
    split: str
    revision: int
    etag: str


class Claim(Record):
    """The item that was claimed; null: there is none."""

    item: Item | None


class ItemEvent(Record):
    """What was done to an item. ``before`` and ``after`` are its fields that changed; ``undone`` is the id of the event
    that took it back."""

    id: int
    item_id: str
    dataset_id: str
    at: Time
    by: str
    action: Literal["claim", "release", "label", "confirm", "reject", "undo", "import", "delete"]
    from_status: str
    to_status: str
    before: Document
    after: Document
    undone: int | None
