"""``sidecar ab-test`` in front of the application."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from sidecar.experiments import Guardrail
from sidecar.experiments.definition import Definition, Ramp
from tests.kit.trials_at_hand import TrialsAtHand

Tell = Callable[..., Result]
DAY_S = 86_400.0
TWO = ("--a", "digits@1", "--b", "digits@2")


def begin(tell: Tell, name: str = "New digits", *words: str) -> Result:
    result = tell("ab-test", "create", name, *TWO, *(words or ("--split", "0.1")))
    assert result.exit_code == 0, result.stderr
    return result


def definition_of(trials: TrialsAtHand, test_id: str) -> Definition:
    definition = trials.kept[test_id].definition
    assert isinstance(definition, Definition)
    return definition


def test_options_that_are_not_given_are_left_to_the_sidecar(tell: Tell, trials: TrialsAtHand) -> None:
    """What was not typed has the product's defaults; what was begun is shown with its id."""
    lines = begin(tell).stdout.splitlines()
    assert definition_of(trials, "new-digits") == Definition("New digits", "digits", "A", ("B",), (0.1,))
    assert lines[:2] == ["New digits  (new-digits)", "running: 10 % of requests to digits@2"]


def test_every_option_reaches_the_test(tell: Tell, trials: TrialsAtHand) -> None:
    """Several of a kind, a ramp with its bounds, a test without an end."""
    words = (
        "--treatment digits@3 --split B=0.1 --split C=0.2 --metric latency --metric confidence --until-stopped"
        " --unit header:X-User --ramp 0.3,0.5 --ramp-hours 2 --ramp-units 500 --guardrail latency=1.2"
        " --guardrail error_rate=2,0.01 --exclude x-probe=1 --override x-variant --effect 0.1 --alpha 0.01"
        " --plan-units 9000 --notify slack:#ml --notify email:a@b.example"
    )
    begin(tell, "n", *words.split())
    assert definition_of(trials, "n") == Definition(
        *("n", "digits", "A", ("B", "C"), (0.1, 0.2)),
        metrics=("latency", "confidence"),
        duration_days=None,
        unit="header:x-user",
        ramp=Ramp((0.3, 0.5), 2.0, 500),
        guardrails=(Guardrail("latency", 1.2), Guardrail("error_rate", 2.0, 0.01)),
        exclude="x-probe=1",
        override="x-variant",
        effect=0.1,
        alpha=0.01,
        plan_units=9_000,
        notify=("slack:#ml", "email:a@b.example"),
    )
    tell("ab-test", "stop", "n")
    begin(tell, "m", "--ramp", "0.01,0.05", "--no-guardrails", "--days", "2")
    assert definition_of(trials, "m") == Definition(
        *("m", "digits", "A", ("B",), (0.01,)), ramp=Ramp((0.01, 0.05)), guardrails=(), duration_days=2.0
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--split", "10%"), "10 % is 0.1"),
        (("--split", "much"), "--split: 'much' is no number"),
        (("--split", "0.1", "--split", "0.2"), "--split: give one share, or VARIANT=SHARE once for each treatment"),
        (("--split", "B=0.1", "--split", "B=0.2"), "--split: give one share, or VARIANT=SHARE once for each"),
        (("--days", "7", "--until-stopped"), "give one of --days and --until-stopped"),
        (("--split", "B=0.1,B=0.2"), "--split: give one share, or VARIANT=SHARE once for each"),
        (("--split", "B=0.1,C"), "--split: give one share, or VARIANT=SHARE once for each"),
        (("--guardrail", "latency"), "sidecar: --guardrail: 'latency' is no guardrail, expected METRIC=MARGIN"),
        (("--guardrail", "latency=much"), "sidecar: --guardrail: 'much' is no number"),
        (("--guardrail", "latency=1.1", "--no-guardrails"), "give one of --guardrail and --no-guardrails"),
        (("--ramp-hours", "3"), "belong to --ramp"),
        (("--ramp", "0.1,0.5", "--ramp-hours", "-1"), "'--ramp-hours'"),
        (("--ramp", "0.1,half"), "sidecar: --ramp: 'half' is no number"),
    ],
)
def test_what_can_not_be_read_is_refused_with_what_would_be_right(
    tell: Tell, trials: TrialsAtHand, words: tuple[str, ...], message: str
) -> None:
    """Nothing begins; the exit code is 2."""
    result = tell("ab-test", "create", "n", *TWO, *words)
    assert (result.exit_code, trials.kept) == (2, {})
    assert message in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ("--a digits@9 --b digits@2 --split 1.5 --override a/b", ["--a", "--override", "--split"]),
        ("--a digits@1 --b cats@2 --metric latncy --split 0.1", ["--b", "--metric"]),
        ("--a digits@1 --b digits@2 --treatment digits@3 --split B=0.7 --split C=0.6", ["--split"]),
        ("--a digits@1 --b digits@2", ["--split"]),
        ("--a digits@1 --b digits@2 --ramp 0.5,0.1 --unit camera --days 0", ["--days", "--ramp", "--unit"]),
        ("--a digits@1 --b digits@2 --split 0.1 --guardrail latncy=2 --alpha 2", ["--alpha", "--guardrail"]),
        ("--a digits@1 --b digits@2 --split 0.1 --plan-units 1 --effect -1", ["--effect", "--plan-units"]),
    ],
)
def test_faults_are_told_as_the_flags_they_come_from(
    tell: Tell, trials: TrialsAtHand, words: str, flags: list[str]
) -> None:
    """All at once, a line each on standard error; nothing begins."""
    result = tell("ab-test", "create", "n", *words.split())
    assert (result.exit_code, result.stdout, trials.kept) == (2, "", {})
    assert sorted(line.split(": ")[1] for line in result.stderr.splitlines()) == flags


def test_shares_may_stand_with_commas_between(tell: Tell, trials: TrialsAtHand) -> None:
    """At the beginning and at a ramp."""
    begin(tell, "n", "--treatment", "digits@3", "--split", "B=0.1,C=0.2")
    assert definition_of(trials, "n").shares == (0.1, 0.2)
    assert tell("ab-test", "ramp", "n", "B=0.2, C=0.3").exit_code == 0
    assert trials.kept["n"].epoch.shares == (0.2, 0.3)


def test_one_version_twice_is_a_fault_of_the_second(tell: Tell, trials: TrialsAtHand) -> None:
    """Told by its flag."""
    result = tell("ab-test", "create", "n", "--a", "digits@1", "--b", "digits@1", "--split", "0.1")
    assert (result.exit_code, trials.kept) == (2, {})
    assert result.stderr.startswith("sidecar: --b: ")


def test_second_test_on_a_model_is_refused_with_the_first(tell: Tell) -> None:
    """Of the model that ``--a`` names."""
    begin(tell)
    result = tell("ab-test", "create", "Next", *TWO, "--split", "0.1")
    assert (result.exit_code, result.stderr) == (
        2,
        "sidecar: --a: 'new-digits' is running on 'digits': stop it first\n",
    )


def test_list_is_narrowed_and_says_so_where_it_is_empty(tell: Tell, trials: TrialsAtHand) -> None:
    """Two lines a test; `list` may be left out."""
    assert tell("ab-test").stdout == "no A/B tests; `sidecar ab-test create` makes one\n"
    begin(tell)
    trials.now += 2 * DAY_S
    assert tell("ab-test").stdout.splitlines() == [
        "running  New digits  (new-digits)",
        "  digits@1 against digits@2, 10 %, 2d so far of 7d, ends 2023-11-21 22:14 UTC",
    ]
    assert tell("ab-test", "list", "--status", "paused").stdout == "no A/B tests match --status paused\n"
    assert json.loads(tell("ab-test", "--json").stdout)[0]["id"] == "new-digits"
    result = tell("ab-test", "--status", "paused", "show", "new-digits")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--status")
    result = tell("ab-test", "--status", "over")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--status")


def test_test_is_meant_by_its_name_or_the_beginning_of_its_id(tell: Tell) -> None:
    """What could mean several is refused with what it could be; what nobody has is a fault of ID."""
    begin(tell)
    assert tell("ab-test", "create", "New dets", "--a", "det", "--b", "det@2", "--split", "0.1").exit_code == 0
    for wanted in ("new-di", "New digits", "new-digits"):
        assert tell("ab-test", "show", wanted).stdout.startswith("New digits")
    result = tell("ab-test", "stop", "new-")
    assert (result.exit_code, "new-dets or new-digits" in result.stderr) == (2, True)
    assert tell("ab-test", "results", "nope").stderr == "sidecar: ID: no A/B test has the id 'nope'\n"


def test_life_of_a_test_is_told_line_by_line(tell: Tell, trials: TrialsAtHand) -> None:
    """Pause, resume, ramp, conclude, promote: each says how the test stands after it."""
    begin(tell, "New digits", "--split", "0.1", "--treatment", "digits@3")
    assert tell("ab-test", "pause", "new-d").stdout == "New digits: paused, all requests to digits@1\n"
    both = "New digits: running, 5 % of requests to digits@2, 5 % to digits@3\n"
    assert tell("ab-test", "resume", "new-d").stdout == both
    assert tell("ab-test", "ramp", "new-d", "0.3").exit_code == 0
    assert tell("ab-test", "ramp", "new-d", "B=0.1", "C=0.2").exit_code == 0
    assert [epoch.shares for epoch in trials.kept["new-digits"].epochs[2:]] == [(0.05, 0.05), (0.15, 0.15), (0.1, 0.2)]
    result = tell("ab-test", "ramp", "new-d", "1")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "SHARE")
    result = tell("ab-test", "conclude", "new-d", "--winner", "digits@9")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--winner")
    assert tell("ab-test", "conclude", "new-d", "--winner", "digits@3", "--note", "faster").stdout == (
        "New digits: concluded; digits@1 serves now\n"
    )
    ended = trials.kept["new-digits"]
    assert (ended.status, ended.decision, ended.note) == ("concluded", "C", "faster")
    assert (
        tell("ab-test", "promote", "new-d", "digits@3").stdout
        == "New digits: concluded, digits@3 promoted; digits@3 serves now\n"
    )
    trials.now += 1
    said = tell("ab-test", "promote", "new-d").stdout
    assert said == "New digits: concluded, digits@2 promoted; digits@2 serves now\n"
    said = " ".join(tell("ab-test", "show", "new-d").stdout.split())
    assert "decision for digits@3: faster promoted digits@2 at 2023-11-14 22:14 UTC serves now digits@2" in said
    result = tell("ab-test", "pause", "new-d")
    assert (result.exit_code, result.stderr.split(": ")[1:3]) == (2, ["ID", "'new-digits' is concluded"])


def test_stopped_test_keeps_its_reason(tell: Tell) -> None:
    """It stands beside the status."""
    begin(tell, "n")
    assert tell("ab-test", "stop", "n", "--reason", "too [red]slow[/]").stdout == "n: stopped; digits@1 serves now\n"
    assert tell("ab-test", "show", "n").stdout.splitlines()[1] == "stopped: too [red]slow[/]"


def test_results_are_a_page_or_json(tell: Tell, trials: TrialsAtHand) -> None:
    """JSON for machines has null for what there is no number for."""
    begin(tell, "n", "--split", "0.5", "--metric", "latency")
    assert "No traffic yet." in tell("ab-test", "results", "n").stdout
    document = json.loads(tell("ab-test", "results", "n", "--json").stdout, parse_constant=pytest.fail)
    assert document["model_b"]["avg_confidence"] is None
    trials.traffic("n", 6_000, 0.5, latency_ms=17.0)
    shown = tell("ab-test", "results", "n").stdout.splitlines()
    assert max(map(len, shown)) <= 80
    assert shown[4].startswith("B is better: with B, latency is ")
    document = json.loads(tell("ab-test", "results", "n", "--json").stdout, parse_constant=pytest.fail)
    assert (document["winner"], document["sentence"]) == ("B", shown[4])


def test_history_has_a_line_for_each_point_of_a_metric(tell: Tell, trials: TrialsAtHand) -> None:
    """The primary metric's unless told otherwise; `--json` has all of them."""
    tell("ab-test", "create", "n", *TWO, "--split", "0.5", "--metric", "confidence", "--metric", "error_rate")
    assert "nothing to tell yet" in tell("ab-test", "history", "n").stdout
    trials.traffic("n", 400, 0.5)
    trials.traffic("n", 600, 0.5, seed=1)
    lines = tell("ab-test", "history", "n").stdout.splitlines()
    assert (lines[0], lines[1].split()[:6]) == ("confidence of B", ["at", "(UTC)", "n", "A", "n", "B"])
    assert [line.split()[2:4] for line in lines[2:4]] == [["200", "200"], ["500", "500"]]
    assert "ratio" in tell("ab-test", "history", "n", "--metric", "error_rate").stdout.splitlines()[1]
    document = json.loads(tell("ab-test", "history", "n", "--json").stdout, parse_constant=pytest.fail)
    assert list(document["comparisons"][0]["metrics"]) == ["confidence", "error_rate"]
    result = tell("ab-test", "history", "n", "--metric", "latency")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--metric")


def test_test_is_shown_with_all_that_was_asked_for(tell: Tell) -> None:
    """What is left to its default, too; what is not used is left out."""
    begin(tell, "n", "--ramp", "0.1,0.5", "--exclude", "x-probe=1")
    said = " ".join(tell("ab-test", "show", "n").stdout.split())
    for shown in (
        "model digits control digits@1 (A) treatment digits@2 (B) unit request",
        "metrics confidence (primary), latency, feedback_score",
        "guardrails error_rate 1.5 x control's or under 0.5 %; latency 1.1 x control's",
        "ramp [10 %], 50 %; a step takes at least 1d and 150 units an arm; 50 % waits: 150 units an arm",
        "left out requests with x-probe=1",
        "serves after it digits@1",
    ):
        assert shown in said
    assert "testers" not in said
    tell("ab-test", "ramp", "n", "0.5")
    assert "ramp 10 %, [50 %]; a step takes" in " ".join(tell("ab-test", "show", "n").stdout.split())
    tell("ab-test", "pause", "n")
    assert "ramp 10 %, 50 %; a step takes" in " ".join(tell("ab-test", "show", "n").stdout.split())


def test_metrics_are_listed_with_their_better_side(tell: Tell) -> None:
    """A difference in some is only higher or lower."""
    lines = tell("ab-test", "metrics").stdout.splitlines()
    assert lines[0].split() == ["confidence", "neither", "side", "is", "better", "by", "itself"]
    assert "latency               lower is better, ms" in lines
    assert json.loads(tell("ab-test", "metrics", "--json").stdout)[0]["metric"] == "confidence"
