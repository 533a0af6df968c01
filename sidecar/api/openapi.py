"""The OpenAPI 3.1 document, made of the route table and its types."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sidecar.api.routes import Route
from sidecar.api.schemas import ProblemOut, Query

_REF = "#/components/schemas/{model}"


def openapi_document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """OpenAPI 3.1 of ``routes``: every parameter, body and answer by its schema, every error as a problem."""
    routes = list(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    used: list[type[BaseModel]] = [ProblemOut]
    used += [model for route in routes for model in (route.body, route.gives) if model is not None]
    _, schemas = models_json_schema([(model, "validation") for model in dict.fromkeys(used)], ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Inference sidecar", "version": version or "0", "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}, {}],
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "description": (route.handler.__doc__ or "").strip(),
        "parameters": _path_parameters(route.path) + _query_parameters(route.query),
        "responses": {
            "200": {"description": "OK", "content": {route.media_type: {"schema": _answer(route)}}},
            "default": {
                "description": "A problem (RFC 9457)",
                "content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="ProblemOut")}}},
            },
        },
    }
    if route.body is not None:
        reference = {"$ref": _REF.format(model=route.body.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return operation


def _answer(route: Route) -> dict[str, Any]:
    if route.gives is not None:
        return {"$ref": _REF.format(model=route.gives.__name__)}
    return {"type": "object"} if route.media_type == "application/json" else {"type": "string", "format": "binary"}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(query: type[Query]) -> list[dict[str, Any]]:
    schema = query.model_json_schema()
    needed = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": part}
        for name, part in schema.get("properties", {}).items()
    ]
