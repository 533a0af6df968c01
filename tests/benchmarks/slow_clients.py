"""Whether good traffic goes on beside clients that are slow on purpose.

    python tests/benchmarks/slow_clients.py [--connections 1000] [--rate 200] [--seconds 40] [--per-second 500]

Needs slowhttptest (Debian: apt-get install slowhttptest). A sidecar with its defaults stands before a fast stub. An
open loop of good requests of 1 KB, each due at its time, runs once undisturbed and then beside 1,000 connections each
of slow heads (-H), slow bodies (-B) and clients that read slowly (-X). Told of each: good requests, those not answered
by 200 and a whole body, their latency, how many connections were open at most, and which bounds the slow ones met.
Ends with code 1 where a good request failed.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import measure, peers, proxy_processes, proxy_recorded
from tests.benchmarks.options import options_of
from tests.benchmarks.peers import Peer
from tests.benchmarks.proxy_stub import TARGET

MODES = {
    "slow heads": ("-H", "-i", "5"),
    "slow bodies": ("-B", "-i", "5", "-x", "10", "-s", "100000"),
    "slow readers": ("-X", "-n", "5", "-w", "1", "-y", "64", "-z", "5", "-k", "3"),
}
BODY_BYTES = 1_000


@dataclass
class Seen:
    """What the sidecar told of itself meanwhile."""

    connections: list[int] = field(default_factory=list)
    worker_mb: list[float] = field(default_factory=list)


def main() -> int:
    parser = options_of(__doc__)
    parser.add_argument("--connections", type=int, default=1_000)
    parser.add_argument("--rate", type=int, default=200, help="slow connections begun in a second")
    parser.add_argument("--seconds", type=float, default=40.0, help="of each mode")
    parser.add_argument("--per-second", type=float, default=500.0, help="good requests")
    options = parser.parse_args()
    if shutil.which("slowhttptest") is None:
        print("needs slowhttptest (Debian: apt-get install slowhttptest)", file=sys.stderr)
        return 2
    load, own = proxy_processes.split_cores()
    os.sched_setaffinity(0, load)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"{proxy_processes.machine()}\n{options.per_second:,.0f} good requests/s of 1 KB", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="slow-clients-") as folder,
        peers.stub(Path(folder), load, variants=2) as stub,
        peers.sidecar(Path(folder), load, stub.ports, "slow", worker_cores=own) as peer,
    ):
        failed = beside(peer, stub, options, "undisturbed", ())
        for name, mode in MODES.items():
            failed += beside(peer, stub, options, name, mode)
    return 1 if failed else 0


def beside(peer: Peer, stub: Peer, options: argparse.Namespace, name: str, mode: tuple[str, ...]) -> int:
    """Good traffic beside slow clients of one mode; how many good requests failed."""
    before = bounds(peer)
    with slow_clients(peer, options, mode), watched(peer) as seen:
        taken = measure.at_rate(peer, stub, BODY_BYTES, options.per_second, options.seconds)
    met = {limit: count - before.get(limit, 0) for limit, count in bounds(peer).items()}
    print(f"{name}: {taken.requests:,} good requests, {taken.failed} failed", end="; ")
    print(f"p50 {taken.percentile_ms(0.5):.2f} ms, p99 {taken.percentile_ms(0.99):.2f} ms", end="; ")
    print(f"at most {max(seen.connections, default=0):,} connections, worker {max(seen.worker_mb, default=0):.0f} MB")
    print(f"  bounds met: { {limit: count for limit, count in met.items() if count} or 'none' }", flush=True)
    return taken.failed


@contextmanager
def slow_clients(peer: Peer, options: argparse.Namespace, mode: tuple[str, ...]) -> Iterator[None]:
    """slowhttptest, from now on until the block ends."""
    if not mode:
        yield
        return
    command = ["slowhttptest", *mode, "-c", str(options.connections), "-r", str(options.rate), "-v", "0"]
    command += ["-l", str(round(options.seconds)), "-u", f"http://127.0.0.1:{peer.port}{TARGET}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def watched(peer: Peer, every_s: float = 1.0) -> Iterator[Seen]:
    """How many connections the workers have, and their memory, as they tell."""
    ended, seen = threading.Event(), Seen()

    def keep() -> None:
        while not ended.wait(every_s):
            told = [worker["status"] for worker in proxy_recorded.status(peer.admin_url)["workers"]]
            seen.connections.append(sum(int(one.get("connections", 0)) for one in told))
            seen.worker_mb.append(max(float(one.get("rss_bytes", 0)) for one in told) / 1e6)

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def bounds(peer: Peer) -> dict[str, int]:
    """``limits_hit`` by now."""
    return {one["limit"]: one["count"] for one in proxy_recorded.settled_status(peer.admin_url)["limits_hit"]}


if __name__ == "__main__":
    raise SystemExit(main())
