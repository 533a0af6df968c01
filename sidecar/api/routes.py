"""The route table's line and its way from an HTTP request to a handler with checked arguments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from sidecar.api.guard import TRUSTED
from sidecar.api.problems import Problem, invalid, invalid_field, json_response
from sidecar.api.schemas import NoQuery, Query
from sidecar.api.services import ControlError, Services
from sidecar.recording import StoreError

T = TypeVar("T")

BODY_BYTES_MAX = 64 * 1024
"""The body of a route that asks for no more."""
BODY_S_MAX = 300.0
"""How long a body may take to come."""
LARGE_BODIES_MAX = 2
"""Bodies over BODY_BYTES_MAX that are taken at a time: what is made of one takes several times its bytes."""
LARGE_BODIES = web.AppKey("large_bodies", asyncio.Semaphore)
_PART_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """A request after checks. ``path`` are the path's parameters, ``body`` is of the route's body type, the bytes that
    came where the route is ``signed``, or None."""

    services: Services
    request: web.Request
    path: dict[str, str]
    query: Any
    body: Any

    @property
    def trusted(self) -> bool:
        """Whether the asker has shown the token, or none is needed."""
        return bool(self.request.get(TRUSTED, False))


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: where it is, what it takes and gives, and what it does.

    ``gives`` is the type of the JSON in a 200; None means ``media_type`` says what is given instead. ``signed``: the
    asker may sign the body in place of showing the token, so the handler gets the bytes and judges them itself.
    """

    method: str
    path: str
    summary: str
    handler: Callable[[Call], Awaitable[Any]]
    query: type[Query] = NoQuery
    body: type[BaseModel] | None = None
    gives: type[BaseModel] | None = None
    media_type: str = "application/json"
    body_bytes_max: int = BODY_BYTES_MAX
    signed: bool = False


async def serve(route: Route, services: Services, request: web.Request) -> web.StreamResponse:
    """Check the request against ``route``, call its handler and make its answer a response."""
    query = _query(route, request)
    try:
        async with _room_for_body(route, request):
            body = await _body(route, request)
            answer = await route.handler(Call(services, request, dict(request.match_info), query, body))
    except ControlError as error:
        raise refused(error) from error
    except StoreError as error:
        raise Problem(503, f"the store can't be read: {error.reason}", headers={"Retry-After": "5"}) from error
    except ValueError as error:
        raise _refused(error) from error
    except RecursionError as error:
        # orjson reads deeper than others write.
        raise Problem(422, "body: is nested too deeply") from error
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


@asynccontextmanager
async def _room_for_body(route: Route, request: web.Request) -> AsyncIterator[None]:
    """Room for a large body and what is made of it. Raises a 503 Problem where there is none just now."""
    length = request.content_length
    if route.body_bytes_max <= BODY_BYTES_MAX or (length is not None and length <= BODY_BYTES_MAX):
        yield
        return
    room = request.app[LARGE_BODIES]
    if room.locked():
        raise Problem(503, f"{LARGE_BODIES_MAX} large bodies are being read; try again", headers={"Retry-After": "1"})
    async with room:
        yield


async def _content(request: web.Request, bytes_max: int) -> bytes:
    """The body's bytes as they come. Raises a 413 Problem once it is too large, a 408 one where it takes too long."""
    if (request.content_length or 0) > bytes_max:
        raise Problem(413, f"body: over {bytes_max} bytes")
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_S_MAX):
            while part := await request.content.read(_PART_BYTES):
                content += part
                if len(content) > bytes_max:
                    raise Problem(413, f"body: over {bytes_max} bytes")
    except TimeoutError as error:
        raise Problem(408, f"body: took over {BODY_S_MAX:g} s to come") from error
    return bytes(content)


async def _body(route: Route, request: web.Request) -> BaseModel | bytes | None:
    if route.body is None:
        if request.can_read_body and await request.content.read(1):
            raise Problem(415, "this endpoint takes no body")
        return None
    if request.content_type != "application/json":
        raise Problem(415, "Content-Type: must be application/json")
    content = await _content(request, route.body_bytes_max)
    if route.signed:
        return content
    try:
        document = orjson.loads(content)  # which bounds the depth by itself
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"body: not JSON: {error}") from error
    try:
        return route.body.model_validate(document)
    except ValidationError as error:
        raise invalid(error, "body", route.body) from error


def there(part: T | None) -> T:
    """A part of the services. Raises a 503 Problem where this process has none."""
    if part is None:
        raise Problem(503, "this process does not have that part of the API")
    return part
