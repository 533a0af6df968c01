"""Reading what somebody says of a prediction, wherever it comes from: the API or a path of the data port."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from sidecar.api.bodies import document_of
from sidecar.api.errors import ControlError
from sidecar.api.feedback import Feedback, Submission
from sidecar.api.problems import Problem, dumps, field_errors
from sidecar.api.routes import refused
from sidecar.api.schemas_feedback import FeedbackBody
from sidecar.feedback import faults_of
from sidecar.recording import StoreError
from sidecar.types import Box

CLOCK_SKEW_S = 300.0
"""How far ahead of ours another clock may be."""
DATA_PORT = "data port"
"""Who speaks there is not known, so it never takes the place of what somebody said by the admin port."""
Reply = tuple[int, str, bytes]
"""Status, media type and body of an answer."""


async def answer_feedback(feedback: Feedback, content: bytes, now: float) -> Reply:
    """The answer to a submission that came on the data port: its id and status (nothing of the model), or a problem.

    Raises nothing that ``feedback`` is meant to raise.
    """
    try:
        submission = read_submission(document_of(content), now)
        by = f"{DATA_PORT}: {submission.by}" if submission.by else DATA_PORT
        taken = await feedback.submit(replace(submission, by=by))
    except ControlError as error:
        return _problem(refused(error))
    except StoreError:
        # Why is for those who may ask the admin port.
        return _problem(Problem(503, "feedback can't be taken just now; try again"))
    except Problem as problem:
        return _problem(problem)
    return 200, "application/json", dumps({"id": taken["id"], "status": taken["status"]})


def _problem(problem: Problem) -> Reply:
    return problem.status, "application/problem+json", problem.content()


def read_submission(document: Any, now: float) -> Submission:
    """One submission as it came. Raises ControlError with all its faults.

    >>> read_submission({"prediction_id": "p1", "feedback_type": "correct"}, 5.0).by
    ''
    """
    try:
        body = FeedbackBody.model_validate(document)
    except ValidationError as error:
        faults = field_errors(error, "body", FeedbackBody)
        raise ControlError.of([(fault["field"], fault["message"]) for fault in faults]) from error
    return submission_of(body, now)


def submission_of(body: FeedbackBody, now: float) -> Submission:
    """The same of a body whose parts have their types."""
    box = _box(body.correct_box)
    faults = faults_of(body.feedback_type, body.detection_index, body.correct_class or "", box)
    if bool(body.prediction_id) == bool(body.request_id):
        faults["prediction_id"] = "give either prediction_id (X-Prediction-Id) or request_id (X-Request-Id)"
    if body.at is not None and body.at > now + CLOCK_SKEW_S:
        faults["at"] = "must not be in the future"
    if faults:
        raise ControlError.of(list(faults.items()))
    return Submission(
        body.prediction_id,
        body.request_id,
        body.feedback_type,
        body.detection_index,
        body.correct_class or "",
        box,
        body.by,
        body.note,
        body.at,
    )


def _box(numbers: list[float] | None) -> Box | None:
    if numbers is None:
        return None
    x1, y1, x2, y2 = numbers
    return x1, y1, x2, y2
