"""The endpoints of alerts."""

from __future__ import annotations

import time
from typing import Any

from sidecar.api import schemas_alerts as schemas
from sidecar.api.etags import Tagged
from sidecar.api.problems import Problem, invalid_field
from sidecar.api.routes import Call, Route
from sidecar.api.services import PREVIEWS_MAX
from sidecar.durations import duration_text


async def alerts(call: Call) -> dict[str, Any]:
    """Alerts and how they stand."""
    query: schemas.AlertsQuery = call.query
    return {"items": list(await call.services.watch.alerts(query.model_id, query.state))}


async def create_alert(call: Call) -> dict[str, Any]:
    """Create an alert on a metric of a model."""
    body: schemas.AlertBody = call.body
    return dict(await call.services.watch.create_alert(**body.model_dump()))


async def preview_alert(call: Call) -> dict[str, Any]:
    """When an alert would have fired; nothing is created."""
    body: schemas.PreviewBody = call.body
    async with call.services.previews.one():
        return dict(await call.services.watch.preview_alert(**body.model_dump()))


async def alert(call: Call) -> dict[str, Any]:
    """One alert and how it stands."""
    return dict(await call.services.watch.alert(call.path["alert_id"]))


async def update_alert(call: Call) -> dict[str, Any]:
    """Change an alert's name, condition, channels, or whether it is enabled."""
    body: schemas.AlertChangeBody = call.body
    changes = body.model_dump(exclude_unset=True)
    if not changes:
        raise Problem(422, "body: must have at least one of name, condition, notify, enabled")
    return dict(await call.services.watch.update_alert(call.path["alert_id"], **changes))


async def delete_alert(call: Call) -> dict[str, Any]:
    """Delete an alert; returns it as it was. Its transitions stay."""
    return dict(await call.services.watch.delete_alert(call.path["alert_id"]))


async def acknowledge_alert(call: Call) -> dict[str, Any]:
    """Take note of a firing alert: it is not repeated until it fires again."""
    body: schemas.AcknowledgeBody = call.body
    return dict(await call.services.watch.acknowledge_alert(call.path["alert_id"], body.by))


async def silence_alert(call: Call) -> dict[str, Any]:
    """Send no notices of an alert until a time, or end that."""
    body: schemas.SilenceBody = call.body
    return dict(await call.services.watch.silence_alert(call.path["alert_id"], _silenced_until(body), body.by))


def _silenced_until(body: schemas.SilenceBody) -> float | None:
    given = body.model_fields_set
    if ("until" in given) == ("for_s" in given):
        raise invalid_field("until", "give either until or for; until: null ends the silence")
    now = time.time()
    if "for_s" in given:
        return now + body.for_s
    if body.until is not None and not now < body.until <= now + schemas.SILENCE_S_MAX:
        raise invalid_field("until", f"must be in the future, at most {duration_text(schemas.SILENCE_S_MAX)} from now")
    return body.until


async def test_alert(call: Call) -> dict[str, Any]:
    """Send a test notice to every channel of an alert, and say how each went."""
    return {"results": list(await call.services.watch.test_alert(call.path["alert_id"]))}


async def alert_notifications(call: Call) -> dict[str, Any]:
    """The latest notifications of an alert: sent, waiting or given up."""
    return {"items": list(await call.services.watch.notifications(call.path["alert_id"]))}


async def alert_transitions(call: Call) -> dict[str, Any]:
    """Changes of state, newest first, a page at a time."""
    query: schemas.TransitionsQuery = call.query
    return dict(await call.services.watch.transitions(**query.model_dump()))


async def alert_metrics(call: Call) -> dict[str, Any]:
    """What a condition may watch."""
    return {"items": list(await call.services.watch.alert_metrics())}


_TAGGED = Tagged(
    "alert",
    ("alert_id", "model_id", "slice", "name", "condition", "notify", "enabled", "silenced_until", "acknowledged_at"),
)


ROUTES: tuple[Route, ...] = (
    # The literal paths stand before the one with an id, which would match them too.
    Route(
        "GET",
        "/api/v1/alerts/transitions",
        "Changes of alerts' states",
        alert_transitions,
        query=schemas.TransitionsQuery,
        gives=schemas.TransitionsPage,
    ),
    Route("GET", "/api/v1/alerts/metrics", "What alerts can watch", alert_metrics, gives=schemas.AlertMetricsOut),
    Route(
        "GET",
        "/api/v1/alerts",
        "Alerts",
        alerts,
        query=schemas.AlertsQuery,
        gives=schemas.AlertsOut,
        tagged=_TAGGED,
    ),
    Route(
        "POST",
        "/api/v1/alerts",
        "Create an alert",
        create_alert,
        body=schemas.AlertBody,
        gives=schemas.Alert,
        tagged=_TAGGED,
    ),
    Route(
        "POST",
        "/api/v1/alerts/preview",
        "When an alert would have fired",
        preview_alert,
        body=schemas.PreviewBody,
        gives=schemas.AlertPreview,
        scope="read",
        statuses={503: f"{PREVIEWS_MAX} previews are under way"},
    ),
    Route(
        "GET",
        "/api/v1/alerts/{alert_id}",
        "One alert",
        alert,
        gives=schemas.Alert,
        tagged=_TAGGED,
        operation="get_alert",
    ),
    Route(
        "PATCH",
        "/api/v1/alerts/{alert_id}",
        "Change an alert",
        update_alert,
        body=schemas.AlertChangeBody,
        gives=schemas.Alert,
        tagged=_TAGGED,
        present=alert,
    ),
    Route(
        "DELETE",
        "/api/v1/alerts/{alert_id}",
        "Delete an alert",
        delete_alert,
        gives=schemas.Alert,
        tagged=_TAGGED,
        present=alert,
    ),
    Route(
        "POST",
        "/api/v1/alerts/{alert_id}/acknowledge",
        "Take note of a firing alert",
        acknowledge_alert,
        body=schemas.AcknowledgeBody,
        gives=schemas.Alert,
        tagged=_TAGGED,
        present=alert,
    ),
    Route(
        "POST",
        "/api/v1/alerts/{alert_id}/silence",
        "Silence an alert, or end its silence",
        silence_alert,
        body=schemas.SilenceBody,
        gives=schemas.Alert,
        tagged=_TAGGED,
        present=alert,
    ),
    Route("POST", "/api/v1/alerts/{alert_id}/test", "Try an alert's channels", test_alert, gives=schemas.ChannelTests),
    Route(
        "GET",
        "/api/v1/alerts/{alert_id}/notifications",
        "An alert's notifications",
        alert_notifications,
        gives=schemas.NotificationsOut,
    ),
)
