"""``sidecar drift`` and ``sidecar baseline``."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import Result

from sidecar.cli.show_drift import CLASSES_SHOWN, checks_table, report_tables
from tests.api.live_watch import LiveWatch, drift_findings

Ask = Callable[..., Result]
PERIODS = ("--reference", "2024-01-01:2024-01-31", "--current", "7d")


def words_of(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("command", [("drift",), ("drift", "compare")])
def test_report_says_sentence_scores_and_classes(ask: Ask, command: tuple[str, ...]) -> None:
    """The sentence comes first, then a score a line, then the classes that moved; a missing score is a dash."""
    result = ask(*command, "det", *PERIODS)
    assert result.exit_code == 0
    lines = [words_of(line) for line in result.stdout.splitlines()]
    assert lines[0] == "Significant drift: bicycle went from 7 % to 19 % of the detections."
    assert "class 0.312 0.282 0.0010 0.0050 yes 41,200 39,871" in lines
    assert "input - - - - no 0 0" in lines
    assert "bicycle 7.0 % 19.0 % +12.0 pp 0.0010" in lines
    assert "[bold]person[/] 52.0 % 41.0 % -11.0 pp 0.0020" in lines
    assert "new class scooter: 17 images in 4 blocks" in lines


def test_options_may_stand_before_the_model(ask: Ask, watch: LiveWatch) -> None:
    """The default subcommand is found whatever comes first."""
    assert ask("drift", *PERIODS, "--source", "predictions", "--slice", "cam-1", "det").exit_code == 0
    assert watch.asked[0]["source"] == "predictions"
    assert watch.asked[0]["slice"] == "cam-1"


def test_exit_code_tells_drift_only_where_asked(ask: Ask, watch: LiveWatch) -> None:
    """``--fail-on-drift`` makes drift a failure, of a slice too; without it a report is a success."""
    assert ask("drift", "det", *PERIODS).exit_code == 0
    assert ask("drift", "det", *PERIODS, "--fail-on-drift", "--json").exit_code == 1
    watch.findings = drift_findings(significant_drift=False, verdict="no_drift")
    assert ask("drift", "det", *PERIODS, "--fail-on-drift", "--by-slice").exit_code == 0


def test_json_of_a_report_is_json(ask: Ask) -> None:
    """A score without data is null for machines, not NaN."""
    report = json.loads(ask("drift", "det", *PERIODS, "--json").stdout, parse_constant=pytest.fail)
    assert (report["class_drift"], report["input_drift"]) == (0.312, None)


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (("det", "--reference", "1999-01-01:1999-01-31", "--current", "7d"), "--reference"),
        (("det", "--reference", "7d", "--current", "sometime"), "--current"),
        (("nobody", *PERIODS), "MODEL"),
        (("det", *PERIODS, "--slice", "cam-1", "--by-slice"), "--by-slice"),
        (("det", *PERIODS, "--source", "guesses"), "--source"),
    ],
)
def test_faulty_question_names_its_flag(ask: Ask, words: tuple[str, ...], flag: str) -> None:
    """What was wrong is told by the flag it came from, with exit code 2."""
    result = ask("drift", *words)
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, flag)


def test_missing_period_is_an_error_of_usage(ask: Ask) -> None:
    """Without a reference there is no question."""
    result = ask("drift", "det", "--current", "7d")
    assert (result.exit_code, "--reference" in result.output) == (2, True)


def test_checks_are_listed_one_a_line(ask: Ask, watch: LiveWatch) -> None:
    """Each window of the continuous monitor with its verdict; narrowed by model and slice."""
    shown = [words_of(line) for line in ask("drift", "checks").stdout.splitlines()]
    assert shown[1] == "2023-11-14 22:14 1d det@1 drift 0.28* 0.02 0.09 0.01 -"
    assert "* significant" in " ".join(shown)
    assert [check["slice"] for check in json.loads(ask("drift", "checks", "--limit", "2", "--json").stdout)] == [
        "",
        "cam-1",
    ]
    assert len(json.loads(ask("drift", "checks", "det", "--slice", "", "--json").stdout)) == 1
    assert ask("drift", "checks", "other").stdout == "no checks match other\n"


@pytest.mark.parametrize("width", [80, 120])
def test_short_windows_are_shown_to_the_second_in_a_line_each(width: int) -> None:
    """Windows of seconds differ in their seconds; a model without a version is shown by its name; whose baseline it is
    stands below where it is another version's."""
    reference = {"baseline": "auto", "model_id": "digits@1", "since": 0.0, "until": 86_400.0}
    whose = {"model_id": "digits@", "slice": "", "reference": reference, "report": drift_findings()}
    checks = [{**whose, "since": 1_700_000_040.0, "until": 1_700_000_040.0 + 10 * n} for n in (1, 2)]
    console = Console(width=width, record=True, file=io.StringIO())
    checks_table(checks, console)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    assert words_of(lines[1]) == "2023-11-14 22:14:10 10s digits drift 0.28* 0.02 0.09 0.01 -"
    assert words_of(lines[2]).startswith("2023-11-14 22:14:20 20s")
    assert lines[-1] == "digits is compared with the baseline of digits@1."


@pytest.mark.parametrize("width", [80, 120])
def test_report_fits_the_terminal(width: int) -> None:
    """With long names and great numbers no line is wider than the terminal, and no score is cut."""
    moved = [
        {
            "class": f"a class with a long name {n}",
            "share_before": 0.1,
            "share_after": 0.2,
            "change": 0.1,
            "p_value": 0.1,
        }
        for n in range(CLASSES_SHOWN + 5)
    ]
    report: dict[str, Any] = drift_findings(affected_classes=moved) | {
        "model_id": "m" * 70,
        "slice": "/v2/models/{model}/infer",
        "reference": {"baseline": "default", "model_id": "det@1", "since": 0.0, "until": 86_400.0},
        "current": {"period": "7d", "model_id": "m" * 70, "since": 1.0, "until": 2.0},
        "source": "summaries",
    }
    for score in report["scores"].values():
        score["n_reference"] = score["n_current"] = 100_000_000
    console = Console(width=width, record=True, file=io.StringIO())
    report_tables(report, console)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    assert any("100,000,000" in line and "0.312" in line for line in lines)
    assert "and 5 more" in "".join(lines)
    assert any("baseline default of det@1, 1970-01-01" in line for line in lines)


def test_baseline_is_set_listed_shown_and_deleted(ask: Ask, watch: LiveWatch) -> None:
    """All that is done with a baseline; a taken name needs --replace."""
    assert "no baselines" in ask("baseline", "list").stdout
    assert ask("baseline", "list", "--model", "nope").stdout == "no baselines match --model nope\n"
    assert "confidence 0.810" in words_of(ask("baseline", "set", "det", "--period", "7d").stdout)
    result = ask("baseline", "set", "det", "--period", "7d")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--name")
    assert ask("baseline", "set", "det", "--period", "7d", "--replace").exit_code == 0
    assert "det@1 default" in words_of(ask("baseline", "list", "--model", "det").stdout)
    assert ask("baseline").stdout == ask("baseline", "list").stdout
    assert "person 52.0 %, car 41.0 %" in words_of(ask("baseline", "show", "b1").stdout)
    assert json.loads(ask("baseline", "list", "--json").stdout)[0]["baseline_id"] == "b1"
    assert ask("baseline", "delete", "b1").stdout == "det@1 default: deleted\n"
    assert ask("baseline", "show", "b1").exit_code == 2


def test_baseline_without_data_is_shown_with_dashes(ask: Ask, watch: LiveWatch) -> None:
    """Figures there are none of do not break the page."""
    ask("baseline", "set", "det", "--period", "7d")
    watch.kept_baselines["b1"]["figures"] = dict.fromkeys(watch.kept_baselines["b1"]["figures"])
    assert "confidence -" in words_of(ask("baseline", "show", "b1").stdout)
    assert ask("baseline", "list").exit_code == 0


def test_baseline_is_exported_to_a_file_or_to_standard_output(ask: Ask, tmp_path: Path) -> None:
    """The export is JSON with every block; a file that can't be written is a fault of --output."""
    ask("baseline", "set", "det", "--period", "7d")
    file = tmp_path / "baseline.json"
    result = ask("baseline", "export", "b1", "--output", str(file))
    assert (result.stdout.startswith(f"wrote {file}"), result.stderr) == (True, "")
    assert json.loads(file.read_text()) == json.loads(ask("baseline", "export", "b1").stdout)
    assert json.loads(file.read_text())["blocks"][0]["level"] == "day"
    result = ask("baseline", "export", "b1", "--output", str(tmp_path / "no" / "folder"))
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--output")
