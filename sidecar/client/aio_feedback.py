"""The part of the client for asyncio that is about data engines and feedback."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sidecar.client import calls_feedback
from sidecar.client.aio_asking import AsyncAsking
from sidecar.client.calls import Filter, Moment
from sidecar.client.pages import AsyncPages
from sidecar.client.records import DataEngine, Feedback, FeedbackBulk, FeedbackReport
from sidecar.client.results import Records


class AsyncFeedbackMethods(AsyncAsking):
    """What ``AsyncClient`` can do about data engines and feedback."""

    async def configure_data_engine(
        self,
        model_id: str,
        config: Mapping[str, Any],
        target_dataset_id: str | None = None,
        if_match: str | None = None,
    ) -> DataEngine:
        """Set the rules by which images of a model are kept for review, in place of those it had (docs/api.md).

        ``if_match``, the ``etag`` of the rules as they were read, makes sure that nobody changed them since. Raises
        InvalidRequest naming what is wrong, Changed.
        """
        return await self._run(calls_feedback.configure_data_engine(model_id, config, target_dataset_id, if_match))

    async def data_engine(self, model_id: str) -> DataEngine:
        """The rules of a model, what they kept and what limits kept out. Raises NotFound."""
        return await self._run(calls_feedback.data_engine(model_id))

    async def data_engines(self) -> Records[DataEngine]:
        """The rules of every model."""
        return await self._run(calls_feedback.data_engines())

    async def submit_feedback(
        self,
        prediction_id: str | None,
        feedback_type: str,
        detection_index: int | None = None,
        correct_class: str | None = None,
        correct_box: Sequence[float] | None = None,
        *,
        by: str = "",
        note: str = "",
        at: Moment | None = None,
        request_id: str | None = None,
    ) -> Feedback:
        """Say that a prediction, or one of its detections, is ``correct``, or how it is not: ``wrong_label``,
        ``wrong_box``, ``false_positive``, ``missed_object``. The same again changes nothing.

        ``prediction_id`` is the ``X-Prediction-Id`` of its response, or None where ``request_id`` (your own
        ``X-Request-Id``) names it; ``detection_index`` its detection's place; ``correct_box`` x1, y1, x2, y2 in pixels.
        A prediction that is not recorded yet is waited for. Raises InvalidRequest naming what is wrong.
        """
        said = (prediction_id, feedback_type, detection_index, correct_class, correct_box)
        return await self._run(calls_feedback.submit_feedback(*said, by, note, at, request_id))

    async def submit_feedback_bulk(self, items: Iterable[Mapping[str, Any]]) -> FeedbackBulk:
        """Say it of several, each a mapping of what ``submit_feedback`` takes: how many were ``accepted``, how many of
        them are ``pending``, and the ``faults`` of the others. Over 1,000 are sent in several requests; where one of
        them fails those before it were taken, and saying it all again changes nothing. Raises InvalidRequest, before
        anything is sent, naming the item that can't be."""
        total = calls_feedback.NOTHING
        for number, call in enumerate(calls_feedback.submit_feedback_bulk(items)):
            found = await self._run(call)
            total = calls_feedback.added(total, found, number * calls_feedback.BULK_MAX)
        return total

    def feedback(
        self,
        prediction_id: str | None = None,
        model_id: str | None = None,
        feedback_type: str | None = None,
        limit: int | None = None,
    ) -> AsyncPages[Feedback]:
        """What was said, newest first, over all pages, that all filters hold for; ``limit`` is the size of a page."""
        filters: dict[str, Filter] = {
            "prediction_id": prediction_id,
            "model_id": model_id,
            "feedback_type": feedback_type,
            "limit": limit,
        }
        return self._pages(calls_feedback.feedback_page, filters)

    async def feedback_report(
        self,
        model_id: str,
        since: Moment | None = None,
        until: Moment | None = None,
        target_precision: float | None = None,
    ) -> FeedbackReport:
        """What feedback says of a model: its ``score`` from reviews of the random sample, what ``users`` say, precision
        ``by_class`` and ``by_confidence``, the ``threshold`` for a precision. NaN where nothing is known."""
        question: dict[str, Filter] = {
            "model_id": model_id,
            "since": since,
            "until": until,
            "target_precision": target_precision,
        }
        return await self._run(calls_feedback.feedback_report(question))
