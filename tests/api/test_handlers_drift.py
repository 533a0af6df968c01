"""The endpoints of baselines and drift."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api.schemas_drift import DriftFindings, DriftReport
from sidecar.drift import Block, Level, compare
from tests.api.live import make_prediction, make_summary
from tests.api.live_watch import LiveWatch

Http = TestClient[Any, Any]
BASELINES = "/api/v1/baselines"
DRIFT = {"model_id": "det", "reference_period": "2024-01-01:2024-01-31", "current_period": "2024-02-01:2024-02-28"}


async def test_baseline_is_set_read_exported_and_deleted(http: Http) -> None:
    """POST, GET, export and DELETE of a baseline."""
    made = await (await http.post(BASELINES, json={"model_id": "det", "period": "7d"})).json()
    path = f"{BASELINES}/{made['baseline_id']}"
    assert (made["name"], made["model_id"]) == ("default", "det@1")
    assert await (await http.get(path)).json() == made
    exported = await (await http.get(f"{path}/export")).json()
    assert exported["blocks"][0]["summary"] == {"images": 20_100}
    assert await (await http.get(BASELINES, params={"model_id": "det@1"})).json() == {"items": [made]}
    assert await (await http.get(BASELINES, params={"model_id": "other"})).json() == {"items": []}
    assert (await http.delete(path)).status == 200
    assert (await http.delete(path)).status == 404


async def test_baseline_is_replaced_only_where_told(http: Http) -> None:
    """What is normal does not change by a slip: a taken name is a 409, unless ``replace`` says so."""
    body = {"model_id": "det", "period": "7d", "name": "summer"}
    assert (await http.post(BASELINES, json=body)).status == 200
    answer = await http.post(BASELINES, json=body)
    assert answer.status == 409
    assert [error["field"] for error in (await answer.json(content_type=None))["errors"]] == ["name"]
    assert (await http.post(BASELINES, json=body | {"replace": True})).status == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model_id": ""}, "model_id"),
        ({"model_id": "nobody"}, "model_id"),
        ({"period": ""}, "period"),
        ({"period": "1999-01-01:1999-01-31"}, "period"),
        ({"name": "a\u2028b"}, "name"),
        ({"since": 3}, "since"),
    ],
)
async def test_faulty_baseline_is_refused_by_field(http: Http, change: dict[str, Any], field: str) -> None:
    """A 422 names the field."""
    answer = await http.post(BASELINES, json={"model_id": "det", "period": "7d"} | change)
    assert answer.status == 422
    assert [error["field"] for error in (await answer.json(content_type=None))["errors"]] == [field]


async def test_drift_report_has_every_part(http: Http, watch: LiveWatch) -> None:
    """The report fits its schema; a score without data is null."""
    answer = await http.get("/api/v1/drift", params=DRIFT | {"by_slice": "true", "distributions": "true"})
    report = await answer.json()
    DriftReport.model_validate(report)
    assert (report["significant_drift"], report["input_drift"]) == (True, None)
    assert report["reference"]["period"] == "2024-01-01:2024-01-31"
    assert [part["slice"] for part in report["slices"]] == ["cam-1", "cam-2"]
    assert report["distributions"]
    assert watch.asked == [{"source": "auto", "slice": "", "by_slice": True, "distributions": True}]


@pytest.mark.parametrize("count", [0, 6])
def test_report_of_the_drift_room_fits_the_schema(count: int) -> None:
    """What a real comparison finds, with data and without, is what the API says it gives."""
    sides = [
        [
            Block(86_400.0 * day, make_summary([make_prediction(n) for n in range(8)]))
            for day in range(first, first + count)
        ]
        for first in (0, 100)
    ]
    report = compare(*sides, Level.DAY).to_dict(distributions=True)
    findings = DriftFindings.model_validate(report)
    assert findings.model_extra == {"distributions": report["distributions"]}


async def test_baseline_may_be_named_as_a_side(http: Http) -> None:
    """A period's place may hold the name of a baseline."""
    await http.post(BASELINES, json={"model_id": "det", "period": "7d", "name": "summer"})
    report = await (await http.get("/api/v1/drift", params=DRIFT | {"reference_period": "summer"})).json()
    assert report["reference"]["baseline"] == "summer"


async def test_number_that_is_none_becomes_null(http: Http, watch: LiveWatch) -> None:
    """NaN in a report leaves the port as null: it is no JSON."""
    watch.findings["box_drift"] = float("nan")
    report = await (await http.get("/api/v1/drift", params=DRIFT)).json()
    assert report["box_drift"] is None


async def test_checks_are_found_by_slice(http: Http) -> None:
    """No slice gives all; an empty one those of all traffic."""
    for params, slices in (({}, ["", "cam-1", "cam-2"]), ({"slice": ""}, [""]), ({"slice": "cam-2"}, ["cam-2"])):
        page = await (await http.get("/api/v1/drift/checks", params=params)).json()
        assert [item["slice"] for item in page["items"]] == slices
        assert page["next"] is None
