"""Rows of the improvement loop: datasets, what reviewers did, feedback, versions of datasets, training.

An item is a kept image (``rows.Sample``) in its dataset. Boxes of labels are x1, y1, x2, y2 in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sidecar.recording.rows import Sample
from sidecar.types import Box, FeedbackType, Label, Prediction

Queue = Literal["value", "audit"]
"""The queue an item was given out by: by expected value, or the random sample in random order."""


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """A dataset. ``origin`` is ``person``, or ``auto`` where it was made for a model's first image.

    >>> DatasetRow("det", "det", 5.0, "auto").origin
    'auto'
    """

    dataset_id: str
    name: str
    created_at: float
    origin: Literal["person", "auto"]


@dataclass(frozen=True, slots=True)
class ItemEvent:
    """What was done to an item. ``before`` and ``after`` are its fields that changed. ``undone`` is the id of the event
    that took this one back. ``event_id`` is 0 until it is stored."""

    sample_id: str
    dataset_id: str
    at: float
    author: str
    action: str
    from_status: str
    to_status: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    undone: int | None = None
    event_id: int = 0


@dataclass(frozen=True, slots=True)
class FeedbackRow:
    """What somebody said of a prediction. ``place`` tells apart what one author may say of one prediction side by side.

    ``pending``: no prediction of that id is known yet, and ``model`` and ``version`` are empty. ``label`` and ``score``
    are those of the detection it is about.
    """

    feedback_id: str
    prediction_id: str
    client_request_id: str
    feedback_type: FeedbackType
    detection_index: int | None
    correct_class: str
    correct_box: Box | None
    place: str
    author: str
    note: str
    at: float
    received_at: float
    pending: bool = False
    replaced_at: float | None = None
    model: str = ""
    version: str = ""
    label: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class VerdictKey:
    """What the summary that counts a prediction's verdict goes by, but for its time.

    >>> VerdictKey("det", "1", "serving", "", 0, "").model
    'det'
    """

    model: str
    version: str
    role: str
    experiment: str
    epoch: int
    slice: str

    @classmethod
    def of(cls, about: Prediction | Sample) -> VerdictKey:
        return cls(about.model, about.version, about.role, about.experiment, about.epoch, about.slice)


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """What people's feedback says of a prediction, and the key of the summary that counts it (ten seconds wide)."""

    prediction_id: str
    verdict: FeedbackType
    bucket: int
    model: str
    version: str
    role: str
    experiment: str
    epoch: int
    slice: str


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """``n`` more (or fewer) verdicts of a kind in a bucket, which no summary holds yet. ``change_id`` is of the store
    of that ``generation``: one that was begun afresh gives the same ids to others."""

    change_id: int
    bucket: int
    model: str
    version: str
    role: str
    experiment: str
    epoch: int
    slice: str
    kind: FeedbackType
    n: int
    generation: int = 0


Outcome = Literal["recorded", "unchanged", "pending", "full"]
"""What became of a statement: ``pending`` waits for its prediction, ``full`` was not taken: a bound is reached."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of each statement, in their order, and the changes of verdicts that came of them. ``dropped`` counts
    statements that waited and had to make room.

    >>> Submitted(["unchanged"], []).changes
    []
    """

    outcomes: list[Outcome]
    changes: list[VerdictChange]
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class DatasetFigures:
    """A dataset in numbers. ``by_status`` has all four. ``sampled``, ``waiting`` and ``reviewed`` are of the audit:
    images that the random sample drew (but for those reviewed for their value before), those of them not reviewed yet,
    those reviewed in the audit. ``classes`` are boxes in the labels of ``classes_of`` images, the newest ones where
    there are more."""

    items: int
    by_status: dict[str, int]
    sampled: int
    waiting: int
    reviewed: int
    bytes: int
    classes: dict[str, int]
    classes_of: int
    versions: int


class AuditedRow(NamedTuple):
    """``n`` images that the random sample drew in a test, each with a chance of ``draw_rate`` (0: not known), those
    that are gone among them.

    ``verdict`` is that of those labeled in the audit, ``unit`` the camera or user that sent them, ``request_id`` the
    request they came with; of all others these are empty.
    """

    epoch: int
    role: str
    version: str
    draw_rate: float
    verdict: str
    unit: str
    request_id: str
    n: int


@dataclass(frozen=True, slots=True)
class AuditCounts:
    """Images of a model version that the random sample drew: all (those that are gone are told by whole days), and
    those labeled or rejected in the audit. One that was reviewed for its value before it was drawn is none of them."""

    sampled: int
    reviewed: int
    rejected: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a dataset. ``content`` is the SHA-256 of its manifest's items; ``parent_id`` may be empty."""

    version_id: str
    dataset_id: str
    parent_id: str
    name: str
    author: str
    created_at: float
    content: str
    items: int
    counts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VersionItem:
    """An image of a version with its labels as they were then. ``deleted_at``: the image is gone, its checksum not."""

    version_id: str
    sample_id: str
    split: str
    checksum: str
    labels: tuple[Label, ...]
    media_type: str
    path: str
    bytes: int
    width: int
    height: int
    deleted_at: float | None = None


@dataclass(frozen=True, slots=True)
class JobRow:
    """A training job; ``document`` is all that is known of it."""

    job_id: str
    name: str
    dataset_id: str
    version_id: str
    status: str
    created_at: float
    ended_at: float | None
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelVersionRow:
    """A registered version of a model, with its metrics and where it is served. ``version`` is empty for the model
    itself."""

    model: str
    version: str
    created_at: float
    job_id: str
    document: Mapping[str, Any]
