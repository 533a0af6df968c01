"""The endpoints of baselines and drift."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from sidecar.api import schemas_drift as schemas
from sidecar.api.problems import dumps, invalid_field
from sidecar.api.routes import Call, Route


async def baselines(call: Call) -> dict[str, Any]:
    """Baselines: what is normal for a model version."""
    query: schemas.BaselinesQuery = call.query
    return {"items": list(await call.services.watch.baselines(query.model_id))}


async def set_baseline(call: Call) -> dict[str, Any]:
    """Freeze a period of a model version as its baseline."""
    body: schemas.BaselineBody = call.body
    return dict(await call.services.watch.set_baseline(**body.model_dump()))


async def baseline(call: Call) -> dict[str, Any]:
    """One baseline with its figures."""
    return dict(await call.services.watch.baseline(call.path["baseline_id"]))


async def export_baseline(call: Call) -> web.Response:
    """One baseline with everything that is compared: its blocks, each a summary."""
    document = dict(await call.services.watch.export_baseline(call.path["baseline_id"]))
    # Thousands of summaries: written elsewhere, so that others are answered meanwhile.
    body = await asyncio.to_thread(dumps, document)
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


async def delete_baseline(call: Call) -> dict[str, Any]:
    """Delete a baseline; returns it as it was."""
    return dict(await call.services.watch.delete_baseline(call.path["baseline_id"]))


async def check_drift(call: Call) -> dict[str, Any]:
    """Compare two periods of a model: five scores, whether they are significant, and the classes that moved."""
    query: schemas.DriftQuery = call.query
    if query.slice and query.by_slice:
        raise invalid_field("by_slice", "not together with slice")
    return dict(await call.services.watch.check_drift(**query.model_dump()))


async def drift_checks(call: Call) -> dict[str, Any]:
    """What the continuous monitor found, newest first, a page at a time."""
    query: schemas.DriftChecksQuery = call.query
    return dict(await call.services.watch.drift_checks(**query.model_dump()))


ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/baselines",
        "Baselines",
        baselines,
        query=schemas.BaselinesQuery,
        gives=schemas.BaselinesOut,
    ),
    Route(
        "POST",
        "/api/v1/baselines",
        "Set a baseline",
        set_baseline,
        body=schemas.BaselineBody,
        gives=schemas.Baseline,
    ),
    Route(
        "GET",
        "/api/v1/baselines/{baseline_id}",
        "One baseline",
        baseline,
        gives=schemas.Baseline,
        operation="get_baseline",
    ),
    Route(
        "GET",
        "/api/v1/baselines/{baseline_id}/export",
        "A baseline with its blocks",
        export_baseline,
        gives=schemas.BaselineExport,
    ),
    Route("DELETE", "/api/v1/baselines/{baseline_id}", "Delete a baseline", delete_baseline, gives=schemas.Baseline),
    Route(
        "GET",
        "/api/v1/drift",
        "Compare two periods of a model",
        check_drift,
        query=schemas.DriftQuery,
        gives=schemas.DriftReport,
    ),
    Route(
        "GET",
        "/api/v1/drift/checks",
        "Checks of the continuous monitor",
        drift_checks,
        query=schemas.DriftChecksQuery,
        gives=schemas.DriftChecksPage,
    ),
)
