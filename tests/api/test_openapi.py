"""The OpenAPI document and docs/api.md, held against the route table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from aiohttp.test_utils import TestClient

from sidecar.alerts.catalogue import METRICS
from sidecar.alerts.condition import KEYS
from sidecar.api.handlers import ROUTES
from sidecar.api.openapi import openapi_document
from sidecar.api.schemas_judged import AB_CONFIG, ALERT_METRICS, CONDITION, SHADOW_CONFIG
from sidecar.client import AsyncClient
from sidecar.experiments.asking import DefinitionError, read_ab_config, read_shadow_config

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


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def test_every_operation_says_what_it_is_and_who_may() -> None:
    """Summary, description, a tag that is described, and the scope that the door asks for."""
    document = openapi_document(ROUTES, "1")
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    for route, operation in zip(ROUTES, _operations_of(document), strict=True):
        assert operation["summary"] == route.summary
        assert operation["description"].endswith("."), route.path
        assert set(operation["tags"]) <= tags
        assert operation["x-scope"] == route.needs
        assert operation["security"][0] == {"bearer": [route.needs]}


def _operations_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """In the order of ROUTES."""
    return [document["paths"][route.path][route.method.lower()] for route in ROUTES]


async def test_change_that_something_stands_against_is_told_of(http: Http) -> None:
    """A name that is taken, also where one is changed; a token too many."""
    document = await (await http.get("/api/v1/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert ("409" in operation["responses"]) == (method != "get"), (method, path)


@pytest.mark.parametrize("demanded", [True, False])
def test_security_may_be_left_out_only_where_no_token_is_demanded(demanded: bool) -> None:
    """The document tells of the sidecar that gives it."""
    for operation in _operations(openapi_document(ROUTES, "1", token_demanded=demanded)):
        assert ({} in operation["security"]) != demanded


def test_every_call_of_the_client_is_an_operation_of_that_name() -> None:
    """Whoever knows one finds the other."""
    # They close the client, end a silence, page, give a part of models and ask again and again.
    more = {"close", "end_silence", "flagged_items", "model_figures", "wait_for_training_job"}
    calls = {name for name in dir(AsyncClient) if not name.startswith("_")} - more
    operations = {operation["operationId"] for operation in _operations(openapi_document(ROUTES, "1"))}
    assert calls <= operations, calls - operations


def test_every_body_has_an_example_that_is_taken() -> None:
    """By the type that checks what people send."""
    document = openapi_document(ROUTES, "1")
    for route, operation in zip(ROUTES, _operations_of(document), strict=True):
        if route.body is not None:
            content = operation["requestBody"]["content"]["application/json"]
            route.body.model_validate(content["examples"]["example"]["value"])


def test_every_example_fits_its_schema() -> None:
    """Of bodies, answers and parameters alike."""
    document = openapi_document(ROUTES, "1")
    seen = 0
    for operation in _operations(document):
        holders = [*operation.get("requestBody", {}).get("content", {}).values()]
        holders += operation["responses"]["200"]["content"].values()
        shown = [(holder["schema"], one["value"]) for holder in holders for one in holder.get("examples", {}).values()]
        shown += [(one["schema"], one["example"]) for one in operation["parameters"] if "example" in one]
        for schema, value in shown:
            seen += 1
            whole = {**schema, "components": document["components"]}
            jsonschema_rs.validator_for(whole).validate(value)
    assert seen > 150


def test_schemas_of_what_others_judge_have_the_keys_that_they_know() -> None:
    """Conditions of alerts, and configs of both kinds of test."""
    assert tuple(CONDITION["properties"]) == KEYS
    assert tuple(METRICS) == ALERT_METRICS
    of_ab = (AB_CONFIG, lambda config: read_ab_config(config, ["A", "B"]))
    for schema, read in (of_ab, (SHADOW_CONFIG, read_shadow_config)):
        with pytest.raises(DefinitionError) as refused:
            read({"nothing": 1})
        (message,) = [text for field, text in refused.value.faults if field == "config.nothing"]
        assert message == f"is not known, expected {', '.join(schema['properties'])}"


async def test_path_of_its_own_has_no_methods_of_an_id(http: Http) -> None:
    """``/alerts/metrics`` is no alert that could be deleted."""
    for path in ("alerts/metrics", "alerts/transitions", "ab-tests/metrics"):
        answer = await http.delete(f"/api/v1/{path}")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")
    assert (await http.delete("/api/v1/alerts/nothing")).status == 404


@pytest.mark.parametrize("body", [{"share": "0.5"}, {"share": True}, {"share": None}])
async def test_what_only_looks_like_a_number_is_none(http: Http, body: dict[str, Any]) -> None:
    """JSON has numbers: text, true and null are refused in their place."""
    answer = await http.post("/api/v1/shadow-tests/x/ramp", json=body)
    assert answer.status == 422
    assert [fault["field"] for fault in (await answer.json())["errors"]] == ["share"]


async def test_whole_number_may_be_written_with_a_point(http: Http) -> None:
    """3.0 is as whole as 3, for JSON knows one kind of number."""
    answer = await http.post("/api/v1/items/x/confirm", json={"by": "ann", "revision": 3.0})
    assert answer.status == 404
    answer = await http.post("/api/v1/items/x/confirm", json={"by": "ann", "revision": 3.5})
    assert answer.status == 422
