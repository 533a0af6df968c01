"""The reading side: a read-only connection, pages by key, newest first, no transaction longer than a page."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.recording import reader_models, reader_periods, reader_predictions, reader_summaries, reader_trials
from sidecar.recording.columns import PLAIN_COLUMNS, prediction_of
from sidecar.recording.pages import LIMIT_MAX, Page, checked_limit
from sidecar.recording.prediction_filters import PredictionFilters
from sidecar.recording.reader_loop import LoopReads
from sidecar.recording.reader_scan import PredictionScan
from sidecar.recording.rows import SummaryRow
from sidecar.recording.trial_rows import BucketsKept, ShadowAnswer, SnapshotRow
from sidecar.types import Prediction

_PREDICTION = f"{', '.join(PLAIN_COLUMNS)}, detections"
COPY_SUFFIX = "-shadow"
"""What the data plane adds to a request's id for that of its copy."""
UNJUDGED_ROLES = ("shadow", "override")
"""Roles whose traffic says nothing of a model in service: left out of baselines, drift and alerts."""


class Reader(LoopReads):
    """Reads the store in a data folder while another process or task writes it: what it has of traffic here, of the
    improvement loop in LoopReads.

    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> from sidecar.recording import Store
    >>> async def models_of_a_new_store() -> list[tuple[str, str]]:
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         store = await Store.open(Path(folder))
    ...         reader = await Reader.open(Path(folder))
    ...         try:
    ...             return await reader.models()
    ...         finally:
    ...             await reader.close()
    ...             await store.close()
    >>> asyncio.run(models_of_a_new_store())
    []
    """

    async def predictions(
        self,
        *,
        model: str | None = None,
        version: str | None = None,
        role: str | None = None,
        status: int | str | None = None,
        label: str | None = None,
        experiment: str | None = None,
        since: float | None = None,
        until: float | None = None,
        unit: str | None = None,
        min_confidence: float | None = None,
        max_confidence: float | None = None,
        min_latency_ms: float | None = None,
        max_latency_ms: float | None = None,
        sampled: bool | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> Page[Prediction]:
        """Predictions of ``since <= at < until`` (epoch seconds), newest first, ``limit`` of them at most.

        ``status`` is an HTTP status or one of ok, error, undecodable, empty (no detection); ``label`` a class with a
        detection at or above the score threshold; ``experiment`` the id of a test; the rest is as PredictionFilters
        has it. No index serves but model, version and time: by anything else LOOKED_MAX predictions are looked at, and
        a page may be shorter than ``limit``, even empty, and have a next one. Raises ValueError naming the argument
        that makes no sense.
        """
        confidences = (min_confidence, max_confidence)
        latencies = (min_latency_ms, max_latency_ms)
        filters = PredictionFilters(
            *(model, version, role, status, label, experiment, since, until, unit, *confidences, *latencies, sampled)
        )
        return await reader_predictions.page(self._fetch, filters, before, limit)

    async def scan_predictions(self, filters: PredictionFilters) -> PredictionScan:
        """All predictions that ``filters`` hold for, newest first, page by page. Raises ValueError and StoreError."""
        filters.others()
        return PredictionScan(await self._connection.pinned(), filters, self._tell_of_damage)

    async def prediction(self, prediction_id: str) -> Prediction | None:
        """One prediction; the bare id of a request serves where it had one image."""
        rows = await self._fetch(f"SELECT {_PREDICTION} FROM predictions WHERE prediction_id = ?", [prediction_id])
        if rows:
            return prediction_of(rows[0])
        images = await self.by_request(prediction_id)
        return images[0] if len(images) == 1 else None

    async def related(self, prediction: Prediction) -> list[Prediction]:
        """The other predictions of its request, and those of its copy to a shadow, or of what it is a copy of."""
        request_id = prediction.request_id.removesuffix(COPY_SUFFIX)
        found = [*await self.by_request(request_id), *await self.by_request(request_id + COPY_SUFFIX)]
        return [one for one in found if one.prediction_id != prediction.prediction_id]

    async def by_request(self, request_id: str) -> list[Prediction]:
        """The predictions of all images of a request, in their order."""
        rows = await self._fetch(
            f"SELECT {_PREDICTION} FROM predictions WHERE request_id = ?"
            " AND (prediction_id = ? OR prediction_id > ? AND prediction_id < ?) ORDER BY image_index LIMIT ?",
            # "/" is the character after ".": the range holds ID.0, ID.1 ... and is found by the index of prediction_id
            [request_id, request_id, request_id + ".", request_id + "/", LIMIT_MAX],
        )
        return [prediction_of(row) for row in rows]

    async def predictions_between(
        self,
        model: str,
        version: str | None,
        since: float,
        until: float,
        after: reader_periods.Cursor | None = None,
        limit: int = LIMIT_MAX,
        slice: str | None = None,
        *,
        roles_without: tuple[str, ...] = UNJUDGED_ROLES,
    ) -> tuple[list[Prediction], reader_periods.Cursor | None]:
        """Predictions of ``since <= at < until``, oldest first, and the ``after`` of the next page or None.

        Raises ValueError for a bad limit.
        """
        return await reader_periods.predictions_between(
            self._fetch, model, version, since, until, after, limit, slice, roles_without
        )

    async def summaries(
        self,
        *,
        since: float,
        until: float,
        width_s: int,
        model: str | None = None,
        models: Sequence[str] | None = None,
        version: str | None = None,
        slice: str | None = None,
        roles_without: tuple[str, ...] = (),
    ) -> list[SummaryRow]:
        """Rows of buckets of ``width_s`` that start within ``since <= bucket < until``, oldest first.

        ``models``: of any of these, so of none where it is empty. Raises ValueError where they are over MODELS_MAX.
        """
        return await reader_summaries.rows_within(
            self._fetch, since, until, width_s, model, models, version, slice, roles_without
        )

    async def summaries_page(
        self,
        *,
        since: float,
        until: float,
        width_s: int,
        models: Sequence[str] | None,
        after: reader_summaries.SummaryCursor | None = None,
        limit: int = 500,
        roles_without: tuple[str, ...] = (),
        version: str | None = None,
    ) -> tuple[list[SummaryRow], reader_summaries.SummaryCursor | None]:
        """Rows of buckets of ``width_s`` that start within ``since <= bucket < until``, by bucket and then by the rest
        of their key, and the ``after`` of the next page or None.

        ``models`` None: of all, empty: of none. Raises ValueError for a bad limit or more models than MODELS_MAX.
        """
        return await reader_summaries.page_within(
            self._fetch, since, until, width_s, models, after, limit, roles_without, version
        )

    async def summaries_count(
        self,
        model: str | None,
        version: str | None,
        since: float,
        until: float,
        width_s: int,
        most: int,
        *,
        roles_without: tuple[str, ...] = (),
    ) -> int:
        """How many rows ``summaries`` would give of a model, of a version, or of all (None), counted up to ``most``."""
        return await reader_summaries.count_within(
            self._fetch, since, until, width_s, model, version, most, roles_without
        )

    async def summary_span(
        self, model: str, version: str | None = None, *, roles_without: tuple[str, ...] = UNJUDGED_ROLES
    ) -> tuple[int, int] | None:
        """Start of the first hour there is a summary of and end of the last, epoch seconds; None without any."""
        return await reader_summaries.span(self._fetch, model, version, roles_without)

    async def first_hour(self) -> int | None:
        """Start of the earliest hour there is a summary of, whatever model it is of."""
        return await reader_summaries.first_hour(self._fetch)

    async def first_bucket(
        self, model: str, version: str, *, roles_without: tuple[str, ...] = UNJUDGED_ROLES
    ) -> int | None:
        """When the record of a model version begins, epoch seconds, as finely as the summaries still kept tell."""
        return await reader_summaries.first_bucket(self._fetch, model, version, roles_without)

    async def slices(
        self,
        model: str,
        version: str | None,
        since: float,
        until: float,
        *,
        roles_without: tuple[str, ...] = UNJUDGED_ROLES,
    ) -> list[str]:
        """The names of slices there were requests of within [since, until), by whole hours; sorted, without ``""``."""
        return await reader_summaries.slices_within(self._fetch, model, version, since, until, roles_without)

    async def epoch_summaries(self, trial_id: str) -> list[SummaryRow]:
        """The summaries of whole epochs of a test, by epoch and then by model, version and role."""
        return await reader_trials.epochs_of(self._fetch, trial_id)

    async def buckets_kept(self, trial_id: str) -> list[BucketsKept]:
        """Of each width, the finest first, what is kept of a test's summaries."""
        return await reader_trials.buckets_kept(self._fetch, trial_id)

    async def buckets_of(
        self, trial_id: str, width_s: int, after: tuple[int, int] | None = None, limit: int = LIMIT_MAX
    ) -> tuple[list[SummaryRow], tuple[int, int] | None]:
        """A page of a test's summaries in buckets of ``width_s``, oldest first, of all slices, and the ``after`` of the
        next page or None."""
        return await reader_trials.buckets_of(self._fetch, trial_id, width_s, after, checked_limit(limit))

    async def snapshots_of(self, trial_id: str, limit: int = LIMIT_MAX) -> list[SnapshotRow]:
        """What a test came to over time, as it was kept, oldest first."""
        return await reader_trials.snapshots_of(self._fetch, trial_id, checked_limit(limit))

    async def shadow_answers(
        self,
        trial_id: str,
        model: str | None,
        version: str | None,
        since: float,
        until: float,
        before: tuple[float, int] | None,
        limit: int = LIMIT_MAX,
    ) -> list[ShadowAnswer]:
        """Up to ``limit`` predictions of ``since <= at < until`` before ``before`` (at, id), newest first, and which of
        them are answers to the copies of a shadow test: what is read does not grow with how rare those are."""
        return await reader_trials.shadow_answers(
            self._fetch, trial_id, model, version, since, until, before, checked_limit(limit)
        )

    async def predictions_named(self, prediction_ids: Sequence[str]) -> dict[str, Prediction]:
        """Those of ``prediction_ids``, LIMIT_MAX at most, that are recorded, by id."""
        return await reader_trials.predictions_named(self._fetch, prediction_ids)

    async def units_seen(self, model: str | None, since: float, until: float) -> int | None:
        """How many units sent requests to a model (None: to any) of ``since <= at < until``.

        None where nothing recorded has a unit, or there are more than UNITS_SCANNED_MAX predictions to look at.
        """
        return await reader_trials.units_within(self._fetch, model, since, until)

    async def models(self) -> list[tuple[str, str]]:
        """All (model, version) there are predictions or summaries of, sorted."""
        return await reader_models.all_of(self._fetch)
