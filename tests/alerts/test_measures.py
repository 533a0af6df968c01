"""Each metric from the facts."""

from collections.abc import Callable
from math import isnan
from typing import Any

import pytest

from sidecar.alerts.catalogue import METRICS
from sidecar.alerts.facts import Facts, Reading
from sidecar.alerts.figures import Figures
from sidecar.summaries import Summary
from sidecar.types import RequestCounts

EMPTY = Figures.total([])
REPORT: dict[str, Any] = {
    "significant_drift": True,
    "verdict": "drift",
    "scores": {
        "class": {"distance": 0.4, "corrected": 0.34, "p_value": 0.001, "p_adjusted": 0.005, "significant": True,
                  "n_reference": 900, "n_current": 450},
        "confidence": {"distance": 0.2, "corrected": 0.15, "p_value": 0.3, "p_adjusted": 0.6, "significant": False,
                       "n_reference": 900, "n_current": 450},
        "input": {"distance": None, "corrected": None, "p_value": None, "p_adjusted": None, "significant": False,
                  "n_reference": 0, "n_current": 0},
    },
    "new_classes": [{"class": "dog", "images": 9, "blocks": 4}, {"class": "cat", "images": 7, "blocks": 3}],
    "n_current": {"images": 200, "detections": 450, "requests": 200, "blocks": 8},
    "sentence": "Cars fell from 60 % to 20 % of detections.",
}  # fmt: skip


def measured(name: str, figures: Figures = EMPTY, class_name: str = "", **facts: Any) -> Reading:
    return METRICS[name].measure(Facts(figures, facts.pop("window_s", 900.0), **facts), class_name)


@pytest.fixture
def figures(make_summary: Callable[..., Summary]) -> Figures:
    return Figures.of(make_summary(11, images=200))


def test_confidence_has_the_no_detection_rate_beside_it(figures: Figures) -> None:
    """It is measured on images with detections, and says how many had none."""
    reading = measured("avg_confidence", figures)
    assert (reading.value, reading.samples) == (figures.avg_confidence, figures.images_with_detections)
    assert reading.detail == {"no_detection_rate": figures.no_detection_rate}
    assert measured("avg_confidence").detail == {}


@pytest.mark.parametrize(
    ("name", "value", "samples"),
    [
        ("detections_per_image", "detections_per_image", "images"),
        ("no_detection_rate", "no_detection_rate", "images"),
        ("error_rate", "error_rate", "requests"),
        ("feedback_score", "feedback_score", "feedback_count"),
    ],
)
def test_metric_is_the_figure_of_its_name(figures: Figures, name: str, value: str, samples: str) -> None:
    """With what it is made of as its samples."""
    reading = measured(name, figures)
    assert (reading.value, reading.samples) == (getattr(figures, value), getattr(figures, samples))
    assert isnan(measured(name).value)


@pytest.mark.parametrize(("name", "q"), [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)])
def test_latency_metric_is_its_quantile(figures: Figures, name: str, q: float) -> None:
    """Of all requests' latency."""
    reading = measured(f"{name}_latency_ms", figures)
    assert (reading.value, reading.samples) == (figures.latency_quantile(q), figures.latency_count)


def test_undecodable_images_count_among_their_own_samples(figures: Figures) -> None:
    """A model of which nothing can be read has data: all of it is bad."""
    assert measured("undecodable_rate", figures).samples == figures.images + figures.undecodable
    summary = Summary()
    vector = Figures.of(summary).vector.copy()
    assert isnan(measured("undecodable_rate", Figures(vector)).value)


def test_class_share_is_of_the_class_that_is_named(figures: Figures) -> None:
    """Over all detections; a class that is not there has a share of 0."""
    assert measured("class_share", figures, "car").value == figures.classes["car"] / figures.detections
    assert measured("class_share", figures, "boat").value == 0.0


def test_no_traffic_is_a_request_rate_of_zero(figures: Figures) -> None:
    """A silent camera is a measurement, not a lack of one."""
    assert measured("request_rate").value == 0.0
    assert measured("request_rate", figures, window_s=50.0).value == pytest.approx(4.0)


def test_feedback_score_is_correct_over_all() -> None:
    """Each kind but correct speaks against the model."""
    summary = Summary()
    summary.add_feedback("correct", 6)
    summary.add_feedback("wrong_box", 1)
    summary.add_feedback("missed_object", 3)
    reading = measured("feedback_score", Figures.of(summary))
    assert (reading.value, reading.samples) == (0.6, 10)


def test_feedback_that_was_taken_back_is_out_of_the_score() -> None:
    """A changed verdict counts once, as what it is now; where what is taken back was never there, nothing is told."""
    summary = Summary()
    for kind, n in (("correct", 6), ("correct", -1), ("wrong_box", 1), ("missed_object", 4)):
        summary.add_feedback(kind, n)
    reading = measured("feedback_score", Figures.of(summary))
    assert (reading.value, reading.samples) == (0.5, 10)
    summary.add_feedback("wrong_box", -2)
    reading = measured("feedback_score", Figures.of(summary))
    assert isnan(reading.value)
    assert reading.reason == "more feedback was taken back than is known to have been given"


def test_slow_rate_needs_a_baseline_with_a_latency(make_counts: Callable[..., RequestCounts]) -> None:
    """The share of requests over the baseline's p95; without one there is a reason and no value."""
    summary = Summary()
    summary.add_counts(make_counts([10.0] * 30 + [50.0] * 10))
    figures = Figures.of(summary)
    reading = measured("slow_rate", figures, baseline={"p95_latency_ms": 12.0})
    assert (reading.value, reading.samples) == (0.25, 40)
    assert reading.detail == {"baseline_p95_latency_ms": 12.0}
    assert measured("slow_rate", figures).reason == "no baseline"
    assert measured("slow_rate", figures, baseline={"p95_latency_ms": None}).reason.startswith(
        "the baseline has no p95"
    )


def test_significant_drift_score_is_its_corrected_distance() -> None:
    """With the report's sentence as what else there is to know."""
    reading = measured("class_drift", drift=REPORT)
    assert (reading.value, reading.samples, reading.note) == (0.34, 450, REPORT["sentence"])
    assert reading.detail == {"distance": 0.4, "corrected": 0.34, "p_value": 0.001, "p_adjusted": 0.005}


def test_insignificant_drift_score_is_zero() -> None:
    """A distance that chance explains is none."""
    reading = measured("confidence_drift", drift=REPORT)
    assert (reading.value, reading.note) == (0.0, "")
    assert reading.detail["corrected"] == 0.15


def test_drift_score_without_data_has_a_reason() -> None:
    """No input was probed: that is not the same as no drift. Nor is a score the report does not have."""
    assert measured("input_drift", drift=REPORT).reason == "the latest drift check has no input score"
    assert measured("box_drift", drift=REPORT).reason == "the latest drift check has no box score"


def test_significant_drift_is_one_or_zero() -> None:
    """As the check says, with its sentence."""
    assert measured("significant_drift", drift=REPORT) == Reading(1.0, 200, note=REPORT["sentence"])
    assert measured("significant_drift", drift={**REPORT, "significant_drift": False}) == Reading(0.0, 200)


def test_new_classes_are_counted_and_named() -> None:
    """The first ten by name, the others by number."""
    reading = measured("new_class", drift=REPORT)
    assert (reading.value, reading.note) == (2.0, "New: dog, cat.")
    many = [{"class": f"c{number}"} for number in range(13)]
    assert measured("new_class", drift={**REPORT, "new_classes": many}).note.endswith("c9 and 3 more.")
    assert measured("new_class", drift={**REPORT, "new_classes": []}) == Reading(0.0, 200)


@pytest.mark.parametrize("name", ["class_drift", "significant_drift", "new_class"])
@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, "no drift check yet"),
        ({"drift": REPORT, "drift_age_s": 1_000.4}, "the latest drift check is 16m40s old, older than 15m"),
        ({"drift": {**REPORT, "verdict": "too_few_blocks"}}, "the latest drift check had too few blocks"),
    ],
)
def test_drift_that_was_not_checked_lately_has_a_reason(name: str, facts: dict[str, Any], reason: str) -> None:
    """No check, one that is too old, and one that had too little to go on judge nothing."""
    assert measured(name, **facts).reason == reason


def test_report_of_another_release_is_no_error() -> None:
    """What a report doesn't hold is absent, not a crash."""
    assert measured("class_drift", drift={}).reason == "the latest drift check has no class score"
    assert measured("significant_drift", drift={}).value == 0.0
    assert measured("new_class", drift={}).value == 0.0


def test_sidecar_figures_are_as_they_were_told() -> None:
    """What isn't told has a reason."""
    assert measured("dropped", sidecar={"dropped": 7, "backlog": 2}).value == 7.0
    assert measured("backlog", sidecar={"backlog": 0}).value == 0.0
    assert measured("backlog").reason == "the sidecar does not tell it"


def test_stops_are_counted_and_the_newest_are_told_first() -> None:
    """None is a value like any other; of many the note says how many more there are."""
    assert measured("guardrail_stops", stops=()).value == 0.0
    stops = [(float(at), f"Stop {at}.") for at in (2, 1, 5, 3, 4)]
    reading = measured("guardrail_stops", stops=stops)
    assert (reading.value, reading.note) == (5.0, "Stop 5. Stop 4. Stop 3. And 2 more.")
    assert measured("guardrail_stops").reason == "nobody tells of guardrails"
