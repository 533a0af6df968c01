"""The endpoints that export predictions and detections as files."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from aiohttp import web

from sidecar.api.exporting import EXPORTS_MAX
from sidecar.api.exports import FORMATS, FormatMissing, Wanted
from sidecar.api.problems import invalid_field
from sidecar.api.routes import Call, Route
from sidecar.api.schemas_exports import DetectionsExportQuery, ExportQuery
from sidecar.recording import PredictionFilters


async def export_predictions(call: Call) -> web.StreamResponse:
    """Predictions as a file, newest first: all that the filters hold for."""
    query: ExportQuery = call.query
    return await _export(call, Wanted("predictions"), query, _filters_of(query))


async def export_detections(call: Call) -> web.StreamResponse:
    """Detections as a file, a row each, those of the newest prediction first."""
    query: DetectionsExportQuery = call.query
    low, high = query.min_confidence, query.max_confidence
    if low is not None and high is not None and low > high:
        raise invalid_field("min_confidence", f"{low:g} is above max_confidence, {high:g}")
    # the store knows of detections only above the score threshold: those that are wanted are chosen one by one
    filters = _filters_of(query.model_copy(update=dict.fromkeys(("label", "min_confidence", "max_confidence"))))
    return await _export(call, Wanted("detections", query.label, low, high), query, filters)


async def _export(call: Call, wanted: Wanted, query: ExportQuery, filters: PredictionFilters) -> web.StreamResponse:
    exports = call.services.exports
    with exports.place(call.request):
        made = FORMATS[query.format]
        try:
            writer = await asyncio.to_thread(made.writer, wanted)
        except FormatMissing as missing:
            raise invalid_field("format", str(missing)) from missing
        name = f"{wanted.table}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{query.format}"
        headers = {
            "Content-Type": f"{made.media_type}{made.charset}",
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        async with await call.services.reader.scan_predictions(filters) as scan:
            return await exports.send(call.request, scan, writer, headers)


def _filters_of(query: ExportQuery) -> PredictionFilters:
    given = query.model_dump(exclude={"format"})
    return PredictionFilters(**{**given, "until": time.time() if query.until is None else query.until})


_STATUSES = {503: f"{EXPORTS_MAX} exports are under way, or the store can't be used."}
_SAVED_AS = {"Content-Disposition": "the name to save it by"}
_MEDIA_TYPES = tuple(made.media_type for made in FORMATS.values())

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/predictions/export",
        "Predictions as a file",
        export_predictions,
        query=ExportQuery,
        media_type=_MEDIA_TYPES[0],
        statuses=_STATUSES,
        headers=_SAVED_AS,
        media_types=_MEDIA_TYPES,
    ),
    Route(
        "GET",
        "/api/v1/detections/export",
        "Detections as a file",
        export_detections,
        query=DetectionsExportQuery,
        media_type=_MEDIA_TYPES[0],
        statuses=_STATUSES,
        headers=_SAVED_AS,
        media_types=_MEDIA_TYPES,
    ),
)
