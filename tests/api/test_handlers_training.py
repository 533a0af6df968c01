"""The endpoints of training jobs, over a real store; no trainer runs."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import TestClient
from yarl import URL

from sidecar.api import Services, handlers_training
from sidecar.api.schemas_training import ModelVersionsOut, TrainingJob, TrainingJobsOut
from sidecar.recording import Store
from sidecar.training.signing import signed_headers
from tests.api.looped import DATASET, SECRET, add_items

Http = TestClient[Any, Any]
JOBS = "/api/v1/training-jobs"
TOKEN = "a-token-of-some-length"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def version_id(tmp_path: Path, store: Store, http: Http) -> str:
    """A version with one item."""
    await add_items(tmp_path, store, 1)
    assert (await http.post("/api/v1/items/i0/confirm", json={"by": "ann"})).status == 200
    made = await (await http.post(f"/api/v1/datasets/{DATASET}/versions", json={})).json()
    return str(made["id"])


@pytest.fixture
async def locked(services: Services, serve: Any, version_id: str) -> Http:
    """The application with a token."""
    client: Http = await serve(replace(services, token=TOKEN))
    return client


async def faults_of(answer: Any) -> list[str]:
    return [fault["field"] for fault in (await answer.json(content_type=None))["errors"]]


def asked(of: str, **changes: Any) -> dict[str, Any]:
    names = {"name": "Vehicles", "dataset_id": DATASET, "version_id": of, "base_model_id": "det@1"}
    return {**names, **changes}


async def create(http: Http, version_id: str, **changes: Any) -> dict[str, Any]:
    answer = await http.post(JOBS, json=asked(version_id, **changes))
    document: dict[str, Any] = await answer.json(content_type=None)
    assert answer.status == 200, document
    TrainingJob.model_validate(document)
    return document


async def test_job_is_queued_listed_and_cancelled(http: Http, version_id: str) -> None:
    """Once it has ended it can't end again."""
    made = await create(http, version_id, by="ann")
    assert (made["status"], made["by"], made["exit_code"]) == ("queued", "ann", None)
    listed = await (await http.get(JOBS, params={"status": "queued"})).json()
    TrainingJobsOut.model_validate(listed)
    assert listed["items"] == [made] == [await (await http.get(f"{JOBS}/{made['id']}")).json()]
    assert (await (await http.get(JOBS, params={"status": "failed"})).json())["items"] == []
    cancelled = await (await http.post(f"{JOBS}/{made['id']}/cancel", json={"by": "bob"})).json()
    assert (cancelled["status"], cancelled["cancelled_by"]) == ("cancelled", "bob")
    again = await http.post(f"{JOBS}/{made['id']}/cancel", json={})
    assert (again.status, await faults_of(again)) == (409, ["status"])


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"version_id": "nope"}, ["version_id"]),
        ({"trainer": "nobody"}, ["trainer"]),
        ({"name": "two\nlines", "base_model_id": ""}, ["name", "base_model_id"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
async def test_job_that_can_not_be_names_its_fields(
    http: Http, version_id: str, changes: dict[str, Any], fields: list[str]
) -> None:
    """And nothing is queued."""
    answer = await http.post(JOBS, json=asked(version_id, **changes))
    assert (answer.status, await faults_of(answer)) == (422, fields)
    assert (await (await http.get(JOBS)).json())["items"] == []


async def test_log_is_plain_text_that_no_browser_takes_for_more(http: Http, version_id: str, tmp_path: Path) -> None:
    """Whatever the trainer wrote."""
    made = await create(http, version_id)
    answer = await http.get(f"{JOBS}/{made['id']}/log")
    assert (answer.status, await answer.text()) == (200, "")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_job_that_made_nothing_is_put_to_no_test(http: Http, version_id: str) -> None:
    """A conflict says how it stands."""
    made = await create(http, version_id)
    answer = await http.post(f"{JOBS}/{made['id']}/deploy", json={"kind": "shadow"})
    assert (answer.status, await faults_of(answer)) == (409, ["status"])
    answer = await http.post(f"{JOBS}/{made['id']}/deploy", json={"kind": "live"})
    assert (answer.status, await faults_of(answer)) == (422, ["kind"])


async def test_report_with_the_token_ends_a_job_and_registers_what_it_made(http: Http, version_id: str) -> None:
    """The version has its metrics, and where it came from."""
    made = await create(http, version_id, trainer="away")
    body = {"status": "succeeded", "version": "9", "metrics": {"map50": 0.61}}
    answer = await http.post(f"{JOBS}/{made['id']}/report", json=body)
    ended = await answer.json(content_type=None)
    assert answer.status == 200, ended
    TrainingJob.model_validate(ended)
    assert (ended["status"], ended["model_version_id"], ended["metrics"]) == ("succeeded", "det@9", {"map50": 0.61})
    found = await (await http.get("/api/v1/model-versions", params={"model": "det"})).json()
    ModelVersionsOut.model_validate(found)
    assert [(item["id"], item["job_id"]) for item in found["items"]] == [("det@9", made["id"])]
    assert (await (await http.get("/api/v1/model-versions", params={"model": "x"})).json())["items"] == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"status": "great"}', b'{"status": "failed", "mood": 3}'])
async def test_report_that_says_nothing_changes_nothing(http: Http, version_id: str, body: bytes) -> None:
    """The fault is told, the job goes on."""
    made = await create(http, version_id, trainer="away")
    headers = {"Content-Type": "application/json"}
    answer = await http.post(f"{JOBS}/{made['id']}/report", data=body, headers=headers)
    assert answer.status == 422
    assert (await (await http.get(f"{JOBS}/{made['id']}")).json()) == made


async def test_signed_report_needs_no_token(locked: Http, version_id: str) -> None:
    """The trainer knows its secret, and nothing else of this sidecar."""
    answer = await locked.post(JOBS, json=asked(version_id, trainer="away"), headers=BEARER)
    made = await answer.json()
    body = orjson.dumps({"job_id": made["id"], "status": "running", "progress": 0.4})
    headers = {"Content-Type": "application/json", **signed_headers(SECRET, "m1", time.time(), body)}
    answer = await locked.post(f"{JOBS}/{made['id']}/report", data=body, headers=headers)
    assert (answer.status, (await answer.json())["progress"]) == (200, 0.4)


@pytest.mark.parametrize("job_id", ["its own", "nope"])
async def test_report_signed_by_another_is_refused_whatever_it_is_about(
    locked: Http, version_id: str, job_id: str
) -> None:
    """Before anything else is looked at."""
    answer = await locked.post(JOBS, json=asked(version_id, trainer="away"), headers=BEARER)
    made = await answer.json()
    named = made["id"] if job_id == "its own" else job_id
    body = orjson.dumps({"job_id": named, "status": "failed"})
    headers = {"Content-Type": "application/json", **signed_headers("another secret", "m1", time.time(), body)}
    answer = await locked.post(f"{JOBS}/{named}/report", data=body, headers=headers)
    assert (answer.status, await faults_of(answer)) == (403, ["webhook-signature"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{JOBS}/x/report"),
        ("POST", f"{JOBS}/x/cancel"),
        ("POST", f"{JOBS}/x%2Freport"),
        ("POST", f"{JOBS}%2Fx/report"),
        ("POST", f"{JOBS}/x/deploy"),
        ("GET", JOBS),
        ("GET", "/nope"),
    ],
)
async def test_signature_opens_no_other_door(locked: Http, method: str, path: str) -> None:
    """Without the token nothing else is answered."""
    headers = signed_headers(SECRET, "m1", time.time(), b"{}")
    answer = await locked.request(method, URL(path, encoded=True), headers=headers)
    assert answer.status == 401


async def test_report_without_a_signature_needs_the_token(locked: Http) -> None:
    """As everything does."""
    assert (await locked.post(f"{JOBS}/x/report", json={})).status == 401
    assert (await locked.post(f"{JOBS}/x/report", json={"status": "failed"}, headers=BEARER)).status == 404


async def test_every_endpoint_says_404_for_an_id_that_nothing_has(http: Http) -> None:
    """Whatever is asked of it."""
    with_id = [route for route in handlers_training.ROUTES if "{id}" in route.path]
    assert len(with_id) >= 5
    for route in with_id:
        body = {"status": "failed"} if route.path.endswith("/report") else {}
        answer = await http.request(
            route.method, route.path.format(id="nope"), json=body if route.method == "POST" else None
        )
        assert (answer.status, await faults_of(answer)) == (404, ["id"]), route
