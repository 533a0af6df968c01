"""What keeping images costs a proxy worker: processor time a request with the data engine on and off, in one run.

    python tests/benchmarks/sampling.py [--seconds 8] [--rounds 5] [--rate 0.05]

Two sidecars stand in front of the same stub: one keeps no image, one draws a random sample. Clients send a JPEG at
a fixed rate. Rounds alternate between both; the figure is the median over rounds of the ratio of the workers' processor
time a request (from /proc). Load and stub share one core, the sidecars the other(s); on a single core nothing is
pinned.
"""

from __future__ import annotations

import io
import json
import os
import platform
import statistics
import sys
import tempfile
import urllib.request
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import peers, proxy_processes
from tests.benchmarks.options import options_of
from tests.benchmarks.peer_configs import NO_SAMPLING
from tests.benchmarks.proxy_open_loop import open_loop, post_of
from tests.benchmarks.proxy_stub import TARGET

PER_SECOND = 300.0
"""Well below saturation, so that neither queues nor drops cloud the figure."""
WORKER = "sidecar: worker"


def main() -> int:
    parser = options_of(__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=0.05, help="of the random sample")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sampling-benchmark-") as folder:
        run(Path(folder), arguments.seconds, arguments.rounds, arguments.rate)
    return 0


def run(folder: Path, seconds: int, rounds: int, rate: float) -> None:
    cores = sorted(os.sched_getaffinity(0))
    load, own = (set(cores[:1]), set(cores[1:])) if len(cores) > 1 else (set(cores), set(cores))
    os.sched_setaffinity(0, load)
    message = message_of()
    with ExitStack() as stack:
        upstream = stack.enter_context(peers.stub(folder, load))
        both = {}
        for name, sampling in (
            ("off", NO_SAMPLING),
            ("on", NO_SAMPLING | {"random_sample": {"enabled": True, "rate": rate}}),
        ):
            both[name] = stack.enter_context(peers.sidecar(folder, own, upstream.ports, name, sampling=sampling))
        machine = f"{platform.machine()}, {len(cores)} cores, Python {platform.python_version()}"
        print(f"{machine}; {PER_SECOND:g} requests/s of {len(message) // 1000} KB, {rounds} rounds of {seconds} s")
        taken: dict[str, list[float]] = {name: [] for name in both}
        for number in range(rounds + 1):
            for name in list(both)[:: 1 if number % 2 else -1]:
                micros = worker_us(both[name].port, both[name].pid, message, seconds)
                if number:  # the first round warms up
                    taken[name].append(micros)
        ratios = [on / off for on, off in zip(taken["on"], taken["off"], strict=True)]
        print(f"worker CPU a request: off {statistics.median(taken['off']):.1f} us,", end=" ")
        print(f"on at {rate:.0%} {statistics.median(taken['on']):.1f} us;", end=" ")
        print(f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
        print_kept(both["on"].admin_url)


def message_of() -> bytes:
    """A request with a JPEG as a binary tensor of KServe V2."""
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    picture = io.BytesIO()
    Image.fromarray(pixels).resize((640, 480)).save(picture, "JPEG", quality=85)
    element = len(picture.getvalue()).to_bytes(4, "little") + picture.getvalue()
    tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(element)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    return post_of(TARGET, head + element, f"Inference-Header-Content-Length: {len(head)}")


def worker_us(port: int, pid: int, message: bytes, seconds: int) -> float:
    """Processor time of the workers for each request, in microseconds."""
    before = proxy_processes.cpu_seconds(pid)
    open_loop(port, message, PER_SECOND, seconds)
    after = proxy_processes.settled_cpu_seconds(pid)
    spent = [after[title] - before.get(title, 0.0) for title in after if title.startswith(WORKER)]
    return sum(spent) / (PER_SECOND * seconds) * 1e6


def print_kept(admin_url: str) -> None:
    """How many images were kept, by reason, by the sidecar's own metrics."""
    with urllib.request.urlopen(f"{admin_url}/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
    for line in lines:
        if line.startswith(("sidecar_samples_", "sidecar_dropped_total")):
            print(f"  {line}")


if __name__ == "__main__":
    raise SystemExit(main())
