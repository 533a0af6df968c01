"""The alert rules of config/prometheus: judged by promtool, held against the metrics there are and their runbook."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.config.promql import RULES, rules

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("rules_*.yml"))
RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"
ALERTS = {rule["alert"]: rule for rule in rules()}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What promtool says, or a skip where there is none."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is missing; Debian's package `prometheus` has it")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def test_promtool_accepts_the_rules() -> None:
    """Every expression and template can be read."""
    done = promtool("check", "rules", str(RULES))
    assert (done.returncode, f"{len(ALERTS)} rules found" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_rules_fire_where_they_should_and_nowhere_else(cases: Path) -> None:
    """On series made for it: with these labels and these words, or not at all."""
    done = promtool("test", "rules", str(cases))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_seen_to_fire_and_to_be_quiet() -> None:
    """A rule that never fires, or always, is none."""
    seen: dict[str, set[bool]] = {}
    for path in CASES:
        for case in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            for asked in case["alert_rule_test"]:
                seen.setdefault(asked["alertname"], set()).add(bool(asked["exp_alerts"]))
    assert seen == {name: {True, False} for name in ALERTS}


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_rule_says_how_urgent_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    """Its runbook has a heading of its own, with what it means and what helps."""
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
    found = re.search(rf"^## {rule['alert']}\n(.+?)(?=^## |\Z)", RUNBOOK.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/runbook.md has nothing of {rule['alert']}"
    assert len(found[1].split()) >= 25


def test_runbook_has_no_alert_that_is_gone() -> None:
    """Nobody looks for what can't fire."""
    assert set(re.findall(r"^## (Sidecar\w+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)) == set(ALERTS)
