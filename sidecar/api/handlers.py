"""The endpoints: one function each, and the literal table of them."""

from __future__ import annotations

import time
from typing import Any

from sidecar.api import (
    handlers_ab_tests,
    handlers_alerts,
    handlers_data_engines,
    handlers_datasets,
    handlers_drift,
    handlers_events,
    handlers_exports,
    handlers_feedback,
    handlers_items,
    handlers_live,
    handlers_models,
    handlers_overview,
    handlers_predictions,
    handlers_samples,
    handlers_shadow_tests,
    handlers_time_series,
    handlers_tokens,
    handlers_training,
    render,
    schemas_status,
)
from sidecar.api.addresses import address_documents
from sidecar.api.certificates import certificate_documents
from sidecar.api.routes import Call, Route
from sidecar.api.services import Backlog


async def status(call: Call) -> dict[str, Any]:
    """How the sidecar is: workers, store, outbox, what was dropped."""
    services, now = call.services, time.time()
    workers, store, watched = services.totals.workers(), services.totals.store(), services.watch.figures()
    certificates = certificate_documents(workers, now)
    failover = services.trials.figures()["failover"]
    failing = watched["failing_channels"], services.totals.failing_parts()
    faults = render.faults(workers, store, *failing, certificates, failover)
    told = Backlog("notifications", watched["notifications_waiting"], None, None, None)
    return {
        "ok": not faults,
        "faults": faults,
        "version": services.version,
        "started_at": services.started_at,
        "uptime_s": max(now - services.started_at, 0.0),
        "requests": sum(summary.requests for summary in services.totals.summaries().values()),
        "settings_version": services.control.settings_version(),
        "workers": [render.worker_document(worker) for worker in workers],
        "backlog": [entry._asdict() for entry in (*services.totals.backlog(), told)],
        "limits_hit": render.limit_documents(services.totals.limits_hit()),
        "dropped": render.dropped_documents(services.totals.dropped()),
        "samples": dict(services.totals.samples()),
        "outbox": render.outbox_documents(services.totals.outbox()),
        "alerts": dict(watched["alerts"]),
        "store": render.store_document(store),
        "certificates": certificates,
        "addresses": address_documents(workers),
    }


async def settings(call: Call) -> dict[str, Any]:
    """The effective configuration, secrets hidden."""
    return dict(call.services.control.settings())


ROUTES: tuple[Route, ...] = (
    Route("GET", "/api/v1/status", "Status", status, gives=schemas_status.StatusOut),
    *handlers_models.ROUTES,
    # The literal paths stand before the one with an id, which would match them too.
    *handlers_exports.ROUTES,
    *handlers_live.ROUTES,
    *handlers_predictions.ROUTES,
    *handlers_overview.ROUTES,
    *handlers_events.ROUTES,
    *handlers_time_series.ROUTES,
    *handlers_samples.ROUTES,
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
