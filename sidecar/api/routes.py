"""The route table's line and its way from an HTTP request to a handler with checked arguments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from sidecar.access import Asker, Scope
from sidecar.api.bodies import BODY_BYTES_MAX, check_depth, document_of, json_content, no_content, room_for_body
from sidecar.api.etags import Tagged, check_match, condition_of, matches
from sidecar.api.guard import ASKER
from sidecar.api.idempotency import HEADER as IDEMPOTENCY_KEY
from sidecar.api.idempotency import Fingerprint, key_of
from sidecar.api.problems import Problem, invalid, invalid_field, json_response
from sidecar.api.schemas import NoQuery, Query
from sidecar.api.services import ControlError, Services
from sidecar.recording import StoreError

T = TypeVar("T")
IF_MATCH = "If-Match"
IF_NONE_MATCH = "If-None-Match"


@dataclass(frozen=True, slots=True)
class Call:
    """A request after checks. ``path`` are the path's parameters, ``body`` is of the route's body type, the bytes that
    came where the route is ``signed``, or None. ``seen`` is how the asker saw what is to be changed: what ``If-Match``
    was found to name, None where it named nothing."""

    services: Services
    request: web.Request
    path: dict[str, str]
    query: Any
    body: Any
    seen: Mapping[str, Any] | None = None

    @property
    def asker(self) -> Asker | None:
        """Who asks; None where a signature stands in place of a token."""
        return self.request.get(ASKER)

    @property
    def trusted(self) -> bool:
        """Whether the asker was let in by the door, rather than by a signature that is still to be judged."""
        return self.asker is not None


Handler = Callable[[Call], Awaitable[Any]]
Present = Callable[[Call], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: where it is, what it takes and gives, and what it does.

    ``gives`` is the type of the JSON in a 200; None means ``media_type`` says what is given instead. ``signed``: the
    asker may sign the body in place of showing a token, so the handler gets the bytes and judges them itself. ``scope``
    is what a token needs; None means ``read`` for a GET and ``admin`` for what changes something.

    ``tagged``: what is given has an entity tag, or each thing of a list; ``present`` gives, for a route that changes
    it, how it stands before. ``is_secret``: the answer holds a secret.

    The rest is for the document of the API. ``operation`` is what it is called there, as the client's method is, where
    that is not the handler's name. ``statuses`` are those that only the handler knows of, or knows better, and when it
    answers so; ``headers`` what a 200 bears beyond what every one does. ``example`` is a body that works, where that of
    its type does not do.
    ``media_types`` are those of a 200 that may be one of several. ``endless``: the answer does not end by itself.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    query: type[Query] = NoQuery
    body: type[BaseModel] | None = None
    gives: type[BaseModel] | None = None
    media_type: str = "application/json"
    body_bytes_max: int = BODY_BYTES_MAX
    signed: bool = False
    scope: Scope | None = None
    tagged: Tagged | None = None
    present: Present | None = None
    is_secret: bool = False
    operation: str = ""
    statuses: Mapping[int, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    example: Any = None
    media_types: tuple[str, ...] = ()
    endless: bool = False

    @property
    def needs(self) -> Scope:
        """The scope a token needs."""
        return self.scope or ("read" if self.method == "GET" else "admin")


async def serve(route: Route, services: Services, request: web.Request) -> web.StreamResponse:
    """Check the request against ``route``, call its handler and make its answer a response."""
    query = _query(route, request)
    key = _key(route, request)
    fingerprint = None if key is None else Fingerprint(route.method, request.raw_path)
    try:
        async with room_for_body(request, route.body_bytes_max, services.turned_away):
            content = await _content(route, request, fingerprint)
            call = Call(services, request, dict(request.match_info), query, _body(route, content))
            if key is None or fingerprint is None or call.asker is None:
                return await _answer(route, call)
            once = there(services.once)
            return await once.answer(call.asker.id, key, fingerprint.hex, lambda: _answer(route, call))
    except ControlError as error:
        raise refused(error) from error
    except StoreError as error:
        raise Problem(503, f"the store can't be used: {error.reason}", headers={"Retry-After": "5"}) from error
    except ValueError as error:
        raise _refused(error) from error
    except RecursionError as error:
        # orjson reads deeper than others write.
        raise Problem(422, "body: is nested too deeply") from error


async def _answer(route: Route, call: Call) -> web.StreamResponse:
    """What the handler gives, as a response. A condition that is not judged is refused: who sends one relies on it."""
    if route.method != "GET" and condition_of(call.request, IF_NONE_MATCH) is not None:
        raise invalid_field(IF_NONE_MATCH, "is taken by a GET alone: for a change there is If-Match")
    if route.present is not None and route.tagged is not None:
        # Whoever changes the same thing waits for its turn, so that nothing comes between comparison and change.
        async with call.services.locks.of(f"{route.tagged.name} {sorted(call.path.items())}"):
            return _tagged(route.tagged, await _change(route.handler, route.tagged, route.present, call))
    if route.method != "GET" and condition_of(call.request, IF_MATCH) is not None:
        raise invalid_field(IF_MATCH, "is not taken here: there is nothing with an entity tag")
    answer = await route.handler(call)
    if route.tagged is None:
        return _response(answer)
    return _tagged(route.tagged, answer, condition_of(call.request, IF_NONE_MATCH))


async def _change(handler: Handler, kind: Tagged, present: Present, call: Call) -> Any:
    """What ``handler`` gives, where it may change the thing as it is at ``present``."""
    wanted = condition_of(call.request, IF_MATCH)
    if wanted is None:
        return await handler(call)
    seen = await present(call)
    check_match(wanted, kind.tag(seen))
    try:
        return await handler(replace(call, seen=None if wanted.strip() == "*" else seen))
    except ControlError:
        # What changes by itself, or by way of another thing, does not wait for a turn: was it that?
        check_match(wanted, kind.tag(await present(call)))
        raise


def _tagged(kind: Tagged, answer: Any, known: str | None = None) -> web.StreamResponse:
    """The response of a document, or of a list of such. 304 where the asker has it already."""
    if "items" in answer:
        return _response({**answer, "items": [kind.with_tag(item) for item in answer["items"]]})
    document = kind.with_tag(answer)
    tag = {"ETag": document["etag"]}
    if known is not None and matches(known, document["etag"], weak=True):
        return web.Response(status=304, headers={"Cache-Control": "no-store", **tag})
    response = _response(document)
    response.headers.update(tag)
    return response


def _response(answer: Any) -> web.StreamResponse:
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


def _key(route: Route, request: web.Request) -> str | None:
    """The key of a POST. Of a report that is signed it is of no effect: who sent it is still to be judged, and made
    twice it is as if made once."""
    key = key_of(request) if route.method == "POST" else None
    if key is not None and route.is_secret:
        raise invalid_field(IDEMPOTENCY_KEY, "is not taken here: the answer holds a secret, which is not kept")
    return key


async def _content(route: Route, request: web.Request, fingerprint: Fingerprint | None) -> bytes:
    if route.body is None:
        return await no_content(request)
    return await json_content(request, route.body_bytes_max, None if fingerprint is None else fingerprint.add)


def _body(route: Route, content: bytes) -> BaseModel | bytes | None:
    if route.body is None:
        return None
    if route.signed:
        check_depth(content)
        return content
    try:
        return route.body.model_validate(document_of(content))
    except ValidationError as error:
        raise invalid(error, "body", route.body) from error


def there(part: T | None) -> T:
    """A part of the services. Raises a 503 Problem where this process has none."""
    if part is None:
        raise Problem(503, "this process does not have that part of the API")
    return part
