"""Records of trials.

Made by tests/client/generate_records.py: change the API's types and make it anew.
"""

from __future__ import annotations

from typing import Literal

from sidecar.client.results import ByName, Record, Records, Time


class TrialVariant(Record):
    """One of the versions of a test. ``variant`` is the upstream, ``id`` what people call it: ``name@version``, or the
    variant where the version is not known. ``share`` is what it gets now."""

    id: str
    variant: str
    version: str
    share: float


class TrialEpoch(Record):
    """A time without a change of what traffic goes where. ``shares`` are by variant; ``until`` null: it lasts."""

    number: int
    since: Time
    until: Time | None
    shares: ByName[float]
    reason: str


class Trial(Record):
    """What both kinds of test have. ``running_s`` is how long a treatment (or the shadow) has had traffic; ``reason``
    says why it ended, ``promoted`` which version was made to serve. ``ends_at`` is null while it has no end in sight:
    it is paused, over, or runs until it is stopped."""

    id: str
    name: str
    model: str
    serving: str
    status: Literal["running", "paused", "completed", "stopped", "concluded"]
    duration_days: float | None
    origin: Literal["api", "config"]
    created_at: Time
    ends_at: Time | None
    ended_at: Time | None
    running_s: float
    reason: str
    promoted: str | None
    promoted_at: Time | None
    epochs: Records[TrialEpoch]
    warnings: list[str]
    etag: str


class TrialResults(Record):
    """What the results of both kinds have. ``frozen``: the test is over, and these are what it came to by ``at``."""

    id: str
    name: str
    status: Literal["running", "paused", "completed", "stopped", "concluded"]
    frozen: bool
    at: Time
