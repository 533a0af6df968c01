"""What a shadow test costs those who are served, whatever its model server does: rounds of each fault, side by side.

    python tests/benchmarks/shadow_faults.py [--rounds 9] [--seconds 5] [--rate 500] [--model-ms 10]

Five sidecars stand beside each other in front of the same stub, which answers at once, so that nothing hides the work
that a copy makes for the worker (--model-ms: in front of a model server that takes its time). One has no shadow test,
four copy every request to a server: that is well, that never answers, that resets each connection for an answer, and
that takes six seconds for an answer, byte by byte. Each round puts the same load on each in turn, an open loop at a
fixed rate (latency runs from when a request was due), beginning with another one; ratios are to the sidecar without a
shadow test in the same round. The worker that is measured has the last core to itself, all else shares the first.
Nothing but the project itself is needed. Ends with code 1 where a served request failed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import measure, peers, proxy_processes, proxy_recorded
from tests.benchmarks.options import options_of
from tests.benchmarks.peers import Peer
from tests.benchmarks.proxy_figures import quantile, spread
from tests.kit.ports import free_ports
from tests.kit.steady_load import Numbered

NONE = "no shadow test"
FAULTS = {"healthy": "", "stalls": "stalls", "resets": "resets", "trickles": "trickles"}
"""What the shadow's server does, by the name of the mode."""
TRICKLE_S = 0.02
SIZES = {"1 KB": 1_000, "100 KB": 100_000}


def main() -> int:
    parser = options_of(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--rate", type=float, default=500.0, help="requests/s")
    parser.add_argument("--size", choices=SIZES, default="100 KB", help="of the requests' bodies")
    parser.add_argument("--model-ms", type=float, default=0.0, help="what the model server takes for an answer")
    options = parser.parse_args()
    load_cores, proxy_cores = proxy_processes.split_cores()
    os.sched_setaffinity(0, load_cores)
    with tempfile.TemporaryDirectory(prefix="shadow-benchmark-") as folder, ExitStack() as stack:
        stub = stack.enter_context(peers.stub(Path(folder), load_cores, variants=2))
        if options.model_ms:
            made = stack.enter_context(faulty(Path(folder), load_cores, "", options.model_ms))
            stub = replace(stub, port=made.port)
        standing = [stack.enter_context(sidecar(Path(folder), load_cores, proxy_cores, stub, NONE))]
        for mode, fault in FAULTS.items():
            port = stub.ports[1] if not fault else stack.enter_context(faulty(Path(folder), load_cores, fault)).port
            standing.append(stack.enter_context(sidecar(Path(folder), load_cores, proxy_cores, stub, mode, port)))
        print(f"{proxy_processes.machine()}\n{options.rounds} rounds, {options.seconds:g} s each of {options.rate:g}/s")
        return told(rounds(standing, stub, options), standing, options)


@contextmanager
def sidecar(
    folder: Path, cores: set[int], worker_cores: set[int], stub: Peer, mode: str, shadow_port: int = 0
) -> Iterator[Peer]:
    """One that serves from the stub, and copies all to ``shadow_port`` where there is one."""
    copied: dict[str, Any] = {"shadows": [{"name": "benchmark", "shadow": "B", "share": 1.0}]} if shadow_port else {}
    ports = [stub.port, shadow_port] if shadow_port else [stub.port]
    with peers.sidecar(folder, cores, ports, mode.replace(" ", "-"), worker_cores, **copied) as peer:
        yield peer


@contextmanager
def faulty(folder: Path, cores: set[int], fault: str, delay_ms: float = 0.0) -> Iterator[Peer]:
    """A server with a process of its own."""
    (port,) = free_ports(1)
    command = [sys.executable, __file__, "serve", str(port), fault, str(delay_ms)]
    with peers.running(f"server that {fault or 'is well'}", command, port, folder, cores) as peer:
        yield peer


async def serve(port: int, fault: str, delay_ms: float) -> None:
    """Well until it was asked once, whereby it is known to be there; with its fault from then on."""
    server = Numbered(lambda: delay_ms / 1000, port=port, trickle_s=TRICKLE_S)
    await server.start()
    while not server.seen:  # noqa: ASYNC110 - what is awaited has no event to tell of it
        await asyncio.sleep(0.01)
    server.fault = fault
    await asyncio.Event().wait()


Taken = dict[str, list[measure.Taken]]


def rounds(standing: Sequence[Peer], stub: Peer, options: argparse.Namespace) -> Taken:
    """A first short one, which is not counted, warms caches and pools."""
    found: Taken = defaultdict(list)
    size = SIZES[options.size]
    for peer in standing:
        measure.at_rate(peer, stub, size, options.rate, 1.0)
    for number in range(options.rounds):
        turn = number % len(standing)
        for peer in (*standing[turn:], *standing[:turn]):
            found[peer.name].append(measure.at_rate(peer, stub, size, options.rate, options.seconds))
        print(f"\rround {number + 1} ", end="", flush=True)
    print()
    return found


def told(found: Taken, standing: Sequence[Peer], options: argparse.Namespace) -> int:
    failed = 0
    print("\n| shadow | served | failed | p50 ms | p99 ms | p50 ratio | p99 ratio | worker us | load's core busy |")
    print("|---|---|---|---|---|---|---|---|---|")
    p50s = {name: [quantile(taken.latencies_ms, 0.5) for taken in each] for name, each in found.items()}
    p99s = {name: [quantile(taken.latencies_ms, 0.99) for taken in each] for name, each in found.items()}
    base = standing[0].name
    for peer in standing:
        each = found[peer.name]
        failed += (lost := sum(taken.failed for taken in each))
        cells = [peer.name.replace("-", " "), f"{sum(taken.requests for taken in each):,}", f"{lost}"]
        cells += [f"{statistics.median(values[peer.name]):.2f}" for values in (p50s, p99s)]
        for values in (p50s, p99s):
            middle, low, high = spread(values[peer.name], values[base])
            cells.append(f"{middle:.2f} [{low:.2f}-{high:.2f}]")
        cells.append(f"{statistics.median(taken.worker_us for taken in each):.0f}")
        first = proxy_processes.CORES[0]
        cells.append(f"{statistics.median(taken.cores[first].busy for taken in each):.0%}")
        print(f"| {' | '.join(cells)} |")
    for peer in standing:
        told_by_it = proxy_recorded.status(peer.admin_url)
        met = {row["limit"]: row["count"] for row in told_by_it["limits_hit"] if row["count"]}
        print(f"{peer.name}: limits met {met}, dropped {proxy_recorded.dropped(told_by_it)}")
    print(f"served requests that failed: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
    raise SystemExit(main())
