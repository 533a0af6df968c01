"""The overview of a range: series, totals beside the range before and the baseline, classes, and what bounds it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api import Services, handlers_overview
from sidecar.api.overview import answer, grid
from sidecar.api.schemas_overview import OverviewOut
from sidecar.recording import Batch, Store, SummaryRow
from tests.api.conftest import Serve
from tests.api.live import START, make_prediction, make_summary
from tests.api.live_watch import LiveWatch

Http = TestClient[Any, Any]
URL = "/api/v1/overview"
SINCE = int(START) // 600 * 600
PERIOD = {"since": str(SINCE), "until": str(SINCE + 600), "width_s": "60"}


def row(minute: int, number: int, **changes: Any) -> SummaryRow:
    """``number`` requests of one minute after SINCE."""
    key = {"model": "cars", "version": "1", "role": "serving", "experiment": "", "epoch": 0, "slice": ""} | changes
    summary = make_summary([make_prediction(place) for place in range(number)])
    return SummaryRow(SINCE + minute * 60, 60, **key, revision=1, payload=summary.encode())


async def ask(http: Http, **params: str) -> dict[str, Any]:
    answered = await http.get(URL, params={**PERIOD, **params})
    assert answered.status == 200, await answered.text()
    found: dict[str, Any] = await answered.json()
    OverviewOut.model_validate(found)
    return found


@pytest.fixture
async def traffic(http: Http, store: Store) -> None:
    """Three minutes of an A/B test with slices, a shadow, and one minute of the range before."""
    rows = [
        row(-3, 8),
        row(1, 4, slice="north"),
        row(1, 2, slice="south"),
        row(2, 5, role="control", experiment="ab"),
        row(2, 3, role="treatment", version="2", experiment="ab"),
        row(2, 3, role="shadow", version="3"),
        row(3, 7, model="faces"),
    ]
    await store.commit(Batch([], rows, {(0, 1): 9}))


@pytest.mark.usefixtures("traffic")
async def test_versions_go_on_through_a_test_and_shadows_stand_apart(http: Http) -> None:
    """Slices and the roles of a test are one line of their version; a shadow has a line, and is in no total."""
    found = await ask(http, model="cars")
    shown = [(item["version"], item["role"]) for item in found["versions"]]
    assert shown == [("1", "serving"), ("2", "serving"), ("3", "shadow")]
    assert [(item["version"], item["role"]) for item in found["series"]] == shown
    assert found["at"] == [SINCE + minute * 60 for minute in range(10)]
    assert found["series"][0]["requests"][1:4] == [6, 5, 0]
    assert found["totals"]["now"]["requests"] == 6 + 5 + 3
    assert found["totals"]["previous"]["requests"] == 8
    assert found["series"][0]["avg_confidence"][1:4] == [pytest.approx(0.75), pytest.approx(0.75), None]


@pytest.mark.usefixtures("traffic")
async def test_model_and_version_narrow_all_of_it(http: Http) -> None:
    """Totals, versions and classes are of what was asked for."""
    assert {item["model"] for item in (await ask(http))["versions"]} == {"cars", "det", "faces"}
    found = await ask(http, model="cars", version="2")
    assert await ask(http, model="cars@2") == found
    assert [item["version"] for item in found["versions"]] == ["2"]
    assert found["totals"]["now"]["requests"] == 3
    assert sum(sum(item["detections"]) for item in found["classes"]) == 6


async def test_requests_a_second_are_of_the_time_there_is_a_record_of(http: Http, store: Store) -> None:
    """A range that begins before the record does not make its rate smaller."""
    await store.commit(Batch([], [row(5, 30), row(9, 30), hour_row()], {(0, 1): 9}))
    found = await ask(http, model="cars")
    assert found["range"]["recorded_s"] == 300
    assert found["totals"]["now"]["request_rate"] == pytest.approx(60 / 300)
    assert found["series"][0]["request_rate"][5] == pytest.approx(0.5)
    assert found["previous"]["recorded_s"] == 0


def hour_row() -> SummaryRow:
    hour = SINCE // 3_600 * 3_600
    summary = make_summary([make_prediction(0)])
    return SummaryRow(hour, 3_600, "cars", "1", "serving", "", 0, "", 1, summary.encode())


@pytest.mark.parametrize(
    ("span_s", "width_s", "buckets"),
    [(900, 10, 90), (3_600, 10, 360), (21_600, 60, 360), (86_400, 300, 288), (90 * 86_400, 86_400, 90)],
)
async def test_width_fits_the_range(http: Http, span_s: int, width_s: int, buckets: int) -> None:
    """The finest there is with at most some 500 points."""
    until = 20_000 * 86_400
    answered = await http.get(URL, params={"since": str(until - span_s), "until": str(until)})
    found = await answered.json()
    assert (found["width_s"], len(found["at"])) == (width_s, buckets)


async def test_old_range_falls_back_to_hours(http: Http, store: Store) -> None:
    """Narrow buckets are not kept as long: the hours are told in their place."""
    await store.commit(Batch([], [hour_row()], {(0, 1): 9}))
    hour = SINCE // 3_600 * 3_600
    params = {"since": str(hour - 3_600), "until": str(hour + 3_600), "model": "cars"}
    found = await (await http.get(URL, params=params)).json()
    assert (found["width_s"], found["series"][0]["requests"]) == (3_600, [0, 1])


async def test_baseline_of_a_version_is_its_own_or_the_latest_of_its_model(http: Http, watch: LiveWatch) -> None:
    """With its figures, and the id to look it up by."""
    kept = await watch.set_baseline("det@1", "24h", "normal", False)
    found = await ask(http, model="det")
    assert {item["baseline_id"] for item in found["versions"]} == {kept["baseline_id"]}
    assert {item["baseline_model_id"] for item in found["versions"]} == {"det@1"}
    assert found["totals"]["baseline_id"] == kept["baseline_id"]
    assert found["versions"][0]["baseline"]["avg_confidence"] == pytest.approx(kept["figures"]["avg_confidence"])
    assert (await ask(http, model="det", compare="previous"))["versions"][0]["baseline_id"] == kept["baseline_id"]


async def test_versions_with_a_baseline_each_have_what_is_normal_for_their_mix(
    http: Http, store: Store, watch: LiveWatch
) -> None:
    """Weighted by their requests; of quantiles there is no mean, and no one baseline to look up."""
    await store.commit(Batch([], [row(1, 9), row(1, 3, version="2")], {(0, 1): 9}))
    for version, confidence in (("1", 0.8), ("2", 0.4)):
        kept = await watch.set_baseline("det@1", "24h", version, False)
        own = {"model": "cars", "version": version, "figures": {**kept["figures"], "avg_confidence": confidence}}
        watch.kept_baselines[kept["baseline_id"]] |= own
    found = (await ask(http, model="cars"))["totals"]
    assert found["baseline"]["avg_confidence"] == pytest.approx(0.7)
    assert (found["baseline"]["p90_latency_ms"], found["baseline_id"]) == (None, None)


async def test_classes_are_the_most_frequent_and_the_rest_together(http: Http, store: Store) -> None:
    """The rest is one line, told from a class that is called so."""
    summary = make_summary([make_prediction(0)])
    summary.class_counts.update({f"class {number}": 20 - number for number in range(10)})
    kept = SummaryRow(SINCE, 60, "cars", "1", "serving", "", 0, "", 1, summary.encode())
    await store.commit(Batch([], [kept], {(0, 1): 9}))
    found = (await ask(http, model="cars"))["classes"]
    assert [item["label"] for item in found] == [*(f"class {number}" for number in range(8)), ""]
    assert [item["is_rest"] for item in found] == [False] * 8 + [True]
    assert found[-1]["detections"][0] == 12 + 11 + 1 + 1


async def test_row_of_another_release_is_counted(http: Http, store: Store) -> None:
    """The others are told all the same."""
    bad = SummaryRow(SINCE, 60, "cars", "9", "serving", "", 0, "", 1, b"\xff{}")
    await store.commit(Batch([], [bad, row(1, 2)], {(0, 1): 9}))
    found = await ask(http, model="cars")
    assert (found["unreadable"], [item["version"] for item in found["versions"]]) == (1, ["1"])


async def test_nothing_recorded_is_said(http: Http) -> None:
    """Nulls, empty lists and a sentence."""
    found = await ask(http, model="nobody")
    assert found["sentence"] == "No requests were recorded in this time."
    assert (found["series"], found["classes"], found["totals"]["now"]["error_rate"]) == ([], [], None)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"since": "20", "until": "10"}, "since"),
        ({"since": "0", "until": str(SINCE), "width_s": "10"}, "width_s"),
        ({"compare": "yesterday"}, "compare"),
        ({"width_s": "7"}, "width_s"),
    ],
)
async def test_question_that_makes_no_sense_names_the_field(http: Http, params: dict[str, str], field: str) -> None:
    """With what would be right."""
    answered = await http.get(URL, params=params)
    assert answered.status == 422
    assert [fault["field"] for fault in (await answered.json())["errors"]] == [field]


@pytest.mark.usefixtures("traffic")
@pytest.mark.parametrize("bound", ["CELLS_MAX", "ROWS_MAX"])
async def test_more_than_is_held_is_refused(
    http: Http, services: Services, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """Clients can make up names of models and slices without end; it is counted."""
    monkeypatch.setattr(handlers_overview, bound, 2)
    answered = await http.get(URL, params=PERIOD)
    assert (answered.status, (await answered.json())["errors"][0]["field"]) == (422, "width_s")
    assert services.turned_away["series"] == 1


async def day_of_minutes(store: Store, gone: int = 0) -> dict[str, str]:
    """A request each minute of a day, the first ``gone`` minutes of which are not kept any more, and of the day before;
    hours of both. What is asked for begins within an hour."""
    day = SINCE // 86_400 * 86_400
    payload = make_summary([make_prediction(0)]).encode()
    key = ("cars", "1", "serving", "", 0, "", 1)
    minutes = [SummaryRow(day + 60 * n, 60, *key, payload) for n in range(gone, 1_440)]
    many = make_summary([make_prediction(n) for n in range(60)]).encode()
    hours = [SummaryRow(day + 3_600 * n, 3_600, *key, many) for n in range(-24, 24)]
    await store.commit(Batch([], [*minutes, *hours], {(0, 1): 9}))
    return {"since": str(day + 900), "until": str(day + 86_400), "model": "cars"}


async def test_day_is_told_by_five_minutes_made_of_minutes(http: Http, store: Store) -> None:
    """From the hour on, beside the hours of the day before: both are whole, and as busy as each other."""
    params = await day_of_minutes(store)
    found = await (await http.get(URL, params=params)).json()
    assert (found["width_s"], len(found["at"])) == (300, 288)
    assert found["series"][0]["requests"] == [5] * 288
    assert found["totals"]["now"]["requests"] == found["totals"]["previous"]["requests"] == 1_440
    assert found["previous"]["recorded_s"] == 86_400
    assert found["sentence"].startswith("Nothing much changed")
    within = params | {"width_s": "300", "until": str(float(params["since"]) + 3_600)}
    asked = await (await http.get(URL, params=within)).json()
    assert asked["series"][0]["requests"] == [5] * 12, "what is asked for begins where it is asked for"
    assert asked["totals"]["previous"]["requests"] == 15


@pytest.mark.parametrize(("gone", "most"), [(61, 6_000), (0, 1_439)])
async def test_day_is_told_by_the_hour_where_minutes_are_gone_or_too_many(
    http: Http, store: Store, monkeypatch: pytest.MonkeyPatch, gone: int, most: int
) -> None:
    """A part of the traffic would be missing, or the answer take long."""
    monkeypatch.setattr(handlers_overview, "MINUTES_MAX", most)
    found = await (await http.get(URL, params=await day_of_minutes(store, gone))).json()
    assert (found["width_s"], found["series"][0]["requests"]) == (3_600, [60] * 24)


@pytest.mark.usefixtures("traffic")
async def test_versions_beyond_a_chart_are_counted(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with the most requests are told."""
    monkeypatch.setattr(answer, "SERIES_MAX", 2)
    found = await ask(http)
    assert found["left_out"] == 3
    assert [(item["model"], item["version"]) for item in found["versions"]] == [("cars", "1"), ("faces", "1")]


@pytest.mark.usefixtures("traffic")
async def test_pages_of_rows_make_no_difference(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is of one bucket is put together also where a page ends within it."""
    whole = await ask(http)
    monkeypatch.setattr(handlers_overview, "PAGE_ROWS", 1)
    assert await ask(http) == whole


async def test_bucket_that_is_written_anew_is_read_anew(http: Http, store: Store) -> None:
    """What is kept of a summary is found by its bytes."""
    grid._figures.cache_clear()
    await store.commit(Batch([], [row(1, 2)], {(0, 1): 9}))
    assert (await ask(http, model="cars"))["totals"]["now"]["requests"] == 2
    later = row(1, 5)
    await store.commit(Batch([], [SummaryRow(*[*_values(later)[:8], 2, later.payload])], {(0, 1): 10}))
    assert (await ask(http, model="cars"))["totals"]["now"]["requests"] == 5


def _values(one: SummaryRow) -> list[Any]:
    return [getattr(one, name) for name in SummaryRow.__slots__]


async def test_last_hour_is_the_default(services: Services, serve: Serve, store: Store) -> None:
    """Up to now."""
    http = await serve(services)
    found = await (await http.get(URL)).json()
    assert (found["width_s"], round(found["until"] - found["since"])) == (10, 3_600)
    assert abs(found["until"] - time.time()) < 60


@pytest.mark.usefixtures("traffic")
async def test_time_to_come_is_left_out(http: Http) -> None:
    """Else it would count as a time without requests, and all rates would be said to have fallen."""
    now = time.time()
    found = await ask(http, since=str(now - 600), until=str(now + 3_600))
    assert abs(found["until"] - now) < 60
    answered = await http.get(URL, params={"since": str(now + 3_600), "until": str(now + 7_200)})
    assert answered.status == 422
