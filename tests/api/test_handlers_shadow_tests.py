"""The endpoints of shadow tests."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api.schemas_shadow_tests import ShadowResults, ShadowTest
from sidecar.experiments.pairs import PairSummary, pair_request
from tests.api.live import make_prediction
from tests.kit.trials_at_hand import TrialsAtHand

Http = TestClient[Any, Any]
TESTS = "/api/v1/shadow-tests"
BODY: dict[str, Any] = {"name": "Behind", "model_id": "det", "shadow_model_id": "det@2", "config": {"share": 0.25}}
ONE = f"{TESTS}/behind"


async def create(http: Http, **changes: Any) -> dict[str, Any]:
    answer = await http.post(TESTS, json=BODY | changes)
    assert answer.status == 200, await answer.text()
    document: dict[str, Any] = await answer.json()
    return document


async def act(http: Http, action: str, body: Any = None) -> dict[str, Any]:
    answer = await http.post(f"{ONE}/{action}", json=body or {})
    assert answer.status == 200, await answer.text()
    document: dict[str, Any] = await answer.json()
    return document


async def faults_of(answer: Any) -> list[str]:
    return [error["field"] for error in (await answer.json(content_type=None))["errors"]]


async def test_test_is_begun_read_and_listed(http: Http) -> None:
    """POST begins it; both GETs give the same, filters hold."""
    made = await create(http)
    ShadowTest.model_validate(made)
    assert (made["id"], made["kind"], made["shadow"]["id"], made["share"]) == ("behind", "shadow_test", "det@2", 0.25)
    assert await (await http.get(ONE)).json() == made
    for params, items in (({}, [made]), ({"status": "paused"}, []), ({"model_id": "digits"}, [])):
        assert (await (await http.get(TESTS, params=params)).json())["items"] == items
    assert (await (await http.get("/api/v1/ab-tests")).json())["items"] == []


async def test_all_faults_of_a_test_come_at_once(http: Http, trials: TrialsAtHand) -> None:
    """The shadow's id and every faulty key of the config are named; nothing begins."""
    answer = await http.post(TESTS, json=BODY | {"shadow_model_id": "det", "config": {"share": 2, "iou": 0.5}})
    assert answer.status == 422
    assert sorted(await faults_of(answer)) == ["config.iou", "config.share", "shadow_model_id"]
    assert trials.kept == {}


async def test_share_is_changed_paused_and_resumed_in_epochs(http: Http) -> None:
    """A pause copies nothing; what is no share is a fault of it."""
    await create(http)
    assert (await act(http, "pause", {"reason": "the shadow is being restarted"}))["share"] == 0
    assert (await act(http, "resume"))["share"] == 0.25
    ramped = await act(http, "ramp", {"share": 1})
    assert (ramped["share"], ramped["epochs"][-1]["shares"]) == (1.0, {"B": 1.0})
    assert ramped["epochs"][1]["reason"] == "the shadow is being restarted"
    for share in (0, 1.5, "5%", None):
        answer = await http.post(f"{ONE}/ramp", json={"share": share})
        assert (answer.status, await faults_of(answer)) == (422, ["share"])


async def test_test_on_a_model_that_has_one_is_a_conflict(http: Http) -> None:
    """Also where the one that runs is an A/B test, which is named."""
    body = {"name": "Try", "model_a_id": "det", "model_b_id": "det@2", "config": {"traffic_split": 0.1}}
    assert (await http.post("/api/v1/ab-tests", json=body)).status == 200
    answer = await http.post(TESTS, json=BODY)
    assert (answer.status, await faults_of(answer)) == (409, ["model"])
    assert "'try'" in (await answer.json(content_type=None))["detail"]


async def test_stopped_test_can_only_be_promoted(http: Http) -> None:
    """The shadow serves then; nothing else is left to do."""
    await create(http)
    assert (await act(http, "stop", {"reason": "seen enough"}))["reason"] == "seen enough"
    answer = await http.post(f"{ONE}/resume", json={})
    assert (answer.status, await faults_of(answer)) == (409, ["status"])
    promoted = await act(http, "promote")
    assert (promoted["status"], promoted["promoted"]) == ("stopped", "det@2")


async def test_promotion_takes_no_variant(http: Http) -> None:
    """A shadow test has one that could serve."""
    await create(http)
    answer = await http.post(f"{ONE}/promote", json={"variant": "det@2"})
    assert (answer.status, await faults_of(answer)) == (422, ["variant"])


async def test_results_say_how_far_both_agree(http: Http, trials: TrialsAtHand) -> None:
    """Rates are null before any image was compared; what an ended test came to stays."""
    await create(http)
    first = await (await http.get(f"{ONE}/results")).json()
    ShadowResults.model_validate(first)
    assert (first["agreement"]["image_rate"], first["waiting"], first["skipped"]) == (None, 1, {"no_shadow": 2})
    trials.pairs["behind"] = PairSummary()
    trials.pairs["behind"].add(pair_request([make_prediction()], [make_prediction(version="2")]))
    await act(http, "stop")
    last = await (await http.get(f"{ONE}/results")).json()
    assert (last["agreement"]["image_rate"], last["counts"]["matched"], last["frozen"]) == (1.0, 2, True)
    assert (last["a"], last["b"], last["status"]) == ("det@1", "det@2", "stopped")


@pytest.mark.parametrize("change", [{"model_id": ""}, {"name": ""}, {"config": []}, {"share": 0.1}])
async def test_faulty_test_is_refused_by_field(http: Http, trials: TrialsAtHand, change: dict[str, Any]) -> None:
    """What can't be is a 422 that names the field, and nothing begins."""
    answer = await http.post(TESTS, json=BODY | change)
    assert (answer.status, await faults_of(answer)) == (422, list(change))
    assert trials.kept == {}
