"""What is said of alerts."""

from typing import Any

import pytest

from sidecar.alerts.alert_state import State
from sidecar.alerts.condition import Condition
from sidecar.alerts.facts import Reading, nothing
from sidecar.alerts.notice import SENTENCE_CHARACTERS_MAX
from sidecar.alerts.sentences import condition_text, detail_lines, sentence_of

RATIO: Any = {"compare": "baseline_ratio"}
DIFFERENCE: Any = {"compare": "baseline_difference"}
CONFIDENCE = Condition("avg_confidence", "lt", 0.7, 3_600.0)
QUIET = Condition("no_detection_rate", "gt", 0.1, 900.0, **DIFFERENCE)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Condition("error_rate", "gt", 0.05, 900.0, 300.0), "error_rate above 5 % over 15m, for 5m"),
        (Condition("p95_latency_ms", "gte", 1_500.0, 60.0), "p95_latency_ms at least 1500 ms over 1m"),
        (
            Condition("avg_confidence", "lt", 0.9, 900.0, **RATIO),
            "avg_confidence below 0.9 times the baseline's over 15m",
        ),
        (QUIET, "no_detection_rate more than 10 points above the baseline's over 15m"),
        (
            Condition("avg_confidence", "lte", -0.05, 900.0, **DIFFERENCE),
            "avg_confidence at least 0.05 below the baseline's over 15m",
        ),
        (
            Condition("no_detection_rate", "gt", -0.1, 900.0, **DIFFERENCE),
            "no_detection_rate difference from the baseline's above -10 points over 15m",
        ),
        (
            Condition("request_rate", "anomaly", None, 3_600.0, sensitivity=4.0),
            "request_rate unusual for the hour (sensitivity 4) over 1h",
        ),
        (Condition("class_share", "lt", 0.2, 900.0, class_name="car"), "class_share of car below 20 % over 15m"),
        (Condition("class_drift", "gt", 0.1, 86_400.0), "class_drift above 0.1 in the latest check"),
        (Condition("backlog", "gt", 1_000.0, 900.0), "backlog above 1000"),
    ],
)
def test_condition_reads_as_it_is_meant(condition: Condition, text: str) -> None:
    """Shares in per cent, differences of shares in points, comparisons in words."""
    assert condition_text(condition) == text


@pytest.mark.parametrize(
    ("of", "condition", "reading", "sentence"),
    [
        (
            "digits", CONFIDENCE, Reading(0.62, 90, {"no_detection_rate": 0.12}),
            "avg_confidence of digits was 0.62 over 1h (threshold: below 0.7; 12 % of images had no detection).",
        ),
        (
            "det@2", Condition("error_rate", "gt", 0.05, 900.0), Reading(0.2, 90),
            "error_rate of det@2 was 20 % over 15m (threshold: above 5 %).",
        ),
        (
            "det", Condition("p95_latency_ms", "gt", 500.0, 900.0), Reading(1_234.5, 90),
            "p95_latency_ms of det was 1,234 ms over 15m (threshold: above 500 ms).",
        ),
        (
            "det", Condition("avg_confidence", "lt", 0.9, 900.0, **RATIO),
            Reading(0.6, 90, {"baseline": 0.8, "ratio": 0.75}),
            "avg_confidence of det was 0.6 over 15m, 0.75 times the baseline's 0.8"
            " (threshold: below 0.9 times the baseline's).",
        ),
        (
            "det", QUIET, Reading(0.35, 90, {"baseline": 0.12, "difference": 0.23}),
            "no_detection_rate of det was 35 % over 15m, 23 points above the baseline's 12 %"
            " (threshold: more than 10 points above the baseline's).",
        ),
        (
            "det", QUIET, Reading(0.05, 90, {"baseline": 0.12, "difference": -0.07}),
            "no_detection_rate of det was 5 % over 15m, 7 points below the baseline's 12 %"
            " (threshold: more than 10 points above the baseline's).",
        ),
        (
            "det", Condition("request_rate", "anomaly", None, 3_600.0, sensitivity=4.0),
            Reading(0.0002, 90, {"expected": 5.1, "score": -6.12}),
            "request_rate of det was 0.0002 requests/s over 1h, 6.1 robust standard deviations below"
            " the 5.1 requests/s usual then (sensitivity: 4).",
        ),
        (
            "det", Condition("class_share", "lt", 0.2, 900.0, class_name="car"), Reading(0.1, 90),
            "class_share of car in det was 10 % over 15m (threshold: below 20 %).",
        ),
        (
            "det", Condition("class_drift", "gt", 0.1, 86_400.0), Reading(0.34, 90, note="Cars fell."),
            "class_drift of det was 0.34 in the latest check (threshold: above 0.1). Cars fell.",
        ),
        (
            "det", Condition("significant_drift", "gt", 0.0, 86_400.0), Reading(1.0, 90, note="Cars fell."),
            "det drifted from its baseline in the latest check. Cars fell.",
        ),
        (
            "det", Condition("significant_drift", "gt", 0.0, 86_400.0), Reading(0.0, 90),
            "det did not drift from its baseline in the latest check.",
        ),
        (
            "det", Condition("significant_drift", "gt", 0.0, 86_400.0),
            Reading(1.0, 90, note="Drift from the baseline of det@1: cars fell.", of="det@2", baseline_of="det@1"),
            "det@2 drifted from the baseline of det@1 in the latest check: cars fell.",
        ),
        (
            "det@2", Condition("avg_confidence", "lt", 0.9, 900.0, **RATIO),
            Reading(0.6, 90, {"baseline": 0.8, "ratio": 0.75}, baseline_of="det@1"),
            "avg_confidence of det@2 was 0.6 over 15m, 0.75 times det@1's baseline of 0.8"
            " (threshold: below 0.9 times the baseline's).",
        ),
        (
            "det", Condition("new_class", "gt", 0.0, 86_400.0), Reading(2.0, 90, note="New: dog, cat."),
            "new_class of det was 2 in the latest check (threshold: above 0). New: dog, cat.",
        ),
        ("", Condition("dropped", "gt", 0.0, 900.0), Reading(12.0, 1), "dropped was 12 over 15m (threshold: above 0)."),
        (
            "det", CONFIDENCE, nothing("no baseline"),
            "avg_confidence of det could not be judged over 1h: no baseline.",
        ),
        (
            "det", Condition("error_rate", "gt", 0.1, 900.0, no_data="fire"), nothing("too few samples"),
            "error_rate of det could not be judged over 15m: too few samples. The alert counts that as a breach.",
        ),
        (
            "det", Condition("class_drift", "gt", 0.1, 900.0, no_data="ok"), nothing("no drift check yet"),
            "class_drift of det could not be judged: no drift check yet. That counts as well.",
        ),
    ],
)  # fmt: skip
def test_sentence_says_value_window_and_threshold(
    of: str, condition: Condition, reading: Reading, sentence: str
) -> None:
    """In the metric's unit, with what it was compared with, and on which side of it the value is."""
    assert sentence_of(of, condition, reading) == sentence


@pytest.mark.parametrize(
    ("condition", "reading", "says"),
    [
        (CONFIDENCE, Reading(0.69996, 90), "was 0.69996 over 1h (threshold: below 0.7)"),
        (Condition("p95_latency_ms", "gt", 1_500.0, 60.0), Reading(1_500.2, 90), "was 1,500.2 ms over 1m"),
        (
            Condition("avg_confidence", "lt", 0.9, 900.0, **RATIO),
            Reading(0.72, 90, {"baseline": 0.8001, "ratio": 0.89989}),
            ", 0.8999 times the baseline's 0.8 (threshold: below 0.9 times",
        ),
        (
            QUIET,
            Reading(0.2200, 90, {"baseline": 0.12, "difference": 0.100004}),
            ", 10.0004 points above the baseline's 12 % (threshold: more than 10 points",
        ),
        (CONFIDENCE, Reading(0.7, 90), "was 0.7 over 1h (threshold: below 0.7)"),
    ],
)
def test_value_beyond_its_threshold_never_looks_like_it(condition: Condition, reading: Reading, says: str) -> None:
    """It gets digits until it differs; one that is the threshold itself gets none."""
    assert says in sentence_of("det", condition, reading)


def test_sentence_says_what_became_of_the_alert() -> None:
    """Pending alerts say when they will fire, resolved ones that they are."""
    condition = Condition("error_rate", "gt", 0.1, 900.0, 300.0)
    pending = sentence_of("det", condition, Reading(0.2), State.INACTIVE, State.PENDING)
    assert pending.endswith("(threshold: above 10 %). The alert fires once this has lasted 5m.")
    resolved = sentence_of("det", condition, Reading(0.02), State.FIRING, State.RESOLVED)
    assert resolved == "Resolved: error_rate of det was 2 % over 15m (threshold: above 10 %)."


def test_sentence_has_an_end() -> None:
    """However long the names of classes are."""
    sentence = sentence_of("det", Condition("new_class", "gt", 0.0, 900.0), Reading(1.0, note="x" * 5_000))
    assert len(sentence) == SENTENCE_CHARACTERS_MAX
    assert sentence.endswith("…")


def test_further_lines_give_the_figures_beside_the_value() -> None:
    """Samples, the no-detection rate, what the baseline had."""
    detail = {"no_detection_rate": 0.12, "baseline": 0.8, "ratio": 0.7}
    assert detail_lines(CONFIDENCE, 1_234, detail) == (
        "Measured on 1,234 images with detections.",
        "Images without detections: 12 %.",
        "avg_confidence in the baseline: 0.8.",
    )
    assert detail_lines(CONFIDENCE, 0, detail, "det@1")[1] == "avg_confidence in the baseline of det@1: 0.8."
    slow = Condition("slow_rate", "gt", 0.25, 900.0)
    assert detail_lines(slow, 0, {"baseline_p95_latency_ms": 31.2}) == (
        "Slow is over the p95 of the baseline, 31.2 ms.",
    )
    drift = Condition("class_drift", "gt", 0.1, 900.0)
    assert detail_lines(drift, 50, {"p_adjusted": 0.0012}) == ("Adjusted p-value: 0.0012.",)
