"""What an alert is about: a metric, an operator, a threshold, a window. Parsed so that all faults show at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf, isfinite, isinf
from typing import Any, Literal, cast, get_args

from sidecar.alerts.catalogue import ANOMALY, METRICS, OPERATORS, Metric
from sidecar.durations import duration_text, parse_duration

Operator = Literal["lt", "lte", "gt", "gte", "anomaly"]
Compare = Literal["value", "baseline_ratio", "baseline_difference"]
NoData = Literal["keep", "ok", "fire"]

WINDOW_STEP_S = 10.0
"""The width of the finest summaries: a window is whole ones."""
WINDOW_S_MAX = 30 * 86_400.0
ANOMALY_WINDOW_S_MIN = 3_600.0
"""What is normal is known by the hour."""
FOR_S_MAX = 7 * 86_400.0
SENSITIVITY_DEFAULT = 4.0
SENSITIVITY_MIN, SENSITIVITY_MAX = 2.0, 20.0
MIN_SAMPLES_DEFAULT = 30
MIN_SAMPLES_MAX = 1_000_000_000
CLASS_CHARACTERS_MAX = 200
KEYS = (
    "metric",
    "operator",
    "threshold",
    "window",
    "for",
    "class",
    "compare",
    "sensitivity",
    "min_samples",
    "no_data",
)
_SIGNS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "below": "lt", "above": "gt", "anomalous": "anomaly"}


class ConditionError(ValueError):
    """A condition with faults. ``faults`` are all of them: (field, message), a field as ``condition.metric``."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in faults))
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Condition:
    """When an alert is breached, and for how long before it fires.

    ``window_s`` is what the metric is measured over (of a drift metric: how old the latest check may be), ``for_s`` how
    long a breach lasts before the alert fires. ``compare`` holds the threshold against the value, its ratio to the
    baseline's, or its difference from it, in the metric's unit (shares: 0.1 is ten points). An anomaly has a
    ``sensitivity`` instead: the robust z over which a value is one. ``no_data``: what a window with nothing to judge,
    or fewer than ``min_samples``, means: ``keep`` holds the state as it is, ``ok`` and ``fire`` speak for themselves.
    """

    metric: str
    operator: Operator
    threshold: float | None
    window_s: float
    for_s: float = 0.0
    class_name: str = ""
    compare: Compare = "value"
    sensitivity: float | None = None
    min_samples: int = MIN_SAMPLES_DEFAULT
    no_data: NoData = "keep"


def parse_condition(document: Mapping[str, Any]) -> Condition:
    """The condition in a document with KEYS, durations as ``1h`` or seconds. Null is as good as absent.

    Raises ConditionError with every fault.

    >>> parse_condition({"metric": "error_rate", "operator": "gt", "threshold": 0.05, "window": "15m"}).window_s
    900.0
    >>> parse_condition({"metric": "error_rate", "operator": "gt", "threshold": 5, "window": "15m"})
    Traceback (most recent call last):
    sidecar.alerts.condition.ConditionError: condition.threshold: 5 is out of bounds, expected 0 to 1 (5 % is 0.05)
    """
    if not isinstance(document, Mapping):
        raise ConditionError([("condition", f"expected an object with {', '.join(KEYS[:4])}")])
    parsing = _Parsing({str(key): value for key, value in document.items()})
    condition = parsing.condition()
    if parsing.faults:
        raise ConditionError(parsing.faults)
    return condition


def condition_document(condition: Condition) -> dict[str, Any]:
    """The document that ``parse_condition`` reads back: of what may be left out, only what differs from the default.

    >>> condition_document(Condition("error_rate", "gt", 0.05, 900.0))
    {'metric': 'error_rate', 'operator': 'gt', 'threshold': 0.05, 'window': '15m'}
    """
    document: dict[str, Any] = {"metric": condition.metric, "operator": condition.operator}
    if condition.threshold is not None:
        document["threshold"] = condition.threshold
    document["window"] = duration_text(condition.window_s)
    if condition.for_s:
        document["for"] = duration_text(condition.for_s)
    if condition.class_name:
        document["class"] = condition.class_name
    if condition.compare != "value":
        document["compare"] = condition.compare
    if condition.sensitivity is not None and condition.sensitivity != SENSITIVITY_DEFAULT:
        document["sensitivity"] = condition.sensitivity
    if condition.min_samples != MIN_SAMPLES_DEFAULT:
        document["min_samples"] = condition.min_samples
    if condition.no_data != "keep":
        document["no_data"] = condition.no_data
    return document


class _Parsing:
    """One document on its way to a condition, and the faults found so far. A faulty field has a stand-in value."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = {key: value for key, value in given.items() if value is not None}
        self.faults: list[tuple[str, str]] = []
        for key in given:
            if key not in KEYS:
                self.fault(key, f"unknown{_meant(key, KEYS)} expected one of {', '.join(KEYS)}")

    def fault(self, field: str, message: str) -> None:
        self.faults.append((f"condition.{field}", message))

    def condition(self) -> Condition:
        metric = self.metric()
        operator = self.operator(metric)
        compare = self.compare(metric, operator)
        return Condition(
            metric=metric.name if metric else "",
            operator=operator or "gt",
            threshold=self.threshold(metric, operator, compare),
            window_s=self.window_s(operator),
            for_s=self.for_s(),
            class_name=self.class_name(metric),
            compare=compare,
            sensitivity=self.sensitivity(operator),
            min_samples=self.min_samples(metric),
            no_data=cast(NoData, self.choice("no_data", get_args(NoData), "keep")),
        )

    def metric(self) -> Metric | None:
        name = self.given.get("metric")
        if name is None:
            self.fault("metric", f"missing, expected one of {', '.join(METRICS)}")
        elif not isinstance(name, str) or name not in METRICS:
            known = f"expected one of {', '.join(METRICS)}"
            close = get_close_matches(name, METRICS) if isinstance(name, str) else []
            self.fault("metric", f"{name!r} is unknown, {f'did you mean {_or(close)}?' if close else known}")
        else:
            return METRICS[name]
        return None

    def operator(self, metric: Metric | None) -> Operator | None:
        allowed = metric.operators if metric else (*OPERATORS, ANOMALY)
        name = self.given.get("operator")
        if isinstance(name, str) and name in allowed:
            return cast(Operator, name)
        if name is None:
            self.fault("operator", f"missing, expected one of {', '.join(allowed)}")
        elif name == ANOMALY and metric:
            hourly = [other.name for other in METRICS.values() if ANOMALY in other.operators]
            self.fault(
                "operator",
                f"{metric.name} is not measured hour by hour and has no anomalies, expected one of {', '.join(allowed)}"
                f" (anomalies are known of {', '.join(hourly)})",
            )
        else:
            sign = _SIGNS.get(str(name).strip().lower())
            hint = f" ({name} is {sign})" if sign else ""
            self.fault("operator", f"{name!r} is unknown, expected one of {', '.join(allowed)}{hint}")
        return None

    def compare(self, metric: Metric | None, operator: Operator | None) -> Compare:
        compare = cast(Compare, self.choice("compare", get_args(Compare), "value"))
        if compare != "value" and operator == ANOMALY:
            self.fault("compare", "an anomaly is judged by the hours before, not by the baseline: leave it out")
        elif compare != "value" and metric and compare not in metric.compare:
            comparable = [other.name for other in METRICS.values() if compare in other.compare]
            self.fault(
                "compare", f"a baseline has no {metric.name}, expected value (comparable: {', '.join(comparable)})"
            )
        return compare

    def threshold(self, metric: Metric | None, operator: Operator | None, compare: Compare) -> float | None:
        given = self.given.get("threshold")
        if operator == ANOMALY:
            if given is not None:
                self.fault("threshold", "an anomaly has none: leave it out, or set sensitivity")
            return None
        if given is None:
            self.fault("threshold", "missing, expected a number")
            return None
        if not _is_number(given):
            self.fault("threshold", f"expected a finite number, got {given!r}")
            return None
        threshold = float(given)
        if metric:
            message = _threshold_fault(threshold, metric, operator, compare)
            if message:
                self.fault("threshold", message)
        return threshold

    def window_s(self, operator: Operator | None) -> float:
        window_s = self.duration("window")
        if window_s is None:
            if "window" not in self.given:
                self.fault("window", "missing, expected a length of time, e.g. 15m or 1h")
            return WINDOW_STEP_S
        least_s = ANOMALY_WINDOW_S_MIN if operator == ANOMALY else WINDOW_STEP_S
        if not least_s <= window_s <= WINDOW_S_MAX:
            of = " for an anomaly" if operator == ANOMALY else ""
            span = f"{duration_text(least_s)} to {duration_text(WINDOW_S_MAX)}"
            self.fault("window", f"{duration_text(window_s)} is out of bounds, expected {span}{of}")
        elif window_s % WINDOW_STEP_S:
            self.fault("window", f"{duration_text(window_s)} is not in whole tens of seconds, expected e.g. 10s or 15m")
        return window_s

    def for_s(self) -> float:
        for_s = self.duration("for") or 0.0
        if for_s > FOR_S_MAX:
            self.fault("for", f"{duration_text(for_s)} is too long, expected 0s to {duration_text(FOR_S_MAX)}")
        elif for_s != int(for_s):
            self.fault("for", f"{duration_text(for_s)} is not in whole seconds")
        return for_s

    def class_name(self, metric: Metric | None) -> str:
        name: object = self.given.get("class", "")
        if not isinstance(name, str) or len(name) > CLASS_CHARACTERS_MAX:
            self.fault("class", f"expected the name of a class, at most {CLASS_CHARACTERS_MAX} characters long")
            return ""
        if metric and metric.needs_class and not name:
            self.fault("class", f"missing, {metric.name} is about one class: name it")
        elif metric and name and not metric.needs_class:
            self.fault("class", f"{metric.name} is about all classes: leave it out (class_share is about one)")
        return name

    def sensitivity(self, operator: Operator | None) -> float | None:
        given = self.given.get("sensitivity")
        if given is None:
            return SENSITIVITY_DEFAULT if operator == ANOMALY else None
        if operator not in (ANOMALY, None):
            self.fault("sensitivity", f"only an anomaly has one: leave it out (operator is {operator})")
        elif not _is_number(given) or not SENSITIVITY_MIN <= given <= SENSITIVITY_MAX:
            span = f"{SENSITIVITY_MIN:g} to {SENSITIVITY_MAX:g}"
            self.fault("sensitivity", f"expected a number of robust standard deviations, {span}, got {given!r}")
        else:
            return float(given)
        return None

    def min_samples(self, metric: Metric | None) -> int:
        given = self.given.get("min_samples", MIN_SAMPLES_DEFAULT)
        if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MIN_SAMPLES_MAX:
            self.fault("min_samples", f"expected a whole number, 1 to {MIN_SAMPLES_MAX}, got {given!r}")
            return MIN_SAMPLES_DEFAULT
        if metric and not metric.samples and given != MIN_SAMPLES_DEFAULT:
            self.fault("min_samples", f"{metric.name} has no minimum of samples: leave it out")
        return given

    def choice(self, field: str, allowed: Sequence[str], default: str) -> str:
        given = self.given.get(field, default)
        for choice in allowed:
            if choice == given:
                return choice
        self.fault(field, f"{given!r} is unknown, expected one of {', '.join(allowed)}")
        return default

    def duration(self, field: str) -> float | None:
        """Seconds; None where it is absent, or a fault that was told."""
        given = self.given.get(field)
        if given is None:
            return None
        try:
            seconds = parse_duration(given)
        except ValueError as error:
            self.fault(field, str(error))
            return None
        except OverflowError:
            seconds = inf
        if isinf(seconds):
            self.fault(field, "it is too long to count")
            return None
        return seconds


def _threshold_fault(threshold: float, metric: Metric, operator: Operator | None, compare: Compare) -> str:
    """What is wrong with a number as a threshold of a metric; empty where nothing is."""
    if compare == "baseline_ratio":
        return (
            "" if threshold >= 0 else f"{threshold:g} is no ratio, expected 0 or more (0.9: a tenth below the baseline)"
        )
    most = metric.most
    if compare == "baseline_difference":
        return "" if abs(threshold) <= most else f"{threshold:g} is no difference of shares, expected -1 to 1"
    if not 0 <= threshold <= most:
        if most == 1 and 1 < threshold <= 100:
            return f"{threshold:g} is out of bounds, expected 0 to 1 ({threshold:g} % is {threshold / 100:g})"
        return f"{threshold:g} is out of bounds, expected {'0 to 1' if most == 1 else '0 or more'}"
    if (operator, threshold) in (("lt", 0), ("gt", most)):
        return f"{metric.name} is never {'below 0' if operator == 'lt' else 'above 1'}: the alert could not fire"
    return ""


def _is_number(given: Any) -> bool:
    # an int beyond a float's range is no threshold either
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return False
    try:
        return isfinite(given)
    except OverflowError:
        return False


def _meant(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, 1, 0.6)
    return f", did you mean {close[0]}?" if close else ","


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
