"""How the demo begins: its configurations, what it refuses, and where its logs go."""

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from sidecar.app.demo_config import demo_config, loop_config
from sidecar.cli import app
from tests.kit.ports import free_ports

PORTS = {"port": 1, "admin_port": 2, "health_port": 3}
TRAINER = [sys.executable, "-m", "sidecar.demo.trainer", "--dataset", "{dataset}"]
URL = "http://127.0.0.1:9"


def test_demo_has_a_trainer_and_takes_feedback(tmp_path: Path) -> None:
    """Everything that the dashboard offers works on it: images are kept, trained from, and judged by users."""
    config = demo_config("127.0.0.1", PORTS, tmp_path, URL, TRAINER)
    assert [upstream.version for upstream in config.upstreams] == ["1", "2"]
    assert config.feedback.path == "/feedback"
    (trainer,) = config.trainers
    assert trainer.upstream is not None
    assert trainer.upstream.url == URL
    assert (config.sampling.random_sample.enabled, config.sampling.low_confidence.enabled) == (True, True)


def test_loop_begins_with_one_version_that_keeps_nothing_by_itself(tmp_path: Path) -> None:
    """What the loop shows is what it asked for over the API."""
    config = loop_config("127.0.0.1", PORTS, tmp_path, URL, TRAINER)
    assert [upstream.version for upstream in config.upstreams] == ["1"]
    assert (config.experiments, config.shadows, config.alerts.defaults) == ((), (), False)
    rules = config.sampling
    on = (rules.low_confidence.enabled, rules.edge_cases.enabled, rules.random_sample.enabled)
    assert on == (False, False, False)


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """The command sets logs up for its process, and here that is everybody's."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _refusal(folder: Path, *words: str) -> str:
    port, admin_port, health_port = map(str, free_ports(3))
    ports = ("--port", port, "--admin-port", admin_port, "--health-port", health_port)
    result = CliRunner().invoke(app, ["demo", *words, *ports, "--data-dir", str(folder)], catch_exceptions=False)
    assert result.exit_code == 2
    return result.stderr


def test_what_does_not_go_together_is_refused_at_once(tmp_path: Path) -> None:
    """Before seconds of training, each with its flag."""
    assert "--stay: goes with --loop" in _refusal(tmp_path, "--stay")
    assert "--rate: --loop has a rate of its own" in _refusal(tmp_path, "--loop", "--rate", "5")
    (tmp_path / "settings.json").write_text("{}")
    assert "--loop begins with an empty folder" in _refusal(tmp_path, "--loop")
    (tmp_path / "demo-loop").mkdir()
    assert "holds what --loop recorded" in _refusal(tmp_path)
    (tmp_path / "file").write_text("")
    assert "name a folder that can be written" in _refusal(tmp_path / "file" / "in")


@pytest.mark.parametrize(("wanted", "shown"), [("True", True), ("False", False)])
def test_logs_stay_out_of_a_terminal_and_are_shown_where_something_failed(
    tmp_path: Path, wanted: str, shown: bool
) -> None:
    """What this process and its children write to standard error goes to the file; its end is shown if wanted."""
    log = tmp_path / "log"
    code = (
        "import pathlib, subprocess, sys; from sidecar.app.demo_logs import logs_aside\n"
        f"with logs_aside(pathlib.Path({str(log)!r})) as aside:\n"
        "    print('from here', file=sys.stderr)\n"
        "    subprocess.run(['sh', '-c', 'echo from a child >&2'])\n"
        f"    aside.wanted = {wanted}\n"
        "print('after', file=sys.stderr)\n"
    )
    ours, theirs = pty.openpty()
    said = b""
    with open(ours, "rb", buffering=0) as screen:
        try:
            subprocess.run([sys.executable, "-c", code], stderr=theirs, check=True)
        finally:
            os.close(theirs)
        with contextlib.suppress(OSError):  # as a terminal ends: all has been read, and nobody writes any more
            while part := screen.read(4096):
                said += part
    assert log.read_text() == "from here\nfrom a child\n"
    assert (b"from a child" in said, b"after" in said) == (shown, True)
