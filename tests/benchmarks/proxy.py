"""What the sidecar costs in the request path, beside nginx and a naive proxy, measured side by side in one run.

    python tests/benchmarks/proxy.py [--seconds 5] [--rounds 3]

The upstream is a stub that answers 20 detections (2.4 KB of KServe V2 JSON) at once; the sidecar runs with its
defaults, every prediction recorded. Each round measures every proxy in turn, so that a noisy moment of the machine
hits all; the table has the medians. Requests/s: wrk's closed loop. Latency: an open loop at a fixed rate well below
saturation, from when the clock lets a request go; "added" is above direct in the same round. CPU: of all of a proxy's
processes, from /proc, backlog included. Load and stub share one core, the proxies the other(s); on a single core
nothing is pinned.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import sys
import tempfile
import urllib.request
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

SIZES = {"1 KB": 1_000, "100 KB": 100_000, "1 MB": 1_000_000}
RATES = {"1 KB": 400.0, "100 KB": 200.0, "1 MB": 40.0}
"""Requests/s of the latency measurement: quiet enough that nobody queues."""
CONNECTIONS = 16


@dataclass(frozen=True)
class Row:
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    failed: int
    requests: int
    parts: dict[str, float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default="1 KB,100 KB,1 MB", help="of: " + ", ".join(SIZES))
    parser.add_argument("--without", nargs="*", default=[], choices=("nginx", "naive", "sidecar"))
    arguments = parser.parse_args()
    sizes = [size.strip() for size in arguments.sizes.split(",")]
    unknown = [size for size in sizes if size not in SIZES]
    if unknown:
        parser.error(f"--sizes: {unknown[0]!r} is none of {', '.join(SIZES)}")
    absent = missing()
    if absent:
        print(f"can't measure, missing: {'; '.join(absent)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="proxy-benchmark-") as folder:
        run(Path(folder), sizes, arguments.seconds, arguments.rounds, arguments.without)
    return 0


def missing() -> list[str]:
    """What the measurement can't do without. nginx it can."""
    absent = [] if shutil.which("wrk") else ["wrk (Debian: apt-get install wrk)"]
    for module in ("uvloop", "aiohttp", "numpy"):
        try:
            __import__(module)
        except ImportError:
            absent.append(f"{module} (the project's own requirements)")
    if not Path("/proc/self/stat").exists():
        absent.append("/proc (Linux)")
    return absent


def run(folder: Path, sizes: list[str], seconds: float, rounds: int, without: list[str]) -> None:
    import peers

    cores = sorted(os.sched_getaffinity(0))
    load_cores, peer_cores = (set(cores[:1]), set(cores[1:])) if len(cores) > 1 else (set(cores), set(cores))
    os.sched_setaffinity(0, load_cores)
    with ExitStack() as stack:
        upstream = stack.enter_context(peers.stub(folder, load_cores))
        running = [upstream]
        if "nginx" in without:
            pass
        elif peers.nginx_program():
            running.append(stack.enter_context(peers.nginx(folder, peer_cores, upstream.port)))
        else:
            print("nginx is missing (Debian: apt-get install nginx-light): measured without it", file=sys.stderr)
        if "naive" not in without:
            running.append(stack.enter_context(peers.naive(folder, peer_cores, upstream.port)))
        if "sidecar" not in without:
            running.append(stack.enter_context(peers.sidecar(folder, peer_cores, upstream.port)))
        print(
            f"{platform.machine()}, {len(cores)} cores, Python {platform.python_version()}; {CONNECTIONS} connections,"
        )
        print(
            f"{seconds:g} s a measurement, medians of {rounds} interleaved rounds; reply {len(peers.Stub.body)} bytes\n"
        )
        asked = 0
        for size in sizes:
            rows: dict[str, list[Row]] = defaultdict(list)
            for _ in range(rounds):
                for peer in running:
                    rows[peer.name].append(measure_one(peer, size, seconds, load_cores, folder))
            print_table(size, rows)
            asked += sum(row.requests for row in rows["sidecar"])
        if running[-1].admin_url:
            print_recording(running[-1].admin_url, asked)


def measure_one(peer: peers.Peer, size: str, seconds: float, cores: set[int], folder: Path) -> Row:  # noqa: F821
    import measure
    import numpy as np
    import peers
    import uvloop

    message = measure.post_of(peers.TARGET, b"x" * SIZES[size])
    taken = uvloop.run(measure.latencies_ms(peer.port, message, RATES[size], seconds))
    load = measure.throughput(peer.port, peers.TARGET, peer.pid, SIZES[size], seconds, CONNECTIONS, cores, folder)
    p50, p99 = np.quantile(taken, (0.5, 0.99))
    requests = load.requests + int(RATES[size] * seconds)
    return Row(load.per_second, float(p50), float(p99), load.cpu_us, load.failed, requests, load.parts)


def print_table(size: str, rows: dict[str, list[Row]]) -> None:
    direct = rows["direct"]
    print(f"{size + ' requests':16}{'requests/s':>12}{'p50 added ms':>15}{'p99 added ms':>15}{'CPU us/request':>17}")
    for name, measured in rows.items():
        added_p50 = statistics.median(row.p50_ms - base.p50_ms for row, base in zip(measured, direct, strict=True))
        added_p99 = statistics.median(row.p99_ms - base.p99_ms for row, base in zip(measured, direct, strict=True))
        per_second = statistics.median(row.per_second for row in measured)
        cpu = statistics.median(row.cpu_us for row in measured)
        if name == "direct":
            base = f"({statistics.median(row.p50_ms for row in measured):.2f} all)"
            tail = f"({statistics.median(row.p99_ms for row in measured):.2f} all)"
            print(f"{name:16}{per_second:12,.0f}{base:>15}{tail:>15}{'':>17}")
        else:
            print(f"{name:16}{per_second:12,.0f}{added_p50:15.2f}{added_p99:15.2f}{cpu:17,.0f}")
        failed = sum(row.failed for row in measured)
        if failed:
            print(f"{'':16}{failed} requests failed")
        if name == "sidecar":
            for part in sorted({part for row in measured for part in row.parts}):
                share = statistics.median(row.parts.get(part, 0.0) for row in measured)
                print(f"  of which {part:54}{share:12,.0f}")
    print(flush=True)


def print_recording(admin_url: str, asked: int) -> None:
    """How much of it was recorded and what was dropped, by the sidecar's own metrics."""
    with urllib.request.urlopen(f"{admin_url}/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
    print(f"the sidecar's own figures, at the end of {asked} answered requests and some cut off by wrk:")
    for line in lines:
        if not line.startswith("#") and any(word in line for word in ("drop", "predictions_total", "recorded")):
            print(f"  {line}")


if __name__ == "__main__":
    raise SystemExit(main())
