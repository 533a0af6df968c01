"""The aiohttp application of the admin port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from sidecar.api.guard import guard
from sidecar.api.handlers import ROUTES
from sidecar.api.metrics import MetricsCollector
from sidecar.api.openapi import openapi_document
from sidecar.api.pages import Pages
from sidecar.api.problems import json_response
from sidecar.api.routes import BODY_BYTES_MAX, LARGE_BODIES, LARGE_BODIES_MAX, Route, serve
from sidecar.api.services import Services


def create_app(services: Services) -> web.Application:
    """The application that serves ``services``; run it with a ``web.AppRunner`` (access_log=None) on the admin port."""
    if services.token is not None and not services.token.strip():
        raise ValueError("token: must not be empty; leave it out for none")
    signed = frozenset((route.method, route.path) for route in ROUTES if route.signed)
    door = guard(services.token, services.allowed_hosts, signed)
    # The bound is of forms; bodies of the API are bounded by their routes.
    app = web.Application(middlewares=[door], client_max_size=BODY_BYTES_MAX)
    app[LARGE_BODIES] = asyncio.Semaphore(LARGE_BODIES_MAX)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _endpoint(route, services))
    document = openapi_document(ROUTES, services.version)
    collector = MetricsCollector(services)

    async def openapi(request: web.Request) -> web.Response:
        return json_response(document)

    async def metrics(request: web.Request) -> web.Response:
        body, content_type = collector.page(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    pages = Pages(services.token)
    app.router.add_get("/api/v1/openapi.json", openapi)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/", pages.index)
    app.router.add_get("/static/{name}", pages.static)
    app.router.add_get("/login", pages.login_form)
    app.router.add_post("/login", pages.login)
    app.router.add_post("/logout", pages.logout)
    return app


def _endpoint(route: Route, services: Services) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        return await serve(route, services, request)

    return endpoint
