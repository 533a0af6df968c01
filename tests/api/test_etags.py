"""Entity tags of what people edit, over real connections."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from sidecar.api.etags import Tagged, matches
from sidecar.api.handlers import ROUTES
from sidecar.api.schemas_ab_tests import AbTest
from sidecar.app.loop import Loop
from sidecar.recording import Store
from tests.api.looped import add_items

Http = TestClient[Any, Any]
CONDITION = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}


@pytest.fixture
async def alert(http: Http) -> dict[str, Any]:
    """An alert that was just made."""
    body = {"model_id": "det", "name": "Low", "condition": CONDITION}
    made: dict[str, Any] = await (await http.post("/api/v1/alerts", json=body)).json()
    return made


async def test_tag_stands_in_header_document_and_list(http: Http, alert: dict[str, Any]) -> None:
    """The same everywhere."""
    answer = await http.get(f"/api/v1/alerts/{alert['id']}")
    listed = await (await http.get("/api/v1/alerts")).json()
    tags = {answer.headers["ETag"], (await answer.json())["etag"], alert["etag"]}
    tags |= {item["etag"] for item in listed["items"] if item["id"] == alert["id"]}
    assert len(tags) == 1


async def test_what_the_asker_has_already_is_not_sent_again(http: Http, alert: dict[str, Any]) -> None:
    """304 without a body; another tag gets the document."""
    path = f"/api/v1/alerts/{alert['id']}"
    answer = await http.get(path, headers={"If-None-Match": f'"other", W/{alert["etag"]}'})
    assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", alert["etag"])
    assert (await http.get(path, headers={"If-None-Match": '"other"'})).status == 200


async def test_change_of_what_was_changed_meanwhile_is_refused(http: Http, alert: dict[str, Any]) -> None:
    """The second of two editors learns of the first one's change, and nothing of it is lost."""
    path = f"/api/v1/alerts/{alert['id']}"
    tag = {"If-Match": alert["etag"]}
    first = await http.patch(path, json={"name": "First"}, headers=tag)
    assert first.status == 200
    second = await http.patch(path, json={"name": "Second"}, headers=tag)
    problem = await second.json()
    assert (second.status, problem["errors"][0]["field"]) == (412, "If-Match")
    assert second.headers["ETag"] == (await first.json())["etag"] != alert["etag"]
    assert (await http.delete(path, headers=tag)).status == 412
    assert (await (await http.get(path)).json())["name"] == "First"
    assert (await http.delete(path, headers={"If-Match": "*"})).status == 200


async def test_of_two_changes_at_once_only_one_takes_effect(http: Http, alert: dict[str, Any]) -> None:
    """Comparison and change are one step."""
    path, tag = f"/api/v1/alerts/{alert['id']}", {"If-Match": alert["etag"]}
    answers = await asyncio.gather(
        *(http.patch(path, json={"name": f"Name {index}"}, headers=tag) for index in range(5))
    )
    assert sorted(answer.status for answer in answers) == [200, 412, 412, 412, 412]


async def test_condition_may_stand_on_several_lines(http: Http, alert: dict[str, Any]) -> None:
    """As HTTP has it: they are one list."""
    path = f"/api/v1/alerts/{alert['id']}"
    headers = CIMultiDict([("If-Match", '"other"'), ("If-Match", alert["etag"])])
    assert (await http.patch(path, json={"name": "New"}, headers=headers)).status == 200
    headers = CIMultiDict([("If-None-Match", '"other"'), ("If-None-Match", alert["etag"])])
    assert (await http.get(path, headers=headers)).status == 200


@pytest.mark.parametrize("condition", ['"x"', "*", ""])
async def test_condition_on_what_has_no_tag_is_refused(http: Http, condition: str) -> None:
    """Whoever sends it relies on it: it is not passed over in silence."""
    answer = await http.post("/api/v1/datasets", json={"name": "Night"}, headers={"If-Match": condition})
    assert (answer.status, (await answer.json())["errors"][0]["field"]) == (422, "If-Match")
    assert (await (await http.get("/api/v1/datasets")).json())["items"] == []


@pytest.mark.parametrize("condition", ["*", '"other"'])
async def test_condition_that_is_not_judged_is_refused(http: Http, alert: dict[str, Any], condition: str) -> None:
    """If-None-Match of a change would be passed over, and the change be made that it was to prevent."""
    headers = {"If-None-Match": condition}
    path = f"/api/v1/alerts/{alert['id']}"
    for answer in (
        await http.patch(path, json={"name": "New"}, headers=headers),
        await http.put("/api/v1/data-engines/det", json={"config": {}}, headers=headers),
        await http.post("/api/v1/datasets", json={"name": "Night"}, headers=headers),
        await http.delete(path, headers=headers),
    ):
        assert (answer.status, (await answer.json())["errors"][0]["field"]) == (422, "If-None-Match")
    assert (await (await http.get(path)).json())["name"] == "Low"


async def test_unconditional_change_is_taken(http: Http, alert: dict[str, Any]) -> None:
    """If-Match is a choice."""
    assert (await http.patch(f"/api/v1/alerts/{alert['id']}", json={"name": "New"})).status == 200


async def test_data_engine_and_tests_bear_tags_too(http: Http) -> None:
    """Rules and tests of versions are edited by several people as well."""
    engine = await (await http.get("/api/v1/data-engines/det")).json()
    refused = await http.put("/api/v1/data-engines/det", json={"config": {}}, headers={"If-Match": '"old"'})
    assert refused.status == 412
    body = {"config": {"random_sample": {"rate": 0.5}}}
    changed = await http.put("/api/v1/data-engines/det", json=body, headers={"If-Match": engine["etag"]})
    assert changed.status == 200
    assert (await changed.json())["etag"] != engine["etag"]
    test = await (
        await http.post(
            "/api/v1/ab-tests",
            json={"name": "Try", "model_a_id": "det@1", "model_b_id": "det@2", "config": {"traffic_split": 0.1}},
        )
    ).json()
    path = f"/api/v1/ab-tests/{test['id']}"
    assert (await http.post(f"{path}/pause", json={}, headers={"If-Match": test["etag"]})).status == 200
    assert (await http.post(f"{path}/stop", json={}, headers={"If-Match": test["etag"]})).status == 412


@pytest.fixture
async def item(http: Http, tmp_path: Path, store: Store) -> dict[str, Any]:
    """An item that waits for review."""
    await add_items(tmp_path, store, 1)
    found: dict[str, Any] = await (await http.get("/api/v1/items/i0")).json()
    return found


async def test_item_is_acted_on_only_as_the_reviewer_saw_it(http: Http, item: dict[str, Any]) -> None:
    """Its tag goes with its revision, which every action and every claim moves on."""
    claimed = await (await http.post("/api/v1/datasets/det/claim", json={"by": "ann"})).json()
    assert claimed["item"]["id"] == "i0"
    assert claimed["item"]["etag"] != item["etag"]
    for action, body in (("claim", {}), ("release", {}), ("label", {"labels": []}), ("confirm", {}), ("reject", {})):
        answer = await http.post(
            f"/api/v1/items/i0/{action}", json={"by": "ann", **body}, headers={"If-Match": item["etag"]}
        )
        assert answer.status == 412, action
        assert answer.headers["ETag"] == claimed["item"]["etag"]
    assert (await http.delete("/api/v1/items/i0?by=ann", headers={"If-Match": item["etag"]})).status == 412
    seen = {"If-Match": claimed["item"]["etag"]}
    assert (await http.post("/api/v1/items/i0/label", json={"by": "ann", "labels": []}, headers=seen)).status == 200
    assert (await http.post("/api/v1/items/i0/undo", json={"by": "ann"}, headers=seen)).status == 412


async def test_tag_of_a_review_lets_another_correct_it(http: Http, item: dict[str, Any]) -> None:
    """As its revision in the body does: who shows it has seen the review. That there is one at all says nothing."""
    labeled = await (await http.post("/api/v1/items/i0/label", json={"by": "ann", "labels": []})).json()
    path, body = "/api/v1/items/i0/reject", {"by": "bob"}
    assert (await http.post(path, json=body, headers={"If-Match": "*"})).status == 409
    assert (await http.post(path, json=body, headers={"If-Match": labeled["etag"]})).status == 200


@pytest.mark.parametrize("action", ["claim", "release", "label", "confirm", "reject", "undo", "delete"])
async def test_change_between_comparison_and_action_is_found(
    http: Http, item: dict[str, Any], loop: Loop, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """The next item of a queue is given out without waiting for who acts on one by its id; the store compares anew."""
    review, right_before = loop.review, getattr(loop.review, action)

    async def later(*arguments: Any) -> Any:
        assert await review.claim_next("det", "bob", "value", 600.0) is not None
        return await right_before(*arguments)

    monkeypatch.setattr(review, action, later)
    headers, body = {"If-Match": item["etag"]}, {"by": "bob"} | ({"labels": []} if action == "label" else {})
    if action == "delete":
        answer = await http.delete("/api/v1/items/i0?by=bob", headers=headers)
    else:
        answer = await http.post(f"/api/v1/items/i0/{action}", json=body, headers=headers)
    assert answer.status == 412
    kept = await (await http.get("/api/v1/items/i0")).json()
    assert (kept["status"], kept["claimed_by"], kept["revision"]) == ("in_review", "bob", item["revision"] + 1)


def test_every_tag_is_made_of_fields_there_are() -> None:
    """A field that is named wrongly would never change a tag."""
    kinds = {route.tagged: route.gives for route in ROUTES if route.tagged and route.present}
    assert {kind.name for kind in kinds} == {"alert", "data engine", "A/B test", "shadow test", "item"}
    for kind, gives in kinds.items():
        assert gives is not None
        assert set(kind.fields) - {"decision"} <= set(gives.model_fields), kind.name
    assert "decision" in AbTest.model_fields


def test_what_has_a_tag_bears_it_wherever_it_is_given_and_is_changed_under_it() -> None:
    """No way round: each route that gives a tagged document says so, and each that changes one compares."""
    for route in ROUTES:
        fields = {} if route.gives is None else route.gives.model_fields
        assert ("etag" in fields) == (route.tagged is not None and "items" not in fields), route.path
        if route.tagged is not None and route.method != "GET" and "{" in route.path:
            assert route.present is not None, route.path


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.text() | st.floats() | st.none() | st.lists(st.booleans())))
def test_other_values_have_another_tag(document: dict[str, Any]) -> None:
    """Of any JSON there is, lone surrogates among it."""
    kind = Tagged("thing", ("a", "b"))
    assert kind.tag(document) != kind.tag({**document, "a": [document.get("a")]})
    assert kind.tag({**document, "b": "\ud800"}) != kind.tag({**document, "b": "\udfff"})


@given(st.dictionaries(st.sampled_from(["a", "b", "live"]), st.integers() | st.text() | st.floats() | st.none()))
def test_tag_depends_on_its_fields_alone(document: dict[str, Any]) -> None:
    """Live figures never change it, and it is always a strong tag of ASCII."""
    kind = Tagged("thing", ("a", "b"))
    tag = kind.tag(document)
    assert tag == kind.tag({**document, "live": object})
    assert tag.isascii()
    assert matches(f'"x", {tag}', tag)
    assert not matches(f"W/{tag}", tag)
