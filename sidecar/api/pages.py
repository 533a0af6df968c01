"""The dashboard's page, its static files, and the login form that trades the token for a cookie."""

from __future__ import annotations

import time
from importlib.resources import files

from aiohttp import web

from sidecar.api.guard import COOKIE, PAGE_CSP, SESSION_S, session_cookie, token_is
from sidecar.api.problems import Problem

_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def _read(name: str) -> bytes:
    return (files("sidecar.dashboard") / "static" / name).read_bytes()


class Pages:
    """The files of the dashboard, read once; ``token`` None means there is nothing to log in to."""

    def __init__(self, token: str | None) -> None:
        self._token = token
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
        return _page(self._login) if self._token is not None else _to_dashboard()

    async def login(self, request: web.Request) -> web.Response:
        """Trade the token for a cookie that lasts SESSION_S."""
        if self._token is None:
            return _to_dashboard()
        if request.content_type != "application/x-www-form-urlencoded":
            raise Problem(415, "Content-Type: must be application/x-www-form-urlencoded")
        given = (await request.post()).get("token", "")
        if not isinstance(given, str) or not token_is(given.strip(), self._token):
            return _page(self._refused, status=401)
        response = _to_dashboard()
        response.set_cookie(
            COOKIE,
            session_cookie(self._token, time.time()),
            max_age=SESSION_S,
            httponly=True,
            samesite="Strict",
            secure=request.secure,
        )
        return response

    async def logout(self, request: web.Request) -> web.Response:
        """Forget the cookie."""
        response = web.Response(status=303, headers={"Location": "/login"})
        response.del_cookie(COOKIE)
        return response


def _page(body: bytes, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=body,
        headers={
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": PAGE_CSP,
            "Cache-Control": "no-store",
        },
    )


def _to_dashboard() -> web.Response:
    return web.Response(status=303, headers={"Location": "/"})
