"""The demo's past, of what its real detector answers."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from sidecar.app.demo_config import demo_config
from sidecar.app.demo_past import Answers, gather_answers, record_past
from sidecar.demo.answers import LIGHTS, SCENES
from sidecar.demo.digits import load_pools, save_pools
from sidecar.demo.learning import train_versions
from sidecar.demo.server import create_app
from sidecar.recording import Reader
from sidecar.summaries import Summary

PORTS = {"port": 1, "admin_port": 2, "health_port": 3}
DAYS = 4
DAY_S = 86_400.0


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Both versions' answers to scenes in every light."""
    return asyncio.run(_answers(tmp_path_factory.mktemp("pools") / "digits.npz"))


async def _answers(file: Path) -> Answers:
    pools = load_pools()
    save_pools(file, pools)
    server = TestServer(create_app(train_versions(pools)))
    await server.start_server()
    try:
        return await gather_answers(str(server.make_url("")).rstrip("/"), file, seed=3)
    finally:
        await server.close()


async def test_past_is_what_the_detector_answered(tmp_path: Path, answers: Answers) -> None:
    """Every prediction is read from a real answer; each of its summaries has all of them, once."""
    config = demo_config("127.0.0.1", PORTS, tmp_path, "http://127.0.0.1:9", ["true", "{dataset}"])
    now = time.time()
    recorded = await record_past(tmp_path, config, answers, DAYS, now, seed=3)
    assert {len(of_light) for of_light in answers.values()} == {SCENES}
    assert len(answers) == 2 * len(LIGHTS)
    reader = await Reader.open(tmp_path)
    try:
        newest = await reader.predictions(limit=50)
        counts = {}
        for width_s in (3_600, 86_400):
            rows = await reader.summaries(since=now - (DAYS + 2) * DAY_S, until=now + DAY_S, width_s=width_s)
            counts[width_s] = sum(Summary.decode(row.payload).requests for row in rows)
    finally:
        await reader.close()
    assert recorded > 0
    assert counts == {3_600: recorded, 86_400: recorded}
    assert all(one.at < now and not one.undecodable and one.image_width == 480 for one in newest.items)
    assert any(one.detections is not None and len(one.detections.scores) for one in newest.items)


async def test_past_has_an_hour_of_trouble(tmp_path: Path, answers: Answers) -> None:
    """Two days before the start answers were slow, and some failed: what alerts would have said of it can be seen."""
    config = demo_config("127.0.0.1", PORTS, tmp_path, "http://127.0.0.1:9", ["true", "{dataset}"], has_past=True)
    now = 1_795_780_800.0  # noon UTC
    await record_past(tmp_path, config, answers, DAYS, now, seed=3)
    reader = await Reader.open(tmp_path)
    try:
        rows = await reader.summaries(since=now - DAYS * DAY_S, until=now, width_s=3_600)
    finally:
        await reader.close()
    failed = {row.bucket for row in rows if 503 in Summary.decode(row.payload).statuses}
    assert failed == {int(now) - 50 * 3_600}
