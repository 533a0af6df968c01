"""A small KServe V2 model server for the journeys: ``python tests/kit/model_server.py PORT NAME``.

It answers every image with the same boxes under its own name, so that a test can tell variants apart; ``/sleep`` is
answered too, and GET / counts the images it has seen by path. After ``POST /behave`` with JSON ``status`` and
``delay_s`` it answers images with that status, so many seconds late; while ``held`` is true it answers neither.
"""

import asyncio
import sys

from aiohttp import web

SEEN: dict[str, int] = {}
BEHAVIOUR = {"status": 200, "delay_s": 0.0, "held": False}
HOLD_LOOK_S = 0.02
BOXES = [10.0, 20.0, 110.0, 220.0, 300.0, 100.0, 400.0, 180.0]


async def infer(request: web.Request) -> web.Response:
    await request.read()
    SEEN[request.path] = SEEN.get(request.path, 0) + 1
    await asyncio.sleep(BEHAVIOUR["delay_s"])
    await released()
    if BEHAVIOUR["status"] != 200:
        return web.json_response({"error": "as it was told"}, status=int(BEHAVIOUR["status"]))
    outputs = [
        {"name": "boxes", "shape": [2, 4], "datatype": "FP32", "data": BOXES},
        {"name": "scores", "shape": [2], "datatype": "FP32", "data": [0.875, 0.5]},
        {"name": "classes", "shape": [2], "datatype": "BYTES", "data": ["car", "person"]},
    ]
    answer = {"model_name": request.match_info["model"], "model_version": request.app["name"], "outputs": outputs}
    return web.json_response(answer)


async def behave(request: web.Request) -> web.Response:
    BEHAVIOUR.update(await request.json())
    return web.json_response(BEHAVIOUR)


async def sleep(request: web.Request) -> web.Response:
    await released()
    return web.json_response({"slept": True})


async def released() -> None:
    while BEHAVIOUR["held"]:  # noqa: ASYNC110 - nothing here is to be fast
        await asyncio.sleep(HOLD_LOOK_S)


async def count(request: web.Request) -> web.Response:
    return web.json_response(SEEN)


def main(port: int, name: str) -> None:
    app = web.Application(client_max_size=64 << 20)
    app["name"] = name
    app.router.add_post("/v2/models/{model}/infer", infer)
    app.router.add_post("/v2/models/{model}/versions/{version}/infer", infer)
    app.router.add_post("/behave", behave)
    app.router.add_get("/sleep", sleep)
    app.router.add_get("/", count)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
