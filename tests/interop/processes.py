"""Real processes for the tests: servers and the sidecar, started with a deadline and stopped with their children."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit.ports import free_ports

SERVERS = Path(__file__).parent / "servers"
DETECTOR = Path(__file__).parents[1] / "kit" / "fastestdet.py"
READY_SECONDS_MAX = 180.0
RECORDED_SECONDS_MAX = 90.0
POLL_SECONDS = 0.05


@contextmanager
def running(command: list[str], ready_url: str, log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, from when ``ready_url`` answers 200 to the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, **options)
    try:
        _await_ready(process, ready_url, log)
        yield process
    finally:
        _stop(process)


@contextmanager
def mlserver(python: str, folder: Path, weights: Path, names: Path, version: str) -> Iterator[int]:
    """The HTTP port of an MLServer that serves one version of ``fastestdet``; ``folder`` is its own."""
    http, grpc, metrics = free_ports(3)
    settings = {"host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics}
    (folder / "settings.json").write_text(json.dumps({**settings, "parallel_workers": 0}))
    model = {"name": "fastestdet", "implementation": "mlserver_model.DetectorModel", "parameters": {"version": version}}
    (folder / "model-settings.json").write_text(json.dumps(model))
    environment = {
        **os.environ,
        "PYTHONPATH": str(SERVERS),
        "FASTESTDET_WEIGHTS": str(weights),
        "FASTESTDET_NAMES": str(names),
        "FASTESTDET_MODULE": str(DETECTOR),
    }
    command = [str(Path(python).with_name("mlserver")), "start", str(folder)]
    ready_url = f"http://127.0.0.1:{http}/v2/models/fastestdet/ready"
    with running(command, ready_url, folder / "server.log", cwd=folder, env=environment):
        yield http


def _await_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"{process.args} ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                if response.status == 200:
                    return
        except OSError:
            pass
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"{url} not ready after {READY_SECONDS_MAX} s:\n{log.read_text()[-3000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL to the session: some servers' children outlive their parent by seconds."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)


@dataclass(frozen=True)
class Sidecar:
    url: str
    admin_url: str

    def prediction(self, prediction_id: str) -> dict[str, Any]:
        """What was recorded under this id, as soon as it is there.

        The record follows the answer by a moment, and the monitor that serves it may start after the proxy does.
        """
        deadline = time.monotonic() + RECORDED_SECONDS_MAX
        url = f"{self.admin_url}/api/v1/predictions/{prediction_id}"
        while True:
            try:
                with urllib.request.urlopen(url, timeout=30) as response:
                    found: dict[str, Any] = json.load(response)
                    return found
            except urllib.error.HTTPError as error:
                if error.code != 404 or time.monotonic() > deadline:
                    raise AssertionError(f"{url}: {error.code} {error.read()[:500]!r}") from error
            except OSError as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{url}: {error}") from error
            time.sleep(POLL_SECONDS)


@contextmanager
def sidecar(upstream_url: str, folder: Path) -> Iterator[Sidecar]:
    """``sidecar run`` in front of ``upstream_url``, as a user starts it."""
    port, admin_port, health_port = free_ports(3)
    command = [sys.executable, "-m", "sidecar", "run", "--upstream", upstream_url, "--port", str(port)]
    command += ["--admin-port", str(admin_port), "--health-port", str(health_port)]
    command += ["--data-dir", str(folder / "sidecar-data")]
    ready_url = f"http://127.0.0.1:{health_port}/readyz"
    with running(command, ready_url, folder / "sidecar.log"):
        yield Sidecar(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin_port}")


class Tee:
    """A TCP relay between sidecar and server that remembers every byte the server sent: what is relayed is
    compared with these, since ids and times in a reply differ from request to request."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.sent: list[bytearray] = []
        self.asked: list[bytearray] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Tee:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target_port))
            except OSError:
                near.close()
                continue
            asked, sent = bytearray(), bytearray()
            self.asked.append(asked)
            self.sent.append(sent)
            threading.Thread(target=_copy, args=(near, far, asked), daemon=True).start()
            threading.Thread(target=_copy, args=(far, near, sent), daemon=True).start()

    def server_sent(self, body: bytes) -> bool:
        """Whether the server sent exactly this body: right behind a head that announces its length."""
        for stream in self.sent:
            raw = bytes(stream)
            start = raw.find(b"\r\n\r\n" + body)
            while start >= 0:
                head = raw[raw.rfind(b"HTTP/1.1 ", 0, start) : start].lower()
                if b"content-length: %d" % len(body) in head.split(b"\r\n"):
                    return True
                start = raw.find(b"\r\n\r\n" + body, start + 1)
        return False

    def server_got(self, body: bytes) -> bool:
        """Whether the server was sent exactly this request body by Content-Length."""
        return any(b"\r\n\r\n" + body in bytes(stream) for stream in self.asked)


def _copy(source: socket.socket, sink: socket.socket, copy: bytearray) -> None:
    try:
        while received := source.recv(1 << 16):
            copy += received
            sink.sendall(received)
    except OSError:
        pass
    finally:
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
