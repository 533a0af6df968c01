"""MLServer's KServe V2 over JSON with a real detector, a real sidecar in front, and the clients that people use."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.interop.asking import Answer, ask_curl, ask_httpx, ask_triton, assert_recorded
from tests.interop.processes import Sidecar, Tee, mlserver, sidecar
from tests.kit.fastestdet import FastestDet

INFER = "/v2/models/fastestdet/infer"
pytestmark = pytest.mark.timeout(900)  # an environment is made in it once, and a server starts


@pytest.fixture(scope="module")
def server(
    python_of: Callable[[str], str], fastestdet_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The HTTP port of a running server."""
    with mlserver(python_of("mlserver"), tmp_path_factory.mktemp("mlserver"), *fastestdet_files, "v1") as port:
        yield port


@pytest.fixture(scope="module")
def tee(server: int) -> Iterator[Tee]:
    with Tee(server) as relay:
        yield relay


@pytest.fixture(scope="module")
def proxied(tee: Tee, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    with sidecar(tee.url, tmp_path_factory.mktemp("sidecar")) as started:
        yield started


def _request(photo: Path, folder: Path) -> Path:
    picture = base64.b64encode(photo.read_bytes()).decode()
    file = folder / "request.json"
    file.write_text(json.dumps({"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [picture]}]}))
    return file


def test_a_direct_request_answers_what_the_detector_finds(
    server: int, detector: FastestDet, photos: list[Path], tmp_path: Path
) -> None:
    """The server alone gives the detector's boxes: the ground that the other tests stand on."""
    for photo in photos:
        request = urllib.request.Request(
            f"http://127.0.0.1:{server}{INFER}",
            _request(photo, tmp_path).read_bytes(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            reply = json.load(response)
        found = detector.detect(photo.read_bytes())
        tensors = {output["name"]: output for output in reply["outputs"]}
        assert tensors["boxes"]["shape"] == [len(found.boxes), 4]
        np.testing.assert_allclose(np.array(tensors["boxes"]["data"]).reshape(-1, 4), found.boxes, atol=1e-3)
        assert tensors["classes"]["data"] == [detector.names[index] for index in found.classes]


def test_tritonclient_through_the_sidecar_reads_the_same_boxes_as_directly_and_they_are_recorded(
    proxied: Sidecar,
    server: int,
    tee: Tee,
    python_of: Callable[[str], str],
    detector: FastestDet,
    photos: list[Path],
) -> None:
    """tritonclient with JSON tensors, keep-alive over several photos: replies as direct, each boxes set recorded."""
    python = python_of("clients")
    direct = ask_triton(python, f"127.0.0.1:{server}", "fastestdet", photos)
    through = ask_triton(python, proxied.url.removeprefix("http://"), "fastestdet", photos)
    for photo, plain, relayed in zip(photos, direct, through, strict=True):
        assert _without_times(relayed["reply"]) == _without_times(plain["reply"])
        assert plain["prediction_id"] is None
        recorded = proxied.prediction(relayed["prediction_id"])
        assert_recorded(recorded, detector.detect(photo.read_bytes()), detector.names)
        assert recorded["model"] == "fastestdet"
    assert len({relayed["prediction_id"] for relayed in through}) == len(photos)


def test_httpx_through_the_sidecar_gets_the_servers_bytes_and_boxes_are_recorded(
    proxied: Sidecar,
    tee: Tee,
    python_of: Callable[[str], str],
    detector: FastestDet,
    photos: list[Path],
    tmp_path: Path,
) -> None:
    """A V2 request from httpx, which accepts gzip: the bytes are the server's, its boxes are in the record."""
    for photo in photos:
        request = _request(photo, tmp_path)
        answer = ask_httpx(python_of("clients"), f"{proxied.url}{INFER}", "application/json", request)
        _assert_relayed_and_recorded(answer, proxied, tee, detector, photo)
        assert tee.server_got(request.read_bytes())


def test_curl_through_the_sidecar_gets_the_servers_bytes_and_boxes_are_recorded(
    proxied: Sidecar, tee: Tee, curl: str, detector: FastestDet, photos: list[Path], tmp_path: Path
) -> None:
    """A V2 request from curl, with Expect: 100-continue: the bytes are the server's, its boxes are in the record."""
    for photo in photos:
        answer = ask_curl(
            curl,
            f"{proxied.url}{INFER}",
            tmp_path,
            *("-H", "content-type: application/json", "-H", "Expect: 100-continue"),
            *("--data-binary", f"@{_request(photo, tmp_path)}"),
        )
        _assert_relayed_and_recorded(answer, proxied, tee, detector, photo)


def test_health_and_metadata_pass_through_and_bear_no_prediction_id(
    proxied: Sidecar, server: int, tee: Tee, curl: str, tmp_path: Path
) -> None:
    """What is no prediction is relayed as it is and gets no id."""
    for path in ("/v2/models/fastestdet", "/v2/health/ready"):
        answer = ask_curl(curl, f"{proxied.url}{path}", tmp_path)
        direct = ask_curl(curl, f"http://127.0.0.1:{server}{path}", tmp_path)
        assert (answer.status, answer.body) == (direct.status, direct.body)
        assert "x-prediction-id" not in answer.headers


def test_an_unknown_models_error_passes_through_unchanged(
    proxied: Sidecar, tee: Tee, curl: str, photos: list[Path], tmp_path: Path
) -> None:
    """The server's own 404 reaches the client, and the record of that model has its status."""
    url = f"{proxied.url}/v2/models/absent/infer"
    posted = ("-H", "content-type: application/json", "--data-binary", f"@{_request(photos[0], tmp_path)}")
    answer = ask_curl(curl, url, tmp_path, *posted)
    assert answer.status == 404
    assert tee.server_sent(answer.body)
    recorded = proxied.prediction(answer.headers["x-prediction-id"])
    assert (recorded["model"], recorded["status"]) == ("absent", 404)


def _without_times(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name != "parameters"}


def _assert_relayed_and_recorded(answer: Answer, proxied: Sidecar, tee: Tee, detector: FastestDet, photo: Path) -> None:
    assert answer.status == 200, answer.body
    assert tee.server_sent(answer.body)
    recorded = proxied.prediction(answer.headers["x-prediction-id"])
    assert_recorded(recorded, detector.detect(photo.read_bytes()), detector.names)
    assert (recorded["model"], recorded["status"]) == ("fastestdet", 200)
