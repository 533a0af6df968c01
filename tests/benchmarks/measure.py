"""How the benchmark measures: wrk for throughput, an open loop for latency, /proc for processor time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
SETTLE_SECONDS_MAX = 20.0
CONNECTIONS_MAX = 64

WRK_SCRIPT = """
wrk.method = "POST"
wrk.body = string.rep("x", {size})
wrk.headers["Content-Type"] = "application/octet-stream"
done = function(summary, latency, requests)
    local e = summary.errors
    local failed = e.connect + e.read + e.write + e.status + e.timeout
    io.write(string.format("RESULT %d %d %d\\n", summary.requests, summary.duration, failed))
end
"""


@dataclass(frozen=True)
class Throughput:
    """``cpu_us`` is processor time of all of the peer's processes for each request, ``parts`` the same by process."""

    requests: int
    per_second: float
    failed: int
    cpu_us: float
    parts: dict[str, float]


def throughput(
    port: int, target: str, pid: int, size: int, seconds: float, connections: int, cores: set[int], folder: Path
) -> Throughput:
    """What wrk gets through in a closed loop. Work that the peer does afterwards counts as its processor time."""
    script = folder / f"post-{size}.lua"
    script.write_text(WRK_SCRIPT.format(size=size))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(round(seconds), 1)}s", "-s", str(script)]
    before = cpu_seconds(pid)
    printed = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{target}"],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    ).stdout
    after = settled_cpu_seconds(pid)
    (line,) = [line for line in printed.splitlines() if line.startswith("RESULT ")]
    requests, duration_us, failed = map(int, line.split()[1:])
    parts = {name: (after[name] - before.get(name, 0.0)) / max(requests, 1) * 1e6 for name in after}
    return Throughput(requests, requests / duration_us * 1e6, failed, sum(parts.values()), parts)


def cpu_seconds(pid: int) -> dict[str, float]:
    """User and system time so far of ``pid`` and its descendants, by the title of the process."""
    parents, times = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        times[int(entry.name)] = (int(fields[11]) + int(fields[12])) * TICK_S
    found: dict[str, float] = defaultdict(float)
    for process, seconds in times.items():
        ancestor = process
        while ancestor not in (pid, 0):
            ancestor = parents.get(ancestor, 0)
        if ancestor == pid:
            found[_title(process)] += seconds
    return dict(found)


def _title(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").split()
    except OSError:
        return "ended"
    return " ".join(words[:2]) if words and words[0].startswith(("sidecar", "nginx")) else "other processes"


def settled_cpu_seconds(pid: int) -> dict[str, float]:
    """cpu_seconds once the processes have come to rest (a monitor may have a backlog), or after 20 s."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    now = cpu_seconds(pid)
    while True:
        time.sleep(0.5)
        before, now = now, cpu_seconds(pid)
        if sum(now.values()) - sum(before.values()) <= 3 * TICK_S or time.monotonic() > deadline:
            return now


def post_of(target: str, body: bytes, *fields: str) -> bytes:
    """A whole request."""
    lines = [f"POST {target} HTTP/1.1", "Host: bench", "Content-Type: application/octet-stream", *fields]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


async def latencies_ms(port: int, message: bytes, per_second: float, seconds: float) -> np.ndarray:
    """Milliseconds from when the clock let each request go to its last byte, at a fixed rate whatever happens.

    Waiting for a free connection counts. How late the clock itself was does not: timers of an event loop have a
    resolution of 1 ms.
    """
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    gate = asyncio.Semaphore(CONNECTIONS_MAX)
    taken: list[float] = []

    async def one(released: float) -> None:
        async with gate:
            reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
            writer.write(message)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if not head.startswith(b"http/1.1 200"):
                raise RuntimeError(f"port {port} answered {head[:100]!r}")
            if b"content-length:" in head:
                await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
            else:
                await _read_chunked(reader)
            taken.append((time.perf_counter() - released) * 1e3)
            idle.append((reader, writer))

    start, count = time.perf_counter() + 0.05, int(per_second * seconds)
    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            await asyncio.sleep(start + number / per_second - time.perf_counter())
            tasks.create_task(one(time.perf_counter()))
    for _, writer in idle:
        writer.close()
    return np.array(taken[count // 10 :])  # the first tenth opened the connections


async def _read_chunked(reader: asyncio.StreamReader) -> None:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readuntil(b"\r\n")
