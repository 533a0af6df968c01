"""The last minute of totals that only grow: what is counted in it, and over how long."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sidecar.api import live_window
from sidecar.api.live_window import Window
from sidecar.summaries import Summary
from sidecar.types import Detections
from tests.api.live import make_prediction, make_summary

KEY = ("det", "1", "serving")


def requests(n: int, **changes: Any) -> Summary:
    return make_summary([make_prediction(place, **changes) for place in range(n)])


def only(window: Window, totals: dict[tuple[str, str, str], Summary], now: float) -> dict[str, Any]:
    documents, left_out = window.documents(totals, now)
    assert (len(documents), left_out) == (1, 0)
    return documents[0]


def test_figures_are_of_what_came_in_the_window_and_counts_since_the_start() -> None:
    """What is older than the window counts as a request since the start, and nowhere else."""
    window = Window()
    old = requests(4, latency_ms=500.0)
    dogs = Detections(np.zeros((1, 4), "f4"), np.array([0.75], "f4"), np.array([0], "i4"), ("dog",))
    now = old.merge(requests(2, detections=dogs))
    for second in range(0, 60, 5):
        window.note({KEY: old}, second)
    found = only(window, {KEY: now}, 60.0)
    assert found["requests"] == 6
    assert found["classes"] == {"dog": 2}
    assert found["avg_confidence"] == pytest.approx(0.75)
    assert (found["detections_per_image"], found["no_detection_rate"], found["error_rate"]) == (1.0, 0.0, 0.0)
    assert window.length_s(60.0) == 60.0


def test_what_leaves_the_window_is_counted_no_more() -> None:
    """After a minute without traffic there is nothing to make a figure of, and the rate is 0."""
    window = Window()
    totals = {KEY: requests(3)}
    window.note({}, 0.0)
    for second in range(5, 120, 5):
        window.note(totals, second)
    found = only(window, totals, 120.0)
    assert (found["requests"], found["requests_per_s"], found["avg_confidence"]) == (3, 0.0, None)
    assert (found["latency"], found["classes"]) == ({"p50_ms": None, "p95_ms": None, "p99_ms": None}, {})
    assert window.length_s(120.0) == 65.0


def test_rate_is_of_the_last_ten_seconds_or_so() -> None:
    """A burst half a minute ago is no present rate."""
    window = Window()
    burst = requests(50)
    for second in range(0, 30, 5):
        window.note({KEY: Summary()} if second < 10 else {KEY: burst}, second)
    assert only(window, {KEY: burst}, 30.0)["requests_per_s"] == 0.0
    grown = burst.merge(requests(30))
    assert only(window, {KEY: grown}, 32.0)["requests_per_s"] == pytest.approx(30 / 12, abs=0.001)


def test_version_that_is_new_counts_from_nothing() -> None:
    """Its first request came within the window."""
    window = Window()
    window.note({}, 0.0)
    assert only(window, {KEY: requests(8)}, 4.0)["requests_per_s"] == 2.0


def test_just_after_the_start_nothing_is_made_up() -> None:
    """Neither a rate of half an instant nor a figure of nothing."""
    window = Window()
    totals = {KEY: requests(8)}
    assert only(window, totals, 1.0)["requests_per_s"] == 0.0
    window.note(totals, 1.0)
    assert only(window, totals, 1.1)["requests_per_s"] == 0.0


def test_versions_beyond_the_bound_are_counted_and_one_that_comes_in_is_not_taken_for_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its requests of before the window were no part of the note; they must not look like a burst."""
    monkeypatch.setattr(live_window, "VARIANTS_MAX", 2)
    window = Window()
    totals = {
        ("a", "1", "serving"): requests(9),
        ("b", "1", "serving"): requests(8),
        ("c", "1", "serving"): requests(7),
    }
    window.note(totals, 0.0)
    totals["c", "1", "serving"] = totals["c", "1", "serving"].merge(requests(4))
    documents, left_out = window.documents(totals, 10.0)
    assert ([item["model"] for item in documents], left_out) == (["a", "c"], 1)
    assert documents[1]["requests"] == 11
    assert (documents[1]["requests_per_s"], documents[1]["avg_confidence"]) == (0.0, None)


def test_requests_to_no_prediction_route_are_of_no_model() -> None:
    """They are counted under an empty name."""
    assert Window().documents({("", "", "serving"): requests(3)}, 0.0) == ([], 0)


def test_notes_hold_no_more_than_the_window_and_nothing_twice() -> None:
    """Memory is bounded however long it runs, and a version without traffic costs nothing anew."""
    window = Window()
    idle = requests(3)
    for second in range(0, 1_000, 5):
        window.note({KEY: idle}, second)
    assert len(window._notes) == 13
    assert len({id(note.counted[KEY].figures) for note in window._notes}) == 1


def test_errors_and_latency_are_those_of_the_requests_in_the_window() -> None:
    """Quantiles as the Summary of just these requests has them."""
    from sidecar.types import RequestCounts

    window = Window()
    fast = requests(5)
    window.note({KEY: fast}, 0.0)
    counts = RequestCounts(0, *KEY, "", 0, "", 4, statuses={200: 3, 503: 1}, latency={60: 4}, latency_sum_us=4)
    slow = Summary()
    slow.add_counts(counts)
    found = only(window, {KEY: fast.merge(slow)}, 10.0)
    assert found["error_rate"] == 0.25
    assert found["latency"]["p99_ms"] == slow.latency.quantile(0.99)
