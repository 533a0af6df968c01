"""The endpoints of A/B tests."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api import handlers_ab_tests, handlers_shadow_tests
from sidecar.api.schemas_ab_tests import AbResults, AbTest
from sidecar.experiments import METRICS
from tests.kit.trials_at_hand import TrialsAtHand

Http = TestClient[Any, Any]
TESTS = "/api/v1/ab-tests"
BODY: dict[str, Any] = {
    "name": "Detection Model Comparison",
    "model_a_id": "det@1",
    "model_b_id": "det@2",
    "config": {"traffic_split": 0.1, "metrics": ["confidence", "latency", "feedback_score"], "duration_days": 7},
}
ID = "detection-model-comparison"


async def create(http: Http, **changes: Any) -> dict[str, Any]:
    answer = await http.post(TESTS, json=BODY | changes)
    assert answer.status == 200, await answer.text()
    document: dict[str, Any] = await answer.json()
    return document


async def act(http: Http, action: str, body: Any = None, test_id: str = ID) -> dict[str, Any]:
    answer = await http.post(f"{TESTS}/{test_id}/{action}", json={} if body is None else body)
    assert answer.status == 200, await answer.text()
    document: dict[str, Any] = await answer.json()
    return document


async def faults_of(answer: Any) -> list[str]:
    assert answer.content_type == "application/problem+json"
    return [error["field"] for error in (await answer.json(content_type=None))["errors"]]


async def test_test_is_begun_read_and_listed(http: Http) -> None:
    """POST begins it under an id made of its name; both GETs give the same."""
    made = await create(http)
    AbTest.model_validate(made)
    assert (made["id"], made["kind"], made["status"], made["traffic_split"]) == (ID, "ab_test", "running", 0.1)
    assert (made["model_a"]["id"], made["model_b"]["id"], made["model_b"]["share"]) == ("det@1", "det@2", 0.1)
    assert await (await http.get(f"{TESTS}/{ID}")).json() == made
    assert (await (await http.get(TESTS)).json())["items"] == [made]


async def test_all_faults_of_a_test_come_at_once(http: Http, trials: TrialsAtHand) -> None:
    """Model ids and every faulty key of the config are named, unknown ones with what there is; nothing begins."""
    config = {"traffic_split": 1.5, "metrics": ["mood"], "colour": "red"}
    answer = await http.post(TESTS, json=BODY | {"model_b_id": "det@9", "config": config})
    assert answer.status == 422
    problem = await answer.json(content_type=None)
    told = {error["field"]: error["message"] for error in problem["errors"]}
    assert set(told) == {"model_b_id", "config.traffic_split", "config.metrics", "config.colour"}
    assert "traffic_split" in told["config.colour"]
    assert trials.kept == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "  "}, "name"),
        ({"config": "much"}, "config"),
        ({"model_a_id": ""}, "model_a_id"),
        ({"model_b_id": "det@1"}, "model_b_id"),
        ({"config": {}}, "config.traffic_split"),
        ({"treatments": []}, "treatments"),
    ],
)
async def test_faulty_test_is_refused_by_field(
    http: Http, trials: TrialsAtHand, change: dict[str, Any], field: str
) -> None:
    """What can't be is a 422 that names the field, and nothing begins."""
    answer = await http.post(TESTS, json=BODY | change)
    assert answer.status == 422
    assert await faults_of(answer) == [field]
    assert trials.kept == {}


async def test_second_test_on_the_same_model_is_a_conflict_that_names_the_first(http: Http) -> None:
    """One test at a time on the same traffic; another model's may run."""
    await create(http)
    answer = await http.post(TESTS, json=BODY | {"name": "Another"})
    assert (answer.status, await faults_of(answer)) == (409, ["model"])
    assert ID in (await answer.json(content_type=None))["detail"]
    await create(http, name="Another", model_a_id="digits@1", model_b_id="digits@2")


async def test_tests_are_found_by_model_and_status(http: Http) -> None:
    """Both filters hold; the newest comes first."""
    await create(http)
    await create(http, name="Digits", model_a_id="digits", model_b_id="digits@2")
    await act(http, "pause")
    for params, ids in (
        ({}, ["digits", ID]),
        ({"status": "paused"}, [ID]),
        ({"model_id": "digits"}, ["digits"]),
        ({"model_id": "digits", "status": "paused"}, []),
    ):
        found = await (await http.get(TESTS, params=params)).json()
        assert [item["id"] for item in found["items"]] == ids


async def test_test_is_paused_resumed_and_ramped_in_epochs(http: Http) -> None:
    """Each change of the split opens an epoch with its reason; a pause gives all to control."""
    await create(http)
    assert (await act(http, "pause", {"reason": "a look at the logs"}))["traffic_split"] == 0
    assert (await act(http, "resume"))["traffic_split"] == 0.1
    ramped = await act(http, "ramp", {"traffic_split": 0.3})
    assert [epoch["reason"] for epoch in ramped["epochs"]] == ["begun", "a look at the logs", "resumed", "ramped"]
    assert ramped["epochs"][-1]["shares"] == {"A": 0.7, "B": 0.3}
    assert (await act(http, "ramp", {"traffic_split": {"B": 0.5}}))["traffic_split"] == 0.5
    refused: tuple[Any, ...] = (1.5, "5%", None, {"D": 0.1}, [])
    for split in refused:
        answer = await http.post(f"{TESTS}/{ID}/ramp", json={"traffic_split": split})
        assert (answer.status, await faults_of(answer)) == (422, ["traffic_split"])


async def test_planned_ramp_tells_its_next_share_and_what_it_waits_for(http: Http) -> None:
    """The first share of the ramp is where it starts."""
    made = await create(http, config={"ramp": [0.01, 0.05, 0.5]})
    assert made["ramp"] == {
        "shares": [0.01, 0.05, 0.5],
        "hours": 24.0,
        "units": 150,
        "next_share": 0.05,
        "waiting_for": "150 units an arm",
    }
    assert (await act(http, "ramp", {"traffic_split": 0.2}))["ramp"]["next_share"] == 0.5


async def test_stop_keeps_its_reason_and_is_the_end(http: Http) -> None:
    """Of what has ended nothing but a promotion is possible: a conflict says so."""
    await create(http)
    stopped = await act(http, "stop", {"reason": "the camera moved"})
    assert (stopped["status"], stopped["reason"], stopped["traffic_split"]) == ("stopped", "the camera moved", 0)
    for action in ("pause", "resume", "ramp", "stop", "conclude"):
        body = {"traffic_split": 0.5} if action == "ramp" else {}
        answer = await http.post(f"{TESTS}/{ID}/{action}", json=body)
        assert (answer.status, await faults_of(answer)) == (409, ["status"])
        assert "promote" in (await answer.json(content_type=None))["detail"]
    assert (await act(http, "promote"))["promoted"] == "det@2"


@pytest.mark.parametrize(("winner", "kept"), [("B", "B"), ("det@1", "A"), (None, None)])
async def test_conclusion_keeps_the_winner_and_why(http: Http, winner: str | None, kept: str | None) -> None:
    """A variant may be named by its name or its model id, or none."""
    await create(http)
    concluded = await act(http, "conclude", {"winner": winner, "note": "seen enough"})
    assert (concluded["status"], concluded["decision"]) == ("concluded", {"winner": kept, "note": "seen enough"})


async def test_promotion_concludes_for_the_variant_that_is_named(http: Http) -> None:
    """One that the test has not is a fault that names those there are."""
    await create(http, config={"traffic_split": 0.2, "treatments": ["det@3"]})
    answer = await http.post(f"{TESTS}/{ID}/promote", json={"variant": "det@9"})
    assert (answer.status, await faults_of(answer)) == (422, ["variant"])
    promoted = await act(http, "promote", {"variant": "det@3"})
    assert (promoted["status"], promoted["promoted"], promoted["decision"]["winner"]) == ("concluded", "det@3", "C")


async def test_results_are_well_formed_before_any_traffic_and_frozen_at_the_end(
    http: Http, trials: TrialsAtHand
) -> None:
    """Averages are null and p is 1 at first; what an ended test came to stays."""
    await create(http)
    path = f"{TESTS}/{ID}/results"
    first = await (await http.get(path)).json()
    AbResults.model_validate(first)
    assert (first["model_a"]["avg_confidence"], first["p_value"], first["frozen"]) == (None, 1.0, False)
    trials.traffic(ID, 4_000, 0.5, latency_ms=26.0)
    found = await (await http.get(path)).json()
    assert (found["model_a"]["id"], found["model_b"]["id"]) == ("det@1", "det@2")
    assert found["model_b"]["avg_confidence"] == pytest.approx(0.7, abs=0.01)
    assert found["metrics"]["latency"]["favours"] == "model_a"
    await act(http, "stop")
    last = await (await http.get(path)).json()
    assert (last["frozen"], last["status"]) == (True, "stopped")
    trials.traffic(ID, 4_000, 0.5, seed=1)
    assert await (await http.get(path)).json() == last


async def test_metrics_are_the_catalogue_even_where_a_test_is_called_so(http: Http) -> None:
    """The literal path is never taken for an id, nor given as one."""
    assert (await create(http, name="Metrics"))["id"] == "metrics-2"
    items = (await (await http.get(f"{TESTS}/metrics")).json())["items"]
    assert [item["metric"] for item in items] == list(METRICS)
    latency = items[1]
    assert (latency["better"], latency["harm"], latency["direction"]) == ("lower", "higher", "lower is better")
    assert items[0]["better"] is None


@pytest.mark.parametrize("routes", [handlers_ab_tests.ROUTES, handlers_shadow_tests.ROUTES], ids=["ab", "shadow"])
async def test_every_endpoint_of_one_test_says_404_for_an_id_it_has_not(http: Http, routes: Any) -> None:
    """Neither for an id that nothing has, nor for a test of the other kind."""
    await create(http, name="try")
    body = {"name": "behind", "model_id": "digits", "shadow_model_id": "digits@2"}
    assert (await http.post("/api/v1/shadow-tests", json=body)).status == 200
    bodies = {"ramp": {"traffic_split": 0.2} if routes is handlers_ab_tests.ROUTES else {"share": 0.2}}
    with_id = [route for route in routes if "{id}" in route.path]
    assert len(with_id) >= 7
    for route in with_id:
        for test_id in ("nope", "behind" if routes is handlers_ab_tests.ROUTES else "try"):
            given = bodies.get(route.path.rpartition("/")[2], {}) if route.method == "POST" else None
            answer = await http.request(route.method, route.path.format(id=test_id), json=given)
            assert (answer.status, await faults_of(answer)) == (404, ["id"]), route


@pytest.mark.parametrize("action", ["pause", "resume", "ramp", "stop", "conclude", "promote"])
@pytest.mark.parametrize("body", [[], "B", {"colour": "red"}])
async def test_action_takes_a_json_object_with_known_keys(http: Http, action: str, body: Any) -> None:
    """Anything else is a fault, and nothing changes."""
    made = await create(http)
    answer = await http.post(f"{TESTS}/{ID}/{action}", json=body)
    assert answer.status == 422
    assert await (await http.get(f"{TESTS}/{ID}")).json() == made


@pytest.mark.parametrize("action", ["stop", "promote"])
async def test_another_sites_page_ends_no_test(http: Http, action: str) -> None:
    """The guard stands before these endpoints too."""
    made = await create(http)
    headers = {"Origin": "http://attacker.example"}
    assert (await http.post(f"{TESTS}/{ID}/{action}", json={}, headers=headers)).status == 403
    assert await (await http.get(f"{TESTS}/{ID}")).json() == made
