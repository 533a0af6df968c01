"""The endpoints of feedback."""

from __future__ import annotations

import time
from typing import Any

from sidecar.api import schemas_feedback as schemas
from sidecar.api.errors import ControlError
from sidecar.api.feedback import Feedback, Submission
from sidecar.api.routes import Call, Route, there
from sidecar.api.submissions import read_submission, submission_of


def _of(call: Call) -> Feedback:
    return there(call.services.feedback)


async def submit_feedback(call: Call) -> dict[str, Any]:
    """Say what is right or wrong with a prediction or one of its detections. The same again changes nothing."""
    return dict(await _of(call).submit(submission_of(call.body, time.time())))


async def submit_feedback_bulk(call: Call) -> dict[str, Any]:
    """Say it of several; each is judged by itself, and what has a fault is left out."""
    body: schemas.FeedbackBulkBody = call.body
    read: dict[int, Submission] = {}
    faults: dict[int, ControlError] = {}
    for index, document in enumerate(body.items):
        try:
            read[index] = read_submission(document, time.time())
        except ControlError as error:
            faults[index] = error
    accepted = pending = 0
    for index, outcome in zip(read, await _of(call).submit_all(list(read.values())) if read else (), strict=True):
        if isinstance(outcome, ControlError):
            faults[index] = outcome
        else:
            accepted += 1
            pending += outcome["status"] == "pending"
    listed = [
        {"index": index, "field": field, "message": message}
        for index in sorted(faults)
        for field, message in faults[index].errors
    ]
    return {"accepted": accepted, "pending": pending, "faults": listed}


async def feedback(call: Call) -> dict[str, Any]:
    """Feedback, newest first, a page at a time; what was replaced too."""
    query: schemas.FeedbackQuery = call.query
    return dict(await _of(call).list(**query.model_dump()))


async def feedback_report(call: Call) -> dict[str, Any]:
    """How good a model is by what people said: score, precision by class and confidence, and the threshold to set."""
    query: schemas.FeedbackReportQuery = call.query
    return dict(await _of(call).report(**query.model_dump()))


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/api/v1/feedback",
        "Give feedback",
        submit_feedback,
        body=schemas.FeedbackBody,
        gives=schemas.Feedback,
        scope="feedback",
    ),
    Route(
        "POST",
        "/api/v1/feedback/bulk",
        "Give feedback on several predictions",
        submit_feedback_bulk,
        body=schemas.FeedbackBulkBody,
        gives=schemas.FeedbackBulkOut,
        body_bytes_max=schemas.BULK_BYTES_MAX,
        scope="feedback",
    ),
    Route("GET", "/api/v1/feedback", "Feedback", feedback, query=schemas.FeedbackQuery, gives=schemas.FeedbackPage),
    Route(
        "GET",
        "/api/v1/feedback/report",
        "What feedback says of a model",
        feedback_report,
        query=schemas.FeedbackReportQuery,
        gives=schemas.FeedbackReport,
        statuses={404: "No model or version is called so."},
    ),
)
