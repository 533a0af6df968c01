"""The part of the client for asyncio that is about the sidecar itself and the traffic it saw."""

from __future__ import annotations

from sidecar.client import calls_traffic
from sidecar.client.aio_asking import AsyncAsking
from sidecar.client.calls import Filter, Moment
from sidecar.client.pages import AsyncPages
from sidecar.client.records import Prediction, Sample, Status, Summaries
from sidecar.client.results import Document


class AsyncTrafficMethods(AsyncAsking):
    """What ``AsyncClient`` can do about the sidecar and its traffic."""

    async def status(self) -> Status:
        """How the sidecar is: ok, faults, workers, store, outbox, dropped."""
        return await self._run(calls_traffic.status())

    async def settings(self) -> Document:
        """The effective configuration, secrets hidden."""
        return await self._run(calls_traffic.settings())

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
    ) -> AsyncPages[Prediction]:
        """Predictions, newest first, over all pages, that all filters hold for; ``limit`` is the size of a page."""
        filters: dict[str, Filter] = {
            "model": model,
            "version": version,
            "role": role,
            "status": status,
            "label": label,
            "since": since,
            "until": until,
            "limit": limit,
        }
        return self._pages(calls_traffic.predictions_page, filters)

    async def get_prediction(self, prediction_id: str) -> Prediction:
        """One prediction with its ``detections``. Raises NotFound."""
        return await self._run(calls_traffic.prediction(prediction_id))

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

    async def sample_image(self, sample_id: str) -> bytes:
        """The image of a sample as it was kept. Raises NotFound."""
        return await self._run(calls_traffic.sample_image(sample_id))
