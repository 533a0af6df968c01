"""The calls about figures of the moment and figures over time: what to send and how to read the answer."""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.client.calls import Call, Filter, listing, params_of, reading
from sidecar.client.records import Live, TimeSeriesPoint
from sidecar.client.results import Records

EVENTS = "text/event-stream"
SILENCE_S_MAX = 45.0
"""How long a stream may be silent: something comes every 15 s at least."""


def live(interval_s: float, model: str | None) -> Call[Live]:
    """Figures as they come."""
    asked = params_of({"interval_s": interval_s, "model": model})
    return Call("GET", "/api/v1/live", reading(Live), asked, timeout_s=SILENCE_S_MAX, media_types=(EVENTS,))


def live_snapshot(model: str | None) -> Call[Live]:
    """Figures of now."""
    return Call("GET", "/api/v1/live/snapshot", reading(Live), params_of({"model": model}))


def time_series(question: Mapping[str, Filter]) -> Call[Records[TimeSeriesPoint]]:
    """One figure over time."""
    return Call("GET", "/api/v1/time-series", listing(TimeSeriesPoint), params_of(question))
