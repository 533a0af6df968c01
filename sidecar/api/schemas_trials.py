"""What the API takes and gives about A/B tests and shadow tests alike."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from sidecar.api.schemas import PRINTABLE, PRINTABLE_SOME, Body, Etag, Line, Out, Query, Text, one_line, some_line
from sidecar.experiments.lifecycle import Status

TrialName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(some_line), PRINTABLE_SOME]
TrialId = Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
VersionId = Annotated[Text, Field(min_length=1, description="name@version, or an upstream's name")]
Note = Annotated[str, Field(max_length=500), AfterValidator(one_line), PRINTABLE]
Config = Annotated[dict[str, Any], Field(default_factory=dict)]


class TrialsQuery(Query):
    """Filters of tests; both must hold."""

    model_id: Text | None = None
    status: Status | None = None


class ReasonBody(Body):
    """Why; it is kept with the test."""

    reason: Line = ""


class EmptyBody(Body):
    """An empty JSON object."""


class TrialVariant(Out):
    """One of the versions of a test. ``variant`` is the upstream, ``id`` what people call it: ``name@version``, or the
    variant where the version is not known. ``share`` is what it gets now."""

    id: str
    variant: str
    version: str
    share: float


class TrialEpoch(Out):
    """A time without a change of what traffic goes where. ``shares`` are by variant; ``until`` null: it lasts."""

    number: int
    since: float
    until: float | None
    shares: dict[str, float]
    reason: str


class TrialOut(Out):
    """What both kinds of test have. ``running_s`` is how long a treatment (or the shadow) has had traffic; ``reason``
    says why it ended, ``promoted`` which version was made to serve. ``ends_at`` is null while it has no end in sight:
    it is paused, over, or runs until it is stopped."""

    id: TrialId
    name: str
    model: str
    serving: str
    status: Status
    duration_days: float | None
    origin: Literal["api", "config"]
    created_at: float
    ends_at: float | None
    ended_at: float | None
    running_s: float
    reason: str
    promoted: str | None
    promoted_at: float | None
    epochs: list[TrialEpoch]
    warnings: list[str]
    etag: Etag


class TrialResults(Out):
    """What the results of both kinds have. ``frozen``: the test is over, and these are what it came to by ``at``."""

    id: TrialId
    name: str
    status: Status
    frozen: bool
    at: float
