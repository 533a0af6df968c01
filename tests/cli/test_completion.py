"""Completion, in a real shell and from a real sidecar."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

from sidecar.alerts.condition import Compare, NoData, Operator
from sidecar.api import (
    schemas,
    schemas_alerts,
    schemas_datasets,
    schemas_feedback,
    schemas_items,
    schemas_training,
    schemas_trials,
)
from sidecar.api.schemas_exports import ExportQuery
from sidecar.cli import app, completing
from sidecar.cli.completing import REASONS
from sidecar.data_engine.config import CONDITIONS, SamplingConfig
from tests.api.serving import served
from tests.cli.conftest import Ask
from tests.kit.command_tree import commands

SCRIPT = Path(sys.executable).parent / "sidecar"
PATIENT = f"""#!{sys.executable}
from sidecar.cli import completing, main

completing.TIMEOUT_S = 60.0
main()
"""
"""The program where it waits for the sidecar's answer on a busy machine, which the Tab key does not."""
Complete = Callable[..., list[str]]


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A script called ``sidecar`` that gives the sidecar time to answer."""
    script = tmp_path_factory.mktemp("bin") / "sidecar"
    script.write_text(PATIENT)
    script.chmod(0o755)
    return script


@pytest.fixture
def complete(url: str, patient: Path) -> Complete:
    """``complete("alerts", "show", "")``: what bash would offer for the last of the words."""
    return lambda *words, **environment: offered(url, *words, script=patient, **environment)


def offered(url: str, *words: str, script: Path = SCRIPT, **environment: str) -> list[str]:
    """What the program tells bash."""
    line = ["sidecar", *words]
    told = {
        "SIDECAR_URL": url,
        "_SIDECAR_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(line) if line[-1] else f"{' '.join(line[:-1])} ",
        "COMP_CWORD": str(len(line) - 1),
    }
    done = subprocess.run(
        [script], env={**os.environ, **told, **environment}, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_and_ids(tell: Ask, url: str, patient: Path) -> None:
    """The script that the program prints does so in a shell, over its two steps."""
    tell("ab-test", "create", "New", "--a", "digits@1", "--b", "digits@2", "--split", "0.1")
    script = (
        'source <(sidecar --show-completion); for line in "sidecar exp" "sidecar experiment results n"; do'
        " COMP_WORDS=($line); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _sidecar_completion sidecar;"
        ' echo "${COMPREPLY[@]}"; done'
    )
    path = f"{patient.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**os.environ, "PATH": path, "SIDECAR_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout.splitlines(), done.stderr) == (["experiment", "new"], "")


@pytest.mark.usefixtures("filled")
def test_ids_and_names_are_asked_of_the_sidecar(tell: Ask, complete: Complete) -> None:
    """Models and versions, alerts, baselines, tests, datasets: each where it is wanted."""
    tell(
        "alerts",
        "create",
        "det",
        "Low",
        "--metric",
        "avg_confidence",
        "--operator",
        "lt",
        "--threshold",
        "0.5",
        "--window",
        "1h",
    )
    tell("ab-test", "create", "New", "--a", "digits@1", "--b", "digits@2", "--split", "0.1")
    tell("shadow", "create", "Behind", "--model", "det", "--shadow", "det@2")
    assert {"det", "det@1"} <= set(complete("drift", ""))
    assert {"compare", "checks"} <= set(complete("drift", "c"))
    assert complete("top", "--model", "det@1") == ["det@1"]
    assert complete("predictions", "--model", "d") == ["det"]
    alert = tell("alerts", "--json")
    assert complete("alerts", "show", "") == [alert.stdout.split('"alert_id": "')[1].split('"')[0]]
    assert complete("ab-test", "show", "") == ["new"]
    assert complete("shadow", "show", "") == ["behind"]
    assert sorted(complete("experiment", "show", "")) == ["behind", "new"]
    assert complete("dataset", "items", "") == ["det"]
    assert "avg_confidence" in complete("alerts", "create", "det", "x", "--metric", "avg_c")
    assert "confidence" in complete("ab-test", "create", "x", "--metric", "conf")


def test_address_and_token_of_the_line_are_used(
    tmp_path: Path, watch: Any, trials: Any, tell: Ask, patient: Path
) -> None:
    """As the command itself would ask; options before the subcommand as well."""
    tell("ab-test", "create", "New", "--a", "digits@1", "--b", "digits@2", "--split", "0.1")
    (tmp_path / "other").mkdir()
    with served(tmp_path / "other", watch, token="secret", trials=trials) as url:
        nowhere = "http://127.0.0.1:9"
        assert offered(nowhere, "ab-test", "show", "--url", url, "--token", "secret", "", script=patient) == ["new"]
        assert offered(nowhere, "ab-test", "--url", url, "--token", "secret", "show", "", script=patient) == ["new"]
        assert offered(url, "ab-test", "show", "", script=patient, SIDECAR_TOKEN="secret") == ["new"]
        assert offered(url, "ab-test", "show", "", script=patient, SIDECAR_TOKEN="wrong") == []


def test_nothing_is_offered_or_said_where_nobody_answers() -> None:
    """Neither refused nor silent connections keep the shell for long."""
    began = time.monotonic()
    assert offered("http://127.0.0.1:9", "alerts", "show", "") == []
    start_s = time.monotonic() - began
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert offered(f"http://127.0.0.1:{silent.getsockname()[1]}", "alerts", "show", "") == []
        assert time.monotonic() - began < start_s + 10


@pytest.mark.parametrize("name", ["$(touch pwned)", "a;b", "`x`", "a b", "-rf", 'q"q', "a'b", "*"])
def test_name_that_a_shell_would_obey_is_not_offered(
    tell: Ask, complete: Complete, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whoever sends traffic names models; a shell evaluates what it is offered."""
    monkeypatch.setattr(completing, "TIMEOUT_S", 60.0)
    result = tell("dataset", "create", f"Pictures {name}", "--id", "pictures")
    assert result.exit_code == 0, result.stderr
    assert complete("dataset", "show", "") == ["pictures"]
    told = CliRunner().invoke(
        app,
        [],
        env={"_SIDECAR_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "sidecar dataset show "},
        prog_name="sidecar",
    )
    assert "pictures" in told.stdout
    assert not set("$`;*\"'") & set(told.stdout.split('":"')[1].split('"')[0])


def values_of(schema: Any, field: str) -> set[str]:
    """The words a field of the API takes."""
    found: set[str] = set()
    for part in [schema.model_fields[field].annotation, *get_args(schema.model_fields[field].annotation)]:
        found |= {word for word in get_args(part) if isinstance(word, str)}
    return found


@pytest.mark.parametrize(
    ("words", "schema", "field"),
    [
        (("predictions", "--role"), schemas.PredictionsQuery, "role"),
        (("predictions", "export", "x", "--format"), ExportQuery, "format"),
        (("alerts", "--state"), schemas_alerts.AlertsQuery, "state"),
        (("ab-test", "--status"), schemas_trials.TrialsQuery, "status"),
        (("feedback", "list", "--type"), schemas_feedback.FeedbackQuery, "feedback_type"),
        (("dataset", "items", "d", "--status"), schemas_items.ItemsQuery, "status"),
        (("dataset", "items", "d", "--queue"), schemas_items.ItemsQuery, "queue"),
        (("samples", "--status"), schemas_items.ItemsQuery, "status"),
        (("dataset", "export", "v", "--format"), schemas_datasets.ExportQuery, "format"),
        (("train", "--status"), schemas_training.JobsQuery, "status"),
        (("train", "report", "j", "--status"), schemas_training.ReportBody, "status"),
    ],
)
def test_words_that_are_offered_are_those_that_the_api_takes(words: tuple[str, ...], schema: Any, field: str) -> None:
    """None is missing, and none would be refused."""
    assert set(offered("http://127.0.0.1:9", *words, "")) == values_of(schema, field)


def test_parts_of_a_condition_are_those_that_alerts_take() -> None:
    """Their comparisons, and what no data does."""
    for flag, kind in (("--operator", Operator), ("--compare", Compare), ("--no-data", NoData)):
        assert set(offered("http://127.0.0.1:9", "alerts", "create", "m", "n", flag, "")) == set(get_args(kind))


def test_reasons_that_are_offered_are_those_of_the_data_engine() -> None:
    """But for those of single classes, whose names nobody knows beforehand."""
    rules = set(SamplingConfig().to_dict()) - {"classes", "near_duplicates", "edge_cases"}
    assert set(REASONS) == rules | set(CONDITIONS)


def test_every_id_completes() -> None:
    """Whatever names a thing of the sidecar, but for single predictions and images, which are too many."""
    ids = {"ID", "DATASET", "VERSION", "JOB", "MODEL", "[MODEL]", "[ID]"}
    too_many = ("sidecar predictions show", "sidecar samples show", "sidecar feedback give", "sidecar feedback list")
    new = ("sidecar models register",)
    missing = [
        f"{words} {parameter.name}"
        for words, command in commands()
        for parameter in command.params
        if parameter.metavar in ids and parameter._custom_shell_complete is None and words not in too_many + new
    ]
    assert missing == []
