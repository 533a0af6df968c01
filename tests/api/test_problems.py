"""What is wrong with a request, in the words of this API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp.test_utils import TestClient

from sidecar.api.problems import dumps

Http = TestClient[Any, Any]
API_PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
AB_TEST: dict[str, Any] = {"name": "Try", "model_a_id": "det@1", "model_b_id": "det@2"}
ALERT: dict[str, Any] = {"model_id": "det", "name": "Low", "condition": {}}


async def told(answer: Any) -> dict[str, str]:
    problem = await answer.json(content_type=None)
    return {fault["field"]: fault["message"] for fault in problem["errors"]}


@pytest.mark.parametrize(
    ("path", "body", "field", "message"),
    [
        ("shadow-tests/x/ramp", {"share": "5%"}, "share", "must be a number; shares are 0 to 1: 5 % is 0.05"),
        ("shadow-tests/x/ramp", {"share": "much"}, "share", "must be a number"),
        ("shadow-tests/x/ramp", {"share": 0}, "share", "must be more than 0"),
        ("ab-tests", AB_TEST | {"model_a_id": ""}, "model_a_id", "must not be empty"),
        ("ab-tests", AB_TEST | {"model_b_id": 3}, "model_b_id", "must be text"),
        ("ab-tests", AB_TEST | {"name": "x" * 101}, "name", "must have at most 100 characters"),
        ("ab-tests", AB_TEST | {"name": "two\nlines"}, "name", "must be one line of printable characters"),
        ("ab-tests", AB_TEST | {"config": None}, "config", "must be a JSON object"),
        ("ab-tests", AB_TEST | {"split": 1}, "split", "unknown field; there are name, model_a_id, model_b_id, config"),
        ("ab-tests/x/resume", {"share": 1}, "share", "unknown field; there are none here"),
        ("ab-tests/x/ramp", {}, "traffic_split", "is needed"),
    ],
)
async def test_faulty_field_is_told_in_plain_words(
    http: Http, path: str, body: dict[str, Any], field: str, message: str
) -> None:
    """Each kind of fault says what would be right, under the field's name."""
    answer = await http.post(f"/api/v1/{path}", json=body)
    assert (answer.status, await told(answer)) == (422, {field: message})


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ([], {"body": "must be a JSON object"}),
        ({}, {"model_id": "is needed", "name": "is needed", "condition": "is needed"}),
        (ALERT | {"enabled": "perhaps"}, {"enabled": "must be true or false"}),
        (ALERT | {"notify": "slack:#ml"}, {"notify": "must be a list"}),
        (ALERT | {"condition": "low"}, {"condition": "must be a JSON object"}),
        (ALERT | {"name": " "}, {"name": "must not be empty"}),
    ],
)
async def test_faulty_body_is_told_in_plain_words(http: Http, body: Any, faults: dict[str, str]) -> None:
    """A body that is no object is a fault of the body itself; the detail names nothing twice."""
    answer = await http.post("/api/v1/alerts", json=body)
    assert await told(answer) == faults
    assert (await answer.json(content_type=None))["detail"].count("body") == 1


@pytest.mark.parametrize(
    ("question", "faults"),
    [
        ("alerts?state=loud", {"state": "must be inactive, pending, firing or resolved"}),
        ("ab-tests?status=tired", {"status": "must be running, paused, completed, stopped or concluded"}),
        ("predictions?status=99999", {"status": "must be status sent to the client"}),
        ("alerts?colour=red", {"colour": "unknown field; there are model_id, state"}),
        ("status?colour=red", {"colour": "unknown field; there are none here"}),
        ("drift/checks?limit=many", {"limit": "must be a whole number"}),
        ("drift/checks?limit=9999", {"limit": "must be at most 1000"}),
        ("summaries?since=2024-02-30T00:00:00Z", {"since": "there is no such day or time: "}),
        ("summaries?since=noon", {"since": "must be epoch seconds or an RFC 3339 time"}),
        ("summaries?since=nan", {"since": "must be a finite number"}),
    ],
)
async def test_faulty_parameter_is_told_in_plain_words(http: Http, question: str, faults: dict[str, str]) -> None:
    """A filter says what it may be."""
    found = await told(await http.get(f"/api/v1/{question}"))
    assert found.keys() == faults.keys()
    assert all(found[field].startswith(message) for field, message in faults.items())


async def test_page_shows_the_problem_that_is_answered(http: Http) -> None:
    """The example of docs/api.md is the answer to such a request, whatever Python runs the sidecar."""
    answer = await http.post("/api/v1/shadow-tests/x/ramp", json={"share": 2})
    example = API_PAGE.read_text().split("## Errors")[1].split("```json")[1].split("```")[0]
    assert await answer.json(content_type=None) == json.loads(example)


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/api/v1/nope", 404, "nothing is at this path"),
        ("DELETE", "/api/v1/status", 405, "DELETE is not possible here; there are GET"),
    ],
)
async def test_detail_does_not_repeat_the_status(http: Http, method: str, path: str, status: int, detail: str) -> None:
    """What the HTTP layer refuses is told in words too."""
    answer = await http.request(method, path)
    problem = await answer.json(content_type=None)
    assert (answer.status, problem["status"], problem["detail"]) == (status, status, detail)


@pytest.mark.parametrize("name", ["cat", "\ud800"])
def test_json_is_the_same_whatever_names_are_in_it(name: str) -> None:
    """NaN is no JSON; it is null also beside a text that only an escape can tell."""
    document = {name: [float("nan"), {"a": float("-inf")}], "b": np.array([1.5, np.nan]), "c": (np.float32(2), True)}
    told = json.loads(dumps(document), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert told == {name: [None, {"a": None}], "b": [1.5, None], "c": [2.0, True]}
