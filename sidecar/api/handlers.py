"""The endpoints: one function each, and the literal table of them."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from sidecar.api import (
    handlers_ab_tests,
    handlers_alerts,
    handlers_data_engines,
    handlers_datasets,
    handlers_drift,
    handlers_exports,
    handlers_feedback,
    handlers_items,
    handlers_live,
    handlers_models,
    handlers_shadow_tests,
    handlers_time_series,
    handlers_tokens,
    handlers_training,
    render,
    schemas,
)
from sidecar.api.problems import Problem
from sidecar.api.routes import Call, Route

IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp")


async def status(call: Call) -> dict[str, Any]:
    """How the sidecar is: workers, store, outbox, what was dropped."""
    services, now = call.services, time.time()
    workers, store, watched = services.totals.workers(), services.totals.store(), services.watch.figures()
    faults = render.faults(workers, store, watched["failing_channels"], services.totals.failing_parts())
    return {
        "ok": not faults,
        "faults": faults,
        "version": services.version,
        "started_at": services.started_at,
        "uptime_s": max(now - services.started_at, 0.0),
        "requests": sum(summary.requests for summary in services.totals.summaries().values()),
        "workers": [render.worker_document(worker) for worker in workers],
        "dropped": render.dropped_documents(services.totals.dropped()),
        "samples": dict(services.totals.samples()),
        "outbox": render.outbox_documents(services.totals.outbox()),
        "alerts": dict(watched["alerts"]),
        "store": dict(store),
    }


async def predictions(call: Call) -> dict[str, Any]:
    """Predictions, newest first, a page at a time."""
    query: schemas.PredictionsQuery = call.query
    page = await call.services.reader.predictions(**query.model_dump(exclude={"cursor"}), before=query.cursor)
    return {"items": [render.prediction_document(item) for item in page.items], "next": page.next}


async def prediction(call: Call) -> dict[str, Any]:
    """One prediction with its detections."""
    found = await call.services.reader.prediction(call.path["prediction_id"])
    if found is None:
        raise Problem(404, f"no prediction has the id {call.path['prediction_id']!r}")
    return render.prediction_document(found)


async def samples(call: Call) -> dict[str, Any]:
    """Samples, newest first, a page at a time."""
    query: schemas.SamplesQuery = call.query
    page = await call.services.reader.samples(**query.model_dump(exclude={"cursor"}), before=query.cursor)
    return {"items": [render.sample_document(item) for item in page.items], "next": page.next}


async def sample(call: Call) -> dict[str, Any]:
    """One sample."""
    found = await call.services.reader.sample(call.path["sample_id"])
    if found is None:
        raise Problem(404, f"no sample has the id {call.path['sample_id']!r}")
    return render.sample_document(found)


async def sample_image(call: Call) -> web.StreamResponse:
    """The image of a sample."""
    found = await call.services.reader.sample(call.path["sample_id"])
    if found is None:
        raise Problem(404, f"no sample has the id {call.path['sample_id']!r}")
    root = call.services.data_dir.resolve()
    path = (root / found.path).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise Problem(404, f"the image of sample {found.sample_id!r} is gone")
    media_type = found.media_type if found.media_type in IMAGE_TYPES else "application/octet-stream"
    return web.FileResponse(
        path,
        headers={
            "Content-Type": media_type,
            # Bytes of strangers: nothing in them may run, whatever a browser takes them for.
            "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
            "Cache-Control": "private, max-age=86400, immutable",
        },
    )


async def settings(call: Call) -> dict[str, Any]:
    """The effective configuration, secrets hidden."""
    return dict(call.services.control.settings())


ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/status", "Status", status, gives=schemas.StatusOut),
    *handlers_models.ROUTES,
    # The literal paths stand before the one with an id, which would match them too.
    *handlers_exports.ROUTES,
    *handlers_live.ROUTES,
    Route(
        "GET",
        "/api/v1/predictions",
        "Predictions",
        predictions,
        query=schemas.PredictionsQuery,
        gives=schemas.PredictionsPage,
    ),
    Route(
        "GET",
        "/api/v1/predictions/{prediction_id}",
        "One prediction",
        prediction,
        gives=schemas.PredictionOut,
        operation="get_prediction",
    ),
    *handlers_time_series.ROUTES,
    Route("GET", "/api/v1/samples", "Samples", samples, query=schemas.SamplesQuery, gives=schemas.SamplesPage),
    Route(
        "GET",
        "/api/v1/samples/{sample_id}",
        "One sample",
        sample,
        gives=schemas.SampleOut,
        operation="get_sample",
    ),
    Route("GET", "/api/v1/samples/{sample_id}/image", "A sample's image", sample_image, media_type="image/*"),
    Route("GET", "/api/v1/settings", "Effective configuration, secrets hidden", settings),
    *handlers_drift.ROUTES,
    *handlers_alerts.ROUTES,
    *handlers_ab_tests.ROUTES,
    *handlers_shadow_tests.ROUTES,
    *handlers_data_engines.ROUTES,
    *handlers_feedback.ROUTES,
    *handlers_datasets.ROUTES,
    *handlers_items.ROUTES,
    *handlers_training.ROUTES,
    *handlers_tokens.ROUTES,
)
