"""The endpoints of items, over a real store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api import handlers_items
from sidecar.api.schemas_items import LABELS_MAX, ClaimOut, Item, ItemEventsPage, ItemsPage
from sidecar.recording import Store
from tests.api.looped import DATASET, add_items, make_item

Http = TestClient[Any, Any]
ITEMS = f"/api/v1/datasets/{DATASET}/items"
CAT = {"label": "cat", "box": [1, 2, 30, 40]}


@pytest.fixture(autouse=True)
async def items(tmp_path: Path, store: Store, http: Http) -> None:
    """Three items of the value queue and one of the audit."""
    await add_items(tmp_path, store, 3)


async def faults_of(answer: Any) -> list[str]:
    return [fault["field"] for fault in (await answer.json(content_type=None))["errors"]]


async def act(http: Http, item_id: str, action: str, **body: Any) -> dict[str, Any]:
    answer = await http.post(f"/api/v1/items/{item_id}/{action}", json={"by": "ann", **body})
    document: dict[str, Any] = await answer.json(content_type=None)
    assert answer.status == 200, document
    Item.model_validate(document)
    return document


async def listed(http: Http, **filters: str) -> list[str]:
    page = await (await http.get(ITEMS, params=filters)).json()
    ItemsPage.model_validate(page)
    return [item["id"] for item in page["items"]]


async def test_items_come_by_value_and_by_pages(http: Http) -> None:
    """The highest value first, each once."""
    assert await listed(http, queue="value") == ["i2", "i1", "i0"]
    seen: list[str] = []
    params = {"queue": "value", "limit": "2"}
    while True:
        page = await (await http.get(ITEMS, params=params)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert seen == ["i2", "i1", "i0"]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"status": "labeled"}, ["i1"]),
        ({"queue": "audit"}, ["a0"]),
        ({"split": "train"}, []),
        ({"claimed_by": "bob"}, ["i0"]),
        ({"status": "needs_review", "queue": "value", "label": "dog"}, ["i2"]),
        ({"reason": "low_confidence", "status": "needs_review"}, ["i2"]),
        ({"status": "needs_review"}, ["i2"]),
        ({"model": "other"}, []),
        ({"since": "1700003640", "until": "1700007240", "queue": "value"}, ["i1"]),
    ],
)
async def test_filters_narrow_the_list(http: Http, filters: dict[str, str], ids: list[str]) -> None:
    """All that are given must hold."""
    await act(http, "i1", "label", labels=[CAT])
    await act(http, "i0", "claim", by="bob")
    assert await listed(http, **filters) == ids


async def test_audit_never_tells_a_version(http: Http) -> None:
    """Neither in the item nor through a filter, before and after its review, which may be undone and made again."""
    hidden = ("model", "version", "reasons", "unit", "prediction_id")
    item = (await (await http.get(ITEMS, params={"queue": "audit"})).json())["items"][0]
    assert [item[name] for name in hidden] == [None] * 5
    assert item["score_threshold"] == 0.5
    assert await listed(http, queue="audit", version="1") == []
    body = {"by": "ann", "queue": "audit"}
    claimed = (await (await http.post(f"/api/v1/datasets/{DATASET}/claim", json=body)).json())["item"]
    assert (claimed["id"], claimed["version"]) == ("a0", None)
    reviewed = await act(http, "a0", "confirm")
    assert (reviewed["verdict"], [reviewed[name] for name in hidden]) == ("correct", [None] * 5)
    undone = await act(http, "a0", "undo")
    assert [undone[name] for name in hidden] == [None] * 5


async def test_sample_of_the_audit_tells_no_version_until_it_is_reviewed(http: Http) -> None:
    """Nor the prediction that would tell it, in the list of samples too; that of the value queue tells all."""

    async def told(name: str) -> tuple[Any, ...]:
        one = await (await http.get(f"/api/v1/samples/{name}")).json()
        every = (await (await http.get("/api/v1/samples")).json())["items"]
        assert one in every
        return one["prediction_id"], one["model"], one["version"], one["reasons"]

    assert await told("i0") == ("q0", "det", "1", ["low_confidence"])
    assert await told("a0") == ("", "", "", [])
    await http.post(f"/api/v1/datasets/{DATASET}/claim", json={"by": "ann", "queue": "audit"})
    assert await told("a0") == ("", "", "", [])
    await act(http, "a0", "confirm")
    assert await told("a0") == ("qa", "det", "1", ["random_sample"])
    await act(http, "a0", "undo")
    assert await told("a0") == ("", "", "", [])


async def test_no_filter_of_samples_tells_what_is_hidden_of_the_audit(http: Http, store: Store, tmp_path: Path) -> None:
    """Else whoever reviews could ask whose image it is. That it was drawn is no secret."""
    drawn = {"reasons": ("random_sample", "new_class"), "drawn": True, "draw_rate": 0.1, "audit_rank": 0.25}
    await store.add_sample(make_item(tmp_path, 8, sample_id="a1", prediction_id="qb", **drawn))

    async def found(**filters: str) -> set[str]:
        answer = await http.get("/api/v1/samples", params=filters)
        return {item["sample_id"] for item in (await answer.json())["items"] if item["sample_id"].startswith("a")}

    hidden = ({"model": "det"}, {"reason": "new_class"}, {"model": "det", "reason": "random_sample"})
    for filters in hidden:
        assert await found(**filters) == set(), filters
    assert await found(reason="random_sample") == await found(status="needs_review") == {"a0", "a1"}
    await http.post(f"/api/v1/datasets/{DATASET}/claim", json={"by": "ann", "queue": "audit"})
    for filters in hidden:
        assert await found(**filters) == set(), filters
    await act(http, "a1", "confirm")
    for filters in hidden:
        assert await found(**filters) == {"a1"}, filters


async def test_item_of_the_audit_is_given_out_by_the_audit_alone(http: Http) -> None:
    """Who asks for it by its id is told the way, whatever they want with it; and nothing changes."""
    before = await (await http.get("/api/v1/items/a0")).json()
    bodies: dict[str, dict[str, Any]] = {"label": {"labels": []}}
    for action in ("claim", "label", "confirm", "reject"):
        answer = await http.post(f"/api/v1/items/a0/{action}", json={"by": "ann", **bodies.get(action, {})})
        assert (answer.status, await faults_of(answer)) == (409, ["item_id"]), action
        assert "claim_next_item" in await answer.text()
    assert await (await http.get("/api/v1/items/a0")).json() == before


async def test_two_reviewers_never_get_the_same_item(http: Http) -> None:
    """Each is given the next, until there is none."""
    given = []
    for by in ("ann", "bob", "cy", "dan"):
        answer = await http.post(f"/api/v1/datasets/{DATASET}/claim", json={"by": by})
        found = await answer.json()
        ClaimOut.model_validate(found)
        given.append(found["item"] and found["item"]["id"])
    assert given == ["i2", "i1", "i0", None]


async def test_item_is_claimed_labeled_undone_and_rejected(http: Http) -> None:
    """Each step is told with who did it, newest first."""
    claimed = await act(http, "i0", "claim", lease_s=60)
    assert (claimed["status"], claimed["claimed_by"]) == ("in_review", "ann")
    assert (await act(http, "i0", "release"))["status"] == "needs_review"
    labeled = await act(http, "i0", "label", labels=[CAT])
    assert (labeled["status"], labeled["labels"], labeled["verdict"]) == (
        "labeled",
        [{"label": "cat", "box": [1.0, 2.0, 30.0, 40.0]}],
        "false_positive",
    )
    assert (await act(http, "i0", "undo"))["labels"] is None
    assert (await act(http, "i0", "label", labels=[]))["labels"] == []
    assert (await act(http, "i0", "reject", reason="blurred"))["status"] == "rejected"
    page = await (await http.get("/api/v1/items/i0/events")).json()
    ItemEventsPage.model_validate(page)
    actions = [event["action"] for event in page["items"]]
    assert actions == ["reject", "label", "undo", "label", "release", "claim"]
    of_dataset = await (await http.get(f"/api/v1/datasets/{DATASET}/events", params={"limit": "1"})).json()
    assert of_dataset["items"] == page["items"][:1]


async def test_what_another_holds_is_a_conflict(http: Http) -> None:
    """Whatever is tried; and nothing changes."""
    held = await act(http, "i0", "claim", by="bob")
    bodies: dict[str, dict[str, Any]] = {"label": {"labels": []}}
    for action in ("claim", "release", "label", "confirm", "reject"):
        answer = await http.post(f"/api/v1/items/i0/{action}", json={"by": "ann", **bodies.get(action, {})})
        assert answer.status == 409, action
    assert (await http.post("/api/v1/items/i0/undo", json={"by": "ann"})).status == 409
    assert await (await http.get("/api/v1/items/i0")).json() == held


@pytest.mark.parametrize(("action", "body"), [("label", {"labels": []}), ("confirm", {}), ("reject", {})])
async def test_what_another_reviewed_is_corrected_by_its_revision_alone(
    http: Http, action: str, body: dict[str, Any]
) -> None:
    """Without it a conflict says who it was and when, with another that it is no longer at that."""
    seen = await act(http, "i0", "label", by="bob", labels=[CAT])
    asked = {"by": "ann", **body}
    for more, field in (({}, "reviewed_by"), ({"revision": None}, "reviewed_by"), ({"revision": 0}, "revision")):
        answer = await http.post(f"/api/v1/items/i0/{action}", json={**asked, **more})
        assert (answer.status, await faults_of(answer)) == (409, [field])
        assert "labeled by 'bob' at 20" in await answer.text()
    assert await (await http.get("/api/v1/items/i0")).json() == seen
    assert (await act(http, "i0", action, **body, revision=seen["revision"]))["reviewed_by"] == "ann"


async def test_deleted_item_is_gone_and_its_events_stay(http: Http, tmp_path: Path) -> None:
    """Its image is no longer on disk."""
    answer = await http.delete("/api/v1/items/i0", params={"by": "ann"})
    assert (answer.status, (await answer.json())["id"]) == (200, "i0")
    assert (await http.get("/api/v1/items/i0")).status == 404
    assert not (tmp_path / "samples" / "i0.png").exists()
    page = await (await http.get("/api/v1/items/i0/events")).json()
    assert [(event["action"], event["by"]) for event in page["items"]] == [("delete", "ann")]


@pytest.mark.parametrize(
    ("action", "body", "fields"),
    [
        ("claim", {}, ["by"]),
        ("claim", {"by": " "}, ["by"]),
        ("claim", {"by": "ann", "lease_s": 9}, ["lease_s"]),
        ("claim", {"by": "ann", "lease_s": 86_401}, ["lease_s"]),
        ("label", {"by": "ann"}, ["labels"]),
        ("label", {"by": "ann", "labels": [{"label": "", "box": [1, 1, 2, 2]}]}, ["labels.0.label"]),
        ("label", {"by": "ann", "labels": [CAT, {"label": "cat", "box": [5, 5, 5, 9]}]}, ["labels.1.box"]),
        ("label", {"by": "ann", "labels": [{"label": "cat", "box": [0, 0, 640, 9]}]}, ["labels.0.box"]),
        ("label", {"by": "ann", "labels": [{"label": "cat", "box": [0, 0, "wide", 9]}, {}]}, None),
        ("label", {"by": "ann", "labels": [CAT] * (LABELS_MAX + 1)}, ["labels"]),
        ("reject", {"by": "ann", "reason": "x" * 201}, ["reason"]),
        ("undo", {"by": "ann", "why": "oops"}, ["why"]),
        ("label", {"by": "ann", "labels": [], "revision": -1}, ["revision"]),
        (
            "label",
            {"by": "ann", "labels": [{"label": " ", "box": [True, "2", 30, 40]}]},
            ["labels.0.label", "labels.0.box.0", "labels.0.box.1"],
        ),
        ("confirm", {"by": "ann", "revision": "1"}, ["revision"]),
        ("reject", {"by": "ann", "revision": 1.5}, ["revision"]),
    ],
)
async def test_faulty_action_names_every_faulty_field(
    http: Http, action: str, body: dict[str, Any], fields: list[str] | None
) -> None:
    """And leaves the item as it was."""
    before = await (await http.get("/api/v1/items/i0")).json()
    answer = await http.post(f"/api/v1/items/i0/{action}", json=body)
    expected = ["labels.0.box.2", "labels.1.label", "labels.1.box"] if fields is None else fields
    assert (answer.status, await faults_of(answer)) == (422, expected)
    assert await (await http.get("/api/v1/items/i0")).json() == before


async def test_class_of_a_label_is_kept_without_blanks_around_it(http: Http) -> None:
    """Two people's cats are one class."""
    labeled = await act(http, "i0", "label", labels=[{"label": " cat ", "box": [1, 2, 30, 40]}])
    assert labeled["labels"] == [{"label": "cat", "box": [1, 2, 30, 40]}]


async def test_as_many_labels_as_may_be_fit_into_a_body(http: Http) -> None:
    """Though they are more than an ordinary one."""
    labels = [{"label": "a class with a rather long name of its own " * 2, "box": [1.25, 2.5, 30.75, 40.125]}]
    labeled = await act(http, "i0", "label", labels=labels * LABELS_MAX)
    assert len(labeled["labels"]) == LABELS_MAX


@pytest.mark.parametrize(
    "question", [{"status": "tired"}, {"queue": "long"}, {"limit": "1001"}, {"split": "all"}, {"colour": "red"}]
)
async def test_filter_that_is_none_is_told(http: Http, question: dict[str, str]) -> None:
    """Not ignored."""
    answer = await http.get(ITEMS, params=question)
    assert (answer.status, await faults_of(answer)) == (422, list(question))


async def test_every_endpoint_says_404_for_an_id_that_nothing_has(http: Http) -> None:
    """Of an item, and of a dataset."""
    bodies: dict[str, dict[str, Any]] = {"label": {"labels": []}}
    for route in handlers_items.ROUTES:
        body = {"by": "ann", **bodies.get(route.path.rpartition("/")[2], {})} if route.method == "POST" else None
        params = {"by": "ann"} if route.method == "DELETE" else {}
        path = route.path.format(item_id="nope", dataset_id="nope")
        answer = await http.request(route.method, path, json=body, params=params)
        field = "item" if "/items/" in route.path else "dataset_id"
        assert (answer.status, (await faults_of(answer))[0].startswith(field)) == (404, True), route
