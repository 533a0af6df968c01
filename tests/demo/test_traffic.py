"""The traffic and the detector's server, as the two processes they are."""

import asyncio
import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from sidecar.demo.classifier import MODEL_NAME, NO_DIGIT, read_classifier, save_classifier
from sidecar.demo.digits import Pool, read_pools
from sidecar.demo.learning import train_versions
from sidecar.demo.reviewer import read_truth
from sidecar.demo.scenes import compose
from sidecar.demo.traffic import infer_request


def test_traffic_and_scenes_import_neither_scikit_learn_nor_scipy() -> None:
    """Only the detector's process carries them."""
    code = (
        "import sys, sidecar.demo.traffic, sidecar.demo.loop, sidecar.demo.scenes, sidecar.demo.digits;"
        "print({'sklearn', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


async def test_server_and_traffic_processes_answer_and_end_with_their_input(tmp_path: Path) -> None:
    """Every route answers over real HTTP, for a version that was put into the folder of models later too; the
    traffic's counts agree, and so does what it says is in its scenes; both processes end by themselves."""
    pools, models, truth = (tmp_path / name for name in ("pools.npz", "models", "truth.jsonl"))
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sidecar.demo.server", "--port", "0", "--pools", str(pools)),
        *("--versions", "1", "--models", str(models)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert server.stdout is not None
        assert server.stdin is not None
        url = f"http://127.0.0.1:{json.loads(await server.stdout.readline())['port']}"
        known = read_pools(pools)
        assert read_classifier(models / "1" / MODEL_NAME).classes.tolist() == [NO_DIGIT, *range(10)]
        await _version_2_comes(url, models, known)
        scene = compose(np.random.default_rng(3), known["traffic"])
        await _every_route(url, scene.jpeg(), len(scene.labels))
        counts = await _send_for_a_second(url, pools, truth)
        assert counts["sent"] == counts["statuses"]["200"] > 0
        assert (counts["failed"], counts["refused"]) == (0, 1)
        told = read_truth(truth.read_text().splitlines())
        assert len(told) == counts["sent"]
        assert all(2 <= len(one.labels) <= 4 for one in told.values())
        server.stdin.close()
        assert await server.wait() == 0
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()


async def _version_2_comes(url: str, models: Path, pools: dict[str, Pool]) -> None:
    """Not there, then half there, then there: without a restart of the server."""
    path = "/v2/models/digits/versions/2"
    async with aiohttp.ClientSession(url) as session:

        async def status(path: str) -> int:
            async with session.get(path) as response:
                return response.status

        assert await status(path) == 404
        (models / "2").mkdir(parents=True)
        (models / "2" / MODEL_NAME).write_bytes(b"half a mod")
        assert await status(path) == 404
        save_classifier(models / "2" / MODEL_NAME, train_versions(pools, ["1"])["1"].classifier)
        assert await status(path) == 200
        (models.parent / "secret").mkdir()
        (models / "2" / MODEL_NAME).rename(models.parent / "secret" / MODEL_NAME)
        assert await status(path) == 200  # what is loaded stays
        assert await status("/v2/models/digits/versions/..%2Fsecret") == 404


async def _send_for_a_second(url: str, pools: Path, truth: Path) -> dict[str, Any]:
    traffic = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sidecar.demo.traffic", "--url", url, "--pools", str(pools), "--truth", str(truth)),
        *("--rate", "10", "--duration-s", "1", "--light", "day", "--kinds", "short", "--models", "digits"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert traffic.stdin is not None
    traffic.stdin.write(b"night\nnonsense\npool collection\n")
    # communicate() would close its standard input, which tells it to finish.
    assert traffic.stdout is not None
    counts: dict[str, Any] = json.loads(await traffic.stdout.readline())
    assert await traffic.wait() == 0
    assert traffic.stderr is not None
    assert b"'nonsense' is not one of" in await traffic.stderr.read()
    return counts


async def _every_route(url: str, jpeg: bytes, digits: int) -> None:
    body, headers = infer_request(jpeg)
    text = base64.b64encode(jpeg).decode()
    inputs = [{"name": "image", "datatype": "BYTES", "shape": [1], "data": [text]}]
    async with aiohttp.ClientSession(url) as session:
        async with session.get("/v2/health/ready") as response:
            assert response.status == 200
        async with session.get("/v2/models/digits/versions/2") as response:
            assert (await response.json())["versions"] == ["1", "2"]
        async with session.get("/v2/models/digits/versions/3") as response:
            assert response.status == 404
        async with session.post("/v2/models/digits/versions/2/infer", data=body, headers=headers) as response:
            binary = await response.json()
        async with session.post("/v2/models/digits/versions/2/infer", json={"inputs": inputs}) as response:
            assert await response.json() == binary
        outputs = {output["name"]: output for output in binary["outputs"]}
        count = outputs["num_dets"]["data"][0]
        assert abs(count - digits) <= max(2, digits // 3)
        assert outputs["boxes"]["shape"] == [1, count, 4]
        asked = {"inputs": inputs, "parameters": {"binary_data_output": True}}
        async with session.post("/v2/models/digits/versions/2/infer", json=asked) as response:
            length = int(response.headers["Inference-Header-Content-Length"])
            raw = await response.read()
        sizes = [output["parameters"]["binary_data_size"] for output in json.loads(raw[:length])["outputs"]]
        assert sum(sizes) == len(raw) - length
        async with session.post("/predict?version=2", data=jpeg, headers={"Content-Type": "image/jpeg"}) as response:
            image = (await response.json())["images"][0]
        assert image["shape"] == [360, 480]
        assert len(image["results"]) == count
        form = aiohttp.FormData()
        form.add_field("file", jpeg, filename="a.jpg", content_type="image/jpeg")
        async with session.post("/predict?version=2", data=form) as response:
            assert (await response.json())["images"][0]["results"] == image["results"]
        async with session.post("/predict", data=b"no image", headers={"Content-Type": "image/jpeg"}) as response:
            assert response.status == 400
            assert "image" in (await response.json())["error"]
