"""What somebody says of a prediction, brought together with the prediction that it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from sidecar.api.errors import ControlError
from sidecar.api.feedback import Submission
from sidecar.feedback import faults_of
from sidecar.recording import FeedbackRow, Reader, VerdictKey
from sidecar.types import Detections, Prediction

IDS_LISTED_MAX = 20


@dataclass(frozen=True, slots=True)
class Found:
    """The prediction a statement is about: what it is counted under, and its detections (None: none are known)."""

    prediction_id: str
    key: VerdictKey
    detections: Detections | None


async def found_for(reader: Reader, prediction_id: str) -> Found | None:
    """The prediction of an id; None where none is known (yet).

    An image outlives its prediction, and serves as well. Raises ControlError where several images are meant, and
    StoreError.
    """
    prediction = await reader.prediction(prediction_id)
    if prediction is None:
        prediction = _one(await reader.by_request(prediction_id), "prediction_id", prediction_id)
    if prediction is not None:
        return _of(prediction)
    kept = await reader.samples(prediction_id=prediction_id, limit=1)
    if not kept.items:
        return None
    sample = kept.items[0]
    return Found(sample.prediction_id, VerdictKey.of(sample), sample.detections)


async def found_of_client(
    reader: Reader, request_id: str, before: float, since: float | None, is_late: Callable[[], bool]
) -> tuple[Found | None, float | None]:
    """The latest prediction of a client's own request id, looked for day by day from ``before`` (infinity: the newest)
    back to ``since``, until ``is_late``; and the ``before`` to go on from, None where nothing is left to look through.

    Raises ControlError where the request had several images, and StoreError.
    """
    left: float | None = before
    while left is not None and not is_late():
        latest, left = await reader.day_of_client_request(request_id, left, since)
        if latest:
            one = _one(await reader.by_request(latest[0].request_id), "request_id", request_id)
            return _of(one or latest[0]), None
    return None, left


def row_of(statement: Submission, found: Found | None, now: float) -> FeedbackRow:
    """The row of a statement; pending where its prediction is not known. The very same statement has the very same id.

    Raises ControlError with every field that does not fit.
    """
    faults = list(
        faults_of(
            statement.feedback_type, statement.detection_index, statement.correct_class, statement.correct_box
        ).items()
    )
    if found is not None:
        faults += index_faults(found.detections, statement.detection_index)
    if faults:
        raise ControlError.of(faults)
    row = FeedbackRow(
        feedback_id=_id_of(statement, found),
        prediction_id=statement.prediction_id if found is None else found.prediction_id,
        client_request_id=statement.request_id,
        feedback_type=statement.feedback_type,
        detection_index=statement.detection_index,
        correct_class=statement.correct_class,
        correct_box=statement.correct_box,
        place="",
        author=statement.by,
        note=statement.note,
        at=now if statement.at is None else statement.at,
        received_at=now,
    )
    return row if found is None else about(row, found)


def about(row: FeedbackRow, found: Found) -> FeedbackRow:
    """``row`` with the prediction it is about, and the detection."""
    label, score = "", None
    if row.detection_index is not None and found.detections is not None:
        label = found.detections.labels[int(found.detections.classes[row.detection_index])]
        score = float(found.detections.scores[row.detection_index])
    return replace(row, prediction_id=found.prediction_id, label=label, score=score)


def index_faults(detections: Detections | None, index: int | None) -> list[tuple[str, str]]:
    """Where there is no such detection."""
    if index is None:
        return []
    count = 0 if detections is None else len(detections.scores)
    if index < count:
        return []
    there = f"it has {count}, the first is 0" if count else "it has none"
    return [("detection_index", f"the prediction has no detection {index}: {there}")]


def _of(prediction: Prediction) -> Found:
    return Found(prediction.prediction_id, VerdictKey.of(prediction), prediction.detections)


def _one(images: Sequence[Prediction], field: str, asked: str) -> Prediction | None:
    if len(images) > 1:
        ids = ", ".join(image.prediction_id for image in images[:IDS_LISTED_MAX])
        raise ControlError(field, f"{asked!r} had {len(images)} images, say which by its prediction_id: {ids}")
    return images[0] if images else None


def _id_of(statement: Submission, found: Found | None) -> str:
    about_what = found.prediction_id if found is not None else statement.prediction_id or f"r/{statement.request_id}"
    parts = (
        about_what,
        statement.feedback_type,
        statement.detection_index,
        statement.correct_class,
        statement.correct_box,
        statement.by,
    )
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
