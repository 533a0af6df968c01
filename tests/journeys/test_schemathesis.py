"""schemathesis against a whole sidecar: what its OpenAPI document says is what it does, whatever is sent.

More of it by hand: ``SCHEMATHESIS_EXAMPLES=200 SCHEMATHESIS_SEED=7 pytest tests/journeys/test_schemathesis.py``.
What is left out, and why, stands in schemathesis.toml.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.api.handlers import ROUTES
from tests.kit.populated import TOKEN, ids_of, populated_sidecar
from tests.kit.sidecar import RunningSidecar

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "8")
SEED = os.environ.get("SCHEMATHESIS_SEED", "1")
RUN_S_MAX = 60.0 * max(int(EXAMPLES), 10)


@pytest.mark.timeout(RUN_S_MAX)
def test_api_does_what_its_document_says(tmp_path: Path, model_server: Callable[[str], str]) -> None:
    """No request of any operation, valid or not, gets an answer that the OpenAPI document does not tell of."""
    with populated_sidecar(tmp_path, model_server("one")) as sidecar:
        done = _run(sidecar, tmp_path)
        # Nothing that was sent broke a part of it.
        status = sidecar.api("/api/v1/status")
    assert done.returncode == 0, done.stdout[-30_000:] + done.stderr[-2_000:]
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["operations"]["tested"] == len([route for route in ROUTES if not route.endless])
    # Most operations are tested by what they do, not only by what they refuse.
    reached = [phases for phases in report["valid_rates"].values() if any(one["accepted"] for one in phases.values())]
    assert len(reached) > 0.75 * len(ROUTES)
    made_up = [fault for fault in status["faults"] if fault.endswith(" is down")]  # upstreams it made versions of
    assert status["faults"] == made_up
    log = sidecar.log.read_text()
    assert "Traceback" not in log
    assert TOKEN not in log


def _run(sidecar: RunningSidecar, folder: Path) -> subprocess.CompletedProcess[str]:
    config = folder / "schemathesis.toml"
    config.write_text(_dictionaries(ids_of(sidecar)) + CONFIG.read_text())
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
        f"http://127.0.0.1:{sidecar.admin_port}/api/v1/openapi.json",
        *("--header", f"Authorization: Bearer {TOKEN}", "--phases", "examples,coverage,fuzzing,stateful"),
        *("--max-examples", EXAMPLES, "--seed", SEED, "--generation-database", "none"),
        *("--report", "json", "--report-json-path", str(folder / "report.json")),
        *("--continue-on-failure", "--request-timeout", "60", "--no-color"),
        *("--suppress-health-check", "too_slow"),  # which is about this machine
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.kit.schemathesis_hooks", "COLUMNS": "120"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=RUN_S_MAX, check=False
    )


def _dictionaries(known: dict[str, list[str]]) -> str:
    """Ids that there are, so that not every path leads to a 404."""
    parts = [f"[dictionaries.{name}]\nvalues = {json.dumps(values)}\n" for name, values in known.items()]
    names = [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.7 }}\n' for name in known]
    return "\n".join([*parts, "[parameters]\n" + "".join(names), ""])
