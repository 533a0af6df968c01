"""The endpoint of events, and how they are gathered from those who know of them."""

from __future__ import annotations

import time
from typing import Any

from sidecar.api.events import (
    Event,
    newest_of,
    of_baselines,
    of_first_traffic,
    of_models,
    of_test,
    of_transitions,
)
from sidecar.api.problems import invalid_field
from sidecar.api.routes import Call, Route
from sidecar.api.schemas_events import EventsOut, EventsQuery
from sidecar.api.services import Services

VERSIONS_LOOKED_AT_MAX = 200
"""Versions of which it is looked when their traffic began; beyond them, versions come unnoticed."""
TRANSITIONS_PAGE = 1_000
TRANSITIONS_READ_MAX = 5_000
"""Changes of alerts that are read, the newest; what fired before them is not told."""


async def events(call: Call) -> dict[str, Any]:
    """What came about, newest first: versions that came, promotions, tests of versions, alerts, baselines."""
    query: EventsQuery = call.query
    since = 0.0 if query.since is None else query.since
    until = time.time() if query.until is None else query.until
    if since >= until:
        raise invalid_field("since", "must be before until")
    found = await gathered(call.services, since)
    mine = [event for event in found if query.kind in (None, event.kind) and _is_of(event, query.model)]
    newest, _ = newest_of(mine, since, until, query.limit)
    return {"items": [event.to_dict() for event in newest]}


def _is_of(event: Event, model: str | None) -> bool:
    """Whether it has to do with a model, or with a version as name@version."""
    if model is None or event.is_of(model):
        return True
    name, at, version = model.rpartition("@")
    return bool(at) and event.is_of(name, version)


async def gathered(services: Services, since: float) -> list[Event]:
    """All events there are from ``since`` on, and some of before, in no order."""
    found = [*of_first_traffic(await _begun(services)), *await _fired(services, since)]
    found += of_baselines(await services.watch.baselines(None))
    for kind in ("ab", "shadow"):
        for test in await services.trials.list(kind, None, None):
            found += of_test(test)
    if services.models is not None:
        items, _ = await services.models.list()
        found += of_models(items)
    return found


async def _begun(services: Services) -> dict[tuple[str, str], float]:
    """When the traffic of each version began."""
    known = [pair for pair in await services.reader.models() if pair[0]][:VERSIONS_LOOKED_AT_MAX]
    begun = {pair: await services.reader.first_bucket(*pair) for pair in known}
    return {pair: float(at) for pair, at in begun.items() if at is not None}


async def _fired(services: Services, since: float) -> list[Event]:
    """Alerts that fired since then."""
    found: list[Event] = []
    cursor, read = None, 0
    while read < TRANSITIONS_READ_MAX:
        page = await services.watch.transitions(None, None, TRANSITIONS_PAGE, cursor)
        found += of_transitions(page["items"])
        read += len(page["items"])
        cursor = page["next"]
        if cursor is None or page["items"][-1]["at"] < since:
            break
    return found


ROUTES: tuple[Route, ...] = (Route("GET", "/api/v1/events", "Events", events, query=EventsQuery, gives=EventsOut),)
