"""The families about alerts, notifications and drift."""

from __future__ import annotations

from typing import Any, cast

from prometheus_client.core import Metric

from sidecar.api.metrics_watch import ALERTS_SHOWN_MAX, DRIFT_KEYS_MAX, WatchFamilies
from sidecar.api.watch import WatchFigures
from tests.api.live_watch import LiveWatch


def figures(**changes: Any) -> WatchFigures:
    """Figures with some changed."""
    found: dict[str, Any] = {**LiveWatch().figures(), **changes}
    return cast(WatchFigures, found)


def values(family: Metric) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def families(told: WatchFigures, maker: WatchFamilies | None = None) -> dict[str, dict[tuple[str, ...], float]]:
    return {family.name: values(family) for family in (maker or WatchFamilies()).of(told)}


def test_figures_stand_in_their_families() -> None:
    """Each figure is one sample; a state without an alert is 0, not absent."""
    found = families(figures(alerts={"firing": 2}, alert_states=[("a1", "Low", "det", "firing")]))
    assert found["sidecar_alerts"] == {("firing",): 2, ("inactive",): 0, ("pending",): 0, ("resolved",): 0}
    assert found["sidecar_alert_state"] == {("a1", "Low", "det", "firing"): 1}
    assert found["sidecar_notifications"] == {("email", "sent"): 7, ("slack", "failed"): 2}
    assert found["sidecar_drift_distance"] == {("det", "1", "", "class"): 0.28}
    assert found["sidecar_alert_rounds_skipped"] == {("clock_jump",): 1}


def test_alerts_over_the_bound_leave_out_the_calm_ones() -> None:
    """Where not every alert finds a series, those that fire do."""
    calm = [(f"a{index:04}", "x", "m", "inactive") for index in range(ALERTS_SHOWN_MAX)]
    shown = families(figures(alert_states=[*calm, ("z", "x", "m", "firing")]))["sidecar_alert_state"]
    assert len(shown) == ALERTS_SHOWN_MAX
    assert ("z", "x", "m", "firing") in shown


def test_drift_over_the_bound_keeps_versions_before_slices_and_stays() -> None:
    """A version's drift has its series before any slice's, and a series once shown stays."""
    scores = {("m", "1", f"cam-{index}", "class"): 0.1 for index in range(DRIFT_KEYS_MAX + 9)}
    maker = WatchFamilies()
    shown = families(figures(drift_scores=scores | {("m", "1", "", "class"): 0.2}), maker)["sidecar_drift_distance"]
    assert len(shown) == DRIFT_KEYS_MAX
    assert shown["m", "1", "", "class"] == 0.2
    later = {("another", "1", "", "class"): 0.5} | scores
    assert ("another", "1", "", "class") not in families(figures(drift_scores=later), maker)["sidecar_drift_distance"]


def test_names_alike_once_shortened_make_one_series() -> None:
    """A page never has the same series twice, which Prometheus would refuse."""
    scores = {
        ("m" * 300, "1", "", "class"): 0.1,
        ("m" * 301, "1", "", "class"): 0.2,
        ("m", "1", "", "box"): float("nan"),
    }
    assert list(families(figures(drift_scores=scores))["sidecar_drift_distance"].values()) == [0.2]
