"""A KServe V2 model server that runs a real detector: ``python tests/kit/photo_server.py PORT VERSION WEIGHTS NAMES``.

Whatever the path under ``/v2/models``, the body is one JPEG or PNG.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kit.fastestdet import FastestDet, Found


def answer_of(found: Found, names: list[str], version: str) -> dict[str, Any]:
    """What KServe V2 says of one image."""
    count = len(found.scores)
    outputs = [
        {"name": "boxes", "shape": [count, 4], "datatype": "FP32", "data": found.boxes.ravel().tolist()},
        {"name": "scores", "shape": [count], "datatype": "FP32", "data": found.scores.tolist()},
        {"name": "classes", "shape": [count], "datatype": "BYTES", "data": [names[code] for code in found.classes]},
    ]
    return {"model_name": "vehicles", "model_version": version, "outputs": outputs}


def main(port: int, version: str, weights: Path, names: Path) -> None:
    detector = FastestDet(weights, names)

    async def infer(request: web.Request) -> web.Response:
        found = await asyncio.to_thread(detector.detect, await request.read())
        return web.Response(text=json.dumps(answer_of(found, detector.names, version)), content_type="application/json")

    async def live(request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v2/models/{rest:.+}", infer)
    app.router.add_get("/", live)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
