"""The addresses of tests of versions, for an application that does not serve them yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sidecar.api import ControlError
from sidecar.api.problems import Problem, json_response
from tests.dashboard.live_trials import LiveTrials

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, trials: LiveTrials) -> None:
    """All of them."""
    for kind, name in (("ab", "ab-tests"), ("shadow", "shadow-tests")):
        base = f"/api/v1/{name}"
        app.router.add_get(base, _list(trials, kind))
        app.router.add_post(base, _create(trials, kind))
        if kind == "ab":
            app.router.add_get(f"{base}/metrics", _answer(lambda request, body: trials.ab_test_metrics(), items=True))
        app.router.add_get(f"{base}/{{id}}/results", _results(trials, kind))
        for verb in ("pause", "resume", "ramp", "stop", "conclude", "promote"):
            app.router.add_post(f"{base}/{{id}}/{verb}", _act(trials, kind, verb))


def _answer(ask: Callable[[web.Request, Any], Awaitable[Any]], *, items: bool = False) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            found = await ask(request, await request.json() if request.method == "POST" else None)
        except ControlError as error:
            raise Problem(
                error.status, str(error), [{"field": field, "message": message} for field, message in error.errors]
            ) from error
        return json_response({"items": found} if items else found)

    return handler


def _list(trials: LiveTrials, kind: str) -> Handler:
    return _answer(lambda request, body: getattr(trials, f"{kind}_tests")(None, None), items=True)


def _results(trials: LiveTrials, kind: str) -> Handler:
    return _answer(lambda request, body: getattr(trials, f"{kind}_test_results")(request.match_info["id"]))


def _create(trials: LiveTrials, kind: str) -> Handler:
    return _answer(lambda request, body: getattr(trials, f"create_{kind}_test")(**body))


def _act(trials: LiveTrials, kind: str, verb: str) -> Handler:
    names = {"traffic_split": "split", "share": "split"}
    optional = {"promote": {"variant": None}}

    def ask(request: web.Request, body: dict[str, Any]) -> Awaitable[Any]:
        arguments = {**optional.get(verb, {}), **{names.get(key, key): value for key, value in body.items()}}
        made: Awaitable[Any] = getattr(trials, verb)(kind, request.match_info["id"], **arguments)
        return made

    return _answer(ask)
