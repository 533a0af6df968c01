"""Who may ask: Host and Origin, the bearer token or its cookie, and the headers every answer bears.

DNS rebinding makes a browser call a loopback port under a foreign name, so without a token only names that cannot be
rebound are answered. With a token a foreign page has neither the token nor, under its own name, the cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import re
import time
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sidecar.api.problems import Problem

COOKIE = "sidecar_session"
SIGNATURE = "webhook-signature"
"""The header by which a trainer signs its report, as Standard Webhooks says."""
TRUSTED = web.RequestKey("trusted", bool)
"""What a request holds: whether the asker has shown the token, or none is needed."""
SESSION_S = 12 * 3600
PAGE_PATHS = ("/",)
_log = logging.getLogger(__name__)
_SAFE = ("GET", "HEAD")

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


def host_name(host: str) -> str | None:
    """The name in a Host field, in lower case and without its port; None where it is no Host.

    >>> host_name("LocalHost:8081"), host_name("[::1]:80"), host_name("a b"), host_name("")
    ('localhost', '::1', None, None)
    """
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?", host)
    return (match[1] or match[2]).lower().rstrip(".") if match else None


def host_is_safe(host: str, allowed: tuple[str, ...]) -> bool:
    """Whether ``host`` can't be a rebound name: an IP address, localhost, or one the operator named.

    >>> host_is_safe("127.0.0.1:8081", ()), host_is_safe("evil.example", ()), host_is_safe("box:1", ("box",))
    (True, False, True)
    """
    name = host_name(host)
    if name is None:
        return False
    if name == "localhost" or name.endswith(".localhost") or name in {entry.lower() for entry in allowed}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_origin(request: web.Request) -> None:
    """Raises a 403 Problem for a request that another site's page made."""
    origin = request.headers.get("Origin")
    if origin is not None:
        try:
            same = urlsplit(origin).netloc.lower() == request.host.lower()
        except ValueError:
            same = False
        if not same:
            raise Problem(403, "Origin: this port answers no other site's pages")
    elif request.method not in _SAFE and request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
        raise Problem(403, "Sec-Fetch-Site: this port answers no other site's pages")


def session_cookie(token: str, now: float) -> str:
    """A cookie value that is good for SESSION_S: its end and a keyed hash of it, so that nothing need be stored."""
    until = str(int(now) + SESSION_S)
    return f"{until}.{_session_hash(token, until)}"


def session_is_good(cookie: str, token: str, now: float) -> bool:
    """Whether ``cookie`` came from ``session_cookie`` with this token and has not ended.

    >>> cookie = session_cookie("t", 0.0)
    >>> session_is_good(cookie, "t", 1.0), session_is_good(cookie, "u", 1.0), session_is_good(cookie, "t", 1e6)
    (True, False, False)
    """
    until, _, digest = cookie.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) <= 12 and digest.isascii()):
        return False
    return hmac.compare_digest(digest, _session_hash(token, until)) and now < int(until)


def _session_hash(token: str, until: str) -> str:
    return hmac.new(token.encode(), f"sidecar session {until}".encode(), hashlib.sha256).hexdigest()


def token_is(given: str, token: str) -> bool:
    """Compare in a time that does not depend on where they differ."""
    return hmac.compare_digest(
        hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest(), hashlib.sha256(token.encode()).digest()
    )


def is_authorised(request: web.Request, token: str, now: float) -> bool:
    """Whether the request bears the token or a session made with it."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token_is(given.strip(), token):
        return True
    return session_is_good(request.cookies.get(COOKIE, ""), token, now)


def _is_open(path: str) -> bool:
    return path == "/login" or path.startswith("/static/")


def _no_such_thing(request: web.Request, error: web.HTTPException) -> str:
    """What a fault of the HTTP layer is about; aiohttp's own text would repeat the status."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{request.method} is not possible here; there are {', '.join(sorted(error.allowed_methods))}"
    return "nothing is at this path" if error.status == 404 else error.reason


def guard(
    token: str | None, allowed_hosts: tuple[str, ...], signed: frozenset[tuple[str, str]] = frozenset()
) -> Middleware:
    """The middleware that lets through only what may be answered, and makes every failure a problem document.

    ``signed`` are the (method, path) of routes that may bear a signature in place of the token; they judge it.
    """

    def admit(request: web.Request) -> web.StreamResponse | None:
        host = request.headers.get("Host", "")
        if host_name(host) is None or (token is None and not host_is_safe(host, allowed_hosts)):
            raise Problem(421, "Host: not a name of this sidecar; use its IP address, localhost, or set a token")
        check_origin(request)
        request[TRUSTED] = token is None or is_authorised(request, token, time.time())
        if request[TRUSTED] or _is_open(request.path):
            return None
        # The route that was found, not the path: that may be written in several ways.
        resource = request.match_info.route.resource
        if SIGNATURE in request.headers and resource and (request.method, resource.canonical) in signed:
            return None
        if request.path in PAGE_PATHS and request.method in _SAFE:
            return web.Response(status=303, headers={"Location": "/login", "Cache-Control": "no-store"})
        raise Problem(401, "a bearer token is needed", headers={"WWW-Authenticate": 'Bearer realm="sidecar"'})

    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            redirect = admit(request)
            return redirect if redirect is not None else await handler(request)
        except Problem as problem:
            return problem.response()
        except web.HTTPException as error:
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return Problem(error.status, _no_such_thing(request, error), headers=headers).response()
        except Exception:
            # The cause goes to the log only: it may hold what the asker should not see.
            _log.exception("%s %s failed", request.method, request.path)
            return Problem(500, "the sidecar could not answer; its log says why").response()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await answer(request, handler)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        return response

    return middleware
