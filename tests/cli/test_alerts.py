"""``sidecar alerts``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from sidecar.cli import app
from tests.api.live_watch import LiveWatch

Ask = Callable[..., Result]
LOW = ("--metric", "avg_confidence", "--operator", "lt", "--threshold", "0.7", "--window", "1h")


def test_alert_is_created_with_every_part_of_its_condition(ask: Ask, watch: LiveWatch) -> None:
    """Each option is a key of the condition; what is not given is left out."""
    more = ("--for", "5m", "--compare", "baseline_ratio", "--min-samples", "10", "--no-data", "fire")
    result = ask(
        "alerts", "create", "det", "Low", *LOW, *more, "--notify", "slack:#ml", "--notify", "email:a@b.example"
    )
    assert result.exit_code == 0
    kept = watch.kept_alerts["a1"]
    assert kept["condition"] == {
        "metric": "avg_confidence",
        "operator": "lt",
        "threshold": 0.7,
        "window": "1h",
        "for": "5m",
        "compare": "baseline_ratio",
        "min_samples": 10,
        "no_data": "fire",
    }
    assert kept["notify"] == ["slack:#ml", "email:a@b.example"]
    assert "avg_confidence < 0.7 x baseline over 1h for 5m" in result.stdout
    assert "notify.smtp.host" in result.stdout
    ask("alerts", "create", "", "Lost", "--metric", "dropped", "--operator", "anomaly", "--window", "1h", "--disabled")
    assert watch.kept_alerts["a2"]["condition"] == {"metric": "dropped", "operator": "anomaly", "window": "1h"}
    assert (watch.kept_alerts["a2"]["model_id"], watch.kept_alerts["a2"]["enabled"]) == ("", False)


def test_faults_of_an_alert_are_told_as_the_flags_they_come_from(ask: Ask, watch: LiveWatch) -> None:
    """Every fault is a line on standard error that names the flag; the exit code is 2."""
    wrong = ("--metric", "mood", "--operator", "is", "--window", "1h", "--notify", "shout")
    result = ask("alerts", "create", "det", "Low", *wrong)
    assert result.exit_code == 2
    flags = [line.split(": ")[1] for line in result.stderr.splitlines()]
    assert flags == ["--metric", "--operator", "--notify"]
    result = ask("alerts", "create", "nobody", "Low", *LOW)
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "MODEL")
    assert watch.kept_alerts == {}


def test_list_shows_firing_alerts_first_and_filters(ask: Ask, watch: LiveWatch) -> None:
    """State, model and name stand in the list; filters leave what fits."""
    assert "no alerts" in ask("alerts").stdout
    ask("alerts", "create", "det", "Calm", *LOW)
    ask("alerts", "create", "det", "Loud", *LOW)
    watch.fire("a2")
    shown = ask("alerts").stdout
    assert shown.index("Loud") < shown.index("Calm")
    assert "Calm" not in ask("alerts", "--state", "firing").stdout
    assert ask("alerts", "list").stdout == shown
    assert ask("alerts", "--model", "other").stdout == "no alerts match --model other\n"
    result = ask("alerts", "--state", "shouting")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--state")
    assert [alert["id"] for alert in json.loads(ask("alerts", "--json").stdout)] == ["a1", "a2"]


def test_alert_is_shown_with_its_sentence_and_notifications(ask: Ask, watch: LiveWatch) -> None:
    """What happened, who was told and who could not be."""
    ask("alerts", "create", "det", "Low", *LOW, "--notify", "slack:#ml", "--notify", "email:a@b.example")
    watch.fire("a1")
    shown = " ".join(ask("alerts", "show", "a1").stdout.split())
    assert "12 % of images had no detection" in shown
    assert "slack:#ml firing sent" in shown
    assert "waiting, 1 attempt: no SMTP server" in shown
    document = json.loads(ask("alerts", "show", "a1", "--json").stdout)
    assert [item["channel"] for item in document["notifications"]] == ["slack:#ml", "email:a@b.example"]


def test_alert_is_meant_by_the_beginning_of_its_id_or_by_its_name(ask: Ask, watch: LiveWatch) -> None:
    """What the list shows of an id is enough; what could mean several is refused with what it could be."""
    ids = {"Low": "3f9c2e71ab0142c09d7e5b1f6a8c3d20", "Errors": "3f9c2e99ab0142c09d7e5b1f6a8c3d20"}
    for name in ids:
        ask("alerts", "create", "det", name, *LOW)
    watch.kept_alerts = {
        ids[item["name"]]: item | dict.fromkeys(("id", "alert_id"), ids[item["name"]])
        for item in watch.kept_alerts.values()
    }
    listed = ask("alerts").stdout
    assert "3f9c2e71" in listed
    assert ids["Low"] not in listed
    for wanted in ("3f9c2e71", ids["Low"], "Low"):
        assert ids["Low"] in ask("alerts", "show", wanted).stdout
    result = ask("alerts", "delete", "3f9c")
    assert (result.exit_code, all(alert_id in result.stderr for alert_id in ids.values())) == (2, True)
    assert len(watch.kept_alerts) == 2


@pytest.mark.parametrize("command", ["show", "ack", "test", "delete"])
def test_alert_nobody_has_is_told(ask: Ask, command: str) -> None:
    """An unknown id is a fault of ID."""
    result = ask("alerts", command, "nope")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "sidecar: ID: no alert has the id 'nope'\n"


def test_firing_alert_is_acknowledged_by_the_user(ask: Ask, watch: LiveWatch) -> None:
    """``ack`` says who; before the alert fires it is refused."""
    ask("alerts", "create", "det", "Low", *LOW)
    assert "not firing" in ask("alerts", "ack", "a1").stderr
    watch.fire("a1")
    assert ask("alerts", "ack", "a1", "--by", "ann").stdout == "Low: acknowledged by ann\n"


def test_silence_has_one_end(ask: Ask, watch: LiveWatch) -> None:
    """For some time, until a time, or ended; nothing or two of them is a fault."""
    ask("alerts", "create", "det", "Low", *LOW)
    assert ask("alerts", "silence", "a1", "--for", "2h").exit_code == 0
    assert watch.kept_alerts["a1"]["silenced_until"] == pytest.approx(time.time() + 7_200, abs=60)
    assert ask("alerts", "silence", "a1", "--end").stdout == "Low: not silenced\n"
    assert watch.kept_alerts["a1"]["silenced_until"] is None
    assert ask("alerts", "silence", "a1").exit_code == 2
    assert ask("alerts", "silence", "a1", "--for", "2h", "--end").exit_code == 2
    assert "no such day" in ask("alerts", "silence", "a1", "--until", "2099-02-30T00:00:00Z").stderr
    result = ask("alerts", "silence", "a1", "--until", "tomorrow")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--until")


def test_failing_channel_makes_the_test_fail(ask: Ask) -> None:
    """The exit code of ``test`` tells a script whether every channel works."""
    ask("alerts", "create", "det", "Low", *LOW, "--notify", "slack:#ml")
    ask("alerts", "create", "det", "Lower", *LOW, "--notify", "email:a@b.example")
    ask("alerts", "create", "det", "Lowest", *LOW)
    assert ask("alerts", "test", "a1").exit_code == 0
    result = ask("alerts", "test", "a2")
    assert (result.exit_code, "notify.smtp.host" in result.stdout) == (1, True)
    result = ask("alerts", "test", "a3")
    assert (result.exit_code, "--notify CHANNEL" in result.stdout) == (1, True)


def test_history_and_metrics_are_listed(ask: Ask, watch: LiveWatch) -> None:
    """Transitions up to the limit, and the catalogue with what needs a class."""
    assert "no alert has changed" in ask("alerts", "history").stdout
    ask("alerts", "create", "det", "Low", *LOW)
    assert len(json.loads(ask("alerts", "history", "a1", "--limit", "2", "--json").stdout)) == 2
    assert "pending" in ask("alerts", "history").stdout
    assert ask("alerts", "history", "--model", "other").stdout == "no changes of state match --model other\n"
    assert "Needs --class" in " ".join(ask("alerts", "metrics").stdout.split())


def test_deleted_alert_is_gone(ask: Ask, watch: LiveWatch) -> None:
    """``delete`` says what it deleted."""
    ask("alerts", "create", "det", "Low", *LOW)
    assert ask("alerts", "delete", "a1").stdout == "Low: deleted\n"
    assert watch.kept_alerts == {}


def test_text_from_outside_is_neither_markup_nor_control(ask: Ask, watch: LiveWatch) -> None:
    """Brackets are shown as they are and an escape sequence does not reach the terminal."""
    ask("alerts", "create", "det", "[bold red]Low[/]", *LOW)
    watch.fire("a1")
    watch.kept_alerts["a1"]["sentence"] = "a [link=http://evil.example]class\x1b[2J"
    for words in (("alerts",), ("alerts", "show", "a1"), ("alerts", "history")):
        shown = ask(*words).stdout
        assert "[bold red]Low[/]" in shown
        assert "\x1b" not in shown
    assert "[link=http://evil.example]class?[2J" in ask("alerts", "show", "a1").stdout


def test_address_and_token_may_stand_before_the_subcommand(url: str, ask: Ask) -> None:
    """``sidecar alerts --url ... show ID`` asks that sidecar; other options of the list don't fit there."""
    ask("alerts", "create", "det", "Low", *LOW)
    assert "Low" in CliRunner().invoke(app, ["alerts", "--url", url, "show", "a1"]).stdout
    result = CliRunner().invoke(app, ["alerts", "--json", "show", "a1", "--url", url])
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--json")


@pytest.mark.parametrize("width", ["80", "120"])
def test_lists_of_alerts_are_short_lines(
    ask: Ask, watch: LiveWatch, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    """An alert is two lines, a change of state a head line with its sentence below, whatever the terminal's width."""
    monkeypatch.setenv("COLUMNS", width)
    for name in ("Confidence below normal", "n" * 150):
        ask("alerts", "create", "det", name, *LOW, "--for", "5m", "--notify", "email:a@b.example")
    watch.fire("a1")
    watch.kept_alerts["a1"]["silenced_until"] = time.time() + 60
    lines = ask("alerts").stdout.splitlines()
    assert (len(lines), max(map(len, lines)) <= int(width)) == (4, True)
    assert lines[0].split() == ["firing,", "silenced", "0.62", "a1", "det:", "Confidence", "below", "normal"]
    assert lines[1] == "  avg_confidence < 0.7 over 1h for 5m, since 2023-11-14 22:14 UTC"
    lines = ask("alerts", "history", "a1").stdout.splitlines()
    assert lines[:2] == [
        "2023-11-14 22:17:00 UTC  resolved  0.62  det: Confidence below normal",
        "  avg_confidence of det was 0.62 over 1h",
    ]
    lines = ask("alerts", "metrics").stdout.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "avg_confidence",
        "p99_latency_ms",
        "class_share",
        "significant_drift",
        "dropped",
    ]


def test_threshold_in_percent_is_told_what_it_would_be(ask: Ask) -> None:
    """A share is 0 to 1."""
    result = ask("alerts", "create", "det", "Low", *LOW, "--threshold", "5%")
    assert (result.exit_code, "5 % is 0.05" in " ".join(result.output.replace("│", " ").split())) == (2, True)


def test_preview_prints_the_sentence_a_sparkline_and_the_firings(ask: Ask, watch: LiveWatch) -> None:
    """What would have happened in words, as a line, and one by one; nothing is created."""
    result = ask("alerts", "preview", "det", *LOW)
    assert result.exit_code == 0
    assert "Would have fired 2 times in the past week" in result.stdout
    assert "from 0.62 to 0.8, threshold 0.7" in result.stdout
    assert any(line.startswith("█") and "·" in line for line in result.stdout.splitlines())
    assert "still fires" in result.stdout
    assert "- It was looked at once a minute" in result.stdout
    assert watch.kept_alerts == {}
    found = json.loads(ask("alerts", "preview", "det", *LOW, "--json").stdout)
    assert found["thresholds"] == {"low": 0.7, "high": None}


def test_faults_of_a_preview_are_told_as_their_flags(ask: Ask) -> None:
    """A metric without a preview, and a period that is too long, name the flag."""
    dropped = ("--metric", "dropped", "--operator", "gt", "--threshold", "0", "--window", "1h")
    result = ask("alerts", "preview", "det", *dropped)
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--metric")
    result = ask("alerts", "preview", "det", *LOW, "--period", "99d")
    assert (result.exit_code, result.stderr.split(": ")[1]) == (2, "--period")
