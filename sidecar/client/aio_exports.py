"""The part of the client for asyncio that saves predictions and detections as files."""

from __future__ import annotations

from sidecar.client import calls_exports
from sidecar.client.aio_asking import AsyncAsking
from sidecar.client.calls import Filter, Moment
from sidecar.client.calls_exports import Format, format_of
from sidecar.client.saving import Progress, Target


class AsyncExportMethods(AsyncAsking):
    """What ``AsyncClient`` can do about exports."""

    async def export_predictions(
        self,
        path: Target,
        format: Format | None = None,
        model: str | None = None,
        version: str | None = None,
        role: str | None = None,
        status: str | int | None = None,
        label: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        progress: Progress | None = None,
        unit: str | None = None,
        min_confidence: float | None = None,
        max_confidence: float | None = None,
        min_latency_ms: float | None = None,
        max_latency_ms: float | None = None,
        sampled: bool | None = None,
    ) -> None:
        """Save all predictions that the filters hold for, newest first, as a file at ``path`` (or into a file that is
        open for writing bytes), which is there only once it is complete.

        ``format``: jsonl, csv or parquet; None: what the name ends in. ``progress`` is called as the file grows, with
        how many bytes of it there are. Raises InvalidRequest, ConnectionFailed where it broke off, OSError.
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
        }
        await self._save(calls_exports.export_predictions(format_of(path, format), filters), path, progress)

    async def export_detections(
        self,
        path: Target,
        format: Format | None = None,
        model: str | None = None,
        version: str | None = None,
        role: str | None = None,
        status: str | int | None = None,
        label: str | None = None,
        min_confidence: float | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        progress: Progress | None = None,
        unit: str | None = None,
        max_confidence: float | None = None,
        min_latency_ms: float | None = None,
        max_latency_ms: float | None = None,
        sampled: bool | None = None,
    ) -> None:
        """The same with a row for each detection: of the class ``label``, and from ``min_confidence`` to
        ``max_confidence`` sure. Without these all that were recorded, also those under the score threshold."""
        filters: dict[str, Filter] = {
            "model": model,
            "version": version,
            "role": role,
            "status": status,
            "label": label,
            "min_confidence": min_confidence,
            "since": since,
            "until": until,
            "unit": unit,
            "max_confidence": max_confidence,
            "min_latency_ms": min_latency_ms,
            "max_latency_ms": max_latency_ms,
            "sampled": sampled,
        }
        await self._save(calls_exports.export_detections(format_of(path, format), filters), path, progress)
