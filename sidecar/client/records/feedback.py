"""Records of feedback.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.results import ByName, Figure, Record, Records, Time


class Feedback(Record):
    """What somebody said. ``pending``: its prediction is not known, and model and version are empty. ``label`` and
    ``score`` are of the detection it is about."""

    id: str
    prediction_id: str
    client_request_id: str
    feedback_type: Literal["correct", "wrong_label", "wrong_box", "false_positive", "missed_object"]
    detection_index: int | None
    correct_class: str | None
    correct_box: list[float] | None
    by: str
    note: str
    at: Time
    received_at: Time
    status: Literal["recorded", "pending", "replaced"]
    model: str
    version: str
    label: str | None
    score: Figure


class FeedbackFault(Record):
    """What is wrong with one of several; ``index`` is its place, from 0."""

    index: int
    field: str
    message: str


class FeedbackBulk(Record):
    """How many were taken, how many of these wait for their prediction, and what was wrong with the others."""

    accepted: int
    pending: int
    faults: Records[FeedbackFault]


class FeedbackScore(Record):
    """Share of images whose answer is right, from ``n`` reviewed ones of the ``sampled``; each weighs as many as it
    stands for. ``completeness`` is the share of them that is reviewed. Null without any."""

    value: Figure
    lower: Figure
    upper: Figure
    n: int
    sampled: int
    completeness: Figure


class UsersShare(Record):
    """Share of ``correct`` among ``n`` predictions that users said something of. It is no estimate: who speaks up is no
    random sample."""

    value: Figure
    n: int


class UsersScore(UsersShare):
    """The same, and how often they said what."""

    by_type: ByName[int]


class ClassPrecision(Record):
    """Share of a class's detections that are right, of ``n`` reviewed ones on ``images`` images."""

    label: str
    precision: Figure
    lower: Figure
    upper: Figure
    n: int
    images: int


class BandPrecision(Record):
    """Share of detections that are right among those that score at least ``from`` and less than ``to``."""

    # and by its key alone: ["from"], float
    to: float
    precision: Figure
    lower: Figure
    upper: Figure
    n: int


class ThresholdFound(Record):
    """The lowest score threshold that would reach a precision; ``kept_share`` of the detections would stay. Null where
    none does, or surely enough."""

    target_precision: float
    threshold: float | None
    precision: Figure
    lower: Figure
    kept_share: Figure
    sentence: str


class VersionScore(Record):
    """The score of one version."""

    version: str
    value: Figure
    lower: Figure
    upper: Figure
    n: int
    sampled: int
    users: UsersShare


class FeedbackReport(Record):
    """What feedback says of a model in [since, until)."""

    model_id: str
    since: Time | None
    until: Time | None
    score: FeedbackScore
    users: UsersScore
    by_class: Records[ClassPrecision]
    by_confidence: Records[BandPrecision]
    threshold: ThresholdFound
    versions: Records[VersionScore]
    sentence: str
    limitations: list[str]
