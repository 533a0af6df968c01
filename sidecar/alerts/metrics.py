"""From the facts to a judgement: a condition's metric is measured, compared, and found breached or not."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import floor, hypot, isfinite, isnan, nan, sqrt
from typing import Any

from sidecar.alerts.alert_state import Outcome
from sidecar.alerts.catalogue import METRICS, Metric
from sidecar.alerts.condition import SENSITIVITY_DEFAULT, Condition
from sidecar.alerts.facts import Facts, Reading
from sidecar.drift.seasonal import HOUR_OF_THE_DAY, SCORE_MAX, WEEKS_MIN, Seasonal

__all__ = ["METRICS", "Facts", "Metric", "Reading", "judged", "limits_of", "measured", "read"]

HOUR_S = 3_600.0
WEEK_HOURS = 168
SLOW_RATE = "slow_rate"
"""Its edge is the baseline's, whatever its threshold is held against."""
_WEEKENDS_UNKNOWN = f"Weekends are not known yet: that needs {WEEKS_MIN} weeks."
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def read(
    condition: Condition, facts: Facts, seasonal: Seasonal | None = None, at: float = 0.0
) -> tuple[Outcome, Reading]:
    """Judge a condition, as of ``at`` (epoch seconds, the end of its window; only an anomaly needs it).

    The reading's ``value`` is in the metric's unit; what the threshold was held against, where that isn't the value,
    is in its ``detail``: ``baseline`` with ``ratio`` or ``difference``, ``expected`` with ``score``. Without a
    judgement (NO_DATA) ``reason`` says why. ``seasonal`` is fitted on the same metric, hour by hour.
    """
    return judged(condition, measured(condition, facts), facts.baseline, facts.window_s, seasonal, at)


def measured(condition: Condition, facts: Facts) -> Reading:
    """The metric of a condition as it is, before anything is held against it."""
    metric = METRICS[condition.metric]
    reading = metric.measure(facts, condition.class_name)
    if metric.source == "drift":
        named = replace(reading, of=facts.drift_of, baseline_of=facts.drift_baseline_of)
        return named if facts.drift_of else reading
    compared = condition.compare != "value" or metric.name == SLOW_RATE
    return replace(reading, baseline_of=facts.baseline_of) if facts.baseline_of and compared else reading


def judged(
    condition: Condition,
    reading: Reading,
    baseline: Mapping[str, Any] | None,
    window_s: float,
    seasonal: Seasonal | None = None,
    at: float = 0.0,
) -> tuple[Outcome, Reading]:
    """``read`` of what was measured already; ``window_s`` is the time it was measured over."""
    metric = METRICS[condition.metric]
    if reading.reason:
        return Outcome.NO_DATA, reading
    if metric.samples and reading.samples < condition.min_samples:
        reason = f"too few samples: {reading.samples} of {condition.min_samples} {metric.samples}"
        return Outcome.NO_DATA, replace(reading, reason=reason)
    if isnan(reading.value):
        return Outcome.NO_DATA, replace(reading, reason="nothing to measure")
    if condition.operator == "anomaly":
        return _anomaly(condition, metric, reading, seasonal, at, window_s)
    compared, reading = _compared(condition, metric, reading, baseline)
    if reading.reason:
        return Outcome.NO_DATA, reading
    threshold = nan if condition.threshold is None else condition.threshold
    breached = _OPERATORS[condition.operator](compared, threshold)
    return Outcome.BREACH if breached else Outcome.OK, reading


def limits_of(
    condition: Condition,
    reading: Reading,
    baseline: Mapping[str, Any] | None,
    window_s: float,
    seasonal: Seasonal | None = None,
    at: float = 0.0,
) -> tuple[float | None, float | None]:
    """(the value below which, the value above which) ``judged`` finds a breach, in the metric's unit; None where there
    is no such side, or it is not known.

    >>> limits_of(Condition("error_rate", "gt", 0.05, 900.0), Reading(0.2, 50), None, 900.0)
    (None, 0.05)
    """
    metric = METRICS[condition.metric]
    if condition.operator == "anomaly":
        usual = _usual(condition, metric, reading, seasonal, at, window_s)
        if usual is None:
            return None, None
        reach = (SENSITIVITY_DEFAULT if condition.sensitivity is None else condition.sensitivity) * usual[1]
        low, high = usual[0] - reach, usual[0] + reach
        return (None if metric.worse == "higher" else low), (None if metric.worse == "lower" else high)
    edge = condition.threshold
    if condition.compare != "value" and edge is not None:
        normal = None if baseline is None else _figure(baseline, metric, condition.class_name)
        is_ratio = condition.compare == "baseline_ratio"
        unknown = normal is None or (is_ratio and normal == 0)
        edge = None if unknown or normal is None else edge * normal if is_ratio else edge + normal
    return (edge, None) if condition.operator in ("lt", "lte") else (None, edge)


def _compared(
    condition: Condition, metric: Metric, reading: Reading, baseline: Mapping[str, Any] | None
) -> tuple[float, Reading]:
    """The number to hold against the threshold; a reading with a reason where there is none."""
    if condition.compare == "value":
        return reading.value, reading
    if baseline is None:
        return nan, replace(reading, reason="no baseline")
    normal = _figure(baseline, metric, condition.class_name)
    if normal is None:
        return nan, replace(reading, reason=f"the baseline has no {metric.name}")
    if condition.compare == "baseline_difference":
        difference = reading.value - normal
        return difference, _with(reading, baseline=normal, difference=difference)
    if normal == 0:
        reason = f"{metric.name} is 0 in the baseline, and nothing is a ratio of that: compare by baseline_difference"
        return nan, replace(_with(reading, baseline=normal), reason=reason)
    ratio = reading.value / normal
    return ratio, _with(reading, baseline=normal, ratio=ratio)


def _figure(baseline: Mapping[str, Any], metric: Metric, class_name: str) -> float | None:
    """The metric's figure in a baseline; None where it had no data."""
    figure = baseline.get(metric.baseline)
    if metric.needs_class and isinstance(figure, Mapping):
        # a class that the period had none of has a share of nothing, if there were detections at all
        figure = figure.get(class_name, 0.0) if figure else None
    if isinstance(figure, (int, float)) and isfinite(figure):
        return float(figure)
    return None


def _anomaly(
    condition: Condition, metric: Metric, reading: Reading, seasonal: Seasonal | None, at: float, window_s: float
) -> tuple[Outcome, Reading]:
    """Whether a value lies more robust standard deviations from what is usual than the sensitivity allows.

    Only on the side that is worse, where a metric has one: a fall of the error rate is no alert.
    """
    if seasonal is None:
        return Outcome.NO_DATA, replace(reading, reason="what is normal by the hour is not known yet: it needs 3 days")
    usual = _usual(condition, metric, reading, seasonal, at, window_s)
    if usual is None:
        return Outcome.NO_DATA, replace(reading, reason="what is normal at that hour is not known yet")
    expected, spread = usual
    score = max(-SCORE_MAX, min(SCORE_MAX, (reading.value - expected) / spread))
    reading = _with(reading, expected=expected, score=score)
    if seasonal.season == HOUR_OF_THE_DAY:
        reading = replace(reading, note=_WEEKENDS_UNKNOWN)
    sided = {"higher": score, "lower": -score, "": abs(score)}[metric.worse]
    sensitivity = SENSITIVITY_DEFAULT if condition.sensitivity is None else condition.sensitivity
    return Outcome.BREACH if sided > sensitivity else Outcome.OK, reading


def _usual(
    condition: Condition, metric: Metric, reading: Reading, seasonal: Seasonal | None, at: float, window_s: float
) -> tuple[float, float] | None:
    """(what is expected, the standard deviation around it); None where that is not known."""
    if seasonal is None:
        return None
    expected = _expected(seasonal, at, condition.window_s)
    if isnan(expected) or not seasonal.spread > 0:
        return None
    return expected, hypot(seasonal.spread, _chance(metric, expected, reading.samples, window_s))


def _chance(metric: Metric, expected: float, samples: int, window_s: float) -> float:
    """The standard deviation that counting alone gives a value, in its unit; 0 where the metric is no count.

    The season's spread is robust, so it is 0 where most hours have none of what is counted: then each failure that
    does come would be an anomaly. A share of n has sqrt(p (1 - p) / n), p with Laplace's one more of each kind, so that
    what was never seen is not taken for impossible; a number of requests has its square root (Poisson).
    """
    if metric.unit == "share" and samples:
        p = (min(max(expected, 0.0), 1.0) * samples + 1) / (samples + 2)
        return sqrt(p * (1 - p) / samples)
    if metric.unit == "requests/s" and window_s > 0:
        return sqrt(max(expected, 0.0) * window_s + 1) / window_s
    return 0.0


def _expected(seasonal: Seasonal, at: float, window_s: float) -> float:
    """What is usual over the window that ends ``at``: of its hours, each by how much of it the window covers.

    Hours of which nothing is known are left out; NaN where that is all of them.
    """
    # one week is expected to be like another, so whole ones weigh on all hours of the week alike
    weeks, rest_s = divmod(window_s, WEEK_HOURS * HOUR_S)
    weights = dict.fromkeys(range(WEEK_HOURS), weeks * HOUR_S) if weeks else {}
    for hour in range(floor((at - rest_s) / HOUR_S), floor(at / HOUR_S) + 1):
        covered_s = min(at, (hour + 1) * HOUR_S) - max(at - rest_s, hour * HOUR_S)
        if covered_s > 0:
            weights[hour % WEEK_HOURS] = weights.get(hour % WEEK_HOURS, 0.0) + covered_s
    known = [
        (weight, usual) for hour, weight in weights.items() if not isnan(usual := seasonal.expected(hour * HOUR_S))
    ]
    total = sum(weight for weight, _ in known)
    return sum(weight * usual for weight, usual in known) / total if total else nan


def _with(reading: Reading, **detail: float) -> Reading:
    return replace(reading, detail={**reading.detail, **detail})
