"""What is said of an alert, in words."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose, isnan, nan

from sidecar.alerts.alert_state import State
from sidecar.alerts.catalogue import METRICS, Metric
from sidecar.alerts.condition import Condition
from sidecar.alerts.facts import Reading
from sidecar.alerts.notice import cut
from sidecar.durations import duration_text

_SHOWN_UNITS = ("ms", "requests/s")
"""Units that the name of a metric doesn't make plain."""
_WORDS = {"lt": "below", "lte": "at most", "gt": "above", "gte": "at least"}
_DIGITS, _DIGITS_MAX = 3, 10
_BY = {"lt": "more than", "lte": "at least", "gt": "more than", "gte": "at least"}


def value_text(metric: Metric, value: float, apart_from: float = nan) -> str:
    """A value in its unit; a share in per cent. It gets as many digits as it takes not to look like ``apart_from``.

    >>> value_text(METRICS["error_rate"], 0.1234), value_text(METRICS["p95_latency_ms"], 1234.5)
    ('12.3 %', '1,234 ms')
    >>> value_text(METRICS["avg_confidence"], 0.69997, 0.7), value_text(METRICS["error_rate"], 0.050001, 0.05)
    ('0.69997', '5.0001 %')
    """
    if isnan(value):
        return "nothing"
    if metric.unit == "share":
        return f"{_number(100 * value, 100 * apart_from)} %"
    if metric.unit == "yes or no":
        return "yes" if value else "no"
    if metric.unit in _SHOWN_UNITS:
        return f"{_number(value, apart_from)} {metric.unit}"
    return _number(value, apart_from)


def condition_text(condition: Condition) -> str:
    """A condition in words.

    >>> condition_text(Condition("avg_confidence", "lt", 0.7, 3_600.0, for_s=300.0))
    'avg_confidence below 0.7 over 1h, for 5m'
    """
    metric = METRICS[condition.metric]
    name = f"{metric.name} of {condition.class_name}" if condition.class_name else metric.name
    lasting = f", for {duration_text(condition.for_s)}" if condition.for_s else ""
    if condition.operator == "anomaly":
        against = f"unusual for the hour (sensitivity {condition.sensitivity:g})"
    else:
        against = _threshold_text(condition, metric)
    return f"{name} {against}{_over(condition, metric)}{lasting}"


def sentence_of(
    of: str,
    condition: Condition,
    reading: Reading,
    before: State = State.INACTIVE,
    after: State = State.INACTIVE,
) -> str:
    """What one judgement of ``of`` (``det@2``; empty: the sidecar) saw, and what became of the alert by it.

    >>> condition = Condition("avg_confidence", "lt", 0.7, 3_600.0)
    >>> sentence_of("digits", condition, Reading(0.62, 90, {"no_detection_rate": 0.12}))
    'avg_confidence of digits was 0.62 over 1h (threshold: below 0.7; 12 % of images had no detection).'
    """
    metric = METRICS[condition.metric]
    if reading.reason:
        text = _unjudged(of, condition, metric, reading)
    elif metric.unit == "yes or no":
        text = _drifted(of, reading)
    else:
        text = _judged(of, condition, metric, reading)
    if reading.note and metric.unit != "yes or no":
        text = f"{text} {reading.note}"
    if before is State.FIRING and after is not State.FIRING:
        text = f"Resolved: {text}"
    elif after is State.PENDING and (not reading.reason or condition.no_data == "fire"):
        text = f"{text} The alert fires once this has lasted {duration_text(condition.for_s)}."
    return cut(text)


def detail_lines(
    condition: Condition, samples: int, detail: Mapping[str, float], baseline_of: str = ""
) -> tuple[str, ...]:
    """Further lines for a notice: the figures beside the value. ``baseline_of`` as in ``Reading``.

    >>> detail_lines(Condition("error_rate", "gt", 0.1, 900.0), 40, {})
    ('Measured on 40 requests.',)
    """
    metric = METRICS[condition.metric]
    lines = []
    baseline = f"baseline of {baseline_of}" if baseline_of else "baseline"
    if metric.samples and samples:
        lines.append(f"Measured on {samples:,} {metric.samples}.")
    if "no_detection_rate" in detail:
        lines.append(f"Images without detections: {_number(100 * detail['no_detection_rate'])} %.")
    if "baseline" in detail:
        lines.append(f"{metric.name} in the {baseline}: {value_text(metric, detail['baseline'])}.")
    if "baseline_p95_latency_ms" in detail:
        lines.append(f"Slow is over the p95 of the {baseline}, {_number(detail['baseline_p95_latency_ms'])} ms.")
    if "p_adjusted" in detail:
        lines.append(f"Adjusted p-value: {detail['p_adjusted']:.2g}.")
    return tuple(lines)


def _drifted(of: str, reading: Reading) -> str:
    """What the report says after its verdict follows at once: that it is drift is said already."""
    baseline = f"the baseline of {reading.baseline_of}" if reading.baseline_of else "its baseline"
    who = reading.of or of or "The sidecar"
    if not reading.value:
        return f"{who} did not drift from {baseline} in the latest check."
    verdict, colon, found = reading.note.partition(": ")
    if colon and verdict.startswith("Drift"):
        return f"{who} drifted from {baseline} in the latest check: {found}"
    return f"{who} drifted from {baseline} in the latest check. {reading.note}".rstrip()


def _judged(of: str, condition: Condition, metric: Metric, reading: Reading) -> str:
    anomaly = condition.operator == "anomaly"
    inside = [
        f"sensitivity: {condition.sensitivity:g}" if anomaly else f"threshold: {_threshold_text(condition, metric)}"
    ]
    if "no_detection_rate" in reading.detail:
        inside.append(f"{_number(100 * reading.detail['no_detection_rate'])} % of images had no detection")
    edge = nan if condition.threshold is None else condition.threshold
    was = f"was {value_text(metric, reading.value, edge if condition.compare == 'value' else nan)}"
    compared = _comparison(metric, reading, edge)
    return f"{_subject(reading.of or of, condition)} {was}{_over(condition, metric)}{compared} ({'; '.join(inside)})."


def _unjudged(of: str, condition: Condition, metric: Metric, reading: Reading) -> str:
    means = {"keep": "", "ok": " That counts as well.", "fire": " The alert counts that as a breach."}
    over = "" if metric.source == "drift" else _over(condition, metric)
    subject = _subject(reading.of or of, condition)
    return f"{subject} could not be judged{over}: {reading.reason}.{means[condition.no_data]}"


def _subject(of: str, condition: Condition) -> str:
    if condition.class_name:
        return f"{condition.metric} of {condition.class_name}{f' in {of}' if of else ''}"
    return f"{condition.metric} of {of}" if of else condition.metric


def _over(condition: Condition, metric: Metric) -> str:
    if metric.source == "drift":
        return " in the latest check"
    return "" if metric.name == "backlog" else f" over {duration_text(condition.window_s)}"


def _comparison(metric: Metric, reading: Reading, edge: float) -> str:
    detail = reading.detail
    whose = f"{reading.baseline_of}'s baseline of" if reading.baseline_of else "the baseline's"
    if "ratio" in detail:
        return f", {_number(detail['ratio'], edge)} times {whose} {value_text(metric, detail['baseline'])}"
    if "difference" in detail:
        by = _points(metric, abs(detail["difference"]), abs(edge))
        side = "below" if detail["difference"] < 0 else "above"
        return f", {by} {side} {whose} {value_text(metric, detail['baseline'])}"
    if "score" in detail:
        side = "below" if detail["score"] < 0 else "above"
        usual = value_text(metric, detail["expected"])
        return f", {abs(detail['score']):.1f} robust standard deviations {side} the {usual} usual then"
    return ""


def _threshold_text(condition: Condition, metric: Metric) -> str:
    threshold = 0.0 if condition.threshold is None else condition.threshold
    word = _WORDS[condition.operator]
    if condition.compare == "baseline_ratio":
        return f"{word} {threshold:.10g} times the baseline's"
    if condition.compare == "baseline_difference":
        upward = condition.operator in ("gt", "gte")
        if threshold == 0 or upward == (threshold > 0):
            by = _points(metric, abs(threshold))
            return f"{_BY[condition.operator]} {by} {'above' if upward else 'below'} the baseline's"
        # "not far enough on the other side", e.g. above -0.1
        return f"difference from the baseline's {word} {'-' if threshold < 0 else ''}{_points(metric, abs(threshold))}"
    if metric.unit == "share":
        return f"{word} {100 * threshold:.10g} %"
    return f"{word} {threshold:.10g}{f' {metric.unit}' if metric.unit in _SHOWN_UNITS else ''}"


def _points(metric: Metric, difference: float, apart_from: float = nan) -> str:
    """A difference of two values; of shares, in points of per cent."""
    if metric.unit == "share":
        return f"{_number(100 * difference, 100 * apart_from)} points"
    return value_text(metric, difference, apart_from)


def _number(value: float, apart_from: float = nan) -> str:
    """Three digits that count, never an exponent; more where it would look like a number that it is not."""
    if not isnan(apart_from) and not isclose(value, apart_from, rel_tol=1e-9):
        for digits in range(_DIGITS, _DIGITS_MAX):
            if (text := _digits(value, digits)) != _digits(apart_from, digits):
                return text
    return _digits(value, _DIGITS)


def _digits(value: float, digits: int) -> str:
    if abs(value) >= 1_000:
        return f"{value:,.{digits - _DIGITS}f}"
    text = f"{value:.{digits}g}"
    return text if "e" not in text else f"{value:.{digits + 3}f}".rstrip("0").rstrip(".")
