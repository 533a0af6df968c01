"""The page of an A/B test's results."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.cli.show_ab_results import labels_of, results_page
from sidecar.cli.show_ab_test import ab_test_facts
from sidecar.experiments import METRICS, Epoch
from tests.cli.trial_documents import START, ab_results, ab_test, page, words_of

MakeEpoch = Callable[..., Epoch]
TWO = {"stable": "digits@1", "canary": "digits@2"}


def test_page_says_what_runs_what_it_comes_to_and_what_that_rests_on(make_epoch: MakeEpoch) -> None:
    """Name, split and time; the sentence; both variants; the split's check; metrics; guardrails; notes."""
    test = ab_test(TWO, metrics=["latency", "confidence"])
    found = ab_results(test, [make_epoch(8_000, 0.1, b={"latency_ms": 17.0})])
    lines = page(80, results_page, test, found)
    assert lines[:5] == [
        "New digits  (new-digits)",
        "running: 10 % of requests to digits@2",
        "2d so far of 7d, ends 2023-11-21 22:14 UTC",
        "",
        "canary is better: with canary, latency is 14 % lower (p < 0.0001).",
    ]
    said = words_of(lines)
    assert "stable digits@1, control, 90 %" in said
    assert "variant requests images errors p50, ms p99, ms" in said
    assert any(re.fullmatch(r"canary 800 800 0\.0 % 1\d\.\d \d\d\.\d", line) for line in said)
    assert "7,200 : 800 requests arrived, 7,200 : 800 expected: as split (p = 1)" in said
    assert "metric stable canary change bounds p verdict" in said
    latency = next(line for line in said if line.startswith("latency, ms"))
    assert latency.endswith("<0.0001 better")
    assert next(line for line in said if line.startswith("confidence")).endswith("unclear")
    assert any(re.fullmatch(r"latency 1\.1 - 0\.8\d+ safe", line) for line in said)
    assert "guardrail limit, x stable or under canary, x stable decision" in said
    assert any(re.fullmatch(r"error_rate 1\.5 0\.5 % - .*", line) for line in said)
    assert "note: Not a full week: days of the week may differ." in said


def test_change_is_the_difference_of_both_values_as_they_are_shown(make_epoch: MakeEpoch) -> None:
    """All numbers of a line have the same digits after the point."""
    test = ab_test({"A": "digits@1", "B": "digits@2"}, 0.5)
    found = ab_results(test, [make_epoch(4_000)], metrics=["detections_per_image", "latency"])
    lines = words_of(page(80, results_page, test, found))
    for start, digits in (("detections_per_image ", 3), ("latency, ms ", 2)):
        line = next(line for line in lines if line.startswith(start) and " to +" in line)
        a, b, change, low, to, high, *_ = line.removeprefix(start).split()
        assert to == "to"
        assert float(b) - float(a) == pytest.approx(float(change), abs=1.1 * 10**-digits)
        assert float(low) < float(change) < float(high)
        assert {len(value.partition(".")[2]) for value in (a, b, change, low, high)} == {digits}


def test_shares_are_shown_in_percent(make_epoch: MakeEpoch) -> None:
    """As the metric's name says."""
    test = ab_test({"A": "digits@1", "B": "digits@2"}, 0.5)
    found = ab_results(test, [make_epoch(4_000, error_rate=0.2)], metrics=["error_rate"])
    line = next(line for line in words_of(page(80, results_page, test, found)) if line.startswith("error_rate, %"))
    assert 18 < float(line.split()[2]) < 22


def test_rare_events_are_shown_as_times_of_control(make_epoch: MakeEpoch) -> None:
    """With an x, and the legend says what it is; a side that is not bounded is said to be open."""
    test = ab_test(TWO)
    found = ab_results(test, [make_epoch(4_000, error_rate=0.002)], metrics=["error_rate"])
    said = words_of(page(120, results_page, test, found))
    assert any(line.startswith("error_rate, %") and line.count(" x ") == 2 for line in said)
    assert any("x: times stable's" in line for line in said)
    found["comparisons"][0]["metrics"]["error_rate"]["confidence_sequence"] = [0.31, None]
    assert any("over 0.31 x" in line for line in page(80, results_page, test, found))


def test_split_that_did_not_arrive_is_loud_and_makes_marks_void(make_epoch: MakeEpoch) -> None:
    """Nothing is called better on such a page."""
    test = ab_test(TWO, metrics=["latency"])
    epoch = make_epoch(8_000, 0.5, b={"latency_ms": 17.0})
    found = ab_results(test, [Epoch(epoch.control, epoch.treatments, (0.9, 0.1))])
    said = " ".join(words_of(page(80, results_page, test, found)))
    assert "NOT as split (p <0.0001), so nothing below can be trusted" in said
    assert "void" in said
    assert "better" not in said


def test_p_of_a_fixed_horizon_is_named_as_such(make_epoch: MakeEpoch) -> None:
    """Beside the always-valid one of the table, which is never the smaller one."""
    test = ab_test({"A": "digits@1", "B": "digits@2"}, 0.5)
    found = ab_results(test, [make_epoch(2_000, b={"confidence": 0.704})])
    said = " ".join(words_of(page(80, results_page, test, found)))
    fixed = re.search(r"Fixed-horizon p, which holds for a single look only: confidence ([\d.]+), latency", said)
    valid = re.search(r"confidence 0\.\d+ 0\.\d+ \S+ \S+ to \S+ ([\d.]+) unclear", said)
    assert fixed is not None
    assert valid is not None
    assert float(fixed[1]) < float(valid[1])


def test_lasting_units_have_their_own_column(make_epoch: MakeEpoch) -> None:
    """With what they are; feedback is counted too."""
    test = ab_test({"A": "digits@1", "B": "digits@2"}, 0.5, unit="client")
    found = ab_results(test, [make_epoch(2_000, feedback=(30, 10)), make_epoch(2_000, seed=1)])
    for figures in found["variants"].values():
        figures["n"] = 500
    said = words_of(page(80, results_page, test, found))
    assert "variant clients requests images errors p50, ms p99, ms" in said
    assert any(line.startswith("B 500 2,000 2,000 ") for line in said)
    assert "With feedback: 40 of A, 40 of B." in said


def test_before_any_traffic_the_page_has_no_empty_tables() -> None:
    """Only what is compared and that nothing came yet."""
    test = ab_test(TWO, warnings=["feedback_score needs feedback, and none has come"])
    lines = page(80, results_page, test, ab_results(test, []))
    assert "No traffic yet." in lines
    assert not any(line.startswith("metric") or "arrived" in line for line in lines)
    assert lines[-1] == "warning: feedback_score needs feedback, and none has come"


def test_each_of_several_treatments_has_its_own_tables(make_epoch: MakeEpoch) -> None:
    """Headed by how it stands against control."""
    test = ab_test({"A": "digits@1", "B": "digits@2", "C": "digits@3"}, 0.5)
    epoch = make_epoch(6_000, 0.5)
    (arm,) = epoch.treatments
    found = ab_results(test, [Epoch(epoch.control, (arm, arm), (0.34, 0.33, 0.33))])
    lines = page(80, results_page, test, found)
    assert lines[1] == "running: 25 % of requests to digits@2, 25 % to digits@3"
    assert [line for line in lines if " against " in line] == [
        "B against A: no sure difference yet",
        "C against A: no sure difference yet",
    ]


def test_ended_test_says_why_and_what_was_decided(make_epoch: MakeEpoch) -> None:
    """Frozen figures have their time; how much longer it would take is no question any more."""
    ended: dict[str, Any] = {"status": "concluded", "ended_at": START + 86_400, "ends_at": None}
    decision = {"winner": "canary", "note": "faster"}
    test = ab_test(TWO, **ended, decision=decision, promoted="digits@2", promoted_at=START + 86_400)
    found = ab_results(test, [make_epoch(8_000, 0.1, b={"confidence": 0.9})]) | {"frozen": True}
    lines = page(80, results_page, test, found)
    assert lines[1:4] == [
        "concluded: digits@2 promoted",
        "ran 2d, ended 2023-11-15 22:14 UTC",
        "figures as of 2023-11-15 22:14 UTC",
    ]
    assert "Decided for digits@2: faster" in lines
    assert not any("more units" in line or "enough units" in line for line in lines)
    alike = page(80, results_page, test, ab_results(test, [make_epoch(8_000, 0.1)]) | {"frozen": True})
    assert alike[5].startswith("No sure difference found: confidence with canary is ")
    assert not any("more units" in line or "enough units" in line for line in alike)
    test = ab_test(TWO, **ended | {"status": "stopped"}, reason="error_rate is surely over 1.5 times the control's")
    assert page(80, results_page, test, found)[1] == "stopped: error_rate is surely over 1.5 times the control's"


def test_difference_that_is_found_takes_no_longer(make_epoch: MakeEpoch) -> None:
    """Also where the verdict is another metric's."""
    test = ab_test(TWO, 0.5, metrics=["latency", "confidence"])
    lines = page(80, results_page, test, ab_results(test, [make_epoch(2_000, 0.5, b={"latency_ms": 17.0})]))
    assert "It is sure that latency differs: no need to wait for that." in lines
    assert not any("more units" in line for line in lines)


@pytest.mark.parametrize("width", range(60, 100, 3))
def test_no_line_ends_between_a_number_and_its_percent(make_epoch: MakeEpoch, width: int) -> None:
    """Neither of the results nor of what was asked for, and it is a plain space that is shown."""
    ramp = {"shares": [0.01, 0.05, 0.1, 0.5], "hours": 24, "units": 150, "next_share": 0.5, "waiting_for": "12h more"}
    epochs = [
        {"number": number, "since": START, "until": None, "shares": {"stable": 0.9, "canary": 0.1}, "reason": "by 10 %"}
        for number in range(3)
    ]
    test = ab_test(TWO, ramp=ramp, epochs=epochs, warnings=["of 10 % " * 12])
    found = ab_results(test, [make_epoch(2_000, 0.1)])
    lines = [*page(width, ab_test_facts, test), *page(width, results_page, test, found)]
    assert [line for line in lines if line.lstrip().startswith("%")] == []
    assert sum("10 %" in line for line in lines) > 5


@pytest.mark.parametrize("width", [80, 120])
def test_every_metric_fits_the_terminal_with_long_and_with_short_names(make_epoch: MakeEpoch, width: int) -> None:
    """No value is cut at 80 columns: not the widest numbers, not beside the longest name of a metric."""
    for names in (TWO, {"v" * 150: "m" * 120 + "@1", "w" * 150: "m" * 120 + "@2"}):
        test = ab_test(names, 0.5, name="n" * 300, unit="header:x-user", warnings=["w" * 300])
        epochs = [make_epoch(2_000, 0.5, latency_ms=90_000.0, error_rate=0.3, undecodable_rate=0.3)] * 2
        found = ab_results(test, epochs, metrics=list(METRICS))
        for metric in found["comparisons"][0]["metrics"].values():
            if metric["confidence_sequence_of"] == "difference" and metric["difference"] is not None:
                metric["confidence_sequence"] = [-abs(metric["model_a"]), abs(metric["model_a"])]
        lines = page(width, results_page, test, found)
        first = next(place for place, line in enumerate(lines) if line.startswith("metric ")) + 1
        for name, line in zip(METRICS, lines[first:], strict=False):
            assert line.startswith(name)
            assert line.endswith(("unclear", "no data", "better", "worse", "higher", "lower")), line
            assert "…" not in line


def test_text_from_outside_is_neither_markup_nor_control(make_epoch: MakeEpoch) -> None:
    """Brackets are shown as they are and an escape sequence does not reach the terminal."""
    test = ab_test({"[red]a[/]": "[link=x]m\x1b[2J@1", "b": "m@2"}, name="[bold]N\x1b[31m", warnings=["[dim]w\x07"])
    said = "\n".join(page(80, results_page, test, ab_results(test, [make_epoch(2_000, 0.1)])))
    for shown in ("[red]a[/]", "[link=x]m?[2J@1", "[bold]N?[31m", "[dim]w?"):
        assert shown in said
    assert "\x1b" not in said


def test_variants_are_called_by_their_names_or_by_letters() -> None:
    """Letters where a name is long; numbers where a letter would be another one's name."""
    assert labels_of([{"variant": "stable"}, {"variant": "next"}]) == {"stable": "stable", "next": "next"}
    assert labels_of([{"variant": "production"}, {"variant": "B"}]) == {"production": "A", "B": "B"}
    assert labels_of([{"variant": "B"}, {"variant": "production"}]) == {"B": "1)", "production": "2)"}
