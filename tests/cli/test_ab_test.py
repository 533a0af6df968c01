"""``sidecar ab-test``."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from tests.cli.remembering import Remembering

Tell = Callable[..., Result]
Kept = type[Remembering]
TWO = ("--a", "digits@1", "--b", "digits@2")


def test_options_that_are_not_given_are_left_to_the_sidecar(tell: Tell, remembering: Kept) -> None:
    """Only what was typed is in the config; what was begun is shown with its id."""
    result = tell("ab-test", "create", "New digits", *TWO, "--split", "0.1")
    assert result.exit_code == 0
    assert remembering.asked == [("create", "New digits", "digits@1", "digits@2", {"traffic_split": 0.1})]
    lines = result.stdout.splitlines()
    assert lines[:2] == ["New digits  (new-digits)", "running: 10 % of requests to digits@2"]


def test_every_option_is_a_key_of_the_config(tell: Tell, remembering: Kept) -> None:
    """Lists are lists, a ramp with its bounds is a mapping, an endless test has no duration."""
    words = (
        "--treatment digits@3 --split B=0.1 --split C=0.2 --metric latency --metric confidence --until-stopped"
        " --unit header:X-User --ramp 0.01,0.05 --ramp-hours 2 --ramp-units 500 --guardrail latency=1.2"
        " --guardrail error_rate=2,0.01 --exclude x-probe=1 --override x-variant --effect 0.1 --alpha 0.01"
        " --plan-units 9000 --notify slack:#ml --notify email:a@b.example"
    )
    assert tell("ab-test", "create", "n", *TWO, *words.split()).exit_code == 0
    assert remembering.asked[0][-1] == {
        "traffic_split": {"B": 0.1, "C": 0.2},
        "treatments": ["digits@3"],
        "metrics": ["latency", "confidence"],
        "duration_days": None,
        "unit": "header:X-User",
        "ramp": {"shares": [0.01, 0.05], "hours": 2.0, "units": 500},
        "guardrails": [{"metric": "latency", "margin": 1.2}, {"metric": "error_rate", "margin": 2.0, "floor": 0.01}],
        "exclude": "x-probe=1",
        "override_header": "x-variant",
        "effect": 0.1,
        "alpha": 0.01,
        "plan_units": 9_000,
        "notify": ["slack:#ml", "email:a@b.example"],
    }
    tell("ab-test", "create", "m", *TWO, "--ramp", "0.01,0.05", "--no-guardrails", "--days", "2")
    assert remembering.asked[-1][-1] == {"ramp": {"shares": [0.01, 0.05]}, "guardrails": [], "duration_days": 2.0}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--split", "10%"), "10 % is 0.1"),
        (("--split", "much"), "--split: 'much' is no number"),
        (("--split", "0.1", "--split", "0.2"), "--split: give one share, or VARIANT=SHARE once for each treatment"),
        (("--split", "B=0.1", "--split", "B=0.2"), "--split: give one share, or VARIANT=SHARE once for each"),
        (("--days", "7", "--until-stopped"), "give one of --days and --until-stopped"),
        (("--guardrail", "latency"), "is no guardrail, expected METRIC=MARGIN"),
        (("--guardrail", "latency=1.1", "--no-guardrails"), "give one of --guardrail and --no-guardrails"),
        (("--ramp-hours", "3"), "belong to --ramp"),
        (("--ramp", "0.1,half"), "'half' is no number"),
    ],
)
def test_what_can_not_be_read_is_refused_with_what_would_be_right(
    tell: Tell, remembering: Kept, words: tuple[str, ...], message: str
) -> None:
    """Nothing is asked of the sidecar; the exit code is 2."""
    result = tell("ab-test", "create", "n", *TWO, *words)
    assert (result.exit_code, remembering.asked) == (2, [])
    assert message in " ".join(result.output.replace("│", " ").split())


def test_faults_are_told_as_the_flags_they_come_from(tell: Tell, remembering: Kept) -> None:
    """A line each on standard error."""
    remembering.faults = [
        ("model_a_id", "no upstream serves 'digits@1'"),
        ("config.traffic_split", "1.5 is not within bounds"),
        ("config.override_header", "'a b' is no name of a header"),
    ]
    result = tell("ab-test", "create", "n", *TWO, "--split", "1.5")
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == ["--a", "--split", "--override"]


def test_list_is_narrowed_and_says_so_where_it_is_empty(tell: Tell) -> None:
    """Two lines a test; `list` may be left out."""
    assert tell("ab-test").stdout == "no A/B tests; `sidecar ab-test create` makes one\n"
    tell("ab-test", "create", "New digits", *TWO, "--split", "0.1")
    assert tell("ab-test").stdout.splitlines() == [
        "running  New digits  (new-digits)",
        "  digits@1 against digits@2, 10 %, 2d so far of 7d, ends 2023-11-21 22:14 UTC",
    ]
    assert tell("ab-test", "list", "--status", "paused").stdout == "no A/B tests match --status paused\n"
    assert json.loads(tell("ab-test", "--json").stdout)[0]["id"] == "new-digits"
    result = tell("ab-test", "--status", "paused", "show", "new-digits")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--status")


def test_test_is_meant_by_its_name_or_the_beginning_of_its_id(tell: Tell) -> None:
    """What could mean several is refused with what it could be; what nobody has is a fault of ID."""
    for name in ("New digits", "New cats"):
        tell("ab-test", "create", name, *TWO, "--split", "0.1")
    for wanted in ("new-d", "New digits", "new-digits"):
        assert tell("ab-test", "show", wanted).stdout.startswith("New digits")
    result = tell("ab-test", "stop", "new-")
    assert (result.exit_code, "new-digits or new-cats" in result.stderr) == (2, True)
    assert tell("ab-test", "results", "nope").stderr == "sidecar: ID: no test has the id 'nope'\n"


def test_life_of_a_test_is_told_line_by_line(tell: Tell, remembering: Kept) -> None:
    """Pause, resume, ramp, conclude, promote: each says how the test stands after it."""
    tell("ab-test", "create", "New digits", *TWO, "--split", "0.1")
    remembering.asked.clear()
    assert tell("ab-test", "pause", "new-d").stdout == "New digits: paused, all requests to digits@1\n"
    assert tell("ab-test", "resume", "new-d").stdout == "New digits: running, 10 % of requests to digits@2\n"
    assert tell("ab-test", "ramp", "new-d", "0.25").exit_code == 0
    assert tell("ab-test", "ramp", "new-d", "B=0.1", "C=0.2").exit_code == 0
    assert tell("ab-test", "conclude", "new-d", "--winner", "digits@2", "--note", "faster").exit_code == 0
    assert tell("ab-test", "promote", "new-d", "digits@2").stdout == "New digits: concluded, digits@2 promoted\n"
    assert tell("ab-test", "promote", "new-d").exit_code == 0
    assert [asked for asked in remembering.asked if asked[0] != "list"] == [
        ("pause", "new-digits"),
        ("resume", "new-digits"),
        ("ramp", "new-digits", 0.25),
        ("ramp", "new-digits", {"B": 0.1, "C": 0.2}),
        ("conclude", "new-digits", "B", "faster"),
        ("promote", "new-digits", "B"),
        ("promote", "new-digits", None),
    ]
    result = tell("ab-test", "pause", "new-d")
    assert (result.exit_code, result.stderr) == (
        2,
        "sidecar: ID: 'new-digits' is concluded: it can't pause, only promote\n",
    )


def test_stopped_test_keeps_its_reason(tell: Tell, remembering: Kept) -> None:
    """It stands beside the status."""
    tell("ab-test", "create", "n", *TWO, "--split", "0.1")
    assert tell("ab-test", "stop", "n", "--reason", "too slow").stdout == "n: stopped\n"
    assert tell("ab-test", "show", "n").stdout.splitlines()[1] == "stopped: too slow"


def test_results_are_a_page_or_json(tell: Tell) -> None:
    """JSON for machines has null for what there is no number for."""
    tell("ab-test", "create", "n", *TWO, "--split", "0.1")
    assert "No traffic yet." in tell("ab-test", "results", "n").stdout
    document = json.loads(tell("ab-test", "results", "n", "--json").stdout, parse_constant=pytest.fail)
    assert document["model_b"]["avg_confidence"] is None


def test_test_is_shown_with_all_that_was_asked_for(tell: Tell, remembering: Kept) -> None:
    """What is left to its default, too; what is not used is left out."""
    tell("ab-test", "create", "n", *TWO, "--split", "0.1")
    remembering.kept["n"].update(
        ramp={"shares": [0.1, 0.5], "hours": 24.0, "units": 150, "step": 0, "waiting_for": "12h of 24h"},
        exclude="x-probe=1",
        units_last_day=1_234,
    )
    said = " ".join(tell("ab-test", "show", "n").stdout.split())
    for shown in (
        "control digits@1 (A)",
        "treatment digits@2 (B)",
        "unit request, 1,234 seen in the last day",
        "metrics confidence (primary), latency",
        "guardrails error_rate 1.5 x control's or under 0.5 %",
        "ramp [10 %], 50 %; a step takes at least 1d and 150 units an arm; waiting for 12h of 24h",
        "left out requests with x-probe=1",
    ):
        assert shown in said
    assert "testers" not in said


def test_metrics_are_listed_with_their_better_side(tell: Tell) -> None:
    """A difference in some is only higher or lower."""
    lines = tell("ab-test", "metrics").stdout.splitlines()
    assert lines[0].split() == ["confidence", "neither", "side", "is", "better", "by", "itself"]
    assert "latency               lower is better, ms" in lines
