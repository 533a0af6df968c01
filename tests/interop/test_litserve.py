"""LitServe with a real detector, a real sidecar in front, and the clients that people use."""

from __future__ import annotations

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.interop.asking import Answer, ask_curl, ask_httpx, assert_recorded
from tests.interop.processes import Sidecar, Tee, running, sidecar
from tests.kit.fastestdet import FastestDet
from tests.kit.ports import free_ports

SERVER = Path(__file__).parent / "servers" / "litserve_app.py"
MODULE = Path(__file__).parents[1] / "kit" / "fastestdet.py"
pytestmark = pytest.mark.timeout(900)  # an environment is made in it once, and a server starts


@pytest.fixture(scope="module")
def server(
    python_of: Callable[[str], str], fastestdet_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a running server."""
    folder = tmp_path_factory.mktemp("litserve")
    (port,) = free_ports(1)
    command = [python_of("litserve"), str(SERVER), str(port), *map(str, fastestdet_files), str(MODULE)]
    with running(command, f"http://127.0.0.1:{port}/health", folder / "server.log", cwd=folder):
        yield port


@pytest.fixture(scope="module")
def tee(server: int) -> Iterator[Tee]:
    with Tee(server) as relay:
        yield relay


@pytest.fixture(scope="module")
def proxied(tee: Tee, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    with sidecar(tee.url, tmp_path_factory.mktemp("sidecar")) as started:
        yield started


def _base64_request(photo: Path, folder: Path) -> Path:
    file = folder / "request.json"
    file.write_text(json.dumps({"image": base64.b64encode(photo.read_bytes()).decode()}))
    return file


def test_a_direct_request_answers_what_the_detector_finds(
    server: int, detector: FastestDet, photos: list[Path], tmp_path: Path
) -> None:
    """The server alone gives the detector's boxes: the ground that the other tests stand on."""
    for photo in photos:
        request = urllib.request.Request(
            f"http://127.0.0.1:{server}/predict",
            _base64_request(photo, tmp_path).read_bytes(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            (image,) = json.load(response)["images"]
        found = detector.detect(photo.read_bytes())
        assert image["shape"] == [found.height, found.width]
        boxes = [list(item["box"].values()) for item in image["results"]]
        np.testing.assert_allclose(np.array(boxes).reshape(-1, 4), found.boxes, atol=1e-2)


def test_httpx_through_the_sidecar_gets_the_servers_bytes_and_boxes_are_recorded(
    proxied: Sidecar,
    tee: Tee,
    python_of: Callable[[str], str],
    detector: FastestDet,
    photos: list[Path],
    tmp_path: Path,
) -> None:
    """Base64 in JSON from httpx: the answer is the server's byte for byte and its boxes are in the record."""
    for photo in photos:
        request = _base64_request(photo, tmp_path)
        answer = ask_httpx(python_of("clients"), f"{proxied.url}/predict", "application/json", request)
        _assert_relayed_and_recorded(answer, proxied, tee, detector, photo)
        assert tee.server_got(request.read_bytes())


def test_curl_multipart_through_the_sidecar_gets_the_servers_bytes_and_boxes_are_recorded(
    proxied: Sidecar, tee: Tee, curl: str, detector: FastestDet, photos: list[Path], tmp_path: Path
) -> None:
    """A multipart upload from curl, chunked or counted: the server's bytes come back and its boxes are recorded."""
    for number, photo in enumerate(photos):
        framing = ["-H", "Transfer-Encoding: chunked"] if number % 2 else []
        answer = ask_curl(curl, f"{proxied.url}/predict", tmp_path, *framing, "-F", f"file=@{photo};type=image/jpeg")
        _assert_relayed_and_recorded(answer, proxied, tee, detector, photo)


def test_a_servers_error_passes_through_unchanged_and_is_recorded_as_such(
    proxied: Sidecar, tee: Tee, curl: str, tmp_path: Path
) -> None:
    """A request the server can't read: its own error reaches the client and the record has its status, no boxes."""
    answer = ask_curl(
        curl, f"{proxied.url}/predict", tmp_path, "-H", "content-type: application/json", "--data-binary", "{}"
    )
    assert answer.status >= 400
    assert tee.server_sent(answer.body)
    recorded = proxied.prediction(answer.headers["x-prediction-id"])
    assert recorded["status"] == answer.status
    assert not recorded["detections"]


def _assert_relayed_and_recorded(answer: Answer, proxied: Sidecar, tee: Tee, detector: FastestDet, photo: Path) -> None:
    before = time.time()
    assert answer.status == 200, answer.body
    assert tee.server_sent(answer.body)
    found = detector.detect(photo.read_bytes())
    recorded = proxied.prediction(answer.headers["x-prediction-id"])
    assert_recorded(recorded, found, detector.names)
    assert (recorded["image_width"], recorded["image_height"]) == (found.width, found.height)
    assert recorded["status"] == 200
    assert abs(recorded["at"] - before) < 60
