"""What exports and live listeners cost the process that answers: one server, all formats in one run.

    python tests/benchmarks/exports.py [--predictions 1000000] [--listeners 32] [--seconds 20]

A store of predictions with two and a half detections each on average is served by a process of its own, as the monitor
serves it (uvloop), whose event loop is watched by a task that wants to wake every 5 ms. A reader on this side takes the
files as they come. For each file: rows a second, size, how far the server's resident memory rose above what it was
before, the longest stall of its event loop and the 99th percentile, and the processor time. The same is measured of the
server at rest, and with so many listeners to live figures of 20 versions. Proxied requests are answered by other
processes and have no part in this.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
WAKE_S = 0.005
FILES = [(of, name) for name in ("jsonl", "csv", "parquet") for of in ("predictions", "detections")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--listeners", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=20, help="of each measurement but the exports")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        import uvloop

        uvloop.run(serve(Path(arguments.serve)))
        return 0
    with tempfile.TemporaryDirectory(prefix="exports-benchmark-") as folder:
        asyncio.run(measure(Path(folder), arguments.predictions, arguments.listeners, arguments.seconds))
    return 0


async def measure(folder: Path, predictions: int, listeners: int, seconds: int) -> None:
    import aiohttp

    cores = len(os.sched_getaffinity(0))
    print(f"{platform.machine()}, {cores} cores, Python {platform.python_version()}; {predictions:,} predictions")
    await fill(folder, predictions)
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--serve", str(folder)), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert server.stdin is not None
        assert server.stdout is not None
        url = (await server.stdout.readline()).decode().strip()
        print(f"{'':24}{'rows/s':>10}{'MB':>8}{'RSS +MB':>9}{'stall ms':>10}{'p99 ms':>8}{'CPU s':>8}")
        async with aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(None)) as session:
            watch = Watch(server)
            await watch.begin()
            await asyncio.sleep(seconds)
            await watch.end("at rest")
            for of, name in FILES:
                await watch.begin()
                begun = time.perf_counter()
                size, rows = await read(session, of, name)
                taken_s = time.perf_counter() - begun
                await watch.end(f"{of}.{name}", rows / taken_s, size)
            await watch.begin()
            await listen(session, listeners, seconds)
            await watch.end(f"{listeners} listeners, {seconds} s")
    finally:
        with suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


async def read(session: Any, of: str, name: str) -> tuple[int, int]:
    """Bytes and rows of a file."""
    size = rows = 0
    tail = b""
    async with session.get(f"/api/v1/{of}/export", params={"format": name}) as answer:
        assert answer.status == 200
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            rows += chunk.count(b"\n")
            tail = (tail + chunk)[-(4 << 20) :] if name == "parquet" else b""
    if name != "parquet":
        return size, rows - (name == "csv")
    import pyarrow as pa
    import pyarrow.parquet as pq

    # the footer alone says how many rows there are
    length = int.from_bytes(tail[-8:-4], "little") + 8
    return size, pq.read_metadata(pa.BufferReader(b"PAR1" + tail[-length:])).num_rows


async def listen(session: Any, listeners: int, seconds: int) -> None:
    """So many listeners, for so long; all must get figures every second."""

    async def one() -> int:
        events = 0
        async with session.get("/api/v1/live") as answer:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while line := await answer.content.readline():
                        events += line.startswith(b"data:")
        return events

    events = await asyncio.gather(*(one() for _ in range(listeners)))
    assert min(events) >= seconds - 2, f"a listener got {min(events)} figures in {seconds} s"


class Watch:
    """What a stretch of time cost the server: it is told to begin and to end by lines."""

    def __init__(self, server: asyncio.subprocess.Process) -> None:
        self._server = server

    async def begin(self) -> None:
        await self._ask()

    async def end(self, name: str, rows_s: float | None = None, size: int | None = None) -> None:
        told = await self._ask()
        rate = "" if rows_s is None else f"{rows_s:,.0f}"
        megabytes = "" if size is None else f"{size / 1e6:,.0f}"
        print(
            f"{name:24}{rate:>10}{megabytes:>8}{told['rss'] / 1e6:>9.0f}{told['stall_ms']:>10.1f}{told['p99_ms']:>8.1f}"
            f"{told['cpu_s']:>8.2f}",
            flush=True,
        )

    async def _ask(self) -> dict[str, float]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(b"\n")
        told: dict[str, float] = json.loads(await self._server.stdout.readline())
        return told


async def fill(folder: Path, n: int) -> None:
    """Predictions of two models and two versions, with 0 to 5 detections of 80 classes."""
    import numpy as np

    from sidecar.recording import Batch, Store
    from sidecar.types import Detections
    from tests.api.live import make_prediction

    rng = np.random.default_rng(1)
    labels = tuple(f"class {number}" for number in range(80))
    boxes = rng.random((n + 5, 4), np.float32) * 600
    scores = rng.random(n + 5, np.float32)
    classes = rng.integers(0, 80, n + 5).astype(np.int32)
    counts = rng.integers(0, 6, n).tolist()
    begun = time.time() - n * 0.5
    store = await Store.open(folder)
    for start in range(0, n, 500):
        made = []
        for place in range(start, min(n, start + 500)):
            part = slice(place, place + counts[place])
            found = Detections(boxes[part], scores[part], classes[part], labels)
            of = {"model": "det" if place % 3 else "digits", "version": str(1 + place % 2), "detections": found}
            made.append(make_prediction(place, at=begun + place * 0.5, **of))
        await store.commit(Batch(made, [], {(0, 1): start + 1}))
    await store.close()


async def serve(folder: Path) -> None:
    """The application over the store, its event loop watched, until it is ended."""
    from aiohttp import web

    from sidecar.api import Services, create_app
    from sidecar.recording import Reader
    from tests.api.live import LiveControl, LiveTotals, make_prediction, make_summary
    from tests.api.live_watch import LiveWatch
    from tests.kit.trials_at_hand import TrialsAtHand

    os.nice(5)  # as the monitor
    reader = await Reader.open(folder)
    totals = LiveTotals({(f"m{number}", "1", "serving"): make_summary([make_prediction()]) for number in range(20)})
    services = Services(reader, totals, LiveControl(), LiveWatch(), TrialsAtHand(), folder)
    runner = web.AppRunner(create_app(services), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    late: list[float] = []
    before, highest = rss(), rss()
    cpu_s = time.process_time()

    async def watch() -> None:
        nonlocal highest
        while True:
            asked = time.perf_counter()
            await asyncio.sleep(WAKE_S)
            late.append((time.perf_counter() - asked - WAKE_S) * 1e3)
            highest = max(highest, rss())

    async def grow() -> None:
        """Traffic, so that there is something to tell each second."""
        more = make_summary([make_prediction()])
        while True:
            await asyncio.sleep(0.25)
            totals.by_key = {key: summary.merge(more) for key, summary in totals.by_key.items()}

    tasks = [asyncio.create_task(watch()), asyncio.create_task(grow())]
    while await lines.readline():
        p99_ms = statistics.quantiles(late, n=100)[-1] if len(late) > 1 else 0.0
        told = {"rss": highest - before, "stall_ms": max(late, default=0.0), "p99_ms": p99_ms}
        print(json.dumps({**told, "cpu_s": time.process_time() - cpu_s}), flush=True)
        late.clear()
        before = highest = rss()
        cpu_s = time.process_time()
    for task in tasks:
        task.cancel()
    await runner.cleanup()
    await reader.close()


def rss() -> int:
    """Resident memory of this process, bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


if __name__ == "__main__":
    sys.exit(main())
