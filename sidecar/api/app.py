"""The aiohttp application of the admin port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from sidecar.access import Scope
from sidecar.api.bodies import BODY_BYTES_MAX, LARGE_BODIES, LARGE_BODIES_MAX
from sidecar.api.described import description
from sidecar.api.guard import bear_headers, guard
from sidecar.api.handlers import ROUTES
from sidecar.api.handlers_live import LIVE
from sidecar.api.live import LiveFigures
from sidecar.api.metrics import MetricsCollector
from sidecar.api.pages import Pages
from sidecar.api.routes import Route, serve
from sidecar.api.services import Services

PACKED_FROM_BYTES = 2_048
"""JSON that is smaller is sent as it is."""


def create_app(services: Services) -> web.Application:
    """The application that serves ``services``; run it with a ``web.AppRunner`` (access_log=None) on the admin port."""
    if services.token is not None and not services.token.strip():
        raise ValueError("token: must not be empty; leave it out for none")
    door = services.door
    scopes: dict[web.AbstractRoute, Scope | None] = {}
    signed: set[web.AbstractRoute] = set()
    shown: set[web.AbstractRoute] = set()
    middleware = guard(door, services.allowed_hosts, scopes, signed, shown)
    # The bound is of forms; bodies of the API are bounded by their routes.
    app = web.Application(middlewares=[middleware], client_max_size=BODY_BYTES_MAX)
    app.on_response_prepare.append(bear_headers)
    app.on_cleanup.append(lambda _: door.close())
    app.on_shutdown.append(services.exports.stop)
    app[LIVE] = live = LiveFigures(services)
    app.on_startup.append(live.start)
    app.on_shutdown.append(live.stop)
    app[LARGE_BODIES] = asyncio.Semaphore(LARGE_BODIES_MAX)
    for route in ROUTES:
        added = app.router.add_route(route.method, _apart(route.path), _endpoint(route, services))
        scopes[added] = route.needs
        if route.signed:
            signed.add(added)
    collector = MetricsCollector(services)

    async def openapi(request: web.Request) -> web.Response:
        described = await description(services.version, token_demanded=door.demanded)
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        return web.Response(body=described.document, headers=headers)

    async def metrics(request: web.Request) -> web.Response:
        body, content_type = collector.page(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    app.router.add_get("/api/v1/openapi.json", openapi)
    app.router.add_get("/metrics", metrics)
    pages, is_open = Pages(door, services.version).add_to(app.router)
    shown.update(pages)
    scopes.update(dict.fromkeys(is_open))
    return app


def _apart(path: str) -> str:
    """A path as the router reads it: an id is none of the words that stand in its place in other paths, so that such a
    path has its own methods only.

    >>> _apart("/api/v1/alerts/{alert_id}"), _apart("/api/v1/items/{item_id}")
    ('/api/v1/alerts/{alert_id:(?!(?:metrics|preview|transitions)$)[^{}/]+}', '/api/v1/items/{item_id}')
    """
    before, _, last = path.rpartition("/")
    beside = {other.path.rpartition("/")[2] for other in ROUTES if other.path.rpartition("/")[0] == before}
    words = sorted(word for word in beside if "{" not in word)
    if not (words and last.startswith("{")):
        return path
    return f"{before}/{{{last[1:-1]}:(?!(?:{'|'.join(words)})$)[^{{}}/]+}}"


def _endpoint(route: Route, services: Services) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        response = await serve(route, services, request)
        if isinstance(response, web.Response) and route.method == "GET" and "ETag" not in response.headers:
            _pack(response)
        return response

    return endpoint


def _pack(response: web.Response) -> None:
    """Have a large JSON answer packed, where who asks takes that. One that may be asked for by its entity tag is not:
    the tag is of the bytes as they are."""
    body = response.body
    if response.content_type == "application/json" and isinstance(body, bytes) and len(body) >= PACKED_FROM_BYTES:
        response.enable_compression()
