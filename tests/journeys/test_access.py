"""A whole sidecar beyond loopback, with tokens that the command line makes beside it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.ports import free_ports
from tests.kit.sidecar import Answer, ask, wait_for


def sidecar(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of the command line, in ``folder``."""
    command = [sys.executable, "-m", "sidecar", *words]
    return subprocess.run(command, cwd=folder, env=clean(), capture_output=True, text=True, timeout=90, check=False)


def clean(**environment: str) -> dict[str, str]:
    """The environment, without what is about another sidecar; the admin port is one that everybody can reach."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIDECAR_")}
    path = str(Path(__file__).resolve().parents[2])
    return {**kept, "SIDECAR_ADMIN__HOST": "0.0.0.0", "PYTHONPATH": path, **environment}


@contextlib.contextmanager
def running(folder: Path, **environment: str) -> Iterator[tuple[int, int]]:
    """A sidecar over ``folder``: its process id and admin port; ended afterwards."""
    port, admin_port, health_port = map(str, free_ports(3))
    command = [
        *(sys.executable, "-m", "sidecar", "run", "--upstream", "http://127.0.0.1:9", "--data-dir", "data"),
        *("--port", port, "--admin-port", admin_port, "--health-port", health_port),
    ]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=clean(**environment), stdout=log, stderr=log)
    try:
        wait_for(lambda: process.poll() is not None or status(int(admin_port)), what="the admin port")
        assert process.poll() is None, (folder / "log").read_text()
        yield process.pid, int(admin_port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def status(port: int, token: str = "") -> int | None:
    """The status of an answer to whom bears ``token``; None: there is no answer."""
    answer = whoami(port, token)
    return None if answer is None else answer.status


def whoami(port: int, token: str) -> Answer | None:
    """Who the sidecar says that is."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with contextlib.suppress(OSError):
        return ask(f"http://127.0.0.1:{port}/api/v1/whoami", **headers)
    return None


def monitor_of(supervisor: int) -> int | None:
    """The monitor's process id."""
    rows = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    fields = [row.split(None, 2) for row in rows.splitlines()[1:]]
    found = [int(pid) for pid, parent, name in fields if int(parent) == supervisor and "monitor" in name]
    return found[0] if found else None


def test_tokens_are_made_and_revoked_beside_a_sidecar_that_needs_them(tmp_path: Path) -> None:
    """It does not start without one; one that is made or revoked in its folder counts at once; and when the last has
    ended it lets nobody in, but a monitor that is killed comes back."""
    started = sidecar(tmp_path, "run", "--upstream", "http://127.0.0.1:9", "--data-dir", "data")
    assert started.returncode == 2
    for way in ("admin.token_file", "sidecar token create NAME --scope admin --data-dir data", "admin.client_ca_file"):
        assert way in started.stderr
    made = sidecar(tmp_path, "token", "create", "ops", "--scope", "admin", "--data-dir", "data")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    with running(tmp_path) as (supervisor, port):
        assert status(port) == 401
        answer: Any = whoami(port, secret)
        assert json.loads(answer.body)["name"] == "ops"
        scraper = sidecar(tmp_path, "token", "create", "prometheus", "--data-dir", "data").stdout.strip()
        assert ask(f"http://127.0.0.1:{port}/metrics", Authorization=f"Bearer {scraper}").status == 200
        listed = json.loads(sidecar(tmp_path, "token", "--data-dir", "data", "--json").stdout)
        assert [token["name"] for token in listed] == ["prometheus", "ops"]
        for name in ("ops", "prometheus"):
            assert sidecar(tmp_path, "token", "revoke", name, "--data-dir", "data").returncode == 0
        assert status(port, secret) == 401
        assert status(port, scraper) == 401
        killed = monitor_of(supervisor)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: monitor_of(supervisor) not in (None, killed), what="another monitor")
        wait_for(lambda: status(port, secret) == 401, what="the admin port of the other monitor")
    log = (tmp_path / "log").read_text()
    for word in (secret, scraper):
        assert word not in log
        assert word not in (tmp_path / "data" / "tokens.json").read_text()


@pytest.mark.parametrize("require", ["true", "false"])
def test_loopback_asks_for_a_token_only_where_it_is_told_to(tmp_path: Path, require: str) -> None:
    """Making one locks nobody out at home; a wrong one is refused there too."""
    secret = sidecar(tmp_path, "token", "create", "ops", "--data-dir", "data").stdout.strip()
    with running(tmp_path, SIDECAR_ADMIN__HOST="127.0.0.1", SIDECAR_ADMIN__REQUIRE_TOKEN=require) as (_, port):
        assert status(port) == (401 if require == "true" else 200)
        assert status(port, secret) == 200
        assert status(port, "wrong") == 401
