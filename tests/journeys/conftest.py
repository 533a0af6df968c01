"""Model servers for the journeys, in a process or a thread of their own."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.ports import free_ports
from tests.kit.sidecar import ask, wait_for
from tests.kit.steady_load import Background

SERVER = Path(__file__).resolve().parents[1] / "kit" / "model_server.py"


@pytest.fixture
def background() -> Iterator[Background]:
    """A thread with an event loop, for clients and model servers of the test's own."""
    made = Background()
    yield made
    made.close()


@pytest.fixture
def model_server() -> Iterator[Callable[[str], str]]:
    """``model_server(name)`` starts one and gives its URL; all end with the test."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> str:
        (port,) = free_ports(1)
        processes.append(subprocess.Popen([sys.executable, str(SERVER), str(port), name]))
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: _answers(url), what="the model server")
        return url

    yield start
    for process in processes:
        process.kill()
        process.wait(30)


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return ask(url).status == 200
    return False
