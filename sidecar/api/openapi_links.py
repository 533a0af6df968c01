"""Links of the OpenAPI document: which operations take the id of what another one made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sidecar.api.routes import Route

ELSEWHERE = {"/api/v1/datasets/{dataset_id}/versions": "/api/v1/dataset-versions"}
"""Where things are made -> where they are, if that is another place."""


def links_of(route: Route, routes: Iterable[Route]) -> dict[str, Any]:
    """The links of what ``route`` makes, by the operation that each leads to; none where it makes nothing."""
    if route.method != "POST" or route.gives is None:
        return {}
    place = ELSEWHERE.get(route.path, route.path) + "/{"
    fields = route.gives.model_fields
    links: dict[str, Any] = {}
    for other in routes:
        if not other.path.startswith(place):
            continue
        name, _, rest = other.path.removeprefix(place).partition("}")
        field = name if name in fields else "id"
        if field in fields and "{" not in rest:
            operation = other.operation or other.handler.__name__
            links[operation] = {"operationId": operation, "parameters": {name: f"$response.body#/{field}"}}
    return links
