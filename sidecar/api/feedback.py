"""What the API asks about feedback: what people say of predictions, as one Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict

from sidecar.api.errors import ControlError
from sidecar.api.watch import Document
from sidecar.types import Box, FeedbackType


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody says of a prediction, or of the ``detection_index``-th of its detections.

    Exactly one of ``prediction_id`` and ``request_id`` (the client's own) is not empty; ``missed_object`` and
    ``correct`` have the parts that fit them. ``correct_class`` "" and ``correct_box`` None: not said. A box is x1, y1,
    x2, y2 in pixels, finite, with x1 < x2 and y1 < y2. ``at`` None: now; else it is not in the future by more than a
    clock may be wrong.

    >>> Submission("p1", "", "wrong_label", 0, "cat", None, "ann", "", None).feedback_type
    'wrong_label'
    """

    prediction_id: str
    request_id: str
    feedback_type: FeedbackType
    detection_index: int | None
    correct_class: str
    correct_box: Box | None
    by: str
    note: str
    at: float | None


class FeedbackFigures(TypedDict):
    """Counts since the monitor started (none of them goes down), and how things stand now."""

    received: Mapping[str, int]
    """Statements taken, by feedback_type; one that changes nothing does not count."""
    pending: int
    """Statements whose prediction is not known yet, now."""
    expired: int
    """Statements that were dropped: their prediction never came, or has no such detection."""


class Feedback(Protocol):
    """Feedback and what follows from it. Arguments have their types and bounds; whether they fit the prediction is
    judged here.

    Every method raises ControlError for arguments that can't be (422), its kind NotThere with the field of an id that
    nothing has (404), and StoreError where the store can't (503). Pages may let the store's ValueError "before: ..."
    pass: it is answered as a fault of ``cursor``. NaN may stand in documents; it becomes null.
    """

    async def submit(self, submission: Submission) -> Document:
        """Take one, durably; its Feedback. The very same again gives the same and changes nothing. A prediction that
        is not known (yet) is no fault: the statement is pending.

        Raises ControlError with field ``detection_index`` where there is no such detection, ``prediction_id`` or
        ``request_id`` where it has several images (the message lists their ids); Conflict with field
        ``prediction_id`` where too many are pending.
        """
        ...

    async def submit_all(self, submissions: Sequence[Submission]) -> Sequence[Document | ControlError]:
        """Take several, in order and in one transaction; of each its Feedback, or what ``submit`` would raise.

        A fault of one leaves the others be.
        """
        ...

    async def list(
        self,
        *,
        prediction_id: str | None,
        model_id: str | None,
        feedback_type: str | None,
        limit: int,
        cursor: str | None,
    ) -> Document:
        """A FeedbackPage, newest first, of what all filters that are not None hold for; what was replaced too."""
        ...

    async def report(
        self, model_id: str, since: float | None, until: float | None, target_precision: float | None
    ) -> Document:
        """A FeedbackReport of a model (``name`` or ``name@version``). None: a default.

        Raises ControlError with field ``model_id`` where nothing is recorded of it, ``since`` where it is not before
        ``until``.
        """
        ...

    def figures(self) -> FeedbackFigures:
        """For /metrics; cheap, without waiting."""
        ...
