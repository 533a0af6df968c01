"""What is said of an alert, in words."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

from sidecar.alerts.alert_state import State
from sidecar.alerts.catalogue import METRICS, Metric
from sidecar.alerts.condition import Condition
from sidecar.alerts.facts import Reading
from sidecar.alerts.notice import cut
from sidecar.durations import duration_text

_SHOWN_UNITS = ("ms", "requests/s")
"""Units that the name of a metric doesn't make plain."""
_WORDS = {"lt": "below", "lte": "at most", "gt": "above", "gte": "at least"}
_BY = {"lt": "more than", "lte": "at least", "gt": "more than", "gte": "at least"}


def value_text(metric: Metric, value: float) -> str:
    """A value in its unit; a share in per cent.

    >>> value_text(METRICS["error_rate"], 0.1234), value_text(METRICS["p95_latency_ms"], 1234.5)
    ('12.3 %', '1,234 ms')
    """
    if isnan(value):
        return "nothing"
    if metric.unit == "share":
        return f"{_number(100 * value)} %"
    if metric.unit == "yes or no":
        return "yes" if value else "no"
    if metric.unit in _SHOWN_UNITS:
        return f"{_number(value)} {metric.unit}"
    return _number(value)


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
        did = "drifted" if reading.value else "did not drift"
        text = f"{of or 'The sidecar'} {did} from its baseline in the latest check."
    else:
        text = _judged(of, condition, metric, reading)
    if reading.note:
        text = f"{text} {reading.note}"
    if before is State.FIRING and after is not State.FIRING:
        text = f"Resolved: {text}"
    elif after is State.PENDING and (not reading.reason or condition.no_data == "fire"):
        text = f"{text} The alert fires once this has lasted {duration_text(condition.for_s)}."
    return cut(text)


def detail_lines(condition: Condition, samples: int, detail: Mapping[str, float]) -> tuple[str, ...]:
    """Further lines for a notice: the figures beside the value.

    >>> detail_lines(Condition("error_rate", "gt", 0.1, 900.0), 40, {})
    ('Measured on 40 requests.',)
    """
    metric = METRICS[condition.metric]
    lines = []
    if metric.samples and samples:
        lines.append(f"Measured on {samples:,} {metric.samples}.")
    if "no_detection_rate" in detail:
        lines.append(f"Images without detections: {_number(100 * detail['no_detection_rate'])} %.")
    if "baseline" in detail:
        lines.append(f"The baseline's {metric.name}: {value_text(metric, detail['baseline'])}.")
    if "baseline_p95_latency_ms" in detail:
        lines.append(f"Slow is over the baseline's p95, {_number(detail['baseline_p95_latency_ms'])} ms.")
    if "p_adjusted" in detail:
        lines.append(f"Adjusted p-value: {detail['p_adjusted']:.2g}.")
    return tuple(lines)


def _judged(of: str, condition: Condition, metric: Metric, reading: Reading) -> str:
    anomaly = condition.operator == "anomaly"
    inside = [
        f"sensitivity: {condition.sensitivity:g}" if anomaly else f"threshold: {_threshold_text(condition, metric)}"
    ]
    if "no_detection_rate" in reading.detail:
        inside.append(f"{_number(100 * reading.detail['no_detection_rate'])} % of images had no detection")
    was = f"was {value_text(metric, reading.value)}"
    compared = _comparison(metric, reading)
    return f"{_subject(of, condition)} {was}{_over(condition, metric)}{compared} ({'; '.join(inside)})."


def _unjudged(of: str, condition: Condition, metric: Metric, reading: Reading) -> str:
    means = {"keep": "", "ok": " That counts as well.", "fire": " The alert counts that as a breach."}
    over = "" if metric.source == "drift" else _over(condition, metric)
    return f"{_subject(of, condition)} could not be judged{over}: {reading.reason}.{means[condition.no_data]}"


def _subject(of: str, condition: Condition) -> str:
    if condition.class_name:
        return f"{condition.metric} of {condition.class_name}{f' in {of}' if of else ''}"
    return f"{condition.metric} of {of}" if of else condition.metric


def _over(condition: Condition, metric: Metric) -> str:
    if metric.source == "drift":
        return " in the latest check"
    return "" if metric.name == "backlog" else f" over {duration_text(condition.window_s)}"


def _comparison(metric: Metric, reading: Reading) -> str:
    detail = reading.detail
    if "ratio" in detail:
        return f", {_number(detail['ratio'])} times the baseline's {value_text(metric, detail['baseline'])}"
    if "difference" in detail:
        by = _points(metric, abs(detail["difference"]))
        side = "below" if detail["difference"] < 0 else "above"
        return f", {by} {side} the baseline's {value_text(metric, detail['baseline'])}"
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


def _points(metric: Metric, difference: float) -> str:
    """A difference of two values; of shares, in points of per cent."""
    return f"{_number(100 * difference)} points" if metric.unit == "share" else value_text(metric, difference)


def _number(value: float) -> str:
    """Three digits that count, never an exponent."""
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.6f}".rstrip("0").rstrip(".")
