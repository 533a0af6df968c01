"""The page about the API, made of its OpenAPI document."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any

from aiohttp.test_utils import TestClient

from sidecar.access import TokenFile
from sidecar.api import Services
from sidecar.api.handlers import ROUTES
from sidecar.api.openapi import openapi_document
from sidecar.api.reference import reference_page

Http = TestClient[Any, Any]
HOSTILE = "<script>alert(1)</script>\"'&"


async def test_page_is_served_with_its_style_and_runs_nothing(http: Http) -> None:
    """It needs no script and may load none but ours."""
    answer = await http.get("/docs")
    page = await answer.text()
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<script" not in page
    assert "style=" not in page
    (sheet,) = re.findall(r'rel="stylesheet" href="([^"]+)"', page)
    assert (await http.get(sheet)).content_type == "text/css"
    assert 'href="/docs"' in await (await http.get("/")).text()


def test_page_has_every_operation_and_every_link_leads_somewhere() -> None:
    """Each operation under its name, and each schema that one names."""
    page = reference_page(openapi_document(ROUTES, "1"))
    places = re.findall(r' id="([^"]+)"', page)
    assert len(places) == len(set(places))
    assert {route.operation or route.handler.__name__ for route in ROUTES} <= set(places)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(places)


def test_text_of_the_document_is_never_markup() -> None:
    """Whatever stands in names, descriptions, examples, choices and bounds."""
    part: dict[str, Any] = {"type": "string", "description": HOSTILE, "enum": [HOSTILE], "default": HOSTILE}
    content = {"application/json": {"schema": part, "examples": {"one": {"value": {HOSTILE: HOSTILE}}}}}
    operation = {
        "operationId": HOSTILE,
        "tags": [HOSTILE],
        "summary": HOSTILE,
        "description": f"`{HOSTILE}`",
        "x-scope": HOSTILE,
        "parameters": [{"name": HOSTILE, "in": HOSTILE, "schema": part, "description": HOSTILE, "example": HOSTILE}],
        "requestBody": {"content": content, "description": HOSTILE},
        "responses": {
            "200": {"description": HOSTILE, "content": content, "headers": {HOSTILE: {"description": HOSTILE}}},
            HOSTILE: {"description": HOSTILE},
        },
    }
    fields = {"type": "object", "properties": {HOSTILE: {**part, "format": HOSTILE}}, "description": HOSTILE}
    document = {
        "info": {"title": HOSTILE, "version": HOSTILE, "description": HOSTILE},
        "tags": [{"name": HOSTILE, "description": HOSTILE}],
        "paths": {f"/{HOSTILE}": {"get": operation}},
        "components": {"schemas": {HOSTILE: fields, "other": {"type": "object", "properties": {"a": fields}}}},
    }
    page = reference_page(document)
    assert page.count("&lt;script&gt;") > 20
    assert "<script" not in page
    assert "\"'" not in page.replace('"\'"', "")


async def test_page_is_for_whoever_may_read(services: Services, serve: Any) -> None:
    """Others are led to the login, or told what they lack."""
    http: Http = await serve(replace(services, token="t" * 32))
    answer = await http.get("/docs", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=%2Fdocs")
    _, secret = TokenFile(services.data_dir).create("speaker", ("feedback",), time.time(), None)
    assert (await http.get("/docs", headers={"Authorization": f"Bearer {secret}"})).status == 403
    _, secret = TokenFile(services.data_dir).create("reader", ("read",), time.time(), None)
    assert (await http.get("/docs", headers={"Authorization": f"Bearer {secret}"})).status == 200
