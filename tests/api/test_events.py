"""Events: what came about, from all who know of it, on one line of time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api.events import KINDS, Event, newest_of, of_first_traffic, of_test
from sidecar.api.schemas_events import EventsOut
from sidecar.recording import Batch, Store, SummaryRow
from tests.api.live import START, make_prediction, make_summary
from tests.api.live_watch import LiveWatch
from tests.kit.trials_at_hand import TrialsAtHand

Http = TestClient[Any, Any]
URL = "/api/v1/events"
EVENT = Event(5.0, "promoted", "det", "2", "det@2 was promoted", "model", "det@2")


async def ask(http: Http, **params: str) -> list[dict[str, Any]]:
    answered = await http.get(URL, params=params)
    assert answered.status == 200, await answered.text()
    found = await answered.json()
    EventsOut.model_validate(found)
    items: list[dict[str, Any]] = found["items"]
    return items


async def test_life_of_a_test_is_told_step_by_step(http: Http, trials: TrialsAtHand) -> None:
    """Begun, ramped, paused, resumed, concluded by a promotion: each with the shares from then on."""
    test = await trials.create_ab_test("New digits", "det@1", "det@2", {"traffic_split": 0.1})
    steps = [
        lambda: trials.ramp("ab", test["id"], 0.5),
        lambda: trials.pause("ab", test["id"], ""),
        lambda: trials.resume("ab", test["id"]),
        lambda: trials.promote("ab", test["id"], None),
    ]
    for step in steps:
        trials.now += 60
        await step()
    found = [item for item in await ask(http) if item["subject"] == "ab_test"]
    assert [(item["kind"], item["text"]) for item in reversed(found)] == [
        ("test_began", "A/B test “New digits” began with 10 % for det@2"),
        ("test_changed", "A/B test “New digits” changed its split with 50 % for det@2"),
        ("test_paused", "A/B test “New digits” was paused"),
        ("test_resumed", "A/B test “New digits” was resumed with 50 % for det@2"),
        ("test_ended", "A/B test “New digits” was concluded"),
        ("promoted", "det@2 was promoted"),
    ]
    assert {item["id"] for item in found} == {test["id"]}
    assert [item["kind"] for item in await ask(http, kind="promoted")] == ["promoted"]


async def test_shadow_test_is_told_and_no_reason_for_what_serves(trials: TrialsAtHand) -> None:
    """Its copies are answered to nobody."""
    test = await trials.create_shadow_test("Copies", "det", "det@2", {"share": 0.5})
    events = list(of_test(test))
    assert [event.text for event in events] == ["shadow test “Copies” began with 50 % for det@2"]
    assert [event.clause for event in events] == [""]


async def test_alert_that_fires_is_told_and_no_other_change_of_it(http: Http, watch: LiveWatch) -> None:
    """With the id of the alert to look at."""
    condition = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "10m"}
    alert = await watch.create_alert("det", "Low", condition, [], "", True)
    found = await ask(http, kind="alert_fired")
    assert {item["id"] for item in found} == {alert["alert_id"]}
    assert all(item["text"].startswith("alert “Low” fired") for item in found)


async def test_baseline_that_is_set_is_told(http: Http, watch: LiveWatch) -> None:
    """By its name and version."""
    kept = await watch.set_baseline("det@1", "24h", "normal", False)
    found = await ask(http, kind="baseline_set")
    assert [(item["text"], item["id"]) for item in found] == [
        ("baseline “normal” of det@1 was set", kept["baseline_id"])
    ]


async def test_version_that_comes_later_is_told_and_the_first_one_is_not(http: Http, store: Store) -> None:
    """The record of a model has to begin with some version."""
    summary = make_summary([make_prediction(0)])
    minutes = {"1": 0, "2": 30}
    rows = [
        SummaryRow(int(START) // 60 * 60 + minute * 60, width_s, "later", version, "serving", "", 0, "", 1, found)
        for version, minute in minutes.items()
        for width_s in (60, 3_600)
        for found in [summary.encode()]
    ]
    rows = [replace(one, bucket=one.bucket // one.width_s * one.width_s) for one in rows]
    await store.commit(Batch([], rows, {(0, 1): 9}))
    found = await ask(http, kind="first_traffic", model="later")
    assert [(item["model_id"], item["at"]) for item in found] == [("later@2", int(START) // 60 * 60 + 1_800)]


async def test_model_and_time_and_number_narrow_them(http: Http, watch: LiveWatch) -> None:
    """A model by its name, or a version; newest first."""
    for name in ("first", "second", "third"):
        await watch.set_baseline("det@1", "24h", name, False)
    assert len(await ask(http, model="det")) == len(await ask(http, model="det@1")) == 3
    assert await ask(http, model="det@2") == await ask(http, model="faces") == []
    assert len(await ask(http, limit="2")) == 2
    at = (await ask(http))[0]["at"]
    assert await ask(http, since=str(at + 1), until=str(at + 2)) == []


def test_order_is_newest_first_and_the_rest_is_counted() -> None:
    """The end of the time is not within it."""
    events = [replace(EVENT, at=float(at)) for at in range(5)]
    found, left_out = newest_of(events, 1.0, 4.0, 2)
    assert ([event.at for event in found], left_out) == ([3.0, 2.0], 1)


def test_traffic_of_unnamed_versions_begins_unnoticed() -> None:
    """There is nothing to call them."""
    assert list(of_first_traffic({("det", "1"): 0.0, ("det", ""): 900.0})) == []


@pytest.mark.parametrize(
    ("params", "field"),
    [({"kind": "party"}, "kind"), ({"since": "2", "until": "1"}, "since"), ({"limit": "0"}, "limit")],
)
async def test_question_that_makes_no_sense_names_the_field(http: Http, params: dict[str, str], field: str) -> None:
    """With what would be right."""
    answered = await http.get(URL, params=params)
    assert answered.status == 422
    assert [fault["field"] for fault in (await answered.json())["errors"]] == [field]


def test_kinds_are_named_once() -> None:
    """What is filtered by is what is told."""
    assert len(set(KINDS)) == len(KINDS)
