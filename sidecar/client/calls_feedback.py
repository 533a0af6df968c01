"""The calls about data engines and feedback: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sidecar.client.calls import (
    SLOW_TIMEOUT_S,
    Call,
    Filter,
    Moment,
    encoded,
    listing,
    paging,
    param,
    params_of,
    reading,
    segment,
)
from sidecar.client.errors import InvalidRequest, invalid_field
from sidecar.client.pages import Page
from sidecar.client.records import DataEngine, Feedback, FeedbackBulk, FeedbackReport
from sidecar.client.results import Records

ENGINES, FEEDBACK = "/api/v1/data-engines", "/api/v1/feedback"
BULK_MAX = 1_000
"""What one request may hold; more is sent in several."""
NOTHING = FeedbackBulk.of({"accepted": 0, "pending": 0, "faults": []})
"""What comes of no statement."""


def configure_data_engine(
    model_id: str, config: Mapping[str, Any], target_dataset_id: str | None, if_match: str | None
) -> Call[DataEngine]:
    """Set the rules of a model."""
    body = {"config": dict(config), "target_dataset_id": target_dataset_id}
    return Call("PUT", _engine(model_id), reading(DataEngine), body=body, if_match=if_match)


def data_engine(model_id: str) -> Call[DataEngine]:
    """The rules of a model."""
    return Call("GET", _engine(model_id), reading(DataEngine))


def data_engines() -> Call[Records[DataEngine]]:
    """The rules of every model."""
    return Call("GET", ENGINES, listing(DataEngine))


def _engine(model_id: str) -> str:
    return f"{ENGINES}/{segment(model_id, 'model_id')}"


def statement(given: Mapping[str, Any]) -> dict[str, Any]:
    """One statement as the API takes it: None is left out, a time becomes text, a box a list of numbers.

    >>> statement({"prediction_id": "p1", "correct_box": (1, 2, 3, 4), "by": None})
    {'prediction_id': 'p1', 'correct_box': [1.0, 2.0, 3.0, 4.0]}
    """
    body = {name: value for name, value in given.items() if value is not None}
    if isinstance(body.get("at"), datetime):
        body["at"] = param("at", body["at"])
    if "correct_box" in body:
        body["correct_box"] = box_of(body["correct_box"])
    return body


def box_of(box: Any) -> Any:
    """A box as a list of numbers, of an array too; what is none stays, for the sidecar to tell."""
    try:
        return [float(number) for number in box]
    except (TypeError, ValueError):
        return box


def submit_feedback(
    prediction_id: str | None,
    feedback_type: str,
    detection_index: int | None,
    correct_class: str | None,
    correct_box: Sequence[float] | None,
    by: str,
    note: str,
    at: Moment | None,
    request_id: str | None,
) -> Call[Feedback]:
    """Say what is right or wrong with a prediction."""
    given = {
        "prediction_id": prediction_id,
        "request_id": request_id,
        "feedback_type": feedback_type,
        "detection_index": detection_index,
        "correct_class": correct_class,
        "correct_box": correct_box,
        "by": by,
        "note": note,
        "at": at,
    }
    return Call("POST", FEEDBACK, reading(Feedback), body=statement(given))


def submit_feedback_bulk(items: Iterable[Mapping[str, Any]]) -> list[Call[FeedbackBulk]]:
    """Say it of several: calls of at most BULK_MAX, at least one. All are made before any is sent, so that what can't
    be sent is told before anything is.

    >>> [len(call.content) for call in submit_feedback_bulk([{}] * 1_001)], submit_feedback_bulk([])[0].content
    ([4011, 15], b'{"items": []}')
    """
    every = [_one_of_many(index, item) for index, item in enumerate(items)]
    parts = [every[start : start + BULK_MAX] for start in range(0, max(len(every), 1), BULK_MAX)]
    bodies = [b'{"items": [' + b", ".join(part) + b"]}" for part in parts]
    path = f"{FEEDBACK}/bulk"
    return [Call("POST", path, reading(FeedbackBulk), body=body, timeout_s=SLOW_TIMEOUT_S) for body in bodies]


def _one_of_many(index: int, item: Any) -> bytes:
    """A statement as JSON. Raises InvalidRequest naming its place."""
    if not isinstance(item, Mapping):
        raise invalid_field(f"items.{index}", f"must be a mapping, not {type(item).__name__}")
    try:
        return encoded(statement(item))
    except InvalidRequest as error:
        raise invalid_field(f"items.{index}.{error.errors[0].field}", error.errors[0].message) from error


def added(total: FeedbackBulk, part: FeedbackBulk, offset: int) -> FeedbackBulk:
    """``total`` and what came of the part that began at ``offset``.

    >>> added(NOTHING, FeedbackBulk.of({"accepted": 1, "pending": 0, "faults": [{"index": 1}]}), 1_000)
    FeedbackBulk(accepted=1, pending=0, faults=[{'index': 1001}])
    """
    faults = [{**fault, "index": fault["index"] + offset} for fault in part.faults]
    counts = {name: total[name] + part[name] for name in ("accepted", "pending")}
    return FeedbackBulk.of({**counts, "faults": [*total.faults, *faults]})


def feedback_page(filters: Mapping[str, Filter]) -> Call[Page[Feedback]]:
    """One page of feedback."""
    return Call("GET", FEEDBACK, paging(Feedback), params_of(filters))


def feedback_report(question: Mapping[str, Filter]) -> Call[FeedbackReport]:
    """What feedback says of a model."""
    return Call("GET", f"{FEEDBACK}/report", reading(FeedbackReport), params_of(question), timeout_s=SLOW_TIMEOUT_S)
