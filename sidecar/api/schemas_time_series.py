"""What the API takes and gives about figures over time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidecar.api.schemas import Out, Query, Text, Time
from sidecar.api.time_series import Metric


class TimeSeriesQuery(Query):
    """Which figure, in buckets of ``width_s`` in [since, until). The default is the last hour, and the finest width
    that makes no more than 500 buckets of it."""

    metric: Metric = Field(examples=["avg_confidence"])
    label: Text = Field("", description="the class that class_count and class_share are of")
    since: Time | None = None
    until: Time | None = None
    width_s: Literal["10", "60", "3600", "86400"] | None = Field(None, description="width of a bucket in seconds")
    model: Text | None = None
    version: Text | None = None


class TimeSeriesPoint(Out):
    """The figure of one bucket of one model version in one role; null where there is nothing to make it of."""

    at: float
    model: str
    version: str
    role: str
    value: float | None


class TimeSeriesOut(Out):
    """Points in order of time. ``unit`` is that of the values; ``unreadable`` counts rows another release wrote in a
    form this one can't read."""

    metric: Metric
    label: str
    unit: str
    since: float
    until: float
    width_s: int
    items: list[TimeSeriesPoint]
    unreadable: int
