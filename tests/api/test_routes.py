"""Bodies on their way to a handler, and parts of the API that a process does not have."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api import Services, bodies
from sidecar.api.bodies import BODY_BYTES_MAX
from sidecar.api.handlers import ROUTES

Http = TestClient[Any, Any]
JSON = {"Content-Type": "application/json"}


async def test_body_that_does_not_come_is_not_waited_for(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds a connection open without sending is told."""
    monkeypatch.setattr(bodies, "BODY_S_MAX", 0.05)
    over = asyncio.Event()

    async def never() -> Any:
        yield b"{"
        await over.wait()

    answer = await http.post("/api/v1/feedback", data=never(), headers=JSON)
    over.set()
    assert answer.status == 408


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_over_the_bound_is_refused_on_every_ordinary_route(http: Http, chunked: bool) -> None:
    """By its length, or as it comes."""
    content = b" " * (BODY_BYTES_MAX + 1)

    async def parts() -> Any:
        yield content

    ordinary = [route for route in ROUTES if route.body is not None and route.body_bytes_max == BODY_BYTES_MAX]
    assert len(ordinary) > 30
    for route in ordinary:
        path = route.path.replace("{", "").replace("}", "")
        data = parts() if chunked else content
        answer = await http.request(route.method, path, data=data, headers=JSON)
        assert answer.status == 413, route


@pytest.mark.parametrize("depth", [100, 1_020, 5_000])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "data-engines/det", b'{"config": {"random_sample": {"rate": %b}}}'),
        ("POST", "ab-tests", b'{"name": "x", "model_a_id": "a", "model_b_id": "b", "config": {"traffic_split": %b}}'),
        ("POST", "feedback", b'{"prediction_id": %b}'),
        ("POST", "training-jobs/x/report", b'{"status": %b}'),
    ],
)
async def test_deeply_nested_body_is_a_fault_of_whoever_sent_it(
    http: Http, method: str, path: str, body: bytes, depth: int
) -> None:
    """However deep."""
    content = body % (b"[" * depth + b"]" * depth)
    answer = await http.request(method, f"/api/v1/{path}", data=content, headers=JSON)
    assert answer.status in (400, 422)


async def test_part_that_a_process_has_not_is_not_there_just_now(services: Services, serve: Any) -> None:
    """Its endpoints say so; everything else is answered."""
    bare = replace(services, data_engines=None, feedback=None, review=None, dataset_versions=None, training=None)
    http: Http = await serve(bare)
    for path in ("data-engines", "feedback", "datasets", "items/x", "dataset-versions/x", "training-jobs"):
        assert (await http.get(f"/api/v1/{path}")).status == 503, path
    assert (await http.get("/api/v1/status")).status == 200
    page = await (await http.get("/metrics")).text()
    assert "sidecar_trials" in page
    assert "sidecar_items" not in page
