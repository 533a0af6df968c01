"""What the API takes and gives about events."""

from __future__ import annotations

from pydantic import Field

from sidecar.api.events import Kind, Subject
from sidecar.api.schemas import PAGE_MAX, Out, Query, Text, Time


class EventsQuery(Query):
    """Filters of events in [since, until); all must hold."""

    since: Time | None = None
    until: Time | None = None
    model: Text | None = Field(None, description="a model, or one version: name@version")
    kind: Kind | None = None
    limit: int = Field(100, ge=1, le=PAGE_MAX)


class EventOut(Out):
    """Something that came about: a version's first traffic, its registration or promotion, a test of versions that
    began, changed its split, was paused, resumed or ended, an alert that fired, a baseline that was set.

    ``text`` says so for people. ``model`` and ``version`` are what it is about, ``model_id`` both as one name; all are
    empty for the sidecar itself, and ``*`` is every model. ``subject`` and ``id`` are what to look at.
    """

    at: float
    kind: Kind
    model: str
    version: str
    model_id: str
    text: str
    subject: Subject
    id: str


class EventsOut(Out):
    """Newest first: what came before is found with the last one's ``at`` as ``until``."""

    items: list[EventOut]
