"""The base install is light: the client and the commands that ask, without what only a server needs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sidecar.client import Client
from tests.kit.light_install import COMMAND, alone, installed, needed

DISTRIBUTIONS_MAX = 20
"""The distributions of the base with all they need: more is not light."""


@pytest.fixture(scope="session")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what ``pip install inference-sidecar`` installs."""
    return installed(tmp_path_factory.mktemp("light"), needed("inference-sidecar"))


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the client alone needs: its HTTP library."""
    return installed(tmp_path_factory.mktemp("bare"), needed("httpx2"))


def test_base_is_small(light: Path) -> None:
    """The server's own dependencies are not in it, and it stays a handful."""
    assert len(needed("inference-sidecar")) <= DISTRIBUTIONS_MAX
    heavy = ("aiohttp", "numpy", "orjson", "uvloop", "structlog", "pandas", "pyarrow", "PIL", "sklearn")
    ran = alone(
        light, f"import importlib.util as u; print([n for n in {heavy} if u.find_spec(n)], u.find_spec('yaml'))"
    )
    assert ran.stdout.startswith("[] ModuleSpec"), ran


def test_client_needs_nothing_but_its_http_library(bare: Path, url: str) -> None:
    """Neither pydantic, which the command line's own library brings, nor any other: both clients ask a live sidecar."""
    ran = alone(
        bare,
        "import asyncio, importlib.util, sys\n"
        "assert not any(map(importlib.util.find_spec, ('pydantic', 'typer', 'rich', 'yaml')))\n"
        "from sidecar import AsyncClient, Client\n"
        "with Client(sys.argv[1]) as client:\n"
        "    alert = client.create_alert('det', 'Low', {'metric': 'avg_confidence', 'operator': 'lt', 'threshold': 0.7,"
        " 'window': '1h'})\n"
        "    print(client.status().version, client.alerts(), client.alerts()._repr_html_()[:5])\n"
        "async def ask():\n"
        "    async with AsyncClient(sys.argv[1]) as client:\n"
        "        print([alert.name async for alert in client.alert_transitions()], await client.alerts())\n"
        "asyncio.run(ask())\n",
        url,
    )
    assert ran.stderr == ""
    assert ran.stdout.count("name='Low'") == 2


@pytest.mark.parametrize(
    "arguments",
    ["--help", "status", "alerts", "alerts metrics", "dataset list", "ab-test list", "feedback list", "train list"],
)
def test_asking_command_works_on_the_base_alone(light: Path, url: str, arguments: str) -> None:
    """With the tables it draws."""
    ran = alone(light, COMMAND, *arguments.split(), SIDECAR_URL=url)
    assert ran.stderr == ""
    assert ran.returncode in (0, 1)  # 1: status finds a fault
    assert ran.stdout.strip()


def test_command_that_asks_gives_json_on_the_base_alone(light: Path, live: Client, url: str) -> None:
    """For machines."""
    live.create_alert("det", "Low", {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"})
    ran = alone(light, COMMAND, "alerts", "--json", SIDECAR_URL=url)
    assert "Low" in json.dumps(json.loads(ran.stdout))


@pytest.mark.parametrize("arguments", ["run --config sidecar.yaml", "check-config sidecar.yaml", "demo"])
def test_command_of_a_server_names_what_is_missing(light: Path, arguments: str, tmp_path: Path) -> None:
    """In one line, and how to install it."""
    config = tmp_path / "sidecar.yaml"
    config.write_text("upstreams: [{name: A, url: 'http://127.0.0.1:9'}]\n")
    ran = alone(light, COMMAND, *arguments.replace("sidecar.yaml", str(config)).split())
    assert ran.returncode == 2
    assert re.search(r"pip install '?inference-sidecar\[(server|demo)\]", ran.stderr)
    assert "Traceback" not in ran.stderr
