"""``sidecar demo --loop``, as it is typed: once around with everything real, and stopped on the way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar import Client
from tests.kit.ports import free_ports
from tests.kit.sidecar import running_sidecar

SEED = 7
GIVEN_UP_S = 480.0
"""Where all is busy the two or three minutes that it takes are longer."""


def _begun(folder: Path) -> subprocess.Popen[str]:
    port, admin_port, health_port = map(str, free_ports(3))
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "sidecar", "demo", "--loop", "--seed", str(SEED), "--data-dir", str(folder)),
            *("--port", port, "--admin-port", admin_port, "--health-port", health_port),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )


@pytest.mark.timeout(600)
def test_loop_goes_around_by_itself(tmp_path: Path, model_server: Callable[[str], str]) -> None:
    """It ends by itself; what it said was done is what the next sidecar on its data finds, and the new
    version serves if it won, and only then."""
    process = _begun(tmp_path / "data")
    killed = threading.Timer(GIVEN_UP_S, process.kill)
    killed.start()
    try:
        said, logged = process.communicate()
    finally:
        killed.cancel()
    assert process.returncode == 0, f"{said}\n{logged[-4000:]}"

    def told(pattern: str) -> str:
        found = re.search(pattern, said)
        assert found, f"{pattern} not in\n{said}"
        return found[1]

    by_day, by_night = float(told(r"average confidence (\S+), the alert")), float(told(r"confidence fell to (\S+) in"))
    assert by_night <= 0.8 < by_day  # as they are rounded
    assert told(r"alert +fires: (avg_confidence) of digits was")
    won = "it is promoted" in said
    assert won or "nothing is promoted" in said
    with (
        running_sidecar(tmp_path, ["--upstream", model_server("one")]) as sidecar,
        Client(f"http://127.0.0.1:{sidecar.admin_port}") as client,
    ):
        (alert,) = [alert for alert in client.alerts("digits") if alert.name == "Unsure"]
        assert "firing" in [change.to_state for change in client.alert_transitions(alert.id)]
        version = client.dataset_version(told(r"version +([0-9a-f]{16}):"))
        assert version["items"] == int(told(r": (\d+) images, \d+ boxes")) >= 120
        (made,) = client.model_versions("digits")
        assert (made.id, made.dataset_version_id) == (told(r"training +(digits@2) in"), version.id)
        assert made.metrics.f1 > made.metrics.base_f1
        test = client.ab_test("night-version")
        assert (test.status, test.promoted is not None) == ("concluded", won)
        results = client.get_ab_test_results("night-version")
        assert (results.verdict == "b_better" and results.p_value < 0.05) == won
        assert not won or min(results.model_a.n_feedback, results.model_b.n_feedback) >= 150
        # equal random feedback in both arms: each is drawn for the audit at the same rate
        for arm in (results.model_a, results.model_b):
            assert abs(arm.n_sampled - arm.images / 2) <= max(0.15 * arm.images, 2.25 * arm.images**0.5)  # 4.5 sigma


def test_interrupted_loop_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C ends every process that it began, and is no success."""
    process = _begun(tmp_path / "data")
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if " day " in line:  # the traffic flows
                break
        children = _children(process.pid)
        assert len(children) >= 4, "detector, worker, monitor and traffic"
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait(30)
    assert process.returncode == 130
    assert "before its end" in said
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


def _children(parent: int) -> list[int]:
    rows = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout.splitlines()
    pairs = [tuple(map(int, row.split())) for row in rows[1:]]
    return [pid for pid, of in pairs if of == parent and Path(f"/proc/{pid}").exists()]
