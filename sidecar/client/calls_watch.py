"""The calls about baselines, drift and alerts: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import nan
from typing import Any

from sidecar.client.calls import Call, Filter, items_of, page_of, param, params_of, record_of, segment
from sidecar.client.errors import FieldError, InvalidRequest
from sidecar.client.results import Page, Record
from sidecar.durations import duration_text

SLOW_TIMEOUT_S = 30.0
"""How long a comparison or a freeze may take at least, whatever the client's own timeout."""
SLOWEST_TIMEOUT_S = 120.0
"""The same of a comparison of every slice, and of a test of every channel, each of which may take its time to fail."""
SCORES = ("class_drift", "confidence_drift", "count_drift", "box_drift", "input_drift")
Moment = str | float | datetime
Length = str | float | timedelta


def set_baseline(model_id: str, period: str, name: str, replace: bool) -> Call[Record]:
    """Freeze a period as a baseline."""
    body = {"model_id": model_id, "period": period, "name": name, "replace": replace}
    return Call("POST", "/api/v1/baselines", record_of, body=body, timeout_s=SLOW_TIMEOUT_S)


def baselines(model_id: str | None) -> Call[list[Record]]:
    """Baselines."""
    return Call("GET", "/api/v1/baselines", items_of, params_of({"model_id": model_id}))


def baseline(baseline_id: str) -> Call[Record]:
    """One baseline."""
    return Call("GET", f"/api/v1/baselines/{segment(baseline_id, 'baseline_id')}", record_of)


def export_baseline(baseline_id: str) -> Call[Record]:
    """A baseline with its blocks."""
    path = f"/api/v1/baselines/{segment(baseline_id, 'baseline_id')}/export"
    return Call("GET", path, record_of, timeout_s=SLOW_TIMEOUT_S)


def delete_baseline(baseline_id: str) -> Call[Record]:
    """Delete a baseline."""
    return Call("DELETE", f"/api/v1/baselines/{segment(baseline_id, 'baseline_id')}", record_of)


def check_drift(question: Mapping[str, Filter]) -> Call[Record]:
    """Compare two periods."""
    timeout_s = SLOWEST_TIMEOUT_S if question.get("by_slice") else SLOW_TIMEOUT_S
    return Call("GET", "/api/v1/drift", _report_of, params_of(question), timeout_s=timeout_s)


def drift_checks_page(filters: Mapping[str, Filter]) -> Call[Page]:
    """One page of the continuous monitor's checks."""
    return Call("GET", "/api/v1/drift/checks", _checks_of, params_of(filters))


def _report_of(body: bytes) -> Record:
    report = with_numbers(record_of(body))
    for part in report.get("slices") or ():
        with_numbers(part)
    return report


def _checks_of(body: bytes) -> Page:
    page = page_of(body)
    for check in page.items:
        with_numbers(check["report"])
    return page


def with_numbers(report: Record) -> Record:
    """``report`` with NaN for the scores there was no data for, so that they can be formatted as numbers.

    >>> f"{with_numbers(Record(class_drift=None)).class_drift:.3f}"
    'nan'
    """
    for name in SCORES:
        if report.get(name, 0) is None:
            report[name] = nan
    return report


def create_alert(
    model_id: str,
    name: str,
    condition: Mapping[str, Any],
    notify: Sequence[str] | str | None,
    slice: str,
    enabled: bool,
) -> Call[Record]:
    """Create an alert."""
    body = {
        "model_id": model_id,
        "name": name,
        "condition": _condition(condition),
        "notify": _channels(notify),
        "slice": slice,
        "enabled": enabled,
    }
    return Call("POST", "/api/v1/alerts", record_of, body=body)


def _condition(condition: Mapping[str, Any]) -> dict[str, Any]:
    """A condition whose lengths of time are text.

    >>> _condition({"metric": "error_rate", "window": timedelta(minutes=90)})
    {'metric': 'error_rate', 'window': '1h30m'}
    """
    lengths = {key: length_text(condition[key], f"condition.{key}") for key in ("window", "for") if key in condition}
    return {**condition, **lengths}


def length_text(length: Any, field: str) -> Any:
    """A timedelta as the text the API takes; anything else as it is. Raises InvalidRequest where it is negative.

    >>> length_text(timedelta(hours=2), "for"), length_text("5m", "for")
    ('2h', '5m')
    """
    if not isinstance(length, timedelta):
        return length
    if length < timedelta():
        message = "must not be negative"
        raise InvalidRequest(f"{field}: {message}", errors=[FieldError(field, message)])
    return duration_text(length.total_seconds())


def _channels(notify: Sequence[str] | str | None) -> list[str]:
    """A single channel may stand without a list.

    >>> _channels("alertmanager"), _channels(None)
    (['alertmanager'], [])
    """
    return [notify] if isinstance(notify, str) else list(notify or ())


def alerts(model_id: str | None, state: str | None) -> Call[list[Record]]:
    """Alerts."""
    return Call("GET", "/api/v1/alerts", items_of, params_of({"model_id": model_id, "state": state}))


def alert(alert_id: str) -> Call[Record]:
    """One alert."""
    return Call("GET", _path(alert_id), record_of)


def update_alert(alert_id: str, changes: Mapping[str, Any]) -> Call[Record]:
    """Change an alert; None leaves a part as it is."""
    body = {name: value for name, value in changes.items() if value is not None}
    if "notify" in body:
        body["notify"] = _channels(body["notify"])
    if isinstance(body.get("condition"), Mapping):
        body["condition"] = _condition(body["condition"])
    return Call("PATCH", _path(alert_id), record_of, body=body)


def delete_alert(alert_id: str) -> Call[Record]:
    """Delete an alert."""
    return Call("DELETE", _path(alert_id), record_of)


def acknowledge_alert(alert_id: str, by: str) -> Call[Record]:
    """Take note of a firing alert."""
    return Call("POST", _path(alert_id, "/acknowledge"), record_of, body={"by": by})


def silence_alert(alert_id: str, until: Moment | None, for_: Length | None, by: str) -> Call[Record]:
    """Silence an alert until a time or for some time."""
    body: dict[str, Any] = {"by": by}
    if until is not None:
        body["until"] = param("until", until) if isinstance(until, datetime) else until
    if for_ is not None:
        body["for"] = length_text(for_, "for")
    return Call("POST", _path(alert_id, "/silence"), record_of, body=body)


def end_silence(alert_id: str, by: str) -> Call[Record]:
    """End the silence of an alert."""
    return Call("POST", _path(alert_id, "/silence"), record_of, body={"until": None, "by": by})


def test_alert(alert_id: str) -> Call[list[Record]]:
    """Try the channels of an alert."""
    return Call("POST", _path(alert_id, "/test"), _results_of, timeout_s=SLOWEST_TIMEOUT_S)


def _results_of(body: bytes) -> list[Record]:
    return items_of(body, "results")


def alert_transitions_page(filters: Mapping[str, Filter]) -> Call[Page]:
    """One page of changes of state."""
    return Call("GET", "/api/v1/alerts/transitions", page_of, params_of(filters))


def alert_notifications(alert_id: str) -> Call[list[Record]]:
    """The notifications of an alert."""
    return Call("GET", _path(alert_id, "/notifications"), items_of)


def alert_metrics() -> Call[list[Record]]:
    """What a condition may watch."""
    return Call("GET", "/api/v1/alerts/metrics", items_of)


def _path(alert_id: str, rest: str = "") -> str:
    return f"/api/v1/alerts/{segment(alert_id, 'alert_id')}{rest}"
