"""The alerts there are without anybody asking for them."""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.alerts.condition import Compare, Condition

WINDOW_S = 900.0
FOR_S = 300.0
STOPS_WINDOW_S = 3_600.0
"""How long the stop of a variant is told as news."""
DRIFT_AGE_S = 2 * 86_400.0
"""The latest drift check is taken as the present for this long: checks by the day leave no gap."""


@dataclass(frozen=True, slots=True)
class DefaultAlert:
    """An alert every model gets by itself, until somebody changes or deletes it."""

    name: str
    condition: Condition


def default_alerts(window_s: float = WINDOW_S, for_s: float = FOR_S) -> list[DefaultAlert]:
    """The alerts of a model. Thresholds that need a baseline have no data, and hold, until there is one.

    Those about drift fire at once, by the latest check: a check is itself the judgement of a long window, at a level
    of significance that allows for many.

    >>> [alert.name for alert in default_alerts()][:2]
    ['Errors', 'Unreadable answers']
    """
    below: Compare = "baseline_ratio"
    above: Compare = "baseline_difference"
    return [
        DefaultAlert("Errors", Condition("error_rate", "gt", 0.05, window_s, for_s)),
        DefaultAlert("Unreadable answers", Condition("undecodable_rate", "gt", 0.05, window_s, for_s)),
        DefaultAlert("Confidence below normal", Condition("avg_confidence", "lt", 0.9, window_s, for_s, compare=below)),
        DefaultAlert(
            "More images without detections", Condition("no_detection_rate", "gt", 0.1, window_s, for_s, compare=above)
        ),
        DefaultAlert("Slower than normal", Condition("slow_rate", "gt", 0.25, window_s, for_s)),
        DefaultAlert("Drift", Condition("significant_drift", "gt", 0.0, DRIFT_AGE_S)),
        DefaultAlert("New class", Condition("new_class", "gt", 0.0, DRIFT_AGE_S)),
    ]


def sidecar_alerts(window_s: float = WINDOW_S, for_s: float = FOR_S) -> list[DefaultAlert]:
    """The alerts about the sidecar itself: those of no model.

    A guardrail's stop is told at once: it is a judgement itself, and the traffic has been moved already.

    >>> [alert.name for alert in sidecar_alerts()]
    ['Monitoring loses data', 'Guardrail stop']
    """
    return [
        DefaultAlert("Monitoring loses data", Condition("dropped", "gt", 0.0, window_s, for_s)),
        DefaultAlert("Guardrail stop", Condition("guardrail_stops", "gt", 0.0, STOPS_WINDOW_S)),
    ]
