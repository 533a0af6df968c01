"""Records of alerts.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.results import ByName, Document, Figure, Record, Records, Time


class ChannelDelivery(Record):
    """Whether a channel can be reached; ``warning`` says what to set where it can't."""

    channel: str
    configured: bool
    warning: str


class Alert(Record):
    """An alert and how it stands. ``value`` and ``samples`` are of the latest evaluation, null without data.

    ``since`` is when the state began. ``silenced_until`` null: not silenced. ``flapping``: it fires and resolves so
    often that notices are held back.
    """

    id: str
    alert_id: str
    model_id: str
    slice: str
    name: str
    condition: Document
    notify: list[str]
    delivery: Records[ChannelDelivery]
    origin: Literal["user", "default"]
    enabled: bool
    created_at: Time
    updated_at: Time
    state: Literal["inactive", "pending", "firing", "resolved"]
    since: Time | None
    value: float | None
    samples: int | None
    detail: ByName[float | None]
    sentence: str
    acknowledged_by: str | None
    acknowledged_at: Time | None
    silenced_until: Time | None
    flapping: bool
    etag: str


class PreviewFiring(Record):
    """One time an alert would have fired. ``until`` null: it still does. ``peak_value`` is the worst value meanwhile,
    null where there was none; ``sentence`` is what it would have told when it began."""

    since: Time
    until: Time | None
    peak_value: Figure
    peak_at: Time
    sentence: str


class PreviewPoint(Record):
    """The value to draw, null where there was nothing to judge: the worst of its part of the time. It is a breach below
    ``low`` or above ``high``; null: there is no such side, or it is not known."""

    at: Time
    value: Figure
    low: float | None
    high: float | None


class PreviewThresholds(Record):
    """Below ``low`` or above ``high`` the latest value is a breach, in the metric's unit; null: no such side."""

    low: float | None
    high: float | None


class AlertPreview(Record):
    """When an alert would have fired, as the monitor judges it. ``since`` is where the record begins, if that is within
    the period; ``step_s`` the time between two looks. ``fired`` counts all firings, of which the latest 200 are listed,
    ``firing_s`` is their length together, ``state`` the one at the end. ``limitations`` say what the past can't tell.
    """

    model_id: str
    slice: str
    condition: Document
    unit: str
    since: Time
    until: Time
    step_s: int
    fired: int
    firing_s: float
    state: Literal["inactive", "pending", "firing", "resolved"]
    firings: Records[PreviewFiring]
    points: Records[PreviewPoint]
    thresholds: PreviewThresholds
    sentence: str
    limitations: list[str]


class ChannelTest(Record):
    """How the test of one channel went."""

    channel: str
    ok: bool
    error: str


class Transition(Record):
    """One change of an alert's state."""

    id: int
    alert_id: str
    name: str
    model_id: str
    at: Time
    from_state: Literal["inactive", "pending", "firing", "resolved"]
    to_state: Literal["inactive", "pending", "firing", "resolved"]
    value: float | None
    sentence: str


class Notification(Record):
    """A notice to one channel. Neither ``sent_at`` nor ``gave_up_at``: it is waiting."""

    id: int
    channel: str
    kind: Literal["firing", "resolved", "flapping", "settled"]
    queued_at: Time
    sent_at: Time | None
    attempts: int
    gave_up_at: Time | None
    error: str


class AlertMetric(Record):
    """What a condition may watch. ``samples`` is what ``min_samples`` counts, empty where no minimum applies;
    ``compare`` what a threshold can be held against."""

    metric: str
    unit: str
    source: Literal["summaries", "drift", "sidecar", "trials"]
    samples: str
    description: str
    operators: list[str]
    compare: list[str]
    needs_class: bool
