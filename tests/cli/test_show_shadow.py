"""The pages of shadow tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sidecar.cli.show_shadow import shadow_page, shadow_test_facts, shadow_tests_lines
from sidecar.experiments.pairs import PairSummary, pair_request
from tests.cli.trial_documents import START, page, shadow_report, shadow_test, words_of

MakePairs = Callable[..., PairSummary]


@pytest.fixture
def pairs(make_prediction: Callable[..., Any], box: Callable[..., Any]) -> MakePairs:
    """``pairs(n)``: in 25 images with 3 cars each B calls 12 cars trucks, misses 8, and has 5 dogs of its own."""

    def make(n: int, car: str = "car", truck: str = "truck", dog: str = "dog") -> PairSummary:
        rng = np.random.default_rng(6)
        made = PairSummary()
        for number in range(n):
            a = [box(car, 200 * place, score=0.6) for place in range(3)]
            b = [one._replace(score=0.65 + 0.01 * rng.random()) for one in a]
            if number % 25 < 12:
                b[0] = b[0]._replace(name=truck)
            elif number % 25 < 20:
                del b[0]
            else:
                b.append(box(dog, 900))
            made.add(pair_request([make_prediction(a)], [make_prediction(b, upstream_ms=14.0 + number % 3)]))
        return made

    return make


def test_page_says_how_far_both_agree(pairs: MakePairs) -> None:
    """The sentence, boxes, flips, classes in dispute, tests and latency side by side."""
    test = shadow_test()
    lines = page(80, shadow_page, test, shadow_report(test, pairs(200)))
    assert lines[:3] == ["behind", "running: copies of 10 % of requests to digits@2", "1h1m so far, no end set"]
    said = words_of(lines)
    assert said[4].startswith("digits@2 agrees with digits@1 in full on 0 of 200 images")
    assert "A digits@1, which serves" in said
    assert "classes flipped 96 17.9 % 536 boxes that both found" in said
    assert "missed by B 64 10.7 % 600 boxes of A" in said
    assert "only B's 40 6.9 % 576 boxes of B" in said
    assert "car truck 96 16.0 %" in said
    assert "dog 0 40 0 40 0 0" in said
    assert any(line.startswith("confidence +0.055 ") and line.endswith("<0.0001 200 higher") for line in said)
    assert any(line.startswith("latency, ms +5.00 ") and line.endswith("slower") for line in said)
    assert any(
        line.startswith("Fixed-horizon p, which holds for a single look only: confidence <0.0001") for line in said
    )
    assert [line.split()[-1] for line in said if line[:3] in ("A 1", "B 1")] == ["200", "200"]


def test_few_requests_are_called_too_few(pairs: MakePairs) -> None:
    """Nothing is sure of them, and the page's limitations say so."""
    test = shadow_test(warnings=["a second copy is not tried"])
    lines = page(80, shadow_page, test, shadow_report(test, pairs(30)))
    assert sum(line.endswith("too few") for line in lines) == 3
    assert any(line.startswith("note: Fewer than 150 requests") for line in lines)
    assert lines[-1] == "warning: a second copy is not tried"


def test_what_was_not_compared_is_told(pairs: MakePairs) -> None:
    """What waits, and what was given up with its reason; a reason nobody knows is shown as it is."""
    test = shadow_test()
    skipped = {"no_shadow": 4, "full": 0, "aged": 1}
    said = " ".join(words_of(page(120, shadow_page, test, shadow_report(test, pairs(30), waiting=3, skipped=skipped))))
    assert "3 wait for their other answer. Not compared: 4 (the shadow's answer never came), 1 (aged)." in said


def test_before_any_pair_the_page_has_no_empty_tables() -> None:
    """Only that there is nothing to compare; why it ended stands beside the status."""
    test = shadow_test(status="stopped", ended_at=START, reason="enough seen")
    lines = page(80, shadow_page, test, shadow_report(test, PairSummary(), frozen=True))
    assert lines[1:4] == [
        "stopped: enough seen",
        "ran 1h1m, ended 2023-11-14 22:14 UTC",
        "figures as of 2023-11-15 22:14 UTC",
    ]
    assert lines[5].startswith("Nothing to compare yet")
    assert not any(line.startswith(("agreement", "B less A")) for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_long_and_hostile_names_stay_in_their_columns(pairs: MakePairs, width: int) -> None:
    """They are cut with an ellipsis, shown as text, and no number beside them is broken."""
    test = shadow_test(name="[bold]" + "n" * 300)
    summary = pairs(30, "[red]car\x1b[2J", "t" * 200, "d" * 200)
    lines = page(width, shadow_page, test, shadow_report(test, summary, "a" * 150, "b" * 150))
    said = words_of(lines)
    assert "\x1b" not in "".join(lines)
    assert f"[red]car?[2J {'t' * 25}… 17 18.9 %" in said
    assert f"{'d' * 25}… 0 5 0 5 0 0" in said


def test_test_is_shown_with_what_was_asked_for_and_its_epochs() -> None:
    """Shares of each epoch and why it began; a test with one epoch has no table of them."""
    lines = words_of(page(80, shadow_test_facts, shadow_test()))
    assert "runs until it is stopped" in lines
    assert not any(line.startswith("epoch") for line in lines)
    epochs = [
        {"number": number, "since": START, "until": None, "shares": {"B": share}, "reason": reason}
        for number, (share, reason) in enumerate([(0.1, "begun"), (0.0, "paused")])
    ]
    lines = words_of(page(80, shadow_test_facts, shadow_test(status="paused", share=0.0, epochs=epochs)))
    assert lines[1] == "paused: no copies to digits@2"
    assert "1 2023-11-14 22:14 none paused" in lines


def test_list_has_active_tests_first_in_two_lines_each() -> None:
    """What is too long for its line ends in an ellipsis."""
    ended = shadow_test(name="n" * 200, status="completed", ended_at=START, promoted="B")
    lines = page(80, shadow_tests_lines, [ended, shadow_test()])
    assert lines[:2] == ["running    behind", "  digits, copied to digits@2, 10 %, 1h1m so far, no end set"]
    assert len(lines) == 4
    assert lines[2].endswith("…")
