"""The dashboard's pages and static files, and the login form that trades the token for a cookie."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qs

from aiohttp import web

from sidecar.api.described import description
from sidecar.api.door import COOKIE, Door
from sidecar.api.guard import PAGE_CSP
from sidecar.api.problems import Problem
from sidecar.dashboard import PAGES, Page, StaticFile, site

FORM_S_MAX = 10.0
"""How long the login form may take to come; whoever sends it is not known yet."""
FORM_FIELDS_MAX = 10
NEXT_CHARS_MAX = 2_000
"""Of the page to which the login leads."""
STATIC_S = 365 * 86_400
"""How long a browser keeps a static file: its address changes with its content."""


class Pages:
    """The pages of the dashboard, its files, and the page about the API."""

    def __init__(self, door: Door, version: str) -> None:
        self._door = door
        self._version = version

    def page(self, page: Page) -> Callable[[web.Request], Awaitable[web.Response]]:
        """The handler of one page."""

        async def handler(request: web.Request) -> web.Response:
            return _sent(request, site().pages[page.name], {"Cache-Control": "no-store", **_POLICY})

        return handler

    async def reference(self, request: web.Request) -> web.Response:
        """What there is in the API, for people to read."""
        described = await description(self._version, token_demanded=self._door.demanded)
        response = _page(described.page)
        response.enable_compression()
        return response

    async def static(self, request: web.Request) -> web.Response:
        """One script, style sheet or picture, by its exact name. A page of another release, still open in a browser,
        gets this release's, not to be kept."""
        name = request.match_info["name"]
        if name not in site().static:
            raise Problem(404, f"no such file: {name!r}")
        is_current = request.match_info["digest"] == site().digest
        keep = f"public, max-age={STATIC_S}, immutable" if is_current else "no-store"
        return _sent(request, site().static[name], {"Cache-Control": keep})

    async def login_form(self, request: web.Request) -> web.Response:
        """The form that asks for the token."""
        path = _own_path(request.query.get("next", ""))
        return _page(site().login(path)) if self._door.asks else _to(path)

    async def login(self, request: web.Request) -> web.Response:
        """Trade a token that may read for a cookie that lasts SESSION_S, or as long as the token."""
        if not self._door.asks:
            return _to("/")
        if request.content_type != "application/x-www-form-urlencoded":
            raise Problem(415, "Content-Type: must be application/x-www-form-urlencoded")
        given, path = await _form_of(request)
        try:
            asker = await self._door.try_secret(given, request.remote or "")
        except Problem as problem:
            return _page(site().login(path, refused=True), status=problem.status, headers=problem.headers)
        if not asker.allows("read"):
            self._door.refused["scope"] += 1
            return _page(site().login(path, refused=True), status=403)
        cookie, lasts_s = self._door.session_of(asker)
        response = _to(path)
        response.set_cookie(COOKIE, cookie, max_age=lasts_s, httponly=True, samesite="Strict", secure=request.secure)
        return response

    async def logout(self, request: web.Request) -> web.Response:
        """Forget the cookie."""
        response = web.Response(status=303, headers={"Location": "/login"})
        response.del_cookie(COOKIE)
        return response

    def add_to(self, router: web.UrlDispatcher) -> tuple[set[web.AbstractRoute], set[web.AbstractRoute]]:
        """Put all of it on a router. The routes of pages, and those that are open to all."""
        pages = {router.add_get(path, self.page(page)) for page in PAGES for path in page.paths}
        pages.add(router.add_get("/docs", self.reference))
        is_open = {
            router.add_get("/static/{digest}/{name:.+}", self.static),
            router.add_get("/login", self.login_form),
            router.add_post("/login", self.login),
            router.add_post("/logout", self.logout),
        }
        return pages, is_open


async def _form_of(request: web.Request) -> tuple[str, str]:
    """The token in a form, "" where there is none, and the page to go to. Raises a 408 Problem where the form takes too
    long, 400 where it is none. Which bytes a token is made of is no matter here: a wrong one is only not the right one.
    """
    try:
        async with asyncio.timeout(FORM_S_MAX):
            content = await request.read()
    except TimeoutError as error:
        raise Problem(408, f"body: took over {FORM_S_MAX:g} s to come") from error
    try:
        form = parse_qs(content.decode("utf-8", "replace"), max_num_fields=FORM_FIELDS_MAX)
    except ValueError as error:
        raise Problem(400, f"body: has over {FORM_FIELDS_MAX} fields; the form has token and next") from error
    return form.get("token", [""])[0].strip(), _own_path(form.get("next", [""])[0])


def _own_path(asked: str) -> str:
    r"""A path of this dashboard to go to; "/" for whatever else was asked, above all another host.

    >>> _own_path("/predictions?label=car"), _own_path("//evil.example/"), _own_path("https://evil.example/")
    ('/predictions?label=car', '/', '/')
    >>> _own_path("/\\evil.example"), _own_path("/api/v1/status"), _own_path("/predictions\r\nX: y"), _own_path("//[")
    ('/', '/', '/', '/')
    """
    first = asked.partition("?")[0].split("/")
    starts = {path.split("/")[1] for page in PAGES for path in page.paths} | {"docs"}
    is_plain = len(asked) <= NEXT_CHARS_MAX and asked.isascii() and asked.isprintable() and "\\" not in asked
    is_path = asked.startswith("/") and not asked.startswith("//")  # then it has neither a scheme nor a host
    return asked if is_plain and is_path and first[1] in starts else "/"


_POLICY = {"Content-Security-Policy": PAGE_CSP}


def _sent(request: web.Request, file: StaticFile, headers: Mapping[str, str]) -> web.Response:
    """``file`` as the asker takes it."""
    sent = {"Content-Type": file.content_type, "Vary": "Accept-Encoding", **headers}
    if file.packed is not None and _takes_gzip(request.headers.get("Accept-Encoding", "")):
        return web.Response(body=file.packed, headers={**sent, "Content-Encoding": "gzip"})
    return web.Response(body=file.body, headers=sent)


def _takes_gzip(accepted: str) -> bool:
    """Whether gzip is named and not refused (RFC 9110, section 12.5.3).

    >>> [_takes_gzip(text) for text in ("gzip, deflate, br", "gzip;q=0", "br, gzip;q=0.5", "identity", "")]
    [True, False, True, False, False]
    """
    for part in accepted.lower().split(","):
        coding, _, rest = part.partition(";")
        if coding.strip() == "gzip":
            return rest.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _page(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=body,
        headers={
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
            **_POLICY,
            **(headers or {}),
        },
    )


def _to(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})
