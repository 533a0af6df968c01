"""``sidecar data-engine`` in front of the application, over a real store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from sidecar.cli.show_data_engine import data_engine_page, data_engines_lines
from tests.cli.trial_documents import page, words_of

Tell = Callable[..., Result]
RULES = """
random_sample: {rate: 0.05}
low_confidence: {threshold: 0.6, limits: {per_hour: 60}, cool_down: 10s}
classes: {cat: {rate: 0.5}}
"""
pytestmark = pytest.mark.usefixtures("filled")


def test_rules_are_set_from_a_file_and_shown(tell: Tell, tmp_path: Path) -> None:
    """A rule that is not in it is off; what is left to its default is shown, too."""
    (tmp_path / "rules.yaml").write_text(RULES)
    tell("dataset", "create", "Night")
    shown = tell("data-engine", "set", "det", "--config", str(tmp_path / "rules.yaml"), "--dataset", "Night").stdout
    assert tell("data-engine", "show", "det@2").stdout == shown
    said = words_of(shown.splitlines())
    assert said[:2] == ["det", "dataset night"]
    assert "edge_cases off" in said
    assert "random_sample rate 0.05" in said
    assert "class:cat rate 0.5" in said
    assert "low_confidence threshold 0.6, sample rate 0.1, at most 60 per hour, cool down 10s" in " ".join(said)
    assert max(map(len, shown.splitlines())) <= 80
    listed = tell("data-engine").stdout
    assert listed.splitlines()[0] == "det  to night, 0 kept in the last day"
    assert "random_sample" in listed
    assert "edge_cases" not in listed


@pytest.mark.parametrize(
    "given", ['{"random_sample": {"rate": 0.05}}', '{\n\t"random_sample": {"rate": 0.05}\n}', RULES]
)
def test_rules_may_come_from_standard_input(tell: Tell, given: str) -> None:
    """As YAML or as JSON, in whatever way that is indented."""
    made = json.loads(tell("data-engine", "set", "det@2", "--config", "-", "--json", typed=given).stdout)
    assert (made["config"]["random_sample"]["rate"], made["origin"]) == (0.05, "api")


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ("random_sample: {rate: 5}\nlow: 3\n", ["--config low", "--config random_sample.rate"]),
        ("a: [", ["--config"]),
        ("- 3", ["--config"]),
        ("", ["--config"]),
        ("a: 2024-13-45", ["--config"]),
    ],
)
def test_faulty_rules_are_told_with_their_places(tell: Tell, given: str, faults: list[str]) -> None:
    """A line each; the rules stay as they were."""
    before = tell("data-engine", "show", "det").stdout
    result = tell("data-engine", "set", "det", "--config", "-", typed=given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sorted(line.split(": ")[1] for line in result.stderr.splitlines()) == faults
    assert tell("data-engine", "show", "det").stdout == before


@pytest.mark.parametrize("name", ["missing.yaml", "large.yaml", "latin.yaml", "not.json"])
def test_file_that_can_not_be_read_is_told(tell: Tell, tmp_path: Path, name: str) -> None:
    """By its flag and name."""
    (tmp_path / "large.yaml").write_bytes(b"#" * (1 << 20) + b"#")
    (tmp_path / "latin.yaml").write_bytes(b"caf\xe9: 1")
    (tmp_path / "not.json").write_text("random_sample: {}")
    result = tell("data-engine", "set", "det", "--config", str(tmp_path / name))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"sidecar: --config: {tmp_path / name}: ")


def test_what_nobody_knows_is_told(tell: Tell) -> None:
    """A model of which nothing was seen, a dataset that there is not."""
    result = tell("data-engine", "show", "nope")
    assert (result.exit_code, result.stderr) == (
        2,
        "sidecar: MODEL: no model or version is called 'nope'; there are det, det@1, det@2\n",
    )
    result = tell("data-engine", "set", "det", "--config", "-", "--dataset", "nope", typed="{}")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--dataset")


def test_page_tells_what_was_kept_and_what_was_kept_out() -> None:
    """By rule, those that did nothing left out."""
    none = dict.fromkeys(("minute", "hour", "day", "cool_down", "near_duplicate", "budget"), 0)
    engine = {
        "model": "det",
        "dataset_id": "night",
        "config": {"random_sample": {"enabled": True, "rate": 0.01}, "new_class": {"enabled": False}, "classes": {}},
        "origin": "config",
        "updated_at": None,
        "kept_last_day": {"random_sample": 1_200, "new_class": 0},
        "limits_hit": {"low_confidence": {**none, "hour": 7, "near_duplicate": 2_000}, "new_class": none},
    }
    said = words_of(page(80, data_engine_page, engine))
    assert "set by the configuration" in said
    assert said[-2:] == ["random_sample 1,200 -", "low_confidence 0 7 over its limit per hour, 2,000 near-duplicates"]
    assert words_of(page(60, data_engines_lines, [engine]))[:2] == [
        "det to night, 1,200 kept in the last day",
        "random_sample; set by the configuration",
    ]
