"""Conditions from documents: what is taken, what is refused, and what the refusal says."""

import json
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.alerts.catalogue import METRICS, OPERATORS
from sidecar.alerts.condition import (
    FOR_S_MAX,
    KEYS,
    WINDOW_S_MAX,
    Condition,
    ConditionError,
    condition_document,
    parse_condition,
)

GOOD = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1h"}
ANOMALY = {"metric": "request_rate", "operator": "anomaly", "window": "1h"}


def faults_of(document: Any) -> dict[str, str]:
    with pytest.raises(ConditionError) as caught:
        parse_condition(document)
    assert len(dict(caught.value.faults)) == len(caught.value.faults), "a field is told once"
    return dict(caught.value.faults)


def test_document_of_four_keys_is_a_condition() -> None:
    """Metric, operator, threshold and window are enough."""
    assert parse_condition(GOOD) == Condition("avg_confidence", "lt", 0.7, 3_600.0)


def test_document_of_all_keys_is_a_condition() -> None:
    """Durations in words or seconds."""
    document = {
        "metric": "class_share", "operator": "gte", "threshold": -0.1, "window": 600, "for": "5m", "class": "car",
        "compare": "baseline_difference", "min_samples": 100, "no_data": "fire",
    }  # fmt: skip
    assert parse_condition(document) == Condition(
        "class_share", "gte", -0.1, 600.0, 300.0, "car", "baseline_difference", None, 100, "fire"
    )


def test_null_is_as_good_as_absent() -> None:
    """Forms send null for what was left empty."""
    assert parse_condition({**dict.fromkeys(KEYS), **GOOD}) == parse_condition(GOOD)


def test_anomaly_has_a_sensitivity_instead_of_a_threshold() -> None:
    """Four robust standard deviations unless it says otherwise."""
    assert parse_condition(ANOMALY).sensitivity == 4.0
    assert parse_condition({**ANOMALY, "sensitivity": 6}) == Condition(
        "request_rate", "anomaly", None, 3_600.0, sensitivity=6.0
    )


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"metric": None}, "metric", "missing, expected one of avg_confidence, p50_latency_ms,"),
        ({"metric": "p95_latency"}, "metric", "'p95_latency' is unknown, did you mean p95_latency_ms,"),
        ({"metric": "xyz"}, "metric", "'xyz' is unknown, expected one of avg_confidence,"),
        ({"metric": 7}, "metric", "7 is unknown, expected one of"),
        ({"metric": ["error_rate"]}, "metric", "['error_rate'] is unknown, expected one of"),
        ({"operator": None}, "operator", "missing, expected one of lt, lte, gt, gte, anomaly"),
        ({"operator": "<"}, "operator", "'<' is unknown, expected one of lt, lte, gt, gte, anomaly (< is lt)"),
        ({"operator": ["lt"]}, "operator", "['lt'] is unknown"),
        ({"threshold": None}, "threshold", "missing, expected a number"),
        ({"threshold": "0.7"}, "threshold", "expected a finite number, got '0.7'"),
        ({"threshold": True}, "threshold", "expected a finite number, got True"),
        ({"threshold": nan}, "threshold", "expected a finite number, got nan"),
        ({"threshold": -inf}, "threshold", "expected a finite number, got -inf"),
        ({"threshold": 10**400}, "threshold", "expected a finite number, got 1000"),
        ({"threshold": 70}, "threshold", "70 is out of bounds, expected 0 to 1 (70 % is 0.7)"),
        ({"threshold": -0.1}, "threshold", "-0.1 is out of bounds, expected 0 to 1"),
        ({"threshold": 0}, "threshold", "avg_confidence is never below 0: the alert could not fire"),
        ({"operator": "gt", "threshold": 1}, "threshold", "avg_confidence is never above 1: the alert could not fire"),
        ({"metric": "p95_latency_ms", "threshold": -5}, "threshold", "-5 is out of bounds, expected 0 or more"),
        ({"compare": "baseline_ratio", "threshold": -0.9}, "threshold", "-0.9 is no ratio, expected 0 or more"),
        (
            {"compare": "baseline_difference", "threshold": 10},
            "threshold",
            "10 is no difference of shares, expected -1",
        ),
        ({"window": None}, "window", "missing, expected a length of time, e.g. 15m or 1h"),
        ({"window": "an hour"}, "window", "'an hour' is no length of time, expected e.g. 30s, 15m"),
        ({"window": "15s"}, "window", "15s is not in whole tens of seconds, expected e.g. 10s or 15m"),
        ({"window": 10.5}, "window", "10.5s is not in whole tens of seconds"),
        ({"window": 0}, "window", "0s is out of bounds, expected 10s to 30d"),
        ({"window": "31d"}, "window", "31d is out of bounds, expected 10s to 30d"),
        ({"window": "9" * 400 + "d"}, "window", "it is too long to count"),
        ({"window": 10**400}, "window", "it is too long to count"),
        ({"window": True}, "window", "True is no length of time"),
        ({"window": {}}, "window", "{} is no length of time"),
        ({"for": "8d"}, "for", "8d is too long, expected 0s to 7d"),
        ({"for": 0.5}, "for", "0.5s is not in whole seconds"),
        ({"for": -1}, "for", "-1 is no length of time"),
        ({"class": "car"}, "class", "avg_confidence is about all classes: leave it out (class_share is about one)"),
        ({"metric": "class_share"}, "class", "missing, class_share is about one class: name it"),
        ({"metric": "class_share", "class": 7}, "class", "expected the name of a class"),
        ({"metric": "class_share", "class": "x" * 201}, "class", "expected the name of a class, at most 200"),
        (
            {"compare": "ratio"},
            "compare",
            "'ratio' is unknown, expected one of value, baseline_ratio, baseline_differe",
        ),
        ({"compare": {}}, "compare", "{} is unknown, expected one of value"),
        (
            {"metric": "request_rate", "compare": "baseline_ratio"},
            "compare",
            "a baseline has no request_rate, expected value (comparable: avg_confidence, p50_latency_ms,",
        ),
        ({"sensitivity": 4}, "sensitivity", "only an anomaly has one: leave it out (operator is lt)"),
        ({**ANOMALY, "threshold": 1}, "threshold", "an anomaly has none: leave it out, or set sensitivity"),
        (
            {**ANOMALY, "threshold": None, "sensitivity": 1},
            "sensitivity",
            "expected a number of robust standard deviati",
        ),
        ({**ANOMALY, "threshold": None, "sensitivity": "high"}, "sensitivity", "expected a number of robust standard"),
        (
            {**ANOMALY, "threshold": None, "window": "30m"},
            "window",
            "30m is out of bounds, expected 1h to 30d for an an",
        ),
        ({**ANOMALY, "threshold": None, "compare": "baseline_ratio"}, "compare", "an anomaly is judged by the hours"),
        (
            {**ANOMALY, "threshold": 0.5, "metric": "class_drift"},
            "operator",
            "class_drift is not measured hour by hour and has no anomalies, expected one of lt, lte, gt, gte (",
        ),
        ({"min_samples": 0}, "min_samples", "expected a whole number, 1 to 1000000000, got 0"),
        ({"min_samples": 1.5}, "min_samples", "expected a whole number"),
        ({"min_samples": True}, "min_samples", "expected a whole number"),
        ({"metric": "request_rate", "min_samples": 5}, "min_samples", "request_rate has no minimum of samples"),
        ({"no_data": "resolve"}, "no_data", "'resolve' is unknown, expected one of keep, ok, fire"),
        ({"windw": "1h"}, "windw", "unknown, did you mean window? expected one of metric, operator,"),
        ({"colour": "red"}, "colour", "unknown, expected one of metric, operator, threshold, window"),
    ],
)
def test_fault_names_the_field_and_what_would_be_right(changes: dict[str, Any], field: str, message: str) -> None:
    """One wrong field is one fault, and the others are taken as they are."""
    faults = faults_of({**GOOD, **changes})
    assert list(faults) == [f"condition.{field}"]
    assert faults[f"condition.{field}"].startswith(message)


def test_all_faults_come_at_once() -> None:
    """Nobody has to try again for each."""
    faults = faults_of(
        {"metric": "eror_rate", "operator": "<", "threshold": "x", "window": 7, "for": "x", "class": 1,
         "compare": "x", "sensitivity": 1, "min_samples": "x", "no_data": "x", "extra": 1}
    )  # fmt: skip
    assert set(faults) == {f"condition.{key}" for key in (*KEYS, "extra")}


@pytest.mark.parametrize("document", [None, [], "avg_confidence < 0.7", 7])
def test_what_is_no_object_is_one_fault(document: Any) -> None:
    """The whole condition is at fault."""
    assert list(faults_of(document)) == ["condition"]


def test_error_reads_as_one_line() -> None:
    """Its text has every field."""
    with pytest.raises(ConditionError, match=r"condition\.metric: missing.*; condition\.operator: missing"):
        parse_condition({})


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    metric = METRICS[draw(st.sampled_from(sorted(METRICS)))]
    operator = draw(st.sampled_from(metric.operators))
    anomaly = operator == "anomaly"
    compare = "value" if anomaly else draw(st.sampled_from(metric.compare))
    lowest = -1.0 if compare == "baseline_difference" else 0.01
    threshold = None if anomaly else draw(st.floats(lowest, 0.99))
    return Condition(
        metric.name, operator, threshold,
        draw(st.integers(360 if anomaly else 1, int(WINDOW_S_MAX // 10))) * 10.0,
        float(draw(st.integers(0, int(FOR_S_MAX)))),
        draw(st.text(min_size=1, max_size=200)) if metric.needs_class else "",
        compare,
        draw(st.floats(2.0, 20.0)) if anomaly else None,
        draw(st.integers(1, 1_000)) if metric.samples else 30,
        draw(st.sampled_from(("keep", "ok", "fire"))),
    )  # fmt: skip


@given(conditions())
def test_condition_comes_back_from_its_document(condition: Condition) -> None:
    """What was accepted once is accepted again, as the same condition, through JSON."""
    document = json.loads(json.dumps(condition_document(condition), allow_nan=False))
    assert parse_condition(document) == condition


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(sorted(METRICS)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from((*KEYS, "else")), anything))
def test_any_document_is_a_condition_or_a_list_of_faults(document: dict[str, Any]) -> None:
    """Whatever comes in from outside, no other error goes out, and each fault names a field of the condition."""
    try:
        condition, faults = parse_condition(document), []
    except ConditionError as error:
        condition, faults = None, error.faults
    assert (condition is None) == bool(faults)
    assert all(field.startswith("condition.") and message for field, message in faults)
    if condition:
        assert condition.metric in METRICS
        assert condition.operator in (*OPERATORS, "anomaly")


def test_document_leaves_out_what_is_as_by_default() -> None:
    """Only what differs is shown."""
    assert condition_document(parse_condition(GOOD)) == GOOD
    assert condition_document(parse_condition(ANOMALY)) == ANOMALY
