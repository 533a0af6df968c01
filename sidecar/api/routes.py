"""The route table's line and its way from an HTTP request to a handler with checked arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from sidecar.api.problems import Problem, invalid, invalid_field, json_response
from sidecar.api.schemas import NoQuery, Query
from sidecar.api.services import ControlError, Services
from sidecar.recording import StoreError

BODY_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """A request after checks. ``path`` are the path's parameters, ``body`` the route's body type or None."""

    services: Services
    request: web.Request
    path: dict[str, str]
    query: Any
    body: Any


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: where it is, what it takes and gives, and what it does.

    ``gives`` is the type of the JSON in a 200; None means ``media_type`` says what is given instead.
    """

    method: str
    path: str
    summary: str
    handler: Callable[[Call], Awaitable[Any]]
    query: type[Query] = NoQuery
    body: type[BaseModel] | None = None
    gives: type[BaseModel] | None = None
    media_type: str = "application/json"


async def serve(route: Route, services: Services, request: web.Request) -> web.StreamResponse:
    """Check the request against ``route``, call its handler and make its answer a response."""
    call = Call(services, request, dict(request.match_info), _query(route, request), await _body(route, request))
    try:
        answer = await route.handler(call)
    except ControlError as error:
        raise refused(error) from error
    except StoreError as error:
        raise Problem(503, f"the store can't be read: {error.reason}", headers={"Retry-After": "5"}) from error
    except ValueError as error:
        raise _refused(error) from error
    return answer if isinstance(answer, web.StreamResponse) else json_response(answer)


def refused(error: ControlError) -> Problem:
    """The problem of something that can't be, with all its faulty fields."""
    return Problem(error.status, str(error), [{"field": field, "message": message} for field, message in error.errors])


def _refused(error: ValueError) -> Problem:
    """The reader names the argument that makes no sense; its ``before`` is the API's ``cursor``."""
    field, colon, message = str(error).partition(": ")
    if isinstance(error, ValidationError):
        return invalid(error, "request")
    if not colon or not field.isidentifier():
        raise error
    return invalid_field("cursor" if field == "before" else field, message)


def _query(route: Route, request: web.Request) -> Query:
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise invalid_field(name, "given more than once")
        given[name] = value
    try:
        return route.query.model_validate(given)
    except ValidationError as error:
        raise invalid(error, "query", route.query) from error


async def _body(route: Route, request: web.Request) -> BaseModel | None:
    if route.body is None:
        if request.can_read_body and await request.content.read(1):
            raise Problem(415, "this endpoint takes no body")
        return None
    if request.content_type != "application/json":
        raise Problem(415, "Content-Type: must be application/json")
    try:
        # orjson bounds its own depth; the application's client_max_size bounds the bytes.
        document = orjson.loads(await request.read())
    except web.HTTPRequestEntityTooLarge as error:
        raise Problem(413, f"body: over {BODY_BYTES_MAX} bytes") from error
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"body: not JSON: {error}") from error
    try:
        return route.body.model_validate(document)
    except ValidationError as error:
        raise invalid(error, "body", route.body) from error
