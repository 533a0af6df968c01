"""``sidecar feedback`` in front of the application, over a real store."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from sidecar.cli.feedback_import import LINE_BYTES_MAX, PAGE_BYTES_MAX, Line, lines, pages

Tell = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("filled")


def said(tell: Tell, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(tell("feedback", "list", "--json", *words).stdout)
    return found


def test_statement_reaches_the_sidecar_with_all_its_options(tell: Tell) -> None:
    """And is told in a line; the same again changes nothing."""
    words = "f0 wrong_label --detection 1 --class cat --box 1,2,30,40.5 --by ann --note far --at 2024-02-01T00:00:00Z"
    for _ in range(2):
        result = tell("feedback", *words.split())
        assert (result.exit_code, result.stdout) == (
            0,
            "f0: wrong_label, detection 1 (dog 0.60), rather cat at 1,2,30,40.5\n",
        )
    (kept,) = said(tell)
    told = [kept[name] for name in ("correct_class", "correct_box", "by", "note", "at", "status")]
    assert told == ["cat", [1, 2, 30, 40.5], "ann", "far", 1_706_745_600, "recorded"]


def test_prediction_may_be_named_by_the_clients_own_id(tell: Tell) -> None:
    """One of several images is told with the ids to choose from; ``--by`` is who is at the terminal."""
    assert tell("feedback", "--request", "r0", "correct").stdout == "f0: correct\n"
    assert said(tell)[0]["by"] != ""
    result = tell("feedback", "give", "--request", "r1", "correct")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--request")
    assert "m.0, m.1" in result.stderr


def test_prediction_that_is_not_recorded_yet_is_waited_for(tell: Tell) -> None:
    """And that is said."""
    said_of = tell("feedback", "later", "missed_object", "--class", "cat").stdout
    assert said_of == (
        "later: missed_object, rather cat; that is not recorded yet: it is waited for, seven days at most\n"
    )
    assert tell("feedback", "list").stdout.splitlines()[0].endswith("rather cat; pending")


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ("f0", ["TYPE"]),
        ("f0 correct --request r0", ["give one of PREDICTION_ID and --request"]),
        ("f0 lovely", ["TYPE"]),
        ("f0 missed_object --detection 0", ["--detection"]),
        ("f0 wrong_box --box 1,2,3", ["--box"]),
        ("f0 wrong_box --box 1,2,3,x", ["--box"]),
        ("f0 correct --class cat --at 2200-01-01", ["--at", "--class"]),
        ("f0 correct --at yesterday", ["--at"]),
        ("f0 correct --at 2024-02-01T08:00:00", ["--at"]),
    ],
)
def test_faults_are_told_as_the_flags_they_come_from(tell: Tell, words: str, flags: list[str]) -> None:
    """A line each on standard error; nothing is taken."""
    result = tell("feedback", *words.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert sorted(line.split(": ")[1] for line in result.stderr.splitlines()) == flags
    assert said(tell) == []


def test_list_shows_what_was_said_and_is_narrowed(tell: Tell) -> None:
    """Two lines a statement; what was replaced says so, and text stays text."""
    assert tell("feedback", "list").stdout == ("no feedback yet; `sidecar feedback PREDICTION_ID TYPE` gives some\n")
    tell("feedback", "f0", "correct", "--by", "ann")
    tell("feedback", "f0", "wrong_label", "--detection", "1", "--by", "ann", "--note", "[red]no[/]")
    shown = tell("feedback", "list").stdout.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC  wrong_label  detection 1 \(dog 0.60\)", shown[0])
    assert shown[1] == "  f0, det@1, by ann: [red]no[/]"
    assert shown[2].endswith("correct      the whole; replaced")
    assert [item["feedback_type"] for item in said(tell, "--type", "correct")] == ["correct"]
    assert len(said(tell, "--model", "det", "--prediction", "f0", "--limit", "1")) == 1
    assert tell("feedback", "list", "--model", "x").stdout == "no statements match --model x\n"
    result = tell("feedback", "list", "--type", "lovely")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--type")


def test_file_is_taken_but_for_its_faults_which_have_their_lines(tell: Tell, tmp_path: Path) -> None:
    """Over several pages; ``--by`` stands where a line does not say. The same file again changes nothing."""
    good = [{"prediction_id": f"p{number}", "feedback_type": "correct"} for number in range(1_001)]
    good[1_000]["by"] = "bob"
    written = [json.dumps(item) for item in good]
    written[3:3] = ["", "no", "[]", '{"prediction_id": "p"}']
    written += [json.dumps({"prediction_id": "f0", "feedback_type": "missed_object", "detection_index": 1})]
    path = tmp_path / "said.jsonl"
    path.write_text("\n".join(written))
    for _ in range(2):
        result = tell("feedback", "import", str(path), "--by", "ann")
        assert (result.exit_code, result.stdout) == (
            1,
            "1,001 statements taken, 1,001 of them until their predictions are recorded, 4 lines left out\n",
        )
        assert [line.split(": ")[1:3] for line in result.stderr.splitlines()] == [
            ["line 5", "not JSON"],
            ["line 6", "is no JSON object"],
            ["line 7", "feedback_type"],
            ["line 1006", "detection_index"],
        ]
    kept = said(tell, "--limit", "5000")
    assert (len(kept), {item["by"] for item in kept}) == (1_001, {"ann", "bob"})


def test_file_may_come_from_standard_input(tell: Tell) -> None:
    """Authors are not made up: who is at the terminal did not say it."""
    result = tell("feedback", "import", "-", typed='{"request_id": "r0", "feedback_type": "correct"}\n')
    assert (result.exit_code, result.stdout) == (0, "1 statement taken\n")
    assert [(item["prediction_id"], item["by"]) for item in said(tell)] == [("f0", "")]
    result = tell("feedback", "import", "/nowhere/said.jsonl")
    assert (result.exit_code, result.stderr) == (2, "sidecar: FILE: /nowhere/said.jsonl: No such file or directory\n")


def test_line_without_an_end_is_no_statement() -> None:
    """It is passed over, not held in memory; what comes after it is read."""
    given = b"x" * (3 * LINE_BYTES_MAX) + b'\n{"by": "ann"}'
    found = list(lines(io.BytesIO(given)))
    assert [(line.number, bool(line.fault), line.statement) for line in found] == [
        (1, True, None),
        (2, False, {"by": "ann"}),
    ]
    assert sum(line.length for line in found) == len(given)


def test_pages_are_bounded_in_bytes() -> None:
    """Long notes make short pages, and no line is lost."""
    long = [Line(number, PAGE_BYTES_MAX // 2, {}, "") for number in range(1, 6)]
    assert [[line.number for line in page] for page in pages(iter(long))] == [[1, 2], [3, 4], [5]]


def test_report_is_a_page_or_json(tell: Tell) -> None:
    """The sentence, the score with its bounds and completeness, precision, the threshold, users apart."""
    tell("feedback", "f0", "wrong_label", "--detection", "1")
    tell("review", "next", "det", "--queue", "audit")
    tell("review", "confirm", "a0")
    shown = tell("feedback", "report", "det", "--since", "2023-01-01", "--precision", "0.8").stdout
    assert max(map(len, shown.splitlines())) <= 80
    words = " ".join(shown.split())
    for part in (
        "100 % of the images of det are right",
        "score 100.0 % of images right bounds (95 %) 20.7 % to 100.0 % reviewed 1 of 1 drawn image, 100.0 %",
        "users, apart 0.0 % correct of 1 prediction: 1 wrong_label",
        "cat 100.0 % 20.7 % to 100.0 % 1 1",
        "0.6 to 0.7 100.0 % 20.7 % to 100.0 % 1",
        "threshold for 80 % precision: Too little data",
        "note: Fewer than 150 images are reviewed: bounds are wide.",
    ):
        assert part in words
    document = json.loads(
        tell("feedback", "report", "det", "--since", "1d", "--json").stdout, parse_constant=pytest.fail
    )
    assert (document["score"]["value"], document["threshold"]["target_precision"]) == (None, 0.9)


def test_report_of_nothing_says_so(tell: Tell) -> None:
    """Without a number where there is none."""
    words = " ".join(tell("feedback", "report", "det@1").stdout.split())
    assert "Nothing is known yet of how right det@1 is" in words
    assert "score - reviewed 0 of 0 drawn images users, apart sent nothing" in words
    result = tell("feedback", "report", "nope")
    told = "sidecar: MODEL: no model or version is called 'nope'; there are det, det@1, det@2\n"
    assert (result.exit_code, result.stderr) == (2, told)
    result = tell("feedback", "report", "det", "--since", "1d", "--until", "2d", "--precision", "2")
    assert sorted(line.split(": ")[1] for line in result.stderr.splitlines()) == ["--precision"]
    result = tell("feedback", "report", "det", "--since", "1d", "--until", "2d")
    assert (result.exit_code, result.stderr) == (2, "sidecar: --since: must be before until\n")


@pytest.mark.parametrize("words", [["feedback", "--help"], ["feedback", "give", "--help"]])
def test_usage_is_what_is_typed(tell: Tell, words: list[str]) -> None:
    """Help shows ``sidecar feedback PREDICTION_ID TYPE``, and the group's names every option of it."""
    shown = " ".join(tell(*words).output.split())
    assert "feedback PREDICTION_ID TYPE [OPTIONS]" in shown
    for option in ("--request", "--detection", "--class", "--box", "--by", "--note", "--at", "--json"):
        assert option in shown
