"""One measurement of a peer: wrk for saturation, the open loop for latency, /proc for what it took."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.peers import Peer
from tests.benchmarks.proxy_figures import per_request_us, quantile
from tests.benchmarks.proxy_open_loop import OpenLoop, open_loop, post_of
from tests.benchmarks.proxy_processes import (
    Usage,
    children_seconds,
    core_ticks,
    cpu_seconds,
    settled_cpu_seconds,
    spent,
    usage,
)
from tests.benchmarks.proxy_stub import TARGET, reply_body

REPLY_BYTES = len(reply_body())
WRK_TIMEOUT_S = 30
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
DIFFERENT_HEADS = """
local number = 0
request = function()
  number = number + 1
  wrk.headers["X-Request-Id"] = "r" .. number
  return wrk.format()
end
"""


@dataclass(frozen=True)
class Taken:
    """What a load came to. ``worker_us`` and ``tree_us`` are processor time for each request, of the process that
    relays and of all of a peer's; work done afterwards (a backlog) counts. ``parts`` is ``tree_us`` by process.
    ``shares`` are cores' worth of time each side used while the load ran, ``cores`` how busy each core was with all.
    """

    requests: int
    failed: int
    per_second: float
    worker_us: float
    tree_us: float
    parts: dict[str, float]
    shares: dict[str, float]
    cores: dict[int, Usage]
    latencies_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)

    def percentile_ms(self, q: float) -> float:
        return quantile(self.latencies_ms, q)


class Watch:
    """Takes what a peer, the stub and the load use from when it is made."""

    def __init__(self, peer: Peer, stub: Peer) -> None:
        self._peer, self._stub = peer, stub
        self._before = self._named(cpu_seconds(peer.pid))
        self._stub_before = sum(cpu_seconds(stub.pid).values())
        self._load_before = children_seconds() + time.process_time()
        self._cores_before = core_ticks()
        self._began = time.perf_counter()

    def end(self, requests: int, failed: int, seconds: float, samples: OpenLoop | None = None) -> Taken:
        """``seconds`` is how long the load ran; what a peer does after it is waited for."""
        span_s = time.perf_counter() - self._began
        cores = usage(self._cores_before, core_ticks())
        meanwhile = spent(self._before, self._named(cpu_seconds(self._peer.pid)))
        shares = {name: value / span_s for name, value in meanwhile.items()} if self._peer != self._stub else {}
        shares["stub"] = (sum(cpu_seconds(self._stub.pid).values()) - self._stub_before) / span_s
        shares["load"] = (children_seconds() + time.process_time() - self._load_before) / span_s
        after = spent(self._before, self._named(settled_cpu_seconds(self._peer.pid)))
        relaying = sum(used for name, used in after.items() if name.startswith(self._peer.worker))
        parts = {name: per_request_us(used, requests) for name, used in after.items()}
        return Taken(
            requests=requests,
            failed=failed,
            per_second=requests / seconds,
            worker_us=per_request_us(relaying, requests),
            tree_us=sum(parts.values()),
            parts=parts,
            shares=shares,
            cores=cores,
            latencies_ms=samples.latencies_ms if samples else [],
            late_ms=samples.late_ms if samples else [],
        )

    def _named(self, used: dict[str, float]) -> dict[str, float]:
        """Under the peer's name where it is one process."""
        return used if self._peer.worker else {self._peer.name: sum(used.values())}


def saturate(
    peer: Peer, stub: Peer, size: int, seconds: float, connections: int, folder: Path, different_heads: bool = False
) -> Taken:
    """What wrk gets through in a closed loop, on this process's cores; with ``different_heads`` no request head comes
    twice, else all are the same."""
    script = folder / f"post-{size}.lua"
    script.write_text(WRK_SCRIPT.format(size=size) + (DIFFERENT_HEADS if different_heads else ""))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(round(seconds), 1)}s", f"--timeout={WRK_TIMEOUT_S}s"]
    command += ["-s", str(script), f"http://127.0.0.1:{peer.port}{TARGET}"]
    cores = os.sched_getaffinity(0)
    watch = Watch(peer, stub)
    printed = subprocess.run(
        command, capture_output=True, text=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, cores)
    ).stdout
    (line,) = [line for line in printed.splitlines() if line.startswith("RESULT ")]
    requests, duration_us, failed = map(int, line.split()[1:])
    return watch.end(requests, failed, duration_us / 1e6)


def at_rate(peer: Peer, stub: Peer, size: int, per_second: float, seconds: float) -> Taken:
    """The open loop."""
    message = post_of(TARGET, b"x" * size)
    watch = Watch(peer, stub)
    found = open_loop(peer.port, message, per_second, seconds)
    return watch.end(found.asked, found.failed, seconds, found)
