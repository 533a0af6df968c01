"""How each metric is measured from the facts."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from sidecar.alerts.facts import Facts, Reading, nothing
from sidecar.durations import duration_text

STOPS_SHOWN_MAX = 3
"""Stops told in a note, the newest first; of the rest it says how many there are."""
NAMES_SHOWN_MAX = 10
"""New classes named in a note; of the rest it says how many there are."""


def avg_confidence(facts: Facts, class_name: str) -> Reading:
    """With the no-detection rate beside it: images without detections are no lack of data, and have no confidence."""
    figures = facts.figures
    detail = {} if not figures.images else {"no_detection_rate": figures.no_detection_rate}
    return Reading(figures.avg_confidence, figures.images_with_detections, detail)


def detections_per_image(facts: Facts, class_name: str) -> Reading:
    return Reading(facts.figures.detections_per_image, facts.figures.images)


def no_detection_rate(facts: Facts, class_name: str) -> Reading:
    return Reading(facts.figures.no_detection_rate, facts.figures.images)


def undecodable_rate(facts: Facts, class_name: str) -> Reading:
    return Reading(facts.figures.undecodable_rate, facts.figures.images + facts.figures.undecodable)


def class_share(facts: Facts, class_name: str) -> Reading:
    return Reading(facts.figures.class_share(class_name), facts.figures.detections)


def error_rate(facts: Facts, class_name: str) -> Reading:
    return Reading(facts.figures.error_rate, facts.figures.requests)


def request_rate(facts: Facts, class_name: str) -> Reading:
    """No traffic is a rate of 0, not a lack of data."""
    return Reading(facts.figures.requests / facts.window_s, facts.figures.requests)


def feedback_score(facts: Facts, class_name: str) -> Reading:
    """A changed verdict is taken out of where it was counted; if that is no longer there, no share is right."""
    if any(n < 0 for n in facts.figures.feedback.values()):
        return nothing("more feedback was taken back than is known to have been given")
    return Reading(facts.figures.feedback_score, facts.figures.feedback_count)


def latency_ms(facts: Facts, class_name: str, q: float) -> Reading:
    """The q-quantile of all requests' latency."""
    return Reading(facts.figures.latency_quantile(q), facts.figures.latency_count)


def slow_rate(facts: Facts, class_name: str) -> Reading:
    """Against the 95th percentile of the baseline, in which it is 5 % or less by definition."""
    samples = facts.figures.latency_count
    if facts.baseline is None:
        return nothing("no baseline", samples)
    edge_ms = facts.baseline.get("p95_latency_ms")
    if edge_ms is None or not edge_ms > 0:
        return nothing("the baseline has no p95_latency_ms", samples)
    return Reading(facts.figures.slow_rate(edge_ms), samples, {"baseline_p95_latency_ms": float(edge_ms)})


def drift_score(facts: Facts, class_name: str, score: str) -> Reading:
    """The corrected distance of the latest check, 0 where that score is not significant."""
    refusal = _no_check(facts)
    if refusal or facts.drift is None:
        return nothing(refusal)
    found: Mapping[str, Any] = (facts.drift.get("scores") or {}).get(score) or {}
    samples = int(found.get("n_current") or 0)
    corrected = found.get("corrected")
    if corrected is None:
        return nothing(f"the latest drift check has no {score} score", samples)
    numbers = {name: found.get(name) for name in ("distance", "corrected", "p_value", "p_adjusted")}
    detail = {name: float(number) for name, number in numbers.items() if number is not None and isfinite(number)}
    value = float(corrected) if found.get("significant") else 0.0
    return Reading(value, samples, detail, note=_sentence(facts.drift) if value else "")


def significant_drift(facts: Facts, class_name: str) -> Reading:
    """1 where the latest check called any score significant."""
    refusal = _no_check(facts)
    if refusal or facts.drift is None:
        return nothing(refusal)
    drifted = bool(facts.drift.get("significant_drift"))
    note = _sentence(facts.drift) if drifted else ""
    return Reading(float(drifted), _images(facts.drift), note=note)


def new_class(facts: Facts, class_name: str) -> Reading:
    """How many classes the latest check found that the baseline does not have."""
    refusal = _no_check(facts)
    if refusal or facts.drift is None:
        return nothing(refusal)
    names = [str(found.get("class", "")) for found in facts.drift.get("new_classes") or ()]
    shown = ", ".join(names[:NAMES_SHOWN_MAX])
    more = f" and {len(names) - NAMES_SHOWN_MAX} more" if len(names) > NAMES_SHOWN_MAX else ""
    return Reading(float(len(names)), _images(facts.drift), note=f"New: {shown}{more}." if names else "")


def sidecar_number(facts: Facts, class_name: str, name: str) -> Reading:
    """A figure of the sidecar itself."""
    number = facts.sidecar.get(name)
    return nothing("the sidecar does not tell it") if number is None else Reading(float(number), 1)


def guardrail_stops(facts: Facts, class_name: str) -> Reading:
    """How many variants a guardrail stopped; none is a 0, not a lack of data."""
    if facts.stops is None:
        return nothing("nobody tells of guardrails")
    newest = [said for _, said in sorted(facts.stops, key=lambda stop: stop[0], reverse=True)]
    rest = len(newest) - STOPS_SHOWN_MAX
    note = " ".join([*newest[:STOPS_SHOWN_MAX], *([f"And {rest} more."] if rest > 0 else [])])
    return Reading(float(len(newest)), len(newest), note=note)


def _no_check(facts: Facts) -> str:
    """Why the latest drift check can't be used; empty where it can."""
    if facts.drift is None:
        return "no drift check yet"
    if facts.drift_age_s > facts.window_s:
        age, window = duration_text(round(facts.drift_age_s)), duration_text(facts.window_s)
        return f"the latest drift check is {age} old, older than {window}"
    if facts.drift.get("verdict") == "too_few_blocks":
        return "the latest drift check had too few blocks"
    return ""


def _images(report: Mapping[str, Any]) -> int:
    return int((report.get("n_current") or {}).get("images") or 0)


def _sentence(report: Mapping[str, Any]) -> str:
    return str(report.get("sentence") or "")
