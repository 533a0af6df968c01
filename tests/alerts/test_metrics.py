"""Judging conditions on facts."""

import json
from collections.abc import Callable
from dataclasses import replace
from math import isnan
from typing import Any

import numpy as np
import pytest

from sidecar.alerts.alert_state import Outcome
from sidecar.alerts.condition import Condition, parse_condition
from sidecar.alerts.facts import Facts
from sidecar.alerts.figures import Figures
from sidecar.alerts.metrics import read
from sidecar.alerts.sentences import sentence_of
from sidecar.drift.baseline import figures_of
from sidecar.drift.blocks import Block, Level
from sidecar.drift.report import compare
from sidecar.drift.seasonal import Seasonal, fit_seasonal
from sidecar.summaries import Summary, merge_all
from sidecar.types import RequestCounts

DAY_S = 86_400
NOON = 20_000 * DAY_S + 12 * 3_600.0


def requests(failed: int, of: int, latency_ms: float = 10.0) -> Figures:
    summary = Summary()
    counts = RequestCounts(0, "m", "1", "serving", "", 0, "", requests=of)
    counts.statuses = {200: of - failed, 503: failed}
    summary.add_counts(counts)
    return Figures.of(summary)


def errors(failed: int, of: int, **facts: Any) -> Facts:
    return Facts(requests(failed, of), 3_600.0, **facts)


@pytest.mark.parametrize(
    ("operator", "at_threshold", "below", "above"),
    [
        ("lt", Outcome.OK, Outcome.BREACH, Outcome.OK),
        ("lte", Outcome.BREACH, Outcome.BREACH, Outcome.OK),
        ("gt", Outcome.OK, Outcome.OK, Outcome.BREACH),
        ("gte", Outcome.BREACH, Outcome.OK, Outcome.BREACH),
    ],
)
def test_operator_decides_at_below_and_above(
    operator: Any, at_threshold: Outcome, below: Outcome, above: Outcome
) -> None:
    """The threshold itself belongs to lte and gte."""
    condition = Condition("error_rate", operator, 0.25, 3_600.0)
    outcomes = [read(condition, errors(failed, 100))[0] for failed in (25, 24, 26)]
    assert outcomes == [at_threshold, below, above]


def test_too_few_samples_are_no_data_and_are_told() -> None:
    """29 requests of 30 are no judgement, 30 are; the value is shown all the same."""
    condition = Condition("error_rate", "gt", 0.05, 3_600.0)
    outcome, reading = read(condition, errors(29, 29))
    assert (outcome, reading.reason) == (Outcome.NO_DATA, "too few samples: 29 of 30 requests")
    assert (reading.value, reading.samples) == (1.0, 29)
    assert read(condition, errors(30, 30))[0] is Outcome.BREACH
    assert read(replace(condition, min_samples=29), errors(29, 29))[0] is Outcome.BREACH


def test_request_rate_needs_no_samples() -> None:
    """That there is no traffic is what such an alert is for."""
    outcome, reading = read(Condition("request_rate", "lt", 1.0, 3_600.0), errors(0, 0))
    assert (outcome, reading.value, reading.reason) == (Outcome.BREACH, 0.0, "")


def test_images_without_detections_leave_confidence_unjudged_and_tell_why(
    make_summary: Callable[..., Summary],
) -> None:
    """No confidence of nothing; the no-detection rate is in the detail."""
    vector = Figures.of(make_summary(1, images=100)).vector.copy()
    figures = Figures(vector)
    condition = Condition("avg_confidence", "lt", 0.7, 3_600.0, min_samples=figures.images_with_detections + 1)
    outcome, reading = read(condition, Facts(figures, 3_600.0))
    assert outcome is Outcome.NO_DATA
    assert reading.reason.endswith("images with detections")
    assert reading.detail["no_detection_rate"] == figures.no_detection_rate


def test_value_that_does_not_exist_is_no_data() -> None:
    """NaN is neither above nor below."""
    facts = Facts(Figures.total([]), 900.0, sidecar={"backlog": float("nan")})
    outcome, reading = read(Condition("backlog", "gt", 0.0, 900.0), facts)
    assert (outcome, reading.reason) == (Outcome.NO_DATA, "nothing to measure")


@pytest.mark.parametrize(("failed", "outcome"), [(20, Outcome.OK), (21, Outcome.BREACH)])
def test_ratio_is_to_the_figure_of_the_baseline(failed: int, outcome: Outcome) -> None:
    """Twice the baseline's 10 %; the reading keeps the metric's own value."""
    condition = Condition("error_rate", "gt", 2.0, 3_600.0, compare="baseline_ratio")
    judged, reading = read(condition, errors(failed, 100, baseline={"error_rate": 0.1}))
    assert judged is outcome
    assert reading.value == failed / 100
    assert reading.detail == {"baseline": 0.1, "ratio": pytest.approx(failed / 10)}


@pytest.mark.parametrize(("failed", "outcome"), [(10, Outcome.OK), (40, Outcome.BREACH)])
def test_difference_is_from_the_figure_of_the_baseline(failed: int, outcome: Outcome) -> None:
    """In points; a baseline of 0 has differences too."""
    condition = Condition("error_rate", "gt", 0.2, 3_600.0, compare="baseline_difference")
    judged, reading = read(condition, errors(failed, 100, baseline={"error_rate": 0.0}))
    assert judged is outcome
    assert reading.detail == {"baseline": 0.0, "difference": failed / 100}


@pytest.mark.parametrize(
    ("baseline", "reason"),
    [
        (None, "no baseline"),
        ({}, "the baseline has no error_rate"),
        ({"error_rate": None}, "the baseline has no error_rate"),
        ({"error_rate": float("nan")}, "the baseline has no error_rate"),
        ({"error_rate": 0.0}, "error_rate is 0 in the baseline, and nothing is a ratio of that"),
    ],
)
def test_ratio_without_a_figure_to_compare_with_is_no_data(baseline: Any, reason: str) -> None:
    """And says what is missing."""
    condition = Condition("error_rate", "gt", 2.0, 3_600.0, compare="baseline_ratio")
    outcome, reading = read(condition, errors(50, 100, baseline=baseline))
    assert outcome is Outcome.NO_DATA
    assert reading.reason.startswith(reason)


def test_class_share_is_compared_with_the_share_of_its_class(make_summary: Callable[..., Summary]) -> None:
    """A class the baseline did not see had a share of 0 there; a baseline without detections has no shares."""
    facts = Facts(Figures.of(make_summary(4, images=200)), 3_600.0, {"class_shares": {"car": 0.9}})
    below = Condition("class_share", "lt", -0.3, 3_600.0, class_name="car", compare="baseline_difference")
    assert read(below, facts)[0] is Outcome.BREACH
    above = Condition("class_share", "gt", 0.1, 3_600.0, class_name="dog", compare="baseline_difference")
    outcome, reading = read(above, facts)
    assert (outcome, reading.detail["baseline"]) == (Outcome.BREACH, 0.0)
    assert read(above, replace(facts, baseline={"class_shares": {}}))[1].reason == "the baseline has no class_share"


@pytest.mark.parametrize(
    "metric",
    ["avg_confidence", "p50_latency_ms", "p90_latency_ms", "p95_latency_ms", "p99_latency_ms", "error_rate",
     "detections_per_image", "no_detection_rate", "undecodable_rate", "class_share"],
)  # fmt: skip
def test_baseline_of_the_same_traffic_has_a_ratio_of_one(make_summary: Callable[..., Summary], metric: str) -> None:
    """What a baseline freezes and what an alert measures are the same figures."""
    summaries = [make_summary(seed, images=50) for seed in range(6)]
    facts = Facts(Figures.total(map(Figures.of, summaries)), 3_600.0, figures_of(merge_all(summaries)))
    of_class = {"class": "car"} if metric == "class_share" else {}
    document = {"metric": metric, "operator": "gt", "threshold": 1.01, "window": "1h", "compare": "baseline_ratio"}
    outcome, reading = read(parse_condition({**document, **of_class}), facts)
    assert (outcome, reading.detail["ratio"]) == (Outcome.OK, pytest.approx(1.0, rel=1e-6))


def test_report_of_a_real_check_is_judged(make_summary: Callable[..., Summary]) -> None:
    """Eight days against themselves have not drifted; against days of other scores and counts they have."""

    def days(first_seed: int, images: int) -> list[Block]:
        return [Block(float(DAY_S * day), make_summary(first_seed + day, images)) for day in range(8)]

    def facts(current: list[Block]) -> Facts:
        report = json.loads(json.dumps(compare(days(0, 60), current, Level.DAY, permutations=199).to_dict()))
        return Facts(Figures.total([]), 900.0, drift=report, drift_age_s=60.0)

    dark = days(100, 60)
    for block in dark:
        block.summary.class_counts["bat"] = block.summary.class_counts.pop("car")
    drifted, same = Condition("significant_drift", "gt", 0.0, 900.0), Condition("class_drift", "gt", 0.1, 900.0)
    outcome, reading = read(drifted, facts(dark))
    assert (outcome, reading.value) == (Outcome.BREACH, 1.0)
    assert "bat" in reading.note
    outcome, reading = read(same, facts(dark))
    assert (outcome, reading.samples > 0, reading.detail["p_adjusted"] <= 0.05) == (Outcome.BREACH, True, True)
    assert [read(condition, facts(days(200, 60)))[0] for condition in (drifted, same)] == [Outcome.OK, Outcome.OK]


@pytest.fixture(scope="module")
def seasonal() -> Seasonal:
    """Ten days of an error rate that is 10 % by day (8 to 20 UTC) and 2 % by night, give or take 0.5 %."""
    rng = np.random.default_rng(8)
    hours = [
        (NOON - 3_600 * back, (0.1 if 8 <= (12 - back) % 24 < 20 else 0.02) + rng.normal(0, 0.005))
        for back in range(1, 241)
    ]
    fitted = fit_seasonal(hours)
    assert fitted is not None
    return fitted


ANOMALY = Condition("error_rate", "anomaly", None, 3_600.0, sensitivity=4.0)


def test_value_that_is_usual_by_day_is_an_anomaly_by_night(seasonal: Seasonal) -> None:
    """The same 10 % at noon and at midnight."""
    assert read(ANOMALY, errors(100, 1_000), seasonal, NOON)[0] is Outcome.OK
    outcome, reading = read(ANOMALY, errors(100, 1_000), seasonal, NOON + 12 * 3_600)
    assert outcome is Outcome.BREACH
    assert reading.detail["expected"] == pytest.approx(0.02, abs=0.005)
    assert reading.detail["score"] > 4


def test_anomaly_on_the_better_side_is_none(seasonal: Seasonal) -> None:
    """An error rate that falls is no alert; a request rate may be too high or too low."""
    outcome, reading = read(ANOMALY, errors(0, 1_000), seasonal, NOON)
    assert (outcome, reading.detail["score"] < -4) == (Outcome.OK, True)
    either = replace(ANOMALY, metric="request_rate")
    for rate in (0, 5):
        facts = Facts(requests(0, rate * 3_600), 3_600.0)
        assert read(either, facts, seasonal, NOON)[0] is Outcome.BREACH


def test_sensitivity_is_the_score_over_which_a_value_is_an_anomaly(seasonal: Seasonal) -> None:
    """A higher one asks for more."""
    facts = errors(115, 1_000)
    score = read(ANOMALY, facts, seasonal, NOON)[1].detail["score"]
    assert score > 0
    assert read(replace(ANOMALY, sensitivity=score * 0.99), facts, seasonal, NOON)[0] is Outcome.BREACH
    assert read(replace(ANOMALY, sensitivity=score), facts, seasonal, NOON)[0] is Outcome.OK


def test_one_whole_hour_scores_as_the_seasonal_baseline_does(seasonal: Seasonal) -> None:
    """The window of an hour that ends on the hour is that hour; of so many requests chance makes no difference."""
    reading = read(ANOMALY, errors(1_100_000, 10_000_000), seasonal, NOON)[1]
    assert reading.detail["score"] == pytest.approx(seasonal.score(NOON - 3_600, 0.11), rel=0.01)


@pytest.mark.parametrize(("p", "n"), [(0.002, 200), (0.01, 50), (0.001, 1_000), (0.05, 500)])
def test_rare_failures_are_no_anomaly(p: float, n: int) -> None:
    """Of a rate that never changes, of which most hours have none, 1 % of hours at most are called unusual."""
    false, hours = 0, 0
    for seed in range(12):
        failed = np.random.default_rng(seed).binomial(n, p, 24 * 21)
        known = fit_seasonal([(hour * 3_600.0, count / n) for hour, count in enumerate(failed[: 24 * 14])])
        for hour, count in enumerate(failed[24 * 14 :], 24 * 14):
            false += read(ANOMALY, errors(int(count), n), known, (hour + 1) * 3_600.0)[0] is Outcome.BREACH
            hours += 1
    assert false / hours <= 0.01


def test_rare_failures_that_become_many_are_an_anomaly() -> None:
    """What chance allows for has an end: 10 of 200 requests where there was one in 500."""
    failed = np.random.default_rng(1).binomial(200, 0.002, 24 * 14)
    known = fit_seasonal([(hour * 3_600.0, count / 200) for hour, count in enumerate(failed)])
    assert read(ANOMALY, errors(10, 200), known, 24 * 14 * 3_600.0)[0] is Outcome.BREACH


@pytest.mark.parametrize(("requested", "outcome"), [(3_800, Outcome.OK), (3_400, Outcome.OK), (4_000, Outcome.BREACH)])
def test_number_of_requests_has_its_own_chance(requested: int, outcome: Outcome) -> None:
    """Of 3,600 requests that were always there, 200 more are chance (3.3 times the square root), 400 are not."""
    known = Seasonal("hour of the day", dict.fromkeys(range(24), 1.0), 0.001, 240)
    rate = replace(ANOMALY, metric="request_rate")
    assert read(rate, errors(0, requested), known, NOON)[0] is outcome


@pytest.mark.parametrize(("season", "said"), [("hour of the day", True), ("hour of the week", False)])
def test_anomaly_says_while_weekends_are_not_known(season: str, said: bool) -> None:
    """A Saturday may be unusual only because no Saturday was told from a Tuesday."""
    known = Seasonal(season, dict.fromkeys(range(168), 0.02), 0.001, 240)
    outcome, reading = read(ANOMALY, errors(500, 1_000), known, NOON)
    assert outcome is Outcome.BREACH
    sentence = sentence_of("det", ANOMALY, reading)
    assert sentence.endswith("Weekends are not known yet: that needs 4 weeks.") == said


def test_window_over_two_hours_expects_what_each_contributes(seasonal: Seasonal) -> None:
    """From 19:45 to 20:45 a quarter is day and three quarters are night; over a week, all of it."""
    at = NOON + 8 * 3_600 + 2_700
    expected = read(ANOMALY, errors(100, 1_000), seasonal, at)[1].detail["expected"]
    day, night = seasonal.expected(at - 3_600), seasonal.expected(at)
    assert expected == pytest.approx(0.25 * day + 0.75 * night)
    mean = float(np.mean([seasonal.expected(NOON + 3_600 * hour) for hour in range(24)]))
    for days, expected in (
        (1, mean),
        (7, mean),
        (14, mean),
        (7 + 1 / 24, (168 * mean + 0.25 * day + 0.75 * night) / 169),
    ):
        reading = read(replace(ANOMALY, window_s=days * DAY_S), errors(100, 1_000), seasonal, at)[1]
        assert reading.detail["expected"] == pytest.approx(expected)


def test_hours_nobody_knows_are_left_out() -> None:
    """What is usual is known of the hours there is history of; a window without any is no data."""
    known = Seasonal("hour of the day", {12: 0.3}, 0.01, 90)
    reading = read(replace(ANOMALY, window_s=7_200.0), errors(100, 1_000), known, NOON + 3_600)[1]
    assert reading.detail["expected"] == pytest.approx(0.3)
    outcome, reading = read(ANOMALY, errors(100, 1_000), known, NOON)
    assert (outcome, reading.reason) == (Outcome.NO_DATA, "what is normal at that hour is not known yet")


def test_anomaly_without_history_is_no_data() -> None:
    """Three days are needed to know what is normal."""
    outcome, reading = read(ANOMALY, errors(100, 1_000), None, NOON)
    assert outcome is Outcome.NO_DATA
    assert "needs 3 days" in reading.reason
    assert isnan(reading.detail.get("expected", float("nan")))
