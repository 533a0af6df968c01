"""The endpoints of models and their versions, over a real store with predictions of ``det`` 1."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api import handlers_models
from sidecar.api.schemas_models import ModelOut, ModelsOut

Http = TestClient[Any, Any]
MODELS = "/api/v1/models"


async def faults_of(answer: Any) -> list[str]:
    return [fault["field"] for fault in (await answer.json(content_type=None))["errors"]]


async def test_models_come_with_their_versions_figures_and_what_is_recorded(http: Http) -> None:
    """One is known by its traffic, one by an upstream of the configuration."""
    listed = await (await http.get(MODELS)).json()
    ModelsOut.model_validate(listed)
    assert [(item["id"], item["origin"]) for item in listed["items"]] == [
        ("det", "traffic"),
        ("det@1", "config"),
        ("det@2", "config"),
    ]
    assert [item["images"] for item in listed["items"]] == [4, 4, None]
    assert listed["recorded"] == [{"model": "det", "version": "1"}]
    assert [(item["model"], item["images"]) for item in listed["figures"]] == [("det", 4)]


async def test_version_is_registered_read_and_forgotten(http: Http) -> None:
    """Its id is one segment of the path, whatever it is called."""
    body = {"name": "my/model", "version": "2 b", "url": "http://127.0.0.1:9", "metrics": {"map50": 0.5}}
    answer = await http.post(MODELS, json=body)
    made = await answer.json(content_type=None)
    assert answer.status == 200, made
    ModelOut.model_validate(made)
    assert (made["id"], made["upstream"]["url"]) == ("my/model@2 b", "http://127.0.0.1:9")
    path = f"{MODELS}/my%2Fmodel@2%20b"
    assert await (await http.get(path)).json() == made
    assert await (await http.delete(path)).json() == made
    answer = await http.get(path)
    assert (answer.status, await faults_of(answer)) == (404, ["model_id"])


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["name"]),
        ({"name": "det@2"}, ["name"]),
        ({"name": "*"}, ["name"]),
        ({"name": "two\nlines", "version": "-1"}, ["name", "version"]),
        ({"name": "d", "version": "a@b", "metrics": {"": 1}, "colour": 1}, ["version", "metrics", "colour"]),
        ({"name": "d", "metrics": {f"m{n}": n for n in range(101)}}, ["metrics"]),
        ({"name": "d", "url": "http://127.0.0.1:9"}, ["version"]),
    ],
)
async def test_faulty_registration_names_its_fields(http: Http, body: dict[str, Any], fields: list[str]) -> None:
    """All of them, and nothing is registered."""
    answer = await http.post(MODELS, json=body)
    assert answer.status == 422
    assert [field.partition(".")[0] for field in await faults_of(answer)] == fields
    assert len((await (await http.get(MODELS)).json())["items"]) == 3


async def test_every_endpoint_says_404_for_an_id_that_nothing_has_and_names_those_there_are(http: Http) -> None:
    """Whatever is asked of it."""
    with_id = [route for route in handlers_models.ROUTES if "{model_id}" in route.path]
    assert len(with_id) == 2
    for route in with_id:
        answer = await http.request(route.method, route.path.format(model_id="nope"))
        assert (answer.status, await faults_of(answer)) == (404, ["model_id"])
        assert "there are det, det@1, det@2" in await answer.text()


async def test_what_traffic_alone_makes_known_is_not_forgotten(http: Http) -> None:
    """A conflict says why."""
    answer = await http.delete(f"{MODELS}/det")
    assert (answer.status, await faults_of(answer)) == (409, ["model_id"])
