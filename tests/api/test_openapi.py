"""The OpenAPI document and docs/api.md, held against the route table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient

from sidecar.api.handlers import ROUTES

Http = TestClient[Any, Any]
API_PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


async def test_openapi_has_every_route_with_a_name_of_its_own(http: Http) -> None:
    """Every method of every path is an operation, its body and answer are described, and no reference is loose."""
    document = await (await http.get("/api/v1/openapi.json")).json()
    operations = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {(route.method, route.path) for route in ROUTES}
    names = [operation["operationId"] for operation in operations.values()]
    assert len(names) == len(set(names))
    schemas = document["components"]["schemas"]
    references = set(re.findall(r'"\$ref":"#/components/schemas/(\w+)"', await _text(http)))
    assert references <= set(schemas)
    for route in ROUTES:
        assert ("requestBody" in operations[route.method, route.path]) == (route.body is not None)


async def _text(http: Http) -> str:
    return await (await http.get("/api/v1/openapi.json")).text()


async def test_openapi_says_which_parameters_are_needed(http: Http) -> None:
    """A drift question needs its model and both periods; its slice it does not."""
    document = await (await http.get("/api/v1/openapi.json")).json()
    parameters = document["paths"]["/api/v1/drift"]["get"]["parameters"]
    needed = {parameter["name"] for parameter in parameters if parameter["required"]}
    assert needed == {"model_id", "reference_period", "current_period"}


def test_documentation_names_every_route_and_no_other() -> None:
    """docs/api.md lists the routes; names of ids in braces are shortened to {id}."""
    routes = {re.sub(r"{\w+_id}", "{id}", f"{route.method} {route.path}") for route in ROUTES}
    listed = set(re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) \S+)` \|", API_PAGE.read_text(), re.MULTILINE))
    assert listed == routes


async def test_no_default_is_against_its_own_schema(http: Http) -> None:
    """Validators of OpenAPI documents, and what is made of them, refuse an empty text of at least one character."""
    schemas = (await (await http.get("/api/v1/openapi.json")).json())["components"]["schemas"]
    assert "name" in schemas["AlertChangeBody"]["properties"]
    for name, schema in schemas.items():
        for field, of in schema.get("properties", {}).items():
            if isinstance(of.get("default"), str):
                assert len(of["default"]) >= of.get("minLength", 0), (name, field)
