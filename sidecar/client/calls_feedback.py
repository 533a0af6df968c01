"""The calls about data engines and feedback: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import nan
from typing import Any

from sidecar.client.calls import Call, Filter, items_of, page_of, param, params_of, record_of, segment
from sidecar.client.calls_trials import with_nan
from sidecar.client.calls_watch import SLOW_TIMEOUT_S, Moment
from sidecar.client.results import Page, Record

ENGINES, FEEDBACK = "/api/v1/data-engines", "/api/v1/feedback"
BULK_MAX = 1_000
"""What one request may hold; more is sent in several."""
NOTHING = Record(accepted=0, pending=0, faults=[])
"""What comes of no statement."""
ESTIMATE = ("value", "lower", "upper", "completeness")
PRECISION = ("precision", "lower", "upper")
"""Figures of a report that are null where there is nothing to estimate them from."""


def configure_data_engine(model_id: str, config: Mapping[str, Any], target_dataset_id: str | None) -> Call[Record]:
    """Set the rules of a model."""
    body = {"config": dict(config), "target_dataset_id": target_dataset_id}
    return Call("PUT", _engine(model_id), record_of, body=body, repeatable=True)


def data_engine(model_id: str) -> Call[Record]:
    """The rules of a model."""
    return Call("GET", _engine(model_id), record_of)


def data_engines() -> Call[list[Record]]:
    """The rules of every model."""
    return Call("GET", ENGINES, items_of)


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
) -> Call[Record]:
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
    return Call("POST", FEEDBACK, _feedback_of, body=statement(given), repeatable=True)


def submit_feedback_bulk(items: Iterable[Mapping[str, Any]]) -> Call[Record]:
    """Say it of at most BULK_MAX."""
    body = {"items": [statement(item) for item in items]}
    return Call("POST", f"{FEEDBACK}/bulk", record_of, body=body, timeout_s=SLOW_TIMEOUT_S, repeatable=True)


def parts(items: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """``items`` in lists of at most BULK_MAX, at least one.

    >>> [len(part) for part in parts([{}] * 1_001)], parts([])
    ([1000, 1], [[]])
    """
    every = list(items)
    return [every[start : start + BULK_MAX] for start in range(0, max(len(every), 1), BULK_MAX)]


def added(total: Record, part: Record, offset: int) -> Record:
    """``total`` and what came of the part that began at ``offset``.

    >>> added(NOTHING, Record(accepted=1, pending=0, faults=[Record(index=1)]), 1_000)
    {'accepted': 1, 'pending': 0, 'faults': [{'index': 1001}]}
    """
    faults = [Record({**fault, "index": fault["index"] + offset}) for fault in part.faults]
    counts = {name: total[name] + part[name] for name in ("accepted", "pending")}
    return Record({**counts, "faults": [*total.faults, *faults]})


def feedback_page(filters: Mapping[str, Filter]) -> Call[Page]:
    """One page of feedback."""
    return Call("GET", FEEDBACK, _feedbacks_of, params_of(filters))


def feedback_report(question: Mapping[str, Filter]) -> Call[Record]:
    """What feedback says of a model."""
    return Call("GET", f"{FEEDBACK}/report", _report_of, params_of(question), timeout_s=SLOW_TIMEOUT_S)


def _feedback_of(body: bytes) -> Record:
    return _with_score(record_of(body))


def _feedbacks_of(body: bytes) -> Page:
    page = page_of(body)
    for item in page.items:
        _with_score(item)
    return page


def _with_score(item: Record) -> Record:
    """NaN where a score is null but there is a detection it could be of."""
    if item.get("detection_index") is not None and item.get("score", 0) is None:
        item["score"] = nan
    return item


def _report_of(body: bytes) -> Record:
    report = record_of(body)
    with_nan(report.get("score"), ESTIMATE)
    with_nan(report.get("users"), ESTIMATE)
    for part in (*(report.get("by_class") or ()), *(report.get("by_confidence") or ())):
        with_nan(part, PRECISION)
    with_nan(report.get("threshold"), ("precision", "lower", "kept_share"))
    for version in report.get("versions") or ():
        with_nan(version, ESTIMATE)
        with_nan(version.get("users"), ESTIMATE)
    return report
