"""The endpoints of data engines, over the engine that chooses."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api.schemas_data_engines import DataEngine, DataEnginesOut

Http = TestClient[Any, Any]
ENGINES = "/api/v1/data-engines"
GUIDE = {
    "low_confidence": {"enabled": True, "threshold": 0.6, "sample_rate": 0.3},
    "edge_cases": {"enabled": True, "conditions": ["no_detections", "high_density", "unusual_size"]},
    "random_sample": {"enabled": True, "rate": 0.05},
}


async def faults_of(answer: Any) -> list[str]:
    return [fault["field"] for fault in (await answer.json(content_type=None))["errors"]]


async def test_rules_of_the_guide_are_set_and_read_back_whole(http: Http) -> None:
    """What was given stands, defaults are filled in, and the list has it."""
    assert (await http.post("/api/v1/datasets", json={"name": "Night"})).status == 200
    body = {"config": GUIDE, "target_dataset_id": "night"}
    answer = await http.put(f"{ENGINES}/det", json=body)
    made = await answer.json()
    assert answer.status == 200, made
    DataEngine.model_validate(made)
    assert (made["model"], made["dataset_id"], made["origin"]) == ("det", "night", "api")
    assert made["config"]["low_confidence"]["threshold"] == 0.6
    assert made["config"]["low_confidence"]["limits"] == {"per_minute": None, "per_hour": None, "per_day": None}
    assert await (await http.get(f"{ENGINES}/det")).json() == made
    listed = await (await http.get(ENGINES)).json()
    DataEnginesOut.model_validate(listed)
    assert made in listed["items"]


async def test_model_that_has_no_rules_of_its_own_has_the_configurations(http: Http) -> None:
    """It is recorded, so it is known."""
    found = await (await http.get(f"{ENGINES}/det")).json()
    DataEngine.model_validate(found)
    assert (found["origin"], found["updated_at"]) == ("config", None)


@pytest.mark.parametrize("model_id", ["det%402", "a%2Fb", "det@2"])
async def test_model_id_with_a_slash_or_an_at_is_one_segment(http: Http, model_id: str) -> None:
    """The path leads to the model it names."""
    assert (await http.post("/api/v1/models", json={"name": "a/b"})).status == 200
    answer = await http.put(f"{ENGINES}/{model_id}", json={"config": {"random_sample": {"rate": 0.5}}})
    assert (await answer.json())["model"] == {"a%2Fb": "a/b"}.get(model_id, "det")


async def test_all_faults_of_rules_are_told_and_nothing_changes(http: Http) -> None:
    """By the path of each field."""
    before = await (await http.get(f"{ENGINES}/det")).json()
    config = {"low_confidence": {"threshold": 2}, "random_sample": {"rates": 1}}
    answer = await http.put(f"{ENGINES}/det", json={"config": config, "target_dataset_id": "nowhere"})
    assert answer.status == 422
    fields = await faults_of(answer)
    assert set(fields) == {"config.low_confidence.threshold", "config.random_sample.rates", "target_dataset_id"}
    assert await (await http.get(f"{ENGINES}/det")).json() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "config"),
        ({"config": []}, "config"),
        ({"config": {}, "target_dataset_id": "No Slug"}, "target_dataset_id"),
        ({"config": {}, "colour": 1}, "colour"),
    ],
)
async def test_body_that_is_none_is_told(http: Http, body: Any, field: str) -> None:
    """Before the rules are looked at."""
    answer = await http.put(f"{ENGINES}/det", json=body)
    assert (answer.status, await faults_of(answer)) == (422, [field])


async def test_model_nobody_knows_is_not_there(http: Http) -> None:
    """It was never recorded."""
    answer = await http.get(f"{ENGINES}/nope")
    assert (answer.status, await faults_of(answer)) == (404, ["model_id"])
