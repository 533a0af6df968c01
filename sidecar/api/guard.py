"""The middleware before every handler: who may ask for what, and the headers every answer bears."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sidecar.access import Asker, Scope
from sidecar.api.door import CHALLENGE, Door
from sidecar.api.hosts import SAFE_METHODS, check_host, check_origin
from sidecar.api.problems import Problem

SIGNATURE = "webhook-signature"
"""The header by which a trainer signs its report, as Standard Webhooks says."""
ASKER = web.RequestKey("asker", Asker)
"""What a request holds once somebody was let in: who asks. A report that bears a signature has none."""
Scopes = Mapping[web.AbstractRoute, Scope | None]
HELD_EVERY_S = 5.0
"""How often it is asked of an answer that goes on, such as a stream, whether its asker would still be let in."""
_log = logging.getLogger(__name__)

PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # no-referrer would turn the Origin of the login form's POST into "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _no_such_thing(request: web.Request, error: web.HTTPException) -> str:
    """What a fault of the HTTP layer is about; aiohttp's own text would repeat the status."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{request.method} is not possible here; there are {', '.join(sorted(error.allowed_methods))}"
    return "nothing is at this path" if error.status == 404 else error.reason


def guard(
    door: Door,
    allowed_hosts: tuple[str, ...],
    scopes: Scopes,
    signed: Collection[web.AbstractRoute],
    pages: Collection[web.AbstractRoute] = (),
) -> Middleware:
    """The middleware that lets through only what may be answered, and makes every failure a problem document.

    ``scopes`` say what each route needs; None: it is open to all. ``signed`` are those that may bear a signature in
    place of a token; they judge it. Of ``pages`` a browser that is not let in is led to the login.
    """

    async def admit(request: web.Request) -> web.StreamResponse | None:
        check_host(request, allowed_hosts, is_shut=door.demanded or door.certificates)
        check_origin(request)
        # The route that was found, not the path: that may be written in several ways.
        route = request.match_info.route
        needed = scopes.get(route, _least(request))
        if needed is None:
            return None
        if SIGNATURE in request.headers and route in signed and "Authorization" not in request.headers:
            return None
        asker = await door.admit(request)
        if asker is None:
            if route in pages and request.method in SAFE_METHODS:
                return web.Response(status=303, headers={"Location": _login_for(request), "Cache-Control": "no-store"})
            door.refused["missing"] += 1
            raise Problem(401, "a bearer token is needed", headers=CHALLENGE)
        if not asker.allows(needed):
            door.refused["scope"] += 1
            raise Problem(403, f"this needs the scope {needed}; the token has {', '.join(asker.scopes)}")
        request[ASKER] = asker
        return None

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            redirect = await admit(request)
            if redirect is not None:
                return redirect
            with _held(request, door):
                return await handler(request)
        except Problem as problem:
            return problem.response()
        except web.HTTPException as error:
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return Problem(error.status, _no_such_thing(request, error), headers=headers).response()
        except Exception:
            # The cause goes to the log only: it may hold what the asker should not see.
            _log.exception("%s %s failed", request.method, request.path)
            return Problem(500, "the sidecar could not answer; its log says why").response()

    return middleware


@contextlib.contextmanager
def _held(request: web.Request, door: Door) -> Iterator[None]:
    """Break the connection off when who asks is no longer let in while the answer goes on. A change is let finish."""
    asker = request.get(ASKER)
    if asker is None or request.method not in SAFE_METHODS:
        yield
        return
    clock = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal timer
        if door.holds(asker):
            timer = clock.call_later(HELD_EVERY_S, look)
        elif request.transport is not None:
            request.transport.abort()

    timer = clock.call_later(HELD_EVERY_S, look)
    try:
        yield
    finally:
        timer.cancel()


def _login_for(request: web.Request) -> str:
    """The login, and from there back to what was asked."""
    return "/login" if request.raw_path == "/" else f"/login?{urlencode({'next': request.raw_path})}"


def _least(request: web.Request) -> Scope:
    """What a route that is not in the table needs. Where there is none at all, to read is enough to learn that."""
    shows = request.method in SAFE_METHODS or request.match_info.http_exception is not None
    return "read" if shows else "admin"


async def bear_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers of every answer on this one; a signal before it is sent, so that streams have them too."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
