"""The alerts there are without asking."""

from collections.abc import Callable
from typing import Any

import pytest

from sidecar.alerts.alert_state import Outcome
from sidecar.alerts.condition import condition_document, parse_condition
from sidecar.alerts.defaults import DefaultAlert, default_alerts, sidecar_alerts
from sidecar.alerts.facts import Facts
from sidecar.alerts.figures import Figures
from sidecar.alerts.metrics import read
from sidecar.drift.baseline import figures_of
from sidecar.summaries import Summary

ALL = [*default_alerts(), *sidecar_alerts()]


@pytest.mark.parametrize("alert", ALL, ids=lambda alert: alert.name)
def test_default_is_what_a_person_could_have_written(alert: DefaultAlert) -> None:
    """It has no fault and comes back from its document."""
    assert parse_condition(condition_document(alert.condition)) == alert.condition


def test_names_are_unlike() -> None:
    """A deleted default is known by its name and does not come back."""
    assert len({alert.name for alert in ALL}) == len(ALL) == 9


def test_window_and_time_are_as_configured() -> None:
    """But for drift, which has a check's window of its own, and for a guardrail's stop, which is told for an hour."""
    conditions = [alert.condition for alert in (*default_alerts(120.0, 30.0), *sidecar_alerts(120.0, 30.0))]
    own = ("significant_drift", "new_class", "guardrail_stops")
    judged = [condition for condition in conditions if condition.metric not in own]
    assert {(condition.window_s, condition.for_s) for condition in judged} == {(120.0, 30.0)}
    assert len(judged) == 6


def outcomes(facts: Facts) -> dict[str, Outcome]:
    return {alert.name: read(alert.condition, facts)[0] for alert in ALL}


def test_traffic_like_the_baseline_breaches_nothing(make_summary: Callable[..., Summary]) -> None:
    """Normal is normal: no errors to speak of, the same confidences, the same latencies."""
    vector = Figures.of(make_summary(5, images=400)).vector.copy()
    vector[1] = vector[7] = 0  # neither failed nor undecodable
    drift = {"verdict": "no_drift", "significant_drift": False, "new_classes": []}
    facts = Facts(
        Figures(vector), 900.0, figures_of(make_summary(5, images=400)), drift, 60.0, {"dropped": 0.0}, stops=()
    )
    assert set(outcomes(facts).values()) == {Outcome.OK}


def test_without_traffic_baseline_or_check_nothing_is_breached() -> None:
    """A sidecar that has just started has no alert."""
    found = outcomes(Facts(Figures.total([]), 900.0, sidecar={"dropped": 0.0}, stops=()))
    assert found.pop("Monitoring loses data") is found.pop("Guardrail stop") is Outcome.OK
    assert set(found.values()) == {Outcome.NO_DATA}


def test_all_that_can_go_wrong_breaches_all(make_summary: Callable[..., Summary]) -> None:
    """Each default has something to say when it comes to it."""
    bad = make_summary(5, images=400)
    normal: dict[str, Any] = {"avg_confidence": 0.99, "no_detection_rate": 0.0, "p95_latency_ms": 1.0}
    drift = {"verdict": "drift", "significant_drift": True, "new_classes": [{"class": "boat"}], "sentence": "Boats."}
    facts = Facts(Figures.of(bad), 900.0, normal, drift, 60.0, {"dropped": 3.0}, stops=[(1.0, "Stopped.")])
    assert set(outcomes(facts).values()) == {Outcome.BREACH}
