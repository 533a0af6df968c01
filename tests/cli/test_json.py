"""``--json``: every command that asks a sidecar has it, and what it prints is JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sidecar.cli import app
from tests.cli.conftest import Ask
from tests.kit.command_tree import commands

DOCUMENTS = {"sidecar baseline export", "sidecar train log"}
"""What they print is a document already."""


def told(tell: Ask, *words: str) -> Any:
    """The JSON that a command prints."""
    result = tell(*words, "--json")
    assert (result.exit_code, result.stderr) == (0, ""), words
    return json.loads(result.stdout)


def test_every_command_that_asks_a_sidecar_has_it() -> None:
    """And ``check-config``, which asks none."""
    without = set()
    for words, command in commands():
        options = {name for parameter in command.params for name in parameter.opts}
        if "--url" in options and "--json" not in options:
            without.add(words)
    assert without == DOCUMENTS


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "words",
    [
        *(("ab-test", "list"), ("shadow", "list"), ("experiment", "list"), ("alerts", "list"), ("baseline", "list")),
        *(("drift", "checks", "nope"), ("feedback", "list"), ("train", "list"), ("token", "list")),
        *(("dataset", "versions", "det"), ("dataset", "events", "det"), ("model-versions",)),
    ],
)
def test_list_of_nothing_is_an_empty_list(tell: Ask, words: tuple[str, ...]) -> None:
    """Not the sentence that a person reads."""
    assert told(tell, *words) == []


def test_tests_tell_how_they_stand_after_each_step(tell: Ask) -> None:
    """Of both kinds."""
    tell("ab-test", "create", "New", "--a", "digits@1", "--b", "digits@2", "--split", "0.1")
    tell("shadow", "create", "Behind", "--model", "det", "--shadow", "det@2")
    for group, test_id in (("ab-test", "new"), ("shadow", "behind")):
        steps = [("pause", "paused"), ("resume", "running"), ("ramp", "running"), ("stop", "stopped")]
        for step, status in steps:
            found = told(tell, group, step, test_id, *(("0.2",) if step == "ramp" else ()))
            assert (found["id"], found["status"]) == (test_id, status)
        assert told(tell, group, "promote", test_id)["id"] == test_id
    tell("ab-test", "create", "Next", "--a", "digits@1", "--b", "digits@2", "--split", "0.1")
    assert told(tell, "ab-test", "conclude", "next")["status"] == "concluded"


def test_alerts_and_baselines_tell_what_became_of_them(tell: Ask) -> None:
    """What is deleted is told as it was."""
    made = told(tell, "alerts", "create", "det", "Low", *_CONDITION)
    silenced = told(tell, "alerts", "silence", made["alert_id"], "--for", "1h")
    assert silenced["silenced_until"] is not None
    assert told(tell, "alerts", "delete", made["alert_id"])["alert_id"] == made["alert_id"]
    frozen = told(tell, "baseline", "set", "det", "--period", "7d")
    assert told(tell, "baseline", "delete", frozen["baseline_id"])["baseline_id"] == frozen["baseline_id"]


_CONDITION = ("--metric", "avg_confidence", "--operator", "lt", "--threshold", "0.7", "--window", "1h")


@pytest.mark.usefixtures("filled")
def test_what_is_deleted_or_saved_is_told(tell: Ask, tmp_path: Path) -> None:
    """An image and a model as they were, a file with its bytes."""
    assert told(tell, "review", "delete", "i0", "--yes")["id"] == "i0"
    told(tell, "models", "register", "new@1")
    assert told(tell, "models", "delete", "new@1", "--yes")["id"] == "new@1"
    file = tmp_path / "all.csv"
    assert told(tell, "predictions", "export", str(file)) == {
        "file": str(file),
        "format": "csv",
        "bytes": file.stat().st_size,
    }
    result = tell("predictions", "export", "-", "--json")
    assert (result.exit_code, result.stdout, result.stderr.split(": ")[1]) == (2, "", "--json")
    tell("review", "confirm", "i1")
    version = told(tell, "dataset", "version", "det", "v1")
    file = tmp_path / "v1.zip"
    saved = told(tell, "dataset", "export", version["id"], "--format", "coco", "-o", str(file))
    assert saved == {"file": str(file), "format": "coco", "bytes": file.stat().st_size}


def test_configuration_is_judged(tmp_path: Path) -> None:
    """Its faults with their places; the exit code is that of the words."""
    file = tmp_path / "sidecar.yaml"
    file.write_text("upstreams:\n  - {name: A, url: 'http://127.0.0.1:8000'}\n")
    good = CliRunner().invoke(app, ["check-config", str(file), "--json"], catch_exceptions=False)
    assert (good.exit_code, json.loads(good.stdout)) == (0, {"file": str(file), "good": True, "faults": []})
    file.write_text("upstreams:\n  - {name: A, url: nonsense}\nlisten: {hots: 1}\n")
    bad = CliRunner().invoke(app, ["check-config", str(file), "--json"], catch_exceptions=False)
    faults = json.loads(bad.stdout)["faults"]
    assert (bad.exit_code, [fault["place"] for fault in faults]) == (
        2,
        [f"{file}:2: upstreams[0].url", f"{file}:3: listen.hots"],
    )
    words = CliRunner().invoke(app, ["check-config", str(file)], catch_exceptions=False)
    assert words.stderr.splitlines() == [f"sidecar: {fault['place']}: {fault['message']}" for fault in faults]
