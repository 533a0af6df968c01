"""The processes of the benchmark: a fast stub of a model server, and what may stand in front of it.

As a script it is one of them: ``python peers.py stub|naive PORT [UPSTREAM_PORT]``.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

READY_SECONDS_MAX = 30.0
DETECTIONS = 20
TARGET = "/v2/models/stub/infer"


def reply_body() -> bytes:
    """A KServe V2 reply of 2.4 KB with 20 detections, always the same."""
    rng = random.Random(20)
    corners = [(rng.uniform(0, 600), rng.uniform(0, 400)) for _ in range(DETECTIONS)]
    boxes = [side for x, y in corners for side in (x, y, x + rng.uniform(20, 300), y + rng.uniform(20, 300))]
    scores = sorted((rng.uniform(0.3, 0.99) for _ in range(DETECTIONS)), reverse=True)
    classes = [rng.choice(("person", "bicycle", "car", "traffic light")) for _ in range(DETECTIONS)]
    tensors = [("boxes", [DETECTIONS, 4], "FP32", boxes), ("scores", [DETECTIONS], "FP32", scores)]
    tensors.append(("classes", [DETECTIONS], "BYTES", classes))
    outputs = [dict(zip(("name", "shape", "datatype", "data"), tensor, strict=True)) for tensor in tensors]
    return json.dumps({"model_name": "stub", "model_version": "1", "outputs": outputs}).encode()


class Stub(asyncio.Protocol):
    """Just enough HTTP: reads Content-Length bodies, answers each request with the same reply."""

    body = reply_body()
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.head = bytearray()
        self.left = 0

    def data_received(self, received: bytes) -> None:
        while received:
            if self.left:
                taken = min(self.left, len(received))
                self.left -= taken
                received = received[taken:]
                if not self.left:
                    self.transport.write(self.reply)
                continue
            self.head += received
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            received = bytes(self.head[end + 4 :])
            self.left = _content_length(bytes(self.head[:end]))
            self.head.clear()
            if not self.left:
                self.transport.write(self.reply)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def serve_stub(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


async def serve_naive(port: int, upstream_port: int) -> None:
    """The proxy that one writes first: aiohttp on both sides, whole bodies in memory, nothing recorded."""
    from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

    async with ClientSession(connector=TCPConnector(limit=256), cookie_jar=DummyCookieJar()) as session:

        async def relay(request: web.Request) -> web.Response:
            body = await request.read()
            url = f"http://127.0.0.1:{upstream_port}{request.rel_url}"
            async with session.request(request.method, url, data=body or None) as response:
                content = await response.read()
                return web.Response(status=response.status, body=content, content_type=response.content_type)

        application = web.Application(client_max_size=1 << 30)
        application.router.add_route("*", "/{path:.*}", relay)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        await asyncio.Event().wait()


NGINX_CONF = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    upstream stub {{ server 127.0.0.1:{upstream_port}; keepalive 256; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://stub;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Peer:
    """``pid`` is the process whose whole tree is counted; ``admin_url`` only the sidecar has."""

    name: str
    port: int
    pid: int
    admin_url: str = ""


def nginx_program() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


@contextmanager
def stub(folder: Path, cores: set[int]) -> Iterator[Peer]:
    (port,) = free_ports(1)
    command = [sys.executable, __file__, "stub", str(port)]
    with _running("direct", command, port, f"http://127.0.0.1:{port}/", folder, cores) as peer:
        yield peer


@contextmanager
def naive(folder: Path, cores: set[int], upstream_port: int) -> Iterator[Peer]:
    (port,) = free_ports(1)
    command = [sys.executable, __file__, "naive", str(port), str(upstream_port)]
    with _running("naive aiohttp", command, port, f"http://127.0.0.1:{port}/", folder, cores) as peer:
        yield peer


@contextmanager
def nginx(folder: Path, cores: set[int], upstream_port: int) -> Iterator[Peer]:
    (port,) = free_ports(1)
    (folder / "nginx.conf").write_text(NGINX_CONF.format(folder=folder, port=port, upstream_port=upstream_port))
    command = [nginx_program() or "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with _running("nginx", command, port, f"http://127.0.0.1:{port}/", folder, cores) as peer:
        yield peer


@contextmanager
def sidecar(
    folder: Path, cores: set[int], upstream_port: int, name: str = "sidecar", arguments: Sequence[str] = ()
) -> Iterator[Peer]:
    """``sidecar run`` with its defaults, or ``arguments`` beside them: every prediction decoded and recorded."""
    port, admin_port, health_port = free_ports(3)
    command = [sys.executable, "-m", "sidecar", "run", "--upstream", f"http://127.0.0.1:{upstream_port}"]
    command += ["--port", str(port), "--admin-port", str(admin_port), "--health-port", str(health_port)]
    command += ["--data-dir", str(folder / f"{name}-data"), *arguments]
    ready_url = f"http://127.0.0.1:{health_port}/readyz"
    with _running(name, command, port, ready_url, folder, cores) as peer:
        yield Peer(peer.name, peer.port, peer.pid, f"http://127.0.0.1:{admin_port}")


@contextmanager
def _running(name: str, command: list[str], port: int, ready_url: str, folder: Path, cores: set[int]) -> Iterator[Peer]:
    log = folder / f"{name.replace(' ', '-')}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
    try:
        _await_ready(process, ready_url, log)
        yield Peer(name, port, process.pid)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=2) as response:
            if response.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args[0]} did not become ready:\n{log.read_text()[-2000:]}")


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


if __name__ == "__main__":
    import uvloop

    kind, *ports = sys.argv[1:]
    uvloop.run(serve_stub(int(ports[0])) if kind == "stub" else serve_naive(int(ports[0]), int(ports[1])))
