"""The families of /metrics about alerts, notifications and drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite

from prometheus_client.core import Metric

from sidecar.api.admission import Admission
from sidecar.api.families import counter, gauge, label
from sidecar.api.watch import WatchFigures

ALERTS_SHOWN_MAX = 500
"""Alerts with a series of their own; all alerts count in ``sidecar_alerts``."""
DRIFT_KEYS_MAX = 200
"""Model versions and slices with series of drift, whole versions before their slices; the others have none."""
STATES = ("firing", "pending", "resolved", "inactive")
"""States, the most urgent first."""
_DRIFT = ("model", "version", "slice", "score")

Scores = Mapping[tuple[str, str, str, str], float]


class WatchFamilies:
    """Makes families of figures. A slice whose drift is shown stays shown."""

    def __init__(self) -> None:
        self._shown = Admission[tuple[str, str, str]](DRIFT_KEYS_MAX)

    def of(self, figures: WatchFigures) -> Iterator[Metric]:
        """All families; docs/metrics.md lists them."""
        alerts = {(state,): 0 for state in STATES} | {(state,): n for state, n in figures["alerts"].items()}
        yield gauge("sidecar_alerts", "Enabled alerts by state.", ("state",), alerts)
        yield _alert_states(figures["alert_states"])
        yield counter("sidecar_alert_rounds", "Evaluations of all alerts.", (), {(): figures["rounds"]})
        yield counter(
            "sidecar_alert_evaluation_seconds", "Time spent evaluating alerts.", (), {(): figures["round_seconds"]}
        )
        yield counter(
            "sidecar_alert_rounds_skipped",
            "Evaluations that were put off, by reason.",
            ("reason",),
            {(reason,): count for reason, count in figures["rounds_skipped"].items()},
        )
        yield counter(
            "sidecar_notifications",
            "Attempts to notify, by kind of channel and outcome.",
            ("channel", "outcome"),
            figures["notifications"],
        )
        waiting = {(): float(figures["notifications_waiting"])}
        yield gauge("sidecar_notifications_waiting", "Notifications that are neither sent nor given up.", (), waiting)
        failing = {(): float(len(figures["failing_channels"]))}
        yield gauge("sidecar_notification_channels_failing", "Channels whose latest attempt failed.", (), failing)
        yield counter("sidecar_drift_checks", "Windows compared with a baseline.", (), {(): figures["checks"]})
        yield self._drift(figures["drift_scores"])
        yield gauge(
            "sidecar_drift_found",
            "1 where the latest check found more drift than chance gives.",
            _DRIFT[:3],
            {
                (label(model), label(version), label(name)): float(found)
                for (model, version, name), found in sorted(figures["drift_found"].items())
                if (model, version, name) in self._shown
            },
        )

    def _drift(self, scores: Scores) -> Metric:
        # Whole versions before their slices, where not all find a place.
        self._shown.admit(((model, version, name), 0 if name else 1) for model, version, name, _ in scores)
        shown = {
            (label(model), label(version), label(name), label(score)): value
            for (model, version, name, score), value in sorted(scores.items())
            if (model, version, name) in self._shown and isfinite(value)
        }
        text = "Corrected Jensen-Shannon distance from the baseline in the latest window that was compared."
        return gauge("sidecar_drift_distance", text, _DRIFT, shown)


def _alert_states(states: Sequence[tuple[str, str, str, str]]) -> Metric:
    # Where not all fit, the most urgent are told. A gauge of 1 an alert, as Prometheus' own ALERTS has it.
    urgency = {state: place for place, state in enumerate(STATES)}
    told = sorted(states, key=lambda entry: (urgency.get(entry[3], len(STATES)), entry))
    return gauge(
        "sidecar_alert_state",
        "1 for every enabled alert, with its state.",
        ("alert_id", "name", "model", "state"),
        {tuple(label(part) for part in entry): 1 for entry in told[:ALERTS_SHOWN_MAX]},
    )
