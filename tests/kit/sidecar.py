"""A whole sidecar as a user starts it: real processes, real sockets, a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit.ports import free_ports

START_S = 90.0
ANSWER_S = 60.0
"""Waits that end a test which hangs: nothing is proven by how long anything took."""


def wait_for(condition: Callable[[], Any], within_s: float = 90.0, what: str = "condition") -> Any:
    """The first true value of ``condition()``, which is looked at once more when the time is over; raises TimeoutError
    naming ``what``."""
    ends = time.monotonic() + within_s
    while True:
        last = time.monotonic() >= ends
        if value := condition():
            return value
        if last:
            raise TimeoutError(f"{what} did not come true within {within_s} s")
        time.sleep(0.03)


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(url: str, body: bytes | None = None, method: str | None = None, **headers: str) -> Answer:
    """One HTTP request on a connection of its own; raises OSError where there is no answer."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, method=method, headers=fields)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as response:
            return Answer(response.status, dict(response.headers), response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, dict(error.headers), error.read())


@dataclass
class RunningSidecar:
    """A sidecar under test. ``log`` is where its processes' standard error goes, ``token`` what it is asked with."""

    process: subprocess.Popen[bytes]
    port: int
    admin_port: int
    health_port: int
    data_dir: Path
    log: Path
    stopped: list[int] = field(default_factory=list)
    token: str = ""

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def api(self, path: str) -> Any:
        """The JSON of an API path, None while it does not answer 200."""
        with contextlib.suppress(OSError):
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            answer = ask(f"http://127.0.0.1:{self.admin_port}{path}", **headers)
            return json.loads(answer.body) if answer.status == 200 else None
        return None

    def metrics(self) -> str:
        return ask(f"http://127.0.0.1:{self.admin_port}/metrics").body.decode()

    def metric(self, start: str) -> float:
        """The sum of the samples whose line begins with ``start``; labels are in the order of the page."""
        lines = [line for line in self.metrics().splitlines() if line.startswith(start)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def pids(self, title: str) -> list[int]:
        """Processes of this sidecar by their title in ``ps``."""
        rows = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
        found = []
        for row in rows.splitlines()[1:]:
            pid, parent, *name = row.split(None, 2)  # one that writes its title just now has none
            if title in "".join(name) and int(parent) == self.process.pid:
                found.append(int(pid))
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextlib.contextmanager
def running_sidecar(
    folder: Path, arguments: Sequence[str], token: str = "", **environment: str
) -> Iterator[RunningSidecar]:
    """``sidecar run`` with ``arguments``, ready to proxy and with its monitor answering; ended afterwards."""
    port, admin_port, health_port = free_ports(3)
    log = folder / "sidecar.log"
    command = [
        *(sys.executable, "-m", "sidecar", "run", *arguments),
        *("--port", str(port), "--admin-port", str(admin_port), "--health-port", str(health_port)),
        *("--data-dir", str(folder / "data")),
    ]
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stderr=errors, stdout=errors, env={**os.environ, **environment})
    sidecar = RunningSidecar(process, port, admin_port, health_port, folder / "data", log, token=token)
    try:
        try:
            wait_for(lambda: _ready(sidecar), START_S, "readiness")
        except TimeoutError as error:
            raise TimeoutError(f"{error} (log: {log.read_text()[-2000:]})") from None
        yield sidecar
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(30)


def _ready(sidecar: RunningSidecar) -> bool:
    if sidecar.process.poll() is not None:
        raise RuntimeError(f"the sidecar ended: {sidecar.log.read_text()[-4000:]}")
    with contextlib.suppress(OSError):
        ready = ask(f"http://127.0.0.1:{sidecar.health_port}/readyz").status == 200
        return ready and sidecar.api("/api/v1/status") is not None
    return False
