"""What the sidecar's processes cost beside the request path: the monitor's pace, memory, the start, idle connections.

    python tests/benchmarks/monitor.py [--rates 1000,10000] [--seconds 20] [--only pace memory start idle]

Installs nothing; needs wrk for the memory under load (Debian: apt-get install wrk). Each part prints its target:

- pace: a monitor alone on the last core is fed over the link by a worker that makes up its traffic (a real one would
  need the whole core for 10,000/s): processor time of the monitor for each recorded prediction of 20 detections, and
  whether it keeps up: nothing dropped, everything recorded, and the backlog drained at once. An A/B test runs.
- memory: a whole sidecar at saturation with 100 KB bodies; of the worker without what its ring holds.
- start: from the start of `sidecar run` until it proxies.
- idle: resident memory of the worker for each of 10,000 connections that are kept alive and idle, plain and by TLS
  (`idle_connections.py`, which can be run alone).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks import (  # noqa: E402
    idle_connections,
    peer_configs,
    peers,
    proxy,
    proxy_processes,
    proxy_recorded,
    proxy_resident,
)
from tests.benchmarks.options import options_of  # noqa: E402
from tests.benchmarks.peers import Peer  # noqa: E402
from tests.kit.ports import free_ports  # noqa: E402

US_MAX, PER_SECOND_MIN, RESIDENT_MB_MAX = 20.0, 10_000, 120
PARTS = ("pace", "memory", "start", "idle")
FELL_BEHIND_S = 2.0
"""A monitor that needs longer for what is left at the end did not keep up."""


def main() -> int:
    parser = options_of(__doc__)
    parser.add_argument("--rates", default="1000,10000", help="predictions/s the monitor is fed with")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load")
    parser.add_argument("--starts", type=int, default=7)
    parser.add_argument("--idle-connections", type=int, default=10_000)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    load_cores, own_cores = proxy_processes.split_cores()
    os.sched_setaffinity(0, load_cores)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"{proxy_processes.machine()}\n{proxy.versions()}")
    print(f"cores: what is measured {own_cores}, load {load_cores}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="monitor-benchmark-") as name:
        folder = Path(name)
        if "pace" in options.only:
            pace(folder, load_cores, own_cores, [float(rate) for rate in options.rates.split(",")], options.seconds)
        if "memory" in options.only:
            proxy_resident.under_load(folder, load_cores, own_cores, options.seconds)
        if "start" in options.only:
            proxy_resident.starts(folder, load_cores, own_cores, options.starts)
        if "idle" in options.only:
            idle_connections.plain_and_tls(folder, load_cores, own_cores, options.idle_connections)
    return 0


def pace(folder: Path, load: set[int], own: set[int], rates: Sequence[float], seconds: float) -> None:
    """A monitor of its own for each rate."""
    for rate in rates:
        with monitor(folder / f"pace-{rate:g}", own) as peer:
            baseline = proxy_processes.settled_cpu_seconds(peer.pid)
            sizes: dict[str, list[int]] = {}
            with proxy_resident.sampled({"monitor": peer.pid}, sizes):
                fed = feed(peer, load, rate, seconds)
            used = proxy_processes.spent(baseline, proxy_processes.settled_cpu_seconds(peer.pid))
            told = proxy_recorded.settled_status(peer.admin_url)
            print_pace(rate, fed, used, told, sizes["monitor"])


def print_pace(
    rate: float, fed: dict[str, Any], used: dict[str, float], told: dict[str, Any], sizes: list[int]
) -> None:
    own_s = used.get("sidecar: monitor", 0.0)
    micros = own_s / max(fed["sent"], 1) * 1e6
    resident_mb = max(sizes) / 1e6
    recorded = told["store"]["predictions_written"]
    lost = {**fed["dropped"], **proxy_recorded.dropped(told)}
    kept_up = not lost and recorded == fed["sent"] and fed["drained_s"] < FELL_BEHIND_S
    rest = {name: value / max(fed["sent"], 1) * 1e6 for name, value in used.items() if name != "sidecar: monitor"}
    print(f"monitor fed with {fed['per_second']:,.0f} predictions/s (asked: {rate:,.0f}), {fed['sent']:,} in all")
    print(
        f"  CPU per recorded prediction  {micros:8.1f} us   (<= {US_MAX:g}: {proxy_resident.verdict(micros <= US_MAX)})"
    )
    told_rest = ", ".join(f"{name} {value:.1f} us" for name, value in rest.items())
    print(f"  its image helpers            {told_rest or 'none'}; the feeder {fed['feeder_us']:.1f} us")
    print(f"  resident memory at most      {resident_mb:8.1f} MB   (<= {RESIDENT_MB_MAX}: ", end="")
    print(f"{proxy_resident.verdict(resident_mb <= RESIDENT_MB_MAX)})")
    print(
        f"  recorded {recorded:,} of {fed['sent']:,}, dropped {lost or 'nothing'}; backlog of the worker at most",
        end=" ",
    )
    print(f"{fed['backlog_bytes_max'] / 1e6:.1f} MB, drained {fed['drained_s']:.2f} s after the end")
    if rate >= PER_SECOND_MIN:
        print(f"  keeps up with {rate:,.0f}/s: {proxy_resident.verdict(kept_up and fed['per_second'] >= 0.99 * rate)}")
    print(flush=True)


def feed(peer: Peer, cores: set[int], rate: float, seconds: float) -> dict[str, Any]:
    command = [
        sys.executable,
        str(Path(__file__).with_name("fake_worker.py")),
        str(link_of(peer)),
        str(rate),
        str(seconds),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, preexec_fn=lambda: os.sched_setaffinity(0, cores)
    )
    if done.returncode:
        raise RuntimeError(f"the feeder failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def link_of(peer: Peer) -> Path:
    return Path(peer.worker)


@contextmanager
def monitor(folder: Path, cores: set[int]) -> Iterator[Peer]:
    """The monitor process without a supervisor; ``Peer.worker`` is the path of its link."""
    data_dir = folder / "data"
    data_dir.mkdir(parents=True, mode=0o700)
    listen, health, admin = free_ports(3)
    file = peer_configs.sidecar(folder, "config", [1, 2])
    config = json.loads(file.read_text())
    config |= {"data_dir": str(data_dir), "admin": {"port": admin}, "listen": {"port": listen, "health_port": health}}
    link = folder / "link.sock"
    hello = json.dumps({"config": config, "link": str(link)}) + "\n"
    with (folder / "monitor.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sidecar.app.monitor_process"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=peers.environment(),
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
    try:
        assert process.stdin is not None
        process.stdin.write(hello.encode())
        process.stdin.flush()
        peers.await_answer(process, f"http://127.0.0.1:{admin}/api/v1/status", folder / "monitor.log")
        yield Peer("monitor", listen, process.pid, worker=str(link), admin_url=f"http://127.0.0.1:{admin}")
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
