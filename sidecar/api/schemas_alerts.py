"""What the API takes and gives about alerts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.json_schema import WithJsonSchema

from sidecar.api.schemas import PAGE_MAX, Body, Described, Etag, Line, Name, Out, Query, Text, Time
from sidecar.api.schemas_drift import Period
from sidecar.api.schemas_judged import CHANNEL_PATTERN, CONDITION, duration
from sidecar.durations import duration_text, parse_duration

CHANNELS_MAX = 20
"""Channels one alert may notify."""
CHANNEL_CHARS_MAX = 2_048
SILENCE_S_MAX = 90 * 86_400.0
PREVIEW_PERIOD = "7d"

State = Literal["inactive", "pending", "firing", "resolved"]


def _silence_s(value: Any) -> float:
    seconds = parse_duration(value)
    if not 0 < seconds <= SILENCE_S_MAX:
        raise ValueError(f"must be over 0s and at most {duration_text(SILENCE_S_MAX)}")
    return seconds


AlertModelId = Annotated[Text, Field(description="a model's name, name@version, or empty: the sidecar itself")]
Channel = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=CHANNEL_CHARS_MAX),
    Described({"pattern": CHANNEL_PATTERN}),
]
Channels = Annotated[list[Channel], Field(max_length=CHANNELS_MAX)]
Length = Annotated[float, BeforeValidator(_silence_s), WithJsonSchema(duration("up to 90d", SILENCE_S_MAX, some=True))]
ConditionGiven = Annotated[dict[str, Any], WithJsonSchema(CONDITION)]


class AlertBody(Body):
    """An alert; ``condition`` is judged by the rules of docs/alerts.md."""

    model_id: AlertModelId
    name: Name
    condition: ConditionGiven
    notify: Channels = Field(default_factory=list)
    slice: Text = ""
    enabled: bool = True


class PreviewBody(Body):
    """An alert that may be made: ``condition`` as of one, and the past to look at, 30 days at most."""

    model_id: Annotated[Text, Field(description="a model's name, or name@version")]
    condition: ConditionGiven
    slice: Text = ""
    period: Period = PREVIEW_PERIOD


def _without_default(schema: dict[str, Any]) -> None:
    """What is left out stays as it is: "" stands for that here, and is no name."""
    schema.pop("default", None)


class AlertChangeBody(Body):
    """What to change, at least one of them; the rest stays."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: Annotated[Name, Field(json_schema_extra=_without_default)] = ""
    condition: ConditionGiven = Field(default_factory=dict, json_schema_extra=_without_default)
    notify: Channels = Field(default_factory=list)
    enabled: bool = True


class AlertsQuery(Query):
    """Filters of alerts; both must hold."""

    model_id: Text | None = None
    state: State | None = None


class AcknowledgeBody(Body):
    """Who takes note."""

    by: Name


class SilenceBody(Body):
    """One of ``until`` (a time in the future; null ends the silence) and ``for``, a length of time such as ``2h``."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["until"]}, {"required": ["for"]}]})

    until: Time | None = None
    for_s: Length = Field(0.0, alias="for", json_schema_extra=_without_default)
    by: Line = ""


class TransitionsQuery(Query):
    """Whose transitions; both must hold."""

    alert_id: Text | None = None
    model_id: Text | None = None
    cursor: Text | None = None
    limit: int = Field(100, ge=1, le=PAGE_MAX)


class ChannelDelivery(Out):
    """Whether a channel can be reached; ``warning`` says what to set where it can't."""

    channel: str
    configured: bool
    warning: str


class Alert(Out):
    """An alert and how it stands. ``value`` and ``samples`` are of the latest evaluation, null without data.

    ``since`` is when the state began. ``silenced_until`` null: not silenced. ``flapping``: it fires and resolves so
    often that notices are held back.
    """

    id: str
    alert_id: str
    model_id: str
    slice: str
    name: str
    condition: dict[str, Any]
    notify: list[str]
    delivery: list[ChannelDelivery]
    origin: Literal["user", "default"]
    enabled: bool
    created_at: float
    updated_at: float
    state: State
    since: float | None
    value: float | None
    samples: int | None
    detail: dict[str, float | None]
    sentence: str
    acknowledged_by: str | None
    acknowledged_at: float | None
    silenced_until: float | None
    flapping: bool
    etag: Etag


class AlertsOut(Out):
    """Alerts."""

    items: list[Alert]


class PreviewFiring(Out):
    """One time an alert would have fired. ``until`` null: it still does. ``peak_value`` is the worst value meanwhile,
    null where there was none; ``sentence`` is what it would have told when it began."""

    since: float
    until: float | None
    peak_value: float | None
    peak_at: float
    sentence: str


class PreviewPoint(Out):
    """The value to draw, null where there was nothing to judge: the worst of its part of the time. It is a breach below
    ``low`` or above ``high``; null: there is no such side, or it is not known."""

    at: float
    value: float | None
    low: float | None
    high: float | None


class PreviewThresholds(Out):
    """Below ``low`` or above ``high`` the latest value is a breach, in the metric's unit; null: no such side."""

    low: float | None
    high: float | None


class AlertPreview(Out):
    """When an alert would have fired, as the monitor judges it. ``since`` is where the record begins, if that is within
    the period; ``step_s`` the time between two looks. ``fired`` counts all firings, of which the latest 200 are listed,
    ``firing_s`` is their length together, ``state`` the one at the end. ``limitations`` say what the past can't tell.
    """

    model_id: str
    slice: str
    condition: dict[str, Any]
    unit: str
    since: float
    until: float
    step_s: int
    fired: int
    firing_s: float
    state: State
    firings: list[PreviewFiring]
    points: list[PreviewPoint]
    thresholds: PreviewThresholds
    sentence: str
    limitations: list[str]


class ChannelTest(Out):
    """How the test of one channel went."""

    channel: str
    ok: bool
    error: str


class ChannelTests(Out):
    """How the test of every channel went."""

    results: list[ChannelTest]


class Transition(Out):
    """One change of an alert's state."""

    id: int
    alert_id: str
    name: str
    model_id: str
    at: float
    from_state: State
    to_state: State
    value: float | None
    sentence: str


class TransitionsPage(Out):
    """Newest first. ``next`` is the ``cursor`` of the page after this one, null on the last."""

    items: list[Transition]
    next: str | None


class Notification(Out):
    """A notice to one channel. Neither ``sent_at`` nor ``gave_up_at``: it is waiting."""

    id: int
    channel: str
    kind: Literal["firing", "resolved", "flapping", "settled"]
    queued_at: float
    sent_at: float | None
    attempts: int
    gave_up_at: float | None
    error: str


class NotificationsOut(Out):
    """Notifications, newest first."""

    items: list[Notification]


class AlertMetric(Out):
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


class AlertMetricsOut(Out):
    """The catalogue of metrics."""

    items: list[AlertMetric]
