"""The endpoints over a real store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestClient
from pydantic import BaseModel

from sidecar.api import Services, schemas
from sidecar.api.handlers import ROUTES
from sidecar.recording import Sample, Store
from tests.api.live import LiveTotals
from tests.api.live_watch import LiveWatch
from tests.api.looped import DATASET, add_items
from tests.kit.trials_at_hand import TrialsAtHand

Http = TestClient[Any, Any]
DRIFT = {"model_id": "det", "reference_period": "2024-01-01:2024-01-31", "current_period": "7d"}


async def test_every_documented_answer_fits_its_schema(
    http: Http, watch: LiveWatch, trials: TrialsAtHand, tmp_path: Path, store: Store
) -> None:
    """What a GET without filters gives validates against the type in the route table."""
    ids = {"prediction_id": "p0", "sample_id": "s1", "baseline_id": "b1", "alert_id": "a1", "model_id": "det"}
    ids |= {"dataset_id": DATASET, "item_id": "i0", "version_id": await _second_version(http, tmp_path, store)}
    job = {"name": "Try", "dataset_id": DATASET, "version_id": ids["version_id"], "base_model_id": "det@1"}
    job_id = (await (await http.post("/api/v1/training-jobs", json=job)).json())["id"]
    await trials.create_ab_test("try", "det@1", "det@2", {"traffic_split": 0.1})
    await trials.create_shadow_test("behind", "digits", "digits@2", {})
    await watch.set_baseline("det", "7d", "default", False)
    condition = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}
    await watch.create_alert("det", "low", condition, ["slack:#ml"], "", True)
    questions = {
        "/api/v1/drift": {"model_id": "det", "reference_period": "default", "current_period": "7d"},
        "/api/v1/feedback/report": {"model_id": "det"},
        "/api/v1/time-series": {"metric": "avg_confidence"},
    }
    for route in ROUTES:
        if route.method == "GET" and route.gives is not None:
            kind = route.path.split("/")[3]
            made = {"ab-tests": "try", "shadow-tests": "behind", "training-jobs": job_id}.get(kind, "")
            answer = await http.get(route.path.format(**ids, id=made), params=questions.get(route.path, {}))
            assert answer.status == 200, route.path
            gives: type[BaseModel] = route.gives
            gives.model_validate(await answer.json())


async def _second_version(http: Http, folder: Path, store: Store) -> str:
    await add_items(folder, store, 2)
    version_id = None
    for item_id in ("i0", "i1"):
        assert (await http.post(f"/api/v1/items/{item_id}/confirm", json={"by": "ann"})).status == 200
        body = {"parent_version_id": version_id}
        version_id = (await (await http.post(f"/api/v1/datasets/{DATASET}/versions", json=body)).json())["id"]
    return str(version_id)


async def test_predictions_by_pages_come_newest_first_and_once_each(http: Http) -> None:
    """Following ``next`` gives all predictions in order of time, downwards."""
    seen: list[str] = []
    params = {"limit": "2"}
    while True:
        page = await (await http.get("/api/v1/predictions", params=params)).json()
        seen += [item["prediction_id"] for item in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert seen == ["p4", "p3", "p2", "p1", "p0"]


async def test_prediction_has_its_detections_as_objects(http: Http) -> None:
    """A prediction bears one object a box."""
    found = await (await http.get("/api/v1/predictions/p0")).json()
    assert found["detections"][0] == {
        "label": "cat",
        "confidence": 0.9,
        "box": [1.0, 2.0, 30.0, 40.0],
        "normalised": False,
    }
    assert found["latency_ms"] == 12.5


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({"label": "cat", "limit": "1"}, ["p3"]),
        ({"status": "undecodable"}, ["p4"]),
        ({"model": "absent"}, []),
        ({"since": "2023-11-14T22:14:02Z", "until": "1700000043"}, ["p2"]),
    ],
)
async def test_filters_of_predictions_narrow_the_page(http: Http, params: dict[str, str], ids: list[str]) -> None:
    """Each filter leaves what fits it; times are epoch seconds or RFC 3339."""
    page = await (await http.get("/api/v1/predictions", params=params)).json()
    assert [item["prediction_id"] for item in page["items"]] == ids


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("predictions", {"limit": "0"}, "limit"),
        ("predictions", {"modle": "det"}, "modle"),
        ("predictions", {"since": "yesterday"}, "since"),
        ("predictions", {"since": "2023-11-14T22:14:02"}, "since"),
        ("predictions", {"since": "nan"}, "since"),
        ("predictions", {"cursor": "nonsense"}, "cursor"),
        ("predictions", {"cursor": "1_9223372036854775808"}, "cursor"),
        ("predictions", {"cursor": "nan_1"}, "cursor"),
        ("feedback", {"cursor": "inf_1"}, "cursor"),
        ("predictions", {"role": "spectator"}, "role"),
        ("predictions", {"status": "99999"}, "status"),
        ("samples", {"cursor": "nonsense"}, "cursor"),
        ("samples", {"cursor": f"1_-{10**30}"}, "cursor"),
        ("summaries", {"since": "10", "until": "5"}, "since"),
        ("summaries", {"since": "0"}, "width_s"),
        ("summaries", {"width_s": "7"}, "width_s"),
        ("drift", {"reference_period": "7d", "current_period": "1d"}, "model_id"),
        ("drift", {"model_id": "det", "current_period": "1d"}, "reference_period"),
        ("drift", {**DRIFT, "source": "guesses"}, "source"),
        ("drift", {**DRIFT, "slice": "cam-1", "by_slice": "true"}, "by_slice"),
        ("drift", {**DRIFT, "current_period": "1999-01-01"}, "current_period"),
        ("drift", {**DRIFT, "current_period": "sometime"}, "current_period"),
        ("drift", {**DRIFT, "model_id": "nobody"}, "model_id"),
        ("drift/checks", {"cursor": "nonsense"}, "cursor"),
        ("ab-tests", {"status": "tired"}, "status"),
        ("shadow-tests", {"model": "det"}, "model"),
        ("alerts", {"state": "shouting"}, "state"),
        ("alerts/transitions", {"cursor": "nonsense"}, "cursor"),
        ("alerts/transitions", {"limit": "9999"}, "limit"),
    ],
)
async def test_faulty_parameter_is_a_problem_that_names_it(
    http: Http, path: str, params: dict[str, str], field: str
) -> None:
    """A parameter that makes no sense gives 422 problem+json with its field."""
    answer = await http.get(f"/api/v1/{path}", params=params)
    assert (answer.status, answer.content_type) == (422, "application/problem+json")
    problem = schemas.ProblemOut.model_validate(await answer.json(content_type=None))
    assert [error.field for error in problem.errors] == [field]


async def test_parameter_given_twice_is_refused(http: Http) -> None:
    """Two values of one filter are a mistake, not a choice."""
    answer = await http.get("/api/v1/predictions?model=a&model=b")
    assert answer.status == 422


@pytest.mark.parametrize(
    "path",
    [
        "predictions/nope",
        "samples/nope",
        "samples/nope/image",
        "ab-tests/nope",
        "ab-tests/nope/results",
        "shadow-tests/nope",
        "shadow-tests/nope/results",
        "baselines/nope",
        "baselines/nope/export",
        "alerts/nope",
        "alerts/nope/notifications",
        "nope",
    ],
)
async def test_what_is_not_there_is_a_404_problem(http: Http, path: str) -> None:
    """An id nobody has, or a path that is none, gives problem+json too."""
    answer = await http.get(f"/api/v1/{path}")
    assert (answer.status, answer.content_type) == (404, "application/problem+json")


async def test_wrong_method_is_a_405_problem_with_allow(http: Http) -> None:
    """The methods that would do are named."""
    answer = await http.delete("/api/v1/status")
    assert (answer.status, answer.content_type) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]


async def test_summaries_give_points_of_the_time_asked_for(http: Http) -> None:
    """The minute with the predictions is one point with their counts."""
    series = await (await http.get("/api/v1/summaries", params={"since": "1700000000", "until": "1700000100"})).json()
    assert [point["summary"]["requests"] for point in series["points"]] == [5]
    assert series["points"][0]["summary"]["class_counts"] == {"cat": 4, "dog": 4}


async def test_sample_image_is_served_harmlessly(http: Http) -> None:
    """The bytes come with their type, never sniffed, in a sandbox."""
    answer = await http.get("/api/v1/samples/s1/image")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert (await answer.read()).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("path", "media_type", "status", "served_as"),
    [
        ("samples/link.png", "image/png", 404, "application/problem+json"),
        ("samples/gone.png", "image/png", 404, "application/problem+json"),
        ("samples/s1.png", "text/html", 200, "application/octet-stream"),
        ("samples/s1.png", "image/svg+xml", 200, "application/octet-stream"),
    ],
)
async def test_hostile_sample_rows_lead_nowhere(
    http: Http, services: Services, tmp_path: Path, path: str, media_type: str, status: int, served_as: str
) -> None:
    """A path out of the data folder is not followed, and only pictures are served as such."""
    (tmp_path.parent / "outside").write_text("secret")
    store = await Store.open(tmp_path)
    await store.add_sample(Sample("s2", "p1", "det", "1", 1.0, ("x",), 1.0, "new", media_type, path, 1, 1, 1))
    await store.close()
    (tmp_path / "samples" / "link.png").symlink_to(tmp_path.parent / "outside")
    answer = await http.get("/api/v1/samples/s2/image")
    assert (answer.status, answer.content_type) == (status, served_as)


async def test_status_names_what_is_wrong(http: Http, totals: LiveTotals) -> None:
    """A faulty store makes the status not ok, in words."""
    assert (await (await http.get("/api/v1/status")).json())["ok"] is True
    totals.store_state.update(ok=False, reason="full")
    status = await (await http.get("/api/v1/status")).json()
    assert (status["ok"], status["faults"]) == (False, ["store: full"])


async def test_status_names_channels_that_fail_and_counts_alerts(http: Http, watch: LiveWatch) -> None:
    """A notification that can't be delivered is a fault; alerts that fire are not."""
    condition = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}
    await watch.create_alert("det", "low", condition, [], "", True)
    watch.fire("a1")
    status = await (await http.get("/api/v1/status")).json()
    assert (status["ok"], status["alerts"]) == (True, {"firing": 1})
    watch.failing["slack:#ml"] = "no such channel"
    status = await (await http.get("/api/v1/status")).json()
    assert status["faults"] == ["notifications to slack:#ml can't be delivered: no such channel"]


async def test_fault_of_the_sidecar_is_a_500_problem_without_its_cause(http: Http, totals: LiveTotals) -> None:
    """What broke inside is logged, not told."""
    totals.by_key = cast(Any, {("secret", "1", "serving"): None})
    answer = await http.get("/api/v1/status")
    assert (answer.status, answer.content_type) == (500, "application/problem+json")
    assert "NoneType" not in await answer.text()


async def test_store_that_can_not_be_read_is_a_503_problem(http: Http, tmp_path: Path) -> None:
    """A store that is gone makes a problem that may pass, and the figures stay there."""
    os.unlink(tmp_path / "sidecar.sqlite3")
    answer = await http.get("/api/v1/predictions")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert (await http.get("/metrics")).status == 200
