"""The calls about baselines and drift: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.client.calls import (
    SLOW_TIMEOUT_S,
    SLOWEST_TIMEOUT_S,
    Call,
    Filter,
    listing,
    paging,
    params_of,
    reading,
    segment,
)
from sidecar.client.pages import Page
from sidecar.client.records import Baseline, BaselineExport, DriftCheck, DriftReport
from sidecar.client.results import Records

BASELINES = "/api/v1/baselines"


def set_baseline(model_id: str, period: str, name: str, replace: bool) -> Call[Baseline]:
    """Freeze a period as a baseline."""
    body = {"model_id": model_id, "period": period, "name": name, "replace": replace}
    return Call("POST", BASELINES, reading(Baseline), body=body, timeout_s=SLOW_TIMEOUT_S)


def baselines(model_id: str | None) -> Call[Records[Baseline]]:
    """Baselines."""
    return Call("GET", BASELINES, listing(Baseline), params_of({"model_id": model_id}))


def baseline(baseline_id: str) -> Call[Baseline]:
    """One baseline."""
    return Call("GET", _path(baseline_id), reading(Baseline))


def export_baseline(baseline_id: str) -> Call[BaselineExport]:
    """A baseline with its blocks."""
    return Call("GET", _path(baseline_id, "/export"), reading(BaselineExport), timeout_s=SLOW_TIMEOUT_S)


def delete_baseline(baseline_id: str) -> Call[Baseline]:
    """Delete a baseline."""
    return Call("DELETE", _path(baseline_id), reading(Baseline))


def check_drift(question: Mapping[str, Filter]) -> Call[DriftReport]:
    """Compare two periods."""
    timeout_s = SLOWEST_TIMEOUT_S if question.get("by_slice") else SLOW_TIMEOUT_S
    return Call("GET", "/api/v1/drift", reading(DriftReport), params_of(question), timeout_s=timeout_s)


def drift_checks_page(filters: Mapping[str, Filter]) -> Call[Page[DriftCheck]]:
    """One page of the continuous monitor's checks."""
    return Call("GET", "/api/v1/drift/checks", paging(DriftCheck), params_of(filters))


def _path(baseline_id: str, rest: str = "") -> str:
    return f"{BASELINES}/{segment(baseline_id, 'baseline_id')}{rest}"
