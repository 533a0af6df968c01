"""The demo's traffic, in its own process: ``python -m sidecar.demo.traffic --url U --pools FILE --rate 20``.

A day lasts DAY_S: the light falls and recovers and the mix of digits shifts. Each request comes from one of CAMERAS.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from math import cos, pi
from pathlib import Path

import aiohttp
import numpy as np
import setproctitle
from numpy.typing import NDArray

from sidecar.demo.digits import Pool, read_pools
from sidecar.demo.scenes import Kind, Scene, compose

DAY_S = 120.0
CAMERAS = 400
IN_FLIGHT_MAX = 64
TIMEOUT_S = 10.0
PATHS: tuple[tuple[str, float], ...] = (("/v2/models/digits/infer", 0.75), ("/v2/models/gate/infer", 0.25))
"""The model that most cameras ask, and that of the gate, each with its share of requests."""
KINDS: tuple[tuple[Kind, float], ...] = (("ordinary", 0.84), ("empty", 0.08), ("crowded", 0.08))


@dataclass(slots=True)
class Counts:
    """``skipped``: not sent since IN_FLIGHT_MAX requests were under way. ``failed``: no answer at all."""

    sent: int = 0
    failed: int = 0
    skipped: int = 0
    statuses: dict[int, int] = field(default_factory=dict)


def light_at(elapsed_s: float) -> float:
    """1 at noon, where a demo starts, and 0 at midnight.

    >>> light_at(0), light_at(DAY_S / 2), light_at(DAY_S)
    (1.0, 0.0, 1.0)
    """
    return (1 + cos(2 * pi * elapsed_s / DAY_S)) / 2


def mix_at(elapsed_s: float) -> NDArray[np.float64]:
    """[10] how often each digit is written: the favourite moves from 0 at noon on to 5 at midnight and back."""
    phase = 2 * pi * (elapsed_s / DAY_S - np.arange(10) / 10)
    weights = 1 + 0.8 * np.cos(phase)
    return np.asarray(weights / weights.sum(), np.float64)


def scene_at(elapsed_s: float, rng: np.random.Generator, pool: Pool) -> Scene:
    """A scene of that time of the demo's day."""
    kind = KINDS[int(rng.choice(len(KINDS), p=[share for _, share in KINDS]))][0]
    return compose(rng, pool, light=light_at(elapsed_s), kind=kind, weights=mix_at(elapsed_s))


def _jpeg_at(elapsed_s: float, rng: np.random.Generator, pool: Pool) -> bytes:
    return scene_at(elapsed_s, rng, pool).jpeg()


async def send_traffic(
    url: str, pool: Pool, rate: float, seed: int, stop: asyncio.Event, duration_s: float | None = None
) -> Counts:
    """Sends ``rate`` scenes a second to ``url`` until ``stop`` is set or ``duration_s`` is over; then lets all end."""
    rng = np.random.default_rng(seed)
    counts = Counts()
    under_way: set[asyncio.Task[None]] = set()
    started = time.monotonic()
    due = started
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=IN_FLIGHT_MAX)) as session:
        while not stop.is_set() and (duration_s is None or due - started < duration_s):
            if len(under_way) < IN_FLIGHT_MAX:
                elapsed_s = due - started
                body = await asyncio.to_thread(_jpeg_at, elapsed_s, rng, pool)
                camera = f"camera-{int(rng.integers(CAMERAS)):03d}"
                path = PATHS[int(rng.choice(len(PATHS), p=[share for _, share in PATHS]))][0]
                task = asyncio.create_task(_send(session, url.rstrip("/") + path, camera, body, counts))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            else:
                counts.skipped += 1
            # A machine too slow for the rate sends as fast as it can: it does not owe what it missed.
            due = max(due + 1 / rate, time.monotonic() - 1)
            await _wait(stop, due - time.monotonic())
        if under_way:
            await asyncio.gather(*under_way)
    return counts


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    if seconds <= 0:
        return
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _send(session: aiohttp.ClientSession, url: str, camera: str, jpeg: bytes, counts: Counts) -> None:
    body, headers = infer_request(jpeg)
    counts.sent += 1
    try:
        async with session.post(url, data=body, headers={**headers, "X-Camera-Id": camera}) as response:
            await response.read()
            counts.statuses[response.status] = counts.statuses.get(response.status, 0) + 1
    except (aiohttp.ClientError, TimeoutError):
        counts.failed += 1


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
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pool = read_pools(options.pools)["traffic"]
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    ended = asyncio.create_task(_stop_at_end(reader, stop))
    try:
        return await send_traffic(options.url, pool, options.rate, options.seed, stop, options.duration_s)
    finally:
        ended.cancel()
        transport.close()


async def _stop_at_end(reader: asyncio.StreamReader, stop: asyncio.Event) -> None:
    while await reader.read(4096):
        pass
    stop.set()


def main() -> None:
    parser = argparse.ArgumentParser(description="Scenes with handwritten digits, sent to a detector.")
    parser.add_argument("--url", required=True, help="base URL of the data port")
    parser.add_argument("--pools", required=True, type=Path, help="the file that sidecar.demo.server wrote")
    parser.add_argument("--rate", type=float, default=20.0, help="requests/s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--duration-s", type=float, help="[default: until standard input ends]")
    options = parser.parse_args()
    if not options.rate > 0:
        parser.error("--rate: must be over 0")
    setproctitle.setproctitle("sidecar: demo traffic")
    print(json.dumps(asdict(asyncio.run(_run(options)))), flush=True)


if __name__ == "__main__":
    main()
