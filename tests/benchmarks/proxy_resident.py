"""Memory of a sidecar under load, and how soon it proxies after its start."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.benchmarks import measure, peer_configs, peers, proxy_processes, proxy_recorded
from tests.benchmarks.proxy_open_loop import post_of
from tests.benchmarks.proxy_stub import TARGET
from tests.kit.ports import free_ports

BODY_BYTES, CONNECTIONS = 100_000, 32
WORKER_MB_MAX, MONITOR_MB_MAX, READY_S_MAX = 40, 120, 0.5
START_SECONDS_MAX = 30.0
BACKLOG_SECONDS_MAX = 60.0
STATUS_SECONDS = 2.0
"""A worker tells of itself every second."""


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


@contextmanager
def sampled(pids: dict[str, int], found: dict[str, list[int]], every_s: float = 0.2) -> Iterator[None]:
    """Adds the resident memory of each process to ``found`` as long as the context is open."""
    ended = threading.Event()

    def sample() -> None:
        for name, pid in pids.items():
            found.setdefault(name, []).append(proxy_processes.resident_bytes(pid))

    def keep() -> None:
        while not ended.wait(every_s):
            sample()

    sample()
    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        sample()


def under_load(folder: Path, load: set[int], own: set[int], seconds: float) -> None:
    """Resident memory of worker and monitor at saturation, and what the worker told of its ring meanwhile."""
    with (
        peers.stub(folder, load, variants=2) as stub,
        peers.sidecar(folder, load, stub.ports, "memory", worker_cores=own) as peer,
    ):
        pids = {name: proxy_processes.pid_of(peer.pid, f"sidecar: {name}") for name in ("worker", "monitor")}
        found: dict[str, list[int]] = {"ring": [], "tap": []}
        with sampled(pids, found), sampled_buffers(peer.admin_url, found):
            taken = measure.saturate(peer, stub, BODY_BYTES, seconds, CONNECTIONS, folder)
    print(f"resident memory at {taken.per_second:,.0f} requests/s of 100 KB, {CONNECTIONS} connections")
    ring = max(found["ring"], default=0)
    apart_mb = (max(found["worker"]) - ring) / 1e6
    tap = max(found["tap"], default=0)
    words = f"its ring {ring / 1e6:.1f} MB of it, what waited for the monitor {tap / 1e6:.1f} MB"
    _print_grown("worker", found["worker"], words)
    print(f"{'':10}without its ring {apart_mb:.1f} MB   (<= {WORKER_MB_MAX}: {verdict(apart_mb <= WORKER_MB_MAX)})")
    most_mb = max(found["monitor"]) / 1e6
    _print_grown("monitor", found["monitor"], f"<= {MONITOR_MB_MAX}: {verdict(most_mb <= MONITOR_MB_MAX)}")
    print(flush=True)


def _print_grown(name: str, sizes: list[int], words: str) -> None:
    print(f"  {name:8}{sizes[0] / 1e6:6.1f} MB before, at most {max(sizes) / 1e6:6.1f} MB   ({words})")


@contextmanager
def sampled_buffers(admin_url: str, found: dict[str, list[int]], every_s: float = 0.2) -> Iterator[None]:
    """What the workers tell of their rings and of what they keep for the monitor. A monitor that is behind hears of it
    late, so they are listened to until nothing waits any more, which takes BACKLOG_SECONDS_MAX at most."""
    ended = threading.Event()

    def keep() -> None:
        over = float("inf")
        while time.monotonic() < over:
            workers = proxy_recorded.status(admin_url)["workers"]
            for name in ("ring", "tap"):
                found[name].append(sum(int(worker["status"].get(f"{name}_bytes", 0)) for worker in workers))
            if ended.wait(every_s):
                over = min(over, time.monotonic() + BACKLOG_SECONDS_MAX) if found["tap"][-1] else 0.0
                time.sleep(every_s)

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield
        time.sleep(STATUS_SECONDS)
    finally:
        ended.set()
        thread.join()


def starts(folder: Path, load: set[int], own: set[int], count: int) -> None:
    """From fork to the first proxied answer, and to /readyz, with a fresh data folder, on all cores. The first
    start is not counted: it may have to compile the project's modules, as an installation does once."""
    with peers.stub(folder, load, variants=2) as stub:
        times = [_start(folder, f"start-{number}", stub.ports, load | own) for number in range(count + 1)][1:]
    proxied, ready = ([one[place] for one in times] for place in (0, 1))
    most = statistics.median(max(one) for one in times)
    print(f"start, {count} times, on {len(load | own)} cores (median, lowest-highest)")
    for words, values in (("first request proxied", proxied), ("/readyz says ready", ready)):
        print(f"  {words:24}{statistics.median(values):6.2f} s   {min(values):.2f}-{max(values):.2f}")
    print(f"  ready to proxy          {most:6.2f} s   (<= {READY_S_MAX}: {verdict(most <= READY_S_MAX)})\n", flush=True)


def _start(folder: Path, name: str, upstreams: tuple[int, ...], cores: set[int]) -> tuple[float, float]:
    """Seconds until a request was proxied, and until the probe said ready."""
    port, admin_port, health_port = free_ports(3)
    command = [sys.executable, "-m", "sidecar", "run", "--config", str(peer_configs.sidecar(folder, name, upstreams))]
    command += ["--port", str(port), "--admin-port", str(admin_port), "--health-port", str(health_port)]
    command += ["--data-dir", str(folder / f"{name}-data")]
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=peers.environment(),
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
    asked = {"proxied": (port, post_of(TARGET, b"x" * 1_000)), "ready": (health_port, READYZ)}
    found: dict[str, float] = {}
    try:
        while len(found) < len(asked):
            if process.poll() is not None or time.perf_counter() - began > START_SECONDS_MAX:
                raise RuntimeError(f"the sidecar did not start:\n{log.read_text()[-2000:]}")
            for what, (where, message) in asked.items():
                if what not in found and _answers(where, message):
                    found[what] = time.perf_counter() - began
            time.sleep(0.005)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return found["proxied"], found["ready"]


READYZ = b"GET /readyz HTTP/1.1\r\nHost: bench\r\n\r\n"


def _answers(port: int, message: bytes) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as sock:
        sock.sendall(message)
        return sock.recv(65_536).startswith(b"HTTP/1.1 200")
    return False
