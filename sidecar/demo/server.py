"""The demo's detector behind a real HTTP server, in its own process: ``python -m sidecar.demo.server --port 0``.

Routes: KServe V2 (JSON and binary tensors) and ``POST /predict`` in Ultralytics' format. One JSON line ``{"port": N}``
on standard output says that it listens; the end of its standard input, a pipe, ends it.

With ``--models DIR`` a version N that was not trained here is looked for as ``DIR/N/model.npz`` when it is first asked
for, and stays loaded: that is how what ``sidecar.demo.trainer`` made comes to serve. Those trained here are put there
too, so that no other takes their names.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import contextlib
import io
import json
import re
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import setproctitle
from aiohttp import web
from numpy.typing import NDArray
from PIL import Image

from sidecar.demo.classifier import MODEL_NAME, read_classifier, save_classifier
from sidecar.demo.detector import PIXELS_MAX, Detector, Found
from sidecar.demo.digits import load_pools, save_pools
from sidecar.demo.learning import RECIPES, train_versions

BODY_MAX_BYTES = 16 * 1024 * 1024
MODEL = "digits"
NAMES = (MODEL, "gate")
"""One detector under the name of each camera's model."""
DEFAULT_VERSION = "1"
VERSIONS_MAX = 32
"""So many stay loaded; another one is refused."""
DETECTORS = web.AppKey("detectors", dict[str, Detector])
MODELS = web.AppKey[Path | None]("models")
VERSION_NAME = re.compile(r"[0-9]{1,9}")
LENGTH_HEADER = "Inference-Header-Content-Length"


class BadInput(Exception):
    """A request that cannot be answered; the text names the field."""


def create_app(detectors: dict[str, Detector], models: Path | None = None) -> web.Application:
    """The server for these versions, by their names, and for those it finds in the folder ``models``."""
    app = web.Application(client_max_size=BODY_MAX_BYTES, middlewares=[_errors])
    app[DETECTORS] = detectors
    app[MODELS] = models
    app.router.add_get("/v2/health/ready", _ready)
    app.router.add_get("/v2/health/live", _ready)
    app.router.add_get("/v2/models/{model}", _metadata)
    app.router.add_get("/v2/models/{model}/versions/{version}", _metadata)
    app.router.add_post("/v2/models/{model}/infer", _infer)
    app.router.add_post("/v2/models/{model}/versions/{version}/infer", _infer)
    app.router.add_post("/predict", _predict)
    return app


@web.middleware
async def _errors(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
        return response
    except BadInput as error:
        return web.json_response({"error": str(error)}, status=400)


def _detectors(request: web.Request) -> dict[str, Detector]:
    return request.app[DETECTORS]


async def _ready(_: web.Request) -> web.Response:
    return web.json_response({"live": True, "ready": True})


async def _metadata(request: web.Request) -> web.Response:
    await _detector(request)
    outputs = [("boxes", "FP32", [1, -1, 4]), ("scores", "FP32", [1, -1])]
    outputs += [("classes", "BYTES", [1, -1]), ("num_dets", "INT32", [1, 1])]
    return web.json_response(
        {
            "name": MODEL,
            "versions": list(_detectors(request)),
            "platform": "sidecar_demo",
            "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1]}],
            "outputs": [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape in outputs],
        }
    )


async def _infer(request: web.Request) -> web.Response:
    detector = await _detector(request)
    head, tail = _split(await request.read(), request.headers.get(LENGTH_HEADER))
    content = _v2_image(head, tail)
    found = await asyncio.to_thread(lambda: detector.detect(_pixels(content)))
    answer: dict[str, Any] = {"model_name": MODEL, "model_version": detector.version}
    if "id" in head:
        answer["id"] = head["id"]
    parameters = head.get("parameters")
    if isinstance(parameters, dict) and parameters.get("binary_data_output") is True:
        return _binary(answer, found)
    answer["outputs"] = [
        {"name": name, "datatype": kind, "shape": shape, "data": data} for name, kind, shape, data, _ in _outputs(found)
    ]
    return web.json_response(answer)


def _binary(answer: dict[str, Any], found: Found) -> web.Response:
    """Triton's binary tensor data extension: a JSON part, then the blobs in the order of the outputs."""
    outputs = _outputs(found)
    answer["outputs"] = [
        {"name": name, "datatype": kind, "shape": shape, "parameters": {"binary_data_size": len(blob)}}
        for name, kind, shape, _, blob in outputs
    ]
    head = json.dumps(answer).encode()
    return web.Response(
        body=head + b"".join(output[4] for output in outputs),
        content_type="application/octet-stream",
        headers={LENGTH_HEADER: str(len(head))},
    )


def _outputs(found: Found) -> list[tuple[str, str, list[int], list[Any], bytes]]:
    """(name, datatype, shape, flat data, little-endian bytes) of each output."""
    count = len(found.boxes)
    texts = [str(digit) for digit in found.classes.tolist()]
    packed = b"".join(len(text).to_bytes(4, "little") + text.encode() for text in texts)
    boxes, scores = found.boxes.astype("<f4"), found.scores.astype("<f4")
    return [
        ("boxes", "FP32", [1, count, 4], boxes.ravel().tolist(), boxes.tobytes()),
        ("scores", "FP32", [1, count], scores.tolist(), scores.tobytes()),
        ("classes", "BYTES", [1, count], texts, packed),
        ("num_dets", "INT32", [1, 1], [count], count.to_bytes(4, "little")),
    ]


async def _predict(request: web.Request) -> web.Response:
    content, version = await _uploaded(request)
    detector = await _loaded(request, version)
    if detector is None:
        raise BadInput(f"version: {version!r} is none of {', '.join(_detectors(request))}")
    started = time.perf_counter()
    pixels = await asyncio.to_thread(_pixels, content)
    decoded = time.perf_counter()
    found = await asyncio.to_thread(detector.detect, pixels)
    speed = {"preprocess": 1e3 * (decoded - started), "inference": 1e3 * (time.perf_counter() - decoded)}
    rows = [
        {
            "name": str(digit),
            "class": digit,
            "confidence": round(score, 5),
            "box": dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
        }
        for digit, score, box in zip(found.classes.tolist(), found.scores.tolist(), found.boxes.tolist(), strict=True)
    ]
    image = {"shape": [pixels.shape[0], pixels.shape[1]], "results": rows, "speed": {**speed, "postprocess": 0.0}}
    return web.json_response({"images": [image], "metadata": {"version": detector.version}})


async def _uploaded(request: web.Request) -> tuple[bytes, str]:
    """(the image, the version): a raw body, or a form's first file."""
    version = request.query.get("version", DEFAULT_VERSION)
    if not request.content_type.startswith("multipart/"):
        return await request.read(), version
    form = await request.post()
    for value in form.values():
        if isinstance(value, web.FileField):
            return value.file.read(), version
    raise BadInput("file: the form has no file")


async def _detector(request: web.Request) -> Detector:
    version = request.match_info.get("version", DEFAULT_VERSION)
    detector = await _loaded(request, version) if request.match_info["model"] in NAMES else None
    if detector is None:
        raise web.HTTPNotFound(text=json.dumps({"error": "no such model"}), content_type="application/json")
    return detector


async def _loaded(request: web.Request, version: str) -> Detector | None:
    """The version, trained here or found in the folder of models; None where there is none."""
    detectors, models = _detectors(request), request.app[MODELS]
    if version in detectors or models is None or not VERSION_NAME.fullmatch(version):
        return detectors.get(version)
    try:
        classifier = await asyncio.to_thread(read_classifier, models / version / MODEL_NAME)
    except (OSError, ValueError):
        return None
    if len(detectors) >= VERSIONS_MAX:
        raise BadInput(f"version: {VERSIONS_MAX} are loaded already")
    return detectors.setdefault(version, Detector(version, classifier))


def _split(body: bytes, length: str | None) -> tuple[dict[str, Any], bytes]:
    """(JSON part, binary part) of a V2 request."""
    end = len(body)
    if length is not None:
        if not length.isascii() or not length.isdigit() or int(length[:12]) > len(body):
            raise BadInput(f"{LENGTH_HEADER}: {length!r:.40} does not lie in a body of {len(body)} bytes")
        end = int(length)
    try:
        head = json.loads(body[:end])
    except (ValueError, RecursionError):
        raise BadInput("body: not JSON") from None
    if not isinstance(head, dict):
        raise BadInput("body: not a JSON object")
    return head, body[end:]


def _v2_image(head: dict[str, Any], tail: bytes) -> bytes:
    """The one image of a V2 request: base64 in the JSON's data, or a BYTES element in the binary part."""
    inputs = head.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise BadInput("inputs: expected one")
    tensor = inputs[0]
    if tensor.get("datatype") != "BYTES":
        raise BadInput("inputs[0].datatype: expected BYTES")
    parameters = tensor.get("parameters")
    if isinstance(parameters, dict) and "binary_data_size" in parameters:
        if parameters["binary_data_size"] != len(tail) or len(tail) != 4 + int.from_bytes(tail[:4], "little"):
            raise BadInput("inputs[0]: its bytes are not one BYTES element")
        return tail[4:]
    data = tensor.get("data")
    if not isinstance(data, list) or len(data) != 1 or not isinstance(data[0], str):
        raise BadInput("inputs[0].data: expected one base64 text")
    try:
        return base64.b64decode(data[0], validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("inputs[0].data: not base64") from None


def _pixels(content: bytes) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > PIXELS_MAX:
                raise BadInput(f"image: over {PIXELS_MAX} pixels")
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise BadInput("image: not one that can be read") from None


async def serve(port: int, pools_path: Path | None, versions: Sequence[str], models: Path | None) -> None:
    """Trains ``versions``, listens on 127.0.0.1 and runs until standard input ends or a signal comes."""
    pools = load_pools()
    if pools_path is not None:
        save_pools(pools_path, pools)
    detectors = train_versions(pools, versions)
    if models is not None:
        _publish(models, detectors)
    runner = web.AppRunner(create_app(detectors, models), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        with contextlib.suppress(BrokenPipeError):  # whoever started it may be gone after seconds of training
            print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
            await until_told()
    finally:
        await runner.cleanup()


def _publish(models: Path, detectors: dict[str, Detector]) -> None:
    for name, detector in detectors.items():
        (models / name).mkdir(parents=True, exist_ok=True)
        save_classifier(models / name / MODEL_NAME, detector.classifier)


async def until_told() -> None:
    """Until standard input ends, or SIGTERM or SIGINT comes."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def drained() -> None:
        while await reader.read(4096):
            pass
        told.set()

    drain = asyncio.create_task(drained())
    await told.wait()
    drain.cancel()
    transport.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="The demo's detector of handwritten digits.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--pools", type=Path, help="write the pools of digits to this file for the traffic")
    parser.add_argument("--versions", default=",".join(RECIPES), help="which to train at start [default: %(default)s]")
    parser.add_argument("--models", type=Path, help="folder in which other versions are found, as N/model.npz")
    options = parser.parse_args()
    versions = options.versions.split(",")
    if not set(versions) <= set(RECIPES):
        parser.error(f"--versions: {options.versions!r} is not of {', '.join(RECIPES)}")
    setproctitle.setproctitle("sidecar: demo detector")
    asyncio.run(serve(options.port, options.pools, versions, options.models))


if __name__ == "__main__":
    main()
