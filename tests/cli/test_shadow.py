"""``sidecar shadow`` in front of the application."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from sidecar.experiments.definition import ShadowDefinition
from sidecar.experiments.pairs import PairSummary, pair_request
from sidecar.trials import side_pair
from tests.kit.trial_traffic import copy, serving
from tests.kit.trials_at_hand import TrialsAtHand

Tell = Callable[..., Result]
BEHIND = ("shadow", "create", "behind", "--model", "digits", "--shadow", "digits@2")


def test_options_that_are_not_given_are_left_to_the_sidecar(tell: Tell, trials: TrialsAtHand) -> None:
    """What was not typed has the product's defaults; what was is the test's."""
    assert tell(*BEHIND).stdout.splitlines()[1] == "running: copies of 10 % of requests to digits@2"
    assert trials.kept["behind"].definition == ShadowDefinition("behind", "digits", "B")
    tell("shadow", "stop", "behind")
    words = ("--share", "0.5", "--until-stopped", "--iou-min", "0.7", "--samples-per-hour", "5")
    assert tell(*BEHIND, *words).exit_code == 0
    assert trials.kept["behind-2"].definition == ShadowDefinition("behind", "digits", "B", 0.5, None, 0.7, 5)


def test_share_in_percent_is_told_what_it_would_be(tell: Tell, trials: TrialsAtHand) -> None:
    """At the beginning and at a ramp."""
    for words in ((*BEHIND, "--share", "10%"), ("shadow", "ramp", "behind", "10%")):
        result = tell(*words)
        assert (result.exit_code, trials.kept) == (2, {})
        flag = "SHARE" if words[1] == "ramp" else "--share"
        assert result.stderr == f"sidecar: {flag}: '10%' is no number; shares are 0 to 1: 10 % is 0.1\n"


def test_faults_are_told_as_the_flags_they_come_from(tell: Tell, trials: TrialsAtHand) -> None:
    """All at once, a line each on standard error, with exit code 2."""
    words = "--model cats --shadow digits@9 --share 2 --days 0 --iou-min 1 --samples-per-hour -1"
    result = tell("shadow", "create", "behind", *words.split())
    assert (result.exit_code, result.stdout, trials.kept) == (2, "", {})
    flags = ["--model", "--shadow", "--share", "--days", "--iou-min", "--samples-per-hour"]
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == flags


def test_second_test_on_a_model_is_refused_with_the_first(tell: Tell) -> None:
    """Of the model that ``--model`` names."""
    tell(*BEHIND)
    result = tell(*BEHIND)
    assert (result.exit_code, result.stderr) == (
        2,
        "sidecar: --model: 'behind' is running on 'digits': stop it first\n",
    )


def test_list_shows_those_that_match(tell: Tell) -> None:
    """`list` may be left out; an empty one says what it was narrowed by."""
    assert tell("shadow").stdout == "no shadow tests; `sidecar shadow create` makes one\n"
    tell(*BEHIND)
    assert tell("shadow").stdout == tell("shadow", "list").stdout
    assert tell("shadow", "--model", "cats").stdout == "no shadow tests match --model cats\n"
    assert json.loads(tell("shadow", "--json").stdout)[0]["id"] == "behind"


def test_life_of_a_test_is_told_line_by_line(tell: Tell, trials: TrialsAtHand) -> None:
    """Pause, resume, ramp, stop, promote."""
    tell(*BEHIND)
    assert tell("shadow", "pause", "beh").stdout == "behind: paused, no copies to digits@2\n"
    assert tell("shadow", "resume", "beh").stdout == "behind: running, copies of 10 % of requests to digits@2\n"
    assert tell("shadow", "ramp", "beh", "0.5").stdout == "behind: running, copies of 50 % of requests to digits@2\n"
    result = tell("shadow", "ramp", "beh", "1.5")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "SHARE")
    assert tell("shadow", "stop", "beh", "--reason", "seen enough").stdout == ("behind: stopped; digits@1 serves now\n")
    assert trials.kept["behind"].reason == "seen enough"
    assert [epoch.shares for epoch in trials.kept["behind"].epochs] == [(0.1,), (0.0,), (0.1,), (0.5,)]
    assert tell("shadow", "promote", "beh").stdout == "behind: stopped, digits@2 promoted; digits@2 serves now\n"
    result = tell("shadow", "pause", "beh")
    assert (result.exit_code, result.stderr.split(": ")[1:3]) == (2, ["ID", "'behind' is stopped"])


def test_results_are_a_page_or_json(
    tell: Tell, trials: TrialsAtHand, make_prediction: Callable[..., Any], box: Callable[..., Any]
) -> None:
    """Before anything is compared, too."""
    tell(*BEHIND)
    assert "Nothing to compare yet" in tell("shadow", "results", "behind").stdout
    document = json.loads(tell("shadow", "results", "behind", "--json").stdout, parse_constant=pytest.fail)
    assert document["agreement"]["image_rate"] is None
    assert "serves       digits@1" in tell("shadow", "show", "behind").stdout
    assert "images kept  60 an hour" in tell("shadow", "show", "behind").stdout
    trials.pairs["behind"] = PairSummary()
    pair = [make_prediction([box("7", 0)])], [make_prediction([box("1", 0)], version="2")]
    trials.pairs["behind"].add(pair_request(*pair))
    lines = [" ".join(line.split()) for line in tell("shadow", "results", "behind").stdout.splitlines()]
    assert "classes flipped 1 100.0 % 1 boxes that both found" in lines
    assert "1 wait for their other answer. Not compared: 2 (the shadow's answer never" in " ".join(lines)


def test_pairs_are_told_box_by_box(tell: Tell, trials: TrialsAtHand) -> None:
    """Those that differ unless told otherwise; what each side has alone is named."""
    tell(*BEHIND)
    assert tell("shadow", "pairs", "beh").stdout == "no pairs of the kind disagreement\n"
    assert tell("shadow", "pairs", "beh", "--kind", "all").stdout == "no pairs yet: no request was answered by both\n"
    (_, _, (a,)), (_, _, (b,)) = (
        serving("r", [(0.0, 0.75, "car"), (200.0, 0.5, "cat")]),
        copy("r", [(0.0, 0.5, "dog"), (400.0, 0.5, "\x1b[31mred")]),
    )
    trials.side_by_side["behind"] = [side_pair(a, b)]
    told = tell("shadow", "pairs", "beh").stdout
    assert "r  disagree by 1.00" in told
    assert "flipped  car 0.75 at 0 0 60 60, the shadow says dog 0.5" in told
    assert "missed   cat 0.5 at 200 0 260 60" in told
    assert "extra    ?[31mred 0.5 at 400 0 460 60" in told
    assert json.loads(tell("shadow", "pairs", "beh", "--json").stdout)[0]["missed"] == 1
    result = tell("shadow", "pairs", "beh", "--kind", "odd")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--kind")


def test_history_has_a_line_for_each_point(tell: Tell, trials: TrialsAtHand) -> None:
    """And says where there is none."""
    tell(*BEHIND)
    assert tell("shadow", "history", "beh").stdout == "nothing to tell yet: no request was answered by both\n"
    trials.pairs["behind"] = PairSummary()
    (_, _, (a,)), (_, _, (b,)) = serving("r", [(0.0, 0.75, "car")]), copy("r", [(0.0, 0.5, "car")])
    trials.pairs["behind"].add(pair_request([a], [b]))
    lines = tell("shadow", "history", "beh").stdout.splitlines()
    assert lines[0].split()[:4] == ["at", "(UTC)", "images", "alike"]
    assert lines[1].split()[1:5] == ["1", "100.0", "%", "0.0"]
