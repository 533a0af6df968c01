"""One figure over time: measured as alerts measure it, by version and role, within bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.alerts import METRICS, Facts, Figures
from sidecar.api import Services, handlers_time_series
from sidecar.api.problems import dumps
from sidecar.api.schemas import SummariesOut
from sidecar.api.time_series import COUNTS, NAMES, OF_A_CLASS, PointKey, summary_point, unit_of, value_of
from sidecar.recording import Batch, Store, SummaryRow
from sidecar.summaries import Summary
from tests.api.live import START, make_prediction, make_summary

Http = TestClient[Any, Any]
URL = "/api/v1/time-series"
MINUTE = int(START) // 60 * 60
PERIOD = {"since": str(MINUTE), "until": str(MINUTE + 600)}


def busy() -> Summary:
    """Requests with detections, without, unreadable ones, failures and verdicts."""
    made = [make_prediction(number, latency_ms=float(number + 1)) for number in range(6)]
    made += [make_prediction(7, detections=None, undecodable="not_json"), make_prediction(8, score_threshold=0.95)]
    summary = make_summary(made)
    summary.add_feedback("correct", 3)
    summary.add_feedback("wrong_label", 1)
    return summary


def row(minute: int, summary: Summary, **changes: Any) -> SummaryRow:
    key = {"model": "det", "version": "1", "role": "serving", "experiment": "", "epoch": 0, "slice": ""} | changes
    width_s = key.pop("width_s", 60)
    return SummaryRow(MINUTE + minute * 60, width_s, **key, revision=1, payload=summary.encode())


async def ask(http: Http, **params: str) -> dict[str, Any]:
    answer = await http.get(URL, params=params)
    assert answer.status == 200, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


@pytest.fixture
async def traffic(http: Http, store: Store) -> Summary:
    """Three minutes: in the second two slices and a shadow, in the third another version; what the slices come to."""
    half, other = busy(), make_summary([make_prediction(9)])
    rows = [
        row(1, half, slice="north"),
        row(1, other, slice="south"),
        row(1, other, role="shadow", version="2"),
        row(2, Summary(), version="2"),
        row(2, other, model="digits"),
    ]
    await store.commit(Batch([], rows, {(0, 1): 5}))
    return half.merge(other)


@pytest.mark.parametrize("metric", [name for name in NAMES if name not in COUNTS])
def test_metrics_are_those_of_alerts_under_the_same_name(metric: Any) -> None:
    """The same value from the same summary, so that a chart explains an alert."""
    label = "dog" if metric in OF_A_CLASS else ""
    expected = METRICS[metric].measure(Facts(Figures.of(busy()), 60), label).value
    assert value_of(metric, busy(), 60, label) == expected
    assert unit_of(metric) == METRICS[metric].unit
    assert METRICS[metric].source == "summaries"


def test_every_metric_of_summaries_that_needs_no_baseline_is_there() -> None:
    """A metric that alerts learn is one over time too."""
    over_time = {name for name, metric in METRICS.items() if metric.source == "summaries"} - {"slow_rate"}
    assert over_time == {name for name in NAMES if name not in COUNTS}


async def test_points_are_by_version_and_role_in_order_of_time(http: Http, traffic: Summary) -> None:
    """Slices are merged; a shadow has points of its own; a bucket without images has no confidence."""
    found = await ask(http, metric="avg_confidence", model="det", width_s="60", **PERIOD)
    assert [(item["at"] - MINUTE, item["version"], item["role"]) for item in found["items"]] == [
        (0, "1", "serving"),
        (60, "1", "serving"),
        (60, "2", "shadow"),
        (120, "2", "serving"),
    ]
    assert found["items"][1]["value"] == pytest.approx(traffic.avg_confidence)
    assert found["items"][3]["value"] is None
    assert (found["unit"], found["width_s"], found["unreadable"]) == ("confidence", 60, 0)
    counts = await ask(http, metric="requests", model="det", version="1", width_s="60", **PERIOD)
    assert [item["value"] for item in counts["items"]] == [5, traffic.requests]


async def test_pages_of_rows_make_no_difference(http: Http, traffic: Summary, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is of one bucket is put together also where a page ends within it."""
    whole = await ask(http, metric="detections", width_s="60", **PERIOD)
    monkeypatch.setattr(handlers_time_series, "PAGE_ROWS", 1)
    assert await ask(http, metric="detections", width_s="60", **PERIOD) == whole
    assert len(whole["items"]) == 5


async def test_class_is_needed_where_a_metric_is_of_one_and_nowhere_else(http: Http, traffic: Summary) -> None:
    """Both are said by naming the label."""
    shares = await ask(http, metric="class_share", label="dog", model="det", version="1", width_s="60", **PERIOD)
    assert [item["value"] for item in shares["items"]] == [0.5, 0.5]
    counts = await ask(http, metric="class_count", label="owl", version="1", model="det", width_s="60", **PERIOD)
    assert [item["value"] for item in counts["items"]] == [0, 0]
    for params in ({"metric": "class_share"}, {"metric": "error_rate", "label": "dog"}):
        answer = await http.get(URL, params=params)
        assert answer.status == 422
        assert (await answer.json())["errors"][0]["field"] == "label"


async def test_row_of_another_release_is_left_out_and_counted(http: Http, store: Store) -> None:
    """The others are given all the same."""
    bad = SummaryRow(MINUTE, 60, "det", "9", "serving", "", 0, "", 1, b"\xff{}")
    await store.commit(Batch([], [bad], {(0, 1): 5}))
    found = await ask(http, metric="images", width_s="60", **PERIOD)
    assert (found["unreadable"], [item["version"] for item in found["items"]]) == (1, ["1"])


@pytest.mark.parametrize(
    ("span_s", "width_s"), [(5_000, 10), (5_010, 60), (30_000, 60), (86_400, 3_600), (30 * 86_400, 86_400)]
)
async def test_width_that_is_left_out_fits_the_time(http: Http, span_s: int, width_s: int) -> None:
    """The finest that makes at most 500 buckets."""
    found = await ask(http, metric="requests", since=str(START), until=str(START + span_s))
    assert found["width_s"] == width_s


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "metric"),
        ({"metric": "happiness"}, "metric"),
        ({"metric": "requests", "since": "20", "until": "10"}, "since"),
        ({"metric": "requests", "since": "0", "until": str(START), "width_s": "10"}, "width_s"),
        ({"metric": "requests", "width_s": "7"}, "width_s"),
    ],
)
async def test_question_that_makes_no_sense_names_the_field(http: Http, params: dict[str, str], field: str) -> None:
    """So does one for more than may be given."""
    answer = await http.get(URL, params=params)
    assert answer.status == 422
    assert [fault["field"] for fault in (await answer.json())["errors"]] == [field]


@pytest.mark.parametrize("bound", ["SERIES_POINTS_MAX", "SERIES_ROWS_MAX"])
async def test_more_than_may_be_given_is_refused(
    http: Http, traffic: Summary, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """Clients can make up names of models and slices without end."""
    monkeypatch.setattr(handlers_time_series, bound, 3)
    answer = await http.get(URL, params={"metric": "requests", "width_s": "60", **PERIOD})
    assert (answer.status, (await answer.json())["errors"][0]["field"]) == (422, "width_s")


async def test_summaries_are_merged_over_slices_and_pages(
    http: Http, traffic: Summary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A point for each bucket, version and role, also where a page ends within one; rows that can't be read are
    counted."""

    async def asked() -> dict[str, Any]:
        answer = await http.get("/api/v1/summaries", params={**PERIOD, "model": "det"})
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        SummariesOut.model_validate(found)
        return found

    whole = await asked()
    assert [(point["at"] - MINUTE, point["version"], point["role"]) for point in whole["points"]] == [
        (0, "1", "serving"),
        (60, "1", "serving"),
        (60, "2", "shadow"),
        (120, "2", "serving"),
    ]
    assert whole["points"][1]["summary"]["requests"] == traffic.requests
    monkeypatch.setattr(handlers_time_series, "PAGE_ROWS", 1)
    assert await asked() == whole


@pytest.mark.parametrize(("bound", "most"), [("SUMMARIES_BYTES_MAX", 10_000), ("SERIES_ROWS_MAX", 3)])
async def test_summaries_that_come_to_too_much_are_refused(
    http: Http, traffic: Summary, services: Services, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    """They are not held all at once, whatever there is; what would do is said, and it is counted."""
    monkeypatch.setattr(handlers_time_series, bound, most)
    answer = await http.get("/api/v1/summaries", params=PERIOD)
    assert (answer.status, (await answer.json())["errors"][0]["field"]) == (422, "width_s")
    assert services.turned_away["series"] == 1
    assert (await http.get("/api/v1/summaries", params={**PERIOD, "model": "digits"})).status == 200


def test_class_with_a_lone_surrogate_is_told() -> None:
    """What a model server called a class so is an escape in JSON that everybody can read."""
    summary = Summary()
    summary.class_counts["\ud800"] = 3
    point, weight = summary_point(60, PointKey(MINUTE, "det", "1", "serving"), summary)
    made = json.loads(dumps({"points": [point]}))
    assert made["points"][0]["summary"]["class_counts"] == {"\ud800": 3}
    assert weight > 100
