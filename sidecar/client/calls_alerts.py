"""The calls about alerts: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sidecar.client.calls import (
    SLOW_TIMEOUT_S,
    SLOWEST_TIMEOUT_S,
    Call,
    Filter,
    Length,
    Moment,
    length_text,
    listing,
    paging,
    param,
    params_of,
    reading,
    segment,
)
from sidecar.client.pages import Page
from sidecar.client.records import Alert, AlertMetric, AlertPreview, ChannelTest, Notification, Transition
from sidecar.client.results import Records

ALERTS = "/api/v1/alerts"


def create_alert(
    model_id: str,
    name: str,
    condition: Mapping[str, Any],
    notify: Sequence[str] | str | None,
    slice: str,
    enabled: bool,
) -> Call[Alert]:
    """Create an alert."""
    body = {
        "model_id": model_id,
        "name": name,
        "condition": _condition(condition),
        "notify": _channels(notify),
        "slice": slice,
        "enabled": enabled,
    }
    return Call("POST", ALERTS, reading(Alert), body=body)


def _condition(condition: Mapping[str, Any]) -> dict[str, Any]:
    """A condition whose lengths of time are text.

    >>> from datetime import timedelta
    >>> _condition({"metric": "error_rate", "window": timedelta(minutes=90)})
    {'metric': 'error_rate', 'window': '1h30m'}
    """
    lengths = {key: length_text(condition[key], f"condition.{key}") for key in ("window", "for") if key in condition}
    return {**condition, **lengths}


def _channels(notify: Sequence[str] | str | None) -> list[str]:
    """A single channel may stand without a list.

    >>> _channels("alertmanager"), _channels(None)
    (['alertmanager'], [])
    """
    return [notify] if isinstance(notify, str) else list(notify or ())


def preview_alert(model_id: str, condition: Mapping[str, Any], slice: str, period: str | None) -> Call[AlertPreview]:
    """When an alert would have fired."""
    body = {"model_id": model_id, "condition": _condition(condition), "slice": slice}
    if period is not None:
        body["period"] = period
    return Call(
        "POST",
        f"{ALERTS}/preview",
        reading(AlertPreview),
        body=body,
        timeout_s=SLOW_TIMEOUT_S,
        keyed=False,
        repeatable=True,
    )


def alerts(model_id: str | None, state: str | None) -> Call[Records[Alert]]:
    """Alerts."""
    return Call("GET", ALERTS, listing(Alert), params_of({"model_id": model_id, "state": state}))


def alert(alert_id: str) -> Call[Alert]:
    """One alert."""
    return Call("GET", _path(alert_id), reading(Alert))


def update_alert(alert_id: str, changes: Mapping[str, Any], if_match: str | None) -> Call[Alert]:
    """Change an alert; None leaves a part as it is."""
    body = {name: value for name, value in changes.items() if value is not None}
    if "notify" in body:
        body["notify"] = _channels(body["notify"])
    if isinstance(body.get("condition"), Mapping):
        body["condition"] = _condition(body["condition"])
    return Call("PATCH", _path(alert_id), reading(Alert), body=body, if_match=if_match)


def delete_alert(alert_id: str, if_match: str | None) -> Call[Alert]:
    """Delete an alert."""
    return Call("DELETE", _path(alert_id), reading(Alert), if_match=if_match)


def acknowledge_alert(alert_id: str, by: str) -> Call[Alert]:
    """Take note of a firing alert."""
    return Call("POST", _path(alert_id, "/acknowledge"), reading(Alert), body={"by": by})


def silence_alert(alert_id: str, until: Moment | None, for_: Length | None, by: str) -> Call[Alert]:
    """Silence an alert until a time or for some time."""
    body: dict[str, Any] = {"by": by}
    if until is not None:
        body["until"] = param("until", until) if isinstance(until, datetime) else until
    if for_ is not None:
        body["for"] = length_text(for_, "for")
    return Call("POST", _path(alert_id, "/silence"), reading(Alert), body=body)


def end_silence(alert_id: str, by: str) -> Call[Alert]:
    """End the silence of an alert."""
    return Call("POST", _path(alert_id, "/silence"), reading(Alert), body={"until": None, "by": by})


def test_alert(alert_id: str) -> Call[Records[ChannelTest]]:
    """Try the channels of an alert."""
    return Call("POST", _path(alert_id, "/test"), listing(ChannelTest, "results"), timeout_s=SLOWEST_TIMEOUT_S)


def alert_transitions_page(filters: Mapping[str, Filter]) -> Call[Page[Transition]]:
    """One page of changes of state."""
    return Call("GET", f"{ALERTS}/transitions", paging(Transition), params_of(filters))


def alert_notifications(alert_id: str) -> Call[Records[Notification]]:
    """The notifications of an alert."""
    return Call("GET", _path(alert_id, "/notifications"), listing(Notification))


def alert_metrics() -> Call[Records[AlertMetric]]:
    """What a condition may watch."""
    return Call("GET", f"{ALERTS}/metrics", listing(AlertMetric))


def _path(alert_id: str, rest: str = "") -> str:
    return f"{ALERTS}/{segment(alert_id, 'alert_id')}{rest}"
