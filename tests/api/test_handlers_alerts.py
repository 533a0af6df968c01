"""The endpoints of alerts."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.alerts import METRICS
from sidecar.api import Services
from sidecar.api.handlers_alerts import PREVIEWS_MAX, ROUTES
from sidecar.api.schemas_alerts import CHANNELS_MAX, Alert, AlertMetric, AlertPreview
from sidecar.api.services import BOUNDS
from tests.api.live_watch import LiveWatch

Http = TestClient[Any, Any]
ALERTS = "/api/v1/alerts"
CONDITION = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}
BODY = {"model_id": "det", "name": "Low confidence", "condition": CONDITION}


async def create(http: Http, **changes: Any) -> dict[str, Any]:
    answer = await http.post(ALERTS, json=BODY | changes)
    assert answer.status == 200, await answer.text()
    document: dict[str, Any] = await answer.json()
    return document


async def faults_of(answer: Any) -> list[str]:
    assert answer.content_type == "application/problem+json"
    return [error["field"] for error in (await answer.json(content_type=None))["errors"]]


async def test_alert_is_created_read_changed_and_deleted(http: Http) -> None:
    """POST, GET, PATCH and DELETE of an alert; a change leaves the rest."""
    made = await create(http, notify=["slack:#ml", "email:team@company.com"])
    Alert.model_validate(made)
    assert [item["configured"] for item in made["delivery"]] == [True, False]
    path = f"{ALERTS}/{made['id']}"
    changed = await (await http.patch(path, json={"enabled": False})).json()
    assert changed == {**made, "enabled": False, "etag": changed["etag"]}
    assert changed["etag"] != made["etag"]
    assert (await (await http.get(path)).json()) == changed
    assert (await http.delete(path)).status == 200
    assert (await http.get(path)).status == 404


async def test_condition_reaches_the_watch_as_it_came(http: Http, watch: LiveWatch) -> None:
    """Keys the API does not know are for the alerts room to judge."""
    condition = CONDITION | {"for": "5m", "class": "person", "compare": "baseline_ratio", "min_samples": 10}
    made = await create(http, condition=condition)
    assert watch.kept_alerts[made["id"]]["condition"] == condition


async def test_all_faults_of_a_condition_come_at_once(http: Http) -> None:
    """Each faulty field of the condition and each channel is named."""
    body = BODY | {"condition": {"metric": "mood", "operator": "equals"}, "notify": ["slack:#ml", "shout"]}
    answer = await http.post(ALERTS, json=body)
    assert answer.status == 422
    assert await faults_of(answer) == ["condition.metric", "condition.operator", "condition.window", "notify.1"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"condition": "low"}, "condition"),
        ({"condition": None}, "condition"),
        ({"notify": "slack:#ml"}, "notify"),
        ({"notify": ["slack:#ml"] * (CHANNELS_MAX + 1)}, "notify"),
        ({"notify": [""]}, "notify.0"),
        ({"enabled": "perhaps"}, "enabled"),
        ({"model_id": "nobody"}, "model_id"),
        ({"severity": "page"}, "severity"),
    ],
)
async def test_faulty_alert_is_refused_by_field(
    http: Http, watch: LiveWatch, change: dict[str, Any], field: str
) -> None:
    """What can't be is a 422 that names the field, and nothing is kept."""
    answer = await http.post(ALERTS, json=BODY | change)
    assert answer.status == 422
    assert await faults_of(answer) == [field]
    assert watch.kept_alerts == {}


async def test_alert_on_the_sidecar_itself_has_an_empty_model(http: Http) -> None:
    """What monitoring loses belongs to no model."""
    made = await create(http, model_id="", condition=CONDITION | {"metric": "dropped"})
    await create(http)
    assert made["model_id"] == ""
    found = await (await http.get(ALERTS, params={"model_id": ""})).json()
    assert [item["id"] for item in found["items"]] == [made["id"]]


async def test_taken_name_is_a_conflict(http: Http) -> None:
    """A second alert of the same name on a model is a 409 that names the field."""
    await create(http)
    answer = await http.post(ALERTS, json=BODY)
    assert answer.status == 409
    assert await faults_of(answer) == ["name"]


@pytest.mark.parametrize("body", [{}, {"name": None}, {"colour": "red"}, {"state": "firing"}])
async def test_change_of_nothing_or_of_what_can_not_change_is_refused(http: Http, body: dict[str, Any]) -> None:
    """A PATCH names what it changes, with a value."""
    made = await create(http)
    assert (await http.patch(f"{ALERTS}/{made['id']}", json=body)).status == 422
    assert await (await http.get(f"{ALERTS}/{made['id']}")).json() == made


async def test_alerts_are_found_by_model_and_state(http: Http, watch: LiveWatch) -> None:
    """Both filters hold."""
    await create(http)
    await create(http, name="Errors")
    watch.fire("a2")
    for params, ids in (({}, ["a1", "a2"]), ({"state": "firing"}, ["a2"]), ({"model_id": "other"}, [])):
        found = await (await http.get(ALERTS, params=params)).json()
        assert [item["id"] for item in found["items"]] == ids


@pytest.mark.parametrize("literal", ["transitions", "metrics"])
async def test_literal_path_is_not_taken_for_an_id(http: Http, watch: LiveWatch, literal: str) -> None:
    """``/alerts/transitions`` is the list, even where an alert had that id."""
    await create(http)
    watch.kept_alerts[literal] = watch.kept_alerts["a1"]
    assert "items" in await (await http.get(f"{ALERTS}/{literal}")).json()


async def test_firing_alert_can_be_acknowledged_once_it_fires(http: Http, watch: LiveWatch) -> None:
    """Who takes note stands on the alert; before it fires there is nothing to take note of."""
    made = await create(http)
    path = f"{ALERTS}/{made['id']}/acknowledge"
    assert (await http.post(path, json={"by": "ann"})).status == 409
    watch.fire("a1")
    assert (await (await http.post(path, json={"by": "ann"})).json())["acknowledged_by"] == "ann"
    assert await faults_of(await http.post(path, json={})) == ["by"]


async def test_silence_ends_at_a_time_after_a_while_or_now(http: Http, watch: LiveWatch) -> None:
    """``until`` is a time, ``for`` a length; null ends the silence."""
    await create(http)
    path = f"{ALERTS}/a1/silence"
    now = time.time()
    silenced = await (await http.post(path, json={"for": "2h", "by": "ann"})).json()
    assert silenced["silenced_until"] == pytest.approx(now + 7_200, abs=60)
    silenced = await (await http.post(path, json={"until": now + 60})).json()
    assert silenced["silenced_until"] == now + 60
    assert await faults_of(await http.post(path, json={"until": "2199-01-01T00:00:00Z"})) == ["until"]
    assert (await (await http.post(path, json={"until": None})).json())["silenced_until"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "until"),
        ({"by": "ann"}, "until"),
        ({"until": 4e9, "for": "2h"}, "until"),
        ({"until": 1_000.0}, "until"),
        ({"until": "tomorrow"}, "until"),
        ({"for": "a while"}, "for"),
        ({"for": "0s"}, "for"),
        ({"for": "900d"}, "for"),
        ({"for": None}, "for"),
    ],
)
async def test_silence_without_one_good_end_is_refused(http: Http, body: dict[str, Any], field: str) -> None:
    """A silence has one end, in the future."""
    await create(http)
    answer = await http.post(f"{ALERTS}/a1/silence", json=body)
    assert answer.status == 422
    assert await faults_of(answer) == [field]


async def test_test_says_how_each_channel_went(http: Http) -> None:
    """A channel that is not configured fails with what to set."""
    await create(http, notify=["slack:#ml", "email:team@company.com"])
    results = (await (await http.post(f"{ALERTS}/a1/test")).json())["results"]
    assert [(item["channel"], item["ok"]) for item in results] == [
        ("slack:#ml", True),
        ("email:team@company.com", False),
    ]
    assert "notify.smtp.host" in results[1]["error"]


async def test_transitions_go_by_pages_and_by_alert(http: Http) -> None:
    """Following ``next`` gives every transition of one alert once."""
    await create(http)
    await create(http, name="Errors")
    seen: list[tuple[str, str]] = []
    params = {"alert_id": "a2", "limit": "2"}
    while True:
        page = await (await http.get(f"{ALERTS}/transitions", params=params)).json()
        seen += [(item["alert_id"], item["to_state"]) for item in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert seen == [("a2", "resolved"), ("a2", "firing"), ("a2", "pending")]


def test_catalogue_of_the_alerts_room_fits_the_schema() -> None:
    """Every metric is described as the API says."""
    for metric in METRICS.values():
        AlertMetric.model_validate(metric.to_dict())


async def test_every_endpoint_of_one_alert_says_404_for_an_unknown_id(http: Http) -> None:
    """No endpoint with an id answers for an alert that is not there."""
    bodies = {"PATCH": {"name": "x"}, "acknowledge": {"by": "ann"}, "silence": {"for": "2h"}}
    with_id = [route for route in ROUTES if "{alert_id}" in route.path]
    assert len(with_id) == 7
    for route in with_id:
        body = bodies.get(route.path.rpartition("/")[2], bodies.get(route.method))
        answer = await http.request(route.method, route.path.format(alert_id="nope"), json=body)
        assert answer.status == 404, route
        assert await faults_of(answer) == ["alert_id"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_another_sites_page_changes_no_alert(http: Http, watch: LiveWatch, method: str) -> None:
    """The guard stands before the new endpoints too."""
    await create(http)
    answer = await http.request(method, f"{ALERTS}/a1", headers={"Origin": "http://attacker.example"})
    assert answer.status == 403
    assert "a1" in watch.kept_alerts


async def test_preview_says_when_an_alert_would_have_fired_and_makes_none(http: Http, watch: LiveWatch) -> None:
    """POST .../preview takes what an alert is made of, but for its name, and keeps nothing."""
    answer = await http.post(f"{ALERTS}/preview", json={"model_id": "det", "condition": CONDITION, "slice": "cam-1"})
    found = await answer.json()
    assert answer.status == 200
    AlertPreview.model_validate(found)
    assert (found["model_id"], found["slice"], found["fired"]) == ("det", "cam-1", 2)
    assert watch.kept_alerts == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"condition": CONDITION | {"metric": "dropped"}}, "condition.metric"),
        ({"condition": CONDITION | {"metric": "mood"}}, "condition.metric"),
        ({"period": "99d"}, "period"),
        ({"period": ""}, "period"),
        ({"model_id": "nobody"}, "model_id"),
        ({"name": "Low"}, "name"),
    ],
)
async def test_faulty_preview_is_refused_by_field(http: Http, change: dict[str, Any], field: str) -> None:
    """What can't be looked at is a 422 that names the field."""
    answer = await http.post(f"{ALERTS}/preview", json={"model_id": "det", "condition": CONDITION} | change)
    assert answer.status == 422
    assert await faults_of(answer) == [field]


async def test_previews_beyond_their_number_are_turned_away_and_counted(http: Http, services: Services) -> None:
    """Where as many wait as may, one more is a 503 to try again."""
    services.previews.held = PREVIEWS_MAX
    answer = await http.post(f"{ALERTS}/preview", json={"model_id": "det", "condition": CONDITION})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert services.turned_away["previews"] == 1
    assert "previews" in BOUNDS  # so that its count is there, as 0, before it is met
