"""The part of the client for asyncio that is about the sidecar itself and the traffic it saw."""

from __future__ import annotations

from typing import Literal

from sidecar.client import calls_traffic
from sidecar.client.aio_asking import AsyncAsking
from sidecar.client.calls import Filter, Moment
from sidecar.client.pages import AsyncPages
from sidecar.client.records import Event, Overview, Prediction, RelatedPrediction, Sample, Status, Summaries
from sidecar.client.results import Document, Records


class AsyncTrafficMethods(AsyncAsking):
    """What ``AsyncClient`` can do about the sidecar and its traffic."""

    async def status(self) -> Status:
        """How the sidecar is: ok, faults, workers, store, outbox, dropped."""
        return await self._run(calls_traffic.status())

    async def settings(self) -> Document:
        """The effective configuration, secrets hidden."""
        return await self._run(calls_traffic.settings())

    async def get_overview(
        self,
        since: Moment | None = None,
        until: Moment | None = None,
        model: str | None = None,
        version: str | None = None,
        width_s: int | None = None,
        compare: Literal["auto", "previous", "baseline"] | None = None,
    ) -> Overview:
        """A range of time, the last hour by default: its ``sentence`` says what changed, ``totals`` and ``versions``
        have figures beside those of the range before and of the baseline, ``series`` go with ``at``, ``markers`` are
        events. ``model`` is a model, or ``name@version``; ``compare`` what the sentence compares with."""
        filters: dict[str, Filter] = {
            "since": since,
            "until": until,
            "model": model,
            "version": version,
            "width_s": width_s,
            "compare": compare,
        }
        return await self._run(calls_traffic.overview(filters))

    async def events(
        self,
        since: Moment | None = None,
        until: Moment | None = None,
        model: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
    ) -> Records[Event]:
        """What came about, newest first, ``limit`` (100) at most: versions that came, promotions, tests of versions,
        alerts that fired, baselines. ``model`` is a model, or ``name@version``."""
        filters: dict[str, Filter] = {"since": since, "until": until, "model": model, "kind": kind, "limit": limit}
        return await self._run(calls_traffic.events(filters))

    def predictions(
        self,
        model: str | None = None,
        version: str | None = None,
        role: str | None = None,
        status: str | int | None = None,
        label: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        limit: int | None = None,
        unit: str | None = None,
        min_confidence: float | None = None,
        max_confidence: float | None = None,
        min_latency_ms: float | None = None,
        max_latency_ms: float | None = None,
        sampled: bool | None = None,
    ) -> AsyncPages[Prediction]:
        """Predictions, newest first, over all pages, that all filters hold for; ``limit`` is the size of a page.

        The confidences hold where one detection at or above the score threshold, of the class ``label`` where one is
        given, lies between them; ``sampled`` where its image was kept.
        """
        filters: dict[str, Filter] = {
            "model": model,
            "version": version,
            "role": role,
            "status": status,
            "label": label,
            "since": since,
            "until": until,
            "unit": unit,
            "min_confidence": min_confidence,
            "max_confidence": max_confidence,
            "min_latency_ms": min_latency_ms,
            "max_latency_ms": max_latency_ms,
            "sampled": sampled,
            "limit": limit,
        }
        return self._pages(calls_traffic.predictions_page, filters)

    async def get_prediction(self, prediction_id: str) -> Prediction:
        """One prediction with its ``detections``. Raises NotFound."""
        return await self._run(calls_traffic.prediction(prediction_id))

    async def related_predictions(self, prediction_id: str) -> Records[RelatedPrediction]:
        """The other predictions of its request: of its other images, and of the other version where the request was
        copied to a shadow. Raises NotFound."""
        return await self._run(calls_traffic.related_predictions(prediction_id))

    async def summaries(
        self,
        since: Moment | None = None,
        until: Moment | None = None,
        width_s: int | None = None,
        model: str | None = None,
        version: str | None = None,
    ) -> Summaries:
        """Time series as ``points``; ``width_s`` is 10, 60, 3600 or 86400."""
        filters: dict[str, Filter] = {
            "since": since,
            "until": until,
            "width_s": width_s,
            "model": model,
            "version": version,
        }
        return await self._run(calls_traffic.summaries(filters))

    def samples(
        self, model: str | None = None, reason: str | None = None, status: str | None = None, limit: int | None = None
    ) -> AsyncPages[Sample]:
        """Samples, newest first, over all pages, that all filters hold for; ``limit`` is the size of a page."""
        filters: dict[str, Filter] = {"model": model, "reason": reason, "status": status, "limit": limit}
        return self._pages(calls_traffic.samples_page, filters)

    async def get_sample(self, sample_id: str) -> Sample:
        """One sample. Raises NotFound."""
        return await self._run(calls_traffic.sample(sample_id))

    async def sample_image(self, sample_id: str, width: int | None = None) -> bytes:
        """The image of a sample as it was kept; with a ``width`` of 160, 320 or 640 a JPEG that is no wider, where one
        can be made. Raises NotFound."""
        return await self._run(calls_traffic.sample_image(sample_id, width))
