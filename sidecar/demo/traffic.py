"""The demo's traffic, in its own process: ``python -m sidecar.demo.traffic --url U --pools FILE --rate 20``.

A day lasts DAY_S: the light falls and recovers and the mix of digits shifts. Or, with ``--light day`` or ``night``, it
stays until a line of standard input says otherwise (``night``, ``day``, ``cycle``, ``pool collection``, ``rate 30``);
the end of standard input ends it all. Each request comes from one of CAMERAS and bears an id of its own as
X-Request-Id; ``--truth FILE`` gets, before a scene is sent, what is in it (see ``reviewer``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO, get_args

import aiohttp
import numpy as np
import setproctitle

from sidecar.demo.digits import SIZES, Pool, read_pools
from sidecar.demo.reviewer import Truth, truth_line
from sidecar.demo.scenes import Scene
from sidecar.demo.stage import KINDS, Light, Stage

CAMERAS = 400
IN_FLIGHT_MAX = 64
TIMEOUT_S = 10.0
LINE_BYTES_MAX = 4096
TRUTH_LINES_MAX = 100_000
PATH = "/v2/models/{model}/infer"
MODELS: Mapping[str, float] = {"digits": 0.75, "gate": 0.25}
"""The model that most cameras ask, and that of the gate, each with its share of requests."""


@dataclass(slots=True)
class Counts:
    """``skipped``: not sent since IN_FLIGHT_MAX requests were under way. ``failed``: no answer at all. ``untold``: what
    is in them was not written, since the file has TRUTH_LINES_MAX. ``refused``: lines of input not understood."""

    sent: int = 0
    failed: int = 0
    skipped: int = 0
    untold: int = 0
    refused: int = 0
    statuses: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Traffic:
    """Sends the scenes of ``stage`` to ``url``, each to one of ``models``, and writes what is in them to ``truth``.

    ``run`` may be called once; ``told`` at any time while it runs.
    """

    url: str
    pools: Mapping[str, Pool]
    stage: Stage
    seed: int = 1
    models: Sequence[str] = tuple(MODELS)
    truth: TextIO | None = None
    counts: Counts = field(default_factory=Counts)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _started: float = field(default_factory=time.monotonic)

    async def run(self, duration_s: float | None = None) -> Counts:
        """Until ``stop`` is set or ``duration_s`` is over; then lets all end."""
        rng = np.random.default_rng(self.seed)
        shares = np.array([MODELS[model] for model in self.models])
        run_id = uuid.uuid4().hex[:8]
        under_way: set[asyncio.Task[None]] = set()
        due = self._started = time.monotonic()
        timeout, connector = aiohttp.ClientTimeout(total=TIMEOUT_S), aiohttp.TCPConnector(limit=IN_FLIGHT_MAX)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            while not self.stop.is_set() and (duration_s is None or due - self._started < duration_s):
                if len(under_way) < IN_FLIGHT_MAX:
                    scene, jpeg = await asyncio.to_thread(self._shown, due - self._started, rng)
                    request_id = f"scene-{run_id}-{self.counts.sent:06d}"
                    self._tell(request_id, scene)
                    headers = {"X-Request-Id": request_id, "X-Camera-Id": f"camera-{int(rng.integers(CAMERAS)):03d}"}
                    model = self.models[int(rng.choice(len(shares), p=shares / shares.sum()))]
                    self.counts.sent += 1
                    task = asyncio.create_task(self._send(session, PATH.format(model=model), headers, jpeg))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                else:
                    self.counts.skipped += 1
                # A machine too slow for the rate sends as fast as it can: it does not owe what it missed.
                due = max(due + 1 / self.stage.rate, time.monotonic() - 1)
                await _wait(self.stop, due - time.monotonic())
            if under_way:
                await asyncio.gather(*under_way)
        return self.counts

    def told(self, line: str) -> None:
        """See ``Stage.told``; what is not understood is counted, and said on standard error."""
        try:
            self.stage.told(line, time.monotonic() - self._started)
        except ValueError as error:
            self.counts.refused += 1
            print(f"demo traffic: {error}", file=sys.stderr, flush=True)

    def _shown(self, elapsed_s: float, rng: np.random.Generator) -> tuple[Scene, bytes]:
        scene = self.stage.scene(elapsed_s, rng, self.pools)
        return scene, scene.jpeg()

    def _tell(self, request_id: str, scene: Scene) -> None:
        if self.truth is None:
            return
        if self.counts.sent >= TRUTH_LINES_MAX:
            self.counts.untold += 1
            return
        truth = Truth(tuple(map(tuple, scene.boxes.tolist())), tuple(map(str, scene.labels.tolist())))
        self.truth.write(truth_line(request_id, truth) + "\n")
        self.truth.flush()

    async def _send(self, session: aiohttp.ClientSession, path: str, headers: dict[str, str], jpeg: bytes) -> None:
        body, described = infer_request(jpeg)
        try:
            async with session.post(
                self.url.rstrip("/") + path, data=body, headers={**described, **headers}
            ) as response:
                await response.read()
                self.counts.statuses[response.status] = self.counts.statuses.get(response.status, 0) + 1
        except (aiohttp.ClientError, TimeoutError):
            self.counts.failed += 1


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    if seconds <= 0:
        return
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def infer_request(jpeg: bytes) -> tuple[bytes, dict[str, str]]:
    """(body, headers) of a KServe V2 request with the image as a binary BYTES tensor."""
    element = len(jpeg).to_bytes(4, "little") + jpeg
    parameters = {"binary_data_size": len(element)}
    head = json.dumps({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "parameters": parameters}]})
    return head.encode() + element, {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(head)),
    }


async def _run(options: argparse.Namespace) -> Counts:
    loop = asyncio.get_running_loop()
    with ExitStack() as stack:
        truth = stack.enter_context(options.truth.open("a")) if options.truth is not None else None
        stage = Stage(options.light, options.pool, options.kinds, options.rate)
        traffic = Traffic(options.url, read_pools(options.pools), stage, options.seed, options.models, truth)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, traffic.stop.set)
        reader = asyncio.StreamReader(LINE_BYTES_MAX)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        told = asyncio.create_task(_listen(reader, traffic))
        try:
            return await traffic.run(options.duration_s)
        finally:
            told.cancel()
            transport.close()


async def _listen(reader: asyncio.StreamReader, traffic: Traffic) -> None:
    try:
        while line := await reader.readline():
            traffic.told(line.decode(errors="replace"))
    except ValueError:  # a line over LINE_BYTES_MAX: whoever sends that is not the demo
        traffic.counts.refused += 1
    finally:
        traffic.stop.set()


def main() -> None:
    parser = argparse.ArgumentParser(description="Scenes with handwritten digits, sent to a detector.")
    parser.add_argument("--url", required=True, help="base URL of the data port")
    parser.add_argument("--pools", required=True, type=Path, help="the file that sidecar.demo.server wrote")
    parser.add_argument("--rate", type=float, default=20.0, help="requests/s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--duration-s", type=float, help="[default: until standard input ends]")
    parser.add_argument("--light", choices=get_args(Light), default="cycle")
    parser.add_argument("--pool", choices=sorted(SIZES), default="traffic", help="whose digits")
    parser.add_argument("--kinds", choices=sorted(KINDS), default="mixed", help="of scenes; short: 2 to 4 digits")
    parser.add_argument("--models", nargs="+", choices=sorted(MODELS), default=list(MODELS), help="that are asked")
    parser.add_argument("--truth", type=Path, help="file that gets what is in each scene, a JSON line each")
    options = parser.parse_args()
    if not options.rate > 0:
        parser.error("--rate: must be over 0")
    setproctitle.setproctitle("sidecar: demo traffic")
    print(json.dumps(asdict(asyncio.run(_run(options)))), flush=True)


if __name__ == "__main__":
    main()
