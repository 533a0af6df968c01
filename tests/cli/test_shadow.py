"""``sidecar shadow``."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from tests.cli.remembering import Remembering

Tell = Callable[..., Result]
Kept = type[Remembering]
BEHIND = ("shadow", "create", "behind", "--model", "digits", "--shadow", "digits@2")


def test_options_are_keys_of_the_config(tell: Tell, remembering: Kept) -> None:
    """What is not typed is left to the sidecar."""
    assert tell(*BEHIND).stdout.splitlines()[1] == "running: copies of 10 % of requests to digits@2"
    words = ("--share", "0.5", "--until-stopped", "--iou-min", "0.7", "--samples-per-hour", "5")
    assert tell(*BEHIND, *words).exit_code == 0
    config = {"share": 0.5, "duration_days": None, "iou_min": 0.7, "samples_per_hour": 5}
    assert remembering.asked == [
        ("create", "behind", "digits", "digits@2", {}),
        ("create", "behind", "digits", "digits@2", config),
    ]


def test_share_in_percent_is_told_what_it_would_be(tell: Tell, remembering: Kept) -> None:
    """At the beginning and at a ramp."""
    for words in ((*BEHIND, "--share", "10%"), ("shadow", "ramp", "behind", "10%")):
        result = tell(*words)
        assert (result.exit_code, remembering.asked) == (2, [])
        assert "10 % is 0.1" in " ".join(result.output.replace("│", " ").split())


def test_faults_are_told_as_the_flags_they_come_from(tell: Tell, remembering: Kept) -> None:
    """A line each on standard error, with exit code 2."""
    remembering.faults = [("shadow_model_id", "no upstream serves it"), ("config.share", "2 is not within bounds")]
    result = tell(*BEHIND)
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == ["--shadow", "--share"]


def test_list_shows_those_that_match(tell: Tell) -> None:
    """`list` may be left out; an empty one says what it was narrowed by."""
    assert tell("shadow").stdout == "no shadow tests; `sidecar shadow create` makes one\n"
    tell(*BEHIND)
    assert tell("shadow").stdout == tell("shadow", "list").stdout
    assert tell("shadow", "--model", "cats").stdout == "no shadow tests match --model cats\n"
    assert json.loads(tell("shadow", "--json").stdout)[0]["id"] == "behind"


def test_life_of_a_test_is_told_line_by_line(tell: Tell, remembering: Kept) -> None:
    """Pause, resume, ramp, stop, promote."""
    tell(*BEHIND)
    remembering.asked.clear()
    assert tell("shadow", "pause", "beh").stdout == "behind: paused, no copies to digits@2\n"
    assert tell("shadow", "resume", "beh").stdout == "behind: running, copies of 10 % of requests to digits@2\n"
    assert tell("shadow", "ramp", "beh", "0.5").stdout == "behind: running, copies of 50 % of requests to digits@2\n"
    assert tell("shadow", "stop", "beh", "--reason", "seen enough").stdout == "behind: stopped\n"
    assert tell("shadow", "promote", "beh").stdout == "behind: concluded, digits@2 promoted\n"
    assert [asked for asked in remembering.asked if asked[0] != "list"] == [
        ("pause", "behind"),
        ("resume", "behind"),
        ("ramp", "behind", 0.5),
        ("stop", "behind", "seen enough"),
        ("promote", "behind", None),
    ]
    assert tell("shadow", "pause", "beh").stderr.startswith("sidecar: ID: 'behind' is concluded")


def test_results_are_a_page_or_json(tell: Tell) -> None:
    """Before anything is compared, too."""
    tell(*BEHIND)
    assert "Nothing to compare yet" in tell("shadow", "results", "behind").stdout
    document = json.loads(tell("shadow", "results", "behind", "--json").stdout, parse_constant=pytest.fail)
    assert document["agreement"]["image_rate"] is None
    assert "images kept  60 an hour" in tell("shadow", "show", "behind").stdout
