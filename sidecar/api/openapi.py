"""The OpenAPI 3.1 document, made of the route table and the types that check requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sidecar.api import openapi_words as words
from sidecar.api.bodies import BODY_BYTES_MAX
from sidecar.api.examples import example_of
from sidecar.api.idempotency import HEADER as IDEMPOTENCY_KEY
from sidecar.api.idempotency import REPLAYED
from sidecar.api.openapi_bodies import BODIES
from sidecar.api.openapi_links import links_of
from sidecar.api.routes import Route
from sidecar.api.schemas import ProblemOut, Query

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": _REF.format(model="ProblemOut")}}}
PATH_CHARS_MAX = 500
"""The longest part of a path that may be an id of anything."""


def openapi_document(routes: Iterable[Route], version: str, *, token_demanded: bool = False) -> Json:
    """OpenAPI 3.1 of ``routes``: every parameter, body, answer, header and status, each by what checks or gives it.

    ``token_demanded``: nobody is let in without one.
    """
    routes = list(routes)
    used: list[type[BaseModel]] = [ProblemOut]
    used += [model for route in routes for model in (route.body, route.gives) if model is not None]
    _, schemas = models_json_schema([(model, "validation") for model in dict.fromkeys(used)], ref_template=_REF)
    named: Json = _plain(schemas["$defs"])
    paths: dict[str, Json] = {}
    for route in routes:
        operation = _operation(route, named, token_demanded)
        if links := links_of(route, routes):
            operation["responses"]["200"]["links"] = links
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Inference sidecar",
            "version": version or "0",
            "description": words.ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": list(_tags(routes)),
        "paths": paths,
        "components": {
            "schemas": named,
            "responses": {name: _problem(status, words_of) for status, (name, words_of) in words.STATUSES.items()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "a token with the operation's scope"},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "webhook-signature",
                    "description": "a signature of the body by the trainer's secret, as Standard Webhooks says; with"
                    " webhook-id and webhook-timestamp",
                },
            },
        },
    }


def tag_of(path: str) -> str:
    """The tag of what is at a path.

    >>> tag_of("/api/v1/ab-tests/{id}"), tag_of("/api/v1/brand-new")
    ('A/B tests', 'Brand new')
    """
    segment = path.removeprefix("/api/v1/").partition("/")[0]
    return words.TAGS[segment][0] if segment in words.TAGS else segment.replace("-", " ").capitalize()


def statuses_of(route: Route) -> dict[int, str]:
    """Every status but 200 that ``route`` may answer with, in order, and when it does."""
    found = {400, 401, 403, 415, 421, 422, 429, 500, 503}
    if "{" in route.path:
        found.add(404)
    if route.body is not None:
        found |= {408, 413}
    if route.method != "GET":  # what is there may stand against any change
        found.add(409)
    if _has_tag(route) and route.method == "GET":
        found.add(304)
    if route.present is not None:
        found.add(412)
    return {
        status: route.statuses.get(status, words.STATUSES[status][1]) for status in sorted(found | {*route.statuses})
    }


def _tags(routes: Iterable[Route]) -> Iterator[Json]:
    about = {tag: text for tag, text in words.TAGS.values() if text}
    for tag in dict.fromkeys(tag_of(route.path) for route in routes):
        yield {"name": tag, "description": about[tag]} if tag in about else {"name": tag}


def _operation(route: Route, named: Json, token_demanded: bool) -> Json:
    security: list[Json] = [{"bearer": [route.needs]}]
    if route.signed:
        security.append({"signature": []})
    if not token_demanded:
        security.append({})
    operation: Json = {
        "operationId": route.operation or route.handler.__name__,
        "tags": [tag_of(route.path)],
        "summary": route.summary,
        "description": _prose(route.handler.__doc__),
        "security": security,
        "x-scope": route.needs,
        "parameters": [*_path_parameters(route.path), *_query_parameters(route.query), *_headers_taken(route)],
        "responses": {"200": _success(route, named)},
    }
    for status, when in statuses_of(route).items():
        name, usual = words.STATUSES[status]
        operation["responses"][str(status)] = (
            {"$ref": f"#/components/responses/{name}"} if when == usual else _problem(status, when)
        )
    if route.body is not None:
        operation["requestBody"] = _body(route, route.body)
    return operation


def _body(route: Route, model: type[BaseModel]) -> Json:
    content: Json = {"schema": {"$ref": _REF.format(model=model.__name__)}}
    example = BODIES.get(model.__name__) if route.example is None else route.example
    if example is not None:
        content["examples"] = {"example": {"value": example}}
    body: Json = {"required": True, "content": {"application/json": content}}
    if route.body_bytes_max != BODY_BYTES_MAX:
        body["description"] = f"At most {route.body_bytes_max // 1024} KiB."
    return body


def _success(route: Route, named: Json) -> Json:
    headers: Json = {name: {"description": text, "schema": {"type": "string"}} for name, text in route.headers.items()}
    if _has_tag(route):
        headers["ETag"] = {**words.ETAG, "required": True}
    if route.method == "POST" and not route.is_secret:
        headers[REPLAYED] = words.REPLAY
    media_types = route.media_types or (route.media_type,)
    success: Json = {"description": "OK", "content": {media_type: _content(route, named) for media_type in media_types}}
    if headers:
        success["headers"] = headers
    return success


def _content(route: Route, named: Json) -> Json:
    if route.gives is None:
        return {"schema": {"type": "object"}} if route.media_type == "application/json" else {}
    schema = {"$ref": _REF.format(model=route.gives.__name__)}
    return {"schema": schema, "examples": {"example": {"value": example_of(schema, named)}}}


def _problem(status: int, when: str) -> Json:
    """The response of an error; what is not modified has no body."""
    response: Json = {"description": when}
    if status != 304:
        response["content"] = _PROBLEM
    if status == 400:
        # What is no HTTP at all never gets as far as a problem.
        response["content"] = {**_PROBLEM, "text/plain": {"schema": {"type": "string"}}}
    if status in (304, 412):
        response["headers"] = {"ETag": {**words.ETAG, "required": True}}
    if status in (409, 429, 503):
        response["headers"] = {"Retry-After": {**words.RETRY_AFTER, "required": status == 429}}
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {**words.CHALLENGE, "required": True}}
    return response


def _has_tag(route: Route) -> bool:
    """Whether a 200 is one document with a tag, rather than a list of such."""
    return route.tagged is not None and route.gives is not None and "etag" in route.gives.model_fields


def _path_parameters(path: str) -> list[Json]:
    schema = {"type": "string", "minLength": 1, "maxLength": PATH_CHARS_MAX}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema, **_example(schema, _meaning(path, name))}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _meaning(path: str, name: str) -> str:
    """The name by which a part of a path has an example: of an ``id`` that of what it is of.

    >>> _meaning("/api/v1/ab-tests/{id}/results", "id"), _meaning("/api/v1/items/{item_id}", "item_id")
    ('ab_test_id', 'item_id')
    """
    before = path.partition("/{")[0].rpartition("/")[2]
    return f"{before.replace('-', '_').removesuffix('s')}_id" if name == "id" else name


def _query_parameters(query: type[Query]) -> list[Json]:
    schema = _plain(query.model_json_schema())
    needed = schema.get("required", ())
    named = schema.get("$defs", {})
    return [
        {"name": name, "in": "query", "required": name in needed, **_parameter(_spelt_out(part, named), name)}
        for name, part in schema.get("properties", {}).items()
    ]


def _parameter(schema: Json, name: str) -> Json:
    """The schema of a query's parameter and what it says: it is text, or it is left out, so it is never null."""
    described = {"description": schema.pop("description")} if "description" in schema else {}
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if "anyOf" in schema:
        schema = {**{key: value for key, value in schema.items() if key not in ("anyOf", "default")}}
        schema |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    if "description" in schema:
        described.setdefault("description", schema.pop("description"))
    return {**described, "schema": schema, **_example(schema, name)}


def _example(schema: Mapping[str, Any], name: str) -> Json:
    value = example_of(schema, {}, name)
    return {} if value in ("", None) else {"example": value}


def _headers_taken(route: Route) -> list[Json]:
    taken: list[Json] = []
    if route.method == "POST" and not route.is_secret:
        pattern = {"type": "string", "pattern": "^[!-~]{1,200}$"}
        taken.append(
            _header(IDEMPOTENCY_KEY, "a text of your own for this request: sent again, it is not done again", pattern)
        )
    if _has_tag(route) and route.method == "GET":
        taken.append(
            _header("If-None-Match", "tags that the asker has: 304 where it is one of them", {"type": "string"})
        )
    if route.present is not None:
        taken.append(
            _header("If-Match", "the tag that the asker read: 412 where it is another by now", {"type": "string"})
        )
    return taken


def _header(name: str, text: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


def _prose(text: str | None) -> str:
    """A docstring as CommonMark.

    >>> _prose("As ``a``\\n    says.")
    'As `a` says.'
    """
    return re.sub(r"\s+", " ", (text or "").replace("``", "`")).strip()


def _plain(schema: Any, *, is_names: bool = False) -> Any:
    """A schema of pydantic's without the titles that repeat names, its docstrings as CommonMark. ``is_names``: its keys
    are names of fields."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made: Json = {}
    for key, value in schema.items():
        if is_names:
            made[key] = _plain(value)
        elif key == "description":
            made[key] = _prose(value)
        elif key in ("default", "example", "examples", "const", "enum"):
            made[key] = value
        elif key != "title":
            made[key] = _plain(value, is_names=key in ("properties", "$defs"))
    return made


def _spelt_out(schema: Any, named: Mapping[str, Any]) -> Any:
    """A schema with what its references lead to in their place."""
    if isinstance(schema, list):
        return [_spelt_out(part, named) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _spelt_out(named[schema["$ref"].rpartition("/")[2]], named)
    return {key: _spelt_out(value, named) for key, value in schema.items()}
