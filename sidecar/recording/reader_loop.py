"""What a reader finds of the improvement loop: items and what was done to them, the audit, what people said."""

from __future__ import annotations

from collections.abc import Collection

from sidecar.recording import item_events, reader_feedback, reader_figures, reader_items
from sidecar.recording.loop_rows import (
    AuditCounts,
    AuditedRow,
    DatasetFigures,
    FeedbackRow,
    ItemEvent,
    Queue,
)
from sidecar.recording.pages import Page
from sidecar.recording.reader_base import StoreReads
from sidecar.recording.rows import Sample
from sidecar.recording.samples import SAMPLE_COLUMNS, as_of, sample_of
from sidecar.types import FeedbackType, Prediction


class LoopReads(StoreReads):
    """The reads of ``Reader`` that are of the improvement loop."""

    async def samples(
        self,
        *,
        model: str | None = None,
        reason: str | None = None,
        status: str | None = None,
        prediction_id: str | None = None,
        dataset_id: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Page[Sample]:
        """Kept images, newest first. ``reason`` is one rule that kept them, ``status`` the stored one. What the random
        sample drew and nobody reviewed yet is found by no ``model``, and by that reason alone."""
        return await reader_items.kept(self._fetch, model, dataset_id, reason, status, prediction_id, before, limit)

    async def sample(self, sample_id: str) -> Sample | None:
        """One kept image, as it is stored."""
        rows = await self._fetch(f"SELECT {SAMPLE_COLUMNS} FROM samples WHERE sample_id = ?", [sample_id])
        return sample_of(rows[0]) if rows else None

    async def kept_of(self, prediction_ids: Collection[str]) -> dict[str, str]:
        """The id of the kept image of each of up to LIMIT_MAX predictions that has one; not of those that the random
        sample drew and nobody reviewed yet: who reviews them must not know whose answer they are."""
        return await reader_items.kept_of(self._fetch, prediction_ids)

    async def item(self, sample_id: str, now: float) -> Sample | None:
        """One kept image as it stands at ``now``."""
        found = await self.sample(sample_id)
        return None if found is None else as_of(found, now)

    async def items(
        self,
        dataset_id: str,
        *,
        now: float,
        status: str | None = None,
        queue: Queue | None = None,
        reason: str | None = None,
        model: str | None = None,
        version: str | None = None,
        label: str | None = None,
        claimed_by: str | None = None,
        since: float | None = None,
        until: float | None = None,
        split: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Page[Sample]:
        """Items of a dataset as they stand at ``now``, the highest value first; of the audit in its random order.

        ``queue`` is ``audit`` for what the random sample drew and ``value`` for the rest. ``label`` is a class with a
        detection at or above the score threshold, or with a box in the labels; ``claimed_by`` who has it now;
        ``since <= at < until``; ``split`` is where versions have it. At most ITEMS_SCANNED_MAX items are looked at: a
        page may be shorter than ``limit``, even empty, and have a next one. Raises ValueError naming the argument that
        makes no sense.
        """
        selection = reader_items.Selection(
            dataset_id, status, queue, reason, model, version, label, claimed_by, since, until, split
        )
        return await reader_items.page(self._fetch, selection, now, before, limit)

    async def events(
        self,
        *,
        sample_id: str | None = None,
        dataset_id: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Page[ItemEvent]:
        """What was done to an item, or to those of a dataset, newest first; also to those that are gone."""
        return await item_events.page(self._fetch, sample_id, dataset_id, before, limit)

    async def labeled(self, dataset_id: str, after: str = "", limit: int = 1_000) -> list[Sample]:
        """Labeled items of a dataset by their ids, those after ``after``, without their detections (None)."""
        return await reader_items.labeled(self._fetch, dataset_id, after, limit)

    async def dataset_figures(self, dataset_id: str, now: float) -> DatasetFigures:
        """A dataset in numbers, as it stands at ``now``; all zero for one that has no items."""
        return await reader_figures.dataset(self._fetch, dataset_id, now)

    async def audited(self, experiment: str) -> list[AuditedRow]:
        """The images that the random sample drew in a test, alike ones in one row: those without a verdict of the audit
        first, then the others by their units. AUDITED_MAX rows at most."""
        return await reader_figures.audited(self._fetch, experiment)

    async def audited_of_model(
        self,
        model: str,
        since: float,
        until: float,
        after: reader_figures.Cursor | None = None,
        limit: int = 500,
    ) -> tuple[list[Sample], reader_figures.Cursor | None]:
        """Images of ``since <= at < until`` that were labeled in the audit, oldest first, with labels and detections,
        and the ``after`` of the next page or None."""
        return await reader_figures.audited_of_model(self._fetch, model, since, until, after, limit)

    async def audited_counts(self, model: str, since: float, until: float) -> dict[str, AuditCounts]:
        """Of each version, how many images of ``since <= at < until`` the random sample drew, and their reviews."""
        return await reader_figures.audited_counts(self._fetch, model, since, until)

    async def feedback(
        self,
        *,
        prediction_id: str | None = None,
        model: str | None = None,
        version: str | None = None,
        feedback_type: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Page[FeedbackRow]:
        """What people said, what was received last first; what was replaced or waits for its prediction too."""
        return await reader_feedback.page(self._fetch, prediction_id, model, version, feedback_type, before, limit)

    async def find_by_client_request(self, client_request_id: str) -> list[Prediction]:
        """Predictions of requests that a client gave that id, newest first, of the last day that has any; at most
        CLIENT_FOUND_MAX, and none older than CLIENT_DAYS_MAX before the newest prediction."""
        return await reader_feedback.of_client(self._fetch, client_request_id)

    async def day_of_client_request(
        self, client_request_id: str, before: float | None = None, since: float | None = None
    ) -> tuple[list[Prediction], float | None]:
        """One day of what ``find_by_client_request`` looks through, that which ends at ``before`` (None: the newest),
        and the ``before`` of the day ahead of it, None where that is all back to ``since``."""
        return await reader_feedback.day_of_client(self._fetch, client_request_id, before, since)

    async def clients_among(self, client_request_ids: Collection[str], since: float) -> set[str]:
        """Those of up to NAMES_MAX ids that a client gave a request of ``since`` or later, by tens of seconds, and of
        the day before the newest prediction."""
        return await reader_feedback.clients_among(self._fetch, client_request_ids, since)

    async def known_among(self, prediction_ids: Collection[str]) -> set[str]:
        """Those of up to NAMES_MAX ids that a prediction, a request of several images or a kept image has."""
        return await reader_feedback.known_among(self._fetch, prediction_ids)

    async def users_counts(self, model: str, since: float, until: float) -> dict[str, dict[FeedbackType, int]]:
        """Of each version, how many predictions have which verdict by people's feedback; those that were first said
        something of within [since, until), by tens of seconds."""
        return await reader_feedback.users_counts(self._fetch, model, since, until)
