"""The dashboard's page, its static files, and the login form that trades the token for a cookie."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import parse_qs

from aiohttp import web

from sidecar.api.described import description
from sidecar.api.door import COOKIE, Door
from sidecar.api.guard import PAGE_CSP
from sidecar.api.problems import Problem

FORM_S_MAX = 10.0
"""How long the login form may take to come; whoever sends it is not known yet."""
FORM_FIELDS_MAX = 10
_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def _read(name: str) -> bytes:
    return (files("sidecar.dashboard") / "static" / name).read_bytes()


class Pages:
    """The files of the dashboard, read once, and the page about the API."""

    def __init__(self, door: Door, version: str) -> None:
        self._door = door
        self._version = version
        self._static = {
            entry.name: entry.read_bytes()
            for entry in (files("sidecar.dashboard") / "static").iterdir()
            if entry.name.rpartition(".")[2] in _TYPES
        }
        self._index = _read("index.html")
        self._login = _read("login.html")
        self._refused = self._login.replace(b'id="refused" hidden', b'id="refused"')

    async def index(self, request: web.Request) -> web.Response:
        """The dashboard."""
        return _page(self._index)

    async def reference(self, request: web.Request) -> web.Response:
        """What there is in the API, for people to read."""
        described = await description(self._version, token_demanded=self._door.demanded)
        response = _page(described.page)
        response.enable_compression()
        return response

    async def static(self, request: web.Request) -> web.Response:
        """One script, style sheet or picture, by its exact name."""
        name = request.match_info["name"]
        if name not in self._static:
            raise Problem(404, f"no such file: {name!r}")
        return web.Response(
            body=self._static[name],
            headers={"Content-Type": f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8", "Cache-Control": "no-cache"},
        )

    async def login_form(self, request: web.Request) -> web.Response:
        """The form that asks for the token."""
        return _page(self._login) if self._door.asks else _to_dashboard()

    async def login(self, request: web.Request) -> web.Response:
        """Trade a token that may read for a cookie that lasts SESSION_S, or as long as the token."""
        if not self._door.asks:
            return _to_dashboard()
        if request.content_type != "application/x-www-form-urlencoded":
            raise Problem(415, "Content-Type: must be application/x-www-form-urlencoded")
        given = await _token_in(request)
        try:
            asker = await self._door.try_secret(given, request.remote or "")
        except Problem as problem:
            return _page(self._refused, status=problem.status, headers=problem.headers)
        if not asker.allows("read"):
            self._door.refused["scope"] += 1
            return _page(self._refused, status=403)
        cookie, lasts_s = self._door.session_of(asker)
        response = _to_dashboard()
        response.set_cookie(COOKIE, cookie, max_age=lasts_s, httponly=True, samesite="Strict", secure=request.secure)
        return response

    async def logout(self, request: web.Request) -> web.Response:
        """Forget the cookie."""
        response = web.Response(status=303, headers={"Location": "/login"})
        response.del_cookie(COOKIE)
        return response


async def _token_in(request: web.Request) -> str:
    """The token in a form; "" where there is none. Raises a 408 Problem where the form takes too long, 400 where it is
    none. Which bytes a token is made of is no matter here: a wrong one is only not the right one."""
    try:
        async with asyncio.timeout(FORM_S_MAX):
            content = await request.read()
    except TimeoutError as error:
        raise Problem(408, f"body: took over {FORM_S_MAX:g} s to come") from error
    try:
        form = parse_qs(content.decode("utf-8", "replace"), max_num_fields=FORM_FIELDS_MAX)
    except ValueError as error:
        raise Problem(400, f"body: has over {FORM_FIELDS_MAX} fields; the form has the one field token") from error
    return form.get("token", [""])[0].strip()


def _page(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=body,
        headers={
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": PAGE_CSP,
            "Cache-Control": "no-store",
            **(headers or {}),
        },
    )


def _to_dashboard() -> web.Response:
    return web.Response(status=303, headers={"Location": "/"})
