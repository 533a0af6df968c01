"""``sidecar experiment``: both kinds of test by one name."""

from __future__ import annotations

import json

from tests.cli.conftest import Ask


def begin(tell: Ask) -> None:
    """An A/B test and a shadow test that is paused."""
    tell("ab-test", "create", "New", "--a", "digits@1", "--b", "digits@2", "--split", "0.1")
    tell("shadow", "create", "Behind", "--model", "det", "--shadow", "det@2")
    tell("shadow", "pause", "behind")


def test_both_kinds_are_listed_together(tell: Ask) -> None:
    """Each with its kind and what it is about; the word list may be left out."""
    assert tell("experiment").stdout.startswith("no tests; `sidecar ab-test create` and `sidecar shadow create`")
    begin(tell)
    lines = tell("experiment").stdout.splitlines()
    assert tell("experiment", "list").stdout.splitlines() == lines
    assert sorted(line.split(",")[0].strip() for line in lines[1::2]) == [
        "A/B test: digits@1 against digits@2",
        "shadow test: det",
    ]
    paused = tell("experiment", "--status", "paused").stdout
    assert "Behind" in paused
    assert "New" not in paused
    assert tell("experiment", "--model", "other").stdout == "no tests match --model other\n"
    assert {test["kind"] for test in json.loads(tell("experiment", "--json").stdout)} == {"ab_test", "shadow_test"}


def test_those_that_run_come_first_also_for_machines(tell: Ask) -> None:
    """Whatever was begun last."""
    begin(tell)
    tell("ab-test", "stop", "new")
    assert [test["id"] for test in json.loads(tell("experiment", "--json").stdout)] == ["behind", "new"]


def test_pages_are_those_of_the_kind(tell: Ask) -> None:
    """Of an A/B test as ab-test has them, of a shadow test as shadow has them."""
    begin(tell)
    for page in ("show", "results"):
        for group, wanted in (("ab-test", "new"), ("shadow", "behind")):
            whole = tell("experiment", page, wanted)
            assert (whole.exit_code, whole.stdout) == (0, tell(group, page, wanted).stdout)
            assert json.loads(tell("experiment", page, wanted, "--json").stdout)


def test_test_that_there_is_not_is_told_with_those_there_are(tell: Ask) -> None:
    """By id; on an empty sidecar there are none to name."""
    result = tell("experiment", "show", "old")
    assert (result.exit_code, result.stderr) == (2, "sidecar: ID: no test is called 'old'\n")
    begin(tell)
    result = tell("experiment", "results", "old")
    assert (result.exit_code, result.stderr) == (2, "sidecar: ID: no test is called 'old'; there are new, behind\n")


def test_name_that_a_test_of_each_kind_has_is_not_guessed(tell: Ask) -> None:
    """The ids are offered, and either of them does."""
    tell("ab-test", "create", "New", "--a", "digits@1", "--b", "digits@2", "--split", "0.1")
    other = json.loads(tell("shadow", "create", "New", "--model", "det", "--shadow", "det@2", "--json").stdout)
    result = tell("experiment", "show", "New")
    assert (result.exit_code, result.stderr) == (2, f"sidecar: ID: 'New' may be new or {other['id']}\n")
    assert tell("experiment", "show", other["id"]).stdout.startswith("New")
