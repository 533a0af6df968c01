"""The part of the client for asyncio that is about baselines and drift."""

from __future__ import annotations

from typing import Literal

from sidecar.client import calls_drift
from sidecar.client.aio_asking import AsyncAsking
from sidecar.client.calls import Filter
from sidecar.client.pages import AsyncPages
from sidecar.client.records import Baseline, BaselineExport, DriftCheck, DriftReport
from sidecar.client.results import Records


class AsyncDriftMethods(AsyncAsking):
    """What ``AsyncClient`` can do about baselines and drift."""

    async def set_baseline(self, model_id: str, period: str, name: str = "default", replace: bool = False) -> Baseline:
        """Freeze ``period`` (as in ``check_drift``) as what is normal for a model version.

        Raises InvalidRequest, Conflict where it has a baseline of that name and ``replace`` is false.
        """
        return await self._run(calls_drift.set_baseline(model_id, period, name, replace))

    async def baselines(self, model_id: str | None = None) -> Records[Baseline]:
        """Baselines with their ``figures``, of one model or of all."""
        return await self._run(calls_drift.baselines(model_id))

    async def get_baseline(self, baseline_id: str) -> Baseline:
        """One baseline. Raises NotFound."""
        return await self._run(calls_drift.baseline(baseline_id))

    async def export_baseline(self, baseline_id: str) -> BaselineExport:
        """A baseline with its ``blocks``, each a summary of what was seen. Raises NotFound."""
        return await self._run(calls_drift.export_baseline(baseline_id))

    async def delete_baseline(self, baseline_id: str) -> Baseline:
        """Delete a baseline; returns it as it was. Raises NotFound."""
        return await self._run(calls_drift.delete_baseline(baseline_id))

    async def check_drift(
        self,
        model_id: str,
        reference_period: str,
        current_period: str,
        slice: str | None = None,
        by_slice: bool = False,
        source: Literal["auto", "summaries", "predictions"] = "auto",
        distributions: bool = False,
    ) -> DriftReport:
        """Compare two periods of a model: scores, ``significant_drift``, ``affected_classes``, ``sentence``.

        A period is ``2024-01-01:2024-01-31`` (days in UTC, both included), two date-times with offsets, ``7d`` (the
        last seven days) or a baseline's name. The five ``..._drift`` are NaN where there is no data. Raises
        InvalidRequest where a period holds no predictions.
        """
        question: dict[str, Filter] = {
            "model_id": model_id,
            "reference_period": reference_period,
            "current_period": current_period,
            "slice": slice,
            "by_slice": by_slice,
            "source": source,
            "distributions": distributions,
        }
        return await self._run(calls_drift.check_drift(question))

    def drift_checks(
        self, model_id: str | None = None, slice: str | None = None, limit: int | None = None
    ) -> AsyncPages[DriftCheck]:
        """What the continuous monitor found, newest first, over all pages; each has its ``report``. ``slice`` empty:
        of all traffic; None: of every slice too. ``limit`` is the size of a page."""
        filters: dict[str, Filter] = {"model_id": model_id, "slice": slice, "limit": limit}
        return self._pages(calls_drift.drift_checks_page, filters)
