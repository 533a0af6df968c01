"""What 10,000 idle kept-alive connections take, plain and by TLS, and what good traffic has of them.

    python tests/benchmarks/idle_connections.py [--connections 10000]

Each client was answered once and then waits. Told: the worker's resident memory for each (the kernel's for the sockets
apart), how many are open still, what the worker uses of its core while they idle, and an open loop of good requests
over other connections before and beside them. Good requests by TLS come one after the other, each over a connection of
its own. TLS needs the test extra (trustme) for a certificate.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import socket
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import measure, peers, proxy_processes, proxy_recorded
from tests.benchmarks.options import options_of
from tests.benchmarks.peers import Peer

WARM = 100
PER_SECOND, SECONDS = 500.0, 8.0
TLS_REQUESTS = 300
SETTLE_S = 3.0
REQUEST = b"GET /v2/health/ready HTTP/1.1\r\nHost: bench\r\n\r\n"
Open = Callable[[], socket.socket]


def main() -> int:
    parser = options_of(__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    options = parser.parse_args()
    load, own = proxy_processes.split_cores()
    os.sched_setaffinity(0, load)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"{proxy_processes.machine()}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="idle-benchmark-") as folder:
        plain_and_tls(Path(folder), load, own, options.connections)
    return 0


def plain_and_tls(folder: Path, load: set[int], own: set[int], count: int) -> None:
    limits = {"connections_max": count + 100}
    with (
        peers.stub(folder, load, variants=2) as stub,
        peers.sidecar(folder, load, stub.ports, "idle", worker_cores=own, limits=limits) as peer,
    ):
        idle(peer, count, "plain", lambda: connected(peer.port, None), lambda: traffic(peer, stub))
    if importlib.util.find_spec("trustme") is None:
        print("TLS is left out: it needs trustme for a certificate")
        return
    from tests.kit.certificates import Authority

    authority = Authority(folder / "authority")
    files, context = authority.issue(), authority.client_context()
    listen = {"tls_cert_file": files.cert_file, "tls_key_file": files.key_file}
    with (
        peers.stub(folder, load, variants=2) as stub,
        peers.sidecar(folder, load, stub.ports, "tls", worker_cores=own, limits=limits, listen=listen) as peer,
    ):
        opened = lambda: connected(peer.port, context)  # noqa: E731 - it is named for what it does here
        idle(peer, count, "TLS", opened, lambda: tls_traffic(opened))


def idle(peer: Peer, count: int, name: str, opened: Open, good: Callable[[], str]) -> None:
    """``count`` clients that each were answered once and then wait."""
    pid = proxy_processes.pid_of(peer.pid, "sidecar: worker")
    low = [os.open(os.devnull, os.O_RDONLY) for _ in range(WARM)]  # the open loop's select() takes numbers under 1,024
    warm = [opened() for _ in range(WARM)]
    alone = good()
    time.sleep(SETTLE_S)
    before = proxy_processes.resident_bytes(pid)
    began = time.monotonic()
    waiting = [opened() for _ in range(count - WARM)]
    opened_s = time.monotonic() - began
    time.sleep(SETTLE_S)
    after = proxy_processes.resident_bytes(pid)
    cpu_s = sum(proxy_processes.tree(pid).values())
    time.sleep(5.0)
    share = (sum(proxy_processes.tree(pid).values()) - cpu_s) / 5.0
    for descriptor in low:
        os.close(descriptor)
    beside = good()
    alive = sum(is_open(sock) for sock in waiting + warm)
    told = proxy_recorded.status(peer.admin_url)
    for sock in waiting + warm:
        sock.close()
    print(f"{count:,} idle kept-alive connections, {name}: {alive:,} of them open, opened in {opened_s:.1f} s")
    print(
        f"  worker {after / 1e6:.1f} MB, before {before / 1e6:.1f} MB: {(after - before) / len(waiting):,.0f} bytes",
        end="",
    )
    print(f" for each; while they idle it uses {share:.1%} of a core (sockets' kernel memory apart)")
    print(f"  good traffic before them: {alone}; beside them: {beside}")
    bounds = {row["limit"]: row["count"] for row in told["limits_hit"]}
    print(f"  bounds met: {bounds or 'none'}\n", flush=True)


def traffic(peer: Peer, stub: Peer) -> str:
    taken = measure.at_rate(peer, stub, 1_000, PER_SECOND, SECONDS)
    figures = f"p50 {taken.percentile_ms(0.5):.2f} ms, p99 {taken.percentile_ms(0.99):.2f} ms"
    return f"{taken.requests:,} requests, {taken.failed} failed, {figures}"


def tls_traffic(opened: Open) -> str:
    """Requests one after the other, each with a handshake."""
    took_ms = []
    for _ in range(TLS_REQUESTS):
        began = time.perf_counter()
        opened().close()
        took_ms.append((time.perf_counter() - began) * 1e3)
    return f"{len(took_ms)} requests, 0 failed, median {statistics.median(took_ms):.2f} ms with a handshake"


def connected(port: int, context: ssl.SSLContext | None) -> socket.socket:
    """A connection whose first request was answered by 200. Raises OSError."""
    sock: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
    if context is not None:
        sock = context.wrap_socket(sock, server_hostname="localhost")
    sock.sendall(REQUEST)
    received = b""
    while b"\r\n\r\n" not in received:
        more = sock.recv(65_536)
        if not more:
            raise ConnectionResetError("closed before an answer")
        received += more
    if not received.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(received[:40].decode("latin-1"))
    sock.setblocking(False)
    return sock


def is_open(sock: socket.socket) -> bool:
    with suppress(OSError):
        while True:
            try:
                if not sock.recv(65_536):
                    return False
            except (BlockingIOError, ssl.SSLWantReadError):
                return True
    return False


if __name__ == "__main__":
    raise SystemExit(main())
